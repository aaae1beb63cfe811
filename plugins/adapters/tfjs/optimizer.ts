/**
 * Optimizers as tfjs has them: for `model.compile`, `minimize` and `model.save`.
 *
 * @module
 */
import { about } from "../../../core/errors.ts";
import { isRecord, show } from "../../../core/names.ts";
import { makeTransforms } from "../../../core/optimizer/transforms.ts";
import type { OptimizerPlugin, Plugin } from "../../../core/plugin/contract.ts";
import { finderOf } from "../../../core/plugin/find.ts";
import type { NameOf, OptionsOf } from "../../../core/plugin/typed.ts";
import { optionsOf, takePlugin } from "../../../core/plugin/use.ts";
import type { Recipe, StateDict, Use } from "../../../core/types.ts";
import { type Builtins, plugins } from "../../builtins.ts";
import { type Bound, createBound } from "./bind.ts";
import { recipeOf } from "./recipe.ts";
import type { TfCore, TfGrads, TfSettings, TfTensor, TfVariable } from "./types.ts";
import { type KeptState, stateOfWeights, type TfNamedTensor, weightsOf } from "./weights.ts";

/** Settings of {@linkcode tfOptimizer}: those of `bind`, without the namespace, which is given already. */
export type TfOptimizerSettings<Options = unknown, P extends readonly Plugin[] = readonly Plugin[]> = Omit<TfSettings<Options, P>, "tf">;

/** What an optimizer for tfjs has beside what every `tf.Optimizer` has. */
export interface WithBound<Options = unknown> {
  /** What steps: its options, its state, variables at other points. Undefined before the first gradients, which say what the variables are. */
  readonly bound: Bound<Options> | undefined;
}

/**
 * Makes a `tf.Optimizer`, which `model.compile({ optimizer })` and `optimizer.minimize(f)` take.
 *
 * It learns its variables from the first gradients; later ones join, each in the group whose `match` finds it.
 *
 * `model.save(url, { includeOptimizer: true })` saves algorithm, options, settings and state, if all of them are names and JSON. `tf.loadLayersModel`
 * finds it again where an optimizer was made before, or {@linkcode registerTfOptimizer} was called. A model loaded beside the one that it was saved from
 * has variables of other names; they are taken in their order, and keep the saved names in the optimizer.
 *
 * Errors of names and options are thrown here; those of groups and schedules, and what a gradient can be wrong in, by the step, before anything
 * changes. Call `dispose()` at the end; the variables stay.
 *
 * @example Usage
 * ```ts ignore
 * import * as tf from "@tensorflow/tfjs";
 * import { tfOptimizer } from "@glissade/optim/adapters/tfjs";
 *
 * const model = tf.sequential({ layers: [tf.layers.dense({ units: 10, inputShape: [64] })] });
 * const optimizer = tfOptimizer(tf, "lion", { lr: 1e-3 }, {
 *   schedules: { lr: { name: "linear", options: { numWarmupSteps: 10, numTrainingSteps: 100 } } },
 * });
 * model.compile({ optimizer, loss: "meanSquaredError" });
 * await model.fit(x, y, { epochs: 10 });
 * console.log(optimizer.bound?.optimizer.groups[0].current.lr);
 * ```
 *
 * @param tf tfjs' namespace.
 * @param name Which algorithm.
 * @param options Its options.
 * @param settings Groups, transforms, schedules, and where their names are found.
 */
export function tfOptimizer<
  Made,
  const P extends readonly Plugin[] = Builtins,
  const N extends NameOf<P, "optimizer"> = NameOf<P, "optimizer">,
>(
  tf: TfCore<Made>,
  name: N,
  options?: OptionsOf<P, "optimizer", N>,
  settings?: TfOptimizerSettings<OptionsOf<P, "optimizer", N>, P>,
): Made & WithBound<OptionsOf<P, "optimizer", N>>;
/** The same by a plugin. */
export function tfOptimizer<Made, Name extends string, Options>(
  tf: TfCore<Made>,
  plugin: OptimizerPlugin<Name, Options>,
  options?: Options,
  settings?: TfOptimizerSettings<Options>,
): Made & WithBound<Options>;
export function tfOptimizer(
  tf: TfCore,
  named: Use["name"],
  options?: unknown,
  settings: TfOptimizerSettings = {},
): unknown {
  const { registry, backend, threads } = settings;
  return new (register(tf, { registry, backend, threads }))(named, options as object | undefined, settings);
}

