/**
 * What somebody pastes, as a value: JSON, a Python dictionary or call as consoles print them, or lines of `key: value` as `args.yaml` has them. Nothing
 * of it is run. Long, deep and wide texts are refused before they are read.
 *
 * @module
 */

/** Characters that are read. */
export const longestPaste = 200_000;
const deepest = 32;
const mostValues = 20_000;

/** The value of a text; SyntaxError where it is none. */
export function readPasted(text: string): unknown {
  if (text.length > longestPaste) throw new SyntaxError(`it has ${text.length} characters, and at most ${longestPaste} are read`);
  const trimmed = text.trim();
  if (trimmed === "") throw new SyntaxError("there is nothing in it");
  return /^(?:#[^\n]*\n\s*)*(?:[{[("']|[A-Za-z_][\w.]{0,100}\()/.test(trimmed) ? readLiteral(trimmed) : readLines(trimmed);
}

/** JSON and Python's literals are read alike: quotes of both kinds, tuples, True and None, `Infinity` and `inf`, names as they are printed. */
function readLiteral(text: string): unknown {
  let at = 0;
  let values = 0;
  const fail = (what: string): never => {
    const line = text.slice(0, at).split("\n").length;
    throw new SyntaxError(
      `${what} in line ${line}${at < text.length ? `, at ${JSON.stringify(text.slice(at, at + 20))}` : ", where it ends"}`,
    );
  };
  const skip = (): void => {
    for (;;) {
      while (at < text.length && /\s/.test(text[at])) at++;
      if (text[at] !== "#") return;
      while (at < text.length && text[at] !== "\n") at++;
    }
  };
  const take = (sign: string): boolean => {
    skip();
    if (text[at] !== sign) return false;
    at++;
    return true;
  };
  /** Elements up to a closing sign, with commas between them and perhaps one behind. */
  const elements = (close: string, element: () => void): void => {
    while (!take(close)) {
      element();
      if (take(close)) return;
      if (!take(",")) fail(`"," or "${close}" is missing`);
    }
  };
  const word = (): string => {
    const [found] = /^[A-Za-z_][\w.]*/.exec(text.slice(at, at + 200)) ?? [""];
    at += found.length;
    return found;
  };
  const value = (depth: number): unknown => {
    if (depth > deepest) fail(`it nests deeper than ${deepest}`);
    if (++values > mostValues) fail(`it has more than ${mostValues} values`);
    skip();
    const sign = text[at];
    if (sign === "{") {
      at++;
      return record("}", depth, ":");
    }
    if (sign === "[" || sign === "(") {
      at++;
      const list: unknown[] = [];
      elements(sign === "[" ? "]" : ")", () => list.push(value(depth + 1)));
      return list;
    }
    if (sign === '"' || sign === "'") return quoted(sign);
    const [number] = /^[+-]?(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?/.exec(text.slice(at, at + 60)) ?? [];
    if (number !== undefined) {
      at += number.length;
      return Number(number.replaceAll("_", ""));
    }
    // <SchedulerType.LINEAR: 'linear'>, as Python prints what is in an enum.
    if (take("<")) {
      word();
      const inner = take(":") ? value(depth + 1) : null;
      if (!take(">")) fail('">" is missing');
      return inner;
    }
    const isNegative = sign === "-" && (at++, true);
    const name = word();
    if (name === "") return fail("no value");
    return named(name, depth, isNegative);
  };
  const named = (name: string, depth: number, isNegative: boolean): unknown => {
    switch (name) {
      case "true":
      case "True":
        return true;
      case "false":
      case "False":
        return false;
      case "null":
      case "None":
        return null;
      case "NaN":
      case "nan":
        return NaN;
      case "Infinity":
      case "inf":
        return isNegative ? -Infinity : Infinity;
    }
    if (!take("(")) return name; // as IntervalStrategy.STEPS
    if (name === "dict" || name === "Namespace" || name.endsWith("Arguments") || name.endsWith("Config")) return record(")", depth, "=");
    // A Counter or an OrderedDict is what it is made of; anything else, as a tensor, is not read.
    const of: unknown[] = [];
    elements(")", () => of.push(value(depth + 1)));
    if (name.endsWith("Counter") || name.endsWith("OrderedDict")) return of[0] ?? {};
    return fail(`"${name.slice(0, 40)}(…)" is not read,`);
  };
  const record = (close: string, depth: number, between: ":" | "="): Record<string, unknown> => {
    const made: Record<string, unknown> = {};
    elements(close, () => {
      skip();
      const sign = text[at];
      const isQuoted = sign === '"' || sign === "'";
      const key = isQuoted ? quoted(sign) : between === "=" ? word() : String(value(depth + 1));
      if (key === "" && !isQuoted) fail("a key is missing");
      if (!take(between)) fail(`"${between}" is missing`);
      Object.defineProperty(made, key, { value: value(depth + 1), enumerable: true, configurable: true, writable: true });
    });
    return made;
  };
  const quoted = (quote: string): string => {
    let read = "";
    for (at++; at < text.length && text[at] !== quote; at++) {
      if (text[at] !== "\\") {
        read += text[at];
        continue;
      }
      at++;
      const [code] = /^u[0-9a-fA-F]{4}|^x[0-9a-fA-F]{2}/.exec(text.slice(at, at + 5)) ?? [];
      if (code !== undefined) {
        read += String.fromCharCode(parseInt(code.slice(1), 16));
        at += code.length - 1;
      } else read += escapes[text[at]] ?? text[at];
    }
    if (text[at] !== quote) fail("a text does not end");
    at++;
    return read;
  };
  const read = value(0);
  skip();
  if (at < text.length) fail("there is more behind its end");
  return read;
}

const escapes: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r", b: "\b", f: "\f" };

/** `key: value` or `key=value` in each line, and lists with a hyphen in each, as YAML without nesting. */
function readLines(text: string): unknown {
  const made: Record<string, unknown> = {};
  let list: unknown[] | undefined;
  for (const [i, raw] of text.split(/\r?\n/).entries()) {
    const line = raw.replace(/(^|\s)#.*$/, "").trimEnd();
    if (line.trim() === "" || line.trim() === "---") continue;
    const [, element] = /^\s*-\s+(.*)$/.exec(line) ?? [];
    if (element !== undefined) {
      if (list === undefined) throw new SyntaxError(`line ${i + 1} is an element of no list`);
      list.push(scalar(element));
      continue;
    }
    const [, key, value] = /^\s*(?:--)?([\w.-]+)\s*[:=\s]\s*(.*?),?$/.exec(line) ?? [];
    if (key === undefined) throw new SyntaxError(`line ${i + 1} is no "key: value"`);
    list = value === "" ? [] : undefined;
    const read = list ?? scalar(value);
    Object.defineProperty(made, key.replaceAll("-", "_"), { value: read, enumerable: true, configurable: true, writable: true });
  }
  return made;
}

/** A value on one line: a literal, or a text without quotes. */
function scalar(text: string): unknown {
  if (text === "~") return null;
  try {
    return readLiteral(text);
  } catch {
    return text;
  }
}
