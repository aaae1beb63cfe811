/**
 * The four kinds of plugin, and what they take and make. A plugin is a plain object; importing these types costs nothing at run time.
 *
 * @module
 */
import type { Backend, DeviceTensor, DType, Scalars, Tensor, TensorLike, Tensors } from "../../kernels/types.ts";

export type { Backend, DeviceTensor, DType, Scalars, Tensor, TensorLike, Tensors } from "../../kernels/types.ts";

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
 * the parameter's. Backend `"webgpu"` takes tensors on its device too.
 */
export type Grads = Readonly<Record<string, TensorLike | Sparse | readonly number[] | Float64Array | DeviceTensor | null>>;

/** A plugin in use: its name in the registry, or the plugin itself, with options. */
export interface Use {
  /** Registered name, or a plugin object. */
  readonly name: string | Plugin;
  /** Options; what is missing takes the plugin's default. */
  readonly options?: object;
}

/** A pure function of the number of applied updates, from 0. */
export interface Schedule {
  /**
   * The value at `step`, for the group of this index, default 0: most schedules give all groups the same. Those that do not have two parameters, without
   * a default, so that it can be told: of the others pictures and the service ask once for all groups.
   */
  (step: number, group?: number): number;
  /** `"factor"` (default): times the option's base value; `"value"`: instead of it. */
  readonly returns?: "factor" | "value";
  /**
   * True where groups may get different values, false where all get the same. A plugin says it of every schedule that it makes and that returns values, as
   * the built-in ones do. Left out, the second parameter tells, and of a schedule of values its first steps, which an optimizer then has to try.
   */
  readonly perGroup?: boolean;
  /**
   * What its values do from `from` to `to`, in stretches whose first steps ascend; the first one begins at `from` or before. It lets `facts` sum values
   * over any number of steps: of a schedule without it each step is asked. The law of a stretch is a promise about all its steps.
   */
  stretches?(from: number, to: number, group?: number): Iterable<Stretch>;
}

/**
 * What a schedule's values do over some steps, from `from`, which need not be whole, up to the next stretch: stay, go straight, go in a wave
 * `about + height * cos(phase + angle * (step - from))`, approach `about` with a distance that each step multiplies by `ratio` (from 0), go smoothly, or
 * anything. The numbers are of what the schedule gives: factors, or values.
 */
export type Stretch =
  & { readonly from: number }
  & (
    | { readonly law: "constant" | "linear" | "smooth" | "any" }
    | { readonly law: "geometric"; readonly about: number; readonly ratio: number }
    | { readonly law: "wave"; readonly about: number; readonly height: number; readonly phase: number; readonly angle: number }
  );

/** A schedule that follows a metric, as plateau's. */
export interface MetricSchedule {
  /**
   * Takes the newest metric; `step`, the number of applied updates, is for compositions, which give it to the schedule whose turn the last of them was.
   * Optimizers say it.
   */
  update(metric: number, step?: number): void;
  /** A factor per group; `step`, the number of applied updates, is for what a schedule of the step is composed with. */
  factors(step?: number): readonly number[];
  /** What it goes on from, as JSON holds it: read when a state is saved, and assigned when one is loaded. */
  state?: unknown;
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
  /**
   * What it goes on from, in copies. An accumulator without `saveState` and `loadState` works; a trainer that it gathers for can only be saved when
   * nothing is gathered, just after a step.
   */
  saveState?(): AccumulatorState;
  /**
   * Takes what one of the same plugin saved, in place of all that it has. The state comes from outside: an error, which says all that is wrong, leaves
   * everything as it was.
   */
  loadState?(state: AccumulatorState): void;
}

/** What an accumulator goes on from. */
export interface AccumulatorState {
  /** Calls since the last reset. */
  readonly count: number;
  /** Weight since the last reset. */
  readonly weight: number;
  /** Tensors under keys of its own; what is one for each parameter, under the parameter's name. */
  readonly tensors: Readonly<Record<string, Tensor>>;
  /** Anything else, as JSON holds it. */
  readonly more?: unknown;
}

/**
 * One number per what, or dimensions: those of one of the matrices that the tensor's rows and columns make, as `[rows, rows]`, or `[rows]`. Before them
 * stands the batch where there is one. `[size]` is the tensor, flat. Of a square tensor `[rows]` is `"row"`: vectors are better called by name.
 */
export type SlotShape = "param" | "row" | "col" | "batch" | "scalar" | "group" | readonly number[];

