import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { builtins, type DType } from "../../mod.ts";
import { read } from "../generated.ts";

interface Recorded {
  readonly optimizer: "Adam" | "AdamW";
  readonly dtype: DType;
  readonly options: Readonly<Record<string, unknown>>;
  readonly init: readonly number[];
  readonly grads: readonly (readonly number[])[];
  readonly params: readonly (readonly number[])[];
  readonly state: Readonly<Record<string, readonly number[]>>;
}

const { torch, cases }: { torch: string; cases: readonly Recorded[] } = JSON.parse(read("tests/reference/fused_adam.json"));

const fromBits = (dtype: DType, bits: readonly number[]) => ({
  data: dtype === "float32" ? new Float32Array(Uint32Array.from(bits).buffer) : Uint16Array.from(bits),
  shape: [bits.length],
  dtype,
});
const toBits = (
  data: Float32Array | Float64Array | Uint16Array,
): number[] => [...data instanceof Float32Array ? new Uint32Array(data.buffer, data.byteOffset, data.length) : data];
const camel = (name: string): string => name.replace(/_(\w)/g, (_, letter) => letter.toUpperCase());

for (const { optimizer: name, dtype, options, init, grads, params, state } of cases) {
  test(`fused ${name} has the bits of torch ${torch}'s fused kernel, ${dtype}, ${JSON.stringify(options)}`, () => {
    const given = Object.fromEntries(Object.entries(options).map(([key, value]) => [camel(key), value]));
    const w = fromBits(dtype, init);
    using optimizer = builtins.createOptimizer(name === "AdamW" ? "adamw_torch" : "adam", { w }, {
      ...given,
      fused: true,
      stateDtype: "param",
    });
    grads.forEach((grad, t) => {
      optimizer.step({ w: fromBits(dtype, grad) });
      assertEquals(toBits(w.data), params[t], `parameters after step ${t + 1}`);
    });
    const { tensors } = optimizer.saveState();
    for (const [key, bits] of Object.entries(state)) assertEquals(toBits(tensors[`w.${key}`].data), bits, key);
  });
}
