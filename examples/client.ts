/**
 * A typed client of the service: `deno run --allow-net examples/client.ts http://127.0.0.1:8000`. A misspelled path or
 * point does not compile; a schedule's own options are checked by the service.
 *
 * @module
 */
import process from "node:process";
import { hc } from "hono/client";
import type { GlissadeApp } from "../plugins/http/mod.ts";

const { v1 } = hc<GlissadeApp>(process.argv[2] ?? "http://127.0.0.1:8000");

const asked = await v1.schedules[":name"].$get({
  param: { name: "cosine" },
  query: { numWarmupSteps: "10", numTrainingSteps: "100", lr: "5e-5", steps: "0,10,50,100" },
});
console.log((await asked.json()).lr);

const stepped = await v1.steps.$post({
  json: {
    recipe: { optimizer: { name: "adamw", options: { lr: 0.1 } } },
    tensors: { w: { shape: [2], data: [1, 2] }, "w.grad": { shape: [2], data: [0.5, -0.5] } },
  },
});
console.log((await stepped.json()).tensors.w.data);
