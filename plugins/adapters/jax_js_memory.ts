/**
 * Where an optimizer has the elements of jax-js' arrays, and how they come there and back.
 *
 * What was found out about jax-js 0.1.25, and is held by tests:
 *
 * - An array gives its buffer on a GPU (`gpuBuffer`, `gpuBufferSync`), and jax-js its device. So gradients are read where they lie, and nothing waits: what
 *   jax-js computes late it submits first.
 * - It makes no array of a buffer, and an array's buffer must not be written: others may be views of it, and what is computed late may read it yet. So
 *   parameters are stepped in buffers of the optimizer's, and come out as new arrays by one copy on the device. A new array is one of zeros, whose
 *   buffer nobody has seen; it is written before it is given to anybody. (Tried: to write the parameters' own buffers. That saves the copy, and changes
 *   clones, reshaped arrays and lazy products of the parameters of before.)
 * - On a host the elements of arrays are copies both ways. From Deno's WebGPU `dataSync` cannot read; `data` can.
 *
 * @module
 */
import type { takeBackend } from "../../core/backend.ts";
import { about } from "../../core/errors.ts";
import { put, sizeOf } from "../../core/tensors.ts";
import type { DeviceTensor, Tensor, Tensors } from "../../core/types.ts";
import { type Buffer, bufferOf, type Copy, copyOnDevice, deviceOf, usage } from "./device.ts";

/** What is used of a `jax.Array`. */
export interface JaxArray {
  /** Lengths of the dimensions. */
  readonly shape: readonly number[];
  /** Element type; optimizers take `"float32"` and `"float16"`. */
  readonly dtype: string;
  /** Where it lies: `"wasm"`, `"webgpu"`. */
  readonly device: string;
  /** The same array, with one more reference to it. */
  readonly ref: this;
  /** References to it; at 0 it is freed. */
  readonly refCount: number;
  /** Its elements; takes a reference. */
  dataSync(): unknown;
  /** The same, waited for. */
  data(): Promise<unknown>;
  /** Its buffer on a GPU; takes a reference. */
  gpuBufferSync?(): unknown;
  /** The same, once its kernels are compiled. */
  gpuBuffer?(): Promise<unknown>;
  /** Takes a reference. */
  dispose(): void;
}

/** What is used of the namespace of jax-js. */
export interface Jax {
  /** Makes arrays. */
  readonly numpy: { array(values: never, options?: never): unknown; zeros?(shape: never, options?: never): unknown };
  /** The device of its backend `"webgpu"`. */
  getWebGPUDevice?(): object;
}

/** Arrays by the names of parameters. */
export type Arrays = ReadonlyMap<string, JaxArray>;

/** The elements of arrays. */
export interface Memory {
  /** Parameters with the elements of these arrays. */
  take(arrays: Arrays): Tensors;
  /** Gradients with the elements of these arrays, to be used at once. */
  gradients(arrays: Arrays): Tensors;
  /** The same, once they are computed. */
  gradientsAsync(arrays: Arrays): Promise<Tensors>;
  /** New arrays like these, with the elements of tensors; an error leaves none behind. */
  make(wanted: readonly (readonly [like: JaxArray, elements: Tensor | DeviceTensor])[]): JaxArray[];
  /** Gives back what was taken, or tensors that an optimizer made. */
  release(tensors: Tensors): void;
}

/** Elements in arrays of this host. */
export function hostMemory({ numpy }: Jax): Memory {
  const tensorOf = ({ shape, dtype }: JaxArray, data: unknown): Tensor => ({
    data: data as Float32Array,
    shape,
    dtype: dtype as Tensor["dtype"],
  });
  const gradients = (arrays: Arrays): Tensors => mapped(arrays, (array) => tensorOf(array, dataOf(array)));
  return {
    take: gradients,
    gradients,
    gradientsAsync: (arrays) => mappedAsync(arrays, async (array) => tensorOf(array, await readAsync(array, (array) => array.data()))),
    make: (wanted) =>
      made(
        wanted,
        ({ shape, dtype, device }, elements) =>
          numpy.array((elements as Tensor).data as never, { shape: [...shape], dtype, device } as never),
      ),
    release: () => {},
  };
}

/** The elements at once. From a GPU jax-js reads so by a canvas, and only where there is one. */
function dataOf(array: JaxArray): unknown {
  try {
    return read(array, (array) => array.dataSync());
  } catch (error) {
    if (array.device !== "webgpu") throw error;
    const message =
      "Cannot read an array from the GPU at once: use stepAsync, which waits, or give the setting backend, createWebGpuBackend({ device: jax.getWebGPUDevice() })";
    throw new TypeError(message, { cause: error });
  }
}

