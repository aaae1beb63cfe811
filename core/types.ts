/**
 * The contract of optimizers and trainers, and what they are made from. What plugins take and make stands in plugin/contract.ts.
 *
 * @module
 */
import type { Disposable } from "../kernels/globals.ts";
import type { Backend, BackendName, DType, Tensor, Tensors, WebGpuBackend } from "../kernels/types.ts";
import type { Grads, MetricSchedule, Schedule, Use } from "./plugin/contract.ts";

export type { Bytes, Disposable, Float16Array, GpuBuffer, GpuDevice, WasmModule } from "../kernels/globals.ts";
export type { Accumulator, AccumulatorState, Base, Grads, MetricSchedule, Schedule, Sparse, Stretch, Use } from "./plugin/contract.ts";
export type {
  Arithmetic,
  Backend,
  BackendName,
  BackendOptions,
  DeviceTensor,
  DType,
  Scalars,
  Tensor,
  TensorLike,
  Tensors,
  WebGpuBackend,
} from "../kernels/types.ts";

/** Tensors with options of their own. */
export interface Group<Options> {
  /**
   * Which tensors: a regular expression (a string is one, unanchored), a list of exact names, or a glob of the whole name, in which `*` is any text
   * and `?` one character. Or tensors of at most so many dimensions: biases and norms are `{ maxRank: 1 }`, as is an array without a shape. A pattern
   * may find nothing; a name in a list must be there, and in no other list.
   */
  readonly match: RegExp | string | readonly string[] | { readonly glob: string } | { readonly maxRank: number };
  /**
   * Schedules of this group alone, by option, in place of the optimizer's for the same option: `{ name: "constant" }` leaves an option as it is. Each is
   * made over the group's base value, and asked for its first group.
   */
  readonly schedules?: Settings<Options>["schedules"];
  /** What differs from the optimizer's options. */
  readonly options?: Partial<Options> | object;
  /** Another algorithm for this group. Its options start from that algorithm's defaults and follow none of the optimizer's. */
  readonly optimizer?: Use["name"];
  /**
   * Factors by option, as `{ lr: 0.5 }`: the group's value is the optimizer's times the factor, and follows it through schedules of factors and of
   * values: layer-wise decay. A value that is assigned to the group later stands in its place. TypeError for an option that the group sets itself.
   */
  readonly scale?: Readonly<Record<string, number>>;
}

/** Settings of an optimizer beside its algorithm's options. */
export interface Settings<Options> {
  /** A backend by name, or one that many optimizers share; default: the fastest that this runtime allows. */
  readonly backend?: BackendName | Backend | WebGpuBackend;
  /** Threads of backend `"threads"`, the calling one included. */
  readonly threads?: number;
  /** Groups; the first match wins, unmatched tensors take the base options. */
  readonly groups?: readonly Group<Options>[];
  /** Transforms of the gradient and the update, in order. */
  readonly transforms?: readonly Use[];
  /**
   * Schedules by option, as `{ lr: { name: "linear", options: {…} } }`. A step refuses a scheduled value that is no finite number or lies out of its
   * option's range; only `lr` may leave its range, as the references let it (a polynomial may end below 0): below 0 it trains uphill. TypeError for a schedule of values where a group
   * sets the option itself: one of the two would do nothing. (One that gives values by group may.)
   */
  readonly schedules?: Readonly<Record<string, Schedule | MetricSchedule | Use | undefined>>;
}

/** What {@linkcode Optimizer.step} did. */
export interface StepReport {
  /** False when there was no gradient at all, or a transform held the step back: then nothing has changed but what that transform counts. */
  readonly applied: boolean;
  /** Updates applied so far. */
  readonly step: number;
  /** The transform that held the step back, as `"skip_nonfinite"`; of several, the first. */
  readonly skipped?: string;
}

/** A group as the optimizer shows it. */
export interface GroupView<Options> {
  /** Names of its tensors. */
  readonly names: readonly string[];
  /** The group's base values; assign between steps. */
  readonly options: Required<Options>;
  /** What the next step uses, schedules applied. */
  readonly current: Readonly<Required<Options>>;
}

