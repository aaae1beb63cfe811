/**
 * Runs the random cases: over kernels, and over the naive evaluator, from the same numbers.
 *
 * @module
 */
import { assert } from "@std/assert";
import { narrowArray, widenArray } from "../../kernels/half.ts";
import { roundTo } from "../../kernels/tables/dtypes.ts";
import { parse } from "../../kernels/language/parse.ts";
import { compile } from "../../kernels/language/compile.ts";
import { extentOf } from "../../kernels/extent.ts";
import type { KernelBackend } from "../../kernels/backend.ts";
import type { Program } from "../../kernels/language/program.ts";
import type { Expr } from "../../kernels/language/statement.ts";
import type { Item } from "../../kernels/plan/item.ts";
import type { DType, SlotType, Tensor } from "../../kernels/types.ts";
import { count, ruleScope, step, type Subject, type Tree } from "./naive.ts";
import { type Case, random } from "./random_text.ts";

/** What a case leaves behind: numbers by "tensor key". */
export type Left = Map<string, Float32Array | number>;

/** Numbers near one, with zeros, subnormals and large ones among them; for a few seeds also what is no number. */
function inputs(n: number, seed: number, dtype: DType): Float32Array {
  const r = random(seed);
  const wild = seed % 8 === 5;
  return Float32Array.from({ length: n }, (_, i) => {
    const x = r.unit() - 0.5;
    if (wild && i % 5 === 2) return roundTo(dtype, r.pick([NaN, Infinity, -Infinity, -0, 3e38, -1e-45, 65_520, 1e-7]));
    return roundTo(dtype, i % 19 === 7 ? 0 : i % 41 === 5 ? x * 1e-38 : i % 43 === 11 ? x * 1e3 : x * 2);
  });
}

/** The tensors of a case by key, with their sizes. */
function layout({ groups, g, tensors }: Case): { keys: { key: string; size: number; dtype: DType }[]; group: number }[] {
  return tensors.map(({ group, extent }) => {
    const { text } = groups[group];
    const slots = Object.entries(text.slots).flatMap(([scope, slots]) =>
      Object.entries(slots).filter(([, { shape }]) => shape !== "scalar" && shape !== "group").map(([name, { shape, dtype }]) => ({
        key: `${scope}/${name}`,
        size: count(shape as "param", extent),
        dtype,
      }))
    );
    const out = text.point === undefined ? [] : [{ key: "out", size: extent.size, dtype: text.p }];
    return {
      group,
      keys: [{ key: "p", size: extent.size, dtype: text.p }, { key: "g", size: extent.size, dtype: g }, ...slots, ...out],
    };
  });
}

const numbersOf = (sample: Case, seed: number, cls: "scalar" | "group"): Map<string, number> => {
  const r = random(seed);
  const { slots } = sample.groups[0].text;
  return new Map(
    Object.entries(slots).flatMap(([scope, own]) =>
      Object.entries(own).filter(([, { shape }]) => shape === cls).map(([name]): [string, number] => [
        `${scope}/${name}`,
        r.unit() * 3 - 1,
      ])
    ),
  );
};

/** Each tensor's numbers at a step; tensors of a group share them unless their counts differ. */
function valuesAt(sample: Case, seed: number, time: number): Record<string, number>[] {
  const r = random(seed + 1000);
  const apart = r.chance(0.3);
  const shared = sample.groups.map(() =>
    Object.fromEntries(
      Object.entries(sample.scalars).flatMap(([scope, names]) => names.map((name) => [`${scope}/${name}`, r.unit() * 2 - 0.5])),
    )
  );
  const withTime = shared.map((values) => ({ ...values, t: time }));
  return sample.tensors.map(({ group }, i) => apart && i % 2 === 1 ? { ...shared[group], t: time + i } : withTime[group]);
}

const treeOf = (e: Expr): Tree => e.kind === "number" ? e.value : e.kind === "name" ? e.name : { f: e.f, args: e.args.map(treeOf) };

/** A case that is chosen and not random: one text, one group, one step. */
export function caseOf(
  text: string,
  slots: Readonly<Record<string, SlotType>>,
  shapes: readonly (readonly number[])[],
  p: DType,
  g: DType,
): Case {
  // What stands before = is in the tree already.
  const lines = parse(text, ruleScope).map(({ name, expr, scope }) => ({ name: name!, op: "=", scope, tree: treeOf(expr) }));
  return {
    groups: [{ text: { lines, slots: { [ruleScope]: slots }, p }, source: [{ scope: ruleScope, text }] }],
    g,
    tensors: shapes.map((shape) => ({ group: 0, shape, extent: extentOf(shape) })),
    scalars: { [ruleScope]: [] },
    steps: 1,
    exact: false,
  };
}

