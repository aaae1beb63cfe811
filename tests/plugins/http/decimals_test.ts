import { assertEquals } from "@std/assert";
import { test } from "node:test";
import { createSheets, type Written } from "../../../plugins/http/wire/decimals.ts";

const sheets = createSheets();

/** As the sheet writes it. */
function written(values: readonly number[]): string {
  const sheet = sheets();
  sheet.list(values);
  return textOf(sheet.written());
}

function textOf(written: Written): string {
  return typeof written === "string" ? written : new TextDecoder().decode(written);
}

const float = new Float64Array(1);
const bits = new BigUint64Array(float.buffer);

/** The float64 that is so many further. */
function beside(value: number, steps: number): number {
  float[0] = value;
  bits[0] += BigInt(steps);
  return float[0];
}

/** Random numbers, the same each time. */
function random(): () => number {
  let seed = 7;
  return () => (seed = Math.imul(seed, 1_664_525) + 1_013_904_223 >>> 0) / 2 ** 32;
}

const cases: Readonly<Record<string, () => number[]>> = {
  "integers": () => [0, -0, 1, -1, 9, 10, 99, 100, 12_345, 2 ** 31 - 1, -(2 ** 31), 2 ** 31, 1e15, 2 ** 53 - 1, 2 ** 53, 1e21, 1e22],
  "the ends of what is written here":
    () => [1e-6, beside(1e-6, -1), beside(1e-6, 1), 1e-7, 5e-324, Number.MAX_VALUE, 2 ** 52 + 0.5, 2 ** -20],
  "powers of two, below which numbers are closer, and their neighbours": () =>
    Array.from({ length: 90 }, (_, i) => [-2, -1, 0, 1, 2].map((steps) => beside(2 ** (i - 30), steps))).flat(),
  "short decimals and their neighbours": () =>
    Array.from(
      { length: 26 },
      (_, i) => Array.from({ length: 60 }, (_, k) => [-1, 0, 1].map((steps) => beside(Number(`${k + 1}e${i - 9}`), steps))).flat(),
    ).flat(),
  "digits that carry into the next":
    () => [0.1 + 0.2, 0.9999999999999999, 9.999999999999998, 99999999.99999999, 999999999999999.9, 1.9999999999999998],
  "halves of a last digit": () => Array.from({ length: 200 }, (_, i) => 2 ** 50 + i / 8),
  "values of schedules": () => Array.from({ length: 20_000 }, (_, i) => (20_100 - i) / 19_999),
  "numbers at random, of all sizes, negative ones too": () => {
    const next = random();
    return Array.from({ length: 50_000 }, () => (next() + next() / 2 ** 32) * 2 ** Math.floor(next() * 80 - 24) * (next() < 0.1 ? -1 : 1));
  },
};

for (const [what, numbers] of Object.entries(cases)) {
  test(`a sheet has ${what} as JavaScript writes them`, () => {
    const values = numbers();
    assertEquals(written(values), values.join());
  });
}

for (const count of [10, 10_000]) {
  test(`a sheet of ${count} numbers grows, and what was taken of it stays when the next is begun`, () => {
    const sheet = sheets();
    sheet.text("values: ");
    const value = 1 / 3;
    sheet.list(new Float64Array(count).fill(value));
    sheet.text(" “ende”");
    const taken = sheet.written();
    sheets().text("x".repeat(100_000));
    assertEquals(textOf(taken), `values: ${Array(count).fill(value).join()} “ende”`);
  });
}

test("steps are written as they are asked for, after the same, others, more and fewer of them", () => {
  for (
    const steps of [
      [0, 1, 2],
      [0, 1, 2],
      [0, 1, 3],
      [0, 1],
      [0, 1, 3, 2 ** 53 - 1],
      [7],
      [7],
      Array.from({ length: 20_000 }, (_, i) => i),
    ]
  ) {
    for (const before of ["", "x".repeat(32_000)]) {
      const sheet = sheets();
      sheet.text(before);
      sheet.steps(steps);
      sheet.text("]");
      assertEquals(textOf(sheet.written()), `${before}${steps.join()}]`);
    }
  }
});
