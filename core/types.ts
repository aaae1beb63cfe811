/**
 * The contract: what an optimizer, a schedule, an accumulator and a trainer are.
 *
 * @module
 */
import type { Disposable } from "../kernels/globals.ts";
import type { Backend, BackendName, DType, Tensor, TensorLike, Tensors } from "../kernels/types.ts";
import type { Plugin } from "./plugin/contract.ts";

export type { Bytes, Disposable, Float16Array, WasmModule } from "../kernels/globals.ts";
export type { Backend, BackendName, BackendOptions, DType, Scalars, Tensor, TensorLike, Tensors } from "../kernels/types.ts";

/** Rows (or elements, rank 1) of a gradient; indices may repeat and then add up. */
export interface Sparse {
  /** Which rows. */
  readonly indices: Int32Array;
  /** The rows one after another: `indices.length` times the size of a row. */
  readonly values: Float32Array;
}

/**
 * Gradients by name. Missing or null: no gradient; the tensor and its own step count stand still.
 *
 * A gradient is in the parameter's dtype or in float32; a list of numbers or a `Float64Array` is rounded to float32. Without a shape of its own it takes
 * the parameter's.
 */
export type Grads = Readonly<Record<string, TensorLike | Sparse | readonly number[] | Float64Array | null>>;

/** A plugin in use: its name in the registry, or the plugin itself, with options. */
export interface Use {
  /** Registered name, or a plugin object. */
  readonly name: string | Plugin;
  /** Options; what is missing takes the plugin's default. */
  readonly options?: object;
}

/** Tensors with options of their own. */
export interface Group<Options> {
  /**
   * Which tensors: a regular expression (a string is one, unanchored), a list of exact names, or a glob of the whole name, in which `*` is any text
   * and `?` one character. A pattern may find nothing; a name in a list must be there.
   */
  readonly match: RegExp | string | readonly string[] | { readonly glob: string };
  /** What differs from the optimizer's options. */
  readonly options?: Partial<Options> | object;
  /** Another algorithm for this group. Its options start from that algorithm's defaults and follow none of the optimizer's. */
  readonly optimizer?: Use["name"];
}

/** Settings of an optimizer beside its algorithm's options. */
export interface Settings<Options> {
  /** A backend by name, or one that many optimizers share; default: the fastest that this runtime allows. */
  readonly backend?: BackendName | Backend;
  /** Threads of backend `"threads"`, the calling one included. */
  readonly threads?: number;
  /** Groups; the first match wins, unmatched tensors take the base options. */
  readonly groups?: readonly Group<Options>[];
  /** Transforms of the gradient and the update, in order. */
  readonly transforms?: readonly Use[];
  /**
   * Schedules by option, as `{ lr: { name: "linear", options: {…} } }`. A step refuses a scheduled value that is no finite number or lies out of its
   * option's range; only `lr` may leave its range, as the references let it (a polynomial may end below 0).
   */
  readonly schedules?: Readonly<Record<string, Schedule | MetricSchedule | Use | undefined>>;
}

/** What {@linkcode Optimizer.step} did. */
export interface StepReport {
  /** False when there was no gradient at all: then nothing has changed. */
  readonly applied: boolean;
  /** Updates applied so far. */
  readonly step: number;
}

/** A group as the optimizer shows it. */
export interface GroupView<Options> {
  /** Names of its tensors. */
  readonly names: readonly string[];
  /** The group's base values; assign between steps. */
  readonly options: Required<Options>;
  /** What the next step uses, schedules applied. */
  readonly current: Required<Options>;
}

/** An algorithm at work on named tensors. */
export interface Optimizer<Options = unknown> extends Disposable {
  /** The algorithm's registered name. */
  readonly name: string;
  /** What runs it. */
  readonly backend: Backend;
  /**
   * Base values; assign between steps. A group follows unless it set that key itself. An assigned value is checked at once, a combination of values
   * at the next step.
   */
  readonly options: Required<Options>;
  /** The groups in order; unmatched tensors form the last one. */
  readonly groups: readonly GroupView<Options>[];
  /** The arrays that the user passed. */
  readonly params: Readonly<Record<string, Tensor>>;
  /** Kernel memory, for writing gradients without a copy. A gradient that is passed as an ordinary array is copied here. */
  readonly grads: Readonly<Record<string, Tensor>>;
  /** Input slots: slot, then tensor. */
  readonly inputs: Readonly<Record<string, Readonly<Record<string, Tensor>>>>;
  /** Updates applied. */
  readonly steps: number;
  /**
   * One update. Without an argument all of {@linkcode Optimizer.grads}. Gradients are never written.
   *
   * An error leaves everything as it was. TypeError: unknown names, what is no gradient, an option that would change the slots, a scheduled value that is
   * no number, a disposed optimizer or backend. RangeError: a shape, length, row or dtype that does not fit, a scheduled value that is not finite or out
   * of its option's range, options that the plugin refuses together, a parameter whose array was transferred away, memory that is not there.
   */
  step(grads?: Grads): StepReport;
  /** A rule's `also` entry, at the coming step's t; counts no step. Without gradients all of {@linkcode Optimizer.grads}, if the entry reads them. */
  run(entry: string, grads?: Grads): void;
  /**
   * Another parameter point, as schedule-free's `"eval"`; in new arrays, or in those of `into`, and then only of the tensors named there. A tensor
   * whose algorithm has no such point is at the parameter itself.
   */
  point(name: string, into?: Tensors): Readonly<Record<string, Tensor>>;
  /**
   * Feeds metric schedules, in the order of `schedules`. TypeError for what is no number. One that throws leaves those before it fed: the built-in one
   * does not.
   */
  update(metric: number): void;
  /**
   * Per group, what the plugin's `reading` says of its first tensor (Adafactor: its relative lr). It is asked with t = 0 before the first step. Null
   * where the algorithm reads nothing, and for a group whose first tensor has not had a gradient yet.
   */
  readings(): readonly (number | null)[];
  /**
   * Parameters, slots, step counts and metric schedules, as named tensors in copies. Not the options: whoever assigned some since assigns them again
   * after a load. Nor the gathered gradients of an accumulator.
   */
  saveState(): StateDict;
  /**
   * Takes a saved state: parameters, slots, step counts, metric schedules that have a `state`. All is checked before anything changes. TypeError: what is
   * no state, a tensor that is missing or too many, another algorithm's state. RangeError: another format, shape, dtype or length, and step counts that
   * are no whole numbers from 0.
   */
  loadState(state: StateDict): void;
}

