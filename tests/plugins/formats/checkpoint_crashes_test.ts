/**
 * Checkpoints on a disk that fails: at every operation the process is killed, the power is lost, or the operation is refused.
 */
import { env } from "node:process";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { assert, assertEquals, assertRejects } from "@std/assert";
import type { StateDict } from "../../../core/types.ts";
import { diskStore } from "../../../plugins/formats/checkpoint_disk.ts";
import { newestWhole, saveInto } from "../../../plugins/formats/checkpoint_keeping.ts";
import { failure, type MemoryDisk, memoryDisk } from "./memory_disk.ts";

const stateOf = (steps: number): StateDict => ({
  tensors: { w: { data: new Float32Array(300).fill(steps), shape: [300], dtype: "float32" } },
  metadata: { steps: String(steps) },
});
const storeOn = (disk: MemoryDisk) => diskStore("/run", disk);

/** Steps of the newest whole checkpoint, all of whose numbers must be of one save; 0 where there is none. */
async function newest(disk: MemoryDisk): Promise<number> {
  const found = await newestWhole(storeOn(disk));
  assertEquals(found.skipped, [], "a file under a checkpoint's name is whole");
  if (found.name === undefined) return 0;
  const steps = Number(found.state.metadata.steps);
  assertEquals(found.state.tensors, { ...stateOf(steps).tensors });
  return steps;
}

/** Saves one after another, and says which were promised to be safe. */
async function run(disk: MemoryDisk, saves: readonly number[], keep: number): Promise<number> {
  let safe = 0;
  for (const steps of saves) {
    await saveInto(storeOn(disk), stateOf(steps), steps, keep);
    safe = steps;
  }
  return safe;
}

const saves = [1, 2, 3, 4, 5];
const rounds = Number(env.GLISSADE_RACES ?? 15);

test("Power is lost at any operation, and the newest checkpoint that was promised is there", async () => {
  for (const keep of [1, 2]) {
    const whole = memoryDisk();
    assertEquals(await run(whole, saves, keep), 5);
    assertEquals([whole.names.size, await newest(whole)], [keep, 5]);
    for (let at = 0; at < whole.log.length; at++) {
      const disk = memoryDisk();
      let safe = 0;
      disk.before = () => {
        if (disk.log.length > at) throw failure("KILLED"); // and everything that comes after
      };
      for (const steps of saves) {
        try {
          await saveInto(storeOn(disk), stateOf(steps), steps, keep);
        } catch (error) {
          assertEquals((error as { code?: string }).code, "KILLED");
          break;
        }
        safe = steps;
      }
      // Killed: what was done is done. Power lost: what was not synced may be lost, or not.
      for (const left of [...disk.crashes(), memoryDisk(new Map([...disk.names].map(([name, { bytes }]) => [name, bytes])))]) {
        const found = await newest(left);
        const what = `keep ${keep}, operation ${at} (${disk.log[at]})`;
        assert(found === safe || found === safe + 1, `${what}: save ${safe} was safe, and ${found} is found`);
        // And the run goes on from there.
        await run(left, [found + 1, found + 2], keep);
        assertEquals(await newest(left), found + 2, what);
      }
    }
  }
});

for (const code of ["ENOSPC", "EIO", "EROFS", "EACCES", "EDQUOT"]) {
  test(`An operation that fails with ${code} loses nothing and leaves nothing, whichever it is`, async () => {
    const whole = memoryDisk();
    await run(whole, saves, 2);
    for (let at = 0; at < whole.log.length; at++) {
      const disk = memoryDisk();
      disk.before = () => {
        if (disk.log.length === at + 1) throw failure(code);
      };
      let safe = 0;
      for (const steps of saves) {
        const names = new Set(disk.names.keys());
        try {
          await saveInto(storeOn(disk), stateOf(steps), steps, 2);
          safe = steps;
          continue;
        } catch (error) {
          assertEquals((error as { code?: string }).code, code);
        }
        const found = await newest(disk);
        assert(found === safe || found === steps, `${found} is found after ${safe} in operation ${at}`);
        for (const name of names) assert(disk.names.has(name), `${name} is there still`);
      }
      assert(await newest(disk) >= safe);
      await run(disk, [6], 2);
      assertEquals([await newest(disk), disk.names.size], [6, 2]);
      const left = [...disk.names.keys()].filter((name) => name.endsWith(".tmp"));
      assertEquals(left, [], `operation ${at} (${disk.log[at]})`);
    }
  });
}

