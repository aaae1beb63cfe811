/**
 * What compiles where TypeScript knows `Symbol.dispose`: `using`.
 *
 * @module
 */
import { builtins, createBackend } from "@glissade/optim";

/** One step, with everything ended behind it. */
export function step(w: Float32Array): number {
  using backend = createBackend("js");
  using optimizer = builtins.createOptimizer("adamw", { w }, { lr: 0.1 }, { backend });
  using trainer = builtins.createTrainer({ w: new Float32Array(1) }, { optimizer: { name: "adamw" } });
  return optimizer.step({ w: new Float32Array(w.length) }).step + trainer.steps;
}
