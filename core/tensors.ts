/**
 * Tensors from outside: what they are, and whether they fit.
 *
 * @module
 */
import type { DeviceSide } from "../kernels/backend.ts";
import { arraysOf, dtypes } from "../kernels/tables/dtype_names.ts";
import type { DType, Tensor, TensorLike } from "../kernels/types.ts";
import { isPlainObject, known, show, tagOf } from "./names.ts";

export { rawOf } from "../kernels/raw.ts";

/** A tensor that says everything. */
export interface FullTensor extends Tensor {
  readonly shape: readonly number[];
  readonly dtype: DType;
}

/** Number of elements. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((size, length) => size * length, 1);
}

/** A parameter or a target as it was given: one of the device's where the backend has one, else an array. */
export function givenTensor(what: string, like: unknown, device: DeviceSide | undefined): FullTensor {
  return device?.claim(what, like) ?? fullTensor(what, like);
}

/** True for equal lists of dimensions. */
export function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((length, i) => length === b[i]);
}

/** A tensor with its shape and dtype, checked. `what` is for errors: `parameter "w"`. */
export function fullTensor(what: string, like: unknown): FullTensor {
  const { data, shape, dtype } = parts(what, like);
  refuseOtherKeys(what, like, ["data", "shape", "dtype"]);
  return { data, shape: checkShape(what, shape ?? [data.length], data.length), dtype: checkDType(what, data, dtype) };
}

/**
 * A tensor that takes another one's place, as a gradient does its parameter's: without a shape it has that one's, and its dtype is that one's or float32.
 * Numbers in float64 are rounded to float32.
 */
export function fittingTensor(
  what: string,
  like: unknown,
  place: { readonly shape: readonly number[]; readonly dtype: DType },
): FullTensor {
  const { data, shape, dtype } = parts(
    what,
    inFloat32(what, like),
    "a Float32Array, a Float16Array, { data, shape, dtype } or a list of numbers",
  );
  refuseOtherKeys(what, like, ["data", "shape", "dtype"]);
  if (shape !== undefined && !Array.isArray(shape)) {
    throw new TypeError(`Cannot use ${what} of shape ${show(shape)}: a shape is an array of lengths`);
  }
  const own = checkDType(what, data, dtype);
  checkFits(what, { shape: shape ?? place.shape, dtype: own }, place);
  const size = sizeOf(place.shape);
  if (data.length !== size) {
    throw new RangeError(`Cannot use ${what} of ${data.length} elements: the parameter, of shape ${show(place.shape)}, has ${size}`);
  }
  return { data, shape: place.shape, dtype: own };
}

/** Refuses another shape than the parameter's, and another dtype than its own or float32. */
export function checkFits(
  what: string,
  { shape, dtype }: Pick<FullTensor, "shape" | "dtype">,
  place: Pick<FullTensor, "shape" | "dtype">,
): void {
  if (!sameShape(shape, place.shape)) {
    throw new RangeError(`Cannot use ${what} of shape ${show(shape)}: the parameter's is ${show(place.shape)}`);
  }
  if (dtype !== place.dtype && dtype !== "float32") {
    const more = place.dtype === "float32" ? "" : ", and float32 would do";
    throw new RangeError(`Cannot use ${what} of dtype ${dtype}: the parameter's is ${place.dtype}${more}`);
  }
}

/** Refuses keys of a plain object that would be passed over, such as `dims`; an instance of a class may have any. */
export function refuseOtherKeys(what: string, like: unknown, names: readonly string[]): void {
  if (!isPlainObject(like)) return;
  for (const key of Object.keys(like)) {
    if (!names.includes(key)) throw new TypeError(`Cannot use ${what} with ${JSON.stringify(key)}: ${known(names, key)}`);
  }
}

/** Lists of numbers and float64 as float32, rounded once; anything else as it is. */
export function inFloat32(what: string, like: unknown): unknown {
  if (like instanceof Float64Array) return Float32Array.from(like);
  if (!Array.isArray(like)) return like;
  const wrong = like.findIndex((element) => typeof element !== "number");
  if (wrong >= 0) throw new TypeError(`Cannot use ${what} with ${show(like[wrong])} at ${wrong}: each element must be a number`);
  return Float32Array.from(like as number[]);
}

/** What `data` and `dtype` together mean. */
function checkDType(what: string, data: Tensor["data"], dtype: DType | undefined): DType {
  const tag = tagOf(data);
  const held = dtypes.filter((dtype) => arraysOf[dtype].includes(tag));
  if (dtype === undefined) {
    if (held.length === 1) return held[0];
    throw new RangeError(`Cannot use ${what}: a ${tag} needs a dtype, ${held.map((dtype) => `"${dtype}"`).join(" or ")}`);
  }
  if (!dtypes.includes(dtype)) {
    throw new RangeError(`Cannot use ${what}: ${show(data)} does not hold ${show(dtype)}; ${known(dtypes, dtype)}`);
  }
  if (held.includes(dtype)) return dtype;
  throw new RangeError(`Cannot use ${what}: ${show(data)} does not hold ${dtype}`);
}

/** Sets a record's own entry, whatever it is called: `__proto__` is a tensor's name like any other. */
export function put<T>(record: Record<string, T>, name: string, value: T): void {
  Object.defineProperty(record, name, { value, enumerable: true, configurable: true, writable: true });
}

function parts(
  what: string,
  like: unknown,
  wanted: string = "a Float32Array, a Float16Array, or { data, shape, dtype } over one or over a Uint16Array",
): Tensor {
  const tensor = ArrayBuffer.isView(like) ? { data: like as TensorLike } : like as Tensor | null;
  const data = tensor?.data;
  if (data instanceof Float32Array || data instanceof Uint16Array || isFloat16(data)) return tensor as Tensor;
  const { buffer, mapAsync } = (typeof like === "object" && like !== null && data === undefined ? like : {}) as Partial<
    Record<string, unknown>
  >;
  const more = buffer !== undefined
    ? "; what lies in a GPU's memory is for a backend of createWebGpuBackend"
    : mapAsync !== undefined
    ? "; a GPUBuffer is given as { buffer, offset, shape }, to a backend of createWebGpuBackend"
    : "";
  throw new TypeError(`Cannot use ${show(data ?? like)} as ${what}: it must be ${wanted}${more}`);
}

function checkShape(what: string, shape: unknown, length: number): readonly number[] {
  if (!Array.isArray(shape)) throw new TypeError(`Cannot use ${what} of shape ${show(shape)}: a shape is an array of lengths`);
  if (!shape.every((n) => Number.isSafeInteger(n) && n >= 0)) {
    throw new RangeError(`Cannot use ${what} of shape ${show(shape)}: lengths are integers from 0`);
  }
  if (sizeOf(shape) !== length) {
    throw new RangeError(`Cannot use ${what} of shape ${show(shape)}: that is ${sizeOf(shape)} elements, its data has ${length}`);
  }
  return Object.freeze([...shape]);
}

// Not every runtime has Float16Array, so it is asked for by its tag.
const isFloat16 = (data: unknown): data is Float16Array => tagOf(data) === "Float16Array";
