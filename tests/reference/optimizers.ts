/**
 * Optimizers of PyTorch's kind, `transformers` and the libraries beside it: named tensors in groups, over the gradients of a bank.
 *
 * @module
 */
import type { Grads, Optimizer, Settings, StateDict, Tensor, Use } from "../../core/types.ts";
import { widen } from "./bits.ts";
import {
  bits16,
  exact,
  type Fault,
  near,
  plain,
  sameLr,
  SCHEDULE_SINGLE,
  stateBound,
  type Values,
  within16,
  withinReference,
  withinSpread,
} from "./compare.ts";
import { type Context, missing, optimizerPlugin } from "./context.ts";
import type { BankTensor, Case, Json, JsonObject, Numbers } from "./golden.ts";
import { optimizerName } from "./items.ts";
import { camelKeys, translate } from "./options.ts";

/** The form of `args`. */
interface Args {
  readonly bank: string;
  readonly dtype: "float32" | "float64" | "bfloat16" | "float16";
  readonly steps: number;
  readonly options: JsonObject;
  readonly defaults: JsonObject;
  readonly groups: readonly ({ readonly tensors: readonly string[] } & JsonObject)[];
  /** Prose with one number: the lr of group i before step t is `number * t / (i + 1)`. */
  readonly lr_at_step?: string;
  /** Prose: the gradient is `h * (p - c)` of the bank. */
  readonly gradient?: string;
  readonly scheduler?: string;
  readonly scheduler_args?: JsonObject;
  readonly metrics?: readonly number[];
}

/** A state tensor as the reference writes it. */
type Encoded = number | string | boolean | null | {
  readonly shape: readonly number[];
  readonly data: Numbers;
  readonly dtype?: string;
  readonly bits?: Numbers;
};

/** The options of a group, or of the whole: the plugin's, and what a transform stands for. */
export interface Wanted {
  readonly options: Readonly<Record<string, Json>>;
  readonly transforms: readonly Use[];
  readonly unknown: readonly string[];
}

/** Where two libraries have an algorithm and one of them lacks an option: what it does, under the other's name. */
const OTHER_DEFAULTS: Readonly<Record<string, JsonObject>> = {
  "pytorch_optimizer Fromage": { minNorm: 0 },
};

/** References whose moments are in float32, whatever the parameter's dtype. */
const WIDE_STATE: readonly string[] = ["timm AdaBelief"];

/** Cases in which Muon iterates in bfloat16, as those libraries do; in the others it was made to iterate in the parameter's dtype. */
const iteratesInBfloat16 = ({ id }: Case): boolean => /_bf16\//.test(id);

/** `timm Lion` of `timm-1.0.31`. */
function libraryItem({ system, item }: Case): string {
  return `${system.slice(0, system.lastIndexOf("-"))} ${item}`;
}

function argsOf(entry: Case): Args {
  return entry.args as unknown as Args;
}

/** Optimizers of others that are a transform around an optimizer here, with options that say what it is anyway. */
const WRAPPED: Readonly<Record<string, { readonly transform: Use; readonly implied: JsonObject }>> = {
  Grams: { transform: { name: "grams" }, implied: { weight_decouple: true } },
};

/** `caution` is a transform here where the plugin does not have it. */
export function wanted(context: Context, entry: Case, given: JsonObject): Wanted {
  const plugin = optimizerPlugin(context, optimizerName(entry));
  if (plugin === undefined) return { options: {}, transforms: [], unknown: [] };
  const { options, unknown } = translate(plugin, given);
  const cautious = unknown.includes("caution");
  const { transform, implied = {} } = WRAPPED[entry.item] ?? {};
  // How often the Hessian is drawn: here that is the caller's, who runs the entry.
  const others = unknown.filter((key) =>
    key !== "caution" && given[key] !== implied[key] && !(key === "update_period" && entry.args.hessian !== undefined)
  );
  return {
    options: iteratesInBfloat16(entry) ? { ...options, nsDtype: "bfloat16" } : options,
    transforms: [...transform === undefined ? [] : [transform], ...cautious && given.caution === true ? [{ name: "cautious" }] : []],
    unknown: others,
  };
}

/** Why the case cannot run, if so. */
export function unsupportedOptimizer(context: Context, entry: Case): string | undefined {
  const args = argsOf(entry);
  const name = optimizerName(entry);
  const absent = missing(context, "optimizer", name);
  if (absent !== undefined) return absent;
  const { unknown, transforms } = wanted(context, entry, args.options);
  if (unknown.length > 0) return `optimizer "${name}" has no option for ${unknown.join(", ")}`;
  for (const { name } of transforms) {
    const absent = missing(context, "transform", name as string);
    if (absent !== undefined) return absent;
  }
  if (args.scheduler !== undefined && args.scheduler !== "adafactor") return missing(context, "schedule", args.scheduler);
}

