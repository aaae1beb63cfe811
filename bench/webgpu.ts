/**
 * What a step on backend "webgpu" costs, beside a kernel that copies as many bytes, and beside PyTorch's fused AdamW where `--python` names a Python that
 * has PyTorch and a CUDA device.
 *
 *     deno run -A bench/webgpu.ts [--sizes 1,16,64] [--optimizers adamw_torch,lion,adafactor] [--steps 50] [--python PROGRAM] [--json]
 *
 * Sizes are Mi of float32 parameters in one matrix. Timed are some steps that are submitted one after the other until the device has done all of them, less
 * nothing: parameters, gradients and moments stay there. Bytes are those of parameters, gradients and slots of their size that the passes read and write;
 * the least is what the rule's rounds ask for (`explain`): each of them reads once what it needs. The last rows are of many tensors, where dispatches cost:
 * BERT-base's and small ones, each with buffers of its own and all in one buffer. What this thread spends on a step stands beside it. On an adapter that
 * computes on the processor the figures say no more than that nothing is absurd; backend "threads" stands beside them there, and BERT-base is left out.
 *
 * @module
 */
import { execFileSync } from "node:child_process";
import process from "node:process";
import { parseArgs } from "node:util";
import type { Device } from "../kernels/backends/webgpu/device.ts";
import { createWebGpuBackend, type DeviceTensor, emitWgsl, type WebGpuBackend } from "../core/webgpu.ts";
import { type Backend, builtins, createBackend, explain, type OptimizerPlugin } from "../mod.ts";
import { layouts, parameters } from "./layouts.ts";
import { median, table } from "./measure.ts";

const { values } = parseArgs({
  options: {
    sizes: { type: "string", default: "1,16,64" },
    optimizers: { type: "string", default: "adamw_torch,lion,adafactor" },
    steps: { type: "string", default: "50" },
    python: { type: "string" },
    json: { type: "boolean", default: false },
  },
});
const steps = Number(values.steps);

/** One row. Times are milliseconds a step. */
interface Result {
  readonly what: string;
  readonly parameters: number;
  readonly ms: number;
  /** What this thread spends on it. */
  readonly hostMs: number;
  /** Bytes that the passes read and write. */
  readonly bytes: number;
  /** Bytes that the rule's rounds read and write. */
  readonly least: number;
  /** A kernel that copies as many bytes. */
  readonly copyMs: number;
  readonly threadsMs?: number;
}

/** Milliseconds a step: of one of several rounds of steps until the device has done all, and of this thread for one that the device waits for. */
async function timed(device: Device, step: () => void): Promise<{ readonly ms: number; readonly hostMs: number }> {
  for (let i = 0; i < 3; i++) step();
  await device.queue.onSubmittedWorkDone();
  const times: number[] = [];
  for (let round = 0; round < 3; round++) {
    const begin = performance.now();
    for (let i = 0; i < steps; i++) step();
    await device.queue.onSubmittedWorkDone();
    times.push((performance.now() - begin) / steps);
  }
  const hostTimes: number[] = [];
  for (let i = 0; i < 9; i++) {
    const begin = performance.now();
    step();
    hostTimes.push(performance.now() - begin);
    await device.queue.onSubmittedWorkDone();
  }
  return { ms: median(times), hostMs: median(hostTimes) };
}

/** Milliseconds in which a kernel reads and writes so many bytes together. */
async function copyTime(device: Device, bytes: number): Promise<number> {
  // Half is read and half is written, in buffers that the device binds.
  const half = Math.min(bytes / 2, device.limits.maxStorageBufferBindingSize);
  const words = Math.floor(half / 16);
  const buffers = [0, 1].map(() => device.createBuffer({ size: 16 * words, usage: 0x80 }));
  const perRow = 32768;
  const code = `
    @group(0) @binding(0) var<storage, read> a: array<vec4<u32>>;
    @group(0) @binding(1) var<storage, read_write> b: array<vec4<u32>>;
    @compute @workgroup_size(256) fn main(@builtin(global_invocation_id) id: vec3u) {
      let i = id.y * ${perRow * 256}u + id.x;
      if (i < arrayLength(&b)) { b[i] = a[i]; }
    }`;
  const pipeline = device.createComputePipeline({
    layout: "auto",
    compute: { module: device.createShaderModule({ code }), entryPoint: "main" },
  });
  const group = device.createBindGroup({
    layout: pipeline.getBindGroupLayout(0),
    entries: buffers.map((buffer, binding) => ({ binding, resource: { buffer } })),
  });
  const workgroups = Math.ceil(words / 256);
  const { ms } = await timed(device, () => {
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, group);
    pass.dispatchWorkgroups(Math.min(perRow, workgroups), Math.ceil(workgroups / perRow));
    pass.end();
    device.queue.submit([encoder.finish()]);
  });
  for (const buffer of buffers) buffer.destroy();
  return ms * bytes / (32 * words);
}

