/**
 * Writes and reads a state beside Python's safetensors and torch.save, in turns:
 *
 * ```sh
 * npx deno run -A bench/checkpoints.ts [--mib 1024] [--rounds 5] [--folder DIR] [--python PROGRAM]
 * npx bun bench/checkpoints.ts
 * ```
 *
 * The state is that of 12 layers in float32: parameters and AdamW's two moments. A write ends when the file and its folder are synced, on all sides; a read when
 * every byte of what was read has been summed. Files are read from the system's cache, where the write before left them. `files` is what the two Python
 * packages do too, a state to a file and back; a checkpoint's checksum is part of it. `saveCheckpoint` and `loadLatest` also copy the state out of the optimizer, which takes
 * the step's time (`of it, the call`), and into it. `safetensors` gives arrays of NumPy, as typed arrays are; for torch it maps the file into memory, copies nothing, and
 * its tensors change when the file does. Python needs safetensors, torch and numpy.
 *
 * @module
 */
import { spawnSync } from "node:child_process";
import { closeSync, fsyncSync, mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import type { StateDict } from "../core/types.ts";
import { builtins } from "../mod.ts";
import { diskFiles, diskStore } from "../plugins/formats/checkpoint_disk.ts";
import { newestWhole, saveInto } from "../plugins/formats/checkpoint_keeping.ts";
import { loadLatest, saveCheckpoint } from "../plugins/formats/checkpoints.ts";
import { pythonWith } from "../tests/python.ts";
import { gradientPool, refill } from "./gradients.ts";
import { median, table } from "./measure.ts";

const { values: flags } = parseArgs({
  options: { mib: { type: "string" }, rounds: { type: "string" }, folder: { type: "string" }, python: { type: "string" } },
});
const mib = Number(flags.mib ?? 1024);
const rounds = Number(flags.rounds ?? 5);
const python = flags.python ?? pythonWith("torch", "safetensors.torch", "numpy");
const top = mkdtempSync(join(flags.folder ?? tmpdir(), "bench-checkpoints-"));

/** Times of one contender in milliseconds, a list for each thing that was timed. */
type Times = Map<string, number[]>;
const times = new Map<string, Times>();
const note = (who: string, what: string, ms: number): void => {
  const own = times.get(who) ?? new Map();
  times.set(who, own);
  own.set(what, [...own.get(what) ?? [], ms]);
};
async function timed<T>(who: string, what: string, run: () => Promise<T>): Promise<T> {
  const begin = performance.now();
  const result = await run();
  note(who, what, performance.now() - begin);
  return result;
}

/** The sum of all words of a tensor, modulo 2^32: nothing may be left unread. */
function sumOf(data: Float32Array | Float64Array | Uint16Array): number {
  const words = new Int32Array(data.buffer, data.byteOffset, data.byteLength >> 2);
  let [a, b, c, d] = [0, 0, 0, 0];
  let i = 0;
  for (; i + 4 <= words.length; i += 4) {
    a = (a + words[i]) | 0;
    b = (b + words[i + 1]) | 0;
    c = (c + words[i + 2]) | 0;
    d = (d + words[i + 3]) | 0;
  }
  for (; i < words.length; i++) a = (a + words[i]) | 0;
  return (a + b + c + d) >>> 0;
}
const sumOfAll = ({ tensors }: StateDict): number =>
  Object.entries(tensors).filter(([name]) => !name.endsWith(".step")).reduce((sum, [, { data }]) => (sum + sumOf(data)) >>> 0, 0);

const script = `
import json, os, sys, time
import numpy as np, torch
import safetensors.numpy
from safetensors.torch import load_file, save_file
first, folder = sys.argv[1:3]
state = load_file(first)
def synced(path):
    for one in (path, os.path.dirname(path)):
        handle = os.open(one, os.O_RDONLY)
        os.fsync(handle)
        os.close(handle)
def total(state):
    arrays = (np.asarray(t) for k, t in state.items() if not k.endswith(".step"))
    return int(sum(int(a.view(np.uint32).sum(dtype=np.uint32)) for a in arrays) % 2**32)
state = {k: t.clone() for k, t in state.items()}
times = {}
numpys = {k: t.numpy() for k, t in state.items()}
for name, state, save, load in (
    ("safetensors", numpys, safetensors.numpy.save_file, safetensors.numpy.load_file),
    ("safetensors.torch, mapped", state, save_file, load_file),
    ("torch.save", state, torch.save, lambda p: torch.load(p, weights_only=True)),
):
    path = os.path.join(folder, name)
    begin = time.perf_counter()
    save(state, path)
    synced(path)
    written = time.perf_counter()
    loaded = load(path)
    sum_ = total(loaded)
    times[name] = [(written - begin) * 1000, (time.perf_counter() - written) * 1000, sum_]
    del loaded
    os.unlink(path)
print(json.dumps(times))
`;

const count = Math.floor(mib * 2 ** 20 / 4 / 3 / 12);
const pool = gradientPool();
const filled = (k: number): Float32Array => {
  const data = new Float32Array(count);
  refill(data, pool, k);
  return data;
};
const names = Array.from({ length: 12 }, (_, i) => `layer${i}`);
const make = () =>
  builtins.createOptimizer("adamw_torch", Object.fromEntries(names.map((name) => [name, new Float32Array(count)])), { lr: 0.01 });
try {
  using optimizer = make();
  optimizer.step(Object.fromEntries(names.map((name, i) => [name, filled(i)])));
  using loaded = make();
  const files = join(top, "files");
  const whole = join(top, "whole");
  let sum = -1;
  const agree = (who: string, found: number): void => {
    if (sum !== -1 && found !== sum) throw new Error(`${who} read other bytes: ${found}, not ${sum}`);
    sum = found;
  };
  for (let round = 0; round < rounds; round++) {
    {
      const state = optimizer.saveState();
      const store = diskStore(files, diskFiles());
      await timed("files", "write", () => saveInto(store, state, optimizer.steps, 1));
    }
    const found = await timed("files", "read", async () => {
      const found = await newestWhole(diskStore(files, diskFiles()));
      if (found.name === undefined) throw new Error("nothing is there");
      agree("files", sumOfAll(found.state));
      return found.name;
    });
    await timed("saveCheckpoint, loadLatest", "write", async () => {
      const begin = performance.now();
      const saving = saveCheckpoint(whole, optimizer, { keep: 1 });
      note("saveCheckpoint, loadLatest", "of it, the call", performance.now() - begin);
      await saving;
    });
    await timed("saveCheckpoint, loadLatest", "read", async () => {
      await loadLatest(whole, loaded);
      for (const { data } of Object.values(loaded.params)) sumOf(data as Float32Array);
    });
    rmSync(whole, { recursive: true });
    if (python !== undefined) {
      const { stdout, stderr, status } = spawnSync(python, ["-c", script, join(files, found), top], { encoding: "utf8" });
      if (status !== 0) throw new Error(stderr);
      for (const [who, [write, read, sum]] of Object.entries<[number, number, number]>(JSON.parse(stdout))) {
        note(who, "write", write);
        note(who, "read", read);
        agree(who, sum);
      }
    }
    rmSync(files, { recursive: true });
    const folder = openSync(top, "r");
    fsyncSync(folder);
    closeSync(folder);
  }
} finally {
  rmSync(top, { recursive: true });
}

const { deno, bun, node } = process.versions as Record<string, string | undefined>;
console.log(`${mib} MiB, ${rounds} rounds, medians, on ${deno ? `Deno ${deno}` : bun ? `Bun ${bun}` : `Node ${node}`}`);
const base = times.get("safetensors");
const columns = ["write", "read", "of it, the call"];
console.log(table(
  ["", ...columns.map((column) => `${column}, ms`), "times safetensors: write", "read"],
  [...times].map(([who, own]) => {
    const middle = (what: string, of = own): number => median(of.get(what) ?? []);
    const shown = columns.map((column) => own.has(column) ? middle(column).toFixed(0) : "");
    return [who, ...shown, ...["write", "read"].map((what) => base ? (middle(what) / middle(what, base)).toFixed(2) : "")];
  }),
));
if (python === undefined) console.log("No Python with torch, safetensors and numpy was found: --python PROGRAM");