/** Memory that a rule keeps between steps. */
export interface Slot {
  /** One number per what. */
  readonly shape: SlotShape;
  /** Name in checkpoints; null: scratch, which is not saved. Each tensor has its own, since a pass runs over all tensors at once. */
  readonly key: string | null;
  /** A number, or a copy of the parameter; default 0. */
  readonly init?: number | "p";
  /** Element type, default float32; `"param"`: the parameter's. Scalar and group slots are float64. */
  readonly dtype?: DType | "param";
  /** Written by the caller, like a gradient (Sophia's Hessian). */
  readonly input?: true;
}

/** The tensor that a rule is asked for. */
export interface TensorInfo {
  /** Its name. */
  readonly name: string;
  /** Its dimensions. */
  readonly shape: readonly number[];
  /** Its element type. */
  readonly dtype: DType;
}

/** Transcendental functions with the same bits in every engine. */
export interface Maths {
  /** x to the power y. */
  pow(x: number, y: number): number;
  /** e to the power x. */
  exp(x: number): number;
  /** Natural logarithm. */
  log(x: number): number;
  /** Cosine of x radians. */
  cos(x: number): number;
}

/**
 * An algorithm for one tensor: its memory, and what a step does as text.
 *
 * A text has one assignment a line: `name = expression`, or `+=`, `-=`, `*=`, `/=`; `#` begins a comment. Expressions are `+ - * / ( )`, one of
 * `< <= > >= == !=` (1 where true, 0 where not, 0 on NaN), numbers, names and functions, evaluated from left to right and never regrouped.
 *
 * - Names: `p` the parameter, `g` its gradient, the slots, what `scalars` gives, `t` the step from 1, `size batch rows cols` of the tensor, and locals.
 *   A rule calls the direction of its step `u`: that is where transforms' `after` goes. `p`, `g`, slots and locals may be assigned again.
 * - Per element: `abs sqrt sign(x)`, `min max(a, b)`, `clamp(x, low, high)`, `where(condition, a, b)`, which selects, `round(x)` to the parameter's
 *   dtype, `bfloat16(x)` and `float16(x)` to these, `fma(a, b, c)`, which is a*b + c with an exact product. `min`, `max`, `clamp` spread NaN; `sign(NaN)` is NaN.
 * - Of numbers only: `pow(x, y)`, `exp log cos floor(x)`, and `a % b`, which has the sign of b.
 * - Reductions: `sum mean norm rms max(x)` of the whole tensor; with `row` or `col` before the name one number per row or column (`rowmean`); with
 *   `all` over all tensors of the optimizer that the text serves, in name order, on a line of its own: `n = allnorm(g)`; with `group` over those of
 *   each group.
 * - Of matrices, on a line of its own and of names alone: `A = matmul(X, Y)`, `XT = transpose(X)`, over each matrix of a batch. What it gives has as many
 *   rows and columns as follow, and goes with numbers and with matrices of as many. A product is summed in float32, in the order of the columns of X.
 *   Sides that agree in square tensors alone are a RangeError for others.
 *   `Q = qr(X)` is Q of X = Q R, with LAPACK's signs; X has at least as many rows as columns. `Q = eigh(X)` has the eigenvectors of a symmetric X as its
 *   columns, those of the least eigenvalues first, with signs that mean nothing. What is not finite makes all of a matrix NaN.
 *   `order = argsort(v)` of a value per row or column are the places of its numbers from the least to the greatest, counted from 0; `Y = gather(X, order)`
 *   are the columns of X in this order. Reductions along rows and columns (`colsum`) are there for these matrices, too.
 *
 * A value has a class: number, per matrix, per row, per column, or per element. Classes mix by broadcasting, and a slot takes what is not wider than
 * itself. Numbers are float64 and are rounded where they meet a tensor; per element every operation rounds to float32; reductions add in float64, in
 * an order that does not depend on threads. Assigning to `p` or a 16-bit slot rounds to its dtype at once. `explain` shows the passes over memory.
 */
export interface Rule {
  /** Memory by name. An entry that is undefined is not there, so that `slots: momentum ? { m: … } : {}` compiles; likewise below. */
  readonly slots: Readonly<Record<string, Slot | undefined>>;
  /**
   * The text: one assignment a line. Or a list of parts: one with `when`, an expression of numbers (of `scalars`, `t` and the tensor's dimensions), is left
   * out of the steps where that is 0, and costs nothing there. Parts with equal `when` go together. What one part makes for lines outside of it is kept
   * in a slot: a local has no value where its part is left out, which is a SyntaxError when the rule is read.
   */
  readonly update: string | readonly (string | { readonly when: string; readonly text: string })[];
  /** How `row` and `col` cut the tensor; default: the last two dimensions, the rest is batch. */
  readonly matrix?: readonly [batch: number, rows: number, cols: number];
  /** Further entries: `optimizer.run("ascend")`. */
  readonly also?: Readonly<Record<string, string | undefined>>;
  /** Other parameter points, never in place: `optimizer.point("eval")`. */
  readonly points?: Readonly<Record<string, string | undefined>>;
}

