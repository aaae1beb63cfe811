/**
 * An optimizer: memory, texts and options of named tensors, and the step.
 *
 * A step first checks everything and asks every plugin, then writes. So an error leaves all as it was.
 *
 * @module
 */
import { createBackend } from "../kernels/backend.ts";
import { maths } from "../kernels/math.ts";
import type { Backend, KernelBackend, Plan, Program, Scalars, Tensor } from "../kernels/types.ts";
import { type Cell, createCell, primeSlots } from "./cell.ts";
import { copyGradient, type GradientSource, ownGradient, takeGradient } from "./gradients.ts";
import {
  baseOf,
  currentOf,
  type GroupAtWork,
  needsRules,
  rulePart,
  scalarNames,
  takeCurrent,
  type TransformAtWork,
  transformPart,
  transformScalarNames,
  valuesAt,
} from "./group.ts";
import { optionsView, splitNames } from "./groups.ts";
import { isRecord, known, refuseUnknownKeys, show } from "./names.ts";
import { type AnySpecs, checkOptions, resolveOptions, type Values } from "./options.ts";
import type { OptimizerPlugin, TensorInfo } from "./plugin.ts";
import { isMetric, isSchedule, makeSchedule, type Scheduled, valueAt } from "./schedules.ts";
import { type Part, slotsText } from "./splice.ts";
import { type Entry, loadEntries, saveEntries, type StatefulSchedule } from "./state.ts";
import { type FullTensor, fullTensor, put, type Raw, rawOf, refuseOverlap, sameShape } from "./tensors.ts";
import { hasEntry, programOf, type Text, textOf } from "./text.ts";
import type { Grads, Group, MetricSchedule, Optimizer, Settings, StepReport, Tensors, Use } from "./types.ts";
import { type Find, findNothing, takePlugin, takeUse, titleOf } from "./use.ts";

/**
 * Makes an optimizer over named tensors.
 *
 * What is passed is what is updated: arrays of `backend.allocate` where they lie, ordinary arrays by a copy in and out at each step.
 *
 * An error takes no memory. TypeError: unknown options, settings, names in a group's list, what is of another type than asked for, two states under one
 * key. RangeError: values out of their range, no parameters, parameters in the same memory, shapes that do not fit their data, memory that is not there.
 * SyntaxError, with `line`, `name` and `known`: a mistake in a rule's text.
 *
 * @example Usage
 * ```ts
 * import { adamw, createOptimizer } from "@glissade/optim";
 *
 * const w = new Float32Array([1, 2]);
 * using optimizer = createOptimizer(adamw, { w }, { lr: 0.1 });
 * optimizer.step({ w: new Float32Array([1, -2]) });
 * console.log(w); // has moved
 * ```
 */
export function createOptimizer<Name extends string, Options>(
  plugin: OptimizerPlugin<Name, Options>,
  params: Tensors,
  options?: Options,
  settings?: Settings<Options>,
): Optimizer<Options> {
  return buildOptimizer(findNothing, plugin, params, options, settings) as Optimizer<Options>;
}

/** The same with plugins found by name. */
export function buildOptimizer(...of: Parameters<typeof buildChecked>): Optimizer<unknown> {
  return buildChecked(...of).optimizer;
}

/** An optimizer, and its step's checks without the step. */
export interface CheckedOptimizer {
  readonly optimizer: Optimizer<unknown>;
  /** Throws what a step with gradients of these names would throw, whatever the gradients. */
  check(names: ReadonlySet<string>): void;
}