test("Of two that save at the same moment nothing is removed that the other has not made safe", async () => {
  // Every order in which the operations of two saves can meet is too many: many of them by random.
  let seed = 7;
  const random = (): number => (seed = (seed * 48271) % 2147483647) / 2147483647;
  for (let round = 0; round < rounds; round++) {
    const disk = memoryDisk();
    await run(disk, [1], 1);
    // Each writer waits for its turn before each operation.
    const waiting: (() => void)[] = [];
    const turns = (files: MemoryDisk): MemoryDisk =>
      new Proxy(files, {
        get: (all, name) => {
          const value = Reflect.get(all, name);
          if (typeof value !== "function" || name === "crashes") return value;
          return async (...given: unknown[]) => {
            await new Promise<void>((resolve) => waiting.push(resolve));
            return await value.apply(all, given);
          };
        },
      });
    const promised = new Set<number>();
    const done = [100, 200].map(async (first) => {
      for (let steps = first; steps < first + 3; steps++) {
        await saveInto(storeOn(turns(disk)), stateOf(steps), steps, 1);
        promised.add(steps);
        for (const left of disk.crashes()) {
          const found = await newest(left);
          assert(found >= 100, `${found} is found after ${[...promised]}`);
          // Of the same writer nothing older than what it was promised.
          const own = [...promised].filter((one) => Math.floor(one / 100) === Math.floor(found / 100));
          assert(own.every((one) => one <= found), `${found} is found after ${[...promised]}`);
        }
      }
    });
    let running = 2;
    for (const one of done) void one.then(() => running--, () => running--);
    while (running > 0) {
      waiting.splice(Math.floor(random() * waiting.length), 1)[0]?.();
      await setImmediate();
    }
    await Promise.all(done);
    assertEquals([...disk.names.keys()].filter((name) => name.endsWith(".tmp")), []);
  }
});

test("A file that a killed process left is removed when nobody wrote to it for an hour, and not before", async () => {
  const disk = memoryDisk(new Map([[".checkpoint-abc.tmp", new Uint8Array(9)], [".other.tmp", new Uint8Array(9)]]));
  disk.now = 3_600_000;
  await saveInto(storeOn(disk), stateOf(1), 1, 3);
  assert(disk.names.has(".checkpoint-abc.tmp"));
  disk.now++;
  await saveInto(storeOn(disk), stateOf(2), 2, 3);
  assert(!disk.names.has(".checkpoint-abc.tmp"));
  assert(disk.names.has(".other.tmp"));
});

test("A save whose unfinished file is removed by another process is written anew", async () => {
  const disk = memoryDisk();
  let left = 2;
  disk.before = (operation, path) => {
    if (operation === "rename" && left-- > 0) disk.names.delete(path.replace("/run/", ""));
  };
  await saveInto(storeOn(disk), stateOf(1), 1, 3);
  assertEquals([await newest(disk), disk.names.size], [1, 1]);
  left = Infinity;
  await assertRejects(() => saveInto(storeOn(disk), stateOf(2), 2, 3), Error, "ENOENT");
  assertEquals(await newest(disk), 1);
});

test("A checkpoint that another process removes while it is looked for is not missed", async () => {
  const disk = memoryDisk();
  await run(disk, [1], 1);
  let saved = false;
  disk.before = (operation, path) => {
    if (saved || operation !== "open" || path === "/run") return;
    saved = true;
    const [[name, inode]] = disk.names;
    disk.names.delete(name);
    disk.names.set(name.replace("000001-1", "000002-2"), inode);
  };
  assertEquals([await newest(disk), saved], [1, true]);
});

test("A newest checkpoint that the disk cannot read is passed over, and one that may not be read is not", async () => {
  const disk = memoryDisk();
  await run(disk, [1, 2], 2);
  let code = "EIO";
  disk.before = (operation, path) => {
    if (operation === "read" && path.includes("000002")) throw failure(code);
  };
  const { skipped, ...found } = await newestWhole(storeOn(disk));
  assertEquals([skipped.length, found.name?.includes("000001-1")], [1, true]);
  code = "EACCES";
  await assertRejects(() => newestWhole(storeOn(disk)), Error, "EACCES");
});
