/**
 * Ours as a contestant: `glissade.ts BACKEND THREADS [CHECKOUT]`, of this checkout or of the one in a folder.
 *
 * A variant is an optimizer's name, alone or with options: `sgd:{"momentum":0.9}`. `adamw` and `adamw_torch` alone have the race's.
 *
 * @module
 */
import { resolve } from "node:path";
import process from "node:process";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { BackendName } from "../../mod.ts";
import { gradientPool, refill } from "../gradients.ts";
import { runtime } from "../host.ts";
import { serve } from "./contestant.ts";

const [backendName, threads, checkout = fileURLToPath(new URL("../..", import.meta.url))] = process.argv.slice(2);
const { builtins, createBackend }: typeof import("../../mod.ts") = await import(pathToFileURL(resolve(checkout, "mod.ts")).href);
const pool = gradientPool();
const adamw = { lr: 1e-3, betas: [0.9, 0.999], eps: 1e-8, weightDecay: 0.01 } as const;

await serve(runtime, (variant, shapes) => {
  const backend = createBackend(backendName as BackendName, { threads: Number(threads) });
  const params = Object.fromEntries(shapes.map((shape, i) => [`w${i}`, backend.allocate(shape)]));
  for (const { data } of Object.values(params)) refill(data, pool, 7);
  const [, name, given] = /^(\w+)(?::(.*))?$/.exec(variant)!;
  const options = given !== undefined ? JSON.parse(given) : name.startsWith("adamw") ? adamw : {};
  const optimizer = builtins.createOptimizer(name as "adamw", params, options, { backend });
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
