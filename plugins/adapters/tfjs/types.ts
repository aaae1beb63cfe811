/**
 * TensorFlow.js, as far as it is used here. Nothing of it is imported: whatever has these fields will do, so that no version is pinned.
 *
 * @module
 */
import type { Plugin } from "../../../core/plugin/contract.ts";
import type { Grads } from "../../../core/types.ts";
import type { BindSettings } from "../bound.ts";

/** A `tf.Tensor`. */
export interface TfTensor {
  /** Lengths of the dimensions. */
  readonly shape: readonly number[];
  /** Element type; optimizers take `"float32"` alone. */
  readonly dtype: string;
  /** What names its memory; tensors that share it are equal in it. */
  readonly dataId: object;
  /** True once it is disposed. */
  readonly isDisposed: boolean;
  /** Its elements: on backend `"cpu"` those that the tensor has, elsewhere a copy. */
  dataSync(): ArrayBufferView | readonly string[];
  /** The same, waited for. */
  data(): Promise<ArrayBufferView | readonly string[]>;
  /** Its elements as a buffer, of which tensors are made. */
  bufferSync(): TfBuffer;
  /** Lets its memory go. */
  dispose(): void;
}

/** A `tf.TensorBuffer`. */
export interface TfBuffer {
  /** The elements of the tensors that come of it. */
  values: unknown;
  /** A tensor over `values`. */
  toTensor(): TfTensor;
}

/** A `tf.Variable`. */
export interface TfVariable extends TfTensor {
  /** Its name, which is unique among the variables that live. */
  readonly name: string;
  /** False for a variable that gradients leave out. */
  readonly trainable: boolean;
  /** Takes over another tensor's elements. */
  assign(value: TfTensor): void;
}

/** A weight of a layer, as `model.trainableWeights` lists them. */
export interface TfWeight {
  /** Its variable. */
  read(): TfTensor;
}

/** Gradients by the names of variables, as `tf.variableGrads` gives them, or what else an optimizer takes for a gradient. Null: none. */
export type TfGrads = Readonly<Record<string, TfTensor | Grads[string] | undefined>>;

/** The namespace of `@tensorflow/tfjs-core`, as far as {@linkcode TfSettings.tf} is asked. */
export interface TfBackends {
  /** The backend at work. */
  backend(): object;
}

/** The namespace of `@tensorflow/tfjs-core`; `Made` is its class `Optimizer`. */
export interface TfCore<Made = unknown> extends TfBackends {
  /** What optimizers are made of. */
  readonly Optimizer: abstract new () => Made;
  /** Where classes are found when a model is loaded. */
  readonly serialization: { registerClass(made: never): unknown };
  /** Has all variables that live. */
  engine(): { readonly registeredVariables: Readonly<Record<string, TfVariable>> };
  /** Makes a tensor. */
  tensor(values: never, shape?: never, dtype?: never): TfTensor;
}

/** Settings of `bind`: those of every optimizer, where names are found, and tfjs itself. */
export interface TfSettings<Options = unknown, P extends readonly Plugin[] = readonly Plugin[]> extends BindSettings<Options, P> {
  /**
   * The namespace of tfjs, `import * as tf from "@tensorflow/tfjs-core"`. With it elements of backend `"wasm"` are read where they lie in its memory;
   * without it each goes through two copies where one would do. A backend on tfjs' GPU needs it.
   */
  readonly tf?: TfBackends;
}
