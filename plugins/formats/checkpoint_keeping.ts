/**
 * Saving into a folder and finding what is there, whatever keeps it.
 *
 * @module
 */
import { isMemoryError } from "../../core/errors.ts";
import type { StateDict } from "../../core/types.ts";
import { readCheckpointFile, writeCheckpointFile } from "./checkpoint_file.ts";
import { newestFirst, nextName } from "./checkpoint_names.ts";
import type { CheckpointStore } from "./checkpoint_store.ts";

/** Saves a state into a store. */
export async function saveInto(store: CheckpointStore, state: StateDict, steps: number, keep: number): Promise<{ readonly path: string }> {
  const name = await store.write((write) => writeCheckpointFile(state, write), (names) => nextName(names, steps));
  const old = newestFirst(await store.list()).slice(keep);
  // First the new one and those that were found must be safe.
  await store.sync();
  // All processes remove by one order, so that the newest of all stays. (Tried: never the one just saved. Two processes then removed each other's.)
  for (const one of old) await store.remove(one);
  return { path: store.pathOf(name) };
}

/** What was found: a checkpoint, if one is whole, and those that are not. */
export type Found =
  & { readonly skipped: readonly { readonly path: string; readonly reason: string }[] }
  & (
    | { readonly name: string; readonly state: StateDict }
    | { readonly name: undefined }
  );

/** The newest checkpoint of a store whose bytes are those that were written. */
export async function newestWhole(store: CheckpointStore): Promise<Found> {
  const skipped: { path: string; reason: string }[] = [];
  const tried = new Set<string>();
  while (true) {
    // Listed each time: another process may have removed what was there, having saved newer ones.
    const name = newestFirst(await store.list()).find((name) => !tried.has(name));
    if (name === undefined) return { name, skipped };
    tried.add(name);
    try {
      const file = await store.open(name);
      if (file === null) continue;
      try {
        return { name, state: await readCheckpointFile(file), skipped };
      } finally {
        await file.close();
      }
    } catch (error) {
      if (!isBroken(error)) throw error;
      skipped.push({ path: store.pathOf(name), reason: error.message });
    }
  }
}

/** What says something about the file, and not about this process, its rights or its memory. */
function isBroken(error: unknown): error is Error {
  return error instanceof RangeError && !isMemoryError(error) || (error as { readonly code?: unknown }).code === "EIO";
}