/**
 * Tells tfjs what to make of the optimizers in models' files. Call it before `tf.loadLayersModel` in a program that has made none with
 * {@linkcode tfOptimizer}. Plugins are found by their names in `registry`, default the built-in ones; of several calls the last one holds.
 *
 * @example Usage
 * ```ts ignore
 * import * as tf from "@tensorflow/tfjs";
 * import { registerTfOptimizer } from "@glissade/optim/adapters/tfjs";
 *
 * registerTfOptimizer(tf);
 * const model = await tf.loadLayersModel("indexeddb://model");
 * await model.fit(x, y, { epochs: 10 }); // goes on where it was
 * ```
 *
 * @param tf tfjs' namespace.
 * @param settings What no file says: where names are found, and what runs.
 */
export function registerTfOptimizer(tf: TfCore, settings: Pick<TfSettings, "registry" | "backend" | "threads"> = {}): void {
  register(tf, settings);
}

/** What tfjs asks of an optimizer's class. */
type Made = new (named: Use["name"], options: object | undefined, settings: TfOptimizerSettings) => unknown;

/** Makes the class and registers it. tfjs asks for a class: it is the one thing that a model's file can name. */
function register(tf: TfCore, common: Pick<TfSettings, "registry" | "backend" | "threads">): Made {
  const Base = tf.Optimizer as unknown as new () => object;

  class GlissadeOptimizer extends Base {
    /** The name in models' files, whatever a minifier makes of the class's own. */
    static get className(): string {
      return "Glissade";
    }

    static fromConfig(_: unknown, config: unknown): GlissadeOptimizer {
      const { recipe } = isRecord(config) ? config : {};
      if (typeof recipe !== "string") {
        throw new TypeError(`Cannot make an optimizer of the configuration ${show(config)}: it has no recipe`);
      }
      const { optimizer, ...settings } = JSON.parse(recipe) as Recipe;
      return new GlissadeOptimizer(optimizer.name, optimizer.options, { ...settings, ...common });
    }

    readonly #named: Use["name"];
    readonly #options: object | undefined;
    readonly #settings: TfOptimizerSettings;
    #bound: Bound | undefined;
    /** A state that waits for the variables that it is of. */
    #kept: KeptState | undefined;
    /** What `getWeights` gave last. */
    #given: readonly TfNamedTensor[] = [];

    constructor(named: Use["name"], options: object | undefined, settings: TfOptimizerSettings) {
      super();
      const find = finderOf(settings.registry?.plugins ?? plugins);
      optionsOf(takePlugin(find, "optimizer", named), options);
      makeTransforms(find, settings.transforms);
      this.#named = named;
      this.#options = options;
      this.#settings = settings;
    }

    get bound(): Bound | undefined {
      return this.#bound;
    }

    get iterations(): number {
      return this.#bound?.optimizer.steps ?? Number(this.#kept?.state.metadata.steps ?? 0);
    }

    applyGradients(given: TfGrads | readonly TfNamedTensor[]): void {
      const pairs = Array.isArray(given) ? given.map(({ name, tensor }) => [name, tensor] as const) : Object.entries(given as TfGrads);
      const there = this.#bound?.variables ?? {};
      const late = pairs.flatMap(([name, gradient]) => Object.hasOwn(there, name) ? [] : variableOf(tf, name, gradient as TfTensor | null));
      if (this.#bound !== undefined) {
        if (late.length > 0) this.#bound.add(late);
      } else this.#bound = this.#start(late);
      // Of a model's variables tfjs gives those that the loss depends on; the others stand still.
      const still = Object.keys(this.#bound.variables).map((name) => [name, null] as const);
      this.#bound.step(Object.fromEntries([...still, ...pairs]) as TfGrads);
    }

    dispose(): void {
      this.#bound?.dispose();
      this.#forget();
    }

    getConfig(): Record<string, string> {
      const options = this.#bound === undefined ? this.#options : { ...this.#bound.optimizer.options as object };
      // Where tfjs reads a configuration it takes the underscores out of every text, as those of Python's names: in JSON they can be written without.
      return { recipe: JSON.stringify(recipeOf(this.#named, options, this.#settings)).replaceAll("_", "\\u005f") };
    }

    async getWeights(): Promise<readonly TfNamedTensor[]> {
      this.#forget();
      const kept = this.#bound === undefined ? this.#kept : await keptOf(this.#bound);
      // tfjs disposes none of what it asks for here, its own optimizers giving their own variables.
      return this.#given = kept === undefined ? [] : weightsOf(tf, kept);
    }

    async setWeights(weights: readonly TfNamedTensor[]): Promise<void> {
      const kept = weights.length === 0 ? undefined : await stateOfWeights(weights);
      if (kept === undefined) return;
      if (this.#bound === undefined) this.#kept = kept;
      else load(this.#bound, kept);
    }

    /** Binds the first variables, with the state that waits for them. */
    #start(variables: readonly TfVariable[]): Bound {
      const { all, names } = this.#kept === undefined ? { all: variables } : namedAs(tf, this.#kept.names, variables);
      const bound = createBound(all, this.#named, this.#options, { ...this.#settings, tf }, names);
      try {
        if (this.#kept !== undefined) load(bound, this.#kept);
      } catch (error) {
        bound.dispose();
        throw error;
      }
      this.#kept = undefined;
      return bound;
    }

    #forget(): void {
      for (const { tensor } of this.#given) tensor.dispose();
      this.#given = [];
    }
  }

  tf.serialization.registerClass(GlissadeOptimizer as never);
  return GlissadeOptimizer;
}

/** The variable of a gradient, in a list; none for what gradients leave out, to which tfjs gives null. */
function variableOf(tf: TfCore, name: string, gradient: TfTensor | null | undefined): TfVariable[] {
  const { registeredVariables } = tf.engine();
  const variable = Object.hasOwn(registeredVariables, name) ? registeredVariables[name] : undefined;
  if (gradient === null || gradient === undefined) return variable === undefined || !variable.trainable ? [] : [variable];
  if (variable !== undefined) return [variable];
  throw about(new TypeError(`Cannot use the gradient of "${name}": tfjs has no variable of this name`), { tensor: name });
}

/**
 * The variables that a state is of, and the names that they have in it. Where the first gradients are of some of them, the others join at once. A
 * model that is loaded beside the one that was saved has variables of other names, since tfjs has no two of one name; those are the saved ones in
 * their order, and keep the saved names in the optimizer, so that groups stay what they were.
 */
function namedAs(
  tf: TfCore,
  names: readonly string[],
  variables: readonly TfVariable[],
): { readonly all: readonly TfVariable[]; readonly names?: readonly string[] } {
  const { registeredVariables } = tf.engine();
  if (variables.every(({ name }) => names.includes(name))) return { all: names.flatMap((name) => registeredVariables[name] ?? []) };
  if (variables.length === names.length) return { all: variables, names };
  const said = variables.map(({ name }) => name);
  throw new TypeError(
    `Cannot go on with the weights that were set: they are of ${names.length} variables, ${
      show(names)
    }, and the gradients of ${said.length}, ${show(said)}`,
  );
}

/** The state without the variables, which a model saves itself. */
async function keptOf(bound: Bound): Promise<KeptState> {
  const names = Object.keys(bound.optimizer.params);
  const { tensors, metadata } = await bound.saveStateAsync();
  const kept = Object.fromEntries(Object.entries(tensors).filter(([key]) => !names.includes(key)));
  return { names, state: { tensors: kept, metadata } };
}

/** Takes a state in, the variables staying as they are. */
function load(bound: Bound, { state: { tensors, metadata } }: KeptState): void {
  if (bound.optimizer.backend.name === "webgpu") return loadOnDevice(bound, { tensors, metadata });
  const { tensors: own } = bound.saveState();
  const variables = Object.fromEntries(Object.keys(bound.optimizer.params).map((name) => [name, own[name]]));
  bound.loadState({ tensors: { ...tensors, ...variables }, metadata });
}

/** The same where the variables cannot be read at once: what is missing or too many is known afterwards. */
function loadOnDevice(bound: Bound, state: StateDict): void {
  const { missing, ignored } = bound.loadState(state, { partial: true });
  const names = Object.keys(bound.optimizer.params);
  const wrong = [...missing.filter((key) => !names.includes(key)), ...ignored];
  if (wrong.length > 0) throw new TypeError(`Cannot go on with the weights that were set: ${show(wrong)} are missing, or too many`);
}
