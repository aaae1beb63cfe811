/**
 * The sum of the gradients of several micro-batches.
 *
 * The `GradientAccumulator` of transformers 4.37.2 without its losses: everything is checked before anything is added, a gradient that first comes
 * late counts, and an empty set of gradients is an error. As there, `reset()` sets the sums to zero and keeps them: a tensor that ever had a gradient
 * has one in each round from then on, of zeros where none was added, so that its moments and its decay go on. Sums are float32 also for 16-bit
 * gradients. Where gradients are one another's equals in number of examples, divide by `count`, or take `mean`.
 *
 * @module
 */
import type { Accumulator, AccumulatorPlugin, AccumulatorState, Grads, Sparse, Tensor, Tools } from "../../core/plugin/contract.ts";
import { isOnDevice, longestLoop } from "./longest_loop.ts";

/** Options of {@linkcode sum}. */
export interface SumOptions {
  /** Calls after which a step is due; null: the caller knows. A recipe must say it: null there is for `flush` alone. */
  every?: number | null;
}

/**
 * Sums gradients, each times its weight (by default 1).
 *
 * @example Usage
 * ```ts
 * import { builtins } from "@glissade/optim";
 *
 * const params = { w: new Float32Array(2) };
 * const accumulator = builtins.createAccumulator("sum", {}, params);
 * accumulator.add({ w: new Float32Array([1, 2]) });
 * accumulator.add({ w: new Float32Array([3, 4]) }, 0.5);
 * accumulator.gradients.w.data; // 2.5, 4
 * accumulator.reset(); // zeros, for as long as nothing is added
 * ```
 */