/** The same for those who change something of their own before the step. */
export function buildChecked(
  find: Find,
  plugin: unknown,
  params: Tensors,
  options: unknown,
  settings: Settings<unknown> = {},
): CheckedOptimizer {
  const main = takePlugin(find, "optimizer", plugin);
  refuseUnknownKeys("the settings", settings, ["backend", "threads", "groups", "transforms", "schedules"]);
  const tensors = checkParams(params);
  const base = resolveOptions(titleOf(main), main.options as AnySpecs, options as object | undefined);
  const transforms = makeTransforms(find, settings.transforms);
  const groups = makeGroups(find, main, [...tensors.keys()], settings.groups, transforms);
  const scheduled = makeSchedules(find, settings.schedules, main, base, groups);
  for (const group of groups) group.scheduled.push(...scheduled.filter(({ option }) => Object.hasOwn(group.specs, option)));
  main.check?.(Object.freeze({ ...base }));
  for (const group of groups) {
    group.base = baseOf(group, base);
    group.plugin.check?.(group.base);
    takeCurrent(group, currentOf(group, group.base, 0));
    group.scalars = scalarNames(group, group.current);
  }
  const { backend, owned } = takeBackend(settings);
  const work: Work = {
    main,
    backend,
    groups,
    base,
    cells: [],
    ordered: [],
    version: 0,
    steps: 0,
    taken: [],
    ground: null,
    ids: 0,
    laid: new Map(),
  };
  try {
    layOut(work, tensors);
    entriesOf(work); // refuses keys that clash
    return present(work, scheduled, owned);
  } catch (error) {
    if (owned) backend[Symbol.dispose]();
    else for (const tensor of work.taken) backend.release(tensor);
    throw error;
  }
}

// ------------------------------------------------------------------------------------------------------------------------------- making

/** An optimizer from inside. */
interface Work extends GradientSource {
  readonly main: OptimizerPlugin;
  readonly groups: readonly GroupAtWork[];
  /** Base values of the options. */
  readonly base: Record<string, unknown>;
  /** In the order of the parameters. */
  readonly cells: Cell[];
  /** In name order, in which sums over tensors are added. */
  readonly ordered: Cell[];
  /** Grows with every assigned option. */
  version: number;
  steps: number;
  /** By entry: plans made before, the newest last. */
  readonly laid: Map<string, Laid[]>;
}

/** A plan for one set of tensors, gradients and programs. */
interface Laid {
  readonly cells: readonly Cell[];
  /** Theirs, each once. */
  readonly groups: readonly GroupAtWork[];
  readonly gradients: readonly unknown[];
  readonly texts: readonly Text[];
  readonly writes: boolean;
  readonly plan: Plan;
  readonly values: Scalars[];
}

const mostLaid = 8;

function checkParams(params: unknown): Map<string, FullTensor> {
  if (!isRecord(params)) {
    throw new TypeError(`Cannot optimize ${show(params)}: parameters are an object, name to tensor`);
  }
  const tensors = new Map<string, FullTensor>();
  for (const [name, like] of Object.entries(params)) {
    if (name === "") throw new RangeError(`Cannot use a parameter named "": the name is its identity everywhere`);
    tensors.set(name, fullTensor(`parameter "${name}"`, like));
  }
  if (tensors.size === 0) throw new RangeError("Cannot optimize an empty list of parameters");
  refuseOverlap("parameters", [...tensors].map(([name, { data }]) => [name, data] as const));
  return tensors;
}

function makeTransforms(find: Find, uses: readonly Use[] = []): TransformAtWork[] {
  if (!Array.isArray(uses)) throw new TypeError(`Cannot use transforms ${show(uses)}: they must be an array`);
  return uses.map((use, index) => {
    const { plugin, options: given } = takeUse(find, "transform", use);
    const title = titleOf(plugin);
    const scope = `${index}:${plugin.name}`;
    const options = Object.freeze(resolveOptions(title, plugin.options as AnySpecs, given));
    plugin.check?.(options);
    return { plugin, title, scope, options, scalars: transformScalarNames(plugin, scope, options) };
  });
}

