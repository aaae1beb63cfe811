/**
 * An optimizer: memory, texts and options of named tensors, and the step.
 *
 * A step first checks everything and asks every plugin, then writes. So an error leaves all as it was.
 *
 * @module
 */
import { maths } from "../../kernels/math.ts";
import type { KernelBackend } from "../../kernels/backend.ts";
import type { Tensor } from "../../kernels/types.ts";
import { createBackend, takeBackend } from "../backend.ts";
import { type Cell, createCell, primeSlots } from "./param_state.ts";
import { ownGradient } from "./gradients.ts";
import {
  baseOf,
  currentOf,
  type GroupAtWork,
  makeGroups,
  makeTransforms,
  rulePart,
  scalarNames,
  takeCurrent,
  transformPart,
  valuesAt,
} from "./group.ts";
import { optionsView } from "./match.ts";
import { about, allAbout } from "../errors.ts";
import { isRecord, known, refuseUnknownKeys, show } from "../names.ts";
import type { AnySpecs, Values } from "../plugin/options.ts";
import type { OptimizerPlugin, TensorInfo } from "../plugin/contract.ts";
import { pointOf } from "./points.ts";
import { checkReturns, isMetric, isSchedule, type Scheduled, schedulesOf, valueAt } from "../plugin/schedules.ts";
import { entriesOf, loadEntries, saveEntries, type StatefulSchedule } from "./state.ts";
import { type FullTensor, fullTensor, put, refuseOverlap } from "../tensors.ts";
import { textOf } from "./programs.ts";
import type { Grads, MetricSchedule, Optimizer, Settings, StepReport, Tensors, Use } from "../types.ts";
import { ask, type Find, findNothing, optionsOf, takePlugin, titleOf } from "../plugin/use.ts";
import { checkArrays, copyIn, countOf, execute, prepare, refresh, timeOf, type Work } from "./step.ts";

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
  const base = optionsOf(main, options as object | undefined);
  const transforms = makeTransforms(find, settings.transforms);
  const groups = makeGroups(find, main, [...tensors.keys()], settings.groups, transforms);
  const scheduled = makeSchedules(find, settings.schedules, main, base, groups);
  for (const group of groups) group.scheduled.push(...scheduled.filter(({ option }) => Object.hasOwn(group.specs, option)));
  ask(main, () => main.check?.(Object.freeze({ ...base })));
  for (const group of groups) {
    group.base = baseOf(group, base);
    allAbout({ group: group.index }, () => ask(group.plugin, () => group.plugin.check?.(group.base)));
    takeCurrent(group, currentOf(group, group.base, 0));
    group.scalars = scalarNames(group, group.current);
  }
  const { backend, owned } = makeOrTake(settings);
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
    entriesOf(work.cells, groups); // refuses keys that clash
    return present(work, scheduled, owned);
  } catch (error) {
    if (owned) backend[Symbol.dispose]();
    else for (const tensor of work.taken) backend.release(tensor);
    throw error;
  }
}

// ------------------------------------------------------------------------------------------------------------------------------- making

function checkParams(params: unknown): Map<string, FullTensor> {
  if (!isRecord(params)) {
    throw new TypeError(`Cannot optimize ${show(params)}: parameters are an object, name to tensor`);
  }
  const tensors = new Map<string, FullTensor>();
  for (const [name, like] of Object.entries(params)) {
    if (name === "") throw about(new RangeError(`Cannot use a parameter named "": the name is its identity everywhere`), { tensor: "" });
    tensors.set(name, allAbout({ tensor: name }, () => fullTensor(`parameter "${name}"`, like)));
  }
  if (tensors.size === 0) throw new RangeError("Cannot optimize an empty list of parameters");
  refuseOverlap("parameters", [...tensors].map(([name, { data }]) => [name, data] as const));
  return tensors;
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
      const message = `Cannot schedule option ${show(option)} of ${titleOf(main)}: ${known([...names], option)}`;
      throw about(new TypeError(message), { plugin: main.name, option });
    }
    const value = own ? base[option] : baseOf(holders[0], base)[option];
    const values = groups.map((group) => holders.includes(group) ? baseOf(group, base)[option] : value);
    for (const one of [value, ...values]) {
      if (typeof one === "number") continue;
      const Wrong = one === null ? RangeError : TypeError;
      const message = `Cannot schedule option "${option}" of ${titleOf(main)}: its base value ${show(one)} is not a number`;
      throw about(new Wrong(message), { plugin: main.name, option });
    }
    const schedule = isSchedule(use)
      ? checkReturns(use)
      : schedulesOf(find)(use as Use, { value: value as number, groups: values as number[] });
    if (isMetric(schedule)) {
      const count: unknown = schedule.factors()?.length;
      if (count !== groups.length) {
        const message = `Cannot schedule option "${option}": it gives ${show(count)} factors, and there are ${groups.length} groups`;
        throw about(new RangeError(message), { option });
      }
    }
    return { option, schedule };
  });
}

