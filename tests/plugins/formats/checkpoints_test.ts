import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import process from "node:process";
import { after, test } from "node:test";
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import type { Optimizer, Recipe, StateDict, Trainer } from "../../../core/types.ts";
import { builtins } from "../../../mod.ts";
import { loadLatest, saveCheckpoint } from "../../../plugins/formats/checkpoints.ts";
import { type ReadableFile, readCheckpointFile, writeCheckpointFile } from "../../../plugins/formats/checkpoint_file.ts";
import { newestFirst, nextName } from "../../../plugins/formats/checkpoint_names.ts";
import { crc32, crc32InTables } from "../../../plugins/formats/crc32.ts";
import { pythonWith } from "../../python.ts";
import { parseSafetensors, readSafetensors } from "../../../plugins/formats/safetensors.ts";

const top = mkdtempSync(join(tmpdir(), "checkpoints-"));
after(() => rmSync(top, { recursive: true }));
let made = 0;
const newFolder = (): string => join(top, String(made++), "run");

const recipe: Recipe = { optimizer: { name: "adamw", options: { lr: 0.1 } }, accumulate: { name: "mean", options: { every: 2 } } };
const make = (given: Recipe = recipe): Trainer =>
  builtins.createTrainer({ w: new Float32Array([1, 2]), b: new Float32Array(1) }, given, { backend: "js" });
const feed = (trainer: Trainer, value: number): boolean => trainer.add({ w: Float32Array.of(value, -value), b: Float32Array.of(value) });
const bits = ({ tensors, metadata }: StateDict): unknown => ({ tensors: { ...tensors }, metadata: { ...metadata } });

/** Runs with what is written to the console as warnings. */
async function warned<T>(run: () => Promise<T>): Promise<[T, string[]]> {
  const { warn } = console;
  const said: string[] = [];
  console.warn = (text: string) => said.push(text);
  try {
    return [await run(), said];
  } finally {
    console.warn = warn;
  }
}

test("A trainer in the middle of a window is saved, loaded, and goes on to the same bits", async () => {
  const folder = newFolder();
  using trainer = make();
  assertEquals(await loadLatest(folder, trainer), null);
  for (const value of [1, 2, 3]) feed(trainer, value);
  const extra = { batch: 3, random: [1, 2], text: 'é"checksum":"crc32:' };
  const { path, ...rest } = await saveCheckpoint(folder, trainer, { extra });
  assertEquals([rest, readdirSync(folder)], [{}, [basename(path)]]);
  using resumed = make();
  assertEquals(await loadLatest(folder, resumed), { path, steps: 1, extra });
  assertEquals(bits(resumed.saveState()), bits(trainer.saveState()));
  for (const one of [trainer, resumed]) feed(one, 4);
  assertEquals([resumed.steps, bits(resumed.saveState())], [2, bits(trainer.saveState())]);
});

test("An optimizer is saved and loaded, and what was not given as extra is undefined", async () => {
  const folder = `${newFolder()}/`;
  const create = (): Optimizer => builtins.createOptimizer("adamw", { w: new Float32Array([1, 2]) }, { lr: 0.1 }, { backend: "js" });
  using before = create();
  before.step({ w: Float32Array.of(1, 2) });
  const { path } = await saveCheckpoint(folder, before);
  assert(!path.includes("//"), path);
  using loaded = create();
  assertEquals(await loadLatest(folder, loaded), { path, steps: 1, extra: undefined });
  assertEquals(bits(loaded.saveState()), bits(before.saveState()));
  for (const extra of [null, 0, "", [], false, { a: undefined }]) {
    await saveCheckpoint(folder, before, { extra });
    assertEquals((await loadLatest(folder, loaded))?.extra, JSON.parse(JSON.stringify(extra)));
  }
});

test("The state is that of the moment of the call, whatever comes before it is written", async () => {
  const folder = newFolder();
  using trainer = make();
  feed(trainer, 1);
  const then = bits(trainer.saveState());
  const extra = { batch: 1 };
  const saving = saveCheckpoint(folder, trainer, { extra });
  extra.batch = 2;
  for (const value of [2, 3, 4]) feed(trainer, value);
  await saving;
  using loaded = make();
  assertEquals((await loadLatest(folder, loaded))?.extra, { batch: 1 });
  assertEquals(bits(loaded.saveState()), then);
});

