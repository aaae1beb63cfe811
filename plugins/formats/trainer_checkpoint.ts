/**
 * A folder that transformers' `Trainer` saved, such as `checkpoint-500`: `model.safetensors` (or several, with their index), `optimizer.pt`, `scheduler.pt`,
 * `trainer_state.json`.
 *
 * The layout is that of transformers 4.37 to 5.24. What else lies there is left alone: `training_args.bin` and `rng_state.pth` are pickles of Python's own objects.
 *
 * @module
 */
import type { Tensor } from "../../core/types.ts";
import type { FileSource } from "./byte_sources.ts";
import type { FileTensor, LazyFile } from "./file_tensors.ts";
import { openSafetensors } from "./open_safetensors.ts";
import type { OptimizerStateDict } from "./pytorch_optimizers.ts";
import type { SchedulerStateDict } from "./pytorch_schedulers.ts";
import { openShards } from "./safetensors_shards.ts";
import { readTorch } from "./torch_files.ts";

/** How {@linkcode readTrainerCheckpoint} reads. */
export interface TrainerCheckpointOptions {
  /**
   * Names of the trained parameters in the model's order, which no file has and every position in `optimizer.pt` counts by:
   * `[n for n, p in model.named_parameters() if p.requires_grad]`.
   */
  readonly names: readonly string[];
  /** Whether a parameter is in the group with weight decay, the first; default: by the patterns of `Trainer.get_decay_parameter_names`, and not of rank 0 or 1. */
  decays?(name: string, shape: readonly number[]): boolean;
}

/** What the folder holds. */
export interface TrainerCheckpoint {
  /** The trained parameters, in the model's order. */
  readonly params: Readonly<Record<string, Tensor>>;
  /** The model's other tensors: buffers, frozen parameters. */
  readonly others: Readonly<Record<string, FileTensor>>;
  /** Names by group, as the optimizer has them: with weight decay, and without. */
  readonly groups: readonly (readonly string[])[];
  /** The same in one list: the order of positions, for {@linkcode loadOptimizerStateDict}. */
  readonly names: readonly string[];
  /** `optimizer.pt`. */
  readonly optimizer: OptimizerStateDict;
  /** `scheduler.pt`; null where there is none. */
  readonly scheduler: SchedulerStateDict | null;
  /** `trainer_state.json`: `global_step`, `epoch`, `max_steps`, `log_history` and more. */
  readonly trainerState: Readonly<Record<string, unknown>>;
}

function refuse(why: string, about: object = {}): never {
  throw Object.assign(new RangeError(`Cannot read a Trainer's checkpoint: ${why}`), about);
}

/** transformers 5.24, `Trainer.get_decay_parameter_names`. */
const undecayed = [/bias/i, /layernorm/i, /rmsnorm/i, /(?:^|\.)norm(?:$|\.)/i, /_norm(?:$|\.)/i];

/** A model's layers may be LayerNorms under any name: their weights have rank 1. */
const decaysByName = (name: string, shape: readonly number[]): boolean =>
  shape.length > 1 && !undecayed.some((pattern) => pattern.test(name));

/**
 * Reads a folder by its path (Deno, Bun, Node), or by what opens a file of it by name: null for one that is not there.
 *
 * Trainer's optimizer has two groups, parameters with weight decay and those without, each in the model's order; which is which is held against
 * `optimizer.pt`, group by group and shape by shape, and a RangeError where it does not fit says to give `decays`. Errors of the files are those of {@linkcode readTorch} and of safetensors.
 *
 * @example A Trainer's run goes on here
 * ```ts no-assert
 * import { builtins } from "@glissade/optim";
 * import { loadOptimizerStateDict, readTrainerCheckpoint } from "@glissade/optim/pytorch";
 *
 * async function resume(folder: string, names: string[]) {
 *   const { params, groups, optimizer: saved, scheduler, names: order } = await readTrainerCheckpoint(folder, { names });
 *   const optimizer = builtins.createOptimizer("adamw_torch", params, { lr: 5e-5, weightDecay: 0.01 }, {
 *     groups: [{ match: groups[0] }, { match: groups[1], options: { weightDecay: 0 } }],
 *     schedules: { lr: { name: "linear", options: { numWarmupSteps: 100, numTrainingSteps: 1000 } } },
 *   });
 *   const { notes } = loadOptimizerStateDict(optimizer, saved, { names: order, scheduler });
 *   for (const note of notes) console.warn(note); // a schedule that is another than the Trainer's shows here
 *   return optimizer;
 * }
 * ```
 */
