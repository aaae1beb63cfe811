/**
 * Values, names and sentences as they may stand in code. They may come from anybody's link: whatever they hold, in code they are one string, or one
 * line of a comment, and nothing that is run.
 *
 * @module
 */

// What ends a line somewhere, what shows nothing, and what turns the order of the text around it, so that code would read otherwise than it runs.
const unseen =
  // deno-lint-ignore no-control-regex
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff]/g;

/** A string of JavaScript, TypeScript or Python. */
export function quote(text: string): string {
  return escapeUnseen(JSON.stringify(text));
}

/** A text in one line, for a comment. */
export function oneLine(text: string): string {
  return escapeUnseen(text);
}

/** A text as the words of a Markdown link, or between two of them. */
export function markdown(text: string): string {
  return escapeUnseen(text).replace(/[\\`*[\]<>!&|~]/g, (sign) => `\\${sign}`);
}

/** An address as it may stand in a string, in Markdown's brackets, and in a shell's double quotes. */
export function plainUrl(url: string): string {
  const [, origin, path] = /^([a-z]+:\/\/[^/]*)([^]*)$/.exec(url) ?? ["", "", url];
  return origin + path.replace(/[^\w.~:/?#@&+,;=%-]/gu, (sign) => encodeURIComponent(sign).replace(/[!'()*]/g, (one) => `%${hex(one, 2)}`));
}

function escapeUnseen(text: string): string {
  // Signs of two halves are whole after this, and stay.
  return text.replace(/[\ud800-\udbff][\udc00-\udfff]|[^]/g, (sign) => {
    return sign.length > 1 || sign.search(unseen) < 0 ? sign : `\\u${hex(sign, 4)}`;
  });
}

function hex(sign: string, digits: number): string {
  return sign.charCodeAt(0).toString(16).padStart(digits, "0");
}

/** A value as TypeScript, with short things on one line. */
export function literal(value: unknown, indent = ""): string {
  if (Array.isArray(value)) {
    const items = value.map((item) => literal(item, `${indent}  `));
    return broken("[", items, "]", indent) ?? `[${items.join(", ")}]`;
  }
  if (typeof value === "string") return quote(value);
  if (typeof value !== "object" || value === null) return numberOr(value, "-0", () => JSON.stringify(value) ?? "undefined");
  const entries = Object.entries(value).filter(([, item]) => item !== undefined)
    .map(([key, item]) => `${keyOf(key)}: ${literal(item, `${indent}  `)}`);
  if (entries.length === 0) return "{}";
  return broken("{", entries, "}", indent) ?? `{ ${entries.join(", ")} }`;
}

function keyOf(key: string): string {
  // As a plain key it would be the object's prototype.
  if (key === "__proto__") return '["__proto__"]';
  return /^[A-Za-z_$][\w$]*$/.test(key) ? key : quote(key);
}

function broken(open: string, items: readonly string[], close: string, indent: string): string | undefined {
  const long = items.some((item) => item.includes("\n")) || items.join(", ").length > 90;
  return long ? `${open}\n${items.map((item) => `${indent}  ${item},\n`).join("")}${indent}${close}` : undefined;
}

/** A value as Python. */
export function pythonLiteral(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(pythonLiteral).join(", ")}]`;
  if (typeof value === "string") return quote(value);
  if (value === null || value === undefined) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value === "object") {
    return `{${Object.entries(value).map(([key, item]) => `${quote(key)}: ${pythonLiteral(item)}`).join(", ")}}`;
  }
  return numberOr(value, "-0.0", () => String(value));
}

function numberOr(value: unknown, negativeZero: string, write: () => string): string {
  return Object.is(value, -0) ? negativeZero : write();
}
