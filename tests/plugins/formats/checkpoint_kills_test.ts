/**
 * Checkpoints of processes that are killed: at random, at each system call, and two in one folder.
 *
 * `GLISSADE_KILLS=1000 npx deno test -A tests/plugins/formats/checkpoint_kills_test.ts` kills a thousand times.
 */
import { buildSync } from "esbuild";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { after, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { type LoadedCheckpoint, loadLatest } from "../../../plugins/formats/checkpoints.ts";
import { root } from "../../generated.ts";
import { create } from "./saving_run.ts";

const top = mkdtempSync(join(tmpdir(), "kills-"));
after(() => rmSync(top, { recursive: true }));
let made = 0;
const newFolder = (): string => join(top, String(made++));

const program = join(top, "saver.mjs");
buildSync({
  stdin: {
    contents: 'import { save } from "./saving_run.ts"; await save(process.argv[2], process.argv[3], Number(process.argv[4]));',
    resolveDir: join(root, "tests/plugins/formats"),
  },
  absWorkingDir: root,
  bundle: true,
  format: "esm",
  platform: "node",
  target: "node20",
  outfile: program,
});
const own = process.versions.deno === undefined ? [] : ["run", "-A", "--no-check"];

/** What a run said was safe. */
const safeOf = (said: string): number => Number([...said.matchAll(/^safe (\d+)$/gm)].at(-1)?.[1] ?? 0);

/** The newest whole checkpoint, of which nothing is broken and no number is another's. */
async function newest(folder: string): Promise<{ readonly steps: number; readonly writer: string }> {
  using optimizer = create();
  const found = await loadLatest(folder, optimizer) as (LoadedCheckpoint & { readonly extra: { writer: string; steps: number } }) | null;
  if (found === null) return { steps: 0, writer: "" };
  assertEquals(found.skipped, undefined);
  assertEquals(found.extra.steps, found.steps);
  const w = optimizer.params.w.data as Float32Array;
  assert(w.every((value) => value === found.steps), `all of w is ${found.steps}`);
  return { steps: found.steps, writer: found.extra.writer };
}

/** A run without end, and what it has said so far. */
function start(
  folder: string,
  writer: string,
): { readonly child: ChildProcess; said(): string; closed: Promise<unknown>; began: Promise<unknown> } {
  const child = spawn(process.execPath, [...own, program, folder, writer, "Infinity"], { stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  let wrong = "";
  child.stderr!.on("data", (text) => wrong += text);
  const began = new Promise((resolve, reject) => {
    child.stdout!.on("data", (text) => resolve(said += text));
    child.once("close", () => reject(new Error(`it ended by itself: ${wrong}`)));
  });
  began.catch(() => undefined);
  const closed = new Promise((resolve) => child.once("close", resolve));
  return { child, said: () => said, closed, began };
}

const kills = Number(process.env.GLISSADE_KILLS ?? 12);

test(`A process is killed ${kills} times at random, and goes on each time after the last checkpoint that it said is safe`, async () => {
  const folder = newFolder();
  let before = 0;
  for (let kill = 0; kill < kills; kill++) {
    const { child, said, closed, began } = start(folder, "a");
    await began;
    await setTimeout(Math.random() * 150);
    child.kill("SIGKILL");
    await closed;
    const { steps } = await newest(folder);
    const safe = Math.max(before, safeOf(said()));
    assertStringIncludes(said(), `from ${before}\n`);
    // One more may have been whole before it could say so.
    assert(steps === safe || steps === safe + 1, `kill ${kill}: ${safe} was safe, and ${steps} is found`);
    before = steps;
  }
  assert(before > kills / 8, `${before} saves between ${kills} kills`);
});

test("Two processes save into one folder and are killed at random, and neither is found behind what it said is safe", async () => {
  const folder = newFolder();
  for (let kill = 0; kill < Math.ceil(kills / 4); kill++) {
    const runs = ["a", "b"].map((writer) => start(folder, writer));
    await Promise.all(runs.map(({ began }) => began));
    for (const { child, closed } of runs) {
      await setTimeout(Math.random() * 150);
      child.kill("SIGKILL");
      await closed;
    }
    const { steps, writer } = await newest(folder);
    const safe = safeOf(runs["ab".indexOf(writer)]?.said() ?? "");
    assert(steps >= safe, `kill ${kill}: ${safe} of ${writer} was safe, and ${steps} is found`);
  }
});

const node = (words: readonly string[], args: readonly string[], env: Readonly<Record<string, string>> = {}) => {
  const [first, ...rest] = [...words, "node", program, ...args];
  return spawnSync(first, rest, { encoding: "utf8", env: { ...process.env, ...env } });
};
const unfinished = (folder: string): string[] => readdirSync(folder).filter((name) => name.endsWith(".tmp"));

// Node with one thread for its files: strace counts the calls of each thread by itself.
const oneThread = { UV_THREADPOOL_SIZE: "1" };
const calls = ["mkdir", "pwrite64", "fsync", "rename", "unlink"];
const canTrace = spawnSync("strace", ["-qq", "-e", "trace=none", "true"]).status === 0;
const traced = { skip: canTrace ? false : "strace is missing, or may not trace: apt-get install strace" };

test("A process is killed at each of its system calls that change the disk, and nothing that was safe is lost", traced, async () => {
  const log = join(top, "calls.txt");
  assertEquals(node(["strace", "-f", "-qq", "-o", log, "-e", `trace=${calls}`], [newFolder(), "a", "3"], oneThread).status, 0);
  const text = readFileSync(log, "utf8");
  const counts = calls.map((call) => [...text.matchAll(new RegExp(`^\\d+ +${call}\\(`, "gm"))].length);
  // Of three saves: the folder is made, or there; two pieces each; file, folder and once the folder above synced; one file removed.
  assertEquals(counts, [3, 6, 7, 3, 1]);
  for (const [i, call] of calls.entries()) {
    for (let at = 1; at <= counts[i]; at++) {
      const folder = newFolder();
      const { signal, status, stdout } = node(
        ["strace", "-f", "-qq", "-o", log, "-e", `trace=${call}`, "-e", `inject=${call}:signal=KILL:when=${at}`],
        [folder, "a", "3"],
        oneThread,
      );
      assert(signal === "SIGKILL" || status === 137, `${call} ${at} kills: ${signal} ${status}`);
      const { steps } = await newest(folder);
      const safe = safeOf(stdout);
      assert(steps === safe || steps === safe + 1, `${call} ${at}: ${safe} was safe, and ${steps} is found`);
      assertEquals(safeOf(node([], [folder, "a", "1"]).stdout), steps + 1);
    }
  }
});

for (const [call, code] of [["pwrite64", "ENOSPC"], ["fsync", "EIO"], ["rename", "EROFS"], ["mkdir", "EROFS"]] as const) {
  test(`A save whose ${call} fails with ${code} is refused with that code, and what was safe is there`, traced, async () => {
    const folder = newFolder();
    // The folder is there already, but for mkdir.
    const first = call === "mkdir" ? 0 : safeOf(node([], [folder, "a", "2"]).stdout);
    const { status, stderr } = node(
      ["strace", "-f", "-qq", "-o", join(top, "calls.txt"), "-e", `trace=${call}`, "-e", `inject=${call}:error=${code}:when=1`],
      [folder, "a", "1"],
      oneThread,
    );
    assert(status !== 0);
    assertStringIncludes(stderr, `Cannot save a checkpoint in ${JSON.stringify(folder)}: ${code}`);
    assertEquals((await newest(folder)).steps, first);
    if (first > 0) assertEquals(unfinished(folder), []);
  });
}

test("A file that may not grow as long is refused, and what was safe is there", async () => {
  const folder = newFolder();
  assertEquals(safeOf(node([], [folder, "a", "2"]).stdout), 2);
  const { status, stderr } = node(["bash", "-c", `trap "" XFSZ; ulimit -f 40; exec "$@"`, "-"], [folder, "a", "1"]);
  assert(status !== 0);
  assertStringIncludes(stderr, `Cannot save a checkpoint in ${JSON.stringify(folder)}: EFBIG`);
  assertEquals([(await newest(folder)).steps, unfinished(folder)], [2, []]);
});