function makeGroups(
  find: Find,
  main: OptimizerPlugin,
  names: readonly string[],
  given: readonly Group<unknown>[] = [],
  transforms: readonly TransformAtWork[],
): GroupAtWork[] {
  if (!Array.isArray(given)) throw new TypeError(`Cannot use groups ${show(given)}: they must be an array`);
  given.forEach((group, index) => refuseUnknownKeys(`group ${index}`, group, ["match", "options", "optimizer"]));
  const groups = splitNames(names, given).map((names, index): GroupAtWork => {
    const { options = {}, optimizer }: Partial<Group<unknown>> = given[index] ?? {};
    const plugin = optimizer === undefined ? main : takePlugin(find, "optimizer", optimizer);
    const title = titleOf(plugin);
    const specs = plugin.options as AnySpecs;
    return {
      index,
      names,
      plugin,
      title,
      specs,
      // Another algorithm's options mean other things, so such a group takes none of the optimizer's, not even lr.
      own: new Map(Object.entries(plugin === main ? checkOptions(title, specs, options) : resolveOptions(title, specs, options))),
      scheduled: [],
      slots: new Map(),
      transforms,
      count: 0,
      version: 0,
      base: {},
      current: {},
      reads: new Set(),
      scalars: { names: [], keys: [] },
      asked: null,
      values: new Map(),
    };
  });
  const plugins = new Map([main, ...groups.map(({ plugin }) => plugin)].map((plugin) => [plugin.name, plugin]));
  for (const { plugin, title } of groups) {
    if (plugins.get(plugin.name) !== plugin) throw new TypeError(`Cannot use two plugins in one optimizer that are both ${title}`);
  }
  return groups;
}

function makeSchedules(
  find: Find,
  given: Settings<unknown>["schedules"] = {},
  main: OptimizerPlugin,
  base: Values,
  groups: readonly GroupAtWork[],
): Scheduled[] {
  if (!isRecord(given)) {
    throw new TypeError(`Cannot use schedules ${show(given)}: they must be an object, option to schedule`);
  }
  return Object.entries(given).map(([option, use]) => {
    const holders = groups.filter(({ specs }) => Object.hasOwn(specs, option));
    const own = Object.hasOwn(main.options as AnySpecs, option);
    if (!own && holders.length === 0) {
      const names = new Set([main.options, ...groups.map(({ specs }) => specs)].flatMap((specs) => Object.keys(specs as AnySpecs)));
      throw new TypeError(`Cannot schedule option ${show(option)} of ${titleOf(main)}: ${known([...names], option)}`);
    }
    const value = own ? base[option] : baseOf(holders[0], base)[option];
    const values = groups.map((group) => holders.includes(group) ? baseOf(group, base)[option] : value);
    for (const one of [value, ...values]) {
      if (typeof one === "number") continue;
      const Wrong = one === null ? RangeError : TypeError;
      throw new Wrong(`Cannot schedule option "${option}" of ${titleOf(main)}: its base value ${show(one)} is not a number`);
    }
    const schedule = isSchedule(use)
      ? use
      : makeSchedule(...scheduleUse(find, use), { value: value as number, groups: values as number[] });
    if (isMetric(schedule)) {
      const count: unknown = schedule.factors()?.length;
      if (count !== groups.length) {
        throw new RangeError(`Cannot schedule option "${option}": it gives ${show(count)} factors, and there are ${groups.length} groups`);
      }
    }
    return { option, schedule };
  });
}

function scheduleUse(find: Find, use: unknown): [Parameters<typeof makeSchedule>[0], object | undefined] {
  const { plugin, options } = takeUse(find, "schedule", use);
  return [plugin, options];
}

function takeBackend({ backend, threads }: Settings<unknown>): { backend: KernelBackend; owned: boolean } {
  if (backend === undefined || typeof backend === "string") {
    return { backend: createBackend(backend, threads === undefined ? {} : { threads }) as KernelBackend, owned: true };
  }
  if (threads !== undefined) throw new TypeError("Cannot use threads together with a backend: the backend has its threads");
  const { plan, owns, disposed } = (backend ?? {}) as Partial<KernelBackend>;
  if (typeof plan !== "function" || typeof owns !== "function") {
    throw new TypeError(`Cannot use ${show(backend)} as backend: make one with createBackend`);
  }
  if (disposed) throw new TypeError(`Cannot use backend "${(backend as Backend).name}": it is disposed`);
  return { backend: backend as KernelBackend, owned: false };
}

