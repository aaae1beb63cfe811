import { test } from "node:test";
import {
  assert,
  assertAlmostEquals,
  assertArrayIncludes,
  assertEquals,
  assertExists,
  assertFalse,
  assertGreater,
  assertGreaterOrEqual,
  assertInstanceOf,
  AssertionError,
  assertLess,
  assertLessOrEqual,
  assertMatch,
  assertNotEquals,
  assertNotMatch,
  assertNotStrictEquals,
  assertRejects,
  assertStrictEquals,
  assertStringIncludes,
  assertThrows,
  fail,
  unreachable,
} from "@std/assert";

const range = () => {
  throw new RangeError("lr must be positive");
};

const holds: Record<string, () => unknown> = {
  assert: () => assert(1),
  assertFalse: () => assertFalse(0),
  assertEquals: () =>
    assertEquals({ a: [1, NaN], b: new Float32Array([1]) }, {
      a: [1, NaN],
      b: new Float32Array([1]),
    }),
  assertNotEquals: () => assertNotEquals([1], [2]),
  assertStrictEquals: () => assertStrictEquals(NaN, NaN),
  assertNotStrictEquals: () => assertNotStrictEquals(0, -0),
  "assertAlmostEquals by default": () => assertAlmostEquals(1 + 0.9e-7, 1),
  "assertAlmostEquals within a tolerance": () => assertAlmostEquals(1.5, 1, 0.5),
  "assertAlmostEquals of infinities": () => assertAlmostEquals(Infinity, Infinity),
  assertGreater: () => assertGreater(2, 1),
  assertGreaterOrEqual: () => assertGreaterOrEqual(1, 1),
  assertLess: () => assertLess(1, 2),
  assertLessOrEqual: () => assertLessOrEqual(1, 1),
  assertExists: () => assertExists(0),
  assertInstanceOf: () => assertInstanceOf(new RangeError(), Error),
  assertStringIncludes: () => assertStringIncludes("abc", "bc"),
  assertArrayIncludes: () => assertArrayIncludes([[1], [2]], [[2]]),
  assertMatch: () => assertMatch("abc", /b/),
  assertNotMatch: () => assertNotMatch("abc", /d/),
  assertThrows: () => assertThrows(range),
  "assertThrows of a class and a message": () => assertThrows(range, RangeError, "positive"),
  "assertThrows of a base class": () => assertThrows(range, Error),
};

const refuses: Record<string, () => unknown> = {
  assert: () => assert(""),
  assertFalse: () => assertFalse("a"),
  assertEquals: () => assertEquals([1, 2], [1, 3]),
  "assertEquals of a class": () => assertEquals<object>(new Float32Array(1), new Float64Array(1)),
  "assertEquals of a missing key": () => assertEquals<object>({ a: undefined }, {}),
  assertNotEquals: () => assertNotEquals([1], [1]),
  assertStrictEquals: () => assertStrictEquals([], []),
  assertNotStrictEquals: () => assertNotStrictEquals(1, 1),
  "assertAlmostEquals by default": () => assertAlmostEquals(1 + 1.1e-7, 1),
  "assertAlmostEquals of NaN": () => assertAlmostEquals(NaN, 1, 100),
  assertGreater: () => assertGreater(1, 1),
  assertGreaterOrEqual: () => assertGreaterOrEqual(NaN, 1),
  assertLess: () => assertLess(1, 1),
  assertLessOrEqual: () => assertLessOrEqual(2, 1),
  assertExists: () => assertExists(null),
  assertInstanceOf: () => assertInstanceOf(new Error(), RangeError),
  assertStringIncludes: () => assertStringIncludes("abc", "cb"),
  assertArrayIncludes: () => assertArrayIncludes([1], [2]),
  assertMatch: () => assertMatch("abc", /d/),
  assertNotMatch: () => assertNotMatch("abc", /b/),
  "assertThrows of nothing": () => assertThrows(() => 1),
  "assertThrows of another class": () => assertThrows(range, TypeError),
  "assertThrows of another message": () => assertThrows(range, RangeError, "negative"),
  fail: () => fail("here"),
  unreachable: () => unreachable(),
};

for (const [name, run] of Object.entries(holds)) {
  test(`${name} holds`, () => void run());
}

for (const [name, run] of Object.entries(refuses)) {
  test(`${name} refuses with an AssertionError`, () => {
    let thrown: unknown;
    try {
      run();
    } catch (error) {
      thrown = error;
    }
    if (!(thrown instanceof AssertionError)) {
      throw new Error(`thrown: ${thrown}`);
    }
  });
}

test("assertThrows and assertRejects give the error", async () => {
  assertStringIncludes(assertThrows(range, RangeError).message, "positive");
  const error = await assertRejects(
    () => Promise.reject(new RangeError("late")),
    RangeError,
    "late",
  );
  assertEquals(error.message, "late");
});

test("assertRejects refuses a promise that holds, another class, and a throw", async () => {
  await assertRejects(
    () => assertRejects(() => Promise.resolve(1)),
    AssertionError,
    "to reject",
  );
  await assertRejects(
    () => assertRejects(() => Promise.reject(new RangeError()), TypeError),
    AssertionError,
    "TypeError",
  );
  await assertRejects(
    () => assertRejects(range as () => Promise<never>),
    AssertionError,
    "throws",
  );
});

test("assertEquals says which elements of a large array differ", () => {
  const actual = new Float32Array(100_000);
  actual[77_777] = 1;
  const error = assertThrows(
    () => assertEquals(actual, new Float32Array(100_000)),
    AssertionError,
  );
  assertStringIncludes(error.message, "1 of 100000");
  assertStringIncludes(error.message, "[77777] 1, expected 0");
  assertLess(error.message.length, 500);
});
