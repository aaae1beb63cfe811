import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { createOptimizer } from "../../core/optimizer/optimizer.ts";
import { roundBfloat16, roundFloat16, widenBfloat16, widenFloat16 } from "../../kernels/half.ts";
import { adamw } from "../../plugins/optimizers/adamw.ts";
import { adamwTorch } from "../../plugins/optimizers/adamw_torch.ts";

for (const plugin of [adamw, adamwTorch]) {
  test(`${plugin.name} keeps float32 moments of 16-bit parameters where stateDtype says so (D18)`, () => {
    const params = () => ({ w: { data: Uint16Array.from([1, -2, 0.5], roundBfloat16), shape: [3], dtype: "bfloat16" as const } });
    const grads = (t: number) => ({ w: Float32Array.of(1e-3, 2e-3, -t) });
    const run = (stateDtype: "param" | "float32") => {
      const given = params();
      using optimizer = createOptimizer<string, { lr?: number; stateDtype?: "param" | "float32" | null }>(
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

  const first = (g: number, options: { stateDtype?: "param" | "float32" | null }) => {
    const w = { data: Uint16Array.of(roundFloat16(1)), shape: [1], dtype: "float16" as const };
    using optimizer = createOptimizer<string, typeof options>(plugin, { w }, options, { backend: "js" });
    optimizer.step({ w: { data: Uint16Array.of(roundFloat16(g)), dtype: "float16" } });
    return { w: widenFloat16(w.data[0]), dtype: optimizer.saveState().tensors["w.exp_avg_sq"].dtype };
  };

  test(`${plugin.name} keeps float32 moments of float16 parameters, so that small gradients move them as far as large ones`, () => {
    for (const options of [{}, { stateDtype: null }, { stateDtype: "float32" }] as const) {
      for (const g of [1e-3, 1e-2, 1]) {
        const { w, dtype } = first(g, options);
        assert(Math.abs(w - 0.999) < 1e-3 && dtype === "float32", `1 becomes ${w} by a gradient of ${g}, with moments in ${dtype}`);
      }
      assertEquals(first(0, options).w, 1);
    }
  });

  test(`${plugin.name} has the reference's moments of float16 parameters, and what becomes of them, where they are asked for (A13, D18)`, () => {
    const { w, dtype } = first(1e-3, { stateDtype: "param" });
    assertEquals(dtype, "float16");
    if (plugin === adamw) assertEquals(w, 0.96875);
    else assertEquals([w, first(0, { stateDtype: "param" }).w], [-Infinity, NaN]);
  });

  test(`${plugin.name} computes float32 parameters alike with either stateDtype (D18)`, () => {
    const run = (stateDtype: "param" | "float32") => {
      const w = Float32Array.of(1, -2, 0.5);
      using optimizer = createOptimizer<string, { stateDtype?: "param" | "float32" | null }>(plugin, { w }, { stateDtype }, {
        backend: "js",
      });
      optimizer.step({ w: Float32Array.of(1, 2, 3) });
      return w;
    };
    assertEquals(run("param"), run("float32"));
  });
}