/** A transform as the optimizer shows it. */
export interface TransformView {
  /** Its registered name. */
  readonly name: string;
  /** Numbers of it that are worth showing. */
  readings(): Readonly<Record<string, number | null>>;
}

/** An algorithm at work on named tensors. */
export interface Optimizer<Options = unknown> extends Disposable {
  /** The algorithm's registered name. */
  readonly name: string;
  /** What runs it. */
  readonly backend: Backend;
  /**
   * Base values; assign between steps. A group follows unless it set that key itself. An assigned value is checked at once, a combination of values
   * at the next step. TypeError for an option whose schedule gives values: they stand in its place.
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
   * An error leaves everything as it was. TypeError: no argument where nobody has ever asked for `grads`, unknown names, what is no gradient, an option that would change the slots, a scheduled value that is
   * no number, a disposed optimizer or backend. RangeError: a shape, length, row or dtype that does not fit, a scheduled value that is not finite or out
   * of its option's range, options that the plugin refuses together, a parameter whose array was transferred away, memory that is not there.
   */
  step(grads?: Grads): StepReport;
  /**
   * What the last step did, once the arrays that were passed hold it. The backends of this host have done all of it when `step` returns. On backend
   * `"webgpu"` a step is submitted then: this waits for it, brings arrays up to date, and uncounts the steps that a transform held back. It reads
   * parameters and slots back, so call it when you want them. TypeError on a disposed optimizer or backend; Error where the device was lost, or has
   * refused a step, which then has changed nothing.
   */
  sync(): Promise<StepReport>;
  /** A rule's `also` entry, at the coming step's t; counts no step. Without gradients all of {@linkcode Optimizer.grads}, if the entry reads them. */
  run(entry: string, grads?: Grads): void;
  /**
   * Another parameter point, as schedule-free's `"eval"`; in new arrays, or in those of `into`, and then only of the tensors named there. A tensor
   * whose algorithm has no such point is at the parameter itself.
   */
  point(name: string, into?: Tensors): Readonly<Record<string, Tensor>>;
  /**
   * Feeds metric schedules, in the order of `schedules`. TypeError for what is no number, and where there is none. One that throws leaves those before it fed: the built-in one
   * does not.
   */
  update(metric: number): void;
  /**
   * Per group, what the plugin's `reading` says of its first tensor (Adafactor: its relative lr). It is asked with t = 0 before the first step. Null
   * where the algorithm reads nothing, and for a group whose first tensor has not had a gradient yet.
   */
  readings(): readonly (number | null)[];
  /**
   * The transforms in order. `readings()` is what the plugin's `reading` says after the last step that was applied, `{}` where it says nothing: a
   * global norm before clipping, a loss scale. Null is a number that there is not, or that is not finite.
   */
  readonly transforms: readonly TransformView[];
  /**
   * Parameters that come later: into the group of this index, default the last, or with `options` as a group of their own at the end, which follows the
   * optimizer where the options say nothing. They are scheduled and saved as the others are, and begin at step 1 where an algorithm counts the steps of
   * tensors. Freezing needs none of this: a tensor without a gradient stands still.
   *
   * An error leaves everything as it was. TypeError: a name that is there already, unknown options, a group of their own where a schedule follows a
   * metric. RangeError: no such group, memory that is shared or not there.
   */
  add(params: Tensors, to?: { readonly group?: number; readonly options?: Partial<Options> }): void;
  /**
   * Parameters, slots, step counts and metric schedules, as named tensors in copies. Not the options: whoever assigned some since assigns them again
   * after a load. What an accumulator has gathered is in the trainer's: {@linkcode Trainer.saveState}. TypeError on backend `"webgpu"`, whose numbers
   * {@linkcode Optimizer.saveStateAsync} waits for.
   */
  saveState(): StateDict;
  /**
   * Takes a saved state: parameters, slots, step counts, metric schedules that have a `state`. All is checked before anything changes, and one error
   * says all that is wrong. TypeError: what is no state, a tensor that is missing or too many, another algorithm's state. RangeError: another format,
   * shape, dtype or length, and step counts that are no whole numbers from 0; they may have any dtype that holds them exactly.
   *
   * With `partial`, tensors that are missing keep what they had and those that are too many are ignored; a tensor that is there must still fit. Slots
   * that start as a copy of their parameter, and have had no step, start from the one that was loaded.
   */
  loadState(state: StateDict, options?: { readonly partial?: boolean }): LoadReport;
  /**
   * The same as {@linkcode Optimizer.saveState}, on any backend; errors reject. Of a lost device it is the state that `sync` or this brought back last.
   */
  saveStateAsync(): Promise<StateDict>;
  /** Gives its memory back and ends the backend, if that was made for it alone: what `using` calls, by a name that every engine has. */
  dispose(): void;
}

