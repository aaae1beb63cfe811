/**
 * A new optimizer: gradient descent with momentum, to be replaced.
 *
 * @module
 */
import type { Names } from "./names.ts";
import type { Texts } from "./texts.ts";

/** The texts of a new optimizer. */
export function optimizerText({ name, file, constant, optionsType, packageName }: Names): Texts {
  return {
    plugin: `/**
 * ${name}: say in a line what it does.
 *
 * Say where it is from: the paper, and the implementation whose numbers it gives.
 *
 * @module
 */
import type { OptimizerPlugin } from "@glissade/optim/core";

/** Options of {@linkcode ${constant}}. */
export interface ${optionsType} {
  /** Learning rate. */
  lr?: number;
  /** Decay of the momentum. */
  momentum?: number;
}

/** Gradient descent with momentum: replace it by your algorithm. */
export const ${constant}: OptimizerPlugin<"${name}", ${optionsType}> = {
  kind: "optimizer",
  name: "${name}",
  description: "Gradient descent with momentum",
  source: "own work",
  options: {
    lr: { default: 0.01, minimum: 0, unit: "rate", description: "Learning rate" },
    momentum: { default: 0.9, minimum: 0, exclusiveMaximum: 1, description: "Decay of the momentum" },
  },
  rule: () => ({
    // Memory that lasts from step to step, saved under its key.
    slots: { m: { shape: "param", key: "momentum_buffer" } },
    // p is the parameter, g its gradient, u the direction of the step.
    update: \`
      m  = momentum*m + g
      u  = m
      p -= lr*u
    \`,
  }),
  // The numbers that the text names; t, the step, is the second argument.
  scalars: ({ lr, momentum }) => ({ lr, momentum }),
};
`,
    test: `import { test } from "node:test";
import { testOptimizer } from "@glissade/optim/testing";
import { ${constant} } from "./${file}.ts";

// Two steps worked out by hand. Put here what the original gives, as Python's tolist() prints it.
const reference = [{
  options: { lr: 0.5, momentum: 0.5 },
  params: { w: [1, 2] },
  grads: [{ w: [1, -1] }, { w: [1, -1] }],
  expected: [{ w: [0.5, 2.5] }, { w: [-0.25, 3.25] }],
}];

test("${name} is a sound plugin and gives the numbers of its reference", () => testOptimizer(${constant}, {}, { reference }));
`,
    use: `
import { builtins } from "@glissade/optim";
import { ${constant} } from "${packageName}";

const params = { w: new Float32Array([1, -2, 3]) };
using optimizer = builtins.with(${constant}).createOptimizer("${name}", params, { lr: 0.1 });
optimizer.step({ w: new Float32Array([0.5, 0.5, -0.5]) }); // the arrays in params have moved
`,
  };
}
