import { test } from "node:test";
import { assertEquals, assertThrows } from "@std/assert";
import { splitByConvention, stateMetadata } from "../../../plugins/formats/pytorch.ts";

const vector = { data: new Float32Array([1, 2]), shape: [2], dtype: "float32" as const };
const count = { data: new Float32Array([3]), shape: [], dtype: "float32" as const };

/** Names of parameters, gradients and state. */
const namesOf = (...names: string[]) => {
  const tensors = Object.fromEntries(names.map((name) => [name, name.endsWith(".step") || name.startsWith("group.") ? count : vector]));
  const { params, grads, state } = splitByConvention(tensors);
  return [params, grads, state].map((part) => Object.keys(part).sort());
};

test("names say what is a parameter, a gradient and state", () => {
  assertEquals(namesOf("w", "w.grad"), [["w"], ["w"], []]);
  assertEquals(namesOf("w", "w.grad", "w.exp_avg", "w.step"), [["w"], ["w"], ["w.exp_avg", "w.step"]]);
  // A parameter without a gradient is known by its step count, or by standing alone.
  assertEquals(namesOf("a", "a.grad", "b", "b.step", "c"), [["a", "b", "c"], ["a"], ["b.step"]]);
  assertEquals(namesOf("a", "a.grad", "a.b", "a.b.grad", "a.b.m"), [["a", "a.b"], ["a", "a.b"], ["a.b.m"]]);
  assertEquals(namesOf("w", "w.grad", "group.0.d"), [["w"], ["w"], ["group.0.d"]]);
});

test("names that fit nothing are refused with the tensor", () => {
  assertThrows(() => namesOf("w"), TypeError, "No tensor has a gradient");
  for (const [names, tensor] of [[["w", "w.grad", "v.grad"], "v.grad"], [["w", "w.grad", "w.grad.grad"], "w.grad"]] as const) {
    const error = assertThrows(() => namesOf(...names), TypeError);
    assertEquals((error as { tensor?: string }).tensor, tensor);
  }
});

test("a step count in float32 is read as ours, and PyTorch's metadata are left out", () => {
  const { state } = splitByConvention({ w: vector, "w.grad": vector, "w.exp_avg": vector, "w.step": count });
  assertEquals(state["w.step"], { data: new Float64Array([3]), shape: [], dtype: "float64" });
  assertEquals(state["w.exp_avg"], vector);
  const metadata = { format: "pt", steps: "3", optimizer: "adamw", "schedule.lr": "{}", "group.0.step": "3", title: "mine" };
  assertEquals(stateMetadata(metadata), { steps: "3", optimizer: "adamw", "schedule.lr": "{}", "group.0.step": "3" });
  assertEquals(stateMetadata({ format: "glissade-1" }), { format: "glissade-1" });
});
