/**
 * Trains the digits in jax-js twice, by Glissade's Adam and by one in jax-js itself, and prints losses and times: `deno run -A examples/jax-js/main.ts`,
 * or `bun`; on one thread, after a short run of each that warms up.
 *
 * @module
 */
import { readFile } from "node:fs/promises";
import { readDigits } from "../digits/data.ts";
import { createGenerator } from "../digits/generator.ts";
import { byGlissade, byJax, type Jax, train, type Trained } from "./train.ts";

Object.defineProperty(globalThis, "Worker", { value: undefined, configurable: true }); // jax-js then computes on the calling thread
const name: string = "@jax-js/jax";
const jax: Jax & { init(device: string): Promise<unknown>; defaultDevice(device: string): unknown } = await import(name);
await jax.init("wasm");
jax.defaultDevice("wasm");

const digits = await readDigits(await readFile(new URL("../digits/data/digits.csv.gz", import.meta.url)));
const updates = 400;
const contestants = { "Glissade": byGlissade, "jax-js": byJax };
const results: Trained[] = [];
for (const [name, by] of Object.entries(contestants)) {
  await train(jax, digits, createGenerator(1), by, 40);
  const result = await train(jax, digits, createGenerator(1), by, updates);
  const { losses, right, ms } = result;
  console.log(
    `${name.padEnd(8)}  loss ${losses.at(-1)!.toFixed(6)}  ${(100 * right).toFixed(1)} % right  ${
      ms.toFixed(3)
    } ms an update, its gradients included`,
  );
  results.push(result);
}
const [ours, theirs] = results.map(({ losses }) => losses);
const apart = Math.max(...ours.map((loss, i) => Math.abs(loss - theirs[i]) / theirs[i]));
console.log(`the losses are at most ${apart.toExponential(1)} apart, of their size`);
