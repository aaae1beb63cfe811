/**
 * Optimizers of this library for jax-js (`@jax-js/jax`): {@linkcode bind} over a tree of arrays, `step` over the tree of gradients that `grad` gives.
 *
 * Nothing of jax-js is imported; what is used of its arrays is in {@linkcode JaxArray}. Tried: 0.1.25, on its backend "wasm" in Deno, Bun, Node and
 * Chromium, and on "webgpu" in Deno and Chromium, and in Node and Bun with the package `webgpu`.
 *
 * On jax-js' backend "webgpu" nothing leaves the GPU where the setting `backend` is one on its device,
 * `await createWebGpuBackend({ device: jax.getWebGPUDevice() })`: gradients are read in the buffers that they have, and the parameters that a step gives
 * are new arrays, by one copy on the device, since arrays of jax-js do not change. Without it elements are copied to this host and back;
 * {@linkcode Bound.stepAsync} waits for gradients then.
 *
 * jax-js counts references, and a function owns what it is given. Here too: `bind` takes the parameters over, `step` the gradients, and where one of them
 * throws they stay the caller's. {@linkcode Bound.params} belongs to the bound optimizer, so a function that takes them is given `tree.ref(bound.params)`.
 *
 * @example Usage
 * ```ts ignore
 * import * as jax from "@jax-js/jax";
 * import { bind } from "@glissade/optim/adapters/jax-js";
 *
 * await jax.init("wasm");
 * jax.defaultDevice("wasm");
 * const { numpy: np, tree, valueAndGrad } = jax;
 * type Params = { w: jax.Array; b: jax.Array };
 * const loss = ({ w, b }: Params, x: jax.Array) => np.square(np.dot(x, w).add(b)).sum();
 *
 * const bound = bind({ w: np.array([1, 2]), b: np.array(0.5) }, "adamw", { lr: 0.1 }, { jax });
 * for (let i = 0; i < 100; i++) {
 *   const [value, grads] = valueAndGrad(loss)(tree.ref(bound.params), np.array([[1, 1], [1, -1]]));
 *   value.dispose();
 *   bound.step(grads);
 * }
 * console.log(bound.params.w.ref.js()); // near [0, 0]
 * bound.dispose();
 * ```
 *
 * @module
 */
import { deviceSideOf, takeBackend } from "../../core/backend.ts";
import { about } from "../../core/errors.ts";
import { isPlainObject, show } from "../../core/names.ts";
import type { OptimizerPlugin, Plugin } from "../../core/plugin/contract.ts";
import type { NameOf, OptionsOf } from "../../core/plugin/typed.ts";
import { put } from "../../core/tensors.ts";
import type { Disposable, Grads, LoadReport, Optimizer, StateDict, StepReport, Tensor, Tensors } from "../../core/types.ts";
import { disposeSymbol } from "../../kernels/dispose.ts";
import type { Builtins } from "../builtins.ts";
import { type BindSettings as SharedSettings, optimizerOver, refuseMissing } from "./bound.ts";
import { type Arrays, deviceMemory, hostMemory, type Jax, type JaxArray, type Memory } from "./jax_js_memory.ts";

export type { Jax, JaxArray } from "./jax_js_memory.ts";

/** Arrays in objects and lists. Write types of them as `type`, not `interface`, as jax-js asks it too. */
export type JaxTree = JaxArray | readonly JaxTree[] | { readonly [key: string]: JaxTree };

/** Gradients, in a tree like that of the parameters; a branch may be null, and then stands still. */
export type JaxGrads = JaxArray | null | readonly JaxGrads[] | { readonly [key: string]: JaxGrads };

/** Settings beside the algorithm's options: those of every optimizer, where names are found, and jax-js. */
export interface BindSettings<Options = unknown, P extends readonly Plugin[] = readonly Plugin[]> extends SharedSettings<Options, P> {
  /** The namespace, `import * as jax from "@jax-js/jax"`: it makes the arrays that a step gives. */
  readonly jax: Jax;
}

