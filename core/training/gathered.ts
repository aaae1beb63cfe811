/**
 * What an accumulator has gathered, beside an optimizer's state: the tensors `accumulate.<key>`, and the rest in the metadata `accumulate`.
 *
 * @module
 */
import { about, allAbout } from "../errors.ts";
import { isRecord, show } from "../names.ts";
import { type GivenState, readJson } from "../optimizer/loaded_state.ts";
import type { AccumulatorState } from "../plugin/contract.ts";
import { type FullTensor, fullTensor, put } from "../tensors.ts";
import type { StateDict, Tensor } from "../types.ts";
import { canBeSaved, type Gathering } from "./gathering.ts";

/** What a state says that was gathered. */
interface Gathered extends AccumulatorState {
  readonly name: string;
  readonly ever: readonly string[];
}

/** What a load did to an accumulator, and how to undo it. */
export interface TakenGathered {
  readonly taken: readonly string[];
  readonly ignored: readonly string[];
  /** What is left to do when all else is sure. */
  finish(): void;
  undo(): void;
}

const prefix = "accumulate.";

/** An optimizer's state with what was gathered; `take` is what reads a tensor of it. */
export function addGathered(
  { tensors, metadata }: StateDict,
  title: string,
  { name, accumulator, ever }: Gathering,
  take: (what: string, tensor: Tensor) => FullTensor = fullTensor,
): StateDict {
  // Sorted, as all lists of names in a state: the same state is the same bytes, whatever it went through.
  const said = { name, count: accumulator.count, weight: accumulator.weight, ever: [...ever].sort() };
  const refuse = `Cannot save the trainer of ${title}`;
  if (!canBeSaved(accumulator)) {
    if (said.count === 0) return { tensors, metadata: { ...metadata, accumulate: JSON.stringify(said) } };
    const message =
      `${refuse}: accumulator "${name}" has gathered ${said.count} micro-batches and has no saveState and loadState; save just after a step`;
    throw about(new TypeError(message), { plugin: name });
  }
  const state: Partial<AccumulatorState> | undefined = accumulator.saveState();
  if (!isRecord(state) || !isRecord(state.tensors)) {
    throw about(new TypeError(`${refuse}: what accumulator "${name}" saves is ${show(state)}, not { count, weight, tensors }`), {
      plugin: name,
    });
  }
  const all = { ...tensors };
  for (const [own, tensor] of Object.entries(state.tensors)) {
    const key = prefix + own;
    if (Object.hasOwn(tensors, key)) {
      const message = `${refuse}: a parameter or a slot has the key "${key}", which is what was gathered of "${own}"`;
      throw about(new TypeError(message), { tensor: key });
    }
    put(all, key, take(`tensor "${own}" of accumulator "${name}"`, tensor) as StateDict["tensors"][string]);
  }
  const { more } = state;
  return { tensors: all, metadata: { ...metadata, accumulate: JSON.stringify({ ...said, more }) } };
}

/** A state without what was gathered, and that. Keys of the optimizer's own are its own. */
export function splitGathered(
  { tensors, metadata }: GivenState,
  own: ReadonlySet<string>,
): { readonly optimizer: GivenState; readonly tensors: GivenState["tensors"] } {
  if (metadata.accumulate === undefined) return { optimizer: { tensors, metadata }, tensors: {} };
  const rest: Record<string, unknown> = {};
  const gathered: Record<string, unknown> = {};
  for (const [key, tensor] of Object.entries(tensors)) {
    if (key.startsWith(prefix) && !own.has(key)) put(gathered, key.slice(prefix.length), tensor);
    else put(rest, key, tensor);
  }
  return { optimizer: { tensors: rest, metadata }, tensors: gathered };
}

/** Lets an accumulator take what was gathered, as a whole. An error leaves it as it was. */
export function takeGathered(
  gathering: Gathering | undefined,
  text: unknown,
  tensors: GivenState["tensors"],
  partial: boolean,
): TakenGathered {
  const keys = Object.keys(tensors).map((key) => prefix + key);
  const nothing = { taken: [], ignored: [], finish() {}, undo() {} };
  const empty = {
    ...nothing,
    finish() {
      gathering?.accumulator.reset();
    },
  };
  // An optimizer's own state, as it is just after a step.
  if (text === undefined) return partial ? nothing : empty;
  try {
    const gathered = readGathered(text, tensors);
    if (gathered.count === 0 && keys.length === 0 && gathered.name !== gathering?.name) return empty;
    if (gathering === undefined || gathered.name !== gathering.name) {
      const here = gathering === undefined ? "there is none here" : `here it is "${gathering.name}"`;
      throw new TypeError(`accumulator "${gathered.name}" has gathered ${gathered.count} micro-batches in it, and ${here}`);
    }
    const { accumulator, ever } = gathering;
    if (!canBeSaved(accumulator)) {
      if (gathered.count === 0 && keys.length === 0) return empty;
      throw about(new TypeError(`accumulator "${gathered.name}" has no saveState and loadState`), { plugin: gathered.name });
    }
    const before = { state: accumulator.saveState(), ever: [...ever] };
    allAbout({ plugin: gathered.name }, () => accumulator.loadState(gathered));
    replace(ever, gathered.ever);
    return {
      ...nothing,
      taken: keys,
      undo() {
        accumulator.loadState(before.state);
        replace(ever, before.ever);
      },
    };
  } catch (error) {
    if (partial) return { ...nothing, ignored: keys };
    throw error;
  }
}

function readGathered(text: unknown, tensors: GivenState["tensors"]): Gathered {
  const given = readJson("what was gathered", text);
  const { name, count, weight, ever, more } = isRecord(given) ? given : {};
  if (typeof name !== "string" || !(Array.isArray(ever) && ever.every((one) => typeof one === "string"))) {
    throw new TypeError(`what was gathered is ${show(text)}, which names no accumulator or no list of tensors`);
  }
  const counts = typeof count === "number" && Number.isSafeInteger(count) && count >= 0;
  if (!counts || typeof weight !== "number") {
    throw new RangeError(`what was gathered are ${show(count)} micro-batches of weight ${show(weight)}`);
  }
  return { name, count, weight, ever, more, tensors: tensors as AccumulatorState["tensors"] };
}

function replace(set: Set<string>, names: readonly string[]): void {
  set.clear();
  for (const name of names) set.add(name);
}
