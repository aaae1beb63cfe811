/**
 * What is emitted as WGSL, run by nothing but WebGPU itself.
 *
 * @module
 */
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { type EmittedWgsl, emitWgsl } from "../../core/emit_wgsl.ts";
import { createOptimizer } from "../../core/optimizer/optimizer.ts";
import type { OptimizerPlugin } from "../../core/plugin/contract.ts";
import type { Use } from "../../core/types.ts";
import { adafactor } from "../../plugins/optimizers/adafactor.ts";
import { adamw } from "../../plugins/optimizers/adamw.ts";
import { adamwTorch } from "../../plugins/optimizers/adamw_torch.ts";
import { muon } from "../../plugins/optimizers/muon.ts";
import { nadam } from "../../plugins/optimizers/nadam.ts";
import { soap } from "../../plugins/optimizers/soap.ts";
import { clipGlobalNorm } from "../../plugins/transforms/clip_global_norm.ts";
import { ema } from "../../plugins/transforms/ema.ts";
import { skipNonfinite } from "../../plugins/transforms/skip_nonfinite.ts";
import { random } from "../kernels/random_text.ts";
import { root } from "../generated.ts";
import { isDawn } from "../dawn.ts";
import { checked, missing, testDevice } from "../kernels/webgpu/device.ts";

const device = await testDevice();
const onDevice = (name: string, run: (device: GPUDevice) => Promise<void> | void): void => {
  if (device === null) test.skip(`${name}: ${missing}`, () => {});
  // SwiftShader compiles soap's factors for minutes.
  else if (isDawn && name.startsWith("soap")) test.skip(name, () => {});
  else test(name, checked(device, run));
};

