/**
 * Rule texts → statements: the syntax of the rule language, and nothing of its meaning.
 *
 * ```text
 * line  = name ("=" | "+=" | "-=" | "*=" | "/=") expr        # comment
 * expr  = sum [("<" | "<=" | ">" | ">=" | "==" | "!=") sum]
 * sum   = + - * / ( ) unary "-" number name f(expr, …)       left to right, never regrouped
 * ```
 *
 * @module
 */
import type { Expr, Statement } from "../types.ts";

/**
 * Functions of the language and how many arguments they take. `max` of one argument reduces. `fma(a, b, c)` is a*b + c with the product
 * exact (in float64): some references compute so.
 */
export const functions: Readonly<Record<string, readonly number[]>> = {
  abs: [1],
  sqrt: [1],
  sign: [1],
  min: [2],
  max: [1, 2],
  clamp: [3],
  fma: [3],
  where: [3],
  round: [1],
  pow: [2],
  exp: [1],
  log: [1],
  cos: [1],
  floor: [1],
  sum: [1],
  mean: [1],
  norm: [1],
  rms: [1],
  rowsum: [1],
  rowmean: [1],
  rownorm: [1],
  rowrms: [1],
  rowmax: [1],
  colsum: [1],
  colmean: [1],
  colnorm: [1],
  colrms: [1],
  colmax: [1],
  allsum: [1],
  allmean: [1],
  allnorm: [1],
  allrms: [1],
  allmax: [1],
};

/** A mistake in a rule text: where it is, which name, what is known there. */
export function mistake(message: string, at: { line: number; name: string; known?: readonly string[]; scope?: string }): SyntaxError {
  const where = at.scope ? `line ${at.line} of ${at.scope}` : `line ${at.line}`;
  const known = at.known ? `: known are ${at.known.join(", ")}` : "";
  return Object.assign(new SyntaxError(`Cannot read the rule, ${where}: ${message}${known}`), {
    line: at.line,
    name: at.name,
    known: at.known ?? [],
    ...(at.scope !== undefined && { scope: at.scope }),
  });
}

// A hostile text must not overflow the stack or the compiler's time: both are bounded here, far above any real rule.
const mostDepth = 100;
const mostLength = 100_000;
const mostTokens = 1_000;

const token = /\s*(?:(\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)|([A-Za-z_][A-Za-z_0-9]*)|([-+*/]=|[<>=!]=|[-+*/()<>=,]))/y;

interface Token {
  readonly kind: "number" | "name" | "op" | "end";
  readonly text: string;
}

function tokenize(text: string, line: number, scope: string): Token[] {
  const tokens: Token[] = [];
  token.lastIndex = 0;
  const end = text.trimEnd().length;
  while (token.lastIndex < end) {
    const from = token.lastIndex;
    const match = token.exec(text);
    if (match === null) {
      const bad = text.slice(from).trimStart()[0];
      throw mistake(`unexpected ${JSON.stringify(bad)}`, { line, name: bad, scope });
    }
    const [, number, name, op] = match;
    if (number !== undefined) tokens.push({ kind: "number", text: number });
    else if (name !== undefined) tokens.push({ kind: "name", text: name });
    else tokens.push({ kind: "op", text: op });
  }
  if (tokens.length > mostTokens) {
    throw mistake(`the line has ${tokens.length} words, at most ${mostTokens} are read`, { line, name: tokens[0].text, scope });
  }
  tokens.push({ kind: "end", text: "the end of the line" });
  return tokens;
}

/** Parses a text. Names belong to `scope`; mistakes in meaning are found later, by `compile`. */
export function parse(text: string, scope: string): Statement[] {
  if (text.length > mostLength) {
    throw mistake(`the text has ${text.length} characters, at most ${mostLength} are read`, { line: 1, name: "", scope });
  }
  const statements: Statement[] = [];
  text.split("\n").forEach((raw, index) => {
    const source = raw.replace(/#.*/s, "");
    if (source.trim() !== "") statements.push(parseLine(source, index + 1, scope));
  });
  return statements;
}

function parseLine(source: string, line: number, scope: string): Statement {
  const tokens = tokenize(source, line, scope);
  let at = 0;
  let depth = 0;
  const peek = (): string => tokens[at].kind === "op" ? tokens[at].text : "";
  const fail = (wanted: string): never => {
    const { text } = tokens[at];
    throw mistake(`expected ${wanted}, found ${tokens[at].kind === "end" ? text : JSON.stringify(text)}`, { line, name: text, scope });
  };
  const eat = (op: string): void => {
    if (peek() !== op) fail(JSON.stringify(op));
    at++;
  };
  const call = (f: string, ...args: Expr[]): Expr => ({ kind: "call", f, args });

  const primary = (): Expr => {
    const { kind, text } = tokens[at];
    if (kind === "number") return at++, { kind: "number", value: Number(text) };
    if (kind === "op" && text === "(") {
      at++;
      const inner = expression();
      eat(")");
      return inner;
    }
    if (kind !== "name") return fail("a number, a name or (");
    at++;
    if (peek() !== "(") return { kind: "name", name: text };
    const arities = Object.hasOwn(functions, text) ? functions[text] : undefined;
    if (arities === undefined) {
      throw mistake(`"${text}" is no function`, { line, name: text, known: Object.keys(functions), scope });
    }
    at++;
    const args = [expression()];
    while (peek() === ",") at++, args.push(expression());
    eat(")");
    if (!arities.includes(args.length)) {
      throw mistake(`${text} takes ${arities.join(" or ")} argument(s), not ${args.length}`, { line, name: text, scope });
    }
    return { kind: "call", f: text, args };
  };
  const unary = (): Expr => {
    if (++depth > mostDepth) throw mistake(`nested deeper than ${mostDepth}`, { line, name: tokens[at].text, scope });
    let value: Expr;
    if (peek() === "-") {
      at++;
      value = call("neg", unary());
    } else {
      value = primary();
    }
    depth--;
    return value;
  };
  const product = (): Expr => {
    let left = unary();
    for (let op = peek(); op === "*" || op === "/"; op = peek()) at++, left = call(op, left, unary());
    return left;
  };
  const sum = (): Expr => {
    let left = product();
    for (let op = peek(); op === "+" || op === "-"; op = peek()) at++, left = call(op, left, product());
    return left;
  };
  const expression = (): Expr => {
    const left = sum();
    const op = peek();
    if (!["<", "<=", ">", ">=", "==", "!="].includes(op)) return left;
    at++;
    return call(op, left, sum());
  };

  let name: string | null = null;
  let op = "";
  if (tokens[0].kind === "name" && ["=", "+=", "-=", "*=", "/="].includes(tokens[1].text)) {
    name = tokens[0].text;
    op = tokens[1].text;
    at = 2;
  }
  const right = expression();
  if (tokens[at].kind !== "end") fail(name === null ? "an assignment" : "an operator");
  const expr = name === null || op === "=" ? right : call(op[0], { kind: "name", name }, right);
  return { name, expr, line, scope };
}
