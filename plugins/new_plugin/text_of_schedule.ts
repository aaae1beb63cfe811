/**
 * A new schedule: warmup, then one over the square root of the step, to be replaced.
 *
 * @module
 */
import type { Names } from "./names.ts";
import type { Texts } from "./texts.ts";

/** The texts of a new schedule. */
export function scheduleText({ name, file, constant, optionsType, packageName }: Names): Texts {
  return {
    plugin: `/**
 * ${name}: say in a line what it does.
 *
 * Say where it is from: the paper, and the implementation whose numbers it gives.
 *
 * @module
 */
import type { Schedule, SchedulePlugin } from "@glissade/optim/core";

/** Options of {@linkcode ${constant}}. */
export interface ${optionsType} {
  /** Steps of the warmup. */
  numWarmupSteps: number;
}

/** Linear warmup, then one over the square root of the step: replace it by your schedule. */
export const ${constant}: SchedulePlugin<"${name}", ${optionsType}, Schedule> = {
  kind: "schedule",
  name: "${name}",
  description: "Linear warmup, then one over the square root of the step",
  source: "own work",
  returns: "factor", // times the option's own value; "value" stands in its place
  options: {
    numWarmupSteps: { type: "number", minimum: 0, unit: "steps", description: "Steps of the warmup" },
  },
  // maths, the second argument, has pow, exp, log and cos with the same bits in every engine.
  create({ numWarmupSteps }) {
    const peak = Math.max(1, numWarmupSteps);
    return (step) => Math.min(step / peak, Math.sqrt(peak / step));
  },
};
`,
    test: `import { test } from "node:test";
import { testSchedule } from "@glissade/optim/testing";
import { ${constant} } from "./${file}.ts";

// Values by step, worked out by hand. Put here what the original gives; a list of all values from step 0 on will do, too.
const reference = [{ options: { numWarmupSteps: 4 }, values: { 0: 0, 2: 0.5, 4: 1, 16: 0.5 } }];

test("${name} is a sound plugin and gives the numbers of its reference", () =>
  testSchedule(${constant}, { numWarmupSteps: 10 }, { reference }));
`,
    use: `
import { builtins } from "@glissade/optim";
import { ${constant} } from "${packageName}";

const params = { w: new Float32Array([1, -2, 3]) };
using optimizer = builtins.with(${constant}).createOptimizer("adamw", params, { lr: 0.1 }, {
  schedules: { lr: { name: "${name}", options: { numWarmupSteps: 100 } } },
});
optimizer.step({ w: new Float32Array([0.5, 0.5, -0.5]) }); // the next one has a learning rate of 0.001
`,
  };
}