/** What a load did, by the keys of the state. */
export interface LoadReport {
  /** Taken in. */
  readonly taken: readonly string[];
  /** In the state and for nobody here: with `partial`, and tensors of element types that no state has (int64), which are ignored always. */
  readonly ignored: readonly string[];
  /** Not in the state, so that they keep what they had: with `partial` alone. */
  readonly missing: readonly string[];
}

/**
 * Named tensors and string metadata. Keys: `w`, `w.<slot key>`, `w.step` (float64, shape `[]`); group slots `group.<i>.<key>`.
 *
 * Metadata: `format`, `optimizer` (the algorithm's name), `steps`, `schedule.<option>`, the JSON of a metric schedule's `state`,
 * `group.<i>.schedule.<option>` of a group's own, and
 * `group.<i>.step` where the algorithm counts a group's steps. A state without metadata can be loaded, too.
 *
 * Of a trainer also: `accumulate.<key>`, what its accumulator has gathered, with the metadata `accumulate`; and `recipe`, the recipe's JSON.
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

/** A training set-up as JSON. A closed world: an unknown key anywhere is a TypeError. */
export interface Recipe {
  /** The algorithm. */
  readonly optimizer: { readonly name: string; readonly options?: object };
  /** Groups, as in {@linkcode Settings}. */
  readonly groups?: readonly {
    readonly match: string | readonly string[] | { readonly glob: string } | { readonly maxRank: number };
    readonly options?: object;
    readonly optimizer?: string;
    readonly scale?: Readonly<Record<string, number>>;
    readonly schedules?: Recipe["schedules"];
  }[];
  /** Schedules by option. */
  readonly schedules?: Readonly<Record<string, { readonly name: string; readonly options?: object }>>;
  /** Accumulation over micro-batches. `mean` and `sum` need `every`, the micro-batches of a step; null: only `flush` steps. */
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
   * Adds one micro-batch; true when a step was taken. (A step that a transform held back was not: what was gathered for it is gone, as with PyTorch's
   * GradScaler and `zero_grad`.) The weight (default 1) is what the gradients are a mean over, in any unit that all micro-batches
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
  /**
   * The optimizer's state, what the accumulator has gathered since the last step, and in `metadata.recipe` the recipe as JSON. A trainer of the same
   * recipe that loads it goes on bit for bit, also in the middle of a window. TypeError for an accumulator that has gathered something and cannot save it.
   */
  saveState(): StateDict;
  /** The same as {@linkcode Trainer.saveState}, on any backend; errors reject. */
  saveStateAsync(): Promise<StateDict>;
  /**
   * Takes a trainer's state, or an optimizer's: then nothing is gathered. Checks, errors and `partial` are those of {@linkcode Optimizer.loadState}. What
   * was gathered is taken as a whole, by an accumulator of the same name; with `partial` it is ignored where that cannot be.
   *
   * The recipe need not be the saved one: another lr or another horizon holds from here on. `differences` of the two says in words what is another.
   */
  loadState(state: StateDict, options?: { readonly partial?: boolean }): LoadReport;
  /** Ends the optimizer, and gives back what was gathered: what `using` calls, by a name that every engine has. */
  dispose(): void;
}
