/**
 * `optimizer.state_dict()` of PyTorch and transformers, from and into optimizers: positions for names, `param_groups` for groups, PyTorch's names for options,
 * float32 for step counts.
 *
 * The layouts are those of torch 2.2 to 2.15 and of transformers 4.37.2 (`AdamW`, `Adafactor`); a key that came later, such as `fused`, PyTorch adds itself when it
 * loads a dictionary.
 *
 * @module
 */
import type { LoadReport, Optimizer, StateDict, Trainer } from "../../core/types.ts";
import { fileDTypes, type FileTensor, isWhole } from "./file_tensors.ts";
import { isTensor, type TorchValue } from "./pickle.ts";
import { readScheduler } from "./pytorch_schedulers.ts";
import { widened } from "./widened.ts";

/** A group of `param_groups`: options under PyTorch's names, and the positions of its parameters. */
export interface ParamGroup {
  /** Positions, counted through all groups. */
  readonly params: readonly number[];
  /** `lr`, `betas`, `weight_decay`, …; `initial_lr` where there is a scheduler. */
  readonly [option: string]: TorchValue;
}

// A type and no interface: so it is a TorchValue, which has any keys.
/** `optimizer.state_dict()`: what {@linkcode readTorch} gives of an `optimizer.pt`. */
export type OptimizerStateDict = {
  /** By position: `exp_avg`, `step`, …; a parameter that has had no step may be missing. */
  readonly state: Readonly<Record<string, { readonly [key: string]: TorchValue }>>;
  /** The groups in order. */
  readonly param_groups: readonly ParamGroup[];
};

/** How {@linkcode optimizerStateDict} writes. */
export interface StateDictOptions {
  /** Names in the order of PyTorch's list of parameters, where that is another than the optimizer's: within each group, positions follow it. */
  readonly names?: readonly string[];
  /**
   * Whether the groups say their `initial_lr`, from which PyTorch's schedulers go on; default: where a trainer's recipe has a schedule of `lr`, or one has moved it.
   */
  readonly scheduled?: boolean;
}

/** How {@linkcode loadOptimizerStateDict} loads. */
export interface OptimizerStateOptions {
  /**
   * The parameters' names in the order of their positions, which is that of the list that PyTorch's optimizer was made from; default: `param_names` of the groups
   * (torch 2.6, where it was made from `named_parameters()`), else the names of the optimizer's groups in their order.
   */
  readonly names?: readonly string[];
  /** Take options such as `lr`, too, as PyTorch does; default true. Slots that need another option are refused either way. */
  readonly options?: boolean;
  /** The scheduler's dictionary: where the schedules are, and what a plateau has seen. */
  readonly scheduler?: TorchValue;
  /** Updates applied, where no scheduler says it; default: the most that a parameter had. Of algorithms that count none there (SGD, Muon): also of each parameter. */
  readonly steps?: number;
}

/** What {@linkcode loadOptimizerStateDict} did. */
export interface TorchLoadReport extends LoadReport {
  /** What is not as it was there, in words: an option that is not taken, a learning rate that a schedule gives otherwise. */
  readonly notes: readonly string[];
}

/** One of PyTorch's algorithms. */
interface Row {
  /** Its class. */
  readonly there: string;
  /** Its slots. */
  readonly slots: readonly string[];
  /** How it keeps step counts: as tensors, as numbers, or not at all. */
  readonly step: "tensor" | "number" | null;
  /** Keys of its groups that are about how its code runs. */
  readonly flags: Readonly<Record<string, null | false>>;
  /** Every parameter has a state from the start. */
  readonly eager?: true;
}

const simple = { foreach: null, differentiable: false } as const;
const capturable = { ...simple, capturable: false } as const;

