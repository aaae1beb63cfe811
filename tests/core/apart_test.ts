/**
 * Optimizers over a backend whose memory is not this thread's, as a GPU's: what it hands out has a `data` that no kernel reads or writes.
 *
 * @module
 */
import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { createOptimizer } from "../../core/optimizer/optimizer.ts";
import type { KernelBackend } from "../../kernels/backend.ts";
import { createBackend } from "../../kernels/backends/create.ts";
import type { Item } from "../../kernels/plan/item.ts";
import type { Raw, Tensor } from "../../kernels/types.ts";
import { descent, everything } from "./plugins.ts";

const f32 = (...values: number[]): Float32Array<ArrayBuffer> => new Float32Array(values);

/** What stands in an array that nobody may read. */
const nothing = 77;

/** Backend "js" behind handles: their arrays hold {@linkcode nothing}, and only the backend knows the memory that they stand for. */
function apart(): { backend: KernelBackend; handles: ReadonlyMap<unknown, Tensor> } {
  const js = createBackend("js") as KernelBackend;
  const handles = new Map<unknown, Tensor>();
  const real = (tensor: Tensor): Tensor => handles.get(tensor.data) ?? tensor;
  const handle = (tensor: Tensor): Tensor => {
    const data = (tensor.data as Raw).slice().fill(nothing);
    handles.set(data, tensor);
    return { ...tensor, data };
  };
  const realOf = (tensors: Readonly<Record<string, Tensor>>): Record<string, Tensor> =>
    Object.fromEntries(Object.entries(tensors).map(([key, tensor]) => [key, real(tensor)]));
  const backend: KernelBackend = {
    ...js,
    disposed: false,
    allocate: ((shape: number[]) => handle(js.allocate(shape))) as KernelBackend["allocate"],
    reserve: (near, wanted) => js.reserve(near, wanted).map(handle),
    owns: ({ data }) => handles.has(data),
    plan: (items: readonly Item[]) => js.plan(items.map((item) => ({ ...item, tensors: realOf(item.tensors) }))),
    run: (text, tensors, scalars) => js.run(text, realOf(tensors as Record<string, Tensor>), scalars),
    upload: (into, from) => js.upload(real(into), from),
    download: (from, into) => js.download(real(from), into),
    scatter: (into, indices, values) => js.scatter(real(into), indices, values),
    fill: (tensor, value) => js.fill(real(tensor), value),
    release: (tensor) => js.release(real(tensor)),
  };
  return { backend, handles };
}

test("Core leaves the memory of a backend to the backend: steps, points and slots that start as the parameter", () => {
  const { backend, handles } = apart();
  const read = (tensor: Tensor): number[] => {
    const elements = f32(...Array.from({ length: tensor.data.length }, () => 0));
    backend.download(tensor, elements);
    return [...elements];
  };
  const made = (...values: number[]): Tensor => {
    const tensor = backend.allocate([1, values.length]);
    backend.upload(tensor, f32(...values));
    return tensor;
  };
  const there = made(2, 4), here = { data: f32(6, 8), shape: [1, 2] }, plain = made(5), ordinary = { data: f32(7), shape: [1, 1] };
  const groups = [{ match: "^(plain|ordinary)$", optimizer: descent, options: { lr: 1 } }];
  const optimizer = createOptimizer(everything, { there, here, plain, ordinary }, { lr: 1, start: 0 }, { backend, groups });
  const all = (...values: number[]) => ({ there: f32(...values), here: f32(...values), plain: f32(1), ordinary: f32(1) });
  optimizer.step(all(1, 3));
  assertEquals([read(there), [...here.data], read(plain), [...ordinary.data]], [[1, 1], [5, 5], [4], [6]]);

  const points = optimizer.point("start");
  assertEquals(Object.keys(points).map((name) => [...points[name].data]), [[2, 4], [6, 8], [4], [6]]);
  const into = { there: made(0, 0), here: made(0, 0), plain: made(0), ordinary: made(0) };
  optimizer.point("half", into);
  assertEquals(Object.values(into).map(read), [[0.5, 0.5], [2.5, 2.5], [4], [6]]);

  optimizer.run("back");
  assertEquals([read(there), [...here.data]], [[2, 4], [6, 8]]);
  for (const data of handles.keys()) assertEquals((data as Float32Array).every((x) => x === nothing), true);
  optimizer.dispose();
});