/** An optimizer over a tree of arrays of jax-js. */
export interface Bound<Params extends JaxTree = JaxTree, Options = unknown> extends Disposable {
  /**
   * The parameters as they are now, in the tree that was given. The arrays are this object's own until its next step, after which there are new ones:
   * take a reference for whatever takes one, `tree.ref(bound.params)`.
   */
  readonly params: Params;
  /**
   * The optimizer: its options, groups, readings, and states to save. Parameters have their paths for names: `layer1.weight`, `blocks.0.bias`; a tree
   * that is one array is called `params`. It steps and loads through the methods here.
   */
  readonly optimizer: Optimizer<Options>;
  /**
   * One update. The gradients are taken over, as by any function of jax-js: no reference to them is left.
   *
   * An error leaves everything as it was, and the gradients with the caller. TypeError: no tree, what is no array, one that is freed, of another element type, or
   * with a backend on a GPU elsewhere; a gradient of no parameter, and a parameter without one, whose branch is not null either. RangeError: another shape
   * than the parameter's. Else the errors of `Optimizer.step`, and those of jax-js, which cannot read at once what workers or a GPU still compute:
   * {@linkcode Bound.stepAsync} waits for them.
   */
  step(grads: JaxGrads): StepReport;
  /** The same, once the gradients are computed; they must not be given away meanwhile. */
  stepAsync(grads: JaxGrads): Promise<StepReport>;
  /** A rule's `also` entry, as `sam`'s `"ascend"`; counts no step. Takes gradients and errs as `step`. */
  run(entry: string, grads: JaxGrads): void;
  /** Parameters at another point, as `"ema"` or schedule-free's `"eval"`, in arrays that are the caller's. */
  point(name: string): Params;
  /**
   * Parameters that come later, which are taken over: under keys of their own beside the first ones. TypeError where either tree is no object or has such
   * a key; else the errors of `Optimizer.add`. Gives the whole tree, as `params` then does.
   */
  add<More extends { readonly [key: string]: JaxTree }>(
    params: More,
    to?: { readonly group?: number; readonly options?: Partial<Options> },
  ): Params & More;
  /** Takes a saved state, as `Optimizer.loadState` does, also into `params`. */
  loadState(state: StateDict, options?: { readonly partial?: boolean }): LoadReport;
  /** Gives the optimizer's memory back, and its references to the parameters. */
  dispose(): void;
}

/** What is at work. */
interface State {
  readonly optimizer: Optimizer;
  readonly memory: Memory;
  /** What was taken of it. */
  readonly taken: Tensors[];
  /** As jax-js has the parameters. */
  tree: JaxTree;
  /** False once the optimizer's arrays have moved: the tree is made anew when it is asked for. */
  isFresh: boolean;
  isDisposed: boolean;
}

/**
 * Makes an optimizer over a tree of arrays, which it takes over.
 *
 * TypeError: an unknown name, option or setting, no `jax` among the settings, what is no array, one that is freed, or of another element type than float32
 * and float16; a backend on another GPU device than jax-js', or arrays that do not lie there. RangeError: no parameters, two of one name, one array in two places. Else the errors of `createOptimizer`. After an error no memory is
 * taken, and the arrays are the caller's as before.
 *
 * @param params A tree of arrays.
 * @param name Which algorithm.
 * @param options Its options.
 * @param settings jax-js; groups, transforms, schedules, a backend, and where their names are found.
 */
export function bind<
  Params extends JaxTree,
  const P extends readonly Plugin[] = Builtins,
  const N extends NameOf<P, "optimizer"> = NameOf<P, "optimizer">,
