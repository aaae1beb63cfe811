/**
 * Uses the plugin by name: `deno run examples/plugin/main.ts`. The gate runs the same file from an empty folder in which the packed library is
 * installed, under Deno, Bun and Node.
 *
 * @module
 */
import { builtins } from "@glissade/optim";
import { lion } from "./lion.ts";

const glissade = builtins.with(lion);
const w = new Float32Array([1, -2, 3]);

// A bowl with its floor at 0: the gradient is the position itself.
using optimizer = glissade.createOptimizer("my_lion", { w }, { lr: 0.01, betas: [0.95, 0.98] }, {
  schedules: { lr: { name: "linear", options: { numWarmupSteps: 10, numTrainingSteps: 1000 } } },
});
for (let step = 0; step < 1000; step++) optimizer.step({ w });
console.log(Array.from(w, (x) => x.toFixed(3)).join(" "));
