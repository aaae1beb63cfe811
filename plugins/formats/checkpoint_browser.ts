/**
 * A folder of checkpoints in a browser's Origin Private File System.
 *
 * A file gets its bytes when its writer is closed, all at once; until then it has none, and such files are passed over. Nothing there can be synced: the
 * browser may lose what it was just given when power fails, and all of it when the user clears the site's data or space runs short
 * (`navigator.storage.persist()` asks it not to).
 *
 * @module
 */
import { newestFirst } from "./checkpoint_names.ts";
import type { CheckpointStore } from "./checkpoint_store.ts";

/** A `FileSystemDirectoryHandle`: what `navigator.storage.getDirectory()` gives, and the folders in it. */
export interface FolderHandle {
  /** A file of the folder. */
  getFileHandle(name: string, options?: { create?: boolean }): Promise<object>;
  /** Removes an entry. */
  removeEntry(name: string): Promise<void>;
}

interface FileHandle {
  getFile(): Promise<StoredFile>;
  createWritable(): Promise<{
    write(what: { readonly type: "write"; readonly position: number; readonly data: Uint8Array }): Promise<void>;
    close(): Promise<void>;
    abort(): Promise<void>;
  }>;
}

interface StoredFile {
  readonly size: number;
  readonly lastModified: number;
  slice(from: number, to: number): { arrayBuffer(): Promise<ArrayBuffer> };
}

/** A file that has been empty for so long is left over from a page that was closed. Milliseconds. */
const abandoned = 3_600_000;

/** True for a folder's handle. */
export const isFolderHandle = (value: unknown): value is FolderHandle =>
  typeof value === "object" && value !== null && typeof (value as Partial<FolderHandle>).getFileHandle === "function" &&
  typeof (value as Partial<FolderHandle>).removeEntry === "function";

/** The folder's checkpoints. Their paths are their names. */
export function browserStore(folder: FolderHandle): CheckpointStore {
  const entries = async (): Promise<string[]> => {
    const names: string[] = [];
    for await (const name of (folder as unknown as { keys(): AsyncIterable<string> }).keys()) names.push(name);
    return newestFirst(names);
  };
  const fileOf = async (name: string, create = false): Promise<FileHandle> => await folder.getFileHandle(name, { create }) as FileHandle;
  const ifThere = async (name: string): Promise<StoredFile | null> => {
    try {
      return await (await fileOf(name)).getFile();
    } catch (error) {
      if ((error as Error).name === "NotFoundError") return null;
      throw error;
    }
  };
  const list = async (): Promise<string[]> => {
    const names = await entries();
    const files = await Promise.all(names.map(ifThere));
    return names.filter((_, i) => (files[i]?.size ?? 0) > 0);
  };
  const remove = async (name: string): Promise<void> => {
    try {
      await folder.removeEntry(name);
    } catch {
      // It is gone, or another page is writing it.
    }
  };
  return {
    key: folder,
    pathOf: (name) => name,
    list,
    sync: () => Promise.resolve(),
    remove,
    async write(fill, nameFor) {
      const names = await entries();
      const name = nameFor(names);
      const handle = await fileOf(name, true);
      try {
        const { lastModified: now } = await handle.getFile();
        for (const other of names) {
          const file = await ifThere(other);
          if (file !== null && file.size === 0 && now - file.lastModified > abandoned) await remove(other);
        }
        const writable = await handle.createWritable();
        try {
          await fill((data, position) => writable.write({ type: "write", position, data }));
        } catch (error) {
          await writable.abort();
          throw error;
        }
        await writable.close();
        return name;
      } catch (error) {
        await remove(name);
        throw error;
      }
    },
    async open(name) {
      const file = await ifThere(name);
      if (file === null || file.size === 0) return null;
      return {
        size: file.size,
        async read(into, at) {
          const bytes = new Uint8Array(await file.slice(at, at + into.length).arrayBuffer());
          if (bytes.length < into.length) throw new RangeError(`Cannot read the checkpoint: it ends after ${at + bytes.length} bytes`);
          into.set(bytes);
        },
        close: () => Promise.resolve(),
      };
    },
  };
}
