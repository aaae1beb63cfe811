/**
 * An optimizer over variables of tfjs.
 *
 * @module
 */
import { disposeSymbol } from "../../../kernels/dispose.ts";
import { createBackend, deviceSideOf, takeBackend } from "../../../core/backend.ts";
import { about } from "../../../core/errors.ts";
import { isRecord, known, show } from "../../../core/names.ts";
import { splitNames } from "../../../core/optimizer/match.ts";
import type { OptimizerPlugin, Plugin } from "../../../core/plugin/contract.ts";
import type { NameOf, OptionsOf } from "../../../core/plugin/typed.ts";
import { put, sameShape } from "../../../core/tensors.ts";
import type { Disposable, Grads, LoadReport, Optimizer, StateDict, StepReport, Tensors } from "../../../core/types.ts";
import type { Builtins } from "../../builtins.ts";
import { optimizerOver, refuseMissing } from "../bound.ts";
import { deviceMemory } from "./device_memory.ts";
import { hostMemory } from "./host_memory.ts";
import { type Cell, isTensor, type Memory } from "./memory.ts";
import type { TfGrads, TfSettings, TfTensor, TfVariable, TfWeight } from "./types.ts";

/** An optimizer over variables of tfjs. */
export interface Bound<Options = unknown> extends Disposable {
  /**
   * The optimizer: its options, groups, readings. Its parameters are copies, which the methods here bring up to date before and after; so step, load
   * and save through those.
   */
  readonly optimizer: Optimizer<Options>;
  /** The variables, by name. */
  readonly variables: Readonly<Record<string, TfVariable>>;
  /**
   * One update, with gradients as `tf.variableGrads` gives them; they stay the caller's, to be disposed. A variable whose gradient is null
   * stands still.
   *
   * An error leaves everything as it was. TypeError: a gradient of no variable here, or one that is no tensor, is disposed or not in float32; a
   * variable that is disposed, or of which there is neither a gradient nor null. RangeError: another shape than the variable's. Else the errors of `Optimizer.step`.
   */
  step(grads: TfGrads): StepReport;
  /** A rule's `also` entry, as `sam`'s `"ascend"`; counts no step. Errors are those of `step`. */
  run(entry: string, grads: TfGrads): void;
  /**
   * Variables that come later. Without `to` each goes to the group whose `match` finds it, as if it had been there from the start. Errors are those of
   * {@linkcode bind}; one group's variables are added together, or none of them.
   */
  add(variables: readonly (TfVariable | TfWeight)[], to?: { readonly group?: number; readonly options?: Partial<Options> }): void;
  /**
   * Runs a function while the variables are at another point, as `"ema"` or schedule-free's `"eval"`, waits for it, and puts them back. Meanwhile every
   * other call is a TypeError.
   */
  at<Result>(point: string, run: () => Result | Promise<Result>): Promise<Result>;
  /** Variables, slots and step counts in copies, under the variables' names. */
  saveState(): StateDict;
  /** The same, also where the optimizer's memory is a GPU's. */
  saveStateAsync(): Promise<StateDict>;
  /** Takes a saved state, as `Optimizer.loadState` does, and gives the variables what is in it. */
  loadState(state: StateDict, options?: { readonly partial?: boolean }): LoadReport;
  /** Gives the optimizer's memory back. The variables stay as they are. */
  dispose(): void;
}

/** What is bound, and to what. */
interface State {
  readonly optimizer: Optimizer;
  readonly memory: Memory;
  /** Ends a backend that was made for this one. */
  readonly end: () => void;
  /** By the variables' own names. */
  readonly cells: Map<string, Cell>;
  readonly groups: NonNullable<TfSettings["groups"]>;
  /** The group of what no `match` finds; undefined where there is none yet. */
  restGroup: number | undefined;
  isAway: boolean;
  isDisposed: boolean;
}

