/**
 * Runs of an optimizer: some steps over some tensors, and all that it keeps afterwards.
 *
 * @module
 */
import { buildOptimizer } from "../../core/optimizer/optimizer.ts";
import type { OptimizerPlugin, Tensors, Use } from "../../core/plugin/contract.ts";
import type { Values } from "../../core/plugin/options.ts";
import type { Find } from "../../core/plugin/use.ts";
import type { Backend, Grads, Optimizer, Settings, StateDict } from "../../core/types.ts";
import { available } from "../../kernels/detect.ts";
import { createBackend } from "../../kernels/backends/create.ts";
import { createThreads } from "../../kernels/backends/threads/threads.ts";
import { numbersOf } from "./tensors.ts";

/** An optimizer, and what it is used with. */
export interface Setup {
  /** The algorithm. */
  readonly plugin: OptimizerPlugin;
  /** Its options. */
  readonly options: Values;
  /** Transforms of its gradients. */
  readonly transforms: readonly Use[];
  /** What finds plugins by name. */
  readonly find: Find;
}

/** An optimizer over these parameters. */
export function make(
  { plugin, options, transforms, find }: Setup,
  params: Tensors,
  backend: Backend,
  more: Settings<unknown> = {},
): Optimizer {
  return buildOptimizer(find, plugin, params, options, { backend, transforms, ...more });
}

/** Steps from `from` up to `to`, both of them included. */
export function steps(optimizer: Optimizer, from: number, to: number, gradientsOf: (step: number) => Grads): void {
  for (let step = from; step <= to; step++) optimizer.step(gradientsOf(step));
}

/** Uses an optimizer and ends it. */
export function using<T>(optimizer: Optimizer, use: (optimizer: Optimizer) => T): T {
  try {
    return use(optimizer);
  } finally {
    optimizer.dispose();
  }
}

/** A backend with the words for it. */
export interface Named {
  /** As faults call it. */
  readonly name: string;
  /** The backend. */
  readonly backend: Backend;
}

/** The backends of this runtime: `js`, which says what is right, then the others, threads in two numbers. Workers work even on small tensors. */
export function makeBackends(): readonly Named[] {
  const known = available();
  return [
    { name: "js", backend: createBackend("js") },
    ...known.includes("wasm") ? [{ name: "wasm", backend: createBackend("wasm") }] : [],
    ...known.includes("threads")
      ? [2, 3].map((threads): Named => ({ name: `threads (${threads})`, backend: createThreads({ threads }, 0) }))
      : [],
  ];
}

/** Where two states differ first, in words; undefined where they have the same bits. Any NaN equals any NaN. */
export function difference(is: StateDict, should: StateDict): string | undefined {
  const names = new Set([...Object.keys(should.tensors), ...Object.keys(is.tensors)]);
  for (const name of names) {
    const [a, b] = [is.tensors[name], should.tensors[name]];
    if (a === undefined || b === undefined) return `"${name}" is ${a === undefined ? "missing" : "there, and should not be"}`;
    const [x, y] = [numbersOf(a), numbersOf(b)];
    if (x.length !== y.length) return `"${name}" has ${x.length} elements, not ${y.length}`;
    for (let i = 0; i < x.length; i++) if (!Object.is(x[i], y[i])) return `"${name}"[${i}] is ${x[i]}, not ${y[i]}`;
  }
  return undefined;
}
