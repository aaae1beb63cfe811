/**
 * The test of a device before it is used: whether it computes at all, and how. WGSL leaves the rounding of division and roots, contraction and
 * subnormals to the device; some adapters hand out a device that computes nothing and reports no error.
 *
 * @module
 */
import type { Arithmetic } from "../../types.ts";
import { type Buffer, type Device, mapRead, usage } from "./device.ts";

const { fround } = Math;

/** Numbers of float32 as a shader's input, so that no compiler computes with them. The same everywhere: a counter, hashed. */
function numbers(count: number, seed: number): Float32Array {
  const words = Uint32Array.from({ length: count }, (_, i) => {
    let x = Math.imul(i + seed, 0x9e3779b1);
    x = Math.imul(x ^ (x >>> 15), 0x85ebca77);
    // Exponents from -12 to 11, any fraction, any sign.
    return ((x & 0x807fffff) | ((115 + ((x >>> 23) * 24 >>> 8) % 24) << 23)) >>> 0;
  });
  return new Float32Array(words.buffer);
}

const count = 1024;
const subnormal = 2 ** -140;

// a, b, c; the special ones first.
const inputs = (): readonly Float32Array[] => {
  const [a, b, c] = [1, 7919, 104729].map((seed) => numbers(count, seed));
  // Products whose rounding shows: (1 + 2^-12)^2 - (1 + 2^-11) is 2^-24 with one rounding and 0 with two.
  a[0] = b[0] = 1 + 2 ** -12;
  c[0] = -(1 + 2 ** -11);
  a[1] = subnormal, b[1] = 1, c[1] = 0;
  a[2] = Infinity, b[2] = -1, c[2] = 1;
  a[3] = NaN, b[3] = 1, c[3] = 1;
  a[4] = 1, b[4] = 0, c[4] = 1;
  return [a, b, c];
};

const code = /* wgsl */ `
@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read> b: array<f32>;
@group(0) @binding(2) var<storage, read> c: array<f32>;
@group(0) @binding(3) var<storage, read_write> z: array<f32>;
@group(0) @binding(4) var<storage, read> nothing: array<u32>;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
  let i = id.x;
  // As kernels do it (expressions.ts): what no compiler can look through, it cannot put together with what follows.
  let zero = nothing[0];
  z[i] = bitcast<f32>(bitcast<u32>(a[i] * b[i]) ^ zero) + c[i];
  z[${count}u + i] = a[i] / bitcast<f32>(bitcast<u32>(b[i]) ^ zero);
  z[${2 * count}u + i] = sqrt(abs(a[i]));
  z[${3 * count}u + i] = a[i] * 0.5f;
  z[${4 * count}u + i] = a[i] - bitcast<f32>(bitcast<u32>(a[i]) ^ zero);
}`;

const same = (a: number, b: number): boolean => Object.is(a, b) || a === b || Number.isNaN(a) && Number.isNaN(b);

/** How a device computes; null: it computes nothing, or wrong. Rejects with the device's own words where it refuses the test. */
export async function testDevice(device: Device): Promise<Arithmetic | null> {
  const [a, b, c] = inputs();
  const made: Buffer[] = [];
  const bufferOf = (bytes: number, uses: number): Buffer => {
    const buffer = device.createBuffer({ size: bytes, usage: uses, label: "glissade: test of the device" });
    made.push(buffer);
    return buffer;
  };
  try {
    device.pushErrorScope("validation");
    const buffers = [a, b, c].map((values) => {
      const buffer = bufferOf(values.byteLength, usage.storage | usage.copyDst);
      device.queue.writeBuffer(buffer, 0, values);
      return buffer;
    });
    const results = bufferOf(20 * count, usage.storage | usage.copySrc);
    const staging = bufferOf(20 * count, usage.copyDst | usage.mapRead);
    const pipeline = device.createComputePipeline({
      layout: "auto",
      compute: { module: device.createShaderModule({ code }), entryPoint: "main" },
    });
    const group = device.createBindGroup({
      layout: pipeline.getBindGroupLayout(0),
      entries: [...buffers, results, bufferOf(4, usage.storage)].map((buffer, binding) => ({ binding, resource: { buffer } })),
    });
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, group);
    pass.dispatchWorkgroups(count / 64, 1);
    pass.end();
    encoder.copyBufferToBuffer(results, 0, staging, 0, 20 * count);
    device.queue.submit([encoder.finish()]);
    const fault = await device.popErrorScope();
    if (fault !== null) throw new Error(fault.message);
    await staging.mapAsync(mapRead);
    const z = new Float32Array(staging.getMappedRange().slice(0));
    staging.unmap();
    return judge(a, b, c, z);
  } finally {
    for (const buffer of made) buffer.destroy();
  }
}

function judge(a: Float32Array, b: Float32Array, c: Float32Array, z: Float32Array): Arithmetic | null {
  const [sums, quotients, roots, halves, differences] = [0, 1, 2, 3, 4].map((k) => z.subarray(k * count, (k + 1) * count));
  const ordinary = Array.from({ length: count - 5 }, (_, k) => k + 5);
  const twice = (i: number): number => fround(fround(a[i] * b[i]) + c[i]);
  const once = (i: number): number => fround(a[i] * b[i] + c[i]); // the product of float32 numbers is exact in float64
  // The sum of two roundings or of one, whatever the compiler took: anything else is no arithmetic.
  if (!ordinary.every((i) => same(sums[i], twice(i)) || same(sums[i], once(i)) || near(sums[i], once(i)))) return null;
  if (
    !ordinary.every((i) =>
      same(halves[i], fround(a[i] * 0.5)) && near(quotients[i], a[i] / b[i]) && near(roots[i], Math.sqrt(Math.abs(a[i])))
    )
  ) {
    return null;
  }
  return {
    roundsDivision: ordinary.every((i) => same(quotients[i], fround(a[i] / b[i]))),
    roundsSqrt: ordinary.every((i) => same(roots[i], fround(Math.sqrt(Math.abs(a[i]))))),
    keepsNonFinite: sums[2] === -Infinity && Number.isNaN(sums[3]) && quotients[4] === Infinity && halves[2] === Infinity &&
      Number.isNaN(differences[2]) && Number.isNaN(differences[3]),
    contracts: !same(sums[0], 0) || ordinary.some((i) => !same(sums[i], twice(i))),
    flushesSubnormals: sums[1] !== subnormal || halves[1] !== subnormal / 2,
  };
}

// Four units in the last place: WGSL allows 2.5 for a quotient; a root inherits from 1 / inverseSqrt.
const near = (x: number, exact: number): boolean => Math.abs(x - exact) <= 4 * 2 ** -23 * Math.abs(exact);
