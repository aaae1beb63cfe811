/**
 * What a page computes with the library, and the tests' own runtime too, to compare: everything without Node.
 *
 * @module
 */
import { unitsByWorkers } from "../../kernels/backends/threads/threads.ts";
import { builtins } from "../../mod.ts";
import { hash } from "./schedule_samples.ts";

/** Steps of an optimizer, and how it ended. */
export interface Steps {
  /** The backend that it chose. */
  readonly backend: string;
  /** The bits of the parameters behind them. */
  readonly bits: string;
  /** What an optimizer says when it is used behind `using`, and behind `dispose()`. */
  readonly ended: readonly string[];
  /** Units of work that workers have taken. */
  readonly byWorkers: number;
}

/** More elements than one thread takes. */
const size = 768 * 1024;
/** Milliseconds for which a worker may be starting. */
const patience = 10_000;

/** Numbers of many magnitudes, from a linear congruence: the same in every engine. */
function fill(values: Float32Array, seed: number): Float32Array {
  let x = seed;
  for (let i = 0; i < values.length; i++) {
    x = Math.imul(x, 1664525) + 1013904223 | 0;
    values[i] = x / 2 ** (31 + (x >>> 3 & 7));
  }
  return values;
}

const pause = (milliseconds: number): Promise<unknown> => new Promise((done) => setTimeout(done, milliseconds));

/** Six steps on the default backend, with pauses for workers to start in. */
export async function takeSteps(): Promise<Steps> {
  const w = fill(new Float32Array(size), 1);
  const g = new Float32Array(size);
  const make = (w: Float32Array) =>
    builtins.createOptimizer("adamw", { w }, { lr: 0.01, weightDecay: 0.1 }, {
      transforms: [{ name: "clip_global_norm", options: { maxNorm: 1 } }],
      schedules: { lr: { name: "cosine", options: { numWarmupSteps: 2, numTrainingSteps: 6 } } },
    });
  let left: ReturnType<typeof make>;
  let bits: string;
  let byWorkers = 0;
  {
    using optimizer = left = make(w);
    for (let step = 1; step <= 6; step++) {
      optimizer.step({ w: fill(g, step) });
      await pause(20);
    }
    bits = hash(Float64Array.from(w));
    const end = Date.now() + patience;
    const taken = unitsByWorkers.get(optimizer.backend);
    while (taken !== undefined && (byWorkers = taken()) === 0 && Date.now() < end) {
      optimizer.step({ w: g });
      await pause(20);
    }
  }
  const named = make(new Float32Array(2));
  named.dispose();
  const small = { w: new Float32Array(2) };
  return { backend: left.backend.name, bits, ended: [refusal(() => left.step({ w: g })), refusal(() => named.step(small))], byWorkers };
}

function refusal(use: () => unknown): string {
  try {
    use();
    return "";
  } catch (error) {
    return String(error);
  }
}