/** Asks every rule, then takes all memory. */
function layOut(work: Work, tensors: ReadonlyMap<string, FullTensor>): void {
  const { backend, groups, cells, ordered, taken } = work;
  const groupOf = new Map(groups.flatMap((group) => group.names.map((name) => [name, group])));
  const places = new Map([...tensors.keys()].sort().map((name, index) => [name, index]));
  const plans = [...tensors].map(([name, param]) => {
    const info: TensorInfo = Object.freeze({ name, shape: param.shape, dtype: param.dtype });
    const group = groupOf.get(name)!;
    const parts = [
      rulePart(group, group.current, group.scalars, info),
      ...group.transforms.map((transform) => transformPart(transform, info)),
    ];
    return { param, info, index: places.get(name)!, group: group.index, parts, text: textOf(backend, parts, param.dtype) };
  });
  for (const plan of plans) {
    const cell = createCell(backend, plan, groups[plan.group].slots, taken, work);
    cells.push(cell);
    ordered[cell.index] = cell;
  }
}

// ------------------------------------------------------------------------------------------------------------------------------ stepping

/** Brings a group's options up to date and, where they change its texts, asks its rules again. */
function refresh(work: Work, group: GroupAtWork): void {
  const isOld = group.version !== work.version;
  if (!isOld && group.scheduled.length === 0) return;
  let base = group.base;
  if (isOld) {
    base = baseOf(group, work.base);
    group.plugin.check?.(base);
  }
  const current = currentOf(group, base, work.steps);
  if (needsRules(group, current)) {
    const scalars = scalarNames(group, current);
    const cells = work.cells.filter((cell) => cell.group === group.index);
    const texts = cells.map((cell) => newText(work.backend, cell, rulePart(group, current, scalars, cell.info)));
    cells.forEach((cell, i) => cell.text = texts[i]);
    group.scalars = scalars;
  }
  group.base = base;
  group.version = work.version;
  takeCurrent(group, current);
}

function newText(backend: KernelBackend, cell: Cell, part: Part): Text {
  const parts = [part, ...cell.transforms];
  if (slotsText(parts) !== cell.slotsText) {
    throw new TypeError(
      `Cannot change the options of ${part.title} like this: parameter "${cell.info.name}" would need other slots; make a new optimizer`,
    );
  }
  return textOf(backend, parts, cell.param.dtype);
}

/** The cells that an entry runs over, with their gradients set; nothing is copied yet. */
function select(work: Work, entry: string, grads: Grads | undefined): Cell[] {
  const { ordered } = work;
  if (grads === undefined) {
    const cells = ordered.filter(({ text }) => hasEntry(text, entry));
    for (const cell of cells) {
      const reads = entry === "update" || programOf(cell.text, entry, cell.param.dtype).tensors.includes("g");
      cell.gradient = reads ? ownGradient(cell, cell.param.dtype, work) : null;
      cell.source = null;
    }
    return cells;
  }
  if (!isRecord(grads)) {
    throw new TypeError(`Cannot use ${show(grads)} as gradients: they are an object, name to tensor`);
  }
  const cells: Cell[] = [];
  let found = 0;
  for (const cell of ordered) {
    const { name } = cell.info;
    if (!Object.hasOwn(grads, name)) continue;
    found++;
    const gradient = grads[name];
    if (gradient === null || gradient === undefined) continue;
    takeGradient(cell, gradient, work);
    cells.push(cell);
  }
  const names = Object.keys(grads);
  if (names.length !== found) {
    const all = ordered.map(({ info }) => info.name);
    const wrong = names.find((name) => !all.includes(name))!;
    throw new TypeError(`Cannot use the gradient of ${show(wrong)}: there is no such parameter; ${known(all, wrong)}`);
  }
  return entry === "update" ? cells : cells.filter(({ text }) => hasEntry(text, entry));
}

/** Everything that can fail, before anything is written. */
function prepare(work: Work, entry: string, grads: Grads | undefined): Laid | null {
  for (const group of work.groups) refresh(work, group);
  const cells = select(work, entry, grads);
  if (cells.length === 0) return null;
  checkArrays(cells);
  const laid = lay(work, entry, cells);
  for (let i = 0; i < cells.length; i++) laid.values[i] = valuesAt(work.groups[cells[i].group], timeOf(work, cells[i]));
  return laid;
}