/** Ours that are there, too. */
const rows: Readonly<Record<string, Row>> = {
  sgd: { there: "torch.optim.SGD", slots: ["momentum_buffer"], step: null, flags: simple },
  adam: {
    there: "torch.optim.Adam",
    slots: ["exp_avg", "exp_avg_sq", "max_exp_avg_sq"],
    step: "tensor",
    flags: { ...capturable, fused: null },
  },
  adamw_torch: {
    there: "torch.optim.AdamW",
    slots: ["exp_avg", "exp_avg_sq", "max_exp_avg_sq"],
    step: "tensor",
    flags: { ...capturable, fused: null },
  },
  adamax: { there: "torch.optim.Adamax", slots: ["exp_avg", "exp_inf"], step: "tensor", flags: simple },
  nadam: { there: "torch.optim.NAdam", slots: ["exp_avg", "exp_avg_sq", "mu_product"], step: "tensor", flags: capturable },
  radam: { there: "torch.optim.RAdam", slots: ["exp_avg", "exp_avg_sq"], step: "tensor", flags: simple },
  rmsprop: { there: "torch.optim.RMSprop", slots: ["square_avg", "momentum_buffer", "grad_avg"], step: "tensor", flags: simple },
  rprop: { there: "torch.optim.Rprop", slots: ["prev", "step_size"], step: "tensor", flags: simple },
  asgd: { there: "torch.optim.ASGD", slots: ["eta", "mu", "ax"], step: "tensor", flags: capturable },
  adagrad: { there: "torch.optim.Adagrad", slots: ["sum"], step: "tensor", flags: simple, eager: true },
  adadelta: { there: "torch.optim.Adadelta", slots: ["square_avg", "acc_delta"], step: "tensor", flags: simple },
  adafactor_torch: { there: "torch.optim.Adafactor", slots: ["row_var", "col_var", "variance"], step: "tensor", flags: { foreach: null } },
  sparse_adam: { there: "torch.optim.SparseAdam", slots: ["exp_avg", "exp_avg_sq"], step: "number", flags: {} },
  muon: { there: "torch.optim.Muon", slots: ["momentum_buffer"], step: null, flags: {} },
  adamw: { there: "transformers.AdamW", slots: ["exp_avg", "exp_avg_sq"], step: "number", flags: {} },
  adafactor: {
    there: "transformers.Adafactor",
    slots: ["exp_avg_sq_row", "exp_avg_sq_col", "exp_avg_sq", "exp_avg", "RMS"],
    step: "number",
    flags: {},
  },
};

/** Options of ours that a group there does not have. */
const ours = ["stateDtype", "nsDtype", "initialLr", "safetyFactor", "fallbackLrScale"];
/** Keys of groups that are no options: how code runs, and what schedulers keep there. */
const notOptions = ["params", "param_names", "initial_lr", "foreach", "fused", "capturable", "differentiable", "decoupled_weight_decay"];
/** Muon's coefficients by their names here. */
const original = [3.4445, -4.775, 2.0315];

const snakeCase = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

function rowOf({ name }: Optimizer): Row {
  if (Object.hasOwn(rows, name)) return rows[name];
  throw Object.assign(new TypeError(`Cannot exchange "${name}" with PyTorch: known are ${Object.keys(rows).join(", ")}`), { plugin: name });
}

function refuseUnknown(of: string, how: object, known: readonly string[]): void {
  const key = Object.keys(how).find((key) => !known.includes(key));
  if (key === undefined) return;
  throw new TypeError(`Cannot read the options of ${of}: it has no ${JSON.stringify(key)}; known are ${known.join(", ")}`);
}

/** The groups that hold something. A group of another algorithm is an optimizer of its own in PyTorch. */
function groupsOf(optimizer: Optimizer): Optimizer["groups"] {
  const keys = (of: object): string => Object.keys(of).sort().join();
  const groups = optimizer.groups.filter(({ names }) => names.length > 0);
  groups.forEach(({ options }, i) => {
    if (keys(options as object) === keys(optimizer.options as object)) return;
    throw Object.assign(
      new TypeError(
        `Cannot exchange group ${i} of "${optimizer.name}" with PyTorch: it has another algorithm, which is an optimizer of its own there`,
      ),
      { group: i },
    );
  });
  return groups;
}

/** An option's name and value as a group there has them. */
function thereOf(plugin: string, [option, value]: readonly [string, unknown]): readonly (readonly [string, TorchValue])[] {
  if (ours.includes(option)) return [];
  if (plugin === "muon") {
    if (option === "betas") return [];
    if (option === "nsCoefficients") return [["ns_coefficients", value === "original" ? original : refuseMuon(option, value)]];
    // null is "original" there, and no factor at all here.
    if (option === "adjustLrFn" && value === "original") return [["adjust_lr_fn", null]];
    if (option === "adjustLrFn") return [["adjust_lr_fn", value === "match_rms_adamw" ? value : refuseMuon(option, value)]];
  }
  return [[snakeCase(option), value as TorchValue]];
}

