import { test } from "node:test";
import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { type AnySpecs, resolveOptions } from "../../core/plugin/options.ts";

const specs: AnySpecs = {
  lr: { default: 0.1, minimum: 0, description: "Learning rate" },
  betas: { default: [0.9, 0.99], minimum: 0, exclusiveMaximum: 1, description: "Decays" },
  eps: { default: 1e-8, exclusiveMinimum: 0, maximum: 1, description: "A small number" },
  warmup: { type: "integer", default: 3, description: "Steps" },
  mode: { default: "min", enum: ["min", "max"], description: "Direction" },
  timescale: { default: null, type: ["number", "null"], description: "Scale" },
  names: { default: ["bias"], description: "Names" },
  inner: { default: null, type: ["object", "null"], description: "A schedule" },
  correct: { default: true, description: "A switch" },
  steps: { type: "number", description: "Must be given" },
};

test("resolveOptions fills in defaults", () => {
  assertEquals(resolveOptions("x", specs, { steps: 5 }), {
    lr: 0.1,
    betas: [0.9, 0.99],
    eps: 1e-8,
    warmup: 3,
    mode: "min",
    timescale: null,
    names: ["bias"],
    inner: null,
    correct: true,
    steps: 5,
  });
});

test("resolveOptions takes an undefined option as one that is not given", () => {
  assertEquals(resolveOptions("x", specs, { steps: 5, lr: undefined }).lr, 0.1);
});

test("resolveOptions keeps a copy of an array that nobody can change", () => {
  const betas = [0.5, 0.6];
  const options = resolveOptions("x", specs, { steps: 5, betas });
  betas[0] = 7;
  assertEquals(options.betas, [0.5, 0.6]);
  assertThrows(() => (options.betas as number[])[0] = 7, TypeError);
});

const good: Record<string, unknown[]> = {
  lr: [0, 1e-300, 1e300],
  betas: [[0, 0], [0.999999, 0.5]],
  eps: [1, 1e-30],
  warmup: [0, -2],
  mode: ["max"],
  timescale: [null, 0.5],
  names: [[], ["a", "b", "c"]],
  inner: [{ name: "cosine" }, () => 1],
  correct: [false],
};
for (const [name, values] of Object.entries(good)) {
  for (const value of values) {
    test(`resolveOptions accepts ${name} = ${JSON.stringify(value)}`, () => {
      assertEquals(resolveOptions("x", specs, { steps: 1, [name]: value })[name], value);
    });
  }
}

const wrongType: Record<string, unknown[]> = {
  lr: ["0.1", true, null, [0.1], {}, 1n],
  betas: [0.9, "0.9", ["a", 0.9], [null, 0.9]],
  warmup: ["3"],
  mode: [1, null],
  timescale: ["1"],
  names: ["bias"],
  inner: [3],
  correct: [1, "true", null],
};
const wrongValue: Record<string, unknown[]> = {
  lr: [-1e-9, NaN, Infinity, -Infinity],
  betas: [[1, 0.9], [0.9, 1], [-0.1, 0.9], [NaN, 0.9], [0.9], [0.9, 0.9, 0.9], []],
  eps: [0, 1.0001],
  warmup: [2.5, NaN],
  mode: ["mean", ""],
  timescale: [NaN],
  names: [[NaN]],
  steps: [NaN],
};
for (const [table, error] of [[wrongType, TypeError], [wrongValue, RangeError]] as const) {
  for (const [name, values] of Object.entries(table)) {
    for (const value of values) {
      const shown = typeof value === "bigint" ? "1n" : Number.isNaN(value) ? "NaN" : JSON.stringify(value);
      test(`resolveOptions refuses ${name} = ${shown} with a ${error.name} that names it`, () => {
        const thrown = assertThrows(() => resolveOptions(`optimizer "x"`, specs, { steps: 1, [name]: value }), error);
        assertStringIncludes(thrown.message, name);
        assertStringIncludes(thrown.message, `optimizer "x"`);
      });
    }
  }
}

test("resolveOptions refuses a missing option that has no default", () => {
  assertThrows(() => resolveOptions("x", specs, {}), TypeError, `"steps" must be given`);
  assertThrows(() => resolveOptions("x", specs, { steps: undefined }), TypeError, `"steps" must be given`);
});

test("resolveOptions refuses an unknown option, says what is known, and guesses", () => {
  const near = assertThrows(() => resolveOptions("x", specs, { steps: 1, time_scale: 2 }), TypeError, `did you mean "timescale"?`);
  assertStringIncludes(near.message, "known are lr, betas, eps");
  const far = assertThrows(() => resolveOptions("x", specs, { steps: 1, momentum: 2 }), TypeError);
  assertEquals(far.message.includes("did you mean"), false);
  for (const name of ["__proto__", "constructor", "toString"]) {
    assertThrows(() => resolveOptions("x", specs, JSON.parse(`{ "steps": 1, "${name}": 2 }`)), TypeError, JSON.stringify(name));
  }
});

test("resolveOptions refuses options that are no object", () => {
  for (const options of [null, [], 3, "lr"]) assertThrows(() => resolveOptions("x", specs, options as unknown as object), TypeError);
});