>(
  params: Params,
  name: N,
  options: OptionsOf<P, "optimizer", N> | undefined,
  settings: BindSettings<OptionsOf<P, "optimizer", N>, P>,
): Bound<Params, OptionsOf<P, "optimizer", N>>;
/** The same by a plugin. */
export function bind<Params extends JaxTree, Name extends string, Options>(
  params: Params,
  plugin: OptimizerPlugin<Name, Options>,
  options: Options | undefined,
  settings: BindSettings<Options>,
): Bound<Params, Options>;
export function bind(params: JaxTree, named: unknown, options: unknown, settings: BindSettings): Bound {
  const { jax, ...rest } = settings ?? {};
  if (typeof jax?.numpy?.array !== "function") {
    throw new TypeError(
      `Cannot use ${show(jax)} as jax: give the namespace among the settings, { jax }, of import * as jax from "@jax-js/jax"`,
    );
  }
  const arrays = leaves(params);
  const memory = deviceSideOf(rest.backend) === undefined ? hostMemory(jax) : deviceMemory(jax, takeBackend(rest.backend));
  return withTensors(memory, arrays, (tensors) => {
    const optimizer = optimizerOver(tensors, named, options, rest);
    return showBound({ optimizer, memory, tree: params, taken: [tensors], isFresh: true, isDisposed: false });
  });
}

/** Takes memory for arrays and runs what may fail; an error gives it back. */
function withTensors<Result>(memory: Memory, arrays: Arrays, run: (tensors: Tensors) => Result): Result {
  const tensors = memory.take(arrays);
  try {
    return run(tensors);
  } catch (error) {
    memory.release(tensors);
    throw error;
  }
}

/** What `bind` gives. */
function showBound(state: State): Bound {
  const { optimizer, memory, taken } = state;
  const moves = <Result>(arrays: Arrays, grads: Tensors, run: (grads: Grads) => Result): Result => {
    const result = run(grads);
    state.isFresh = false;
    arrays.forEach((array) => array.dispose());
    return result;
  };
  const params = (): JaxTree => {
    if (!state.isFresh) {
      const made = arraysOf(state, optimizer.params);
      letGo(state.tree);
      Object.assign(state, { tree: made, isFresh: true });
    }
    return state.tree;
  };
  const dispose = (): void => {
    if (state.isDisposed) return;
    state.isDisposed = true;
    optimizer.dispose();
    taken.forEach(memory.release);
    letGo(state.tree);
  };
  return Object.freeze<Bound>({
    optimizer,
    get params() {
      check(state, "give the parameters of");
      return params();
    },
    step(grads) {
      check(state, "step");
      const arrays = gradientsIn(optimizer, grads);
      return moves(arrays, memory.gradients(arrays), (grads) => optimizer.step(grads));
    },
    async stepAsync(grads) {
      check(state, "step");
      const arrays = gradientsIn(optimizer, grads);
      const read = await memory.gradientsAsync(arrays);
      check(state, "step");
      return moves(arrays, read, (grads) => optimizer.step(grads));
    },
    run(entry, grads) {
      check(state, "run");
      const arrays = gradientsIn(optimizer, grads);
      moves(arrays, memory.gradients(arrays), (grads) => optimizer.run(entry, grads));
    },
    point(name) {
      check(state, "compute a point of");
      const there = optimizer.point(name);
      try {
        return arraysOf(state, there);
      } finally {
        memory.release(there);
      }
    },
    add(more, to) {
      check(state, "add parameters to");
      const { tree } = state;
      if (!isPlainObject(tree) || !isPlainObject(more)) {
        throw new TypeError("Cannot add parameters: both trees must be objects of named ones");
      }
      const clash = Object.keys(more).find((key) => Object.hasOwn(tree, key));
      if (clash !== undefined) {
        throw new TypeError(`Cannot add parameters under ${show(clash)}: there are parameters under this key already`);
      }
      withTensors(memory, leaves(more), (tensors) => {
        optimizer.add(tensors, to);
        taken.push(tensors);
      });
      state.tree = { ...tree, ...more };
      return params() as never;
    },
    loadState(saved, options) {
      check(state, "load a state into");
      const report = optimizer.loadState(saved, options);
      state.isFresh = false;
      return report;
    },
    dispose,
    [disposeSymbol]: dispose,
  });
}

function check({ isDisposed }: State, action: string): void {
  if (isDisposed) throw new TypeError(`Cannot ${action} a bound optimizer: it is disposed`);
}

// ---- trees

