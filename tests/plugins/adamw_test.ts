import { test } from "node:test";
import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { available } from "../../kernels/detect.ts";
import { narrowArray, roundBfloat16, widenBfloat16 } from "../../kernels/half.ts";
import { roundTo } from "../../kernels/tables/dtypes.ts";
import { builtins } from "../../mod.ts";

const f32 = (...values: number[]): Float32Array => new Float32Array(values);

for (const backend of available()) {
  test(`adamw() on backend ${backend} gives the reference's three steps (semantics A15)`, () => {
    const p = f32(1, 2);
    using optimizer = builtins.createOptimizer("adamw", { p }, { lr: 0.1, weightDecay: 0.1 }, { backend });
    const want = [[0.8910031914710999, 2.078998565673828], [0.7865414619445801, 2.1537609100341797], [
      0.6838347315788269,
      2.227065086364746,
    ]];
    for (let t = 1; t <= 3; t++) {
      optimizer.step({ p: f32(t, -2 * t) });
      want[t - 1].forEach((x, i) => assertAlmostEquals(p[i], x, 2 ** -22));
    }
    const { tensors } = optimizer.saveState();
    [0.5609999895095825, -1.121999979019165].forEach((x, i) => assertAlmostEquals(tensors["p.exp_avg"].data[i], x, 2 ** -23));
    [0.013994000852108002, 0.05597600340843201].forEach((x, i) => assertAlmostEquals(tensors["p.exp_avg_sq"].data[i], x, 2 ** -27));
  });
}

test("adamw() keeps the state in the parameter's dtype (semantics A5)", () => {
  for (const name of ["adamw", "adamw_torch"] as const) {
    using optimizer = builtins.createOptimizer(name, { p: { data: new Uint16Array(2), dtype: "bfloat16" } }, {}, { backend: "js" });
    const { tensors } = optimizer.saveState();
    assertEquals([tensors["p.exp_avg"].dtype, tensors["p.exp_avg_sq"].dtype], ["bfloat16", "bfloat16"]);
  }
});

test("adamw() ignores a negative decay (semantics A9)", () => {
  const decayed = f32(1), plain = f32(1);
  using a = builtins.createOptimizer("adamw", { p: decayed }, { weightDecay: -0.5 }, { backend: "js" });
  using b = builtins.createOptimizer("adamw", { p: plain }, {}, { backend: "js" });
  a.step({ p: f32(1) });
  b.step({ p: f32(1) });
  assertEquals(decayed, plain);
});

test("adamw() gives NaN where eps and the first gradient are 0 (semantics A12)", () => {
  const p = f32(1, 1);
  using optimizer = builtins.createOptimizer("adamw", { p }, { eps: 0 }, { backend: "js" });
  optimizer.step({ p: f32(0, 1) });
  assertEquals([Number.isNaN(p[0]), Number.isNaN(p[1])], [true, false]);
});

test("adamw() without bias correction steps by lr (semantics A10)", () => {
  const p = f32(0);
  using optimizer = builtins.createOptimizer("adamw", { p }, { lr: 1, betas: [0, 0], eps: 0, correctBias: false }, { backend: "js" });
  optimizer.step({ p: f32(3) });
  assertEquals(p[0], -1);
});

test("adamw_torch() decays before the step, and upwards too (semantics A8, D19)", () => {
  const down = f32(1), up = f32(1);
  using a = builtins.createOptimizer("adamw_torch", { p: down }, { lr: 0.5, weightDecay: 0.5 }, { backend: "js" });
  using b = builtins.createOptimizer("adamw_torch", { p: up }, { lr: 0.5, weightDecay: 0.5, maximize: true }, { backend: "js" });
  a.step({ p: f32(1) });
  b.step({ p: f32(1) });
  assertAlmostEquals(down[0], 0.25, 1e-6);
  assertAlmostEquals(up[0], 1.25, 1e-6);
});

test("adamw_torch() with amsgrad remembers the largest second moment, and cannot take it up later", () => {
  const p = f32(1);
  using optimizer = builtins.createOptimizer("adamw_torch", { p }, { amsgrad: true, betas: [0, 0.5] }, { backend: "js" });
  optimizer.step({ p: f32(4) });
  optimizer.step({ p: f32(0) });
  const { tensors } = optimizer.saveState();
  assertEquals([tensors["p.exp_avg_sq"].data[0], tensors["p.max_exp_avg_sq"].data[0]], [4, 8]);
  optimizer.options.amsgrad = false;
  assertThrows(() => optimizer.step({ p: f32(1) }), TypeError, "slots");
  optimizer.options.amsgrad = true;
  optimizer.step({ p: f32(1) });
});

test("adamw() in 16 bits rounds as the reference's in-place operations do: the decay's factor, its product, then the difference", () => {
  const numbers = Float32Array.from({ length: 300 }, (_, i) => (i - 150) / 37 + i * i / 5000);
  const patterns = new Uint16Array(numbers.length);
  narrowArray("bfloat16", numbers, patterns);
  const p = { data: patterns.slice(), shape: [numbers.length], dtype: "bfloat16" as const };
  using optimizer = builtins.createOptimizer("adamw", { p }, { lr: 0.3, weightDecay: 0.17, stateDtype: "param" }, { backend: "js" });
  // Without a gradient to follow, the decay alone moves a parameter.
  optimizer.step({ p: { data: new Uint16Array(numbers.length), dtype: "bfloat16" } });
  const round = (x: number): number => roundTo("bfloat16", Math.fround(x));
  const factor = round(Math.fround(0.3 * 0.17));
  const want = Array.from(patterns, (pattern) => {
    const x = widenBfloat16(pattern);
    return roundBfloat16(Math.fround(x - round(Math.fround(factor * x))));
  });
  assertEquals([...p.data], want);
});