/** Refuses parameters whose arrays were transferred or resized since. */
function checkArrays(cells: readonly Cell[]): void {
  for (const { raw, size, info } of cells) {
    if (raw.length !== size) {
      throw new RangeError(`Cannot reach parameter "${info.name}": its array has ${raw.length} elements now, not ${size}`);
    }
  }
}

/** t of a tensor's coming step. */
function timeOf(work: Work, cell: Cell): number {
  return countOf(work, cell) + 1;
}

/** Steps so far, as the tensor's algorithm counts them. */
function countOf({ groups, steps }: Work, cell: Cell): number {
  const group = groups[cell.group];
  switch (group.plugin.counts) {
    case "optimizer":
      return steps;
    case "group":
      return group.count;
    default:
      return cell.count;
  }
}

/** The plan for these cells, their gradients and their texts. */
function lay(work: Work, entry: string, cells: Cell[]): Laid {
  let made = work.laid.get(entry);
  if (made === undefined) work.laid.set(entry, made = []);
  for (let i = made.length - 1; i >= 0; i--) {
    if (!isLaidFor(made[i], cells)) continue;
    if (i < made.length - 1) made.push(...made.splice(i, 1));
    return made[made.length - 1];
  }
  const programs = cells.map(({ text, gradient }) => programOf(text, entry, gradient?.dtype ?? text.p));
  const plan = work.backend.plan(cells.map((cell, i) => itemOf(work, cell, programs[i], { g: cell.gradient! })));
  const laid = {
    cells,
    groups: [...new Set(cells.map(({ group }) => work.groups[group]))],
    gradients: cells.map(({ gradient }) => gradient),
    texts: cells.map(({ text }) => text),
    writes: programs.some(({ writes }) => writes.includes("p")),
    plan,
    values: [],
  };
  if (made.length >= mostLaid) made.shift()!.plan.dispose();
  made.push(laid);
  return laid;
}

function isLaidFor(laid: Laid, cells: readonly Cell[]): boolean {
  if (laid.cells.length !== cells.length) return false;
  for (let i = 0; i < cells.length; i++) {
    const cell = cells[i];
    if (laid.cells[i] !== cell || laid.gradients[i] !== cell.gradient || laid.texts[i] !== cell.text) return false;
  }
  return true;
}

function itemOf(
  { groups }: Work,
  cell: Cell,
  program: Program,
  more: Readonly<Record<string, Tensor>>,
): Parameters<KernelBackend["plan"]>[0][number] {
  const tensors: Record<string, Tensor> = {};
  for (const key of program.tensors) tensors[key] = cell.tensors[key] ?? more[key];
  return { program, extent: cell.extent, tensors, scalarSlots: cell.scalarSlots, groupSlots: groups[cell.group].slots };
}

/** Copies in, runs, copies out. */
function execute(backend: KernelBackend, { cells, plan, values, writes }: Laid): void {
  for (const cell of cells) copyGradient(cell);
  for (const cell of cells) {
    copyIn(cell);
    if (!cell.primed) primeSlots(backend, cell);
    cell.primed = true;
  }
  plan.run(values);
  if (writes) { for (const { copied, raw, p } of cells) if (copied) raw.set(p.data as Raw); }
}

function copyIn({ copied, raw, p }: Cell): void {
  if (copied) (p.data as Raw).set(raw);
}

