/**
 * The grammar: what a line means before anything is known about its names.
 *
 * @module
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import { parse } from "../../kernels/language/parse.ts";
import { functions } from "../../kernels/tables/ops.ts";
import type { Expr } from "../../kernels/language/statement.ts";
import type { Tree } from "./naive.ts";
import { print, randomCase } from "./random_text.ts";

/** An expression with a parenthesis around every operation. */
const show = (e: Expr): string =>
  e.kind === "number" ? String(e.value) : e.kind === "name" ? e.name : `(${[e.f, ...e.args.map(show)].join(" ")})`;

/** The right side of a line. */
const right = (text: string): string => show(parse(`x = ${text}`, "r")[0].expr);

interface Mistake extends SyntaxError {
  readonly line: number;
  readonly name: string;
  readonly known: readonly string[];
}

const refused = (text: string): Mistake => assertThrows(() => parse(text, "r"), SyntaxError) as Mistake;

const orders: readonly (readonly [text: string, order: string])[] = [
  ["a + b + c", "(+ (+ a b) c)"],
  ["a - b - c", "(- (- a b) c)"],
  ["a - (b - c)", "(- a (- b c))"],
  ["a*b*c", "(* (* a b) c)"],
  ["a/b/c", "(/ (/ a b) c)"],
  ["a/b*c", "(* (/ a b) c)"],
  ["a*b % c", "(% (* a b) c)"],
  ["a + b % c == 0", "(== (+ a (% b c)) 0)"],
  ["a*b/c*d", "(* (/ (* a b) c) d)"],
  ["a + b*c - d/e", "(- (+ a (* b c)) (/ d e))"],
  ["(a + b)*(c - d)", "(* (+ a b) (- c d))"],
  ["-a*b", "(* (neg a) b)"],
  ["a*-b", "(* a (neg b))"],
  ["-(a + b)", "(neg (+ a b))"],
  ["- -a", "(neg (neg a))"],
  ["a--b", "(- a (neg b))"],
  ["-a - -b", "(- (neg a) (neg b))"],
  ["-2", "(neg 2)"],
  ["a < b", "(< a b)"],
  ["a<=b", "(<= a b)"],
  ["a>-b", "(> a (neg b))"],
  ["a >= b", "(>= a b)"],
  ["a==b", "(== a b)"],
  ["a != b", "(!= a b)"],
  ["a + b < c*d", "(< (+ a b) (* c d))"],
  ["(a < b) < c", "(< (< a b) c)"],
  ["(a < b)*c + (d == e)", "(+ (* (< a b) c) (== d e))"],
  ["where(a < b, c, -d)", "(where (< a b) c (neg d))"],
  ["max(a)", "(max a)"],
  ["max(a, b)", "(max a b)"],
  ["sqrt(sqrt((a)))", "(sqrt (sqrt a))"],
  ["norm(g)*2", "(* (norm g) 2)"],
  ["sqrt", "sqrt"],
  ["_a1*B_2", "(* _a1 B_2)"],
];

for (const [text, order] of orders) {
  test(`"${text}" is read as ${order}`, () => assertEquals(right(text), order));
}

test("numbers are read as JavaScript reads them", () => {
  for (const text of ["0", "1", "1.", "1.5", ".5", "1e3", "1E-8", "2.5e+2", "007", "1e999", "3.4028234663852886e38"]) {
    assertEquals(right(text), String(Number(text)), text);
  }
});

test("an operator before = stands for the name and the operator", () => {
  const lines = parse("a += b\na -= b - c\na *= b < c\na /= b", "r");
  assertEquals(lines.map(({ name }) => name), ["a", "a", "a", "a"]);
  assertEquals(lines.map(({ expr }) => show(expr)), ["(+ a b)", "(- a (- b c))", "(* a (< b c))", "(/ a b)"]);
});

test("comments and empty lines count as lines and mean nothing", () => {
  const lines = parse("\n# a = 1\n  x = 2 # y = 3 # z\r\n\r\n\t y=x\u00a0*\tx\u0020\n#\u2028x = 1\n", "r");
  assertEquals(lines.map(({ line, name, expr, scope }) => [line, name, show(expr), scope]), [[3, "x", "2", "r"], [5, "y", "(* x x)", "r"]]);
  assertEquals(parse("", "r"), []);
  assertEquals(parse("# nothing", "r"), []);
});

test("a line that is only an expression has no name", () => {
  assertEquals(parse("p + 1\nx == 1", "r").map(({ name, expr }) => [name, show(expr)]), [[null, "(+ p 1)"], [null, "(== x 1)"]]);
});

