/**
 * AdamW in jax-js on its WASM backend as a contestant: `jaxjs_adamw.ts FOLDER THREADS`. Its own optax is not on npm, so optax' formula stands here as
 * one jitted function per tensor; a single jitted function over all tensors is fifty times slower at 200 of them.
 *
 * @module
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { pathToFileURL } from "node:url";
import { gradientPool, refill } from "../gradients.ts";
import { size } from "../layouts.ts";
import { serve } from "./contestant.ts";

/** What is used of it. Each use of an array takes it; `ref` keeps it for one more. */
interface ArrayOfJax {
  readonly ref: ArrayOfJax;
  add(other: ArrayOfJax | number): ArrayOfJax;
  sub(other: ArrayOfJax | number): ArrayOfJax;
  mul(other: ArrayOfJax | number): ArrayOfJax;
  div(other: ArrayOfJax | number): ArrayOfJax;
  reshape(shape: number[]): ArrayOfJax;
  dispose(): void;
}
interface Jax {
  init(): Promise<string[]>;
  defaultDevice(name: string): void;
  jit<F>(f: F): F;
  blockUntilReady(arrays: ArrayOfJax[]): Promise<unknown>;
  readonly numpy: { array(values: Float32Array): ArrayOfJax; sqrt(x: ArrayOfJax): ArrayOfJax };
}

const folder = process.argv[2];
const threads = Number(process.argv[3]);
// jax-js asks these two how many workers to start; without Worker it computes on the calling thread.
Object.defineProperty(navigator, "hardwareConcurrency", { value: threads, configurable: true });
if (threads === 1) Object.defineProperty(globalThis, "Worker", { value: undefined, configurable: true });

const home = join(folder, "node_modules/@jax-js/jax");
const { version } = JSON.parse(readFileSync(join(home, "package.json"), "utf8"));
const jax: Jax = await import(pathToFileURL(join(home, "dist/index.js")).href);
await jax.init();
jax.defaultDevice("wasm");
const np = jax.numpy;
const pool = gradientPool();
const [lr, beta1, beta2, eps, weightDecay] = [1e-3, 0.9, 0.999, 1e-8, 0.01];

type Moved = [p: ArrayOfJax, m: ArrayOfJax, v: ArrayOfJax];
const adamw = jax.jit(
  (p: ArrayOfJax, m: ArrayOfJax, v: ArrayOfJax, g: ArrayOfJax, correction1: ArrayOfJax, correction2: ArrayOfJax): Moved => {
    const m1 = m.mul(beta1).add(g.ref.mul(1 - beta1));
    const v1 = v.mul(beta2).add(g.ref.mul(g).mul(1 - beta2));
    const u = m1.ref.mul(correction1).div(np.sqrt(v1.ref.mul(correction2)).add(eps)).add(p.ref.mul(weightDecay));
    return [p.sub(u.mul(lr)), m1, v1];
  },
);

await serve(version, (_variant, shapes) => {
  const scalar = (x: number) => np.array(new Float32Array([x])).reshape([]);
  const filled = (length: number, k: number) => {
    const values = new Float32Array(length);
    refill(values, pool, k);
    return np.array(values);
  };
  const sizes = shapes.map(size);
  let moved: Moved[] = sizes.map((n) => [filled(n, 7), np.array(new Float32Array(n)), np.array(new Float32Array(n))]);
  let grads: ArrayOfJax[] = [];
  let t = 0;
  return {
    async refill(k) {
      grads = sizes.map((n) => filled(n, k));
      await jax.blockUntilReady([...grads, ...moved.flat()]);
    },
    async step() {
      t++;
      const [correction1, correction2] = [scalar(1 / (1 - beta1 ** t)), scalar(1 / (1 - beta2 ** t))];
      moved = moved.map(([p, m, v], i) => adamw(p, m, v, grads[i], correction1.ref, correction2.ref));
      correction1.dispose();
      correction2.dispose();
      await jax.blockUntilReady(moved.flat());
    },
    release: () => moved.flat().forEach((array) => array.dispose()),
  };
});
