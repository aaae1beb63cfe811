import { assertEquals, assertMatch } from "@std/assert";
import { test } from "node:test";
import type { OptimizerPlugin, Plugin } from "../core/plugin/contract.ts";
import { plugins } from "../plugins/builtins.ts";
import { algorithms, headOf, stateBytes } from "./algorithms.ts";
import { read } from "./generated.ts";

const optimizers = (plugins as readonly Plugin[]).filter((plugin): plugin is OptimizerPlugin => plugin.kind === "optimizer");

for (const { name, source = "" } of optimizers) {
  test(`${name} names its paper, its reference with a version, and in its file's head what differs`, () => {
    const { what, differences } = headOf(read(`plugins/optimizers/${name}.ts`));
    assertMatch(what, /\.$/);
    assertMatch(source, /https:.*; [^;]* \d[\d.]*$/);
    assertMatch(differences, new RegExp(`${/\d[\d.]*$/.exec(source)![0].replaceAll(".", "\\.")}`));
  });
}

test("headOf() reads the sentence and the differences of a head that runs over lines", () => {
  const head = `/**
 * Adam as X has it: one
 * sentence.
 *
 * A, "T", 2014, https://arxiv.org/abs/1; B, "U", https://example.org/b.pdf.
 * Follows \`torch.optim.Adam\` 2.2.2, which
 * differs.
 *
 * @module
 */`;
  assertEquals(headOf(head), {
    what: "Adam as X has it: one sentence.",
    differences: "Follows `torch.optim.Adam` 2.2.2, which differs.",
  });
});

test("stateBytes() counts moments, rows and columns in their dtypes, and no scratch memory", () => {
  const bytes = (name: string, shape: readonly number[]): number[] => {
    const plugin = optimizers.find((plugin) => plugin.name === name)!;
    return (["float32", "bfloat16", "float16"] as const).map((dtype) => stateBytes(plugin, shape, dtype));
  };
  assertEquals(bytes("adamw_torch", [4, 8]), [8, 4, 8]);
  assertEquals(bytes("sgd", [4, 8]), [0, 0, 0]);
  assertEquals(bytes("tiger", [4, 8]), [4, 2, 4]);
  assertEquals(bytes("sm3", [2, 4, 4]), [4 * (2 + 16) / 32, 2 * (2 + 16) / 32, 4 * (2 + 16) / 32]);
  assertEquals(bytes("novograd", [8])[0], 4);
  assertEquals(bytes("stable_adamw", [8]), [8, 6, 10]);
});

test("algorithms() has a row for every plugin", () => {
  const text = algorithms(read);
  assertEquals((plugins as readonly Plugin[]).filter(({ name }) => !text.includes(`| \`${name}\``)).map(({ name }) => name), []);
});