/** A trainer's own device side: buffers by name, those of tensors perhaps shared with others, and the passes in its encoder. */
function trainerOf(
  device: GPUDevice,
  { buffers, passes }: EmittedWgsl<never>,
  p: Float32Array<ArrayBuffer>,
  shared: Map<string, GPUBuffer> = new Map(),
) {
  const made = new Map(buffers.map(({ name, bytes, usage, start, dtype }) => {
    if (shared.has(name)) return [name, shared.get(name)!] as const;
    const buffer = device.createBuffer({ size: bytes, usage });
    const words = start === "p"
      ? p
      : typeof start === "number"
      ? new Uint32Array(bytes / 4).fill(start)
      : start as Uint32Array<ArrayBuffer>;
    device.queue.writeBuffer(buffer, 0, words);
    if (dtype !== null) shared.set(name, buffer);
    return [name, buffer] as const;
  }));
  device.queue.writeBuffer(made.get("p")!, 0, p);
  const ready = passes.map(({ code, bindings, workgroups }) => {
    const pipeline = device.createComputePipeline({
      layout: "auto",
      compute: { module: device.createShaderModule({ code }), entryPoint: "main" },
    });
    const entries = bindings.map(({ buffer, offset, size }, binding) => ({
      binding,
      resource: { buffer: made.get(buffer)!, offset, size },
    }));
    return { pipeline, group: device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries }), workgroups };
  });
  return {
    write: (name: string, words: Uint32Array<ArrayBuffer> | Float32Array<ArrayBuffer>) =>
      device.queue.writeBuffer(made.get(name)!, 0, words),
    step(): void {
      const encoder = device.createCommandEncoder();
      const pass = encoder.beginComputePass();
      for (const { pipeline, group, workgroups } of ready) {
        pass.setPipeline(pipeline);
        pass.setBindGroup(0, group);
        pass.dispatchWorkgroups(...workgroups);
      }
      pass.end();
      device.queue.submit([encoder.finish()]);
    },
    async read(name: string): Promise<ArrayBuffer> {
      const buffer = made.get(name)!;
      const staging = device.createBuffer({ size: buffer.size, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
      const encoder = device.createCommandEncoder();
      encoder.copyBufferToBuffer(buffer, 0, staging, 0, buffer.size);
      device.queue.submit([encoder.finish()]);
      await staging.mapAsync(GPUMapMode.READ);
      return staging.getMappedRange().slice(0);
    },
  };
}

const shape = [40, 30];
const numbers = (seed: number, size: number): Float32Array<ArrayBuffer> => {
  const r = random(seed);
  return Float32Array.from({ length: 1200 }, () => (r.unit() - 0.5) * size);
};

type Any = OptimizerPlugin<string, object>;
const cases: readonly (readonly [plugin: Any, options: object, transforms: readonly Use[], isExact: boolean])[] = [
  [adamwTorch as Any, { lr: 0.01, weightDecay: 0.1 }, [], true],
  [nadam as Any, { lr: 0.01 }, [{ name: ema }], true],
  [adafactor as Any, { lr: 0.01, relativeStep: false, scaleParameter: true }, [], false],
  [muon as Any, { lr: 0.01 }, [{ name: clipGlobalNorm, options: { maxNorm: 1 } }], false],
];

for (const [plugin, options, transforms, isExact] of cases) {
  const names = [plugin, ...transforms.map(({ name }) => name as Any)].map(({ name }) => name).join(" with ");
  onDevice(`${names}, emitted as WGSL, steps as createOptimizer's does`, async (device) => {
    const p = numbers(1, 2);
    const emitted = emitWgsl(plugin, { shape, options, transforms });
    const trainer = trainerOf(device, emitted as EmittedWgsl<never>, p.slice());
    const w = p.slice();
    using optimizer = createOptimizer(plugin, { w: { data: w, shape } }, options, { backend: "js", transforms });
    for (let t = 1; t <= 4; t++) {
      const g = numbers(10 + t, 0.2);
      (optimizer.options as { lr: number }).lr = 0.01 / t;
      optimizer.step({ w: { data: g, shape } });
      trainer.write("g", g);
      trainer.write(emitted.numbersBuffer, emitted.numbers(t, { lr: 0.01 / t } as object));
      trainer.step();
    }
    const got = new Float32Array(await trainer.read("p"));
    if (isExact) assertEquals(got, w);
    else got.forEach((x, i) => assert(Math.abs(x - w[i]) < 2e-6, `${x}, not ${w[i]}`));
  });
}

onDevice("an emitted step that skip_nonfinite holds back leaves everything, and says so in its progress", async (device) => {
  const p = numbers(1, 2);
  const emitted = emitWgsl(adamwTorch, { shape, transforms: [{ name: skipNonfinite }] });
  assertEquals(emitted.numbersBuffer, "rows");
  const trainer = trainerOf(device, emitted as EmittedWgsl<never>, p.slice());
  const g = numbers(3, 1);
  g[1100] = NaN;
  trainer.write("g", g);
  trainer.write("rows", emitted.numbers(1));
  trainer.step();
  assertEquals(new Float32Array(await trainer.read("p")), p);
  assertEquals([...new Uint32Array(await trainer.read("progress"))], [0, 1, 1, 0]);
  g[1100] = 1;
  trainer.write("g", g);
  trainer.step();
  assert(new Float32Array(await trainer.read("p")).every((x, i) => x !== p[i]));
  assertEquals([...new Uint32Array(await trainer.read("progress"))], [1, 1, 0, 0]);
});

onDevice("the example that trains with emitted WGSL alone finds its weights", () => {
  const deno = join(root, "node_modules/.bin/deno");
  const printed = execFileSync(deno, ["run", "-A", "examples/webgpu/emitted.ts"], { cwd: root, encoding: "utf8", stdio: "pipe" });
  const [, error] = /the largest error of 16 weights is (\S+)/.exec(printed)!;
  assert(Number(error) < 1e-4, printed);
});

test("emitWgsl() names every buffer that its passes bind, once, with sizes and usages of WebGPU", () => {
  const { buffers, passes } = emitWgsl(adamwTorch, { shape: [3, 5], dtype: "bfloat16", transforms: [{ name: ema }] });
  assertEquals(buffers.map(({ name, bytes, dtype, start }) => [name, bytes, dtype, start]), [
    ["p", 32, "bfloat16", 0],
    ["g", 32, "bfloat16", 0],
    ["m", 32, "bfloat16", 0],
    ["v", 32, "bfloat16", 0],
    ["ema.e", 60, "float32", "p"],
    ["records", 256, null, 0],
  ]);
  const bound = new Set(passes.flatMap(({ bindings }) => bindings.map(({ buffer }) => buffer)));
  assertEquals([...bound].sort(), buffers.map(({ name }) => name).sort());
  assertEquals(buffers.at(-1)!.usage, 128 | 64 | 8);
});

/** Emits step 1 of a rule with a part of this text and a number for a slot. */
const emitWgslOf = (text: string) => () =>
  emitWgsl({
    ...{ kind: "optimizer", name: "parted", description: "A rule with a part", options: {}, scalars: () => ({}) },
    rule: () => ({ slots: { s: { shape: "scalar", key: null } }, update: [{ when: "t == 1", text }] }),
  }, { shape: [4], step: 1 });

onDevice("soap, emitted step by step, makes its bases and improves them as createOptimizer's does, in the same buffers", async (device) => {
  const shape = [36, 36];
  const options = { preconditionFrequency: 2 };
  const r = random(5);
  const random36 = (): Float32Array<ArrayBuffer> => Float32Array.from({ length: 36 * 36 }, () => r.unit() - 0.5);
  const w = random36();
  const shared = new Map<string, GPUBuffer>();
  const trainers = [1, 2, 3].map((step) => {
    const emitted = emitWgsl(soap, { shape, options, step });
    return { emitted, trainer: trainerOf(device, emitted as EmittedWgsl<never>, w, shared) };
  });
  // Passes that run several times are made once.
  for (const { emitted: { passes } } of [trainers[0], trainers[2]]) assert(new Set(passes).size < passes.length);
  using optimizer = createOptimizer(soap, { w: { data: w, shape } }, options, { backend: "js" });
  for (let t = 1; t <= 5; t++) {
    const g = random36();
    optimizer.step({ w: { data: g, shape } });
    const { emitted, trainer } = trainers[t === 1 ? 0 : t % 2 === 0 ? 1 : 2];
    trainer.write("g", g);
    trainer.write(emitted.numbersBuffer, emitted.numbers(t));
    trainer.step();
  }
  const got = new Float32Array(await trainers[0].trainer.read("p"));
  got.forEach((x, i) => assert(Math.abs(x - w[i]) < 2e-5, `${x}, not ${w[i]}`));
});

test("emitWgsl() refuses what it cannot emit before anything is made", () => {
  const how = { shape: [4, 4] };
  assertThrows(() => emitWgsl(soap, how), TypeError, "its rule has parts");
  assertThrows(() => emitWgsl(soap, { ...how, step: 0 }), RangeError, "Cannot emit step 0");
  const later = emitWgsl(soap, { ...how, step: 2 });
  assertThrows(() => later.numbers(1), RangeError, "passes of step 2 have other parts (when t == 1)");
  assertThrows(() => later.numbers(11), RangeError, "(when (t > 1)*((t - 1) % frequency == 0))");
  later.numbers(10);
  const carrying = emitWgslOf("s = s + 1\np -= s*g");
  assertThrows(carrying, TypeError, "carries numbers from step to step");
  assertThrows(() => emitWgsl(ema as never, how), TypeError, `give a plugin of kind "optimizer"`);
  assertThrows(
    () => emitWgsl(adamw, { ...how, lr: 1 } as never),
    TypeError,
    `it has no "lr"; known are shape, options, dtype, transforms, step, limits`,
  );
  assertThrows(() => emitWgsl(adamw, { ...how, options: { learningRate: 1 } as never }), TypeError, "learningRate");
  assertThrows(() => emitWgsl(adamw, { shape: [-1] }), RangeError, "a shape is an array");
  assertThrows(() => emitWgsl(adamw, { ...how, limits: { maxBindings: 3 } as never }), TypeError, "maxBindings");
  assertThrows(() => emitWgsl(adamw, { ...how, limits: { maxStorageBuffersPerShaderStage: 3 } }), RangeError, "4 buffers at once");
  const { numbers } = emitWgsl(adamw, how);
  assertThrows(() => numbers(0), RangeError, "steps are integers from 1");
  assertThrows(() => numbers(1, { lr: 0.5, weightDecay: 0.1 }), TypeError, "Cannot change lr, weightDecay");
  assertThrows(() => numbers(1, { lr: -1 }), RangeError, "lr");
  assertEquals(numbers(1), emitWgsl(adamw, how).numbers(1));
});
