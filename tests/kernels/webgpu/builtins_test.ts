/**
 * Every built-in optimizer and transform, lowered to WGSL and run on a device: from each state that backend "js" was in, the device must come to the same one.
 *
 * @module
 */
import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { builtins } from "../../../mod.ts";
import { narrowArray } from "../../../kernels/half.ts";
import type { Plugin } from "../../../core/plugin/contract.ts";
import { createOptimizer } from "../../../core/optimizer/optimizer.ts";
import type { DType, Raw, Tensor } from "../../../kernels/types.ts";
import { isDawnInBun } from "../../dawn.ts";
import { widen } from "../../reference/bits.ts";
import { random } from "../random_text.ts";
import { checked, type Lying, missing, runOnDevice, testDevice } from "./device.ts";
import { type Recorded, recordingBackend } from "./recorded.ts";

const device = await testDevice();
const onDevice = (name: string, run: (device: GPUDevice) => Promise<void> | void): void => {
  if (device === null) test.skip(`${name}: ${missing}`, () => {});
  else if (isDawnInBun) test.skip(`${name}: Node runs it on the same device`, () => {});
  else test(name, checked(device, run));
};

const layout: Readonly<Record<string, { readonly shape: readonly number[]; readonly dtype: DType }>> = {
  a: { shape: [33, 20], dtype: "float32" },
  b: { shape: [7], dtype: "bfloat16" },
  c: { shape: [3, 5, 3], dtype: "float16" },
  d: { shape: [], dtype: "float32" },
  e: { shape: [9000], dtype: "float32" },
};

/** Options that use more of a text than the defaults, and those that have none. */
const optionsOf: Readonly<Record<string, object>> = {
  sgd: { lr: 0.1, momentum: 0.9, nesterov: true, weightDecay: 0.1 },
  adam: { amsgrad: true, weightDecay: 0.1 },
  adamw_torch: { amsgrad: true },
  adamw: { weightDecay: 0.1 },
  rmsprop: { momentum: 0.9, centered: true, weightDecay: 0.1 },
  asgd: { weightDecay: 0.1, t0: 2 },
  lamb: { weightDecay: 0.1 },
  lars: { momentum: 0.9, weightDecay: 0.1, trustClip: true },
  adan: { weightDecay: 0.1, caution: true },
  came: { weightDecay: 0.1, amsBound: true },
  prodigy: { d0: 1e-3, weightDecay: 0.1, growthRate: 2 },
  dadapt_adam: { d0: 1e-3, weightDecay: 0.1, growthRate: 2 },
  novograd: { weightDecay: 0.1, amsgrad: true, gradAveraging: true },
  sm3: { momentum: 0.9, beta: 0.9 },
  mars: { weightDecay: 0.1, caution: true },
  fromage: { pBound: 2 },
  ftrl: { lr: 0.1, learningRatePower: -0.625, l1RegularizationStrength: 0.01 },
  clip_global_norm: { maxNorm: 0.5 },
  clip_by_global_norm: { maxNorm: 0.5 },
  clip_group_norm: { maxNorm: 0.5 },
  clip_norm: { maxNorm: 0.5 },
  clip_value: { value: 0.1 },
};

/** What leaves float32's digits where float64 keeps them, by name of a plugin: the tolerance of what it computes, and why. */
const illConditioned: Readonly<Record<string, { readonly tolerance: number; readonly why: string }>> = {
  zclip: { tolerance: 1e-3, why: "the variance of norms is the square of a small difference of two of them" },
  dadapt_adam: { tolerance: 1e-4, why: "the sum of products with gradients of either sign cancels" },
  adamuon: { tolerance: 1e-5, why: "Newton-Schulz passes a rounding of the norm on, and its result is squared" },
  prodigy: { tolerance: 1e-4, why: "the sum of products with gradients of either sign cancels" },
};

const named = (kind: Plugin["kind"], name: string): Plugin =>
  (builtins.plugins as readonly Plugin[]).find((plugin) => plugin.kind === kind && plugin.name === name)!;

function tensor(r: ReturnType<typeof random>, { shape, dtype }: (typeof layout)[string], size: number): Tensor {
  const n = shape.reduce((a, b) => a * b, 1);
  const numbers = Float32Array.from({ length: n }, () => (r.unit() - 0.5) * size);
  if (dtype === "float32") return { data: numbers, shape, dtype };
  const data = new Uint16Array(n);
  narrowArray(dtype, numbers, data);
  return { data, shape, dtype };
}

const tensors = (r: ReturnType<typeof random>, size: number): Record<string, Tensor> =>
  Object.fromEntries(Object.entries(layout).map(([name, one]) => [name, tensor(r, one, size)]));

