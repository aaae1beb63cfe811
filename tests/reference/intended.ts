/**
 * Where we differ from the references on purpose: table D of the semantics, the rule that NaN options are refused, and what exists in Python alone.
 * A row fits by system, item and arguments, and says what happens here instead, which is checked.
 *
 * @module
 */
import { exact, type Fault, near, sameLr } from "./compare.ts";
import { type Context, optimizerPlugin } from "./context.ts";
import { runAccepted } from "./error_cases.ts";
import { thrownBy } from "./errors.ts";
import type { Case, Json, JsonObject, Numbers } from "./golden.ts";
import { optimizerName } from "./items.ts";
import { camelKeys, translateAll } from "./options.ts";
import { runConfigInstead } from "./configs.ts";
import { runScriptByRule } from "./accumulators.ts";
import { runMechanicsInstead } from "./mechanics.ts";
import { runReadingsInstead } from "./readings.ts";
import { runHandedOver } from "./state_dicts.ts";
import { lrAt, makeSchedule, runSchedule } from "./schedules.ts";

/** One difference. */
export interface Intended {
  /** Its name in table D, or `NaN`, or `Python`. */
  readonly difference: string;
  readonly system: RegExp;
  readonly item: RegExp;
  /** Whether these arguments, with these results, are what the row is about. */
  when(args: JsonObject, want: JsonObject): boolean;
  readonly reason: string;
  /** What differs from what is to happen instead, if anything; absent where there is nothing to do. */
  instead?(context: Context, entry: Case): Fault;
}

const PAGE = /^transformers-4\.37\.2/;
const TORCH_SIDE = /^transformers-4\.37\.2\/torch/;
const TF_SIDE = /^transformers-4\.37\.2\/tensorflow/;

function kwargsOf(args: JsonObject): JsonObject {
  return args.kwargs as JsonObject | undefined ?? {};
}

function specificOf(args: JsonObject): JsonObject | undefined {
  return kwargsOf(args).scheduler_specific_kwargs as JsonObject | undefined;
}

/** Steps of the cosine wave in a chain; infinite where there is none. */
function waveOf(args: JsonObject): number {
  const { schedulers } = kwargsOf(args) as unknown as { readonly schedulers: readonly { readonly kwargs: { readonly T_max?: number } }[] };
  return Math.min(...schedulers.map(({ kwargs: { T_max = Infinity } }) => T_max));
}

/** Whether a schedule with these arguments divides by 0 at some step, or takes the root of what is below. */
function dividesByZero(args: JsonObject): boolean {
  const { num_warmup_steps, num_training_steps, power, timescale } = { ...kwargsOf(args), ...specificOf(args) };
  if (typeof timescale === "number") return timescale <= 0;
  if (args.name !== undefined && args.name !== "polynomial") return false;
  return typeof num_training_steps === "number" && num_warmup_steps === num_training_steps || typeof power === "number" && power < 0;
}

/** Whether the reference's arithmetic fails at some step; it may have been asked for too few steps to get there. */
function failsOnTheWay({ error = null }: JsonObject): boolean {
  if (error === null) return true;
  const { type, message } = error as Record<"type" | "message", string>;
  return type === "ZeroDivisionError" || type === "ValueError" && message === "math domain error";
}

/** What is to be refused. */
function refused(wanted: ErrorConstructor | RangeErrorConstructor | TypeErrorConstructor, action: () => void): Fault {
  const thrown = thrownBy(action);
  if (!(thrown instanceof wanted)) return `threw ${thrown}, not a ${wanted.name}`;
}

/** The schedule that a case of either form asks for. */
function scheduleOf(context: Context, { item, args }: Case, kwargs: JsonObject = kwargsOf(args)): ReturnType<typeof makeSchedule> {
  const lrs = args.optimizer === undefined
    ? (args.lrs as number[] | undefined) ?? [args.lr as number | undefined ?? 1]
    : (args.optimizer as unknown as { groups: { lr: number }[] }).groups.map(({ lr }) => lr);
  return makeSchedule(context, item, args.name, kwargs, { value: lrs[0], groups: lrs });
}

function hasNaN(value: Json | undefined): boolean {
  if (typeof value === "number") return Number.isNaN(value);
  return typeof value === "object" && value !== null && Object.values(value).some(hasNaN);
}

