/**
 * Checkpoints of a run in a folder: saved whole or not at all, the newest whole one loaded.
 *
 * A checkpoint is a safetensors file, which Python opens like any other; its metadata hold `extra`, the recipe and a checksum of all its bytes.
 *
 * @example Save as it goes, and go on where it was
 * ```ts
 * import { builtins } from "@glissade/optim";
 * import { loadLatest, saveCheckpoint } from "@glissade/optim/checkpoints";
 *
 * const folder = await Deno.makeTempDir();
 * const make = () => builtins.createTrainer({ w: new Float32Array([1, 2]) }, { optimizer: { name: "adamw" } });
 * using trainer = make();
 * trainer.add({ w: new Float32Array([0.5, -0.5]) });
 * await saveCheckpoint(folder, trainer, { keep: 3, extra: { batch: 1 } });
 *
 * using resumed = make();
 * const found = await loadLatest(folder, resumed); // null where there is none
 * console.log(found?.steps, found?.extra); // 1 { batch: 1 }
 * ```
 *
 * @module
 */
import { isPlainObject, refuseUnknownKeys, show } from "../../core/names.ts";
import { differences } from "../../core/training/differences.ts";
import type { Optimizer, Recipe, Trainer } from "../../core/types.ts";
import { browserStore, type FolderHandle, isFolderHandle } from "./checkpoint_browser.ts";
import { diskFiles, diskStore } from "./checkpoint_disk.ts";
import { newestWhole, saveInto } from "./checkpoint_keeping.ts";
import type { CheckpointStore } from "./checkpoint_store.ts";

export type { FolderHandle } from "./checkpoint_browser.ts";

/** What a checkpoint is made of, and loaded into: a trainer, or an optimizer. */
export type Checkpointed = Trainer | Optimizer;

/** Options of {@linkcode saveCheckpoint}. */
export interface SaveOptions {
  /** How many checkpoints stay in the folder, the newest; default 3. `Infinity` keeps all. While one is saved there must be room for one more. */
  readonly keep?: number;
  /** JSON of your own: the position in the data, the state of random numbers. It is kept in the file's header, so no large arrays. */
  readonly extra?: unknown;
}

/** A checkpoint that was loaded. */
export interface LoadedCheckpoint {
  /** Its file. */
  readonly path: string;
  /** Updates applied when it was saved. */
  readonly steps: number;
  /** What was given as `extra`; undefined where nothing was. */
  readonly extra: unknown;
  /** Newer ones that are broken and were passed over, the newest first, and why; left out where there are none. A warning on the console says the same. */
  readonly skipped?: readonly { readonly path: string; readonly reason: string }[];
  /** What of a trainer's recipe is another than in the checkpoint, in words; left out where nothing is. */
  readonly differences?: readonly string[];
}

/**
 * Saves a trainer or an optimizer into a folder, which is made if need be.
 *
 * The state is copied before the call returns, and written while training goes on: await the promise before the next save, and before the program ends. It goes
 * on whenever the program awaits something: a loop without a single await would gather copies until it ends. Saves of one process into one folder follow each other in the order of their calls.
 *
 * When the promise is fulfilled, the checkpoint survives a crash and a loss of power: the file was written under another name, synced, renamed, and its folder
 * synced. Older ones are removed last. Whatever goes wrong, be it a full disk or a killed process, those that were there before are there still. Several processes
 * may save into one folder; who finishes last is the newest, and `keep` counts for all together.
 *
 * In a browser the folder is a `FileSystemDirectoryHandle` of the Origin Private File System. A file is there whole or not at all, too; but nothing can be
 * synced there, so that a loss of power may take the last ones.
 *
 * @param folder A path, or a handle in a browser.
 * @returns The path of the file; its name in a browser.
 * @example A browser
 * ```ts ignore
 * import { saveCheckpoint } from "@glissade/optim/checkpoints";
 *
 * const root = await navigator.storage.getDirectory();
 * await saveCheckpoint(await root.getDirectoryHandle("run", { create: true }), trainer);
 * ```
 */
export async function saveCheckpoint(
  folder: string | FolderHandle,
  of: Checkpointed,
  options: SaveOptions = {},
): Promise<{ readonly path: string }> {
  const where = checkFolder("save a checkpoint", folder);
  checkTaken("save a checkpoint of", of);
  refuseUnknownKeys("the options of saveCheckpoint", options, ["keep", "extra"]);
  const { keep = 3, extra } = options;
  if (typeof keep !== "number") throw new TypeError(`Cannot save a checkpoint with keep = ${show(keep)}: it must be a number`);
  if (!(keep >= 1 && (Number.isSafeInteger(keep) || keep === Infinity))) {
    throw new RangeError(`Cannot save a checkpoint with keep = ${keep}: it must be a whole number from 1, or Infinity`);
  }
  if (extra !== undefined) checkJson("extra", extra, []);
  const text: Record<string, string> = extra === undefined ? {} : { extra: JSON.stringify(extra) };
  const { steps } = of;
  const copied = of.saveStateAsync();
  copied.catch(() => undefined); // told below, in its turn
  return await inTurn(where, async () => {
    const { tensors, metadata } = await copied;
    const store = await where.store();
    return await saying(
      `save a checkpoint in ${where.name}`,
      () => saveInto(store, { tensors, metadata: { ...metadata, ...text } }, steps, keep),
    );
  });
}