export async function readTrainerCheckpoint(
  folder: string | ((name: string) => FileSource | null | Promise<FileSource | null>),
  { names, decays = decaysByName }: TrainerCheckpointOptions,
): Promise<TrainerCheckpoint> {
  if (!Array.isArray(names) || !names.every((name) => typeof name === "string")) {
    throw new TypeError("Cannot read a Trainer's checkpoint without names: give those of model.named_parameters(), in their order");
  }
  const open = typeof folder === "string" ? inFolder(folder) : folder;
  const bytes = async (name: string): Promise<Uint8Array | null> => {
    const source = await open(name);
    if (source === null) return null;
    if (source instanceof Uint8Array) return source;
    throw new TypeError(`Cannot read ${name}: its bytes are needed as a Uint8Array`);
  };
  const needed = async (name: string): Promise<Uint8Array> => await bytes(name) ?? refuse(`it has no ${name}`);
  const optimizer = dictionary("optimizer.pt", readTorch(await needed("optimizer.pt"))) as unknown as OptimizerStateDict;
  const scheduler = await bytes("scheduler.pt");
  const trainerState = jsonOf("trainer_state.json", await needed("trainer_state.json"));
  const { tensors } = await openModel(open, bytes);
  const unknown = names.find((name) => !Object.hasOwn(tensors, name));
  if (unknown !== undefined) refuse(`its model has no parameter ${JSON.stringify(unknown)}`, { tensor: unknown });
  const param_groups = Array.isArray(optimizer.param_groups) ? optimizer.param_groups : refuse("optimizer.pt has no param_groups");
  const isDecayed = (name: string): boolean => decays(name, tensors[name].shape);
  const groups = param_groups.length === 1 ? [[...names]] : [names.filter(isDecayed), names.filter((name) => !isDecayed(name))];
  const sizes = param_groups.map(({ params }) => Array.isArray(params) ? params.length : NaN);
  if (sizes.join() !== groups.map(({ length }) => length).join()) {
    refuse(
      `optimizer.pt has groups of ${sizes.join(" and ")} parameters, and by their names it is ${
        groups.map(({ length }) => length).join(" and ")
      }: give decays`,
    );
  }
  const ordered = groups.flat();
  ordered.forEach((name, position) => checkShapes(name, tensors[name].shape, optimizer.state?.[position]));
  const read: [string, FileTensor][] = [];
  for (const [name, tensor] of Object.entries(tensors)) read.push([name, await tensor.read()]);
  const all = Object.fromEntries(read);
  const trained = new Set(names);
  const odd = names.find((name) => !["float32", "bfloat16", "float16"].includes(all[name].dtype));
  if (odd !== undefined) refuse(`parameter ${JSON.stringify(odd)} is ${all[odd].dtype}`, { tensor: odd });
  return {
    params: Object.fromEntries(names.map((name) => [name, all[name] as Tensor])),
    others: Object.fromEntries(read.filter(([name]) => !trained.has(name))),
    groups,
    names: ordered,
    optimizer,
    scheduler: scheduler === null ? null : dictionary("scheduler.pt", readTorch(scheduler)) as SchedulerStateDict,
    trainerState,
  };
}

/** A moment of another shape than its parameter says that the order is another. */
function checkShapes(name: string, shape: readonly number[], state: OptimizerStateDict["state"][string] | undefined): void {
  const { exp_avg } = (state ?? {}) as { readonly exp_avg?: FileTensor };
  if (exp_avg === undefined || exp_avg.shape?.join() === shape.join()) return;
  refuse(
    `${
      JSON.stringify(name)
    } has shape [${shape}], and the moment in its place [${exp_avg.shape}]: names are in another order, or decays is another`,
    {
      tensor: name,
    },
  );
}

async function openModel(
  open: (name: string) => FileSource | null | Promise<FileSource | null>,
  bytes: (name: string) => Promise<Uint8Array | null>,
): Promise<LazyFile> {
  const whole = await open("model.safetensors");
  if (whole !== null) return await openSafetensors(whole);
  const index = await bytes("model.safetensors.index.json") ?? refuse("it has neither model.safetensors nor model.safetensors.index.json");
  return await openShards(new TextDecoder().decode(index), async (name) => await open(name) ?? refuse(`it has no ${name}`));
}

function dictionary(name: string, value: unknown): Record<string, unknown> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  return refuse(`${name} holds no dictionary`);
}

function jsonOf(name: string, bytes: Uint8Array): Record<string, unknown> {
  const text = new TextDecoder().decode(bytes);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    try {
      // Python writes NaN and Infinity as such: a loss that ran away.
      value = JSON.parse(text.replace(/"(?:[^"\\]|\\[^])*"|NaN|-?Infinity/g, (word) => word.startsWith('"') ? word : `"${word}"`));
    } catch {
      return refuse(`${name} is no JSON`);
    }
  }
  return dictionary(name, value);
}

/** Opens files of a folder whole; a name leads nowhere else. */
function inFolder(folder: string): (name: string) => Promise<Uint8Array | null> {
  const { process } = globalThis as { process?: { getBuiltinModule?(name: string): unknown } };
  const files = process?.getBuiltinModule?.("node:fs/promises") as { readFile(path: string): Promise<Uint8Array> } | undefined;
  if (files === undefined) throw new TypeError("Cannot read a folder by its path here: give what opens a file of it by name");
  return async (name) => {
    try {
      const bytes = await files.readFile(`${folder.replace(/\/$/, "")}/${name}`);
      return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength); // a Buffer slices otherwise than a Uint8Array
    } catch (error) {
      if ((error as { code?: string }).code === "ENOENT") return null;
      throw error;
    }
  };
}