/** The parameters at another point, into new arrays or given ones. */
function pointOf(work: Work, name: string, into: Tensors | undefined): Record<string, Tensor> {
  const { backend, cells, ordered, groups } = work;
  const entry = `point ${name}`;
  for (const group of groups) refresh(work, group);
  if (!cells.some(({ text }) => hasEntry(text, entry))) {
    throw new TypeError(
      `Cannot compute point ${show(name)}: ${known([...new Set(cells.flatMap(({ text }) => [...text.splice.points.keys()]))], name)}`,
    );
  }
  checkArrays(cells);
  const targets = into === undefined ? new Map(cells.map((cell) => [cell, emptyLike(cell.param)])) : checkTargets(cells, into);
  const borrowed: Tensor[] = [];
  let plan: Plan | undefined;
  try {
    const computed = ordered.filter((cell) => targets.has(cell) && hasEntry(cell.text, entry));
    const outs = computed.map((cell) => {
      const target = { ...targets.get(cell)!, data: rawOf(targets.get(cell)!.data) };
      if (backend.owns(target) && backend.together(target, cell.p)) return target;
      const [out] = backend.reserve([cell.p], [{ shape: cell.param.shape, dtype: cell.param.dtype }]);
      borrowed.push(out);
      return out;
    });
    plan = backend.plan(computed.map((cell, i) => itemOf(work, cell, programOf(cell.text, entry, undefined), { out: outs[i] })));
    const values = computed.map((cell) => valuesAt(groups[cell.group], timeOf(work, cell)));
    for (const cell of computed) {
      copyIn(cell);
      if (!cell.primed) primeSlots(backend, cell);
    }
    plan.run(values);
    computed.forEach((cell, i) => {
      const raw = rawOf(targets.get(cell)!.data);
      if (raw !== outs[i].data) raw.set(outs[i].data as Raw);
    });
    for (const [cell, { data }] of targets) if (!hasEntry(cell.text, entry)) rawOf(data).set(cell.raw); // no such point: the parameter itself
  } finally {
    plan?.dispose();
    for (const tensor of borrowed) backend.release(tensor);
  }
  const result: Record<string, Tensor> = {};
  for (const [cell, tensor] of targets) put(result, cell.info.name, tensor);
  return result;
}

function emptyLike({ data, shape, dtype }: FullTensor): FullTensor {
  const { length } = data;
  const empty = data instanceof Float32Array
    ? new Float32Array(length)
    : data instanceof Uint16Array
    ? new Uint16Array(length)
    : new Float16Array(length);
  return { data: empty, shape, dtype };
}

function checkTargets(cells: readonly Cell[], into: Tensors): Map<Cell, FullTensor> {
  const names = cells.map(({ info }) => info.name);
  if (!isRecord(into)) throw new TypeError(`Cannot write a point into ${show(into)}: targets are an object, name to tensor`);
  const targets = new Map<Cell, FullTensor>();
  for (const [name, like] of Object.entries(into)) {
    const cell = cells[names.indexOf(name)];
    if (cell === undefined) throw new TypeError(`Cannot write a point of ${show(name)}: there is no such parameter; ${known(names, name)}`);
    const { param } = cell;
    const tensor = fullTensor(`the target of "${name}"`, like);
    const bare = ArrayBuffer.isView(like) || (like as Tensor).shape === undefined;
    if (tensor.dtype !== param.dtype || tensor.data.length !== param.data.length || !(bare || sameShape(tensor.shape, param.shape))) {
      throw new RangeError(
        `Cannot write a point of "${name}" into ${tensor.dtype} of shape ${show(tensor.shape)}: it is ${param.dtype} of shape ${
          show(param.shape)
        }`,
      );
    }
    targets.set(cell, { ...tensor, shape: param.shape });
  }
  refuseOverlap("targets and parameters", [
    ...cells.map(({ info, raw }) => [info.name, raw] as const),
    ...[...targets].map(([{ info }, { data }]) => [`${info.name} of into`, data] as const),
  ]);
  return targets;
}

// -------------------------------------------------------------------------------------------------------------------------------- state

