import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { createOptimizer } from "../../core/optimizer/optimizer.ts";
import { roundBfloat16, widenBfloat16 } from "../../kernels/half.ts";
import { adamw } from "../../plugins/optimizers/adamw.ts";
import { adamwTorch } from "../../plugins/optimizers/adamw_torch.ts";

for (const plugin of [adamw, adamwTorch]) {
  test(`${plugin.name} keeps float32 moments of 16-bit parameters where stateDtype says so (D18)`, () => {
    const params = () => ({ w: { data: Uint16Array.from([1, -2, 0.5], roundBfloat16), shape: [3], dtype: "bfloat16" as const } });
    const grads = (t: number) => ({ w: Float32Array.of(1e-3, 2e-3, -t) });
    const run = (stateDtype: "param" | "float32") => {
      const given = params();
      using optimizer = createOptimizer<string, { lr?: number; stateDtype?: "param" | "float32" }>(
        plugin,
        given,
        { lr: 0.05, stateDtype },
        { backend: "js" },
      );
      for (let t = 1; t <= 4; t++) optimizer.step(grads(t));
      const { tensors } = optimizer.saveState();
      return {
        values: Array.from(given.w.data, widenBfloat16),
        dtypes: ["exp_avg", "exp_avg_sq"].map((key) => tensors[`w.${key}`].dtype),
        tensors,
      };
    };
    const low = run("param"), high = run("float32");
    assertEquals([low.dtypes, high.dtypes], [["bfloat16", "bfloat16"], ["float32", "float32"]]);

    // The moments are those of a float32 parameter: they do not depend on it.
    const w = Float32Array.of(1, -2, 0.5);
    using single = createOptimizer<string, { lr?: number }>(plugin, { w }, { lr: 0.05 }, { backend: "js" });
    for (let t = 1; t <= 4; t++) single.step(grads(t));
    for (const key of ["w.exp_avg", "w.exp_avg_sq"]) assertEquals(high.tensors[key].data, single.saveState().tensors[key].data);
    assert(high.values.every((value, i) => Math.abs(value - w[i]) < 0.02 * Math.abs(w[i])), `${high.values} instead of ${w}`);
  });

  test(`${plugin.name} computes float32 parameters alike with either stateDtype (D18)`, () => {
    const run = (stateDtype: "param" | "float32") => {
      const w = Float32Array.of(1, -2, 0.5);
      using optimizer = createOptimizer<string, { stateDtype?: "param" | "float32" }>(plugin, { w }, { stateDtype }, { backend: "js" });
      optimizer.step({ w: Float32Array.of(1, 2, 3) });
      return w;
    };
    assertEquals(run("param"), run("float32"));
  });
}
