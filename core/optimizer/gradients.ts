/**
 * Gradients: what a caller passes, checked, and the memory from which kernels read it.
 *
 * A gradient that lies in kernels' shared memory is read there; any other is uploaded at the step. Gradients are never written.
 *
 * @module
 */
import type { KernelBackend } from "../../kernels/backend.ts";
import type { DType, Raw } from "../../kernels/types.ts";
import { liesIn, type Memory, take } from "./memory.ts";
import type { ParamState } from "./param_state.ts";
import { show } from "../names.ts";
import { checkFits, fittingTensor, type FullTensor, rawOf, refuseOtherKeys } from "../tensors.ts";
import type { Grads, Sparse } from "../types.ts";

/** A parameter's gradient of one step. */
export interface TakenGradient {
  readonly param: ParamState;
  /** Where kernels read it; null: the entry reads none. */
  readonly memory: FullTensor | null;
  /** What must be uploaded there before; null: it is there. */
  readonly source: Raw | Sparse | null;
}

// With more than these, the caller makes new ones at each step: a plan for each would cost more than copying them.
const mostInPlace = 2;

/** The parameter's own gradient memory, in its dtype or in float32. */
export function gradientMemory({ p, given: { shape }, gradients }: ParamState, dtype: DType, memory: Memory): FullTensor {
  if (dtype === gradients.own.dtype) return gradients.own;
  return gradients.wide ??= { ...take(memory, [p], [{ shape, dtype }])[0], shape, dtype };
}

/** Checks a gradient and says where it is and where kernels read it; nothing is uploaded yet. */
export function takeGradient(param: ParamState, given: NonNullable<Grads[string]>, memory: Memory): TakenGradient {
  if (isSparse(given)) {
    checkSparse(param, given);
    const { indices, values } = given;
    const into = gradientMemory(param, "float32", memory);
    return { param, memory: into, source: { indices, values: apart(values, "float32", memory) as Float32Array } };
  }
  if (given === param.gradients.own) return { param, memory: param.gradients.own, source: null };
  const device = memory.backend.deviceSide?.claim(titleOf(param), given);
  if (device) return takeFromDevice(param, device, memory);
  // The usual gradient is looked at without a word for errors.
  const { data, dtype } = given instanceof Float32Array && given.length === param.size
    ? { data: given, dtype: "float32" as const }
    : fittingTensor(titleOf(param), given, param.given);
  const raw = rawOf(data);
  const lying = inPlace(param, raw, dtype, memory);
  if (lying !== null) return { param, memory: lying, source: null };
  return { param, memory: gradientMemory(param, dtype, memory), source: apart(raw, dtype, memory) };
}

/** A gradient on the device; one that lies where the step writes could not be read as it was. */
function takeFromDevice(param: ParamState, tensor: FullTensor, memory: Memory): TakenGradient {
  checkFits(titleOf(param), tensor, param.given);
  const lying = inPlace(param, rawOf(tensor.data), tensor.dtype, memory);
  if (lying !== null) return { param, memory: lying, source: null };
  if (liesIn(memory, tensor)) throw new RangeError(`Cannot use ${titleOf(param)}: it lies in memory that the step writes`);
  const why = "which gradients need that come from more than two buffers in turn";
  memory.backend.deviceSide!.checkCopied(titleOf(param), tensor, "COPY_SRC", why);
  return { param, memory: gradientMemory(param, tensor.dtype, memory), source: rawOf(tensor.data) };
}

// What lies in another tensor's gradient must be read before that one's own is uploaded there.
const apart = (data: Raw, dtype: DType, memory: Memory): Raw => liesIn(memory, { data, dtype }) ? data.slice() : data;

/** True where the gradient's elements come from an array of as many. */
export const isUploaded = ({ source, memory }: TakenGradient): boolean => source !== null && memory !== null && ArrayBuffer.isView(source);

/** Brings the gradient to where kernels read it. */
export function uploadGradient(backend: KernelBackend, { memory, source }: TakenGradient): void {
  if (source === null || memory === null) return;
  if ("indices" in source) backend.scatter(memory, source.indices, source.values);
  else backend.upload(memory, source);
}

const titleOf = ({ info }: ParamState): string => `the gradient of "${info.name}"`;
const isSparse = (value: unknown): value is Sparse =>
  typeof value === "object" && value !== null && !ArrayBuffer.isView(value) && "indices" in value;

function checkSparse(param: ParamState, sparse: Sparse): void {
  const { indices, values } = sparse;
  const what = titleOf(param);
  refuseOtherKeys(what, sparse, ["indices", "values"]);
  const { size, given: { shape } } = param;
  if (!(indices instanceof Int32Array)) {
    throw new TypeError(`Cannot use ${show(indices)} as the indices of ${what}: they must be an Int32Array`);
  }
  if (!(values instanceof Float32Array)) {
    throw new TypeError(`Cannot use ${show(values)} as the values of ${what}: they must be a Float32Array`);
  }
  if (shape.length === 0) throw new RangeError(`Cannot use ${what}: a single number has no rows to index`);
  const row = shape[0] === 0 ? 0 : size / shape[0];
  if (values.length !== indices.length * row) {
    throw new RangeError(`Cannot use ${what}: ${indices.length} rows of ${row} need ${indices.length * row} values, not ${values.length}`);
  }
  for (const index of indices) {
    if (index < 0 || index >= shape[0]) throw new RangeError(`Cannot use ${what}: there is no row ${index}, the parameter has ${shape[0]}`);
  }
}

/** The gradient as a tensor that kernels read where the caller has it; null where they do not. */
function inPlace({ gradients, given: { shape }, p }: ParamState, data: Raw, dtype: DType, memory: Memory): FullTensor | null {
  const { own, wide, inPlace } = gradients;
  const { backend } = memory;
  const tensor: FullTensor = { data, shape, dtype };
  if (backend.same(own, tensor)) return own;
  if (wide !== null && backend.same(wide, tensor)) return wide;
  // An ordinary array that a plan held would stay alive with it; the js backend, whose memory is such arrays, has no speed to lose by a copy.
  if (data.buffer instanceof ArrayBuffer) return null;
  const known = inPlace.find((known) => backend.same(known, tensor));
  if (known !== undefined) return known;
  if (inPlace.length >= mostInPlace || !backend.owns(tensor) || !backend.together(tensor, p)) return null;
  // A gradient in memory that the step writes must be read before.
  if (liesIn(memory, tensor)) return null;
  inPlace.push(tensor);
  return tensor;
}