/** Bytes an element that the passes of an optimizer read and write of what is as large as the parameter, and the least. */
function bytesOf(plugin: OptimizerPlugin, shape: readonly number[]): { readonly bytes: number; readonly least: number } {
  const { slots } = plugin.rule(
    Object.fromEntries(Object.entries(plugin.options as Record<string, { default?: unknown }>).map(([name, spec]) => [name, spec.default])),
    { name: "w", shape, dtype: "float32" },
  );
  const large = new Set(["p", "g", ...Object.keys(slots).filter((name) => slots[name]?.shape === "param")]);
  const count = (text: string): number =>
    [...text.matchAll(/\b(?:read|write)((?: \w+)+)/g)].flatMap(([, names]) => names.trim().split(" ")).filter((name) => large.has(name))
      .length;
  const passes = emitWgsl(plugin, { shape, limits: device.limits }).passes.map(({ label }) =>
    label.replace("read slots", "").replace("store slots", "")
  );
  return { bytes: 4 * count(passes.join("\n")), least: 4 * count(explain(plugin, shape)) };
}

type Layout = Readonly<Record<string, readonly number[]>>;

/** Tensors of these shapes, each in a buffer of its own or all in as few as the device allows. */
function tensorsOf(backend: WebGpuBackend, layout: Layout, isTogether: boolean): Record<string, DeviceTensor> {
  if (!isTogether) return Object.fromEntries(Object.entries(layout).map(([key, shape]) => [key, backend.allocate(shape)]));
  const { maxBufferSize, maxStorageBufferBindingSize } = device.limits;
  const most = Math.min(maxBufferSize, maxStorageBufferBindingSize);
  const sets: {
    bytes: number;
    readonly tensors: { readonly key: string; readonly shape: readonly number[]; readonly offset: number }[];
  }[] = [];
  for (const [key, shape] of Object.entries(layout)) {
    const bytes = 4 * parameters({ [key]: shape });
    let set = sets.at(-1);
    if (set === undefined || set.bytes + bytes > most) sets.push(set = { bytes: 0, tensors: [] });
    set.tensors.push({ key, shape, offset: set.bytes });
    set.bytes += bytes;
  }
  return Object.fromEntries(sets.flatMap(({ bytes, tensors }) => {
    const { buffer } = backend.allocate(bytes / 4);
    return tensors.map(({ key, shape, offset }) => [key, { buffer, offset, shape }]);
  }));
}

/** Milliseconds a step of an optimizer over tensors of these shapes. */
async function deviceTime(backend: WebGpuBackend, name: string, layout: Layout, isTogether: boolean): ReturnType<typeof timed> {
  const [params, grads] = [tensorsOf(backend, layout, isTogether), tensorsOf(backend, layout, isTogether)];
  // Zeros would stay zeros: what is subnormal costs more on a processor.
  for (const g of Object.values(grads)) backend.run("g = one", { g }, { one: 0.01 });
  const optimizer = builtins.createOptimizer(name as "lion", params, {}, { backend });
  const time = await timed(device, () => optimizer.step(grads));
  optimizer.dispose();
  for (const { buffer } of [...Object.values(params), ...Object.values(grads)]) (buffer as unknown as { destroy(): void }).destroy();
  return time;
}

/** The same on all cores of this host. */
function hostTime(backend: Backend, name: string, layout: Layout): number {
  const params = Object.fromEntries(Object.entries(layout).map(([key, shape]) => [key, backend.allocate(shape)]));
  const optimizer = builtins.createOptimizer(name as "lion", params, {}, { backend });
  for (const { data } of Object.values(optimizer.grads)) data.fill(0.01);
  optimizer.step();
  const times = Array.from({ length: 5 }, () => {
    const begin = performance.now();
    optimizer.step();
    return performance.now() - begin;
  });
  optimizer.dispose();
  return median(times);
}