/** Elements on the device of jax-js' backend `"webgpu"`; TypeError where the backend has another. */
export function deviceMemory({ numpy, getWebGPUDevice }: Jax, backend: ReturnType<typeof takeBackend>): Memory {
  const device = deviceOf(backend);
  if (typeof numpy.zeros !== "function" || typeof getWebGPUDevice !== "function" || deviceOfJax(getWebGPUDevice) !== device) {
    throw new TypeError(
      'Cannot use arrays of jax-js with this backend: make it on the device of jax-js, createWebGpuBackend({ device: jax.getWebGPUDevice() }) after await jax.init("webgpu")',
    );
  }
  const allocate = backend.allocate as unknown as (shape: readonly number[], dtype: string) => DeviceTensor;
  const tensorOf = ({ shape, dtype }: JaxArray, buffer: unknown): DeviceTensor =>
    ({ buffer, shape: [...shape], dtype }) as unknown as DeviceTensor;
  const gradients = (arrays: Arrays): Tensors => {
    checkPlaces(arrays);
    return mapped(arrays, (array) => tensorOf(array, bufferIn(array)));
  };
  const release = (tensors: Tensors): void => Object.values(tensors).forEach((tensor) => backend.release(tensor as Tensor));
  return {
    take(arrays) {
      const from = gradients(arrays);
      const taken: Record<string, DeviceTensor> = {};
      try {
        for (const [name, { shape, dtype }] of arrays) put(taken, name, allocate(shape, dtype));
        copyOnDevice(device, Object.entries(taken).map(([name, tensor]) => copyOf(from[name] as DeviceTensor, bufferOf(tensor))));
      } catch (error) {
        release(taken);
        throw error;
      }
      return taken;
    },
    gradients,
    async gradientsAsync(arrays) {
      checkPlaces(arrays);
      return await mappedAsync(arrays, async (array) => tensorOf(array, await readAsync(array, (array) => array.gpuBuffer!())));
    },
    make(wanted) {
      const copies: Copy[] = [];
      const all = made(wanted, ({ shape, dtype, device }, elements) => {
        const array = numpy.zeros!([...shape] as never, { dtype, device } as never) as JaxArray;
        copies.push(copyOf(elements as DeviceTensor, writable(array)));
        return array;
      });
      copyOnDevice(device, copies);
      return all;
    },
    release,
  };
}

function deviceOfJax(getWebGPUDevice: () => object): object | undefined {
  try {
    return getWebGPUDevice();
  } catch {
    return undefined; // there is none before jax.init
  }
}

function checkPlaces(arrays: Arrays): void {
  for (const [name, { device }] of arrays) {
    if (device === "webgpu") continue;
    const message = `Cannot use the array at "${name}": it lies on ${
      JSON.stringify(device)
    }, and the optimizer works on a GPU; jax.devicePut(…, "webgpu") takes it there`;
    throw about(new TypeError(message), { tensor: name });
  }
}

const bufferIn = (array: JaxArray): Buffer => read(array, (array) => array.gpuBufferSync!()) as Buffer;

/** The buffer of an array that nobody has seen. jax-js promises that it can be read; in 0.1.25 it can be copied to as well. */
function writable(array: JaxArray): Buffer {
  const buffer = bufferIn(array);
  if ((buffer.usage & usage.copyDst) !== 0) return buffer;
  throw new TypeError(
    "Cannot make arrays on the GPU: this version of jax-js gives buffers that cannot be copied to; leave the setting backend out",
  );
}

/** Whole words: copies touch no less, and buffers hold no less. */
const copyOf = (from: DeviceTensor, into: Buffer): Copy => ({
  ...{ from: bufferOf(from), into },
  bytes: Math.ceil(sizeOf(from.shape) * (from.dtype === "float16" ? 2 : 4) / 4) * 4,
});

// ---- arrays

function mapped(arrays: Arrays, tensorOf: (array: JaxArray) => Tensors[string]): Tensors {
  const all: Record<string, Tensors[string]> = {};
  for (const [name, array] of arrays) put(all, name, tensorOf(array));
  return all;
}

async function mappedAsync(arrays: Arrays, tensorOf: (array: JaxArray) => Promise<Tensors[string]>): Promise<Tensors> {
  const tensors = await Promise.all([...arrays].map(async ([name, array]) => [name, await tensorOf(array)] as const));
  const all: Record<string, Tensors[string]> = {};
  for (const [name, tensor] of tensors) put(all, name, tensor);
  return all;
}

/** What an array gives for a reference; also where that fails, as many references are left as there were. */
function read(array: JaxArray, give: (array: JaxArray) => unknown): unknown {
  const { refCount } = array;
  try {
    return give(array.ref);
  } catch (error) {
    return restore(array, refCount, error);
  }
}

function readAsync(array: JaxArray, give: (array: JaxArray) => Promise<unknown>): Promise<unknown> {
  const { refCount } = array;
  return give(array.ref).catch((error) => restore(array, refCount, error));
}

function restore(array: JaxArray, refCount: number, error: unknown): never {
  while (array.refCount > refCount) array.dispose();
  throw error;
}

function made(
  wanted: readonly (readonly [like: JaxArray, elements: Tensor | DeviceTensor])[],
  make: (like: JaxArray, elements: Tensor | DeviceTensor) => unknown,
): JaxArray[] {
  const arrays: JaxArray[] = [];
  try {
    // jax-js makes no array of no elements; one like it is one.
    for (const [like, elements] of wanted) arrays.push(sizeOf(like.shape) === 0 ? like.ref : make(like, elements) as JaxArray);
    return arrays;
  } catch (error) {
    arrays.forEach((array) => array.dispose());
    throw error;
  }
}
