/**
 * A disk in memory that can lose power: it knows which bytes and which names were synced, and which a crash may or may not leave.
 *
 * @module
 */
import type { DiskFiles, DiskHandle } from "../../../plugins/formats/checkpoint_disk.ts";

interface Inode {
  bytes: Uint8Array;
  synced: Uint8Array | null;
  readonly mtimeMs: number;
}

/** What happens at an operation before it is done: nothing, or an error is thrown instead of it. */
export type Before = (operation: string, path: string) => void;

/** A folder and its files. */
export interface MemoryDisk extends DiskFiles {
  /** The files as they are, by their names. */
  readonly names: Map<string, Inode>;
  /** Names of operations so far. */
  readonly log: string[];
  before: Before;
  now: number;
  /** Every disk that may be found after a loss of power now. */
  crashes(): MemoryDisk[];
}

/** An error of a system call. */
export const failure = (code: string): Error => Object.assign(new Error(`${code}: as the test wants it`), { code });

/** What is left of bytes of which not all were synced. */
const remains = ({ bytes, synced }: Inode): readonly Uint8Array[] =>
  synced !== null && synced.length === bytes.length && synced.every((byte, i) => byte === bytes[i])
    ? [bytes]
    : [synced ?? new Uint8Array(0), bytes, bytes.slice(0, bytes.length >> 1), new Uint8Array(bytes.length)];

/** A disk with files that are safe. Its one folder is `/run`. */
export function memoryDisk(safe: ReadonlyMap<string, Uint8Array> = new Map()): MemoryDisk {
  const names = new Map([...safe].map(([name, bytes]): [string, Inode] => [name, { bytes, synced: bytes, mtimeMs: 0 }]));
  let syncedNames = new Map(names);
  let pending: ((names: Map<string, Inode>) => void)[] = [];
  const change = (run: (names: Map<string, Inode>) => void): void => {
    run(names);
    pending.push(run);
  };
  const nameOf = (path: string): string => path.replace(/^\/run\//, "");
  const take = (path: string): Inode => {
    const inode = names.get(nameOf(path));
    if (inode === undefined) throw failure("ENOENT");
    return inode;
  };
  const step = <T>(operation: string, path: string, run: () => T): Promise<T> =>
    new Promise((resolve) => {
      disk.log.push(operation);
      disk.before(operation, path);
      resolve(run());
    });
  const folder: DiskHandle = {
    stat: () => Promise.reject(failure("EISDIR")),
    read: () => Promise.reject(failure("EISDIR")),
    write: () => Promise.reject(failure("EISDIR")),
    sync: () =>
      step("sync folder", "/run", () => {
        syncedNames = new Map(names);
        pending = [];
      }),
    close: () => Promise.resolve(),
  };
  const handleOf = (path: string, inode: Inode): DiskHandle => ({
    stat: () => step("stat", path, () => ({ size: inode.bytes.length, mtimeMs: inode.mtimeMs })),
    read: (into, offset, length, position) =>
      step("read", path, () => {
        const part = inode.bytes.subarray(position, position + length);
        into.set(part, offset);
        return { bytesRead: part.length };
      }),
    write(bytes, offset, length, position) {
      const put = (count: number): void => {
        const longer = new Uint8Array(Math.max(inode.bytes.length, position + count));
        longer.set(inode.bytes);
        longer.set(bytes.subarray(offset, offset + count), position);
        inode.bytes = longer;
      };
      const half = length >> 1;
      // Half a write may be done when a process is killed; and a write may take fewer bytes than it was given.
      put(half);
      return step("write", path, () => {
        const count = Math.max(1, Math.ceil(length * 0.7));
        put(count);
        return { bytesWritten: count };
      });
    },
    sync: () =>
      step("sync", path, () => {
        inode.synced = inode.bytes;
      }),
    close: () => step("close", path, () => {}),
  });
  const disk: MemoryDisk = {
    names,
    log: [],
    before: () => {},
    now: 0,
    mkdir: (path) =>
      step("mkdir", path, () => {
        throw failure("EEXIST");
      }),
    readdir: (path) => step("readdir", path, () => [...names.keys()]),
    open: (path, flags) =>
      step("open", path, () => {
        if (path === "/run") return folder;
        if (flags === "r") return handleOf(path, take(path));
        if (names.has(nameOf(path))) throw failure("EEXIST");
        const inode: Inode = { bytes: new Uint8Array(0), synced: null, mtimeMs: disk.now };
        change((names) => names.set(nameOf(path), inode));
        return handleOf(path, inode);
      }),
    rename: (from, to) =>
      step("rename", from, () => {
        const inode = take(from);
        change((names) => {
          names.delete(nameOf(from));
          names.set(nameOf(to), inode);
        });
      }),
    unlink: (path) =>
      step("unlink", path, () => {
        take(path);
        change((names) => names.delete(nameOf(path)));
      }),
    stat: (path) => step("stat", path, () => ({ mtimeMs: take(path).mtimeMs })),
    crashes() {
      // Of changes to names that were not synced, any may have reached the disk.
      return Array.from({ length: 2 ** pending.length }, (_, which) => {
        const after = new Map(syncedNames);
        pending.forEach((run, i) => {
          if (which >> i & 1) run(after);
        });
        return after;
      }).flatMap((after) =>
        [0, 1, 2, 3].map((how) =>
          memoryDisk(
            new Map([...after].map(([name, inode]) => {
              const left = remains(inode);
              return [name, left[how % left.length]];
            })),
          )
        )
      );
    },
  };
  return disk;
}