/** PyTorch's fused AdamW on the same card: milliseconds by Mi of parameters. */
function pytorch(python: string, sizes: readonly number[]): Record<string, number> {
  const program = `
import json, torch, time
out = {}
for mi in ${JSON.stringify(sizes)}:
    p = torch.zeros(int(mi * 2**20), device="cuda", requires_grad=True)
    p.grad = torch.full_like(p, 0.01)
    o = torch.optim.AdamW([p], fused=True)
    for _ in range(3): o.step()
    torch.cuda.synchronize()
    rounds = []
    for _ in range(3):
        begin = time.perf_counter()
        for _ in range(${steps}): o.step()
        torch.cuda.synchronize()
        rounds.append((time.perf_counter() - begin) / ${steps} * 1000)
    out[str(mi)] = sorted(rounds)[1]
print(json.dumps(out))`;
  return JSON.parse(execFileSync(python, ["-c", program], { encoding: "utf8" }));
}

const sizes = values.sizes.split(",").map(Number);
const names = values.optimizers.split(",");
const pluginOf = (name: string): OptimizerPlugin => {
  const plugin = builtins.plugins.find((one) => one.kind === "optimizer" && one.name === name);
  if (plugin === undefined) throw new TypeError(`Cannot time optimizer "${name}": there is none`);
  return plugin as OptimizerPlugin;
};

const backend = await createWebGpuBackend();
const device = backend.device as unknown as Device;
const adapter =
  (device as unknown as { readonly adapterInfo?: { readonly description?: string; readonly isFallbackAdapter?: boolean } }).adapterInfo;
const onProcessor = adapter?.isFallbackAdapter === true;
const threads = onProcessor ? createBackend() : undefined;
const results: Result[] = [];
const left: string[] = [];
const measure = async (what: string, name: string, layout: Layout, isTogether = false): Promise<void> => {
  const count = parameters(layout);
  const largest = Math.max(...Object.values(layout).map((shape) => 4 * shape.reduce((n, length) => n * length, 1)));
  if (largest > device.limits.maxStorageBufferBindingSize) {
    left.push(`${what}: this device binds ${device.limits.maxStorageBufferBindingSize} bytes at once, and a tensor has ${largest}`);
    return;
  }
  const each = bytesOf(pluginOf(name), Object.values(layout)[0]);
  const bytes = count * each.bytes;
  const copyMs = await copyTime(device, bytes);
  const time = await deviceTime(backend, name, layout, isTogether);
  results.push({
    what,
    parameters: count,
    ...time,
    bytes,
    least: count * each.least,
    copyMs,
    ...threads !== undefined && { threadsMs: hostTime(threads, name, layout) },
  });
};
for (const name of names) for (const mi of sizes) await measure(`${name}, ${mi} Mi`, name, { w: [1024, 1024 * mi] });
// BERT-base takes a processor minutes.
const many: readonly { readonly title: string; readonly layout: Layout }[] = [
  ...onProcessor ? [] : [{ title: "BERT-base", layout: layouts.bert() }],
  { title: "200 tensors of 4096", layout: layouts["200x4096"]() },
];
for (const name of names) {
  for (const { title, layout } of many) {
    await measure(`${name}, ${title}`, name, layout);
    await measure(`${name}, ${title} in one buffer`, name, layout, true);
  }
}
const torch = values.python === undefined ? undefined : pytorch(values.python, sizes);
const described = adapter?.description ?? "";
backend.dispose();
threads?.dispose();

if (values.json) console.log(JSON.stringify({ adapter: described, arithmetic: backend.arithmetic, results, left, torch }, null, 2));
else {
  console.log(`${described || "an adapter without a name"}; ${steps} steps in a row, median of three\n`);
  const head = [
    "",
    "ms a step",
    "of this thread",
    "bytes a number",
    "least",
    "GB/s",
    "copy kernel, ms",
    "copy, GB/s",
    "times the copy",
    ...onProcessor ? ["threads, ms"] : [],
  ];
  console.log(table(
    head,
    results.map(({ what, parameters, ms, hostMs, bytes, least, copyMs, threadsMs }) => [
      what,
      ms.toFixed(3),
      hostMs.toFixed(3),
      (bytes / parameters).toFixed(0),
      (least / parameters).toFixed(0),
      (bytes / ms / 1e6).toFixed(1),
      copyMs.toFixed(3),
      (bytes / copyMs / 1e6).toFixed(1),
      (ms / copyMs).toFixed(2),
      ...onProcessor ? [threadsMs!.toFixed(3)] : [],
    ]),
  ));
  for (const line of left) console.log(`left out: ${line}`);
  if (torch !== undefined) {
    for (const [mi, ms] of Object.entries(torch)) console.log(`PyTorch fused AdamW, ${mi} Mi: ${ms.toFixed(3)} ms`);
  }
}
process.exit(0);
