/**
 * Our Adafactor as a contestant: `glissade_adafactor.ts BACKEND THREADS`. Variants: `adafactor:SHAPES` as in bench/adafactor.ts.
 *
 * @module
 */
import process from "node:process";
import { type BackendName, builtins, createBackend } from "../../mod.ts";
import { gradientPool, refill } from "../gradients.ts";
import { readShapes } from "../layouts.ts";
import { serve } from "./contestant.ts";

const [backendName, threads] = process.argv.slice(2);
const pool = gradientPool();
const runtime = process.versions.bun ? `bun ${process.versions.bun}` : `deno ${process.versions.deno}`;

await serve(runtime, (variant) => {
  const backend = createBackend(backendName as BackendName, { threads: Number(threads) });
  const shapes = readShapes(variant.slice(variant.indexOf(":") + 1));
  const params = Object.fromEntries(shapes.map((shape, i) => [`w${i}`, backend.allocate(shape)]));
  for (const { data } of Object.values(params)) refill(data, pool, 7);
  const optimizer = builtins.createOptimizer("adafactor", params, {}, { backend });
  const targets = Object.values(optimizer.grads).map(({ data }) => data);
  return {
    refill: (k) => targets.forEach((data) => refill(data, pool, k)),
    step: () => void optimizer.step(),
    release() {
      optimizer[Symbol.dispose]();
      backend[Symbol.dispose]();
    },
  };
});