test("Saves that overlap follow each other in the order of their calls, and a load waits for them", async () => {
  const folder = newFolder();
  using trainer = make();
  const saves = [1, 2, 3, 4, 5].map((value) => {
    feed(trainer, value);
    return saveCheckpoint(value % 2 === 0 ? folder : `${folder}/`, trainer, { keep: 2, extra: value });
  });
  using loaded = make();
  const found = await loadLatest(folder, loaded);
  const paths = (await Promise.all(saves)).map(({ path }) => basename(path));
  assertEquals(paths, newestFirst(paths).reverse());
  assertEquals([found?.path, found?.extra], [join(folder, paths[4]), 5]);
  assertEquals(readdirSync(folder).sort(), paths.slice(3));
});

test("A save that fails leaves those that wait for it in peace", async () => {
  const folder = newFolder();
  mkdirSync(join(folder, ".."), { recursive: true });
  writeFileSync(folder, "a file stands where the folder should be");
  using trainer = make();
  const saves = await Promise.allSettled([1, 2].map(() => saveCheckpoint(folder, trainer)));
  for (const save of saves) {
    const { message, code, cause } = (save as PromiseRejectedResult).reason as Error & { code: string };
    assertStringIncludes(message, `Cannot save a checkpoint in ${JSON.stringify(folder)}`);
    assertEquals([code, cause instanceof Error], ["ENOTDIR", true]);
  }
  rmSync(folder);
  const gone = make();
  gone.dispose();
  const [good, bad] = await Promise.allSettled([saveCheckpoint(folder, trainer), saveCheckpoint(folder, gone)]);
  assertEquals([good.status, bad.status], ["fulfilled", "rejected"]);
  assertStringIncludes(String((bad as PromiseRejectedResult).reason), "disposed");
});

test("keep says how many stay, of whichever run, and other files are left alone", async () => {
  const folder = newFolder();
  using trainer = make();
  mkdirSync(folder, { recursive: true });
  for (const name of ["notes.txt", "checkpoint-1.safetensors", "model.safetensors"]) writeFileSync(join(folder, name), "mine");
  const paths: string[] = [];
  for (let i = 0; i < 5; i++) paths.push(basename((await saveCheckpoint(folder, trainer)).path));
  const there = (): string[] => newestFirst(readdirSync(folder)).reverse();
  assertEquals([there(), readdirSync(folder).length], [paths.slice(2), 6]);
  paths.push(basename((await saveCheckpoint(folder, trainer, { keep: Infinity })).path));
  assertEquals(there(), paths.slice(2));
  paths.push(basename((await saveCheckpoint(folder, trainer, { keep: 1 })).path));
  assertEquals(there(), paths.slice(6));
});

test("A run that begins anew in an old folder is the newest, though it has fewer steps", async () => {
  const folder = newFolder();
  using old = make();
  for (let i = 0; i < 8; i++) feed(old, i);
  await saveCheckpoint(folder, old, { extra: "old" });
  using anew = make();
  await saveCheckpoint(folder, anew, { extra: "anew" });
  assertEquals((await loadLatest(folder, anew))?.extra, "anew");
});

test("Names order by number, then by steps, then by their letters", () => {
  const names = ["a", "b"].map((letters) => `checkpoint-000010-5-${letters}.safetensors`);
  assertEquals(newestFirst([names[0], "checkpoint-9-7-a.safetensors", ".x.tmp", names[1], "checkpoint-000010-6-a.safetensors"]), [
    "checkpoint-000010-6-a.safetensors",
    names[1],
    names[0],
    "checkpoint-9-7-a.safetensors",
  ]);
  assert(/^checkpoint-000011-7-[0-9a-z]{10}\.safetensors$/.test(nextName(names, 7)));
  assertEquals(new Set(Array.from({ length: 100 }, () => nextName([], 0))).size, 100);
});

test("A newest checkpoint that is broken is passed over, and the one before is loaded, with a word", async () => {
  const folder = newFolder();
  using trainer = make();
  feed(trainer, 1);
  const first = await saveCheckpoint(folder, trainer, { extra: 1 });
  feed(trainer, 2);
  const second = await saveCheckpoint(folder, trainer, { extra: 2 });
  const whole = readFileSync(second.path);
  using loaded = make();
  for (const length of [0, 1, 8, 100, whole.length - 1]) {
    writeFileSync(second.path, whole.subarray(0, length));
    const [found, said] = await warned(() => loadLatest(folder, loaded));
    assertEquals([found?.path, found?.steps, found?.extra], [first.path, 0, 1]);
    assertEquals([found?.skipped?.length, found?.skipped?.[0].path], [1, second.path]);
    assertEquals(said.length, 1);
    for (const text of [second.path, found!.skipped![0].reason]) assertStringIncludes(said[0], text);
  }
  writeFileSync(second.path, whole);
  const [found, said] = await warned(() => loadLatest(folder, loaded));
  assertEquals([found, said], [{ path: second.path, steps: 1, extra: 2 }, []]);
  // All of them: that is no folder without checkpoints.
  for (const { path } of [first, second]) writeFileSync(path, "");
  const [error] = await warned(() => assertRejects(() => loadLatest(folder, loaded), Error, "none of its 2 is whole"));
  for (const { path } of [first, second]) assertStringIncludes(error.message, path);
  assertEquals(loaded.steps, 1);
});