/** The case's parameters, as ordinary arrays. */
export function startOf(bank: Readonly<Record<string, BankTensor>>, names: readonly string[], dtype: string): Record<string, Tensor> {
  return Object.fromEntries(names.map((name) => {
    const { shape, init, init_bits } = bank[name];
    const low = dtype === "bfloat16" || dtype === "float16";
    const data = low ? Uint16Array.from(init_bits!) : Float32Array.from(init, Number);
    return [name, { data, shape, dtype: low ? dtype : "float32" }];
  }));
}

/** Gradients of step t, from 1; null where the reference has none. */
function gradsOf(args: Args, bank: Readonly<Record<string, BankTensor>>, params: Readonly<Record<string, Tensor>>, t: number): Grads {
  return Object.fromEntries(
    Object.entries(params).map(([name, p]) => {
      const { shape, grads, grads_bits, h, c } = bank[name];
      if (args.gradient !== undefined) {
        const difference = Float32Array.from(p.data as Float32Array, (x, i) => Math.fround(x - Number(c![i])));
        return [name, { data: difference.map((x, i) => Math.fround(Number(h![i]) * x)), shape }];
      }
      const bits = grads_bits?.[t - 1], values = grads[t - 1];
      if (values === null) return [name, null];
      return [
        name,
        bits && p.dtype !== "float32"
          ? { data: Uint16Array.from(bits), shape, dtype: p.dtype }
          : { data: Float32Array.from(values, Number), shape },
      ];
    }),
  );
}

/** A copy of the parameters as numbers. */
export function valuesOf(params: Readonly<Record<string, Tensor>>): Values {
  return Object.fromEntries(Object.entries(params).map(([name, { data, dtype }]) => [name, widen(data.slice(), dtype)]));
}

/** The case's groups, transforms and schedule. */
export function groupSettings(context: Context, entry: Case): Settings<unknown> {
  const { options, groups, defaults, scheduler, scheduler_args } = argsOf(entry);
  const { transforms } = wanted(context, entry, { ...defaults, ...options });
  const schedule = scheduler === undefined || scheduler === "adafactor" ? {} : {
    schedules: { lr: { name: scheduler, options: scheduleOptions(scheduler_args ?? {}) } },
  };
  return {
    groups: groups.map(({ tensors, ...own }) => ({ match: tensors, options: wanted(context, entry, own as JsonObject).options })),
    transforms,
    ...schedule,
  };
}

/** `get_scheduler`'s arguments as a schedule's own options. */
function scheduleOptions({ scheduler_specific_kwargs, ...rest }: JsonObject): Record<string, Json> {
  return camelKeys({ ...rest, ...scheduler_specific_kwargs as JsonObject | undefined });
}

/** Runs the case; says what differs from the reference. */
export function runOptimizer(context: Context, entry: Case): Fault {
  const args = argsOf(entry);
  const bank = context.golden.bank(args.bank);
  const want = context.golden.want(entry);
  const params = startOf(bank, args.groups.flatMap(({ tensors }) => tensors), args.dtype);
  const { options: given } = wanted(context, entry, { ...OTHER_DEFAULTS[libraryItem(entry)], ...args.defaults, ...args.options });
  const options = { ...given, ...referenceState(context, entry) };
  using optimizer = context.registry.createOptimizer(optimizerName(entry), params, options, groupSettings(context, entry)) as Optimizer<
    { lr: number }
  >;
  const snapshots = new Map<string, Values>();
  for (let t = 1; t <= args.steps; t++) {
    if (args.lr_at_step !== undefined) setLrs(optimizer, args.lr_at_step, t);
    const fault = lrFault(entry, optimizer, want, t);
    if (fault !== undefined) return fault;
    if (entry.args.hessian !== undefined) passHessian(optimizer, bank, t);
    optimizer.step(gradsOf(args, bank, params, t));
    if (args.metrics !== undefined) optimizer.update(args.metrics[t - 1]);
    const used = usedFault(entry, optimizer, want, t);
    if (used !== undefined) return used;
    if (Object.hasOwn(want.params as JsonObject, t)) snapshots.set(String(t), valuesOf(params));
  }
  return paramsFault(entry, snapshots, want) ?? pointFault(entry, optimizer, want) ?? stateFault(entry, bank, optimizer.saveState(), want);
}