/** Every number that the next step depends on, in the order of the parameters. */
function entriesOf({ cells, groups }: Work): Entry[] {
  const entries: Entry[] = [];
  for (const cell of cells) {
    const { info, raw, param, slots, scalarSlots } = cell;
    entries.push({ key: info.name, shape: param.shape, dtype: param.dtype, data: raw });
    for (const { key, slot, shape, tensor } of slots) {
      if (slot.key === null || slot.shape === "group") continue;
      const name = `${info.name}.${slot.key}`;
      if (tensor !== null) entries.push({ key: name, shape, dtype: tensor.dtype, data: tensor.data as Raw });
      else {entries.push({
          key: name,
          shape,
          dtype: "float64",
          get: () => scalarSlots.get(key)!,
          set: (value) => scalarSlots.set(key, value),
        });}
    }
    entries.push({
      key: `${info.name}.step`,
      shape: [],
      dtype: "float64",
      counts: true,
      get: () => cell.count,
      set: (value) => cell.count = value,
    });
  }
  for (const { index, slots } of groups) {
    const keys = new Map(
      cells.filter(({ group }) => group === index).flatMap(({ slots }) => slots).filter(({ slot }) => slot.shape === "group")
        .map(({ key, slot }) => [key, slot.key]),
    );
    for (const [key, name] of keys) {
      if (name !== null) {
        entries.push({
          key: `group.${index}.${name}`,
          shape: [],
          dtype: "float64",
          get: () => slots.get(key)!,
          set: (value) => slots.set(key, value),
        });
      }
    }
  }
  const keys = new Set<string>();
  for (const { key } of entries) {
    if (keys.has(key)) throw new TypeError(`Cannot keep two states under the key "${key}": a parameter and a slot, or two slots, share it`);
    keys.add(key);
  }
  return entries;
}

// -------------------------------------------------------------------------------------------------------------------------- from outside

function present(work: Work, scheduled: readonly Scheduled[], owned: boolean): CheckedOptimizer {
  const { main, backend, groups, cells, base } = work;
  const title = titleOf(main);
  let disposed = false;
  const alive = (action: string): void => {
    if (disposed) throw new TypeError(`Cannot ${action} ${title}: it is disposed`);
    if (backend.disposed) throw new TypeError(`Cannot ${action} ${title}: its backend is disposed`);
  };
  const assign = (own: { set(name: string, value: unknown): unknown }) => (name: string, value: unknown): void => {
    own.set(name, value);
    work.version++;
  };
  const metrics = scheduled.filter((one): one is Scheduled & { readonly schedule: MetricSchedule } => isMetric(one.schedule));
  const inputs = inputsOf(cells);
  const about = {
    optimizer: main.name,
    schedules: metrics.filter(hasState),
    groups: groups.filter(({ plugin }) => plugin.counts === "group"),
  };

  const check = (names: ReadonlySet<string>): void => {
    alive("step");
    for (const group of groups) refresh(work, group);
    const reached = work.ordered.filter(({ info }) => names.has(info.name));
    checkArrays(reached);
    for (const cell of reached) valuesAt(groups[cell.group], timeOf(work, cell));
  };
  const optimizer: Optimizer<unknown> = {
    name: main.name,
    backend,
    options: optionsView(title, main.options as AnySpecs, (name) => base[name], assign({ set: (name, value) => base[name] = value })),
    groups: Object.freeze(groups.map((group) => {
      const { names, specs, own } = group;
      const read = (name: string): unknown => own.has(name) ? own.get(name) : base[name];
      return Object.freeze({
        names: Object.freeze([...names]),
        options: optionsView(group.title, specs, read, assign(own)),
        current: optionsView(group.title, specs, (name) => {
          const one = group.scheduled.find(({ option }) => option === name);
          return one === undefined ? read(name) : valueAt(one, read(name), group.index, work.steps);
        }),
      });
    })),
    params: record(cells, ({ param }) => param),
    grads: lazily(cells, (cell) => {
      alive("give the gradients of");
      const { data, shape, dtype } = ownGradient(cell, cell.param.dtype, work);
      return { data, shape, dtype };
    }),
    get inputs() {
      alive("give the inputs of");
      return inputs;
    },
    get steps() {
      return work.steps;
    },
    step(grads?: Grads): StepReport {
      alive("step");
      const laid = prepare(work, "update", grads);
      if (laid === null) return { applied: false, step: work.steps };
      execute(backend, laid);
      for (const cell of laid.cells) cell.count++;
      for (const group of laid.groups) group.count++;
      work.steps++;
      return { applied: true, step: work.steps };
    },
    run(entry: string, grads?: Grads): void {
      alive("run");
      if (!cells.some(({ text }) => text.splice.also.has(entry))) {
        throw new TypeError(
          `Cannot run ${show(entry)} of ${title}: ${
            known([...new Set(cells.flatMap(({ text }) => [...text.splice.also.keys()]))], String(entry))
          }`,
        );
      }
      const laid = prepare(work, `also ${entry}`, grads);
      if (laid !== null) execute(backend, laid);
    },
    point(name: string, into?: Tensors): Record<string, Tensor> {
      alive("compute a point of");
      return pointOf(work, name, into);
    },
    update(metric: number): void {
      alive("update");
      if (typeof metric !== "number") throw new TypeError(`Cannot update ${title} with ${show(metric)}: a metric is a number`);
      for (const { schedule } of metrics) schedule.update(metric);
    },
    readings(): (number | null)[] {
      alive("read");
      return groups.map((group) => readingOf(work, group));
    },
    saveState() {
      alive("save");
      checkArrays(cells);
      for (const cell of cells) {
        if (cell.primed) continue;
        copyIn(cell);
        primeSlots(backend, cell);
      }
      return saveEntries(entriesOf(work), { ...about, steps: work.steps });
    },
    loadState(state) {
      alive("load");
      checkArrays(cells);
      work.steps = loadEntries(title, entriesOf(work), state, about);
      for (const cell of cells) cell.primed = true;
    },
    [Symbol.dispose](): void {
      if (disposed) return;
      disposed = true;
      for (const plans of work.laid.values()) for (const { plan } of plans) if (!backend.disposed) plan.dispose();
      work.laid.clear();
      if (owned) backend[Symbol.dispose]();
      else if (!backend.disposed) { for (const tensor of work.taken) backend.release(tensor); }
      work.taken.length = 0;
    },
  };
  return { optimizer, check };
}

