/**
 * A new transform: gradients of a common length, to be replaced.
 *
 * @module
 */
import type { Names } from "./names.ts";
import type { Texts } from "./texts.ts";

/** The texts of a new transform. */
export function transformText({ name, file, constant, optionsType, packageName }: Names): Texts {
  return {
    plugin: `/**
 * ${name}: say in a line what it does.
 *
 * Say where it is from: the paper, and the implementation whose numbers it gives.
 *
 * @module
 */
import type { TransformPlugin } from "@glissade/optim/core";

/** Options of {@linkcode ${constant}}. */
export interface ${optionsType} {
  /** Norm of each gradient afterwards. */
  length?: number;
}

/** Gives each gradient the same norm: replace it by your transform. */
export const ${constant}: TransformPlugin<"${name}", ${optionsType}> = {
  kind: "transform",
  name: "${name}",
  description: "Gives each gradient the same norm",
  source: "own work",
  options: {
    length: { default: 1, exclusiveMinimum: 0, description: "Norm of each gradient afterwards" },
  },
  // before: ahead of the optimizer's rule, where g is the gradient; after: behind its direction u; last: at the end.
  rule: () => ({
    before: \`
      n  = norm(g)
      g *= where(n > 0, length/n, 0)
    \`,
  }),
  scalars: ({ length }) => ({ length }),
};
`,
    test: `import { test } from "node:test";
import { testTransform } from "@glissade/optim/testing";
import { ${constant} } from "./${file}.ts";

// A step of p -= g, worked out by hand. Put here what the original gives, as Python's tolist() prints it.
const reference = [{
  options: { length: 10 },
  params: { w: [0, 0] },
  grads: [{ w: [3, -4] }],
  expected: [{ w: [-6, 8] }],
}];

test("${name} is a sound plugin and gives the numbers of its reference", () => testTransform(${constant}, {}, { reference }));
`,
    use: `
import { builtins } from "@glissade/optim";
import { ${constant} } from "${packageName}";

const params = { w: new Float32Array([1, -2, 3]) };
using optimizer = builtins.with(${constant}).createOptimizer("adamw", params, { lr: 0.1 }, {
  transforms: [{ name: "${name}", options: { length: 0.5 } }],
});
optimizer.step({ w: new Float32Array([0.5, 0.5, -0.5]) });
`,
  };
}
