/**
 * A new accumulator: a sum, to be replaced.
 *
 * @module
 */
import type { Names } from "./names.ts";
import type { Texts } from "./texts.ts";

/** The texts of a new accumulator. */
export function accumulatorText({ name, file, constant, optionsType, packageName }: Names): Texts {
  return {
    plugin: `/**
 * ${name}: say in a line what it does.
 *
 * Say where it is from: the paper, and the implementation whose numbers it gives.
 *
 * @module
 */
import type { Accumulator, AccumulatorPlugin, Grads, Sparse, Tensor } from "@glissade/optim/core";

/** Options of {@linkcode ${constant}}. */
export interface ${optionsType} {
  /** Calls after which a step is due; null: the caller knows. */
  every?: number | null;
}

/** The sum of gradients, each times its weight: replace it by your own way to gather them. */
export const ${constant}: AccumulatorPlugin<"${name}", ${optionsType}> = {
  kind: "accumulator",
  name: "${name}",
  description: "The sum of the gradients, each times its weight",
  source: "own work",
  options: {
    every: { default: null, type: ["integer", "null"], minimum: 1, unit: "count", description: "Calls after which a step is due; null: the caller knows" },
  },
  create({ every }, like, backend, tools): Accumulator {
    const places = new Map(Object.entries(like).map(([name, tensor]) => [name, tools.tensor(\`parameter "\${name}"\`, tensor)]));
    const sums = new Map<string, Float32Array>();
    let count = 0;
    let weight = 0;

    /** A gradient as numbers; what is none throws, before anything is added. */
    function numbersOf(name: string, gradient: NonNullable<Grads[string]>): Float32Array {
      const place = places.get(name);
      if (place === undefined) throw new TypeError(\`Cannot add the gradient of "\${name}": known are \${[...places.keys()].join(", ")}\`);
      if (typeof gradient === "object" && "indices" in gradient) return denseOf(name, gradient, place.shape);
      const { data, shape, dtype } = tools.tensor(\`the gradient of "\${name}"\`, gradient, place);
      if (data instanceof Float32Array) return data;
      const wide = backend.allocate(shape); // 16 bits, widened by a kernel
      backend.run("wide = narrow", { wide, narrow: { data, shape, dtype } });
      return wide.data;
    }

    return {
      add(grads, w = 1) {
        if (typeof w !== "number") throw new TypeError(\`Cannot add gradients of weight \${String(w)}: it must be a number\`);
        if (!(w >= 0 && w < Infinity)) throw new RangeError(\`Cannot add gradients of weight \${w}: it must be finite and not negative\`);
        if (typeof grads !== "object" || grads === null) throw new TypeError("Cannot add what is no object of gradients");
        if (Object.keys(grads).length === 0) throw new RangeError("Cannot add an empty set of gradients");
        const given = Object.entries(grads).flatMap(([name, gradient]) => gradient ? [[name, numbersOf(name, gradient)] as const] : []);
        for (const [name, gradient] of given) {
          const sum = sums.get(name) ?? new Float32Array(gradient.length);
          if (w !== 0) for (let i = 0; i < sum.length; i++) sum[i] += Math.fround(w * gradient[i]);
          sums.set(name, sum);
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
        if (count === 0) throw new RangeError("Cannot give gradients: none was added yet");
        const shaped = [...sums].map(([name, data]): [string, Tensor] => [name, { data, shape: places.get(name)!.shape }]);
        return Object.fromEntries(shaped);
      },
      merge(other) {
        if (other === this) throw new TypeError("Cannot merge an accumulator into itself");
        if (other.count === 0) return;
        this.add(other.gradients);
        count += other.count - 1;
        weight += other.weight - 1;
      },
      reset() {
        sums.clear();
        [count, weight] = [0, 0];
      },
      saveState() {
        const tensors = [...sums].map(([name, data]): [string, Tensor] => [name, { data: data.slice(), shape: places.get(name)!.shape }]);
        return { count, weight, tensors: Object.fromEntries(tensors) };
      },
      loadState(state) {
        const loaded = Object.entries(state.tensors).map(([name, tensor]) => [name, numbersOf(name, tensor).slice()] as const);
        sums.clear();
        for (const [name, data] of loaded) sums.set(name, data);
        ({ count, weight } = state);
      },
    };
  },
};

/** A sparse gradient with all its zeros. */
function denseOf(name: string, { indices, values }: Sparse, shape: readonly number[]): Float32Array {
  const [rows = 0, ...rest] = shape;
  const width = rest.reduce((size, length) => size * length, 1);
  if (values.length !== indices.length * width) throw new RangeError(\`Cannot add \${indices.length} rows of "\${name}" from \${values.length} values\`);
  const dense = new Float32Array(rows * width);
  indices.forEach((row, i) => {
    if (row < 0 || row >= rows) throw new RangeError(\`Cannot add row \${row} of "\${name}": it has \${rows} rows\`);
    for (let j = 0; j < width; j++) dense[row * width + j] += values[i * width + j];
  });
  return dense;
}
`,
    test: `import { test } from "node:test";
import { testAccumulator } from "@glissade/optim/testing";
import { ${constant} } from "./${file}.ts";

// Worked out by hand. Put here what the original gives, as Python's tolist() prints it.
const reference = [{
  batches: [{ grads: { w: [1, 2] }, weight: 3 }, { grads: { w: [5, -6] } }],
  expected: { w: [8, 0] },
}];

test("${name} is a sound plugin and gives the numbers of its reference", () => testAccumulator(${constant}, {}, { reference }));
`,
    use: `
import { builtins } from "@glissade/optim";
import { ${constant} } from "${packageName}";

const params = { w: new Float32Array([1, -2, 3]) };
using trainer = builtins.with(${constant}).createTrainer(params, {
  optimizer: { name: "adamw", options: { lr: 0.1 } },
  accumulate: { name: "${name}", options: { every: 2 } },
});
trainer.add({ w: new Float32Array([0.5, 0.5, -0.5]) }); // false
trainer.add({ w: new Float32Array([0.5, -0.5, 0.5]) }); // true: a step was taken
`,
  };
}