function makeOrTake({ backend, threads }: Settings<unknown>): { backend: KernelBackend; owned: boolean } {
  if (backend === undefined || typeof backend === "string") {
    return { backend: createBackend(backend, threads === undefined ? {} : { threads }) as KernelBackend, owned: true };
  }
  if (threads !== undefined) throw new TypeError("Cannot use threads together with a backend: the backend has its threads");
  return { backend: takeBackend(backend), owned: false };
}

/** Asks every rule, then takes all memory. */
function layOut(work: Work, tensors: ReadonlyMap<string, FullTensor>): void {
  const { backend, groups, cells, ordered, taken } = work;
  const groupOf = new Map(groups.flatMap((group) => group.names.map((name) => [name, group])));
  const places = new Map([...tensors.keys()].sort().map((name, index) => [name, index]));
  const plans = [...tensors].map(([name, param]) =>
    allAbout({ tensor: name, group: groupOf.get(name)!.index }, () => {
      const info: TensorInfo = Object.freeze({ name, shape: param.shape, dtype: param.dtype });
      const group = groupOf.get(name)!;
      const parts = [
        rulePart(group, group.current, group.scalars, info),
        ...group.transforms.map((transform) => transformPart(transform, info)),
      ];
      return { param, info, index: places.get(name)!, group: group.index, parts, text: textOf(backend, parts, param.dtype) };
    })
  );
  for (const plan of plans) {
    const { name } = plan.info;
    const cell = allAbout({ tensor: name }, () => createCell(backend, plan, groups[plan.group].slots, taken, work));
    cells.push(cell);
    ordered[cell.index] = cell;
  }
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
    options: optionsView(main, (name) => base[name], assign({ set: (name, value) => base[name] = value })),
    groups: Object.freeze(groups.map((group) => {
      const { names, plugin, own } = group;
      const read = (name: string): unknown => own.has(name) ? own.get(name) : base[name];
      return Object.freeze({
        names: Object.freeze([...names]),
        options: optionsView(plugin, read, assign(own)),
        current: optionsView(plugin, (name) => {
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
          `Cannot run ${show(entry)} of ${title}: ${known([...new Set(cells.flatMap(({ text }) => [...text.splice.also.keys()]))], entry)}`,
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
      for (const { option, schedule } of metrics) allAbout({ option }, () => schedule.update(metric));
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
      return saveEntries(entriesOf(cells, groups), { ...about, steps: work.steps });
    },
    loadState(state) {
      alive("load");
      checkArrays(cells);
      work.steps = loadEntries(title, entriesOf(cells, groups), state, about);
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
  const options = currentOf(group, baseOf(group, base), steps);
  const reading = ask(plugin, () => plugin.reading!(options, countOf(work, first), values, maths));
  return Number.isFinite(reading) ? reading : null;
}

function inputsOf(cells: readonly Cell[]): Record<string, Record<string, Tensor>> {
  const inputs: Record<string, Record<string, Tensor>> = {};
  for (const { info, slots } of cells) {
    for (const { name, slot, tensor, title, plugin } of slots) {
      if (slot.input !== true) continue;
      if (tensor === null) {
        throw about(new TypeError(`Cannot use slot "${name}" of ${title} as an input: it has no memory of its own`), { plugin });
      }
      if (!Object.hasOwn(inputs, name)) put(inputs, name, {});
      if (Object.hasOwn(inputs[name], info.name)) {
        throw about(new TypeError(`Cannot use ${title}: another plugin has an input slot "${name}" too`), { plugin });
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
