/**
 * Values as Python, for code that people paste.
 *
 * @module
 */

/** A value as a Python literal. */
export function python(value: unknown): string {
  if (value === null || value === undefined) return "None";
  if (value === true) return "True";
  if (value === false) return "False";
  if (typeof value === "number") return numberText(value);
  if (typeof value === "string") return text(value);
  if (Array.isArray(value)) return `[${value.map(python).join(", ")}]`;
  return `{${Object.entries(value as object).map(([key, element]) => `${text(key)}: ${python(element)}`).join(", ")}}`;
}

function numberText(value: number): string {
  if (Number.isNaN(value)) return 'float("nan")';
  if (!Number.isFinite(value)) return `float("${value < 0 ? "-" : ""}inf")`;
  return String(value);
}

// JSON's escapes are Python's, but for what it leaves as it is: a line's end may hide in a text as U+2028.
function text(value: string): string {
  return JSON.stringify(value).replace(/[\u007f-\uffff]/g, (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** Says which options of a recipe cannot be keywords: code that is pasted must not hold what came as a name. */
export function checkNames(value: unknown, fault: (sentence: string) => void, isNamed = false): void {
  if (Array.isArray(value)) return value.forEach((element) => checkNames(element, fault));
  if (typeof value !== "object" || value === null) return;
  for (const [key, element] of Object.entries(value)) {
    if (isNamed && !/^[A-Za-z_]\w*$/.test(key)) fault(`option ${python(key.slice(0, 60))} is no name`);
    checkNames(element, fault, key === "options");
  }
}

/** Keyword arguments, those that are undefined left out. */
export function keywords(values: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(values).filter(([, value]) => value !== undefined).map(([key, value]) => `${key}=${python(value)}`);
}

/** A call, on one line where it is short. */
export function call(name: string, args: readonly string[], indent = ""): string {
  const flat = `${name}(${args.join(", ")})`;
  if (flat.length + indent.length <= 100) return flat;
  return `${name}(\n${args.map((arg) => `${indent}    ${arg.replaceAll("\n", "\n    ")},\n`).join("")}${indent})`;
}