function refuseMuon(option: string, value: unknown): never {
  throw Object.assign(new RangeError(`Cannot give torch.optim.Muon ${option} = ${JSON.stringify(value)}: it has no such one`), {
    plugin: "muon",
    option,
  });
}

/** An option here, from a group there. */
function hereOf(plugin: string, key: string, value: TorchValue): readonly [option: string, value: unknown] {
  if (plugin === "muon" && key === "ns_coefficients") {
    if (JSON.stringify(value) === JSON.stringify(original)) return ["nsCoefficients", "original"];
    return refuseMuon("nsCoefficients", value);
  }
  if (plugin === "muon" && key === "adjust_lr_fn") return ["adjustLrFn", value ?? "original"];
  return [key.replace(/_+([a-z0-9])/g, (_, letter: string) => letter.toUpperCase()), value];
}

/**
 * The dictionary that PyTorch's optimizer of the same algorithm loads: `optimizer.load_state_dict(torch.load("optimizer.pt"))` after
 * `writeTorch(optimizerStateDict(optimizer))`. Groups are in their order, and a group's parameters in the order in which the optimizer was given them; group options are those of the next
 * step.
 *
 * That of `adamw_torch` is for `torch.optim.AdamW`: `torch.optim.Adam(decoupled_weight_decay=True)` takes a group that does not say so for one whose decay is
 * added to the gradient; set `decoupled_weight_decay` in its `param_groups` to true there.
 *
 * The state of transforms and of an accumulator has no place there. TypeError for an algorithm that is not there, and for groups of another algorithm.
 *
 * @example Ours, as PyTorch's file
 * ```ts
 * import { builtins } from "@glissade/optim";
 * import { optimizerStateDict, writeTorch } from "@glissade/optim/pytorch";
 *
 * using optimizer = builtins.createOptimizer("adamw_torch", { w: new Float32Array([1, 2]) });
 * optimizer.step({ w: new Float32Array([0.1, 0.1]) });
 * const bytes = writeTorch(optimizerStateDict(optimizer)); // Deno.writeFileSync("optimizer.pt", bytes)
 * console.log(bytes.length > 0);
 * ```
 */
export function optimizerStateDict(of: Optimizer | Trainer, how: StateDictOptions = {}): OptimizerStateDict {
  refuseUnknown("optimizerStateDict", how, ["names", "scheduled"]);
  const { names: order, scheduled } = how;
  const optimizer = "optimizer" in of ? of.optimizer : of;
  const row = rowOf(optimizer);
  const groups = groupsOf(optimizer);
  const { tensors } = optimizer.saveState();
  const hasMoved = groups.some(({ options, current }) => (options as { lr?: unknown }).lr !== (current as { lr?: unknown }).lr);
  const isScheduled = scheduled ?? (hasMoved || "optimizer" in of && of.recipe.schedules?.lr !== undefined);
  const state: Record<string, Record<string, TorchValue>> = {};
  let position = 0;
  const all = groups.flatMap(({ names }) => names);
  const [ordered, known] = [new Set(order), new Set(all)];
  const odd = order === undefined ? undefined : all.find((name) => !ordered.has(name)) ?? order.find((name) => !known.has(name));
  if (odd !== undefined) {
    throw Object.assign(new TypeError(`Cannot order a state for PyTorch by names: "${odd}" is not in both lists`), { tensor: odd });
  }
  const param_groups = groups.map(({ names: own, options, current }): ParamGroup => {
    const mine = new Set(own);
    const names = order === undefined ? own : order.filter((name) => mine.has(name));
    const from = position;
    for (const name of names) {
      const one = stateOf(optimizer, row, tensors, name);
      if (one !== null) state[position] = one;
      position++;
    }
    const written = Object.entries(current as object).flatMap((entry) => thereOf(optimizer.name, entry));
    return {
      ...Object.fromEntries(written),
      ...row.flags,
      ...(isScheduled ? { initial_lr: (options as { lr: number }).lr } : {}),
      params: names.map((_, i) => from + i),
    };
  });
  return { state, param_groups };
}

