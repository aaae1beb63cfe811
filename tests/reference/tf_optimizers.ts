/**
 * TensorFlow's optimizers: named variables without groups, the learning rate a number or a schedule, one step count for all.
 *
 * @module
 */
import type { Grads, Optimizer, Recipe, Settings, Tensor } from "../../core/types.ts";
import { type Fault, near, stateBound, type Values, withinReference } from "./compare.ts";
import { type Context, missing, optimizerPlugin } from "./context.ts";
import type { BankTensor, Case, Json, JsonObject, Numbers } from "./golden.ts";
import { optimizerName, scheduleName } from "./items.ts";
import { camelKeys, translate } from "./options.ts";
import { startOf, valuesOf } from "./optimizers.ts";
import { lrAt } from "./schedules.ts";
import { isSpec, singleFault, unsupportedSpec, useOf } from "./tf_schedules.ts";

/** The form of `args`. */
interface Args {
  readonly bank: string;
  readonly variables: readonly string[];
  readonly options: JsonObject;
  readonly steps: number;
  readonly learning_rate_set_before_step?: Readonly<Record<string, number>>;
  readonly sparse?: {
    readonly variable: string;
    readonly per_step: readonly { readonly indices: readonly number[]; readonly values: { readonly data: Numbers } }[];
  };
}

/** An optimizer whose learning rate can be set. */
type WithLr = Optimizer<{ lr: number }>;

/** The names that Keras' slots may have in a checkpoint. */
const SLOTS: Readonly<Record<string, readonly string[]>> = {
  m: ["m", "exp_avg"],
  v: ["v", "exp_avg_sq"],
  vhat: ["vhat", "max_exp_avg_sq"],
  accumulator: ["accumulator"],
  linear: ["linear"],
};

/** TensorFlow flushes subnormal numbers to 0, at each step again; less than this many smallest normal numbers remain of that in a moment. */
const FLUSHED = 16 * 2 ** -126;

/** The learning rate as TensorFlow takes it; the old word wins. */
function lrOf(options: JsonObject): Json | undefined {
  return options.lr ?? options.learning_rate;
}

/** Why the case cannot run, if so. */
export function unsupportedTfOptimizer(context: Context, entry: Case): string | undefined {
  const { options } = entry.args as unknown as Args;
  if (entry.item === "create_optimizer") return unsupportedCreateOptimizer(context);
  const absent = missing(context, "optimizer", optimizerName(entry));
  if (absent !== undefined) return absent;
  const { unknown } = translate(optimizerPlugin(context, optimizerName(entry))!, options);
  if (unknown.length > 0) return `optimizer "${optimizerName(entry)}" has no option for ${unknown.join(", ")}`;
  const lr = lrOf(options);
  return isSpec(lr) ? unsupportedSpec(context, lr!) : undefined;
}

/** Why `create_optimizer` cannot run, if so. */
export function unsupportedCreateOptimizer(context: Context): string | undefined {
  if (context.createTfOptimizer === undefined) return "createTfOptimizer is not there";
}

/** The optimizer of a case, over these parameters. */
export function makeTfOptimizer(
  context: Context,
  entry: Pick<Case, "system" | "item">,
  params: Readonly<Record<string, Tensor>>,
  given: JsonObject,
): WithLr {
  if (entry.item === "create_optimizer") return context.createTfOptimizer!(params, camelKeys(given)) as WithLr;
  const { learning_rate: _, lr: __, ...rest } = given;
  const lr = lrOf(given);
  const plugin = optimizerPlugin(context, optimizerName(entry))!;
  const { options } = translate(plugin, lr === undefined || isSpec(lr) ? rest : { ...rest, learning_rate: lr });
  const settings: Settings<unknown> = isSpec(lr) ? { schedules: { lr: useOf(lr!) } } : {};
  return context.registry.createOptimizer(plugin.name, params, options, settings) as WithLr;
}

/** Gradients of step t, from 1. */
function gradsOf({ variables, sparse }: Args, bank: Readonly<Record<string, BankTensor>>, t: number): Grads {
  return Object.fromEntries(variables.map((name) => {
    if (sparse?.variable === name) {
      const { indices, values } = sparse.per_step[t - 1];
      return [name, { indices: Int32Array.from(indices), values: Float32Array.from(values.data, Number) }];
    }
    const grad = bank[name].grads[t - 1];
    return [name, grad && { data: Float32Array.from(grad, Number), shape: bank[name].shape }];
  }));
}

