/**
 * The weighted mean of the gradients of several micro-batches.
 *
 * Give as weight what each gradient is already a mean over, such as its number of tokens: the weighted sum, divided once by the total weight, is the
 * gradient of the whole batch, however it was split. Means of means are not, where micro-batches differ in length.
 *
 * A tensor without a gradient since the last `reset()` has none in the mean, as it has none in a step without accumulation: it is not stepped. (`sum`
 * gives zeros for it, as `GradientAccumulator` does.) Right after a `reset()` there are zeros for all that there ever were.
 *
 * @module
 */
import type { Accumulator, AccumulatorPlugin, AccumulatorState, Grads, Tensor } from "../../core/plugin/contract.ts";
import { isOnDevice, longestLoop } from "./longest_loop.ts";
import { sum } from "./sum.ts";

/** Options of {@linkcode mean}. */
export interface MeanOptions {
  /** Calls after which a step is due; null: the caller knows. A recipe must say it: null there is for `flush` alone. */
  every?: number | null;
}

/** A mean, whose undivided sums can be seen. */
export interface MeanAccumulator extends Accumulator {
  /** The gradients so far, each times its weight: what {@linkcode Accumulator.merge} adds. */
  readonly sums: Readonly<Record<string, Tensor>>;
}

/**
 * Averages gradients, each with its weight (by default 1).
 *
 * The means lie in memory of their own, which the next time that `gradients` is asked for writes anew.
 *
 * @example Usage
 * ```ts
 * import { builtins } from "@glissade/optim";
 *
 * const params = { w: new Float32Array(2) };
 * const accumulator = builtins.createAccumulator("mean", { every: 2 }, params);
 * accumulator.add({ w: new Float32Array([1, 2]) }, 3); // false: a step is not due
 * accumulator.add({ w: new Float32Array([5, 6]) }, 1); // true
 * accumulator.gradients.w.data; // 2, 3
 * ```
 */
export const mean: AccumulatorPlugin<"mean", MeanOptions> = {
  kind: "accumulator",
  name: "mean",
  description: "The mean of the gradients, each with its weight",
  source: "GradientAccumulator of transformers 4.37.2, with weights; own work",
  options: sum.options,
  create(options, like, backend, tools): MeanAccumulator {
    const sums = sum.create(options, like, backend, tools);
    const { every } = options;
    const means = new Map<string, Tensor>();
    // Names that have had a gradient since the last reset.
    const present = new Set<string>();
    const pick = (of: Readonly<Record<string, Tensor>>): Record<string, Tensor> =>
      Object.fromEntries(Object.entries(of).filter(([name]) => sums.count === 0 || present.has(name)));
    const note = (grads: Grads): void => {
      for (const [name, gradient] of Object.entries(grads)) if (gradient !== null && gradient !== undefined) present.add(name);
    };
    return {
      add(grads: Grads, weight?: number): boolean {
        // Refused before it is added: a step that is due could not be given its gradients.
        if (weight === 0 && sums.weight === 0 && every !== null && sums.count + 1 >= every) throw noMean();
        const isDue = sums.add(grads, weight);
        note(grads);
        return isDue;
      },
      get count() {
        return sums.count;
      },
      get weight() {
        return sums.weight;
      },
      get sums() {
        return pick(sums.gradients);
      },
      get gradients() {
        const { gradients, count } = sums;
        const weight = count === 0 ? 1 : sums.weight;
        if (weight === 0) throw noMean();
        const divided: Record<string, Tensor> = {};
        for (const [name, s] of Object.entries(pick(gradients))) {
          let m = means.get(name);
          if (m === undefined) means.set(name, m = backend.allocate(s.shape!, "float32"));
          // A small array costs less here than a dispatch; the bits are the same.
          if (!isOnDevice(s) && s.data.length <= longestLoop) divide(m.data, s.data, weight);
          else backend.run("m = s/weight", { m, s }, { weight });
          Object.defineProperty(divided, name, { value: m, enumerable: true, configurable: true, writable: true });
        }
        return divided;
      },
      merge(other: Accumulator): void {
        if (other === this) throw new TypeError("Cannot merge an accumulator into itself");
        sums.merge(other);
        if (other.count > 0) note("sums" in other ? other.sums as Grads : other.gradients);
      },
      reset(): void {
        sums.reset();
        present.clear();
      },
      saveState(): AccumulatorState {
        const { more, ...state } = sums.saveState!();
        return { ...state, more: { present: [...present].sort(), ...more !== undefined && { sums: more } } };
      },
      loadState(state: AccumulatorState): void {
        const more = (state.more ?? {}) as { readonly present?: unknown; readonly sums?: unknown };
        const names = more.present;
        if (!(Array.isArray(names) && names.every((name) => Object.hasOwn(state.tensors, name)))) {
          throw new TypeError(`Cannot go on from a mean of gradients of ${JSON.stringify(names)}: they must be names of its tensors`);
        }
        sums.loadState!({ ...state, more: more.sums });
        present.clear();
        for (const name of names) present.add(name);
      },
    };
  },
};

const noMean = (): RangeError => new RangeError("Cannot give the mean of gradients: their total weight is 0");

function divide(into: Tensor["data"], sums: Tensor["data"], weight: number): void {
  const by = Math.fround(weight);
  for (let i = 0; i < into.length; i++) into[i] = sums[i] / by;
}