function stateOf(optimizer: Optimizer, row: Row, tensors: StateDict["tensors"], name: string): Record<string, TorchValue> | null {
  const count = tensors[`${name}.step`].data[0];
  if (count === 0 && !row.eager) return null;
  if (optimizer.name === "muon" && !Object.hasOwn(tensors, `${name}.momentum_buffer`)) {
    const message =
      `Cannot give torch.optim.Muon "${name}": it takes matrices alone, and this goes by AdamW here; give it an optimizer of its own`;
    throw Object.assign(new TypeError(message), { tensor: name });
  }
  const one: Record<string, TorchValue> = {};
  if (row.step !== null) one.step = row.step === "tensor" ? single(count) : count;
  const shape = tensors[name].shape;
  for (const slot of row.slots) {
    const key = `${name}.${slot}`;
    if (!Object.hasOwn(tensors, key)) continue;
    const tensor = tensors[key];
    one[slot] = tensor.dtype === "float64" ? single(tensor.data[0]) : { ...tensor, shape: shapeThere(slot, tensor.shape, shape) };
  }
  if (optimizer.name === "sgd" && one.momentum_buffer === undefined) one.momentum_buffer = null;
  return one;
}

/** PyTorch's Adafactor keeps a dimension of 1 where it summed up. */
function shapeThere(slot: string, shape: readonly number[], of: readonly number[]): readonly number[] {
  if (slot === "row_var") return [...of.slice(0, -1), 1];
  return slot === "col_var" ? [...of.slice(0, -2), 1, ...of.slice(-1)] : shape;
}

/** A number as PyTorch keeps it. */
const single = (value: number): FileTensor => ({ data: Float32Array.of(value), shape: [], dtype: "float32" });

/**
 * Loads what PyTorch's optimizer of the same algorithm saved: slots, step counts and options. The parameters themselves stay as they are: `loadState` or the arrays
 * that you pass hold those of the model's file.
 *
 * All is checked before anything changes. RangeError: a shape, a dtype, a step count, a number of parameters that does not fit. TypeError: a state of another algorithm, a name that
 * is not there.
 *
 * @example A run from PyTorch goes on here
 * ```ts
 * import { builtins } from "@glissade/optim";
 * import { loadOptimizerStateDict, optimizerStateDict, readTorch, writeTorch } from "@glissade/optim/pytorch";
 *
 * const make = () => builtins.createOptimizer("adamw_torch", { w: new Float32Array([1, 2]) }, { lr: 0.1 });
 * using there = make();
 * there.step({ w: new Float32Array([0.1, 0.1]) });
 * const file = writeTorch(optimizerStateDict(there)); // stands for torch.save(optimizer.state_dict(), "optimizer.pt")
 *
 * using here = make();
 * const { taken } = loadOptimizerStateDict(here, readTorch(file), { names: ["w"] });
 * console.log(taken.join(" "), here.steps); // w w.exp_avg w.exp_avg_sq w.step 1
 * ```
 */
