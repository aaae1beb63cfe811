/**
 * A folder of checkpoints on a disk, through `node:fs/promises`, which Deno, Bun and Node have alike.
 *
 * A file is written under a name of its own beside the checkpoints, synced, and renamed. The folder is synced after that, and before anything is
 * removed. No lock is taken: no two files have one name, so that writers cannot meet.
 *
 * @module
 */
import { uniqueLetters } from "./checkpoint_names.ts";
import type { CheckpointStore } from "./checkpoint_store.ts";

/** What is used of `node:fs/promises`; tests hand in others. */
export interface DiskFiles {
  mkdir(path: string): Promise<unknown>;
  readdir(path: string): Promise<string[]>;
  open(path: string, flags: "r" | "wx"): Promise<DiskHandle>;
  rename(from: string, to: string): Promise<void>;
  unlink(path: string): Promise<void>;
  stat(path: string): Promise<{ readonly mtimeMs: number }>;
}

/** An open file, or folder. */
export interface DiskHandle {
  stat(): Promise<{ readonly size: number; readonly mtimeMs: number }>;
  read(into: Uint8Array, offset: number, length: number, position: number): Promise<{ readonly bytesRead: number }>;
  write(bytes: Uint8Array, offset: number, length: number, position: number): Promise<{ readonly bytesWritten: number }>;
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** `node:fs/promises` of this runtime, without an import that would stop bundlers for browsers. */
export function diskFiles(): DiskFiles {
  const { process } = globalThis as { process?: { getBuiltinModule?(name: string): unknown } };
  const files = process?.getBuiltinModule?.("node:fs/promises") as DiskFiles | undefined;
  if (files !== undefined) return files;
  throw new TypeError("this runtime shows no files (Node does from 20.16 on); in a browser, give a FileSystemDirectoryHandle");
}

/** A file that nobody has written to for so long is left over from a process that ended. Milliseconds. */
const abandoned = 3_600_000;
const unfinished = /^\.checkpoint-[0-9a-z]+\.tmp$/;

const codeOf = (error: unknown): unknown => (error as { readonly code?: unknown } | null)?.code;

/** A checkpoint's folder. It is made when the first is written. */
export function diskStore(folder: string, files: DiskFiles): CheckpointStore {
  const clean = folder.replace(/^(\.\/+)+(?=.)/, "").replace(/(?<=.)\/+$/, "");
  const pathOf = (name: string): string => clean === "/" ? `/${name}` : `${clean}/${name}`;

  const list = async (): Promise<string[]> => {
    try {
      return await files.readdir(clean);
    } catch (error) {
      if (codeOf(error) === "ENOENT") return [];
      throw error;
    }
  };
  const removeIfThere = async (name: string): Promise<void> => {
    try {
      await files.unlink(pathOf(name));
    } catch {
      // Another process was faster, or it may not be removed: it is in nobody's way.
    }
  };
  /** A process that was killed leaves its file. Times are compared with that of a file just made: the disk may have a clock of its own. */
  const sweep = async (now: number): Promise<void> => {
    for (const name of (await list()).filter((name) => unfinished.test(name))) {
      const { mtimeMs } = await files.stat(pathOf(name)).catch(() => ({ mtimeMs: Infinity }));
      if (now - mtimeMs > abandoned) await removeIfThere(name);
    }
  };
  const syncFolder = async (path: string): Promise<void> => {
    let handle: DiskHandle;
    try {
      handle = await files.open(path, "r");
    } catch (error) {
      // Windows opens no folders; Deno may have no right to read the one above.
      if (["EISDIR", "EPERM", "EACCES"].includes(codeOf(error) as string) || (error as Error).name === "NotCapable") return;
      throw error;
    }
    try {
      await handle.sync();
    } catch (error) {
      // Some file systems know no such thing. EIO and the like do say that something is lost.
      if (!["EINVAL", "ENOTSUP", "EBADF", "EPERM", "EISDIR"].includes(codeOf(error) as string)) throw error;
    } finally {
      await handle.close();
    }
  };
  // A folder that is made must be found again: the one above it is synced, too.
  const makeFolder = async (path: string): Promise<void> => {
    const above = path.replace(/[/\\]*[^/\\]*$/, "") || (/^[/\\]/.test(path) ? "/" : ".");
    try {
      await files.mkdir(path);
    } catch (error) {
      if (codeOf(error) === "EEXIST") return;
      if (codeOf(error) !== "ENOENT" || above === path) throw error;
      await makeFolder(above);
      await files.mkdir(path).catch((error) => {
        if (codeOf(error) !== "EEXIST") throw error;
      });
    }
    await syncFolder(above);
  };

  return {
    key: clean,
    pathOf,
    list,
    sync: () => syncFolder(clean),
    remove: removeIfThere,
    async write(fill, nameFor) {
      for (let attempt = 1;; attempt++) {
        await makeFolder(clean);
        const temporary = `.checkpoint-${uniqueLetters()}.tmp`;
        const handle = await files.open(pathOf(temporary), "wx");
        try {
          try {
            await sweep((await handle.stat()).mtimeMs);
            await fill(async (bytes, at) => {
              for (let done = 0; done < bytes.length;) {
                const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, at + done);
                if (bytesWritten <= 0) throw new Error("the disk took no bytes");
                done += bytesWritten;
              }
            });
            await handle.sync();
          } finally {
            await handle.close();
          }
          const name = nameFor(await list());
          await files.rename(pathOf(temporary), pathOf(name));
          return name;
        } catch (error) {
          await removeIfThere(temporary);
          // Somebody cleaned up, taking this process for dead: after a long sleep, say. The state is still here.
          if (codeOf(error) !== "ENOENT" || attempt === 3) throw error;
        }
      }
    },
    async open(name) {
      let handle: DiskHandle;
      try {
        handle = await files.open(pathOf(name), "r");
      } catch (error) {
        if (codeOf(error) === "ENOENT") return null;
        throw error;
      }
      try {
        const { size } = await handle.stat();
        return {
          size,
          async read(into, at) {
            for (let done = 0; done < into.length;) {
              const { bytesRead } = await handle.read(into, done, into.length - done, at + done);
              if (bytesRead <= 0) throw new RangeError(`Cannot read the checkpoint: it ends after ${at + done} bytes`);
              done += bytesRead;
            }
          },
          close: () => handle.close(),
        };
      } catch (error) {
        await handle.close();
        throw error;
      }
    },
  };
}