/**
 * Named tensors and string metadata. Keys: `w`, `w.<slot key>`, `w.step` (float64, shape `[]`); group slots `group.<i>.<key>`.
 *
 * Metadata: `format`, `optimizer` (the algorithm's name), `steps`, `schedule.<option>`, the JSON of a metric schedule's `state`, and
 * `group.<i>.step` where the algorithm counts a group's steps. A state without metadata can be loaded, too.
 */
export interface StateDict {
  /** Tensors by key. */
  readonly tensors: Readonly<
    Record<
      string,
      { readonly data: Float32Array | Float64Array | Uint16Array; readonly shape: readonly number[]; readonly dtype: DType | "float64" }
    >
  >;
  /** Strings by key. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** A pure function of the number of applied updates, from 0. */
export interface Schedule {
  /** The value at `step`. */
  (step: number): number;
  /** `"factor"` (default): times the option's base value; `"value"`: instead of it. */
  readonly returns?: "factor" | "value";
}

/** A schedule that follows a metric, as plateau's. */
export interface MetricSchedule {
  /** Takes the newest metric. */
  update(metric: number): void;
  /** A factor per group. */
  factors(): readonly number[];
}

/** An option's base values. */
export interface Base {
  /** The optimizer's own. */
  readonly value: number;
  /** Each group's. */
  readonly groups: readonly number[];
}

/** Sums gradients over micro-batches. */
export interface Accumulator {
  /**
   * Adds gradients, each times the weight (default 1); true when a step is due. An error adds nothing: TypeError for unknown names and for what is no
   * gradient or weight, RangeError for a shape, length or dtype that does not fit, no gradients at all, and a weight below 0 or not finite.
   */
  add(grads: Grads, weight?: number): boolean;
  /** Calls since the last reset. */
  readonly count: number;
  /** Weight since the last reset. */
  readonly weight: number;
  /**
   * The gradients so far, in float32 whatever dtype came in, of those tensors that had one: a sum's since it was made, a mean's since the last reset.
   * They are the accumulator's own memory: the next `add`, `merge` or `reset` writes it. RangeError where there is nothing to give: before the first `add`, and for a mean of total weight 0.
   */
  readonly gradients: Readonly<Record<string, Tensor>>;
  /** Takes another accumulator's gradients in, with its count and weight; the other stays as it is. TypeError for the accumulator itself. */
  merge(other: Accumulator): void;
  /** Back to nothing; the memory is kept. */
  reset(): void;
}

/** A training set-up as JSON. A closed world: an unknown key anywhere is a TypeError. */
export interface Recipe {
  /** The algorithm. */
  readonly optimizer: { readonly name: string; readonly options?: object };
  /** Groups, as in {@linkcode Settings}. */
  readonly groups?: readonly {
    readonly match: string | readonly string[] | { readonly glob: string };
    readonly options?: object;
    readonly optimizer?: string;
  }[];
  /** Schedules by option. */
  readonly schedules?: Readonly<Record<string, { readonly name: string; readonly options?: object }>>;
  /** Accumulation over micro-batches. */
  readonly accumulate?: { readonly name: string; readonly options?: object };
  /** Transforms in order. */
  readonly transforms?: readonly { readonly name: string; readonly options?: object }[];
}

/** A recipe, running. `Options` are those of the recipe's algorithm, where the recipe's type says which one it is. */
export interface Trainer<Options = unknown> extends Disposable {
  /** What it was made from. */
  readonly recipe: Recipe;
  /** The optimizer inside. */
  readonly optimizer: Optimizer<Options>;
  /** Updates applied. */
  readonly steps: number;
  /**
   * Adds one micro-batch; true when a step was taken. The weight (default 1) is what the gradients are a mean over, in any unit that all micro-batches
   * share, such as tokens; without accumulation it weighs nothing.
   *
   * Errors are those of {@linkcode Accumulator.add} and {@linkcode Optimizer.step}. The step's come before the micro-batch is added, also where it is
   * not due yet: after an error the same micro-batch can be added again. (Only where memory runs out at the step itself has it been added: then
   * {@linkcode Trainer.flush} tries that step again.)
   */
  add(grads: Grads, weight?: number): boolean;
  /** Steps with what is there; false when nothing is. After an error what was gathered is still there. */
  flush(): boolean;
  /** Feeds metric schedules. */
  update(metric: number): void;
}
