/**
 * Where an optimizer has the elements of variables, and how they come there and back.
 *
 * @module
 */
import { about } from "../../../core/errors.ts";
import type { DeviceTensor, Grads, Tensor, Tensors } from "../../../core/types.ts";
import type { TfBuffer, TfTensor, TfVariable } from "./types.ts";

/** A variable at work. */
export interface Cell {
  readonly variable: TfVariable;
  /** Its name in the optimizer. */
  readonly name: string;
  /** Its elements where kernels reach them. */
  readonly param: Tensor<Float32Array> | DeviceTensor;
  /** Makes tensors of its shape; null where they are made otherwise. */
  readonly buffer: TfBuffer | null;
  /** The variable's memory when `param` was equal to it; null where it never was. */
  dataId: object | null;
}

/** The elements of cells. */
export interface Memory {
  /** Takes memory for a variable. */
  take(variable: TfVariable, name: string): Cell;
  /** Brings what variables were assigned since to where kernels have them, which may be written next. TypeError for a variable that is disposed. */
  read(cells: readonly Cell[]): void;
  /** Gradients as an optimizer takes them; null stays null. */
  gradients(tensors: readonly (TfTensor | null)[]): (Grads[string] | null)[];
  /** Assigns variables what kernels have. */
  write(cells: readonly Cell[]): void;
  /** Assigns variables other elements. */
  show(cells: readonly Cell[], elements: Tensors): void;
  /** Gives memory back; the variables stay as they are. */
  release(cells: readonly Cell[]): void;
}

/** Refuses variables that are disposed. */
export function checkLiving(cells: readonly Cell[]): void {
  for (const { variable: { isDisposed, name } } of cells) {
    if (isDisposed) throw about(new TypeError(`Cannot read variable "${name}": it is disposed`), { tensor: name });
  }
}

/** True for a tensor of tfjs. */
export function isTensor(value: unknown): value is TfTensor {
  const { dataSync, dataId } = (typeof value === "object" && value !== null ? value : {}) as Partial<TfTensor>;
  return typeof dataSync === "function" && dataId !== undefined;
}
