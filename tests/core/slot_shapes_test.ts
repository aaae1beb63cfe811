import { test } from "node:test";
import { assertEquals, assertThrows } from "@std/assert";
import { createOptimizer } from "../../core/optimizer/optimizer.ts";
import type { OptimizerPlugin, Rule } from "../../core/plugin/contract.ts";
import { available } from "../../kernels/detect.ts";

const made = (rule: (shape: readonly number[]) => Rule): OptimizerPlugin<"made", object> => ({
  kind: "optimizer",
  name: "made",
  description: "Slots of dimensions of their own",
  options: {},
  rule: (_options, { shape }) => rule(shape),
  scalars: () => ({}),
});

const statistics = made(([rows, cols]) => ({
  slots: { L: { shape: [rows, rows], key: "L", init: 1 }, R: { shape: [cols, cols], key: "R" }, c: { shape: "col", key: "c" } },
  update: "gt = transpose(g)\nA = matmul(g, gt)\nL = L + A\nB = matmul(gt, g)\nR += B\nc = colsum(R)\nx = matmul(L, g)\np -= x",
}));

test("Slots may have the sides of matrices that a rule makes, and are saved with these dimensions", () => {
  for (const backend of available()) {
    for (const [rows, cols] of [[2, 3], [3, 3], [4, 1]]) {
      const w = { data: new Float32Array(rows * cols), shape: [rows, cols] };
      const optimizer = createOptimizer(statistics, { w }, {}, { backend });
      const g = Float32Array.from({ length: rows * cols }, (_, i) => i % 4 - 1);
      optimizer.step({ w: g });
      const L = Array.from({ length: rows * rows }, (_, at) => {
        const [i, j] = [Math.floor(at / rows), at % rows];
        return Array.from({ length: cols }, (_, k) => g[i * cols + k] * g[j * cols + k]).reduce((a, b) => a + b, 1);
      });
      const moved = Array.from({ length: rows * cols }, (_, at) => {
        const [i, j] = [Math.floor(at / cols), at % cols];
        return -Array.from({ length: rows }, (_, k) => L[i * rows + k] * g[k * cols + j]).reduce((a, b) => a + b, 0);
      });
      assertEquals([...w.data].map((x) => x + 0), moved.map((x) => x + 0));
      const state = optimizer.saveState();
      assertEquals([state.tensors["w.L"].shape, state.tensors["w.R"].shape, state.tensors["w.c"].shape], [[rows, rows], [cols, cols], [
        cols,
      ]]);
      assertEquals([...state.tensors["w.L"].data], L);
      const other = { data: new Float32Array(rows * cols), shape: [rows, cols] };
      const resumed = createOptimizer(statistics, { w: other }, {}, { backend });
      resumed.loadState(state);
      for (const one of [optimizer, resumed]) one.step({ w: g });
      assertEquals(resumed.saveState(), optimizer.saveState());
      optimizer.dispose();
      resumed.dispose();
    }
  }
});

test("Slots of a batch have it before their sides", () => {
  const rule = made(([batch, rows]) => ({
    slots: { L: { shape: [batch, rows, rows], key: "L" } },
    update: "gt = transpose(g)\nA = matmul(g, gt)\nL = A\np = p",
  }));
  using optimizer = createOptimizer(rule, { w: { data: new Float32Array(12), shape: [2, 2, 3] } });
  optimizer.step({ w: Float32Array.from({ length: 12 }, (_, i) => i) });
  assertEquals(optimizer.saveState().tensors["w.L"].shape, [2, 2, 2]);
  assertEquals([...optimizer.saveState().tensors["w.L"].data], [5, 14, 14, 50, 149, 212, 212, 302]);
});

test("A slot of dimensions that the tensor has nowhere is refused, with those that it has", () => {
  const w = { data: new Float32Array(12), shape: [3, 4] };
  const rule = (shape: unknown) => made(() => ({ slots: { L: { shape: shape as readonly number[], key: "L" } }, update: "p -= g" }));
  const error = assertThrows(() => createOptimizer(rule([3, 5]), { w }), RangeError, "of shape [3, 5]");
  assertEquals(["[3, 4]", "[3, 3]", "[4, 4]", "[4, 3]", "[3]", "[4]", "[12]"].filter((dims) => !error.message.includes(dims)), []);
  assertThrows(() => createOptimizer(rule([3, -3]), { w }), TypeError);
  assertThrows(() => createOptimizer(rule([3, "3"]), { w }), TypeError);
});