/**
 * Loads the newest checkpoint of a folder that is whole, into a trainer or an optimizer made as before. Null where the folder has none, or is not there.
 *
 * One that is broken is passed over, with a warning on the console, and the one before is loaded; {@linkcode LoadedCheckpoint.skipped} says which. Where all are
 * broken, that is an Error, and not null: nobody should begin anew without knowing. A checkpoint that is whole and does not fit is refused as `loadState` refuses
 * it. A recipe with another learning rate, say, does fit; {@linkcode LoadedCheckpoint.differences} tells.
 */
export async function loadLatest(folder: string | FolderHandle, into: Checkpointed): Promise<LoadedCheckpoint | null> {
  const where = checkFolder("load a checkpoint", folder);
  checkTaken("load a checkpoint into", into);
  return await inTurn(where, async () => {
    const store = await where.store();
    const found = await saying(`load a checkpoint from ${where.name}`, () => newestWhole(store));
    for (const { path, reason } of found.skipped) console.warn(`The checkpoint ${path} is passed over: ${reason}`);
    if (found.name === undefined) {
      if (found.skipped.length === 0) return null;
      const all = found.skipped.map(({ path, reason }) => `${path}: ${reason}`).join("; ");
      throw new Error(`Cannot load a checkpoint from ${where.name}: none of its ${found.skipped.length} is whole: ${all}`);
    }
    const { tensors, metadata } = found.state;
    const { checksum: _, extra, ...rest } = metadata;
    const own = extra === undefined ? undefined : JSON.parse(extra) as unknown;
    into.loadState({ tensors, metadata: rest });
    const changed = "recipe" in into && metadata.recipe !== undefined
      ? differences(JSON.parse(metadata.recipe) as Recipe, into.recipe)
      : [];
    return {
      path: store.pathOf(found.name),
      steps: into.steps,
      extra: own,
      ...found.skipped.length > 0 && { skipped: found.skipped },
      ...changed.length > 0 && { differences: changed },
    };
  });
}

/** A folder that was given, not looked at yet. */
interface Where {
  readonly key: unknown;
  /** As errors say it. */
  readonly name: string;
  store(): Promise<CheckpointStore>;
}

function checkFolder(action: string, folder: unknown): Where {
  if (isFolderHandle(folder)) return { key: folder, name: "the folder of the handle", store: () => Promise.resolve(browserStore(folder)) };
  if (typeof folder !== "string") {
    throw new TypeError(`Cannot ${action} in ${show(folder)}: the folder must be a path, or a FileSystemDirectoryHandle`);
  }
  if (folder === "") throw new TypeError(`Cannot ${action} in a folder without a name`);
  const name = JSON.stringify(folder);
  return {
    key: folder.replace(/^(\.\/+)+(?=.)/, "").replace(/(?<=.)\/+$/, ""),
    name,
    store: () => saying(`${action} in ${name}`, () => Promise.resolve(diskStore(folder, diskFiles()))),
  };
}

function checkTaken(action: string, of: unknown): void {
  const { saveStateAsync, loadState } = (of ?? {}) as Partial<Checkpointed>;
  if (typeof saveStateAsync === "function" && typeof loadState === "function") return;
  throw new TypeError(`Cannot ${action} ${show(of)}: it must be a trainer or an optimizer`);
}

/** JSON.stringify writes null for NaN and {} for a Map without a word, and a run would go on from something else. */
function checkJson(path: string, value: unknown, above: readonly unknown[]): void {
  const refuse = (what: string): never => {
    throw new TypeError(`Cannot save a checkpoint with ${path} = ${what}: extra must be JSON`);
  };
  if (value === null || typeof value === "string" || typeof value === "boolean") return;
  if (typeof value === "number") return Number.isFinite(value) ? undefined : refuse(String(value));
  if (above.includes(value)) return refuse("something that it is in");
  const inside = [...above, value];
  // Not forEach, which passes over holes: they would come back as null.
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) checkJson(`${path}[${i}]`, value[i], inside);
    return;
  }
  if (!isPlainObject(value)) return refuse(show(value));
  for (const [key, one] of Object.entries(value)) if (one !== undefined) checkJson(`${path}.${key}`, one, inside);
}

/** The last save or load of each folder of this process that is not done. */
const last = /* @__PURE__ */ new Map<unknown, Promise<unknown>>();

/** Runs after those before it, whether they succeeded or not. */
function inTurn<T>({ key }: Where, run: () => Promise<T>): Promise<T> {
  const mine = (last.get(key) ?? Promise.resolve()).then(run);
  const done = mine.then(() => undefined, () => undefined).then(() => {
    if (last.get(key) === done) last.delete(key);
  });
  last.set(key, done);
  return mine;
}

/** Errors of files say what was wanted; `code` stays. */
async function saying<T>(action: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (cause) {
    // What the library says for itself begins so already.
    if (!(cause instanceof Error) || cause.message.startsWith("Cannot ")) throw cause;
    const { code } = cause as { readonly code?: unknown };
    const Same = cause instanceof TypeError ? TypeError : Error;
    throw Object.assign(new Same(`Cannot ${action}: ${cause.message}`, { cause }), code === undefined ? {} : { code });
  }
}