/** Steps of an optimizer, or of one with a transform. */
function recorded(plugin: Plugin, gradients: (step: number) => Record<string, Tensor>): Recorded[] {
  const runs: Recorded[] = [];
  const backend = recordingBackend(runs);
  const options = optionsOf[plugin.name] ?? {};
  const settings = { backend, groups: [{ match: "b", options: plugin.name === "adafactor" ? {} : { lr: 0.02 } }] };
  const params = tensors(random(7), 2);
  const { optimizer, transforms } = plugin.kind === "transform"
    ? { optimizer: named("optimizer", "adamw_torch"), transforms: [{ name: plugin, options }] }
    : { optimizer: plugin, transforms: [] };
  using made = createOptimizer(
    optimizer as Parameters<typeof createOptimizer>[0],
    params,
    plugin.kind === "transform" ? {} : options,
    { ...settings, transforms },
  );
  for (let step = 0; step < 3; step++) made.step(gradients(step));
  return runs;
}

/** Whether a run's texts sum nothing. */
const isExact = ({ items }: Recorded): boolean =>
  items.every(({ program: { values, routines } }) => !values.some(({ op }) => op === "reduce") && routines.flat().length === 0);

const isSame = (a: number, b: number): boolean => a === b || Number.isNaN(a) && Number.isNaN(b);
const largest = (numbers: ArrayLike<number>): number =>
  Array.from(numbers).filter(Number.isFinite).reduce((m, x) => Math.max(m, Math.abs(x)), 0);
const lastPlace: Readonly<Record<DType, number>> = { float32: 0, bfloat16: 2 ** -7, float16: 2 ** -10 };

/** Compares what a device left with what backend "js" did. */
async function compare(device: GPUDevice, run: Recorded, lying: Lying, tolerance: number): Promise<void> {
  const { after, held } = await runOnDevice(device, run.items, run.before, run.values, lying);
  assertEquals(held, run.held);
  run.items.forEach((item, i) => {
    for (const [key, expected] of run.after.tensors[i]) {
      const where = `${item.name}, ${key}`;
      const got = after.tensors[i].get(key)!;
      if (isExact(run)) assertEquals(bitsOf(got), bitsOf(expected), where);
      else assertNear(got, expected, item.tensors[key].dtype!, tolerance, where);
    }
    for (const which of ["scalarSlots", "groupSlots"] as const) {
      for (const [key, expected] of run.after[which][i]) {
        const got = after[which][i].get(key)!;
        assert(
          isSame(got, expected) || Math.abs(got - expected) <= tolerance * Math.abs(expected),
          `${item.name}, ${key}: ${got}, not ${expected}`,
        );
      }
    }
  });
}

/** Any NaN equals any NaN. */
const bitsOf = (raw: Raw): number[] =>
  raw instanceof Float32Array
    ? Array.from(new Uint32Array(raw.slice().buffer), (bits, i) => Number.isNaN(raw[i]) ? -1 : bits)
    : Array.from(raw);

function assertNear(got: Raw, expected: Raw, dtype: DType, tolerance: number, where: string): void {
  const [a, b] = [widen(got, dtype), widen(expected, dtype)];
  const size = largest(b);
  for (let k = 0; k < b.length; k++) {
    const isNear = isSame(a[k], b[k]) || Math.abs(a[k] - b[k]) <= Math.max(lastPlace[dtype], tolerance) * size;
    assert(isNear, `${where}[${k}] is ${a[k]}, not ${b[k]}`);
  }
}

const gradients = (step: number): Record<string, Tensor> => tensors(random(step + 20), 0.3);

const lowered = (builtins.plugins as readonly Plugin[]).filter(({ kind }) => kind === "optimizer" || kind === "transform");

for (const [i, plugin] of lowered.entries()) {
  onDevice(`${plugin.name} in WGSL comes from each state to the one that backend "js" comes to`, async (device) => {
    const runs = recorded(plugin, gradients);
    const { tolerance } = illConditioned[plugin.name] ?? { tolerance: 2e-6 };
    await compare(device, runs.at(-1)!, i % 2 === 0 ? "apart" : "together", tolerance);
  });
}

onDevice("a step that skip_nonfinite holds back changes nothing on the device but its counts", async (device) => {
  const runs = recorded(named("transform", "skip_nonfinite"), (step) => {
    const given = gradients(step);
    if (step === 1) (given.e.data as Float32Array)[8123] = NaN;
    return given;
  });
  assertEquals(runs.map(({ held }) => held.length), [0, 1, 0]);
  for (const run of runs) await compare(device, run, "together", 2e-6);
});
