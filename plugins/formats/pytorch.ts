/**
 * PyTorch's states, both ways: its files (`optimizer.pt`, `scheduler.pt`), the dictionaries in them, a Trainer's checkpoint; and its conventions in files of
 * tensors: which names mean parameters, gradients and state, step counts in float32, `format: "pt"`.
 *
 * {@linkcode readTorch} and {@linkcode writeTorch} read and write what `torch.save` and `torch.load` do, as data. {@linkcode loadOptimizerStateDict} and
 * {@linkcode optimizerStateDict} are `optimizer.load_state_dict` and `optimizer.state_dict`; {@linkcode readScheduler} and {@linkcode schedulerStateDict} the
 * same of a scheduler. {@linkcode readTrainerCheckpoint} reads a folder that transformers' `Trainer` saved.
 *
 * @module
 */
import type { Grads, StateDict, Tensor } from "../../core/types.ts";

export { isTensor, type TorchValue } from "./pickle.ts";
export { readTorch, type TorchLimits, writeTorch } from "./torch_files.ts";
export {
  loadOptimizerStateDict,
  type OptimizerStateDict,
  optimizerStateDict,
  type OptimizerStateOptions,
  type ParamGroup,
  type StateDictOptions,
  type TorchLoadReport,
} from "./pytorch_optimizers.ts";
export { readScheduler, schedulerOf, type SchedulerState, type SchedulerStateDict, schedulerStateDict } from "./pytorch_schedulers.ts";
export { readTrainerCheckpoint, type TrainerCheckpoint, type TrainerCheckpointOptions } from "./trainer_checkpoint.ts";

/** Tensors of one file by what they are. */
export interface Parts {
  /** Parameters by name. */
  readonly params: Readonly<Record<string, Tensor>>;
  /** Gradients by the names of their parameters. */
  readonly grads: Grads;
  /** State by its own names: `w.exp_avg`, `w.step`, `group.0.d`. */
  readonly state: StateDict["tensors"];
}

/**
 * Which tensors are parameters, gradients and state. `w.grad` and `w.step` say that `w` is a parameter; without either, a tensor is one unless its
 * name begins with another parameter's and a dot, or is a group's (`group.0.d`). A TypeError that says its tensor where the names fit nothing.
 */
export function splitByConvention(tensors: StateDict["tensors"]): Parts {
  const names = Object.keys(tensors).sort();
  const has = (name: string): boolean => Object.hasOwn(tensors, name);
  const isGradient = (name: string): boolean => name.endsWith(".grad") && has(name.slice(0, -5));
  const params = new Set(names.filter((name) => has(`${name}.grad`)));
  if (params.size === 0) throw new TypeError("No tensor has a gradient: w.grad is the gradient of w");
  for (const name of params) if (isGradient(name)) refuse(name, "has a gradient and is one");
  for (const name of names) if (has(`${name}.step`) && !isGradient(name)) params.add(name);
  const state = new Set<string>();
  for (const name of names) {
    if (params.has(name) || isGradient(name)) continue;
    if (name.endsWith(".grad")) refuse(name, "is a gradient of what is not there");
    const isGroup = /^group\.\d+\.[^.]+$/.test(name) && tensors[name].shape.length === 0;
    // Names are in order, so that a parameter comes before what begins with its name.
    if (isGroup || beginsWithOne(name, params)) state.add(name);
    else params.add(name);
  }
  const pick = <T>(chosen: Iterable<string>, of: (name: string) => T): Record<string, T> =>
    Object.fromEntries([...chosen].map((name) => [name, of(name)]));
  return {
    params: pick(params, (name) => tensors[name] as Tensor),
    grads: pick([...params].filter((name) => has(`${name}.grad`)), (name) => tensors[`${name}.grad`] as Tensor),
    state: pick(state, (name) => ownStep(name, tensors[name])),
  };
}

/** What of a file's metadata is an optimizer's: files of others say more, as PyTorch's `format: "pt"`. */
export function stateMetadata(metadata: Readonly<Record<string, string>>): Record<string, string> {
  const own = Object.entries(metadata).filter(([key, value]) =>
    key === "steps" || key === "optimizer" || /^schedule\.|^group\.[0-9]+\.step$/.test(key) || key === "format" && value !== "pt"
  );
  return Object.fromEntries(own);
}

function refuse(name: string, what: string): never {
  throw Object.assign(new TypeError(`Tensor ${JSON.stringify(name)} ${what}`), { tensor: name });
}

/** True where a name is one of `names` with a dot and more behind it. */
function beginsWithOne(name: string, names: ReadonlySet<string>): boolean {
  for (let dot = name.indexOf("."); dot >= 0; dot = name.indexOf(".", dot + 1)) if (names.has(name.slice(0, dot))) return true;
  return false;
}

/** PyTorch keeps step counts in float32, and ours are float64. */
function ownStep(name: string, tensor: StateDict["tensors"][string]): StateDict["tensors"][string] {
  if (!name.endsWith(".step") || !(tensor.data instanceof Float32Array) || tensor.data.length > 1) return tensor;
  return { data: Float64Array.from(tensor.data), shape: tensor.shape, dtype: "float64" };
}