/** Runs the case; says what differs from the reference. */
export function runTfOptimizer(context: Context, entry: Case): Fault {
  const args = entry.args as unknown as Args;
  const bank = context.golden.bank(args.bank);
  const want = context.golden.want(entry);
  const params = startOf(bank, args.variables, "float32");
  using optimizer = makeTfOptimizer(context, entry, params, args.options);
  const snapshots = new Map<string, Values>();
  const lrs: number[] = [];
  for (let t = 1; t <= args.steps; t++) {
    const lr = args.learning_rate_set_before_step?.[t];
    if (lr !== undefined) optimizer.options.lr = lr;
    lrs.push(optimizer.groups[0].current.lr);
    optimizer.step(gradsOf(args, bank, t));
    if (Object.hasOwn(want.params as JsonObject, t)) snapshots.set(String(t), valuesOf(params));
  }
  if (optimizer.steps !== want.iterations) return `${optimizer.steps} steps instead of ${want.iterations}`;
  for (const [step, got] of snapshots) {
    const fault = withinReference(entry, step, got, want);
    if (fault !== undefined) return fault;
  }
  // Keras' decay divides the lr inside the optimizer; what the data hold is the quotient.
  const lrFault = args.options.decay === undefined ? singleFault(lrs, want.lr as Numbers, 0) : undefined;
  return lrFault ?? stateFault(entry, optimizer, want);
}

/** The slots at the end. */
function stateFault(entry: Case, optimizer: Optimizer, want: JsonObject): Fault {
  const { tensors } = optimizer.saveState();
  for (const [name, slots] of Object.entries(want.state as unknown as Record<string, Record<string, { readonly data: Numbers }>>)) {
    for (const [key, { data }] of Object.entries(slots)) {
      const saved = SLOTS[key].map((known) => tensors[`${name}.${known}`]).find((tensor) => tensor !== undefined);
      if (saved === undefined) return `state has no ${name}.${key}: known are ${Object.keys(tensors).join(", ")}`;
      const fault = near({ [key]: saved.data }, { [key]: data }, stateBound(entry), `state of ${name}`, FLUSHED);
      if (fault !== undefined) return fault;
    }
  }
}

/** The learning rates of `create_optimizer`'s schedule, step by step. */
export function runCreateOptimizerSchedule(context: Context, entry: Case): Fault {
  const kwargs = entry.args.kwargs as JsonObject;
  const want = context.golden.want(entry) as unknown as { lrs: Numbers; schedule_class: string; optimizer_class: string };
  const recipe = context.keras!.tfRecipe(camelKeys(kwargs));
  const { name, options } = recipe.schedules!.lr;
  const schedule = context.registry.createSchedule(name, options);
  return singleFault(want.lrs.map((_, step) => lrAt(schedule, step, 1)), want.lrs, kwargs.init_lr as number) ?? choiceFault(recipe, want);
}

/** Which classes create_optimizer picked. */
export function choiceFault(
  { optimizer, schedules }: Recipe,
  want: { readonly schedule_class: string; readonly optimizer_class: string },
): Fault {
  const name = want.optimizer_class === "Adam" ? "adam_keras" : "adam_weight_decay";
  if (optimizer.name !== name) return `optimizer "${optimizer.name}" instead of "${name}"`;
  const schedule = scheduleName(want.schedule_class);
  if (schedules?.lr.name !== schedule) return `schedule "${schedules?.lr.name}" instead of "${schedule}"`;
}

/** Which variables a rate and two lists of patterns decay: with a zero gradient only decay moves a parameter. */
export function runDecayedNames(context: Context, entry: Case): Fault {
  const names = entry.args.names as readonly string[];
  const { rows } = context.golden.want(entry) as unknown as {
    rows: readonly {
      readonly include: readonly string[] | null;
      readonly exclude: readonly string[] | null;
      readonly weight_decay_rate: number;
      readonly decayed: readonly boolean[];
    }[];
  };
  for (const { include, exclude, weight_decay_rate, decayed } of rows) {
    const given = { weight_decay_rate, include_in_weight_decay: include, exclude_from_weight_decay: exclude };
    const moved = movedNames(context, entry, names, given);
    for (const [i, name] of names.entries()) {
      if (moved.includes(name) !== decayed[i]) {
        return `"${name}" is ${decayed[i] ? "not " : ""}decayed with include ${JSON.stringify(include)}, exclude ${
          JSON.stringify(exclude)
        }`;
      }
    }
  }
}

/** The names that a step with a zero gradient moves. */
function movedNames(context: Context, { system }: Case, names: readonly string[], given: JsonObject): string[] {
  const params = Object.fromEntries(names.filter((name) => name !== "").map((name) => [name, { data: Float32Array.of(1), shape: [1] }]));
  using optimizer = makeTfOptimizer(context, { system, item: "AdamWeightDecay" }, params, given);
  optimizer.step(Object.fromEntries(Object.keys(params).map((name) => [name, Float32Array.of(0)])));
  return names.filter((name) => name === "" ? decaysNameless(context, optimizer) : params[name].data[0] !== 1);
}

/** No parameter can have the empty name, which TensorFlow has: the rule is asked for its text. */
function decaysNameless(context: Context, optimizer: Optimizer): boolean {
  const plugin = optimizerPlugin(context, optimizer.name)!;
  const textOf = (options: object): string => JSON.stringify(plugin.rule(options, { name: "", shape: [1], dtype: "float32" }).update);
  return textOf(optimizer.options as object) !== textOf({ ...optimizer.options as object, weightDecayRate: 0 });
}