/** The arrays of a tree by their paths, checked; `empty` is told the paths of branches that are null. */
function leaves(tree: JaxGrads, empty: (path: string) => void = () => {}): Map<string, JaxArray> {
  const found = new Map<string, JaxArray>();
  const places = new Map<JaxArray, string>();
  const walk = (branch: JaxGrads, path: readonly string[]): void => {
    if (branch === null) empty(nameOf(path));
    if (branch === null || branch === undefined) return;
    if (Array.isArray(branch) || isPlainObject(branch)) {
      for (const [key, inner] of Object.entries(branch)) walk(inner as JaxGrads, [...path, key]);
      return;
    }
    const name = nameOf(path);
    const fault = faultOf(branch);
    if (fault !== undefined) throw about(new TypeError(`Cannot use ${show(branch)} at "${name}": ${fault}`), { tensor: name });
    const array = branch as JaxArray;
    if (found.has(name)) throw about(new RangeError(`Cannot use two arrays of the path "${name}"`), { tensor: name });
    const other = places.get(array);
    if (other !== undefined) {
      const message = `Cannot use one array as "${other}" and as "${name}": give it once, and use it twice in the function`;
      throw about(new RangeError(message), { tensor: name });
    }
    found.set(name, array);
    places.set(array, name);
  };
  walk(tree, []);
  return found;
}

/** The gradients of a tree, which says something of each parameter. */
function gradientsIn({ params }: Optimizer, tree: JaxGrads): Map<string, JaxArray> {
  if (tree === undefined || tree === null) throw new TypeError(`Cannot use ${show(tree)} as gradients: give the tree that grad returns`);
  const still: string[] = [];
  const found = leaves(tree, (path) => still.push(path));
  const there = [...found.keys()];
  // One of no parameter is the optimizer's to refuse.
  if (!there.every((name) => Object.hasOwn(params, name))) return found;
  const isSaid = (name: string): boolean => found.has(name) || still.some((path) => name === path || name.startsWith(`${path}.`));
  refuseMissing(Object.keys(params), isSaid, { where: () => "give the whole tree that grad returns", there });
  return found;
}

/** Frees the arrays of a tree, but those that a caller gave away without a reference, and that are freed. */
function letGo(tree: JaxGrads): void {
  if (tree === null || tree === undefined) return;
  if (Array.isArray(tree) || isPlainObject(tree)) Object.values(tree as Record<string, JaxGrads>).forEach(letGo);
  else if ((tree as JaxArray).refCount > 0) (tree as JaxArray).dispose();
}

const nameOf = (path: readonly string[]): string => path.join(".") || "params";

/** Why this is no array that can be read. (`ref` may not be asked for: that takes a reference.) */
function faultOf(value: unknown): string | undefined {
  const { dataSync, dtype, refCount } = (typeof value === "object" && value !== null ? value : {}) as Partial<JaxArray>;
  if (typeof dataSync !== "function") {
    return "it is no array of jax-js; within a function that jit or grad traces there are none";
  }
  if (refCount === 0) return "it is freed; whoever gave it away before needed .ref";
  return dtype === "float32" || dtype === "float16" ? undefined : `its dtype is ${dtype}, and optimizers take float32 and float16`;
}

/** A tree of new arrays; an error leaves none behind. */
function arraysOf({ memory, tree }: State, tensors: Tensors): JaxTree {
  const wanted: [JaxArray, Tensor][] = [];
  mapTree(tree, (array, name) => {
    wanted.push([array, tensors[name] as Tensor]);
    return array;
  });
  const made = memory.make(wanted).values();
  return mapTree(tree, () => made.next().value!);
}

/** A tree of the same form, of other arrays. */
function mapTree(tree: JaxTree, replace: (array: JaxArray, name: string) => JaxArray): JaxTree {
  const walk = (branch: JaxTree, path: readonly string[]): JaxTree => {
    if (Array.isArray(branch)) return branch.map((inner, i) => walk(inner, [...path, String(i)]));
    if (isPlainObject(branch)) {
      const inner: Record<string, JaxTree> = {};
      for (const [key, value] of Object.entries(branch)) put(inner as never, key, walk(value as JaxTree, [...path, key]) as never);
      return inner;
    }
    return branch === null || branch === undefined ? branch : replace(branch as JaxArray, nameOf(path));
  };
  return walk(tree, []);
}