const fileOf = (bytes: Uint8Array): ReadableFile => ({
  size: bytes.length,
  read: (into, at) =>
    new Promise((resolve) => {
      if (at + into.length > bytes.length) throw new RangeError("it ends");
      into.set(bytes.subarray(at, at + into.length));
      resolve();
    }),
});
async function written(state: StateDict): Promise<Uint8Array> {
  let bytes = new Uint8Array(0);
  await writeCheckpointFile(state, (piece, at) => {
    const longer = new Uint8Array(Math.max(bytes.length, at + piece.length));
    longer.set(bytes);
    longer.set(piece, at);
    bytes = longer;
    return Promise.resolve();
  });
  return bytes;
}

test("Every bit of a checkpoint counts: a file in which one is another is broken", async () => {
  using trainer = make();
  feed(trainer, 1);
  const state = trainer.saveState();
  const bytes = await written(state);
  assertEquals({ ...(await readCheckpointFile(fileOf(bytes))).tensors }, { ...state.tensors });
  for (let at = 0; at < bytes.length; at++) {
    const other = bytes.slice();
    other[at] ^= 1 << at % 8;
    await assertRejects(() => readCheckpointFile(fileOf(other)), RangeError, "", `byte ${at}`);
  }
});

test("Tensors small and large, in any order of sizes, are read as they were written", async () => {
  const sizes = [0, 1, 2 ** 18 - 1, 2 ** 18 + 1, 5, 2 ** 22 + 3, 7, 2 ** 22, 0, 3];
  const tensors: Record<string, StateDict["tensors"][string]> = Object.fromEntries(sizes.map((size, i) => [
    `t${i}`,
    { data: Float32Array.from({ length: size }, (_, k) => (k * 31 + i) % 1000), shape: [size], dtype: "float32" },
  ]));
  tensors.half = { data: Uint16Array.of(1, 2, 3), shape: [3], dtype: "float16" };
  tensors.wide = { data: Float64Array.of(Math.PI), shape: [], dtype: "float64" };
  Object.defineProperty(tensors, "__proto__", { value: tensors.wide, enumerable: true });
  const bytes = await written({ tensors, metadata: { a: "b" } });
  const read = await readCheckpointFile(fileOf(bytes));
  assertEquals(Object.keys(read.tensors).sort(), Object.keys(tensors).sort());
  for (const [name, tensor] of Object.entries(tensors)) assertEquals(read.tensors[name], tensor, name);
  const { a, checksum } = readSafetensors(bytes).metadata;
  assertEquals([a, /^crc32:[0-9a-f]{8}$/.test(checksum)], ["b", true]);
  // What the head of checkpoint_file.ts says of the checksum.
  const blank = bytes.slice();
  const digits = new TextDecoder("latin1").decode(bytes).indexOf(checksum) + 6;
  blank.fill(48, digits, digits + 8);
  assertEquals(checksum, `crc32:${crc32InTables(blank).toString(16).padStart(8, "0")}`);
});

test("The checksum is CRC-32, by the runtime's own code and by tables, from any address and in parts", () => {
  assertEquals([crc32, crc32InTables].map((sum) => sum(new TextEncoder().encode("123456789"))), [0xcbf43926, 0xcbf43926]);
  const bytes = Uint8Array.from({ length: 3000 }, (_, i) => (i * i * 7 + i) & 255);
  for (const [from, to] of [[0, 3000], [1, 2990], [3, 3], [7, 8], [2, 19]]) {
    const part = bytes.subarray(from, to);
    const sum = crc32InTables(part);
    assertEquals(crc32(part), sum);
    const middle = part.length >> 1;
    for (const one of [crc32, crc32InTables]) assertEquals(one(part.subarray(middle), one(part.subarray(0, middle))), sum);
  }
});

test("A checkpoint that is whole and does not fit is refused as a state is, and nothing changes", async () => {
  const folder = newFolder();
  using trainer = make();
  await saveCheckpoint(folder, trainer);
  using other = builtins.createTrainer({ w: new Float32Array(3) }, recipe, { backend: "js" });
  other.add({ w: Float32Array.of(1, 2, 3) });
  const before = bits(other.saveState());
  const error = await assertRejects(() => loadLatest(folder, other), TypeError, "Cannot load a state");
  assertStringIncludes(error.message, `"b"`);
  assertEquals(bits(other.saveState()), before);
});

