import { assertEquals } from "@std/assert";
import { test } from "node:test";
import { builtins } from "../../mod.ts";
import type { OptimizerPlugin } from "../../core/plugin/contract.ts";

const descent: OptimizerPlugin<"descent", { lr?: number }> = {
  kind: "optimizer",
  name: "descent",
  description: "Plain gradient descent",
  options: { lr: { default: 0.25, minimum: 0, description: "Learning rate" } },
  rule: () => ({ slots: {}, update: "u = g\np -= lr*u" }),
  scalars: ({ lr }) => ({ lr }),
};

/** Beside the record of pytorch_optimizer's (tests/plugins/transforms_record_test.ts), numbers worked out by hand. The norm of (3, 0) and 4 together is 5. */
const uphill = { a: Float32Array.of(3, 0), b: Float32Array.of(4) };

test("sam() takes the gradient rho along the global gradient and steps from where it stood", () => {
  const params = { a: Float32Array.of(1, 2), b: Float32Array.of(-1) };
  using optimizer = builtins.with(descent).createOptimizer("descent", params, {}, {
    transforms: [{ name: "sam", options: { rho: 0.5 } }],
  });
  optimizer.run("ascend", uphill);
  assertEquals(params.a, Float32Array.of(1 + Math.fround(0.3), 2));
  assertEquals(params.b, Float32Array.of(-1 + Math.fround(0.4)));
  assertEquals(optimizer.steps, 0);
  optimizer.step({ a: Float32Array.of(2, -4), b: Float32Array.of(1) });
  assertEquals(params, { a: Float32Array.of(0.5, 3), b: Float32Array.of(-1.25) });
});

test("sam() steps from the parameters as they are when nothing ascended", () => {
  const params = { a: Float32Array.of(1, 2), b: Float32Array.of(-1) };
  using optimizer = builtins.with(descent).createOptimizer("descent", params, {}, { transforms: [{ name: "sam" }] });
  for (let step = 0; step < 2; step++) optimizer.step(uphill);
  assertEquals(params, { a: Float32Array.of(-0.5, 2), b: Float32Array.of(-3) });
});

test("sam() goes back to where it stood also after an ascent that no step followed", () => {
  const params = { a: Float32Array.of(1, 2), b: Float32Array.of(-1) };
  using optimizer = builtins.with(descent).createOptimizer("descent", params, {}, {
    transforms: [{ name: "sam", options: { rho: 0.5 } }, { name: "skip_nonfinite" }],
  });
  optimizer.run("ascend", uphill);
  assertEquals(optimizer.step({ a: Float32Array.of(NaN, 0), b: Float32Array.of(0) }).skipped, "skip_nonfinite");
  optimizer.run("ascend", uphill);
  assertEquals(params.a, Float32Array.of(1 + Math.fround(0.3), 2));
  optimizer.step({ a: Float32Array.of(0, 0), b: Float32Array.of(0) });
  assertEquals(params, { a: Float32Array.of(1, 2), b: Float32Array.of(-1) });
});