export function loadOptimizerStateDict(
  of: Optimizer | Trainer,
  dict: TorchValue,
  how: OptimizerStateOptions = {},
): TorchLoadReport {
  // A name that is misspelt would go unseen: positions would be those of the optimizer's own order, and schedules begin anew.
  refuseUnknown("loadOptimizerStateDict", how, ["names", "options", "scheduler", "steps"]);
  const optimizer = "optimizer" in of ? of.optimizer : of;
  const row = rowOf(optimizer);
  const groups = groupsOf(optimizer);
  const refuse = refusal(optimizer, row);
  const { state, param_groups } = checkForm(dict, refuse);
  const names = namesOf(param_groups, groups, how.names, refuse);
  const scheduler = how.scheduler === undefined || how.scheduler === null ? null : readScheduler(how.scheduler);
  const here = optimizer.saveState();
  const tensors: Record<string, StateDict["tensors"][string]> = { ...here.tensors };
  const notes: string[] = [];
  const counts: number[] = [];
  names.forEach((name, position) => {
    const count = takeState(name, state[position], { row, tensors, steps: how.steps, refuse });
    counts.push(count);
  });
  const seen = scheduler?.seen;
  const steps = how.steps ?? (scheduler !== null && seen === undefined ? scheduler.steps : Math.max(0, ...counts));
  const metadata: Record<string, string> = { ...here.metadata, steps: String(steps) };
  const groupAt = param_groups.flatMap((group) => group.params.map(() => group));
  const groupOf: GroupOf = new Map(names.map((name, position) => [name, groupAt[position]]));
  /** A group's rate before any schedule, where it is known: without a scheduler it is the one that there is. */
  const baseOf: BaseOf = (group) =>
    group.initial_lr ?? scheduler?.baseLrs?.[param_groups.indexOf(group)] ?? (seen === undefined ? group.lr : undefined);
  if (optimizer.name === "muon" && (optimizer.options as { readonly nsDtype?: unknown }).nsDtype !== "bfloat16") {
    notes.push('torch.optim.Muon iterates in bfloat16, as here with nsDtype: "bfloat16": numbers agree to two digits of a step');
  }
  const changes = how.options === false ? [] : optionsOf(optimizer, groups, groupOf, baseOf, notes, refuse);
  if (seen !== undefined) takeSeen(metadata, seen, groups, groupOf, baseOf, refuse);
  const before = changes.map(({ options, option }) => options[option]);
  let report: LoadReport;
  try {
    for (const change of changes) assign(change, notes);
    report = optimizer.loadState({ tensors, metadata });
  } catch (error) {
    changes.forEach(({ options, option }, i) => assign({ options, option, value: before[i] }, []));
    throw error;
  }
  groups.forEach(({ names, current }, i) => {
    const group = groupOf.get(names[0])!;
    const there = scheduler?.lastLrs?.[param_groups.indexOf(group)] ?? group.lr;
    const { lr } = current as { readonly lr: unknown };
    if (typeof there === "number" && typeof lr === "number" && Math.abs(there - lr) > 1e-12 * Math.max(Math.abs(there), Math.abs(lr))) {
      notes.push(`the learning rate of group ${i} was ${there} there and is ${lr} here`);
    }
  });
  return { ...report, notes };
}

/** The group there, of each name. */
type GroupOf = ReadonlyMap<string, ParamGroup>;

type BaseOf = (group: ParamGroup) => TorchValue | undefined;

type Refuse = (Wrong: typeof TypeError | typeof RangeError, why: string, about?: object) => never;

const refusal = (optimizer: Optimizer, row: Row): Refuse => (Wrong, why, about = {}) => {
  throw Object.assign(new Wrong(`Cannot load a state of ${row.there} into "${optimizer.name}": ${why}`), {
    plugin: optimizer.name,
    ...about,
  });
};

const isObject = (value: unknown): value is Record<string, TorchValue> =>
  typeof value === "object" && value !== null && !Array.isArray(value) && !isTensor(value);

function checkForm(dict: TorchValue, refuse: Refuse): OptimizerStateDict {
  const { state, param_groups } = isObject(dict) ? dict as OptimizerStateDict : refuse(TypeError, "it is no dictionary");
  if (!isObject(state) || !Array.isArray(param_groups)) {
    return refuse(TypeError, "it has no state and param_groups, as optimizer.state_dict() does");
  }
  let next = 0;
  for (const group of param_groups as readonly unknown[]) {
    const params = isObject(group) ? group.params : undefined;
    if (!Array.isArray(params)) return refuse(TypeError, "a group of it has no params");
    for (const position of params) {
      if (position !== next++) return refuse(RangeError, "the positions of its groups are not 0, 1, 2, … in order");
    }
  }
  const stray = Object.keys(state).find((position) => !(Number(position) < next && /^\d+$/.test(position)) || !isObject(state[position]));
  if (stray !== undefined) refuse(RangeError, `it has a state under ${JSON.stringify(stray)}, which is the position of no parameter`);
  return { state, param_groups };
}

/** The names in the order of their positions. */
function namesOf(
  param_groups: readonly ParamGroup[],
  groups: Optimizer["groups"],
  given: readonly string[] | undefined,
  refuse: Refuse,
): readonly string[] {
  const own = groups.flatMap(({ names }) => names);
  const saved = param_groups.every((group) => Array.isArray(group.param_names))
    ? param_groups.flatMap((group) => group.param_names as string[])
    : undefined;
  const names = given ?? saved ?? own;
  const there = param_groups.reduce((sum, { params }) => sum + params.length, 0);
  if (names.length !== there) refuse(RangeError, `it is of ${there} parameters, and there are names of ${names.length}`);
  const [here, known] = [new Set(own), new Set(names)];
  const repeated = known.size === names.length ? undefined : names.find((name, i) => names.indexOf(name) !== i);
  if (repeated !== undefined) refuse(TypeError, `two of its parameters are named ${JSON.stringify(repeated)}`, { tensor: repeated });
  for (const name of names) if (!here.has(name)) refuse(TypeError, `parameter ${JSON.stringify(name)} is not here`, { tensor: name });
  for (const name of own) if (!known.has(name)) refuse(TypeError, `parameter ${JSON.stringify(name)} is not in it`, { tensor: name });
  return names;
}