/**
 * Makes an optimizer over variables of tfjs, by an algorithm's name. {@linkcode tfOptimizer} makes one for `model.compile` and `minimize`.
 *
 * The variables are what is updated, on whatever backend tfjs has them, and may be assigned in between. No tensor is left behind: `tf.memory()` counts
 * as many after a step as before.
 *
 * On tfjs' backend `"webgpu"` all stays on the GPU where the setting `backend` is one on its device:
 * `await createWebGpuBackend({ device: tf.backend().device })`. Without one, as on `"webgl"`, a step reads gradients, and variables that were assigned,
 * with `dataSync`. Await their `data()` before: tfjs then has them here. (On `"webgpu"` `dataSync` itself goes through a canvas, which only pages have,
 * and slowly.)
 *
 * TypeError: an unknown name, option or setting, what is no variable, a variable that is disposed, not trainable, not in float32, or there twice, by
 * its name. RangeError: no variables. Else the errors of `createOptimizer`. After an error no memory is taken.
 *
 * @example Usage
 * ```ts ignore
 * import * as tf from "@tensorflow/tfjs";
 * import "@tensorflow/tfjs-backend-wasm";
 * import { bind } from "@glissade/optim/adapters/tfjs";
 *
 * await tf.setBackend("wasm");
 * const w = tf.variable(tf.tensor1d([1, 2]));
 * const bound = bind([w], "adamw", { lr: 0.1 }, { tf, transforms: [{ name: "clip_global_norm", options: { maxNorm: 1 } }] });
 * const { value, grads } = tf.variableGrads(() => w.square().sum());
 * bound.step(grads);
 * tf.dispose([value, grads]);
 * w.print(); // has moved
 * bound.dispose();
 * ```
 *
 * @param variables Variables, or a model's `trainableWeights`.
 * @param name Which algorithm.
 * @param options Its options.
 * @param settings Groups, transforms, schedules, where their names are found, and tfjs' namespace.
 */
export function bind<
  const P extends readonly Plugin[] = Builtins,
  const N extends NameOf<P, "optimizer"> = NameOf<P, "optimizer">,
>(
  variables: readonly (TfVariable | TfWeight)[],
  name: N,
  options?: OptionsOf<P, "optimizer", N>,
  settings?: TfSettings<OptionsOf<P, "optimizer", N>, P>,
): Bound<OptionsOf<P, "optimizer", N>>;
/** The same by a plugin. */
export function bind<Name extends string, Options>(
  variables: readonly (TfVariable | TfWeight)[],
  plugin: OptimizerPlugin<Name, Options>,
  options?: Options,
  settings?: TfSettings<Options>,
): Bound<Options>;
export function bind(
  variables: readonly (TfVariable | TfWeight)[],
  named: unknown,
  options?: unknown,
  settings?: TfSettings,
): Bound {
  return createBound(variables, named, options, settings);
}

/** `bind` without its types; with other names in the optimizer than the variables', if some are given. */
export function createBound(
  variables: readonly (TfVariable | TfWeight)[],
  named: unknown,
  options: unknown,
  given: TfSettings = {},
  names?: readonly string[],
): Bound {
  const { tf, backend, threads, ...rest } = given;
  const taken = takeVariables(variables, new Map());
  if (taken.length === 0) throw new RangeError("Cannot bind an empty list of variables");
  const ownsBackend = backend === undefined || typeof backend === "string";
  const made = takeBackend(ownsBackend ? createBackend(backend, threads === undefined ? {} : { threads }) : backend);
  const memory = deviceSideOf(made) === undefined ? hostMemory(tf, made) : deviceMemory(tf, made);
  // With a backend that is given, threads are refused as they are by every optimizer.
  const settings = { ...rest, backend: made, ...!ownsBackend && threads !== undefined && { threads } };
  try {
    return withCells(memory, taken, names ?? namesOf(taken), (cells) => {
      const optimizer = optimizerOver(paramsOf(cells), named, options, settings);
      const { groups = [] } = rest;
      return showBound({
        optimizer,
        memory,
        end: ownsBackend ? () => made.dispose() : () => {},
        cells: new Map(cells.map((cell) => [cell.variable.name, cell])),
        groups,
        restGroup: optimizer.groups.length > groups.length ? groups.length : undefined,
        isAway: false,
        isDisposed: false,
      });
    });
  } catch (error) {
    if (ownsBackend) made.dispose();
    throw error;
  }
}