/** The table. */
export const INTENDED: readonly Intended[] = [
  {
    difference: "NaN",
    system: PAGE,
    item: /^(AdamW|Adafactor|AdamWeightDecay)$/,
    when: (args, want) => hasNaN(args.options) && want.error === null,
    reason: "NaN options are refused; 4.37.2 accepts them",
    instead: (context, entry) => {
      const plugin = optimizerPlugin(context, optimizerName(entry))!;
      const options = translateAll(plugin, entry.args.options as JsonObject);
      return refused(
        RangeError,
        () => context.registry.createOptimizer(plugin.name, { p: new Float32Array(1) }, options)[Symbol.dispose](),
      );
    },
  },
  {
    difference: "Python",
    system: TORCH_SIDE,
    item: /^(AdamW|Adafactor)$/,
    when: ({ params }) => params === "a tensor instead of a list" || params === "a tensor that is the result of an operation",
    reason: "parameters are named arrays: there is neither a bare tensor nor a graph that it comes from",
  },
  {
    difference: "Python",
    system: TORCH_SIDE,
    item: /^AdamW$/,
    when: (_, want) => want.warnings !== undefined,
    reason: "a FutureWarning of a class that is to go; adamw stays",
  },
  {
    difference: "Python",
    system: TORCH_SIDE,
    item: /^(AdamW|Adafactor)$/,
    when: (_, want) => want.resumed_params_at_6 !== undefined,
    reason:
      "PyTorch's load_state_dict shares the dictionary's tensors, so that the moments written down are those of step 6: here a dictionary is a copy",
    instead: runHandedOver,
  },
  {
    difference: "D1",
    system: TORCH_SIDE,
    item: /^(AdamW|Adafactor)$/,
    when: ({ closure }) => closure !== undefined,
    reason: "there are no closures: the caller computes its gradients, then steps",
    instead: twoSteps,
  },
  {
    difference: "D4",
    system: TORCH_SIDE,
    item: /^(AdafactorSchedule|get_adafactor_schedule)$/,
    when: ({ options }) => (options as JsonObject | undefined)?.relative_step === false,
    reason: "readings() only read: an external lr is not overwritten",
    instead: runReadingsInstead,
  },
  {
    difference: "D5",
    system: TORCH_SIDE,
    item: /^AdafactorSchedule$/,
    when: ({ no_grad }) => Array.isArray(no_grad) && no_grad.length > 0,
    reason: "a group whose first tensor has no gradient has no reading of its own and leaves the others' in their place",
    instead: runReadingsInstead,
  },
  {
    difference: "D5",
    system: TORCH_SIDE,
    item: /^AdafactorSchedule$/,
    when: ({ call }) => typeof call === "string",
    reason: "readings() before the first step are no error",
    instead: (context) => {
      using optimizer = context.registry.createOptimizer("adafactor", { p: new Float32Array(6) });
      if (optimizer.readings().length !== 1) return `${optimizer.readings().length} readings instead of one`;
    },
  },
  {
    difference: "D4",
    system: TORCH_SIDE,
    item: /^AdafactorSchedule$/,
    when: ({ optimizer }) => typeof optimizer === "string",
    reason: "readings() are the optimizer's own: null where its algorithm has none",
    instead: (context) => {
      using optimizer = context.registry.createOptimizer("adamw", { p: new Float32Array(6) });
      if (optimizer.readings()[0] !== null) return `reading ${optimizer.readings()[0]} instead of null`;
    },
  },
  {
    difference: "D7",
    system: PAGE,
    item: /^(get_polynomial_decay_schedule_with_warmup|get_inverse_sqrt_schedule|get_scheduler)$/,
    when: (args, want) => failsOnTheWay(want) && dividesByZero(args),
    reason: "a schedule that is bound to divide by 0 is refused when it is made, not in the middle of the run",
    instead: (context, entry) => refused(RangeError, () => scheduleOf(context, entry)),
  },
  {
    difference: "D7",
    system: PAGE,
    item: /^(get_inverse_sqrt_schedule|get_scheduler)$/,
    when: (args, want) => {
      const { num_warmup_steps, timescale = null } = kwargsOf(args);
      return num_warmup_steps === 0 && timescale === null && (want.error as JsonObject | undefined)?.type === "ZeroDivisionError";
    },
    reason: "inverse_sqrt without warmup and timescale has the timescale 10,000, as in transformers 5",
    instead: (context, entry) => {
      const schedule = scheduleOf(context, entry);
      for (const step of [0, 30_000]) {
        const wanted = 1 / Math.sqrt((step + 10_000) / 10_000);
        if (!sameLr(lrAt(schedule, step, 1), wanted, 1)) return `factor ${lrAt(schedule, step, 1)} at step ${step} instead of ${wanted}`;
      }
    },
  },
  {
    difference: "torch",
    system: /^torch-/,
    item: /\.ChainedScheduler$/,
    when: (args) => waveOf(args) < (args.steps as number),
    reason:
      "behind T_max torch's CosineAnnealingLR begins again from the optimizer's own value, whatever the others of the chain have made of it",
    instead: (context, entry) => runSchedule(context, { ...entry, args: { ...entry.args, steps: waveOf(entry.args) } }),
  },
  {
    difference: "D10",
    system: PAGE,
    item: /^get_scheduler$/,
    when: (args) => args.name === "inverse_sqrt" && specificOf(args)?.timescale !== undefined,
    reason: "get_scheduler passes a timescale on to inverse_sqrt; 4.37.2 drops it",
    instead: (context, entry) => {
      const { num_warmup_steps } = kwargsOf(entry.args);
      const direct = context.registry.createSchedule("inverse_sqrt", {
        numWarmupSteps: num_warmup_steps,
        ...camelKeys(specificOf(entry.args)!),
      });
      const schedule = scheduleOf(context, entry);
      for (let step = 0; step <= (entry.args.steps as number); step++) {
        if (lrAt(schedule, step, 1) !== lrAt(direct, step, 1)) {
          return `factor ${lrAt(schedule, step, 1)} at step ${step} instead of ${lrAt(direct, step, 1)}`;
        }
      }
    },
  },
  {
    difference: "D10",
    system: PAGE,
    item: /^get_scheduler$/,
    when: (args, want) =>
      ["constant", "constant_with_warmup", "inverse_sqrt"].includes(args.name as string) && specificOf(args) !== undefined &&
      (want.error ?? null) === null,
    reason: "get_scheduler refuses options that the schedule does not have; 4.37.2 drops them for some names",
    instead: (context, entry) => refused(TypeError, () => scheduleOf(context, entry)),
  },
  {
    difference: "D11",
    system: PAGE,
    item: /^get_/,
    when: (args, want) =>
      (kwargsOf(args).last_epoch ?? specificOf(args)?.last_epoch) !== undefined &&
      (want.error as JsonObject | undefined)?.type === "KeyError",
    reason: "a schedule is a function of the step: resuming needs no initial_lr, and there is no last_epoch",
    instead: (context, entry) => {
      if (refused(TypeError, () => scheduleOf(context, entry)) !== undefined) return "last_epoch is taken for an option";
      const { last_epoch = specificOf(entry.args)?.last_epoch, scheduler_specific_kwargs: _, ...kwargs } = kwargsOf(entry.args);
      const lr = lrAt(scheduleOf(context, entry, kwargs), last_epoch as number + 1, 1);
      if (!Number.isFinite(lr)) return `factor ${lr} at step ${last_epoch as number + 1}`;
    },
  },
  {
    difference: "Python",
    system: PAGE,
    item: /^get_reduce_on_plateau_schedule$/,
    when: ({ call }) => call === "get_last_lr()",
    reason: "the attribute _last_lr is missing before the first metric; factors() are 1 then",
    instead: (context, entry) => {
      const schedule = scheduleOf(context, entry);
      if (typeof schedule === "function" || schedule.factors()[0] !== 1) return "the first factor is not 1";
    },
  },
  {
    difference: "D11",
    system: PAGE,
    item: /^LambdaLR$/,
    when: ({ order }) => order === "optimizer_first",
    reason: "the lr after a hand-over is that of the step, whatever is loaded first",
    instead: runMechanicsInstead,
  },
  {
    difference: "D12",
    system: PAGE,
    item: /^LambdaLR$/,
    when: ({ added_lr }) => added_lr !== undefined,
    reason: "a schedule covers every group",
    instead: runMechanicsInstead,
  },
  {
    difference: "Python",
    system: PAGE,
    item: /^LambdaLR$/,
    when: (_, want) => want.scheduler_state_dict !== undefined && want.lrs === undefined,
    reason: "the attributes of a scheduler object; a function of the step has nothing to save",
    instead: runMechanicsInstead,
  },
  {
    difference: "D14",
    system: TF_SIDE,
    item: /^(AdamWeightDecay\.get_config|create_optimizer)$/,
    when: ({ options, kwargs }, want) => {
      const { include_in_weight_decay, exclude_from_weight_decay } = options as JsonObject | undefined ?? {};
      return (include_in_weight_decay ?? exclude_from_weight_decay) !== undefined || kwargs !== undefined && Array.isArray(want.exclude);
    },
    reason: "a configuration keeps the include and exclude lists",
    instead: runConfigInstead,
  },
  {
    difference: "D15",
    system: TF_SIDE,
    item: /^GradientAccumulator$/,
    when: ({ script }) => Array.isArray(script) && isLossy(script as unknown as Script),
    reason: "a late gradient counts, a wrong shape changes nothing, an empty list is an error",
    instead: runScriptByRule,
  },
  {
    difference: "Python",
    system: TF_SIDE,
    item: /^GradientAccumulator$/,
    when: ({ script }) => Array.isArray(script) && hasOtherCount(script as unknown as Script),
    reason: "tensors have names: a call may leave some of them out",
    instead: runScriptByRule,
  },
  {
    difference: "Python",
    system: TF_SIDE,
    item: /^AdamWeightDecay$/,
    when: ({ dtype }) => typeof dtype === "string" && dtype !== "float32",
    reason: "TensorFlow's rate is a float32 constant that other dtypes do not multiply; numbers have no dtype here",
    instead: runAccepted,
  },
  {
    difference: "Python",
    system: TORCH_SIDE,
    item: /^(AdamW|Adafactor)$/,
    when: ({ grad }) => grad === "sparse",
    reason: "a sparse tensor is a class of PyTorch's; here rows are added up before a rule sees them, so every rule takes them",
    instead: sparseAsDense,
  },
  {
    difference: "Python",
    system: TF_SIDE,
    item: /^AdamWeightDecay$/,
    when: ({ options }) => (options as JsonObject | undefined)?.lr as number < 0,
    reason: "two words for the learning rate, of which Keras checks one; there is one word here, unchecked as learning_rate is",
    instead: runAccepted,
  },
  {
    difference: "Python",
    system: TF_SIDE,
    item: /^AdamWeightDecay$/,
    when: ({ grads }) => Array.isArray(grads),
    reason: "a step without gradients leaves every tensor as it is",
    instead: runAccepted,
  },
  {
    difference: "Python",
    system: TF_SIDE,
    item: /^AdamWeightDecay\._do_use_weight_decay$/,
    when: (_, want) =>
      (want.rows as unknown as { exclude: string[] | null }[]).some(({ exclude }) =>
        exclude?.some((pattern) => /\(\?[iP]|\\[AZ]/.test(pattern)) === true
      ),
    reason: "syntax of regular expressions that JavaScript lacks",
    instead: (context, entry) => {
      for (const { exclude } of context.golden.want(entry).rows as unknown as { exclude: string[] }[]) {
        const options = { weightDecayRate: 0.01, excludeFromWeightDecay: exclude };
        const make = (): void =>
          context.registry.createOptimizer("adam_weight_decay", { p: new Float32Array(1) }, options)[Symbol.dispose]();
        const fault = refused(RangeError, make);
        if (fault !== undefined) return `${exclude}: ${fault}`;
      }
    },
  },
];

/** A script of GradientAccumulator's calls; only `call` has gradients. */
type Script = readonly (readonly [call: string, grads?: readonly (JsonObject | null)[]])[];

/** Whether 4.37.2 loses something: a gradient after a None, a step of an empty first call, what was added before a wrong shape. */
function isLossy(script: Script): boolean {
  const [first = [], ...later] = script.filter(([call]) => call === "call").map(([, grads]) => grads!);
  const isOther = (grad: JsonObject | null, i: number): boolean =>
    grad !== null && JSON.stringify(grad.shape) !== JSON.stringify(first[i]?.shape);
  return later.some((grads) =>
    grads.length > 0 && first.length === 0 ||
    grads.length === first.length && grads.some((grad, i) => isOther(grad, i) && (i > 0 || first[i] === null))
  );
}

/** Whether a call has another number of gradients than the first. */
function hasOtherCount(script: Script): boolean {
  const [first, ...later] = script.filter(([call]) => call === "call").map(([, grads]) => grads!.length);
  return later.some((count) => count !== first);
}

/** Rows with their indices, one of them twice, step as their dense sum does. */
function sparseAsDense(context: Context, { item }: Case): Fault {
  const [sparse, dense] = [0, 1].map(() => ({ data: new Float32Array(6).fill(1), shape: [3, 2] }));
  for (
    const [p, grad] of [
      [sparse, { indices: Int32Array.of(2, 0, 2), values: Float32Array.of(1, 2, 3, 4, 5, 6) }],
      [dense, { data: Float32Array.of(3, 4, 0, 0, 6, 8), shape: [3, 2] }],
    ] as const
  ) {
    using optimizer = context.registry.createOptimizer(item.toLowerCase(), { p });
    optimizer.step({ p: grad });
  }
  return exact({ p: sparse.data }, { p: Array.from(dense.data) }, "a sparse step");
}

/** Two steps with the gradient that the closure sets. */
function twoSteps(context: Context, entry: Case): Fault {
  const { shape, fill } = entry.args.params as unknown as { shape: readonly number[]; fill: number };
  const size = shape.reduce((product, length) => product * length, 1);
  const gradient = /sets every gradient to (\S+)/.exec(entry.args.closure as string);
  if (gradient === null) return `cannot read "${entry.args.closure}"`;
  const p = { data: new Float32Array(size).fill(fill), shape };
  const adamw = entry.item === "AdamW";
  // The lr is the generating script's; the arguments do not have it.
  using optimizer = context.registry.createOptimizer(adamw ? "adamw" : "adafactor", { p }, adamw ? { lr: 0.1 } : {});
  for (let step = 0; step < 2; step++) optimizer.step({ p: { data: new Float32Array(size).fill(Number(gradient[1])), shape } });
  return near({ data: p.data }, { data: context.golden.want(entry).params as Numbers }, 1e-6, "two steps");
}
