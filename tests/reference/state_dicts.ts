/**
 * PyTorch's state dictionaries: what an optimizer of ours gives is the reference's, what the reference gave is loaded and given back to the bit, and a run that was
 * handed over goes on as the reference's did.
 *
 * @module
 */
import type { FileTensor } from "../../plugins/formats/safetensors.ts";
import {
  isTensor,
  loadOptimizerStateDict,
  type OptimizerStateDict,
  optimizerStateDict,
  readScheduler,
  schedulerStateDict,
  type TorchValue,
} from "../../plugins/formats/pytorch.ts";
import type { Optimizer, Tensor } from "../../core/types.ts";
import { widen } from "./bits.ts";
import { type Fault, near, same, stateBound } from "./compare.ts";
import { type Context, missing } from "./context.ts";
import type { Case, Json, JsonObject, Numbers } from "./golden.ts";
import { optimizerName, scheduleName } from "./items.ts";
import { groupSettings, startOf, valuesOf, wanted } from "./optimizers.ts";

/** A case of an optimizer's. */
interface Args {
  readonly bank: string;
  readonly groups: readonly ({ readonly tensors: readonly string[] } & JsonObject)[];
  readonly options: JsonObject;
  readonly steps: number;
  readonly note?: string;
  /** Prose: `StepLR(step_size=2, gamma=0.5) is made, one more optimizer.step() with the same gradients, one scheduler.step()`. */
  readonly then?: string;
}

const isOptimizers = (entry: Case): boolean => entry.args.bank !== undefined;

/** Why the case cannot run, if so. */
export function unsupportedStateDict(context: Context, entry: Case): string | undefined {
  if (isOptimizers(entry)) return missing(context, "optimizer", optimizerName(entry));
  return missing(context, "schedule", scheduleName(`torch.optim.lr_scheduler.${entry.item}`));
}

/** Runs the case; says what differs from the reference. */
export function runStateDict(context: Context, entry: Case): Fault {
  const want = context.golden.want(entry);
  if (!isOptimizers(entry)) return schedulerFault(want.scheduler as JsonObject, entry.item);
  return runOptimizerDict(context, entry, want);
}

/** A case's optimizers, and its steps. */
interface Runs {
  readonly args: Args;
  readonly names: readonly string[];
  readonly bound: number;
  readonly params: Readonly<Record<string, Tensor>>;
  make(params: Readonly<Record<string, Tensor>>): Optimizer;
  step(optimizer: Optimizer, t: number): void;
  start(values?: Readonly<Record<string, Numbers>>): Record<string, Tensor>;
}

function runsOf(context: Context, entry: Case): Runs {
  const args = entry.args as unknown as Args;
  const bank = context.golden.bank(args.bank);
  const names = args.groups.flatMap(({ tensors }) => tensors);
  const { options } = wanted(context, entry, args.options);
  // Prose as the reference's scripts have it: which tensor has no gradient in which step.
  const [, absent, absentAt] = /tensor (\w+) has no gradient in step (\d+)/.exec(args.note ?? "") ?? [];
  const start: Runs["start"] = (values = {}) => {
    const params = startOf(bank, names, "float32");
    for (const [name, data] of Object.entries(values)) (params[name].data as Float32Array).set(Array.from(data, Number));
    return params;
  };
  return {
    args,
    names,
    bound: stateBound(entry),
    params: start(),
    start,
    make: (params) => context.registry.createOptimizer(optimizerName(entry), params, options, groupSettings(context, entry)),
    step(optimizer, t) {
      optimizer.step(Object.fromEntries(names.map((name) => {
        const { shape, grads } = bank[name];
        const values = name === absent && t === Number(absentAt) ? null : grads[t - 1];
        return [name, values === null ? null : { data: Float32Array.from(values, Number), shape }];
      })));
    },
  };
}

function runOptimizerDict(context: Context, entry: Case, want: JsonObject): Fault {
  const { args, names, bound, params, start, make, step } = runsOf(context, entry);
  using optimizer = make(params);
  for (let t = 1; t <= args.steps; t++) step(optimizer, t);
  if (args.then !== undefined) step(optimizer, args.steps);
  const dict = (want.optimizer ?? want.state_dict) as JsonObject;
  const scheduled = args.then !== undefined;
  const given = dictFault(optimizerStateDict(optimizer, { scheduled }), dict, bound);
  if (given !== undefined) return given;
  using other = make(start());
  const { notes } = loadOptimizerStateDict(other, decoded(dict), { names });
  if (notes.length > 0) return `is loaded with notes: ${notes}`;
  const back = dictFault(optimizerStateDict(other, { scheduled }), dict, 0);
  if (back !== undefined) return `given back: ${back}`;
  return want.scheduler === undefined ? undefined : schedulerFault(want.scheduler as JsonObject, /^\w+/.exec(args.then!)![0]);
}

/**
 * PyTorch's `load_state_dict` keeps the dictionary's own tensors, and the reference went on with them before it wrote them down: of a dictionary that was handed over at
 * step 3 it has the moments of step 6. What is replaced and not updated, counts and RMS, is that of step 3.
 */