/** Puts one parameter's state among the tensors; says its step count. */
function takeState(
  name: string,
  given: { readonly [key: string]: TorchValue } | undefined,
  { row, tensors, steps, refuse }: {
    readonly row: Row;
    readonly tensors: Record<string, StateDict["tensors"][string]>;
    readonly steps: number | undefined;
    readonly refuse: Refuse;
  },
): number {
  const set = (key: string, value: number): void => {
    tensors[key] = { data: Float64Array.of(value), shape: [], dtype: "float64" };
  };
  const countHere = tensors[`${name}.step`].data[0];
  if (given === undefined) {
    if (countHere !== 0) {
      refuse(RangeError, `it has none for "${name}", which has had ${countHere} steps here: load it into a new optimizer`, {
        tensor: name,
      });
    }
    return 0;
  }
  for (const [slot, value] of Object.entries(given)) {
    const key = `${name}.${slot}`;
    if (slot === "step") continue;
    if (value === null) {
      if (countHere !== 0 && Object.hasOwn(tensors, key)) {
        refuse(RangeError, `it has no ${slot} of "${name}": load it into a new optimizer`, { tensor: name });
      }
      continue;
    }
    if (!row.slots.includes(slot) || !Object.hasOwn(tensors, key)) {
      const known = row.slots.filter((slot) => Object.hasOwn(tensors, `${name}.${slot}`)).join(", ") || "none";
      refuse(TypeError, `it has ${JSON.stringify(slot)} of "${name}"; with these options there are here: ${known}`, { tensor: name });
    }
    const target = tensors[key];
    if (target.dtype === "float64") set(key, numberIn(value) ?? refuse(TypeError, `${slot} of "${name}" is no number`, { tensor: name }));
    else tensors[key] = fitted(value, target, `${slot} of "${name}"`, (Wrong, why) => refuse(Wrong, why, { tensor: name }));
  }
  for (const slot of row.slots) {
    if (Object.hasOwn(tensors, `${name}.${slot}`) && !Object.hasOwn(given, slot)) {
      refuse(TypeError, `it has no ${slot} of "${name}"`, { tensor: name });
    }
  }
  // Without a count there, a buffer that is not made yet says that there was no step; where no buffer is kept, the entry alone says that there was one.
  const began = Object.entries(given).some(([slot, value]) => value !== null || !Object.hasOwn(tensors, `${name}.${slot}`));
  const count = row.step === null ? began ? Math.max(1, steps ?? 1) : 0 : numberIn(given.step);
  if (count === undefined || !Number.isSafeInteger(count) || count < 0) {
    return refuse(RangeError, `the step of "${name}" is no number of steps`, { tensor: name });
  }
  set(`${name}.step`, count);
  return count;
}

/** A number, or a tensor of one. */
function numberIn(value: TorchValue | undefined): number | undefined {
  if (typeof value === "number") return value;
  if (!isTensor(value) || !isWhole(value) || value.shape.length > 0 || value.dtype === "bool") return undefined;
  const { bits } = fileDTypes[value.dtype];
  const isPattern = bits < 16 && !value.dtype.endsWith("int8") || value.dtype === "complex64";
  return isPattern ? undefined : widened(value)?.[0] ?? Number(value.data[0]);
}

const withoutOnes = (shape: readonly number[]): string => shape.filter((length) => length !== 1).join();