/** A metric schedule whose state can be read and put back, as plateau's. */
const hasState = (one: Scheduled): one is StatefulSchedule => typeof one.schedule === "object" && "state" in one.schedule;

/** What the plugin says of a group's first tensor: at t = 0 before the first step, and nothing as long as that tensor had no step. */
function readingOf(work: Work, group: GroupAtWork): number | null {
  const { base, cells, steps } = work;
  const { plugin, index, slots } = group;
  const first = cells.find((cell) => cell.group === index);
  if (plugin.reading === undefined || first === undefined || (steps > 0 && first.count === 0)) return null;
  const values: Record<string, number> = {};
  for (const { name, key, slot } of first.slots) {
    if (key !== `${plugin.name}/${name}`) continue;
    if (slot.shape === "scalar") values[name] = first.scalarSlots.get(key)!;
    if (slot.shape === "group") values[name] = slots.get(key)!;
  }
  const reading = plugin.reading(currentOf(group, baseOf(group, base), steps), countOf(work, first), values, maths);
  return Number.isFinite(reading) ? reading : null;
}

function inputsOf(cells: readonly Cell[]): Record<string, Record<string, Tensor>> {
  const inputs: Record<string, Record<string, Tensor>> = {};
  for (const { info, slots } of cells) {
    for (const { name, slot, tensor, title } of slots) {
      if (slot.input !== true) continue;
      if (tensor === null) throw new TypeError(`Cannot use slot "${name}" of ${title} as an input: it has no memory of its own`);
      if (!Object.hasOwn(inputs, name)) put(inputs, name, {});
      if (Object.hasOwn(inputs[name], info.name)) {
        throw new TypeError(`Cannot use ${title}: another plugin has an input slot "${name}" too`);
      }
      put(inputs[name], info.name, tensor);
    }
  }
  return inputs;
}

function record<T>(cells: readonly Cell[], of: (cell: Cell) => T): Record<string, T> {
  const made: Record<string, T> = {};
  for (const cell of cells) put(made, cell.info.name, of(cell));
  return made;
}

function lazily<T>(cells: readonly Cell[], of: (cell: Cell) => T): Record<string, T> {
  const made: Record<string, T> = {};
  for (const cell of cells) Object.defineProperty(made, cell.info.name, { enumerable: true, get: () => of(cell) });
  return Object.preventExtensions(made);
}
