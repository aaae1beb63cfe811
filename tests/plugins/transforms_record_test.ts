import { readFileSync } from "node:fs";
import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import type { Tensor } from "../../core/types.ts";
import { available } from "../../kernels/detect.ts";
import { builtins, layerDecay } from "../../mod.ts";

/** tests/reference/transforms_record.py says how it was made. */
interface Recorded {
  readonly shapes: Readonly<Record<string, readonly number[]>>;
  readonly init: Readonly<Record<string, readonly number[]>>;
  readonly grads: Readonly<Record<string, readonly (readonly number[] | null)[]>>;
  readonly cases: readonly Case[];
  readonly layers: { readonly names: readonly string[]; readonly scales: readonly number[] };
}

type Values = Readonly<Record<string, readonly number[]>>;

interface Case {
  readonly transform: string;
  readonly options: Readonly<Record<string, unknown>>;
  readonly optimizer: "sgd" | "adamw_torch";
  readonly optimizerOptions: object;
  /** Every tensor has a gradient in every step. */
  readonly whole?: true;
  /** Steps in which a gradient is not finite. */
  readonly bad?: readonly number[];
  readonly steps: readonly {
    readonly params: Values;
    readonly uphill?: Values;
    readonly point?: Values;
    readonly norm?: number;
    readonly mean?: number | null;
    readonly scale?: number;
    readonly applied?: number;
  }[];
}

const { shapes, init, grads, cases, layers } = JSON.parse(
  readFileSync(new URL("../reference/transforms_record.json", import.meta.url), "utf8"),
) as Recorded;
const names = Object.keys(shapes);

/** Within a few roundings of each tensor's largest value: the bound for the first steps, that grows with them. */
function assertMatches(got: Readonly<Record<string, Tensor>>, want: Values, what: string, bound: number): void {
  for (const [name, values] of Object.entries(want)) {
    const data = got[name].data as Float32Array;
    const largest = Math.max(...values.map(Math.abs), 1e-3);
    values.forEach((value, i) => {
      assert(Math.abs(data[i] - value) <= bound * largest, `${what}, ${name}[${i}]: ${data[i]} instead of ${value}`);
    });
  }
}

/** The recorded gradients of a step, or SAM's, which depend on where the parameters are. */
function gradsAt(
  one: Case,
  params: Readonly<Record<string, Tensor<Float32Array>>>,
  t: number,
  factor: number,
): Record<string, Tensor | null> {
  return Object.fromEntries(names.map((name) => {
    const given = grads[name][one.whole && name === "a" && t === 2 ? 0 : t];
    if (given === null) return [name, null];
    const data = Float32Array.from(given, (x) => x * factor);
    if (one.transform === "sam") data.forEach((x, i) => data[i] = x * params[name].data[i]);
    if (one.bad?.includes(t) && name === "b") data[6] = t % 2 ? NaN : Infinity;
    return [name, { data, shape: shapes[name] }];
  }));
}

const near = (a: number, b: number): boolean => Math.abs(a - b) <= 1e-6 * Math.abs(b);

const known = (one: Case): boolean => builtins.plugins.some(({ kind, name }) => kind === "transform" && name === one.transform);

for (const backend of available()) {
  cases.filter(known).forEach((one, i) => {
    const { transform, options, optimizer: rule, optimizerOptions, steps } = one;
    test(`${transform}() ${JSON.stringify(options)} around ${rule} matches its reference on backend ${backend}, case ${i}`, () => {
      const params = Object.fromEntries(names.map((name) => [name, { data: Float32Array.from(init[name]), shape: shapes[name] }]));
      using optimizer = builtins.createOptimizer(rule, params, optimizerOptions, { backend, transforms: [{ name: transform, options }] });
      const [view] = optimizer.transforms;
      steps.forEach(({ params: want, uphill, point, norm, mean, scale, applied }, t) => {
        const bound = 4e-7 * (t + 4);
        const what = `step ${t + 1}`;
        if (uphill !== undefined) {
          optimizer.run("ascend", gradsAt(one, params, t, 1));
          assertMatches(params, uphill, `${what}, uphill`, bound);
        }
        optimizer.step(gradsAt(one, params, t, scale === undefined ? 1 : view.readings().scale!));
        assertMatches(params, want, what, bound);
        if (point !== undefined) assertMatches(optimizer.point("ema"), point, `${what}, point`, bound);
        if (norm !== undefined) assert(near(view.readings().norm!, norm), `${what}: norm ${view.readings().norm} instead of ${norm}`);
        if (typeof mean === "number") assert(near(view.readings().mean!, mean), `${what}: mean ${view.readings().mean} instead of ${mean}`);
        if (scale !== undefined) assertEquals([view.readings().scale, optimizer.steps], [scale, applied], what);
      });
    });
  });
}

test("layerDecay() gives the parameters of a Vision Transformer timm's factors", () => {
  const { names, scales } = layers;
  const found = new Map(layerDecay(names, 0.75).flatMap(({ match, scale: { lr } }) => match.map((name) => [name, lr])));
  names.forEach((name, i) => assert(near(found.get(name)!, scales[i]), `${name}: ${found.get(name)} instead of ${scales[i]}`));
});
