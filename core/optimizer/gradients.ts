/**
 * Gradients: what a caller passes, checked, and the memory from which kernels read it.
 *
 * A gradient that lies in kernels' shared memory is read there; any other is copied at the step. Gradients are never written.
 *
 * @module
 */
import type { DType, Tensor } from "../../kernels/types.ts";
import type { Cell } from "./param_state.ts";
import { type Grounds, liesIn } from "./own_memory.ts";
import { show } from "../names.ts";
import { fittingTensor, type FullTensor, type Raw, rawOf } from "../tensors.ts";
import type { Grads, Sparse } from "../types.ts";

/** Gradient memory that kernels read, with a number to know it by. */
export interface Gradient extends FullTensor {
  readonly id: number;
}

/** Where gradient memory comes from. */
export interface GradientSource extends Grounds {
  /** Memory to give back. */
  readonly taken: Tensor[];
  /** Numbers given out. */
  ids: number;
}

// With more than these, the caller makes new ones at each step: a plan for each would cost more than copying them.
const mostInPlace = 2;

/** The cell's own gradient memory, in the parameter's dtype or in float32. */
export function ownGradient(cell: Cell, dtype: DType, from: GradientSource): Gradient {
  const { param: { shape }, own } = cell;
  if (dtype === own.dtype) return own;
  if (cell.wide === null) {
    const [tensor] = from.backend.reserve([cell.p], [{ shape, dtype }]);
    from.taken.push(tensor);
    cell.wide = { data: tensor.data, shape, dtype, id: from.ids++ };
  }
  return cell.wide;
}

/** Checks a gradient and sets where the cell's comes from; nothing is copied yet. */
export function takeGradient(cell: Cell, given: NonNullable<Grads[string]>, from: GradientSource): void {
  if (isSparse(given)) {
    checkSparse(cell, given);
    cell.gradient = ownGradient(cell, "float32", from);
    const { indices, values } = given;
    cell.source = { indices, values: apart(values, "float32", from) as Float32Array };
    return;
  }
  // The usual gradient is looked at without a word for errors.
  const { data, dtype } = given instanceof Float32Array && given.length === cell.size
    ? { data: given, dtype: "float32" as const }
    : fittingTensor(titleOf(cell), given, cell.param);
  const raw = rawOf(data);
  const lying = inPlace(cell, raw, dtype, from);
  cell.gradient = lying ?? ownGradient(cell, dtype, from);
  cell.source = lying === null ? apart(raw, dtype, from) : null;
}

// What lies in another tensor's gradient must be read before that one's own is copied there.
const apart = (data: Raw, dtype: DType, from: GradientSource): Raw => liesIn(from, { data, dtype }) ? data.slice() : data;

/** Copies the gradient to where kernels read it. */
export function copyGradient(cell: Cell): void {
  const { source } = cell;
  if (source === null) return;
  const into = cell.gradient!.data as Raw;
  if (isSparse(source)) addRows(source, into, rowOf(cell));
  else into.set(source);
  cell.source = null; // the caller's array is not kept alive
}

function addRows({ indices, values }: Sparse, into: Raw, row: number): void {
  into.fill(0);
  for (let i = 0; i < indices.length; i++) {
    const at = indices[i] * row;
    for (let j = 0; j < row; j++) into[at + j] += values[i * row + j];
  }
}

const titleOf = ({ info }: Cell): string => `the gradient of "${info.name}"`;
const isSparse = (value: unknown): value is Sparse => typeof value === "object" && value !== null && "indices" in value;
const rowOf = ({ size, param: { shape } }: Cell): number => shape[0] === 0 ? 0 : size / shape[0];

function checkSparse(cell: Cell, { indices, values }: Sparse): void {
  const what = titleOf(cell);
  const { shape } = cell.param;
  if (!(indices instanceof Int32Array)) {
    throw new TypeError(`Cannot use ${show(indices)} as the indices of ${what}: they must be an Int32Array`);
  }
  if (!(values instanceof Float32Array)) {
    throw new TypeError(`Cannot use ${show(values)} as the values of ${what}: they must be a Float32Array`);
  }
  if (shape.length === 0) throw new RangeError(`Cannot use ${what}: a single number has no rows to index`);
  const row = rowOf(cell);
  if (values.length !== indices.length * row) {
    throw new RangeError(`Cannot use ${what}: ${indices.length} rows of ${row} need ${indices.length * row} values, not ${values.length}`);
  }
  for (const index of indices) {
    if (index < 0 || index >= shape[0]) throw new RangeError(`Cannot use ${what}: there is no row ${index}, the parameter has ${shape[0]}`);
  }
}

function inPlace(cell: Cell, data: Raw, dtype: DType, from: GradientSource): Gradient | null {
  const { own, wide } = cell;
  if (isSame(own.data, data) && own.dtype === dtype) return own;
  if (wide !== null && isSame(wide.data, data) && wide.dtype === dtype) return wide;
  // An ordinary array that a plan held would stay alive with it; the js backend, whose memory is such arrays, has no speed to lose by a copy.
  if (data.buffer instanceof ArrayBuffer) return null;
  const known = cell.inPlace.find((gradient) => isSame(gradient.data, data) && gradient.dtype === dtype);
  if (known !== undefined) return known;
  const tensor = { data, shape: cell.param.shape, dtype };
  if (cell.inPlace.length >= mostInPlace || !from.backend.owns(tensor) || !from.backend.together(tensor, cell.p)) return null;
  // A gradient in memory that the step writes must be read before.
  if (liesIn(from, tensor)) return null;
  const gradient = { ...tensor, id: from.ids++ };
  cell.inPlace.push(gradient);
  return gradient;
}

const isSame = (a: Tensor["data"], b: Tensor["data"]): boolean =>
  a === b || (a.buffer === b.buffer && a.byteOffset === b.byteOffset && a.length === b.length);