const mistakes: readonly (readonly [text: string, line: number, name: string, message: string])[] = [
  ["x = a < b < c", 1, "<", "expected an operator"],
  ["x = a == b != c", 1, "!=", "expected an operator"],
  ["x = a b", 1, "b", "expected an operator"],
  ["x = 1.2.3", 1, ".3", "expected an operator"],
  ["x = 2a", 1, "a", "expected an operator"],
  ["x = a = b", 1, "=", "expected an operator"],
  ["x = a += b", 1, "+=", "expected an operator"],
  ["x =", 1, "the end of the line", "expected a number, a name or (, found the end of the line"],
  ["x = +1", 1, "+", "expected a number, a name or ("],
  ["x = a + * b", 1, "*", "expected a number, a name or ("],
  ["x = (a", 1, "the end of the line", `expected ")", found the end of the line`],
  ["x = a)", 1, ")", "expected an operator"],
  ["x = ()", 1, ")", "expected a number, a name or ("],
  ["x = sqrt()", 1, ")", "expected a number, a name or ("],
  ["x = sqrt(a,)", 1, ")", "expected a number, a name or ("],
  ["x = sqrt(a", 1, "the end of the line", `expected ")"`],
  ["3 = x", 1, "=", "expected an assignment"],
  ["x + y = 3", 1, "=", "expected an assignment"],
  ["x = 1\ny = $", 2, "$", `unexpected "$"`],
  ["x = 1\n\ny = a ^ b", 3, "^", `unexpected "^"`],
  ["x = a ? b", 1, "?", `unexpected "?"`],
  ["x = a; y = b", 1, ";", `unexpected ";"`],
  ["x = a ! b", 1, "!", `unexpected "!"`],
  ["x = a.b", 1, ".", `unexpected "."`],
  ["x = größe", 1, "ö", `unexpected "ö"`],
  ["x = clip(a)", 1, "clip", `"clip" is no function`],
  ["x = rowmin(a)", 1, "rowmin", `"rowmin" is no function`],
  ["x = toString(a)", 1, "toString", `"toString" is no function`],
  ["x = constructor(a)", 1, "constructor", `"constructor" is no function`],
];

for (const [text, line, name, message] of mistakes) {
  test(`${JSON.stringify(text)} is refused: ${message}`, () => {
    const error = refused(text);
    assertEquals([error.line, error.name], [line, name]);
    assert(error.message.startsWith(`Cannot read the rule, line ${line} of r: `), error.message);
    assert(error.message.includes(message), error.message);
  });
}

test("an unknown function is told which ones there are", () => {
  const error = refused("x = clip(a)");
  assertEquals(error.known, [...functions.keys()]);
  for (const name of ["clamp", "rowmean", "allnorm", "floor"]) assert(error.known.includes(name) && error.message.includes(name), name);
});

test("the functions are those of the language", () => {
  const element = ["abs", "sqrt", "sign", "min", "max", "clamp", "fma", "where", "round", "bfloat16", "float16"];
  const scalar = ["pow", "exp", "log", "cos", "floor"];
  const reduce = ["", "row", "col", "all", "group"].flatMap((along) => ["sum", "mean", "norm", "rms", "max"].map((f) => along + f));
  const routines = ["matmul", "transpose", "qr", "eigh", "argsort", "gather"];
  assertEquals([...functions.keys()].sort(), [...new Set([...element, ...scalar, ...reduce, ...routines])].sort());
});

for (const [f, arities] of functions) {
  test(`${f}() takes ${arities.join(" or ")} argument(s) and no other number`, () => {
    for (let n = 1; n <= 4; n++) {
      const text = `x = ${f}(${Array<string>(n).fill("a").join(", ")})`;
      if (arities.includes(n)) assertEquals(parse(text, "r").length, 1);
      else assertEquals([refused(text).name, refused(text).line], [f, 1]);
    }
  });
}

test("the message names the scope, if there is one", () => {
  assert(assertThrows(() => parse("x = ", "0:clip"), SyntaxError).message.startsWith("Cannot read the rule, line 1 of 0:clip: "));
  assert(assertThrows(() => parse("x = ", ""), SyntaxError).message.startsWith("Cannot read the rule, line 1: "));
});

test("a hostile text is refused as a mistake, and takes neither the stack nor seconds", () => {
  const n = 20_000;
  const texts = {
    parentheses: `x = ${"(".repeat(n)}a${")".repeat(n)}`,
    minuses: `x = ${"-".repeat(n)}a`,
    calls: `x = ${"abs(".repeat(n)}a${")".repeat(n)}`,
    "a long sum": `x = a${" + a".repeat(n)}`,
    "a long list": `x = max(a${", a".repeat(n)})`,
    "a long text": "x = a\n".repeat(n),
    "a long comment": `#${"#".repeat(10 * n)}`,
  };
  for (const [what, text] of Object.entries(texts)) {
    const start = performance.now();
    assertEquals(refused(text) instanceof RangeError, false, what);
    assert(performance.now() - start < 2_000, what);
  }
});

test("what a tree prints as is read back as the tree", () => {
  const tree = (e: Expr): Tree => e.kind === "number" ? e.value : e.kind === "name" ? e.name : { f: e.f, args: e.args.map(tree) };
  for (let seed = 0; seed < 100; seed++) {
    for (const { text } of randomCase(seed).groups) {
      for (const { name, op, tree: wanted } of text.lines) {
        const [line] = parse(`${name} ${op} ${print(wanted)}`, "r");
        assertEquals(tree(line.expr), op === "=" ? wanted : { f: op[0], args: [name, wanted] });
      }
    }
  }
});

test("only what is nested is deep: a line may have many terms, calls and parentheses beside each other", () => {
  for (const term of ["a", "-a", "(a)", "abs(a)", "a*b"]) parse(`x = ${Array(150).fill(term).join(" + ")}`, "r");
});
