/**
 * A training loop that owns its device and its encoder: the gradient is a kernel of its own, and the optimizer is what `emitWgsl` gave as text. Nothing else of
 * the library takes part; the passes could as well be written to a file and run by a program in another language.
 *
 * `deno run examples/webgpu/emitted.ts`, or bundled for a page. It fits 16 weights to 512 measurements.
 *
 * @module
 */
import { adamwTorch } from "@glissade/optim/optimizers/adamw-torch";
import { emitWgsl } from "@glissade/optim/webgpu";

const [measurements, weights] = [512, 16];

const adapter = await navigator.gpu?.requestAdapter();
if (!adapter) throw new Error("There is no WebGPU adapter here");
const device = await adapter.requestDevice();

// ---- what the optimizer needs: buffers by name, and passes over them

const { buffers, passes, numbers, numbersBuffer } = emitWgsl(adamwTorch, { shape: [weights], options: { lr: 0.05, weightDecay: 0 } });

/** Buffers by name; a new one holds zeros. */
const memory = new Map(buffers.map(({ name, bytes, usage, start }) => {
  const buffer = device.createBuffer({ label: name, size: bytes, usage });
  if (start instanceof Uint32Array) device.queue.writeBuffer(buffer, 0, start);
  return [name, buffer];
}));

/** A pass of anybody's: a module, its bindings, and how many workgroups. */
function ready(code: string, resources: readonly GPUBufferBinding[], workgroups: readonly [number, number]) {
  const pipeline = device.createComputePipeline({
    layout: "auto",
    compute: { module: device.createShaderModule({ code }), entryPoint: "main" },
  });
  const entries = resources.map((resource, binding) => ({ binding, resource }));
  const group = device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries });
  return (pass: GPUComputePassEncoder): void => {
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, group);
    pass.dispatchWorkgroups(...workgroups);
  };
}

const update = passes.map(({ code, bindings, workgroups }) =>
  ready(code, bindings.map(({ buffer, offset, size }) => ({ buffer: memory.get(buffer)!, offset, size })), workgroups)
);

// ---- what the trainer has: measurements, and a kernel for the gradient of the mean square error

let seed = 1;
const random = (): number => (seed = seed * 16807 % 2147483647) / 2147483647 - 0.5;
const truth = Float32Array.from({ length: weights }, random);
const x = Float32Array.from({ length: measurements * weights }, random);
const y = Float32Array.from({ length: measurements }, (_, i) => truth.reduce((sum, w, k) => sum + w * x[i * weights + k], 0));

const filled = (data: Float32Array<ArrayBuffer>): GPUBuffer => {
  const buffer = device.createBuffer({ size: data.byteLength, usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST });
  device.queue.writeBuffer(buffer, 0, data);
  return buffer;
};
const gradient = ready(
  `
  @group(0) @binding(0) var<storage, read> x: array<f32>;
  @group(0) @binding(1) var<storage, read> y: array<f32>;
  @group(0) @binding(2) var<storage, read> p: array<f32>;
  @group(0) @binding(3) var<storage, read_write> g: array<f32>;
  @compute @workgroup_size(${weights})
  fn main(@builtin(local_invocation_index) own: u32) {
    var sum = 0.0;
    for (var i = 0u; i < ${measurements}u; i++) {
      var error = -y[i];
      for (var k = 0u; k < ${weights}u; k++) { error += p[k] * x[i * ${weights}u + k]; }
      sum += 2.0 * error * x[i * ${weights}u + own];
    }
    g[own] = sum / ${measurements}.0;
  }`,
  [filled(x), filled(y), memory.get("p")!, memory.get("g")!].map((buffer) => ({ buffer })),
  [1, 1],
);

// ---- the loop: one command buffer a step, in which both follow each other

for (let t = 1; t <= 300; t++) {
  const lr = 0.05 * (1 - (t - 1) / 300); // a schedule: options that the rule's numbers are made of may change at each step
  device.queue.writeBuffer(memory.get(numbersBuffer)!, 0, numbers(t, { lr }));
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  gradient(pass);
  for (const dispatch of update) dispatch(pass);
  pass.end();
  device.queue.submit([encoder.finish()]);
}

const staging = device.createBuffer({ size: 4 * weights, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
const encoder = device.createCommandEncoder();
encoder.copyBufferToBuffer(memory.get("p")!, 0, staging, 0, 4 * weights);
device.queue.submit([encoder.finish()]);
await staging.mapAsync(GPUMapMode.READ);
const found = new Float32Array(staging.getMappedRange());
const worst = truth.reduce((most, w, k) => Math.max(most, Math.abs(w - found[k])), 0);
console.log(`the largest error of ${weights} weights is ${worst.toPrecision(2)}`);
device.destroy();