/** JSON Schema's names of types. */
export type JsonType = "number" | "integer" | "boolean" | "string" | "array" | "object" | "null";

/** What an option may be, in JSON Schema's words: errors, query strings, OpenAPI, sliders and docs all come from it. */
export interface OptionSpec<T> {
  /** Absent: it must be given. */
  readonly default?: T;
  /** One line for people. */
  readonly description: string;
  /** Inferred from the default where it can be. */
  readonly type?: JsonType | readonly JsonType[];
  /** `"regex"`: each text in it is a regular expression. A service runs only simple ones of strangers'. */
  readonly format?: "regex";
  /** `"schedule"`: a schedule of its own, by `{ name, options }`, or a list of such, which `create` makes with its `tools`. */
  readonly holds?: "schedule";
  /**
   * What its numbers count, where that is not said by the range: `"steps"`, places or lengths on the axis of steps; `"rate"`, values of the kind that
   * is scheduled, as a learning rate is; `"count"`, a few of something, as updates without improvement. For sliders and the like: it refuses nothing.
   */
  readonly unit?: "steps" | "rate" | "count";
  /** The only values allowed. */
  readonly enum?: readonly T[];
  /** Least value; of each element of an array. */
  readonly minimum?: number;
  /** Greatest value; of each element of an array. */
  readonly maximum?: number;
  /** Bound that is not reached. */
  readonly exclusiveMinimum?: number;
  /** Bound that is not reached. */
  readonly exclusiveMaximum?: number;
}

/** A spec for every option. */
export type Specs<Options> = { readonly [K in keyof Required<Options>]: OptionSpec<Required<Options>[K]> };

/** An optimization algorithm. */
export interface OptimizerPlugin<Name extends string = string, Options = unknown> {
  /** What it is. */
  readonly kind: "optimizer";
  /** The name in registries, unique within its kind. */
  readonly name: Name;
  /** One line for people. */
  readonly description: string;
  /** Where it is from: a paper or an implementation, as an address or a citation. Not needed where the description says it. */
  readonly source?: string;
  /** A spec for each option. */
  readonly options: Specs<Options>;
  /**
   * Whose step count `t` is; default `"tensor"`. A tensor's counts the steps in which it had a gradient, a group's those in which any tensor of the
   * group had one, the optimizer's all that were applied. (timm's groups count steps without a gradient, too: that is `"optimizer"`.)
   */
  readonly counts?: "tensor" | "group" | "optimizer";
  /** Refuses what no single range can say. */
  check?(options: Required<Options>): void;
  /** The rule for one tensor. */
  rule(options: Required<Options>, tensor: TensorInfo): Rule;
  /** The numbers of step t (from 1), in float64, once per (group, t). */
  scalars(options: Required<Options>, t: number, maths: Maths): Scalars;
  /** A number worth showing, of a group's first tensor. */
  reading?(options: Required<Options>, t: number, slots: Scalars, maths: Maths): number;
}

/** What core makes and checks for a plugin, which imports types alone. Errors name the plugin. */
export interface Tools {
  /**
   * A schedule of its own, from `{ name, options }`: names are the registry's, options are checked, what is missing has its default. Without base
   * values it is made over 1.
   */
  schedule(use: Use, base?: Base): Schedule | MetricSchedule;
  /**
   * A tensor or gradient taken from outside, checked: numbers in float64 are rounded to float32. With a place, as that of the parameter of a gradient,
   * it must fit there; without a shape of its own it has that one's, without a place `[length]`. `what` is for errors: `the gradient of "w"`.
   */
  tensor(what: string, like: unknown, place?: Pick<Required<Tensor>, "shape" | "dtype">): Required<Tensor>;
}

/** A schedule of any numeric option. */
export interface SchedulePlugin<
  Name extends string = string,
  Options = unknown,
  Made extends Schedule | MetricSchedule = Schedule | MetricSchedule,
