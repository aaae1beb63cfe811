/**
 * All that an optimizer keeps for one parameter between steps: its slots, its gradient's memory, its rule, its step count.
 *
 * @module
 */
import type { KernelBackend } from "../../kernels/backend.ts";
import { isNumber } from "../../kernels/tables/classes.ts";
import type { Extent, Raw, Tensor } from "../../kernels/types.ts";
import { about } from "../errors.ts";
import type { GroupState } from "./groups.ts";
import { matrixOf } from "./matrix.ts";
import { copyTensor, type Memory, take } from "./memory.ts";
import { type Part, type PartSlot, slotsOf, slotsText } from "./parts.ts";
import type { Slot, TensorInfo } from "../plugin/contract.ts";
import { type FullTensor, rawOf, sizeOf } from "../tensors.ts";
import type { Text } from "./programs.ts";

/** A slot of one parameter and its memory; scalar and group slots are numbers in a map instead. */
export interface SlotMemory extends PartSlot {
  readonly shape: readonly number[];
  readonly tensor: FullTensor | null;
}

/** Memory from which kernels read a parameter's gradient. */
export interface GradientMemory {
  /** In the parameter's dtype; what `optimizer.grads` shows. */
  readonly own: FullTensor;
  /** The same in float32, made when a 16-bit parameter's gradient comes in it. */
  wide: FullTensor | null;
  /** Gradients of the caller's that lie where kernels reach them. */
  readonly inPlace: FullTensor[];
}

/** One parameter at work. */
export interface ParamState {
  readonly info: TensorInfo;
  readonly size: number;
  readonly group: GroupState;
  /** What the caller passed. */
  readonly given: FullTensor;
  /** Its elements, 16-bit ones as patterns. */
  readonly elements: Raw;
  /** The same as a tensor: where its content lies between steps. */
  readonly lying: FullTensor;
  /** What kernels update: what was passed, or memory of the backend's that is a copy of it during a step. */
  readonly p: FullTensor;
  readonly isCopied: boolean;
  readonly extent: Extent;
  readonly slots: readonly SlotMemory[];
  /** Equal for rules whose slots these could be. */
  readonly slotsText: string;
  /** `p` and the slots, as kernels call them. */
  readonly tensors: Readonly<Record<string, Tensor>>;
  readonly scalarSlots: Map<string, number>;
  readonly gradients: GradientMemory;
  /** What the transforms give for this parameter. */
  readonly transforms: readonly Part[];
  /** The rule with its transforms, compiled; another one after an option changed it. */
  text: Text;
  /** Updates that this parameter had. */
  count: number;
  /** False until slots that start as a copy of the parameter are one. */
  primed: boolean;
  /** True where a device's copy of the parameter is newer than the caller's array. */
  ahead: boolean;
}

/** What a parameter's state is made of. */
export interface ParamPlan {
  readonly given: FullTensor;
  readonly info: TensorInfo;
  readonly group: GroupState;
  /** The rule's part first. */
  readonly parts: readonly Part[];
  readonly text: Text;
}

