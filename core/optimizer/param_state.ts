/**
 * One tensor of an optimizer: its parameter, its slots, its step count.
 *
 * @module
 */
import { roundBfloat16, roundFloat16 } from "../../kernels/half.ts";
import type { KernelBackend } from "../../kernels/backend.ts";
import type { Extent, Tensor } from "../../kernels/types.ts";
import type { Gradient } from "./gradients.ts";
import type { Slot, TensorInfo } from "../plugin/contract.ts";
import { extentOf, type Part, type PartSlot, slotsOf, slotsText } from "./splice.ts";
import { type FullTensor, type Raw, rawOf, sizeOf } from "../tensors.ts";
import type { Text } from "./programs.ts";
import type { Sparse } from "../types.ts";

/** A slot of one tensor and its memory; scalar and group slots have a place in a map instead. */
export interface SlotMemory extends PartSlot {
  readonly shape: readonly number[];
  readonly tensor: FullTensor | null;
}

/** One tensor at work. */
export interface Cell {
  readonly info: TensorInfo;
  readonly size: number;
  /** Place in name order. */
  readonly index: number;
  /** Which group. */
  readonly group: number;
  /** What the user passed. */
  readonly param: FullTensor;
  /** The same memory as kernels know it. */
  readonly raw: Raw;
  /** What kernels update: `raw` itself, or a copy. */
  readonly p: FullTensor;
  readonly copied: boolean;
  readonly extent: Extent;
  readonly slots: readonly SlotMemory[];
  /** `p` and the slots, as kernels call them. */
  readonly tensors: Readonly<Record<string, Tensor>>;
  readonly scalarSlots: Map<string, number>;
  /** Equal for parts whose slots these are. */
  readonly slotsText: string;
  /** What the transforms give for this tensor. */
  readonly transforms: readonly Part[];
  text: Text;
  /** Updates that this tensor had. */
  count: number;
  /** False until slots that start as the parameter hold it. */
  primed: boolean;
  /** The gradient of the step that is being prepared, and where it must be copied from. */
  gradient: Gradient | null;
  source: Raw | Sparse | null;
  /** Gradient memory of its own, in the parameter's dtype. */
  readonly own: Gradient;
  /** The same in float32, made when a 16-bit parameter's gradient comes in it. */
  wide: Gradient | null;
  /** Gradients of the caller's that lie where kernels reach them. */
  readonly inPlace: Gradient[];
}

/** What a cell is made of. */
export interface CellPlan {
  readonly param: FullTensor;
  readonly info: TensorInfo;
  readonly index: number;
  readonly group: number;
  /** The rule's part first. */
  readonly parts: readonly Part[];
  readonly text: Text;
}

/**
 * Takes memory for a cell, all of it where one kernel can reach it; every tensor taken is put into `taken`. Group slots get their start in
 * `groupSlots`, if they have none.
 */
export function createCell(
  backend: KernelBackend,
  { param, info, index, group, parts, text }: CellPlan,
  groupSlots: Map<string, number>,
  taken: Tensor[],
  ids: { ids: number },
): Cell {
  const size = sizeOf(param.shape);
  const raw = rawOf(param.data);
  const lying = { data: raw, shape: param.shape, dtype: param.dtype };
  const { extent, given } = extentOf(parts, info);
  const scalarSlots = new Map<string, number>();
  const planned = slotsOf(parts).map((part) => {
    const { slot } = part;
    const dtype = slot.dtype === "param" ? param.dtype : slot.dtype ?? "float32";
    return { part, shape: shapeOf(slot, info.shape, extent, given), dtype, isNumber: slot.shape === "scalar" || slot.shape === "group" };
  });
  // The gradient's memory at once: kernels must reach it together with the rest, and what nobody touches costs nothing.
  const wanted = [{ shape: param.shape, dtype: param.dtype }, ...planned.filter(({ isNumber }) => !isNumber)];
  const { memory, copied } = reserve(backend, lying, wanted);
  taken.push(...memory);
  const p = copied ? memory.shift()! : lying;
  const gradient = memory.shift()!;
  const tensors: Record<string, Tensor> = { p };
  const slots = planned.map(({ part, shape, dtype, isNumber }): SlotMemory => {
    const { key, slot: { init = 0, shape: per } } = part;
    if (isNumber) {
      if (per === "scalar") scalarSlots.set(key, init as number);
      else if (!groupSlots.has(key)) groupSlots.set(key, init as number);
      return { ...part, shape, tensor: null };
    }
    // One for each tensor also where the key is null: a pass runs over all tensors at once, so they cannot take turns in one buffer.
    const tensor = { ...memory.shift()!, shape, dtype };
    if (typeof init === "number" && init !== 0) fill(tensor, init);
    tensors[key] = tensor;
    return { ...part, shape, tensor };
  });
  return {
    info,
    size,
    index,
    group,
    param,
    raw,
    p,
    copied,
    extent,
    slots,
    tensors,
    scalarSlots,
    slotsText: slotsText(parts),
    transforms: parts.slice(1),
    text,
    count: 0,
    primed: !slots.some(({ slot }) => slot.init === "p"),
    gradient: null,
    source: null,
    own: { ...gradient, id: ids.ids++ },
    wide: null,
    inPlace: [],
  };
}

/** Memory beside the parameter where it lies, or with a copy of it first. */
function reserve(
  backend: KernelBackend,
  lying: FullTensor,
  wanted: Parameters<KernelBackend["reserve"]>[1],
): { memory: FullTensor[]; copied: boolean } {
  if (backend.owns(lying)) {
    try {
      return { memory: backend.reserve([lying], wanted) as FullTensor[], copied: false };
    } catch (error) {
      // Beside it there is no room; elsewhere, with a copy, there may be.
      if (!(error instanceof RangeError)) throw error;
    }
  }
  return { memory: backend.reserve([], [lying, ...wanted]) as FullTensor[], copied: true };
}

/** Copies the parameter into the slots that start as it. `p` must be up to date. */
export function primeSlots(backend: KernelBackend, { p, slots }: Cell): void {
  for (const { slot, tensor } of slots) {
    if (slot.init !== "p" || tensor === null) continue;
    if (tensor.dtype === p.dtype) (tensor.data as Raw).set(p.data as Raw);
    else backend.run("slot = p", { slot: tensor, p });
  }
}

function shapeOf({ shape }: Slot, of: readonly number[], { batch, rows, cols }: Extent, given: boolean): readonly number[] {
  switch (shape) {
    case "param":
      return of;
    case "row":
      return given ? [batch, rows] : of.slice(0, -1);
    case "col":
      return given ? [batch, cols] : [...of.slice(0, -2), ...of.slice(-1)];
    case "batch":
      return given ? [batch] : of.slice(0, -2);
    default:
      return [];
  }
}

function fill({ data, dtype }: FullTensor, value: number): void {
  data.fill(dtype === "float32" ? value : dtype === "bfloat16" ? roundBfloat16(value) : roundFloat16(value));
}