> {
  /** What it is. */
  readonly kind: "schedule";
  /** The name in registries, unique within its kind. */
  readonly name: Name;
  /** One line for people. */
  readonly description: string;
  /** Where it is from: a paper or an implementation, as an address or a citation. Not needed where the description says it. */
  readonly source?: string;
  /**
   * What it makes: a schedule that returns factors, one that returns values, or one that follows a metric. Said here, it is known without options, and
   * core holds what `create` makes against it; left out, it is known only of a schedule that is made.
   */
  readonly returns?: "factor" | "value" | "metric";
  /** A spec for each option. */
  readonly options: Specs<Options>;
  /** Refuses what no single range can say. */
  check?(options: Required<Options>): void;
  /** The schedule over the option's base values. */
  create(options: Required<Options>, maths: Maths, base: Base, tools: Tools): Made;
  /**
   * The same schedule said more simply, or undefined where there is nothing simpler: for the normal form of descriptions. Its values must be the same to
   * the bit, at every whole step. Schedules among the options are in normal form already; `returns` says what one of them gives.
   */
  simplify?(options: Required<Options>, returns: (use: Use) => NonNullable<SchedulePlugin["returns"]>): Use | undefined;
  /**
   * What becomes of options over another number of updates, so that the curve is the same at each share of it. Options that are left out are scaled where
   * their unit is `"steps"`, as lengths from step 0, and what they hold is rebased as beginning there. It is for lengths that begin elsewhere or repeat,
   * rates of each step, and what cannot come along.
   */
  rebase?(options: Required<Options>, by: Rebasing): Partial<Options>;
}

/** What a schedule is brought to another number of updates by. */
export interface Rebasing {
  /** The new number of updates over the old one. */
  readonly ratio: number;
  /** A length that begins at `start` of the schedule's own steps, default 0, scaled. A whole one stays whole: its two ends are rounded. */
  steps(steps: number, start?: number): number;
  /** A length that repeats or that others are counted in, scaled. A whole one stays whole where that makes less than a step over the new horizon. */
  period(steps: number): number;
  /** A schedule that an option holds, rebased: at the option, or at `schedules/2` of a list, and beginning at `start` of the schedule's own steps. */
  schedule(at: string, use: unknown, start?: number): Use;
  /** Says of an option what did not come along. */
  note(option: string, message: string): void;
  /** For powers. */
  readonly maths: Maths;
}

/** A way to sum gradients. */
export interface AccumulatorPlugin<Name extends string = string, Options = unknown> {
  /** What it is. */
  readonly kind: "accumulator";
  /** The name in registries, unique within its kind. */
  readonly name: Name;
  /** One line for people. */
  readonly description: string;
  /** Where it is from: a paper or an implementation, as an address or a citation. Not needed where the description says it. */
  readonly source?: string;
  /** A spec for each option. */
  readonly options: Specs<Options>;
  /** An empty accumulator for tensors like these. */
  create(options: Required<Options>, like: Tensors, backend: Backend, tools: Tools): Accumulator;
}

/** A splice into a rule's text. */
export interface TransformPlugin<Name extends string = string, Options = unknown> {
  /** What it is. */
  readonly kind: "transform";
  /** The name in registries, unique within its kind. */
  readonly name: Name;
  /** One line for people. */
  readonly description: string;
  /** Where it is from: a paper or an implementation, as an address or a citation. Not needed where the description says it. */
  readonly source?: string;
  /** A spec for each option. */
  readonly options: Specs<Options>;
  /** Refuses what no single range can say. */
  check?(options: Required<Options>): void;
  /**
   * Memory and lines: `before` ahead of the rule, `after` behind the last line that assigns `u`, `last` at the end. A transform's group slot is one number
   * for all groups of the optimizer.
   */
  rule(options: Required<Options>, tensor: TensorInfo): Partial<Omit<Rule, "update">> & {
    readonly before?: string;
    readonly after?: string;
    readonly last?: string;
    /**
     * An expression of numbers, of the names in `before`: where it is not 0 the step is held back. Then nothing of it happens but in this transform's own
     * group slots, as `before` left them, and no step is counted by anybody: `{ applied: false, skipped: "<name>" }`. It is one number for all
     * tensors, made of sums over all of them, as in `n = allnorm(g)`, and known before anything is written, so that it takes no pass of its own.
     */
    readonly hold?: string;
  };
  /** The numbers of step t (from 1). */
  scalars?(options: Required<Options>, t: number, maths: Maths): Scalars;
  /** Numbers worth showing, of its group slots, of which the optimizer has one each: `optimizer.transforms[i].readings()`. */
  reading?(options: Required<Options>, slots: Scalars): Readonly<Record<string, number>>;
  /** Called after a step that this transform has held back, with its group slots. What it throws comes out of the step, which stays held back. */
  held?(options: Required<Options>, slots: Scalars): void;
}

/** Any plugin. */
export type Plugin = OptimizerPlugin | SchedulePlugin | AccumulatorPlugin | TransformPlugin;
