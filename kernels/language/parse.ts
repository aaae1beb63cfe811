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
import { type Callable, functions, operators } from "../tables/ops.ts";
import { hintAt, mistake } from "./mistake.ts";
import type { Expr, Statement } from "./statement.ts";

// A hostile text must not overflow the stack or the compiler's time: both are bounded here, far above any real rule.
const mostDepth = 100;
const mostLength = 100_000;
const mostTokens = 1_000;

// A sum or a product may be assigned: a += b.
const assignments: ReadonlySet<string> = /* @__PURE__ */ assignmentTable();

function assignmentTable(): Set<string> {
  return new Set(["=", ...[...operators].filter(([, level]) => level !== "comparison").map(([op]) => `${op}=`)]);
}

const token: RegExp = /* @__PURE__ */ tokenPattern();

/** A number, a name or a symbol; of two symbols that begin alike the longer one. */
function tokenPattern(): RegExp {
  const symbols = [...assignments, ...operators.keys(), "(", ")", ","].sort((a, b) => b.length - a.length);
  const symbol = symbols.map((text) => text.replace(/[^<>=!,]/g, "\\$&")).join("|");
  return new RegExp(`\\s*(?:(\\d+\\.?\\d*(?:[eE][+-]?\\d+)?|\\.\\d+(?:[eE][+-]?\\d+)?)|([A-Za-z_][A-Za-z_0-9]*)|(${symbol}))`, "y");
}

interface Token {
  readonly kind: "number" | "name" | "op" | "end";
  readonly text: string;
  /** Where it begins in its line. */
  readonly offset: number;
}

function tokenize(text: string, line: number, scope: string): Token[] {
  const tokens: Token[] = [];
  token.lastIndex = 0;
  const end = text.trimEnd().length;
  while (token.lastIndex < end) {
    const from = token.lastIndex;
    const match = token.exec(text);
    if (match === null) {
      const rest = text.slice(from).trimStart();
      const hint = hintAt(text, text.length - rest.length);
      throw mistake(`unexpected ${JSON.stringify(rest[0])}${hint}`, { line, name: rest[0], scope });
    }
    const [, number, name, op] = match;
    const word = number ?? name ?? op;
    const kind = number !== undefined ? "number" : name !== undefined ? "name" : "op";
    tokens.push({ kind, text: word, offset: token.lastIndex - word.length });
  }
  if (tokens.length > mostTokens) {
    throw mistake(`the line has ${tokens.length} words, at most ${mostTokens} are read`, { line, name: tokens[0].text, scope });
  }
  tokens.push({ kind: "end", text: "the end of the line", offset: end });
  return tokens;
}

/**
 * Parses a text. Names belong to `scope`; mistakes in meaning are found later, by `compile`. Lines are counted on from `linesBefore`, where the text is a
 * part of a longer one.
 */
export function parse(text: string, scope: string, linesBefore = 0): Statement[] {
  if (text.length > mostLength) {
    throw mistake(`the text has ${text.length} characters, at most ${mostLength} are read`, { line: 1, name: "", scope });
  }
  const statements: Statement[] = [];
  text.split("\n").forEach((raw, index) => {
    const source = raw.replace(/#.*/s, "");
    if (source.trim() !== "") statements.push(parseLine(source, linesBefore + index + 1, scope));
  });
  return statements;
}

function parseLine(source: string, line: number, scope: string): Statement {
  const tokens = tokenize(source, line, scope);
  let at = 0;
  let depth = 0;
  const peek = (): string => tokens[at].kind === "op" ? tokens[at].text : "";
  const fail = (wanted: string): never => {
    const { kind, text, offset } = tokens[at];
    // The word before may be what is wrong: let x = 1.
    const hint = hintAt(source, offset) || hintAt(source, tokens[at - 1]?.offset ?? offset);
    throw mistake(`expected ${wanted}, found ${kind === "end" ? text : JSON.stringify(text)}${hint}`, { line, name: text, scope });
  };
  const eat = (op: string): void => {
    if (peek() !== op) fail(JSON.stringify(op));
    at++;
  };
  const call = (f: Callable, ...args: Expr[]): Expr => ({ kind: "call", f, args });

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
    const arities = functions.get(text);
    if (arities === undefined) {
      throw mistake(`"${text}" is no function${hintAt(source, tokens[at - 1].offset)}`, {
        line,
        name: text,
        known: [...functions.keys()],
        scope,
      });
    }
    at++;
    const args = [expression()];
    while (peek() === ",") at++, args.push(expression());
    eat(")");
    if (!arities.includes(args.length)) {
      throw mistake(`${text} takes ${arities.join(" or ")} argument(s), not ${args.length}`, { line, name: text, scope });
    }
    return { kind: "call", f: text as Callable, args };
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
  /** The operator here, where it is one of this level. */
  const operator = (level: "product" | "sum" | "comparison"): Callable | null =>
    operators.get(peek()) === level ? tokens[at++].text as Callable : null;
  const product = (): Expr => {
    let left = unary();
    for (let op = operator("product"); op !== null; op = operator("product")) left = call(op, left, unary());
    return left;
  };
  const sum = (): Expr => {
    let left = product();
    for (let op = operator("sum"); op !== null; op = operator("sum")) left = call(op, left, product());
    return left;
  };
  const expression = (): Expr => {
    const left = sum();
    const op = operator("comparison");
    return op === null ? left : call(op, left, sum());
  };

  let name: string | null = null;
  let op = "";
  if (tokens[0].kind === "name" && assignments.has(tokens[1].text)) {
    name = tokens[0].text;
    op = tokens[1].text;
    at = 2;
  }
  const right = expression();
  if (tokens[at].kind !== "end") fail(name === null ? "an assignment" : "an operator");
  const expr = name === null || op === "=" ? right : call(op.slice(0, -1) as Callable, { kind: "name", name }, right);
  return { name, expr, line, scope };
}
