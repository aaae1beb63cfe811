import { assertEquals } from "@std/assert";
import { test } from "node:test";
import { pow } from "../../kernels/math.ts";
import { pow32 } from "../../plugins/schedules/pow32.ts";
import { random } from "../kernels/random_text.ts";

test("pow32() is the exact power, rounded to float32", () => {
  const r = random(7);
  for (let i = 0; i < 100_000; i++) {
    const x = r.below(2 ** 24) / 2 ** (r.below(4) + 22), y = r.below(2 ** 16) / 2 ** 12;
    const want = Math.fround(pow(x, y));
    if (!Object.is(pow32(x, y, pow), want)) assertEquals([x, y, pow32(x, y, pow)], [x, y, want]);
  }
  for (const x of [0, 1e-45, 1e-30, 1, 1e30, Infinity, NaN]) {
    for (const y of [0, 0.5, 1, 2, 1e3, -1, -1e3]) assertEquals(pow32(x, y, pow), Math.fround(pow(x, y)), `${x} to the power ${y}`);
  }
});

test("pow32() asks the exact power where the engine's own lies between two float32 numbers, and nowhere else", () => {
  const asked = (x: number, y: number): boolean => pow32(x, y, () => 42) === 42;
  // Squares half-way between 1 and the next number, and so far from it that only a margin that is too wide would ask.
  assertEquals([0, 2 ** -45, 2 ** -39, 2 ** -30].map((off) => asked(Math.sqrt(1 + 2 ** -24 + off), 2)), [true, true, false, false]);
  assertEquals(asked(0.3, 1.7), false);
});
