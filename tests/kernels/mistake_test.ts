/**
 * What a mistake in a rule says: that it is a SyntaxError, whatever prints it, and what to write instead of other languages' words.
 *
 * @module
 */
import { assert, assertEquals, assertFalse, assertStringIncludes, assertThrows } from "@std/assert";
import { test } from "node:test";
import { inspect } from "node:util";
import { compile } from "../../kernels/language/compile.ts";
import { parse } from "../../kernels/language/parse.ts";
import { runScript } from "./script.ts";

const errors: readonly (readonly [what: string, make: () => unknown])[] = [
  ["a mistake in the syntax", () => parse("x = momentum ? 1", "r")],
  [
    "a name without a value",
    () => compile(parse("p -= momentum*g", "r"), { scopes: { r: { slots: {}, scalars: [] } }, p: "float32", g: "float32" }),
  ],
];

for (const [what, make] of errors) {
  test(`${what} says SyntaxError wherever it is printed, and keeps its fields`, () => {
    const error = assertThrows(make, SyntaxError) as SyntaxError & { line: number; known: readonly string[] };
    assertEquals(String(error), `SyntaxError: ${error.message}`);
    assert(error.stack!.startsWith("SyntaxError"), error.stack);
    const shown = inspect(error);
    assertStringIncludes(shown, "SyntaxError");
    assertFalse(shown.includes(`${error.name}: Cannot`), shown);
    assert(["?", "momentum"].includes(error.name), error.name);
    assertEquals(error.line, 1);
    assert(Array.isArray(error.known));
    // Who knows more writes it on the error, and nothing is lost by that.
    const { name } = error;
    Object.assign(error, { plugin: "r", ...error });
    assertEquals(error.name, name);
  });
}

test("a console prints the class of a mistake and not the name in the text", () => {
  const { output } = runScript(`
    import { parse } from "../../kernels/language/parse.ts";
    try {
      parse("x = momentum momentum", "r");
    } catch (error) {
      console.log(error);
    }
    console.log("{}");
  `);
  assertStringIncludes(output, "SyntaxError: Cannot");
  assertFalse(output.includes("momentum: Cannot"), output);
});

const hinted: readonly (readonly [text: string, hint: string])[] = [
  ["x = a // b", "floor(a / b)"],
  ["x = a // the sum", "begins with #"],
  ["x //= 2", "floor(a / b)"],
  ["x = a /* the sum */", "begins with #"],
  ["x = a ** 2", "pow(a, b)"],
  ["x **= 2", "pow(a, b)"],
  ["x = a^2", "pow(a, b)"],
  ["x = a > 0 && b > 0", "(a > 0)*(b > 0)"],
  ["x = a & b", "(a > 0)*(b > 0)"],
  ["x = a and b", "(a > 0)*(b > 0)"],
  ["x = a || b", "max(a > 0, b > 0)"],
  ["x = a or b", "max(a > 0, b > 0)"],
  ["x = !a", "1 - (a > 0)"],
  ["x = not a", "1 - (a > 0)"],
  ["x = a === b", "equality is =="],
  ["x = a !== b", "inequality is !="],
  ["x = a > 0 ? b : c", "where(condition, a, b)"],
  ["x = b if a > 0 else c", "where(condition, a, b)"],
  ["if (a > 0) x = b", "where(condition, a, b)"],
  ["if a > 0: x = b", "where(condition, a, b)"],
  ["x = a;", "ends with its line"],
  ["x = a; y = b", "a line of its own"],
  ["x++", "a += 1"],
  ["x--", "a -= 1"],
  ["x := a", "name = …"],
  ["let x = a", "assigned first"],
  ["const x = a", "assigned first"],
  ["return p", "name = …"],
  ["for i in a", "no loops"],
  ["x = Math.sqrt(a)", "sqrt(x)"],
  ["x = np.abs(a)", "stand alone"],
  ["x = a[0]", "by its number"],
  ["x = a @ b", "matrices"],
  ["x = 'a'", "no texts"],
];

for (const [text, hint] of hinted) {
  test(`${JSON.stringify(text)} is refused with the hint ${JSON.stringify(hint)}`, () => {
    assertStringIncludes(assertThrows(() => parse(text, "r"), SyntaxError).message, hint);
  });
}

test("a mistake that is no other language's word gets no hint", () => {
  for (const text of ["x = a b", "x = var(g)", "x = float(a)", "x = (a", "x = 1.2.3", "x = a + * b", "x = größe"]) {
    assertFalse(assertThrows(() => parse(text, "r"), SyntaxError).message.includes("(for "), text);
  }
});

test("a hint costs no time in a hostile line", () => {
  const from = performance.now();
  assertThrows(() => parse(`x = ${"a".repeat(90_000)} ?`, "r"), SyntaxError);
  assertThrows(() => parse(`x = ${"a".repeat(90_000)} ${"b".repeat(9000)}`, "r"), SyntaxError);
  assert(performance.now() - from < 500);
});