/** The reference's moments are in the parameter's dtype, also where ours are not unless they are asked for (D18). */
function referenceState(context: Context, entry: Case): object {
  const plugin = optimizerPlugin(context, optimizerName(entry));
  if (plugin === undefined || !Object.hasOwn(plugin.options as object, "stateDtype")) return {};
  return { stateDtype: WIDE_STATE.includes(libraryItem(entry)) ? "float32" : "param" };
}

/** The bank's Hessian of step t, where it has one. */
function passHessian(optimizer: Optimizer, bank: Readonly<Record<string, BankTensor>>, t: number): void {
  const given = Object.entries(optimizer.inputs.hessian).filter(([name]) => (bank[name].hess?.[t - 1] ?? null) !== null);
  for (const [name, { data }] of given) data.set(Float32Array.from(bank[name].hess![t - 1]!, Number));
  if (given.length > 0) optimizer.run("hessian");
}

function setLrs(optimizer: Optimizer<{ lr: number }>, prose: string, t: number): void {
  const rate = /the lr of group i \(from 0\) is set to (\S+) \* t \/ \(i \+ 1\)/.exec(prose);
  if (rate === null) throw new RangeError(`Cannot read "lr_at_step": ${prose}`);
  optimizer.groups.forEach((group, i) => (group.options as { lr: number }).lr = Number(rate[1]) * t / (i + 1));
}

/** A loop's lr before step t, as the schedule gives it: `lr_before_step[t - 1][group]`. */
function lrFault(entry: Case, optimizer: Optimizer<{ lr: number }>, want: JsonObject, t: number): Fault {
  const rows = want.lr_before_step as readonly (readonly (number | null)[])[] | undefined;
  if (rows === undefined) return;
  const adafactor = entry.args.scheduler === "adafactor";
  for (const [g, lr] of rows[t - 1].entries()) {
    const { options, current } = optimizer.groups[g];
    const got = adafactor ? optimizer.readings()[g] ?? 0 : current.lr;
    if (lr !== null && !sameLr(got, lr, adafactor ? lr : options.lr, adafactor ? SCHEDULE_SINGLE : undefined)) {
      return `lr of group ${g} before step ${t}: ${got} instead of ${lr}`;
    }
  }
}

/** Adafactor's own lr of step t, `lr_used[t - 1][tensor]`, which is read of each group's first tensor. */
function usedFault(entry: Case, optimizer: Optimizer, want: JsonObject, t: number): Fault {
  const rows = want.lr_used as readonly Readonly<Record<string, number>>[] | undefined;
  if (rows === undefined) return;
  const single = entry.args.dtype === "float64" ? 1e-6 : undefined;
  for (const [g, { tensors }] of argsOf(entry).groups.entries()) {
    const lr = rows[t - 1][tensors[0]];
    const got = optimizer.readings()[g];
    if (lr === undefined || got === null) continue;
    const agrees = single === undefined ? sameLr(got, Number(lr), Number(lr), SCHEDULE_SINGLE) : Math.abs(got - lr) <= single * lr;
    if (!agrees) return `lr of group ${g} in step ${t}: ${got} instead of ${lr}`;
  }
}

function paramsFault(entry: Case, snapshots: ReadonlyMap<string, Values>, want: JsonObject): Fault {
  const params = want.params as Record<string, Record<string, Numbers>>;
  for (const [step, got] of snapshots) {
    const fault = stepFault(entry, step, got, params[step], want);
    if (fault !== undefined) return fault;
  }
}

function stepFault(
  entry: Case,
  step: string,
  got: Values,
  params: Readonly<Record<string, Numbers>>,
  want: JsonObject,
): Fault {
  const { dtype } = argsOf(entry);
  if (dtype === "float64") return plain(got, params, `step ${step}`);
  if (iteratesInBfloat16(entry)) return withinSpread(entry, step, got, params);
  if (dtype === "float32") {
    return entry.expects.precision ? withinReference(entry, step, got, want) : exact(got, params, `step ${step}`);
  }
  const truth = want.params64 as Record<string, Record<string, Numbers>> | undefined;
  if (truth !== undefined) return step in truth ? within16(entry, step, got, truth[step]) : undefined;
  for (const name of Object.keys(params)) {
    const fault = bits16(entry, got[name], params[name], `step ${step}, ${name}`);
    if (fault !== undefined) return fault;
  }
}

