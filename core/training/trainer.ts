/**
 * A recipe, running: an optimizer, and what gathers gradients for it.
 *
 * @module
 */
import type { DeviceSide } from "../../kernels/backend.ts";
import { disposeSymbol } from "../../kernels/dispose.ts";
import { about, allAbout } from "../errors.ts";
import { fixed } from "../fixed.ts";
import { showsValues } from "../inspect.ts";
import { isRecord, refuseUnknownKeys, show } from "../names.ts";
import { createState } from "../optimizer/create_state.ts";
import { checkAlive, type OptimizerState } from "../optimizer/optimizer_state.ts";
import { type CheckedParams, checkStep, prepareChecked } from "../optimizer/step.ts";
import { executeLoad, givenState, isPartial, keysOf, prepareLoad, refusalOf, throwFaults } from "../optimizer/loaded_state.ts";
import { apply, showOptimizer, tellHeld } from "../optimizer/view.ts";
import { createGathering, type Gathering } from "./gathering.ts";
import { addGathered, splitGathered, takeGathered, type TakenGathered } from "./gathered.ts";
import { givenTensor, sizeOf } from "../tensors.ts";
import type { Grads, LoadReport, Optimizer, Recipe, Settings, StateDict, Tensor, Tensors, Trainer } from "../types.ts";
import type { AccumulatorPlugin } from "../plugin/contract.ts";
import type { AnySpecs } from "../plugin/options.ts";
import { type Find, takeUse, titleOf } from "../plugin/use.ts";
import { checkRecipe } from "./recipe.ts";

/** A trainer whose plugins are found by name. */
export function buildTrainer(
  find: Find,
  params: Tensors,
  given: Recipe,
  settings: Pick<Settings<unknown>, "backend" | "threads"> = {},
): Trainer {
  refuseUnknownKeys("the settings of a trainer", settings, ["backend", "threads"]);
  const recipe = checkRecipe(given);
  const { optimizer: { name, options }, groups, schedules, transforms, accumulate } = recipe;
  const use = accumulate && takeUse(find, "accumulator", accumulate);
  if (use !== undefined) checkEvery(use.plugin, use.options);
  const state = createState(find, name, params, options, {
    ...settings,
    ...(groups && { groups }),
    ...(schedules && { schedules }),
    ...(transforms && { transforms }),
  });
  const optimizer = showOptimizer(state);
  try {
    return showTrainer(recipe, state, optimizer, use && createGathering(find, use.plugin, use.options, optimizer));
  } catch (error) {
    optimizer.dispose();
    throw error;
  }
}

/**
 * Outside a trainer its owner counts the calls to an accumulator; in a trainer nobody would, and a recipe that says nothing would never step. So the
 * option `every`, where an accumulator has one that is null by default, must be given.
 */
function checkEvery(plugin: AccumulatorPlugin, options: object | undefined): void {
  const { every } = (options ?? {}) as { readonly every?: unknown };
  if ((plugin.options as AnySpecs).every?.default !== null || every !== undefined) return;
  const message =
    `Cannot accumulate by ${titleOf(plugin)} in a recipe without every: give the number of micro-batches to a step, or null where ` +
    "only flush() steps";
  throw about(new TypeError(message), { plugin: plugin.name, option: "every" });
}