/** What `bind` gives. */
function showBound(state: State): Bound {
  const { optimizer, cells } = state;
  return Object.freeze<Bound>({
    optimizer,
    get variables() {
      const all: Record<string, TfVariable> = {};
      for (const [name, { variable }] of cells) put(all, name, variable);
      return all;
    },
    step(grads) {
      check(state, "step");
      return apply(state, grads, (grads) => optimizer.step(grads), ({ applied }) => applied);
    },
    run(entry, grads) {
      check(state, "run");
      apply(state, grads, (grads) => optimizer.run(entry, grads), () => true);
    },
    add(variables, to) {
      check(state, "add variables to");
      add(state, takeVariables(variables, cells), to);
    },
    at(point, run) {
      check(state, "move");
      return at(state, point, run);
    },
    saveState() {
      check(state, "save");
      state.memory.read([...cells.values()]);
      return optimizer.saveState();
    },
    async saveStateAsync() {
      check(state, "save");
      state.memory.read([...cells.values()]);
      return await optimizer.saveStateAsync();
    },
    loadState(saved, options) {
      check(state, "load a state into");
      const all = [...cells.values()];
      state.memory.read(all); // what a partial state lacks stays as the variables are
      const report = optimizer.loadState(saved, options);
      state.memory.write(all);
      return report;
    },
    dispose: () => dispose(state),
    [disposeSymbol]: () => dispose(state),
  });
}

function check({ isDisposed, isAway }: State, action: string): void {
  if (isDisposed) throw new TypeError(`Cannot ${action} a bound optimizer: it is disposed`);
  if (isAway) throw new TypeError(`Cannot ${action} a bound optimizer: its variables are at another point until what \`at\` runs is done`);
}

// ---- variables

/** Variables as they are given, checked; `others` are there already. */
function takeVariables(given: unknown, others: ReadonlyMap<string, Cell>): TfVariable[] {
  if (!Array.isArray(given)) throw new TypeError(`Cannot bind ${show(given)}: give a list of variables, or a model's trainableWeights`);
  const names = new Set(others.keys());
  return given.map((one, i) => {
    const variable = takeVariable(one, i);
    const { name } = variable;
    if (names.has(name)) throw about(new TypeError(`Cannot bind two variables of the name "${name}"`), { tensor: name });
    names.add(name);
    return variable;
  });
}

function takeVariable(one: unknown, i: number): TfVariable {
  const { read } = (one ?? {}) as Partial<TfWeight>;
  const variable = (typeof read === "function" ? read.call(one) : one) as TfVariable;
  if (!isTensor(variable) || typeof variable.assign !== "function" || typeof variable.name !== "string") {
    throw new TypeError(`Cannot bind ${show(variable)} at ${i} of the list: it is no tf.Variable`);
  }
  const { name, isDisposed, trainable, dtype } = variable;
  const why = isDisposed
    ? "it is disposed"
    : dtype !== "float32"
    ? `its dtype is ${dtype}, and optimizers take float32`
    : trainable
    ? undefined
    : "it is not trainable";
  if (why !== undefined) throw about(new TypeError(`Cannot bind variable "${name}": ${why}`), { tensor: name });
  return variable;
}

/** Takes memory for variables, reads them and runs what may fail; an error gives it back. */
function withCells<Result>(
  memory: Memory,
  variables: readonly TfVariable[],
  names: readonly string[],
  run: (cells: readonly Cell[]) => Result,
): Result {
  const cells: Cell[] = [];
  try {
    variables.forEach((variable, i) => cells.push(memory.take(variable, names[i])));
    memory.read(cells);
    return run(cells);
  } catch (error) {
    memory.release(cells);
    throw error;
  }
}

const namesOf = (variables: readonly TfVariable[]): string[] => variables.map(({ name }) => name);

function paramsOf(cells: readonly Cell[]): Tensors {
  const params: Record<string, Tensors[string]> = {};
  for (const { name, param } of cells) put(params, name, param);
  return params;
}