/** Another parameter point at the end, as schedule-free's `eval`. */
function pointFault(entry: Case, optimizer: Optimizer, want: JsonObject): Fault {
  if (want.params_eval === undefined) return;
  const point = Object.fromEntries(Object.entries(optimizer.point("eval")).map(([name, { data, dtype }]) => [name, widen(data, dtype)]));
  const own = entry.expects.precision!.params![String(entry.args.steps)];
  return near(point, want.params_eval as Record<string, Numbers>, 3 * own[3] + 2 ** -23, `point "eval"`);
}

/** The optimizer's state at the end against `state[tensor][key]`. */
function stateFault(entry: Case, bank: Readonly<Record<string, BankTensor>>, { tensors }: StateDict, want: JsonObject): Fault {
  const bound = stateBound(entry);
  const state = want.state as Record<string, Record<string, Encoded | readonly Encoded[]>>;
  const early = argsOf(entry).groups.flatMap((group) => group.tensors).find((name) =>
    state[name] === undefined && bank[name].grads?.every((grad) => grad === null) && tensors[`${name}.step`]?.data[0] > 0
  );
  if (early !== undefined) return `state ${early}.step: ${tensors[`${early}.step`].data[0]} for a tensor that never had a gradient`;
  for (const [name, slots] of Object.entries(state)) {
    for (const [key, expected] of slotsOf(entry, slots)) {
      const saved = tensors[`${name}.${key}`];
      // Which way a tensor goes, as Muon's `use_muon`: the slots that it has show that.
      if (typeof expected === "boolean") continue;
      // PyTorch's SGD writes None for a momentum that it does not have.
      if (expected === null && saved === undefined) continue;
      // A buffer that the reference makes and never writes.
      if (saved === undefined && isZeros(expected)) continue;
      if (saved === undefined) return `state has no ${name}.${key}: known are ${Object.keys(tensors).join(", ")}`;
      const fault = slotFault(entry, widen(saved.data, saved.dtype), saved.shape, expected, bound, `state ${name}.${key}`);
      if (fault !== undefined) return fault;
    }
  }
}

/** State that is not compared, by item: what is determined up to signs, and what repeats an option. */
const NOT_COMPARED: Readonly<Record<string, readonly string[]>> = { SOAP: ["Q", "precondition_frequency", "shampoo_beta"] };

/** State by key: a list's entries are `key.0`, `key.1`, where they are not empty. */
function slotsOf(entry: Case, slots: Readonly<Record<string, Encoded | readonly Encoded[]>>): [string, Encoded][] {
  return Object.entries(slots).filter(([key]) => !NOT_COMPARED[entry.item]?.includes(key)).flatMap(([key, slot]): [string, Encoded][] =>
    !Array.isArray(slot)
      ? [[key, slot as Encoded]]
      : (slot as Encoded[]).map((one, i): [string, Encoded] => [`${key}.${i}`, one]).filter(([, one]) =>
        !(Array.isArray(one) && one.length === 0)
      )
  );
}

function isZeros(expected: Encoded): boolean {
  if (expected === null || typeof expected !== "object") return expected === 0;
  return expected.data.every((value) => Number(value) === 0);
}

function slotFault(entry: Case, got: ArrayLike<number>, shape: readonly number[], expected: Encoded, bound: number, where: string): Fault {
  if (expected === null || typeof expected !== "object") {
    return where.endsWith(".step") ? countFault(got, Number(expected), where) : numberFault(entry, got, Number(expected), bound, where);
  }
  if (sidesOf(shape) !== sidesOf(expected.shape)) return `${where}: shape [${shape}] instead of [${expected.shape}]`;
  if (expected.bits !== undefined && entry.expects.precision === undefined) return bits16(entry, got, expected.data, where);
  return near({ it: got }, { it: expected.data }, bound, where);
}

/** A shape but for its sides of 1, which `torch.optim.Adafactor` leaves where it has summed up. */
function sidesOf(shape: readonly number[]): string {
  return shape.filter((side) => side !== 1).join();
}

function countFault({ 0: got }: ArrayLike<number>, expected: number, where: string): Fault {
  if (got !== expected) return `${where}: ${got} instead of ${expected}`;
}

/** A tensor without dimensions. It has no part in `precision.state`, so the absolute error there counts for it. */
function numberFault(entry: Case, got: ArrayLike<number>, expected: number, bound: number, where: string): Fault {
  if (got.length !== 1) return `${where}: ${got.length} numbers instead of one`;
  if (got[0] === expected || Number.isNaN(expected) && Number.isNaN(got[0])) return;
  const absolute = 3 * (entry.expects.precision?.state?.[2] ?? 0);
  if (Math.abs(got[0] - expected) <= Math.max(absolute, bound * Math.abs(expected))) return;
  return `${where}: ${got[0]} instead of ${expected}`;
}