test("What of the recipe is another is told in words", async () => {
  const folder = newFolder();
  using trainer = make();
  const { path } = await saveCheckpoint(folder, trainer);
  using slower = make({ ...recipe, optimizer: { name: "adamw", options: { lr: 0.05 } } });
  assertEquals(await loadLatest(folder, slower), {
    path,
    steps: 0,
    extra: undefined,
    differences: ["optimizer.options.lr is 0.05, and was 0.1"],
  });
});

test("What cannot be meant is refused before anything is written", async () => {
  const folder = newFolder();
  using trainer = make();
  const round: Record<string, unknown> = {};
  round.self = [round];
  const refused: [unknown, typeof TypeError | typeof RangeError, string][] = [
    [{ keep: 0 }, RangeError, "keep = 0"],
    [{ keep: -1 }, RangeError, "keep = -1"],
    [{ keep: 1.5 }, RangeError, "keep = 1.5"],
    [{ keep: NaN }, RangeError, "keep = NaN"],
    [{ keep: "3" }, TypeError, `keep = "3"`],
    [{ keeps: 3 }, TypeError, `did you mean "keep"`],
    [null, TypeError, "options of saveCheckpoint"],
    [{ extra: { at: [1, NaN] } }, TypeError, "extra.at[1] = NaN"],
    [{ extra: new Map() }, TypeError, "extra = a Map"],
    [{ extra: { random: new Uint32Array(1) } }, TypeError, "extra.random = a Uint32Array"],
    [{ extra: { at: 1n } }, TypeError, "extra.at = 1"],
    [{ extra: () => 1 }, TypeError, "extra = a function"],
    [{ extra: new Date() }, TypeError, "extra = "],
    [{ extra: [undefined] }, TypeError, "extra[0] = undefined"],
    [{ extra: { seen: new Array(2) } }, TypeError, "extra.seen[0] = undefined"],
    [{ extra: round }, TypeError, "something that it is in"],
  ];
  for (const [options, Wrong, text] of refused) {
    await assertRejects(() => saveCheckpoint(folder, trainer, options as never), Wrong, text);
  }
  for (const [where, text] of [[7, "7"], ["", "without a name"], [undefined, "undefined"], [{}, "FileSystemDirectoryHandle"]] as const) {
    await assertRejects(() => saveCheckpoint(where as never, trainer), TypeError, text);
    await assertRejects(() => loadLatest(where as never, trainer), TypeError, text);
  }
  for (const given of [null, {}, trainer.saveState(), "trainer"]) {
    await assertRejects(() => saveCheckpoint(folder, given as never), TypeError, "a trainer or an optimizer");
    await assertRejects(() => loadLatest(folder, given as never), TypeError, "a trainer or an optimizer");
  }
  assertEquals(await loadLatest(folder, trainer), null);
});

test("A runtime without files says so, and what a browser would take", async () => {
  using trainer = make();
  const { getBuiltinModule } = process;
  process.getBuiltinModule = (() => undefined) as never;
  try {
    for (const act of [saveCheckpoint, loadLatest]) {
      await assertRejects(() => act("run", trainer), TypeError, "FileSystemDirectoryHandle");
    }
  } finally {
    process.getBuiltinModule = getBuiltinModule;
  }
});

const python = pythonWith("safetensors.numpy");
test("Python's safetensors opens a checkpoint, and finds what was given as extra", { skip: python === undefined }, async () => {
  const folder = newFolder();
  using trainer = make();
  feed(trainer, 1);
  const { path } = await saveCheckpoint(folder, trainer, { extra: { batch: 1 } });
  const script = [
    "import json, sys, zlib",
    "from safetensors import safe_open",
    "with safe_open(sys.argv[1], 'numpy') as file:",
    "  m = file.metadata()",
    "  print(json.dumps([{k: file.get_tensor(k).tolist() for k in file.keys()}, json.loads(m['extra']), m['checksum']]))",
    "data = open(sys.argv[1], 'rb').read()",
    "print('crc32:%08x' % zlib.crc32(data.replace(m['checksum'].encode(), b'crc32:00000000')))",
  ].join("\n");
  const [line, sum] = execFileSync(python!, ["-c", script, path], { encoding: "utf8" }).trim().split("\n");
  const [tensors, extra, checksum] = JSON.parse(line);
  assertEquals([extra, sum], [{ batch: 1 }, checksum]);
  const { tensors: own } = parseSafetensors(readFileSync(path));
  assertEquals(Object.keys(tensors).sort(), Object.keys(own).sort());
  assertEquals(tensors.w, [...trainer.saveState().tensors.w.data]);
});