/** What the naive evaluator leaves behind. */
export function runNaive(sample: Case, seed: number): Left {
  const groupSlots = sample.groups.map((_, k) => numbersOf(sample, seed + 50 + k, "group"));
  const plans = layout(sample);
  const subjects: Subject[] = plans.map(({ keys, group }, i) => ({
    text: sample.groups[group].text,
    extent: sample.tensors[i].extent,
    tensors: Object.fromEntries(keys.map(({ key, size, dtype }, k) => [key, inputs(size, seed + 10 * i + k, dtype)])),
    scalarSlots: numbersOf(sample, seed + 70 + i, "scalar"),
    groupSlots: groupSlots[group],
  }));
  for (let time = 1; time <= sample.steps; time++) {
    subjects.forEach(({ tensors, extent }, i) => tensors.g = inputs(extent.size, seed + 333 * time + i, sample.g));
    step(subjects, valuesAt(sample, seed, time));
  }
  return leftOf(subjects);
}

function leftOf(subjects: readonly Pick<Subject, "tensors" | "scalarSlots" | "groupSlots">[]): Left {
  const left: Left = new Map();
  subjects.forEach(({ tensors, scalarSlots, groupSlots }, i) => {
    for (const [key, numbers] of Object.entries(tensors)) left.set(`${i} ${key}`, numbers);
    for (const [key, x] of [...scalarSlots, ...groupSlots]) left.set(`${i} ${key}`, x);
  });
  return left;
}

/** The programs of a case, one a group. */
export function programsOf(sample: Case): Program[] {
  return sample.groups.map(({ text, source }) =>
    compile(source.flatMap(({ scope, text }) => parse(text, scope)), {
      scopes: Object.fromEntries(
        Object.keys(text.slots).map((scope) => [scope, { slots: text.slots[scope], scalars: sample.scalars[scope] }]),
      ),
      p: text.p,
      g: sample.g,
      point: text.point !== undefined,
    })
  );
}

/** What kernels leave behind. */
export function runKernels(backend: KernelBackend, sample: Case, seed: number): Left {
  const programs = programsOf(sample);
  const groupSlots = sample.groups.map((_, k) => numbersOf(sample, seed + 50 + k, "group"));
  const plans = layout(sample);
  const fill = ({ data, dtype }: Tensor, numbers: Float32Array): void => {
    if (dtype === "float32") data.set(numbers);
    else narrowArray(dtype!, numbers, data as Uint16Array);
  };
  const items = plans.map(({ keys, group }, i) => {
    const memory = backend.reserve([], keys.map(({ size, dtype }) => ({ shape: [size], dtype })));
    keys.forEach(({ size, dtype }, k) => fill(memory[k], inputs(size, seed + 10 * i + k, dtype)));
    return {
      program: programs[group],
      extent: sample.tensors[i].extent,
      tensors: Object.fromEntries(keys.map(({ key }, k) => [key, memory[k]])),
      scalarSlots: numbersOf(sample, seed + 70 + i, "scalar"),
      groupSlots: groupSlots[group],
    } satisfies Item;
  });
  const before = backend.usage().allocated;
  const plan = backend.plan(items);
  for (let time = 1; time <= sample.steps; time++) {
    items.forEach(({ tensors: { g }, extent }, i) => fill(g, inputs(extent.size, seed + 333 * time + i, sample.g)));
    plan.run(valuesAt(sample, seed, time));
  }
  plan.dispose();
  assert(backend.usage().allocated === before, "a plan allocates scratch only");
  const widened = items.map(({ tensors, scalarSlots, groupSlots }) => ({
    scalarSlots,
    groupSlots,
    tensors: Object.fromEntries(
      Object.entries(tensors).map(([key, { data, dtype }]) => {
        const numbers = new Float32Array(data.length);
        if (dtype === "float32") numbers.set(data);
        else widenArray(dtype!, data as Uint16Array, numbers);
        return [key, numbers];
      }),
    ),
  }));
  for (const { tensors } of items) Object.values(tensors).forEach(backend.release);
  return leftOf(widened);
}