export function runHandedOver(context: Context, entry: Case): Fault {
  const want = context.golden.want(entry) as unknown as {
    readonly state_dict: JsonObject;
    readonly params_at_3: Record<string, Numbers>;
    readonly resumed_params_at_6: Record<string, Numbers>;
  };
  const { args, names, bound, params, start, make, step } = runsOf(context, entry);
  using optimizer = make(params);
  for (let t = 1; t <= args.steps; t++) step(optimizer, t);
  const atHandover = optimizerStateDict(optimizer);
  const before = near(valuesOf(params), want.params_at_3, 1e-6, `step ${args.steps}`);
  if (before !== undefined) return before;
  for (let t = args.steps + 1; t <= 6; t++) step(optimizer, t);
  const later = optimizerStateDict(optimizer).state;
  const state = Object.fromEntries(
    Object.entries(atHandover.state).map(([position, { step, RMS, ...moments }]) => {
      const ofLater = Object.keys(moments).map((slot) => [slot, later[position][slot]] as const);
      return [position, { step, ...(RMS === undefined ? {} : { RMS }), ...Object.fromEntries(ofLater) }];
    }),
  );
  const recorded = dictFault({ ...atHandover, state }, want.state_dict, bound);
  if (recorded !== undefined) return recorded;
  const resumed = start(want.params_at_3);
  using other = make(resumed);
  loadOptimizerStateDict(other, atHandover, { names });
  for (let t = args.steps + 1; t <= 6; t++) step(other, t);
  return near(valuesOf(resumed), want.resumed_params_at_6, 1e-6, "resumed, step 6");
}

/** The same dictionary with tensors; a number of a parameter of shape [] stays one. */
function decoded(value: Json): TorchValue {
  if (value === null || typeof value !== "object") return value;
  if (Array.isArray(value)) return value.map(decoded);
  const { shape, data, dtype = "float32", bits } = value as JsonObject;
  if (!Array.isArray(shape) || !Array.isArray(data)) {
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, decoded(inner as Json)]));
  }
  const elements = Array.isArray(bits) ? Uint16Array.from(bits as number[]) : Float32Array.from(data, Number);
  return { data: elements, shape: shape as number[], dtype: dtype as FileTensor["dtype"] };
}

/** What differs between dictionaries: in the state by more than `bound` of a tensor's largest value, in the groups at all. */
function dictFault(got: OptimizerStateDict, want: JsonObject, bound: number): Fault {
  const wantState = want.state as Record<string, JsonObject>;
  const keys = (of: object): string => Object.keys(of).sort().join();
  if (keys(got.state) !== keys(wantState)) return `has states at ${keys(got.state)} instead of ${keys(wantState)}`;
  for (const [position, one] of Object.entries(wantState)) {
    if (keys(got.state[position]) !== keys(one)) return `position ${position} has ${keys(got.state[position])} instead of ${keys(one)}`;
    for (const [slot, value] of Object.entries(one)) {
      const fault = valueFault(got.state[position][slot], decoded(value), bound);
      if (fault !== undefined) return `${slot} at ${position} ${fault}`;
    }
  }
  const groups = want.param_groups as unknown as readonly JsonObject[];
  if (got.param_groups.length !== groups.length) return `has ${got.param_groups.length} groups instead of ${groups.length}`;
  for (const [i, group] of groups.entries()) {
    const fault = objectFault(got.param_groups[i], group);
    if (fault !== undefined) return `group ${i} ${fault}`;
  }
}

function valueFault(got: TorchValue, want: TorchValue, bound: number): Fault {
  if (want === null || got === null) return got === want ? undefined : `is ${got} instead of ${want}`;
  const numbers = (of: TorchValue): ArrayLike<number> =>
    isTensor(of) ? widen(of.data as Float32Array, of.dtype as "float32") : Float32Array.of(Number(of));
  if (isTensor(got) && isTensor(want) && (got.dtype !== want.dtype || got.shape.join() !== want.shape.join())) {
    return `is ${got.dtype} of [${got.shape}] instead of ${want.dtype} of [${want.shape}]`;
  }
  return near({ it: numbers(got) }, { it: Array.from(numbers(want)) }, bound, "");
}

/** The same keys and values; infinities are words in the reference's JSON. */
function objectFault(got: { readonly [key: string]: TorchValue }, want: JsonObject): Fault {
  const keys = (of: object): string => Object.keys(of).sort().join();
  if (keys(got) !== keys(want)) return `has ${keys(got)} instead of ${keys(want)}`;
  for (const [key, value] of Object.entries(want)) {
    const fault = jsonFault(got[key], value);
    if (fault !== undefined) return `${key}: ${fault}`;
  }
}

function jsonFault(got: TorchValue, want: Json): Fault {
  if (Array.isArray(want)) {
    if (!Array.isArray(got) || got.length !== want.length) return `${JSON.stringify(got)} instead of ${JSON.stringify(want)}`;
    return want.map((one: Json, i: number) => jsonFault(got[i] as TorchValue, one)).find((fault) => fault !== undefined);
  }
  if (typeof want === "object" && want !== null) return objectFault(got as { readonly [key: string]: TorchValue }, want as JsonObject);
  const number = want === "Infinity" ? Infinity : want === "-Infinity" ? -Infinity : want;
  const equal = typeof number === "number" ? typeof got === "number" && same(got, number) : got === number;
  return equal ? undefined : `${String(got)} instead of ${want}`;
}

/** A scheduler's dictionary is read as a schedule of ours, and written again with the same keys and values. */
export function schedulerFault(want: JsonObject, item: string): Fault {
  const read = readScheduler(want);
  const name = scheduleName(item.startsWith("get_") ? item : `torch.optim.lr_scheduler.${item}`);
  if (read.schedule?.name !== name) return `is read as ${read.schedule?.name} instead of ${name}`;
  return objectFault(schedulerStateDict(read), want);
}