export const sum: AccumulatorPlugin<"sum", SumOptions> = {
  kind: "accumulator",
  name: "sum",
  description: "The sum of the gradients, each times its weight",
  source: "GradientAccumulator of transformers 4.37.2",
  options: {
    every: {
      default: null,
      type: ["integer", "null"],
      minimum: 1,
      unit: "count",
      description: "Calls after which a step is due; null: the caller knows",
    },
  },
  create({ every }, like, backend, tools): Accumulator {
    const places = new Map(Object.entries(like).map(([name, tensor]) => [name, tools.tensor(`parameter "${name}"`, tensor)]));
    const sums = new Map<string, Tensor>();
    // Memory taken for sums, and for 16-bit gradients in float32, since no loop here reads those.
    const room = new Map<string, Tensor>();
    const wide = new Map<string, Tensor>();
    // On a device, copies of the sums that a saved state holds, until the next one.
    const copies = new Map<string, Tensor>();
    let count = 0;
    let weight = 0;

    function taken(memory: Map<string, Tensor>, name: string): Tensor {
      let tensor = memory.get(name);
      if (tensor === undefined) memory.set(name, tensor = backend.allocate(places.get(name)!.shape, "float32"));
      return tensor;
    }
    // All that can fail comes before the first sum changes: memory, and gradients that kernels must read.
    function prepare(given: readonly (readonly [string, Required<Tensor> | Sparse])[]): [name: string, gradient: Prepared][] {
      return given.map(([name, gradient]) => {
        if (isOnDevice(taken(room, name)) || "indices" in gradient) return [name, gradient];
        if (gradient.data instanceof Float32Array) return [name, gradient.data];
        const w = taken(wide, name);
        backend.run("w = g", { w, g: gradient });
        return [name, w.data as Float32Array];
      });
    }
    function check(grads: unknown): [name: string, gradient: Required<Tensor> | Sparse][] {
      if (Object.prototype.toString.call(grads) !== "[object Object]") { // arrays, maps, dates, null
        const more = grads instanceof Map ? "; Object.fromEntries makes one of a Map" : "";
        throw new TypeError(`Cannot add ${String(grads)}: gradients are an object, name to tensor${more}`);
      }
      if ((backend as { readonly disposed?: boolean }).disposed) throw new TypeError("Cannot add gradients: the backend is disposed");
      const names = Object.keys(grads as Grads);
      if (names.length === 0) throw new RangeError("Cannot add an empty set of gradients");
      const given: [string, Required<Tensor> | Sparse][] = [];
      for (const name of names) {
        const place = places.get(name);
        if (place === undefined) {
          const message = `Cannot add the gradient of "${name}": known are ${[...places.keys()].slice(0, 24).join(", ")}`;
          throw Object.assign(new TypeError(message), { tensor: name });
        }
        const gradient = (grads as Grads)[name];
        if (gradient === null || gradient === undefined) continue;
        try {
          if (isSparse(gradient)) {
            checkRows(name, gradient, place.shape);
            given.push([name, gradient]);
          } else given.push([name, tools.tensor(`the gradient of "${name}"`, gradient, place)]);
        } catch (error) {
          throw Object.assign(error as Error, { tensor: name });
        }
      }
      return given;
    }
    function addOne(name: string, gradient: Prepared, factor: number): void {
      const into = room.get(name)!;
      if (isOnDevice(into)) return addOnDevice(into, gradient as Required<Tensor> | Sparse, factor);
      if ("indices" in gradient) return addRows(into, gradient, factor);
      if ("data" in gradient) return;
      // A small array costs less here than a dispatch, and an ordinary one less than a copy to where kernels reach it; the bits are the same.
      if (gradient.length > longestLoop && !(gradient.buffer instanceof ArrayBuffer)) {
        const g = { data: gradient, shape: into.shape! };
        try {
          return backend.run(factor === 1 ? "s += g" : "s += weight*g", { s: into, g }, factor === 1 ? {} : { weight: factor });
        } catch (error) {
          // Memory that this backend reaches by a copy alone, and no room for one: then nothing was written, and a loop needs no copy.
          if (!(error instanceof RangeError)) throw error;
        }
      }
      addArray(into.data as Float32Array, gradient, factor);
    }

    function addOnDevice(into: Tensor, gradient: Required<Tensor> | Sparse, factor: number): void {
      for (const g of "indices" in gradient ? apart(gradient, into.shape!) : [gradient]) {
        backend.run(factor === 1 ? "s += g" : "s += weight*g", { s: into, g }, factor === 1 ? {} : { weight: factor });
      }
    }
    function clear(tensor: Tensor): void {
      if (isOnDevice(tensor)) backend.run("s = zero", { s: tensor }, { zero: 0 });
      else tensor.data.fill(0);
    }

    return {
      add(grads: Grads, w = 1): boolean {
        if (typeof w !== "number") throw new TypeError(`Cannot add gradients of weight ${String(w)}: it must be a number`);
        if (!(w >= 0 && w < Infinity)) throw new RangeError(`Cannot add gradients of weight ${w}: it must be finite and not negative`);
        checkWeight(w, weight + w);
        const given = check(grads);
        // Nothing weighs nothing: the mean over no example is often NaN, and 0 times NaN would be, too.
        const ready = prepare(given);
        for (const [name, gradient] of ready) {
          sums.set(name, room.get(name)!);
          if (w !== 0) addOne(name, gradient, w);
        }
        count += 1;
        weight += w;
        return every !== null && count >= every;
      },
      get count() {
        return count;
      },
      get weight() {
        return weight;
      },
      get gradients() {
        if (count === 0 && sums.size === 0) throw new RangeError("Cannot give gradients: none was added yet");
        const gradients: Record<string, Tensor> = {};
        for (const [name, tensor] of sums) define(gradients, name, tensor);
        return gradients;
      },
      merge(other: Accumulator): void {
        if (other === this) throw new TypeError("Cannot merge an accumulator into itself");
        if (!isAccumulator(other)) throw new TypeError("Cannot merge what is no accumulator: it must have count, weight and gradients");
        if (other.count === 0) return;
        checkWeight(other.weight, weight + other.weight);
        // What a mean divides by comes with its weight: its sums are what adds up.
        const theirs = "sums" in other ? other.sums as Accumulator["gradients"] : other.gradients;
        const given = Object.keys(theirs).length === 0 ? [] : check(theirs);
        for (const [name, gradient] of prepare(given)) {
          sums.set(name, room.get(name)!);
          addOne(name, gradient, 1);
        }
        count += other.count;
        weight += other.weight;
      },
      reset(): void {
        sums.forEach(clear);
        count = 0;
        weight = 0;
      },
      saveState(): AccumulatorState {
        const state = { count, weight };
        // Sums that are all zeros need no room in a file; that there are such sums goes on to matter.
        if (count === 0) return { ...state, tensors: {}, more: [...sums.keys()].sort() };
        const tensors: Record<string, Tensor> = {};
        for (const [name, tensor] of sums) {
          if (isOnDevice(tensor)) {
            const copy = taken(copies, name);
            backend.run("c = s", { c: copy, s: tensor });
            define(tensors, name, copy);
          } else define(tensors, name, { data: tensor.data.slice(), shape: tensor.shape!, dtype: "float32" });
        }
        return { ...state, tensors };
      },
      loadState(state: AccumulatorState): void {
        const saved = readSaved(state, places, tools);
        for (const name of saved.keys()) taken(room, name);
        sums.clear();
        for (const [name, data] of saved) {
          const tensor = room.get(name)!;
          if (data === null) clear(tensor);
          else if (isOnDevice(tensor)) backend.run("s = g", { s: tensor, g: { data, shape: tensor.shape!, dtype: "float32" } });
          else tensor.data.set(data);
          sums.set(name, tensor);
        }
        // Where there was a sum that is not in the state, the first gradient to come is added to what lies there.
        for (const [name, tensor] of room) if (!saved.has(name)) clear(tensor);
        ({ count, weight } = state);
      },
    };
  },
};

/** A gradient that is ready to be added: elements in float32, rows, or on a device a tensor of any kind. */
type Prepared = Float32Array | Required<Tensor> | Sparse;

