import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { isTensor, loadOptimizerStateDict, readTorch, type TorchValue, writeTorch } from "../../../plugins/formats/pytorch.ts";
import {
  bound,
  differences,
  namesOf,
  optimizerOf,
  paramsOf,
  type Run,
  type Saved,
  savedOf,
  step,
  valueOf,
} from "../../reference/pytorch_runs.ts";
import { root } from "../../generated.ts";

const folder = join(root, "tests/reference/pytorch");
const { runs }: { readonly runs: Readonly<Record<string, Run>> } = JSON.parse(readFileSync(join(folder, "runs.json"), "utf8"));
const saved = (name: string): Saved => readTorch(Uint8Array.from(readFileSync(join(folder, `${name}.pt`)))) as unknown as Saved;

for (const [name, run] of Object.entries(runs)) {
  test(`a run of ${name} that began in PyTorch matches, here, the run that never moved`, () => {
    const { optimizer: dict, scheduler } = saved(name);
    const params = paramsOf(run, run.at3);
    using optimizer = optimizerOf(name, run, params);
    const { notes, ignored, missing } = loadOptimizerStateDict(optimizer, dict, {
      names: namesOf(name).flat(),
      scheduler,
      ...(name === "muon" && { steps: 3 }),
    });
    assertEquals([notes, ignored, missing], [[], [], []]);
    assertEquals(optimizer.steps, 3);
    for (let t = 4; t <= 6; t++) step(optimizer, run, t);
    assertEquals(differences(params, run.at6, bound), []);
    optimizer.groups.filter(({ names }) => names.length > 0).forEach(({ current }, i) => {
      assertEquals(Math.abs((current as { lr: number }).lr - run.lr[i]) <= 1e-15, true);
    });
  });

  test(`a run of ${name} that began here has PyTorch's dictionary after three steps`, () => {
    const params = paramsOf(run, run.before);
    using optimizer = optimizerOf(name, run, params);
    for (let t = 1; t <= 3; t++) step(optimizer, run, t);
    assertEquals(differences(params, run.at3, bound), []);
    const want = saved(name);
    const bytes = writeTorch(valueOf(savedOf(name, optimizer, want)));
    assertEquals(faults(readTorch(bytes), valueOf(want), bound, ""), []);
    assertEquals(writeTorch(readTorch(bytes)), bytes);
  });
}

/** Keys that a version of PyTorch's has and another has not; it adds those that it misses. */
const added = /\.(fused|capturable|decoupled_weight_decay|maximize|verbose|_is_initial)$/;
/** A part of a `SequentialLR` that is over keeps its last rate there, and here has that of the whole; what it counts for its warnings changed with the versions. */
const kept = /_schedulers\.\d+\.(_last_lr\.\d+|_step_count)$/;

/** What differs: keys, types and shapes at all, numbers by more than the bound. */
function faults(got: TorchValue, want: TorchValue, bound: number, at: string): string[] {
  if (isTensor(want)) {
    if (!isTensor(got) || got.dtype !== want.dtype || got.shape.join() !== want.shape.join()) return [`${at} is another tensor`];
    return differences({ it: got as { data: Float32Array } }, { it: Array.from(want.data as Float32Array) }, bound).map((fault) =>
      `${at}: ${fault}`
    );
  }
  if (typeof want === "object" && want !== null && typeof got === "object" && got !== null) {
    const keys = [...new Set([...Object.keys(want), ...Object.keys(got)])].filter((key) => !added.test(`.${key}`));
    return keys.flatMap((key) => {
      const inside = [got, want].map((of) => (of as Record<string, TorchValue>)[key]);
      if (inside.includes(undefined as never)) return [`${at}.${key} is on one side only`];
      return faults(inside[0], inside[1], bound, `${at}.${key}`);
    });
  }
  const near = typeof got === "number" && typeof want === "number" && Math.abs(got - want) <= 1e-12 * Math.abs(want);
  return near || Object.is(got, want) || kept.test(at) ? [] : [`${at} is ${String(got)} and not ${String(want)}`];
}