/** Takes memory for a parameter, all of it where one kernel can reach it. Group slots get their start, if they have none. */
export function createParam(memory: Memory, { given, info, group, parts, text }: ParamPlan): ParamState {
  const { backend } = memory;
  const { shape, dtype } = given;
  const elements = rawOf(given.data);
  const lying: FullTensor = { data: elements, shape, dtype };
  const { extent, isOwn } = matrixOf(parts, text.splice, info);
  const scalarSlots = new Map<string, number>();
  const planned = slotsOf(parts).map((part) => {
    const { slot } = part;
    return {
      part,
      shape: shapeOf(slot, shape, extent, isOwn),
      dtype: slot.dtype === "param" ? dtype : slot.dtype ?? "float32",
      isNumber: isNumber(slot.cls),
    };
  });
  // The gradient's memory at once: kernels must reach it together with the rest, and what nobody touches costs nothing.
  const wanted = [{ shape, dtype }, ...planned.filter(({ isNumber }) => !isNumber)];
  const { taken, isCopied } = takeBeside(memory, lying, wanted);
  const p = isCopied ? taken.shift()! : lying;
  const own: FullTensor = Object.freeze({ ...taken.shift()!, shape, dtype });
  const tensors: Record<string, Tensor> = { p };
  const slots = planned.map(({ part, shape, dtype, isNumber }): SlotMemory => {
    const { key, slot: { init = 0, shape: per } } = part;
    if (isNumber) {
      if (per === "scalar") scalarSlots.set(key, init as number);
      else group.slots.start(key, init as number, part.scope !== parts[0].scope);
      return { ...part, shape, tensor: null };
    }
    // One for each parameter also where the key is null: a pass runs over all of them at once, so they cannot take turns in one buffer.
    const tensor: FullTensor = { ...taken.shift()!, shape, dtype };
    if (typeof init === "number" && init !== 0) backend.fill(tensor, init);
    tensors[key] = tensor;
    return { ...part, shape, tensor };
  });
  return {
    info,
    size: sizeOf(shape),
    group,
    given,
    elements,
    lying,
    p,
    isCopied,
    extent,
    slots,
    slotsText: slotsText(parts),
    tensors,
    scalarSlots,
    gradients: { own, wide: null, inPlace: [] },
    transforms: parts.slice(1),
    text,
    count: 0,
    primed: !slots.some(({ slot }) => slot.init === "p"),
    ahead: false,
  };
}

/** Memory beside the parameter where it lies, or with a copy of it first. */
function takeBeside(memory: Memory, lying: FullTensor, wanted: Parameters<typeof take>[2]): { taken: FullTensor[]; isCopied: boolean } {
  if (memory.backend.owns(lying)) {
    try {
      const taken = take(memory, [lying], wanted);
      memory.lent.push(lying);
      return { taken, isCopied: false };
    } catch (error) {
      // Beside it there is no room; elsewhere, with a copy, there may be.
      if (!(error instanceof RangeError)) throw error;
    }
  }
  return { taken: take(memory, [], [lying, ...wanted]), isCopied: true };
}

/** Brings a parameter, and slots that start as a copy of it, to where kernels read them. */
export function uploadParam(backend: KernelBackend, param: ParamState): void {
  const { p, elements, isCopied, slots } = param;
  if (isCopied && !param.ahead) backend.upload(p, elements);
  if (param.primed) return;
  for (const { slot, tensor } of slots) {
    if (slot.init !== "p" || tensor === null) continue;
    if (tensor.dtype === p.dtype) copyTensor(backend, p, tensor);
    else backend.run("slot = p", { slot: tensor, p });
  }
}

/** Brings a parameter that kernels have updated back to the caller's array; from a device, `sync` does. */
export function downloadParam(backend: KernelBackend, param: ParamState): void {
  if (!param.isCopied) return;
  if (backend.deviceSide === undefined) backend.download(param.p, param.elements);
  else param.ahead = true;
}

/** Where a parameter's newest elements lie. */
export const contentOf = ({ p, lying, ahead }: ParamState): FullTensor => ahead ? p : lying;

/** Refuses parameters whose arrays were transferred or resized since. */
export function checkReachable({ elements, size, info }: ParamState): void {
  if (elements.length === size) return;
  const message = `Cannot reach parameter "${info.name}": its array has ${elements.length} elements now, not ${size}`;
  throw about(new RangeError(message), { tensor: info.name });
}

/** A slot's shape as it is saved: that of the parameter with the dimensions left out that it does not differ over. */
function shapeOf({ shape }: Slot, of: readonly number[], { batch, rows, cols }: Extent, isOwn: boolean): readonly number[] {
  if (typeof shape !== "string") return shape;
  switch (shape) {
    case "param":
      return of;
    case "row":
      return isOwn ? [batch, rows] : of.slice(0, -1);
    case "col":
      return isOwn ? [batch, cols] : [...of.slice(0, -2), ...of.slice(-1)];
    case "batch":
      return isOwn ? [batch] : of.slice(0, -2);
    case "scalar":
    case "group":
      return [];
  }
}
