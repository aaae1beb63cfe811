/**
 * What keeping checkpoints asks of a folder, on a disk or in a browser.
 *
 * @module
 */
import type { ReadableFile, WriteAt } from "./checkpoint_file.ts";

/** A folder of checkpoints. */
export interface CheckpointStore {
  /** Saves into stores of one key wait for each other, in this process. */
  readonly key: unknown;
  /** The path that users know a file by. */
  pathOf(name: string): string;
  /** Names of the files; none where there is no folder. */
  list(): Promise<readonly string[]>;
  /** Makes a file, which afterwards is there whole, or not at all. It gets its name from those that are there. */
  write(fill: (write: WriteAt) => Promise<void>, nameFor: (names: readonly string[]) => string): Promise<string>;
  /** Makes sure that what {@linkcode list} gave last survives a loss of power, where that can be. */
  sync(): Promise<void>;
  /** Opens a file; null where it is no longer there, or not yet whole. */
  open(name: string): Promise<ReadableFile & { close(): Promise<void> } | null>;
  /** Removes a file; one that is gone, or that may not be removed, is left. */
  remove(name: string): Promise<void>;
}