function add(state: State, variables: readonly TfVariable[], to: Parameters<Bound["add"]>[1]): void {
  const { optimizer, memory, cells, groups } = state;
  const addTo = (of: readonly TfVariable[], to: Parameters<Bound["add"]>[1]): void =>
    withCells(memory, of, namesOf(of), (made) => {
      optimizer.add(paramsOf(made), to);
      for (const cell of made) cells.set(cell.variable.name, cell);
    });
  if (to !== undefined) return addTo(variables, to);
  const there = [...cells.values()].map(({ name, variable: { shape } }) => ({ name, shape }));
  const shapes = new Map([...there, ...variables].map(({ name, shape }) => [name, shape]));
  splitNames([...shapes.keys()], groups, (name) => shapes.get(name)!.length).forEach((names, index) => {
    const here = variables.filter(({ name }) => names.includes(name));
    if (here.length === 0) return;
    if (index < groups.length) return addTo(here, { group: index });
    const next = optimizer.groups.length;
    addTo(here, state.restGroup === undefined ? { options: {} } : { group: state.restGroup });
    state.restGroup ??= next;
  });
}

// ---- steps

/** Reads what a step needs, takes it, and writes what it moved. */
function apply<Report>(
  { memory, cells }: State,
  grads: TfGrads,
  run: (grads: Grads) => Report,
  hasMoved: (report: Report) => boolean,
): Report {
  const taken = takeGrads(cells, grads);
  const moving = taken.map(([cell]) => cell);
  memory.read(moving);
  const tensors = memory.gradients(taken.map(([, gradient]) => isTensor(gradient) ? gradient : null));
  const elements: Record<string, Grads[string]> = {};
  taken.forEach(([{ name }, gradient], i) => put(elements, name, tensors[i] ?? gradient as Grads[string]));
  const report = run(elements);
  if (hasMoved(report)) memory.write(moving);
  return report;
}

/** The gradients that there are, checked. What is no tensor of tfjs' is left to the optimizer. */
function takeGrads(cells: ReadonlyMap<string, Cell>, grads: TfGrads): (readonly [Cell, NonNullable<TfGrads[string]>])[] {
  if (!isRecord(grads)) throw new TypeError(`Cannot use ${show(grads)} as gradients: they are an object, a variable's name to a tensor`);
  const taken = Object.entries(grads as TfGrads).flatMap(([name, gradient]) => {
    if (gradient === null || gradient === undefined) return [];
    const what = `the gradient of "${name}"`;
    const cell = cells.get(name);
    if (cell === undefined) {
      const message = `Cannot use ${what}: no variable of this name is bound; ${known([...cells.keys()], name)}`;
      throw about(new TypeError(message), { tensor: name });
    }
    if (isTensor(gradient)) checkGradient(what, gradient, cell);
    return [[cell, gradient] as const];
  });
  refuseMissing([...cells.keys()], (name) => grads[name] !== undefined, {
    where: () => "give all that tf.variableGrads does, which leaves out what the loss does not depend on",
    there: Object.keys(grads),
  });
  return taken;
}

function checkGradient(what: string, { isDisposed, dtype, shape }: TfTensor, { variable: { name, shape: wanted } }: Cell): void {
  if (isDisposed) throw about(new TypeError(`Cannot use ${what}: it is disposed`), { tensor: name });
  if (dtype !== "float32") throw about(new TypeError(`Cannot use ${what} of dtype ${dtype}: it must be float32`), { tensor: name });
  if (sameShape(shape, wanted)) return;
  throw about(new RangeError(`Cannot use ${what} of shape ${show(shape)}: the variable's is ${show(wanted)}`), { tensor: name });
}

// ---- points, and the end

async function at<Result>(state: State, point: string, run: () => Result | Promise<Result>): Promise<Result> {
  const { optimizer, memory, cells } = state;
  const all = [...cells.values()];
  memory.read(all);
  memory.show(all, optimizer.point(point));
  state.isAway = true;
  try {
    return await run();
  } finally {
    comeBack(state);
  }
}

function comeBack(state: State): void {
  if (!state.isAway) return;
  state.isAway = false;
  state.memory.write([...state.cells.values()].filter(({ variable }) => !variable.isDisposed));
}

function dispose(state: State): void {
  if (state.isDisposed) return;
  comeBack(state);
  state.isDisposed = true;
  const { optimizer, memory, cells, end } = state;
  optimizer.dispose();
  memory.release([...cells.values()]);
  end();
}