/** The sums of a state by name, null for zeros; one error says all that is wrong. */
function readSaved(
  { count, weight, tensors, more = [] }: AccumulatorState,
  places: ReadonlyMap<string, Required<Tensor>>,
  tools: Tools,
): Map<string, Tensor["data"] | null> {
  if (!(Number.isSafeInteger(count) && count >= 0)) throw new RangeError(`Cannot go on from a sum of ${count} micro-batches`);
  if (!(weight >= 0 && weight <= greatestWeight)) throw new RangeError(`Cannot go on from a sum of weight ${weight}`);
  if (!(Array.isArray(more) && more.every((name) => typeof name === "string"))) {
    throw new TypeError(`Cannot go on from a sum whose names are ${JSON.stringify(more)}`);
  }
  const saved = new Map<string, Tensor["data"] | null>(more.map((name) => [name, null]));
  const faults: Error[] = [];
  for (const [name, tensor] of Object.entries(tensors)) {
    const place = places.get(name);
    if (place === undefined) continue;
    try {
      saved.set(name, tools.tensor(`the sum of the gradients of "${name}"`, tensor, { shape: place.shape, dtype: "float32" }).data);
    } catch (error) {
      faults.push(error as Error);
    }
  }
  for (const name of new Set([...more, ...Object.keys(tensors)])) {
    if (!places.has(name)) faults.push(new TypeError(`Cannot go on from a sum of gradients of "${name}", which is no parameter`));
  }
  if (faults.length === 0) return saved;
  const Wrong = faults.some((fault) => fault instanceof TypeError) ? TypeError : RangeError;
  throw new Wrong(faults.map(({ message }) => message).join("; "));
}

// Sums are float32, and so are their factors: there a weight beyond these would be Infinity or 0, and what it weighs NaN.
const leastWeight = 2 ** -126;
const greatestWeight = (2 - 2 ** -23) * 2 ** 127;

function checkWeight(weight: number, total: number): void {
  if (weight === 0) return;
  if (weight < leastWeight || weight > greatestWeight) {
    throw new RangeError(
      `Cannot add gradients of weight ${weight}: it must be 0 or a number of float32 in [${leastWeight}, ${greatestWeight}]`,
    );
  }
  if (total > greatestWeight) {
    throw new RangeError(`Cannot add gradients of weight ${weight}: the total weight would pass ${greatestWeight}`);
  }
}

function isSparse(gradient: NonNullable<Grads[string]>): gradient is Sparse {
  return typeof gradient === "object" && "indices" in gradient;
}

function isAccumulator(value: unknown): value is Accumulator {
  if (typeof value !== "object" || value === null) return false;
  const { count, weight } = value as Partial<Accumulator>;
  return typeof count === "number" && typeof weight === "number" && "gradients" in value;
}

const rowOf = (shape: readonly number[]): number => shape.slice(1).reduce((size, length) => size * length, 1);

function checkRows(name: string, { indices, values }: Sparse, shape: readonly number[]): void {
  if (!(indices instanceof Int32Array && values instanceof Float32Array)) {
    throw new TypeError(`Cannot add the rows of "${name}": indices must be an Int32Array and values a Float32Array`);
  }
  const row = rowOf(shape);
  if (shape.length === 0 || values.length !== indices.length * row) {
    throw new RangeError(`Cannot add ${indices.length} rows of "${name}", of shape [${shape}], from ${values.length} values`);
  }
  for (const index of indices) {
    if (index < 0 || index >= shape[0]) throw new RangeError(`Cannot add row ${index} of "${name}": it has ${shape[0]} rows`);
  }
}

function addRows({ data, shape }: Tensor, { indices, values }: Sparse, factor: number): void {
  const row = rowOf(shape!);
  const by = Math.fround(factor);
  for (let i = 0; i < indices.length; i++) {
    for (let j = 0; j < row; j++) data[indices[i] * row + j] += Math.fround(by * values[i * row + j]);
  }
}

/** Rows as whole tensors, as many as the index that comes most often comes: so each row is added in its turn, as elsewhere. */
function apart({ indices, values }: Sparse, shape: readonly number[]): Tensor[] {
  const row = rowOf(shape);
  const wholes: Tensor[] = [];
  const times = new Map<number, number>();
  indices.forEach((index, i) => {
    const turn = times.get(index) ?? 0;
    times.set(index, turn + 1);
    const { data } = wholes[turn] ??= { data: new Float32Array(shape[0] * row), shape };
    data.set(values.subarray(i * row, (i + 1) * row), index * row);
  });
  return wholes;
}

function addArray(into: Float32Array, gradient: Float32Array, factor: number): void {
  if (factor === 1) {
    for (let i = 0; i < into.length; i++) into[i] += gradient[i];
    return;
  }
  const by = Math.fround(factor);
  for (let i = 0; i < into.length; i++) into[i] += Math.fround(by * gradient[i]);
}

function define(record: Record<string, Tensor>, name: string, tensor: Tensor): void {
  Object.defineProperty(record, name, { value: tensor, enumerable: true, configurable: true, writable: true });
}