function showTrainer(
  recipe: Recipe,
  state: OptimizerState,
  optimizer: Optimizer,
  gathering: Gathering | undefined,
): Trainer {
  const ever = gathering?.ever ?? new Set<string>();
  let disposed = false;
  const dispose = (): void => {
    if (disposed) return;
    disposed = true;
    gathering?.end();
    optimizer.dispose();
  };
  const alive = (action: string): void => {
    if (disposed) throw new TypeError(`Cannot ${action} the trainer of optimizer "${optimizer.name}": it is disposed`);
  };
  const check = (names: readonly string[]): CheckedParams => {
    checkAlive(state, "step");
    return checkStep(state, new Set([...ever, ...names]));
  };
  // What was gathered is forgotten only after a step that took it, also where a transform held that step back: its sum would stay not finite.
  const stepWith = ({ accumulator }: Gathering, checked: CheckedParams): boolean => {
    const done = apply(state, prepareChecked(state, "update", accumulator.gradients, checked));
    accumulator.reset();
    return tellHeld(state, done).applied;
  };
  const saveState = (): StateDict => {
    alive("save");
    const saved = withRecipe(optimizer.saveState());
    return gathering === undefined ? saved : addGathered(saved, state.title, gathering);
  };
  const withRecipe = ({ tensors, metadata }: StateDict): StateDict => ({
    tensors,
    metadata: { ...metadata, recipe: JSON.stringify(recipe) },
  });
  // Both are asked for now, so that they are of one moment.
  const saveFromDevice = async (device: DeviceSide): Promise<StateDict> => {
    const saving = optimizer.saveStateAsync();
    // Of a lost device there is what came back last, which was before this was gathered.
    if (gathering === undefined || device.lost() !== undefined) return withRecipe(await saving);
    const wanted: { from: Tensor; into: Float32Array }[] = [];
    const gathered = addGathered({ tensors: {}, metadata: {} }, state.title, gathering, (what, tensor) => {
      const from = givenTensor(what, tensor, device);
      const into = new Float32Array(sizeOf(from.shape));
      wanted.push({ from, into });
      return { ...from, data: into };
    });
    const [{ tensors, metadata }, read] = await Promise.all([saving, device.fetch(wanted, [], [])]);
    read();
    return withRecipe({ tensors: { ...tensors, ...gathered.tensors }, metadata: { ...metadata, ...gathered.metadata } });
  };
  const trainer: Trainer = {
    recipe,
    optimizer,
    get steps() {
      return optimizer.steps;
    },
    add(grads: Grads, weight?: number): boolean {
      alive("add to");
      if (gathering === undefined) {
        checkWeight(weight);
        return optimizer.step(grads).applied;
      }
      // Nothing can be taken out of an accumulator again, so a step that would be refused is refused before.
      const names = isRecord(grads) ? Object.keys(grads).filter((name) => (grads[name] ?? null) !== null) : [];
      const checked = check(names);
      gathering.fit();
      const isDue = gathering.accumulator.add(grads, weight);
      for (const name of names) ever.add(name);
      return isDue && stepWith(gathering, checked);
    },
    flush(): boolean {
      alive("flush");
      return gathering !== undefined && gathering.accumulator.count > 0 && stepWith(gathering, check([]));
    },
    update(metric: number): void {
      alive("update");
      optimizer.update(metric);
    },
    saveState,
    saveStateAsync: async () => {
      alive("save");
      const device = state.backend.deviceSide;
      return device === undefined ? saveState() : await saveFromDevice(device);
    },
    loadState(saved, options): LoadReport {
      alive("load");
      checkAlive(state, "load");
      return allAbout({ plugin: optimizer.name }, () => loadTrainer(state, gathering, saved, isPartial(options)));
    },
    dispose,
    [disposeSymbol]: dispose,
  };
  return fixed(showsValues(trainer, ["recipe", "steps", "optimizer"]), (name) => {
    const message = `Cannot assign ${show(name)} to the trainer of optimizer "${optimizer.name}": options are assigned one by one in ` +
      "trainer.optimizer.options, and all else comes from the recipe";
    return about(new TypeError(message), { plugin: optimizer.name });
  });
}

function loadTrainer(state: OptimizerState, gathering: Gathering | undefined, saved: unknown, partial: boolean): LoadReport {
  const refuse = refusalOf(state);
  gathering?.fit();
  const given = givenState(refuse, saved);
  const split = splitGathered(given, keysOf(state));
  const prepared = prepareLoad(state, split.optimizer, partial);
  const faults = [...prepared.faults];
  let gathered: TakenGathered | undefined;
  try {
    gathered = takeGathered(gathering, given.metadata.accumulate, split.tensors, partial);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    faults.push(error);
  }
  try {
    throwFaults(refuse, faults);
    executeLoad(state, prepared);
  } catch (error) {
    gathered?.undo();
    throw error;
  }
  gathered!.finish();
  const { taken, ignored, missing } = prepared.report;
  return { taken: [...taken, ...gathered!.taken], ignored: [...ignored, ...gathered!.ignored], missing };
}

// Without accumulation a weight has nothing to weigh against; it must still be one.
function checkWeight(weight: unknown): void {
  if (weight === undefined) return;
  if (typeof weight !== "number") throw new TypeError(`Cannot add gradients of weight ${show(weight)}: it must be a number`);
  if (!(weight >= 0 && weight < Infinity)) {
    throw new RangeError(`Cannot add gradients of weight ${weight}: it must be finite and not negative`);
  }
}
