/**
 * The passes of texts against those on record (passes.json): of all optimizers, the built-in ones and those of the reference cases, alone and with
 * transforms, and of a thousand random cases with their kernels whole. Another scheduler must give the same, or say why not.
 * `GLISSADE_WRITE_PASSES=1` writes the record anew.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import process from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { explain } from "../../core/explain.ts";
import type { OptimizerPlugin, Plugin } from "../../core/plugin/contract.ts";
import { builtins, type DType, type Use } from "../../mod.ts";
import { testPlugins } from "../reference/plugins/all.ts";
import { programsOf } from "./random_run.ts";
import { randomCase } from "./random_text.ts";

const path = fileURLToPath(new URL("passes.json", import.meta.url));
const seeds = 1000;
const perLine = 100;
const hash = (text: string): string => createHash("sha256").update(text).digest("hex").slice(0, 16);

const plugins: readonly Plugin[] = [...builtins.plugins, ...testPlugins];
const dtypes: readonly DType[] = ["float32", "bfloat16", "float16"];
const shapes: readonly (readonly number[])[] = [[6], [4, 3], [2, 4, 3]];
const clips: readonly Use[] = [
  { name: "clip_global_norm", options: { maxNorm: 1 } },
  { name: "clip_norm", options: { maxNorm: 1 } },
  { name: "clip_value", options: { value: 1 } },
  { name: "cautious", options: {} },
].map(({ name, options }) => ({ name: plugins.find((plugin) => plugin.name === name)!, options } as Use));
const transforms: readonly (readonly Use[])[] = [[], ...clips.map((clip) => [clip]), clips];
// Options that change a rule's text.
const options: Readonly<Record<string, readonly object[]>> = {
  adafactor: [{}, { beta1: 0.9 }, { lr: 0.1, relativeStep: false, scaleParameter: false }],
  adamw_torch: [{}, { amsgrad: true }],
  adam_keras: [{}, { amsgrad: true }],
};

/** A plugin's passes in every setting; what a setting refuses is on record too. */
function passesOf(plugin: OptimizerPlugin): string {
  const lines: string[] = [];
  for (const set of options[plugin.name] ?? [{}]) {
    for (const dtype of dtypes) {
      for (const shape of shapes) {
        for (const uses of transforms) {
          const what = `${JSON.stringify(set)} ${dtype} [${shape}] ${uses.length}`;
          try {
            lines.push(`${what}\n${explain(plugin, shape, { options: set, dtype, transforms: uses })}`);
          } catch (error) {
            lines.push(`${what}\n${(error as Error).constructor.name}`);
          }
        }
      }
    }
  }
  return lines.join("\n");
}

function passesOfRandom(from: number): string {
  const programs = Array.from({ length: perLine }, (_, k) => programsOf(randomCase(from + k))).flat();
  return JSON.stringify(programs.map((program) => [
    program.explain(),
    program.rounds.map((kernels) =>
      kernels.map(({ signature, pointers, scalars }) => [signature, pointers.map(({ key }) => key), scalars])
    ),
    program.numbers,
    program.alls,
  ]));
}

/** What there is to hold against the record, by name. */
const makers = new Map<string, () => string>();
for (const plugin of plugins) if (plugin.kind === "optimizer") makers.set(plugin.name, () => passesOf(plugin));
for (let from = 0; from < seeds; from += perLine) makers.set(`random texts ${from} to ${from + perLine - 1}`, () => passesOfRandom(from));

if (process.env.GLISSADE_WRITE_PASSES === "1") {
  const made = Object.fromEntries([...makers].map(([name, make]) => [name, hash(make())]));
  writeFileSync(path, JSON.stringify(made, null, 2) + "\n");
}

// A new plugin is on record when it is written anew.
for (const [name, recorded] of Object.entries(JSON.parse(readFileSync(path, "utf8")))) {
  test(`the passes of ${name} are those on record`, () => {
    assertEquals(hash(makers.get(name)!()), recorded);
  });
}