/** A tensor in the shape and type that the slot has here. Only what keeps every value is done. */
function fitted(
  value: TorchValue,
  { shape, dtype }: StateDict["tensors"][string],
  what: string,
  refuse: (Wrong: typeof TypeError | typeof RangeError, why: string) => never,
): StateDict["tensors"][string] {
  // A parameter of shape [] has slots that PyTorch's users' JSON has as numbers.
  const tensor = typeof value === "number" && shape.length === 0
    ? { data: Float32Array.of(value), shape, dtype: "float32" as const }
    : value;
  if (!isTensor(tensor) || !isWhole(tensor)) return refuse(TypeError, `${what} is no tensor`);
  if (withoutOnes(tensor.shape) !== withoutOnes(shape)) {
    return refuse(RangeError, `${what} has shape [${tensor.shape}], and here it is [${shape}]`);
  }
  if (tensor.dtype === dtype) return { data: tensor.data as StateDict["tensors"][string]["data"], shape, dtype };
  const wide = dtype === "float32" && fileDTypes[tensor.dtype].bits === 16 ? widened(tensor) : undefined;
  if (wide === undefined) return refuse(RangeError, `${what} is ${tensor.dtype}, and here it is ${dtype}: see option stateDtype`);
  return { data: wide, shape, dtype };
}

interface Change {
  readonly options: Record<string, unknown>;
  readonly option: string;
  readonly value: unknown;
}

/** Assigns an option. A learning rate in whose place a schedule gives values cannot be; there the schedule says what it is. */
function assign({ options, option, value }: Change, notes: string[]): void {
  try {
    options[option] = value;
  } catch (error) {
    const isRate = option === "lr" && (typeof value === "number" || value === null);
    if (!isRate || !(error instanceof TypeError)) throw error;
    notes.push(`the learning rate ${String(value)} is not taken over: ${error.message}`);
  }
}

/** Options that are others there. */
function optionsOf(
  { name: plugin, options: known }: Optimizer,
  groups: Optimizer["groups"],
  groupOf: GroupOf,
  baseOf: BaseOf,
  notes: string[],
  refuse: Refuse,
): Change[] {
  return groups.flatMap(({ names: own, options }, index) => {
    const from = new Set(own.map((name) => groupOf.get(name)!));
    if (from.size > 1) {
      refuse(TypeError, `group ${index} has parameters of several groups there: make the same groups, or load with options: false`, {
        group: index,
      });
    }
    const [group] = from;
    const { decoupled_weight_decay: decoupled } = group;
    if (
      typeof decoupled === "boolean" && !Object.hasOwn(known as object, "decoupledWeightDecay") && decoupled !== (plugin === "adamw_torch")
    ) {
      refuse(
        TypeError,
        `its decay is ${decoupled ? "decoupled" : "added to the gradient"}: that is "${decoupled ? "adamw_torch" : "adam"}"`,
      );
    }
    return Object.entries(group).flatMap(([key, given]): Change[] => {
      const isOption = !notOptions.includes(key) ||
        key === "decoupled_weight_decay" && Object.hasOwn(known as object, "decoupledWeightDecay");
      if (!isOption || key === "lr" && baseOf(group) === undefined) return [];
      const [option, plain] = hereOf(plugin, key, given);
      if (!Object.hasOwn(known as object, option) || ours.includes(option)) {
        notes.push(`group ${index} has ${key} there, which is no option here`);
        return [];
      }
      const base = key === "lr" ? baseOf(group) : plain;
      const value = isTensor(base as TorchValue) ? numberIn(base as TorchValue) : base;
      if (typeof value === "bigint") refuse(RangeError, `${key} of its group is ${value}: it is too large`, { option, group: index });
      const now = (options as Record<string, unknown>)[option];
      return JSON.stringify(now) === JSON.stringify(value) ? [] : [{ options: options as Record<string, unknown>, option, value }];
    });
  });
}

/** What a schedule has seen that follows a metric, as it is saved here: with what is left of each group's base value. */
function takeSeen(
  metadata: Record<string, string>,
  seen: Readonly<Record<string, unknown>>,
  groups: Optimizer["groups"],
  groupOf: GroupOf,
  baseOf: BaseOf,
  refuse: Refuse,
): void {
  if (metadata["schedule.lr"] === undefined) refuse(TypeError, "its scheduler follows a metric, and no schedule of lr does here");
  const factors = groups.map(({ names: [first], options }, i) => {
    const group = groupOf.get(first)!;
    const base = baseOf(group) ?? (options as { readonly lr: number }).lr;
    const factor = typeof group.lr === "number" && typeof base === "number" ? group.lr / base : NaN;
    return Number.isFinite(factor)
      ? factor
      : refuse(RangeError, `the learning rate of group ${i} is ${String(group.lr)} there, and ${String(base)} at first`);
  });
  metadata["schedule.lr"] = JSON.stringify({ ...seen, factors });
}
