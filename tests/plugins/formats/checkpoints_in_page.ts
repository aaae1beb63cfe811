/// <reference lib="dom" />
/// <reference lib="dom.asynciterable" />
/**
 * A page that keeps checkpoints in its browser's Origin Private File System, and tells the test what came of it. The same program is a worker that does nothing but
 * save until it is ended.
 *
 * @module
 */
import type { Trainer } from "../../../core/types.ts";
import { builtins } from "../../../mod.ts";
import { loadLatest, saveCheckpoint } from "../../../plugins/formats/checkpoints.ts";

/** What the page found. */
export interface InPage {
  readonly failed?: string;
  readonly nothing?: unknown;
  readonly first?: unknown;
  readonly overlapping?: unknown;
  readonly skipped?: unknown;
  readonly unfinished?: unknown;
  readonly message?: string;
  /** A line for each worker that was ended: what it said was safe, and what was found. */
  readonly ended?: readonly (readonly [safe: number, found: number])[];
}

const size = 50_000;
const make = (): Trainer =>
  builtins.createTrainer({ w: new Float32Array(size) }, { optimizer: { name: "sgd", options: { lr: 1 } } }, { backend: "js" });
const step = (trainer: Trainer): boolean => trainer.add({ w: new Float32Array(size).fill(-1) });
const folderOf = async (name: string): Promise<FileSystemDirectoryHandle> =>
  await (await navigator.storage.getDirectory()).getDirectoryHandle(name, { create: true });
const namesIn = async (folder: FileSystemDirectoryHandle): Promise<string[]> => {
  const names: string[] = [];
  for await (const name of folder.keys()) names.push(name);
  return names.sort();
};
const stepsIn = (names: readonly string[]): number[] => names.map((name) => Number(name.split("-")[2]));

/** Steps of the newest checkpoint, all of whose numbers are of one save. */
async function newest(folder: FileSystemDirectoryHandle): Promise<number> {
  const trainer = make();
  const found = await loadLatest(folder, trainer);
  const w = trainer.optimizer.params.w.data as Float32Array;
  const steps = found?.steps ?? 0;
  if (found?.skipped !== undefined || w.some((value) => value !== steps)) throw new Error(`broken at ${steps}: ${JSON.stringify(found)}`);
  return steps;
}

async function inPage(): Promise<InPage> {
  const folder = await folderOf("run");
  const trainer = make();
  const nothing = await loadLatest(folder, trainer);
  step(trainer);
  const { path } = await saveCheckpoint(folder, trainer, { extra: { batch: 1 } });
  const loaded = make();
  const first = { ...await loadLatest(folder, loaded), isPath: (await namesIn(folder)).join() === path, path: "" };
  const saves = [2, 3, 4, 5].map(() => {
    step(trainer);
    return saveCheckpoint(folder, trainer, { keep: 3 });
  });
  await Promise.all(saves);
  const names = await namesIn(folder);
  const overlapping = [stepsIn(names), await newest(folder)];

  const last = await folder.getFileHandle(names[2]);
  const writable = await last.createWritable({ keepExistingData: true });
  await writable.write({ type: "write", position: 100_000, data: new Uint8Array([1]) });
  await writable.close();
  const { warn } = console;
  console.warn = () => {};
  const after = await loadLatest(folder, loaded);
  console.warn = warn;
  const skipped = [after?.steps, after?.skipped?.map(({ path }) => path === names[2])];

  // A page that was closed while it saved leaves a file without bytes.
  await folder.getFileHandle("checkpoint-000099-99-abc.safetensors", { create: true });
  const again = await loadLatest(folder, loaded);
  await saveCheckpoint(folder, trainer, { keep: 2 });
  const unfinished = [again?.steps, (await namesIn(folder)).length, await newest(folder)];
  const message = await saveCheckpoint(folder, trainer, { extra: NaN }).then(() => "saved", (error) => String(error));

  const ended: [number, number][] = [];
  const killed = await folderOf("killed");
  const kills = Number(new URLSearchParams(location.search).get("kills"));
  for (let kill = 0; kill < kills; kill++) {
    const worker = new Worker("/program.js", { type: "module" });
    let safe = 0;
    await fetch(`/at/start of worker ${kill}`);
    await new Promise<void>((resolve, reject) => {
      worker.onerror = (event) => reject(new Error(event.message));
      worker.onmessage = ({ data }) => {
        safe = data;
        resolve();
      };
    });
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 40));
    await fetch(`/at/end of worker ${kill}`);
    worker.terminate();
    await new Promise((resolve) => setTimeout(resolve, 30));
    await fetch(`/at/look after worker ${kill}`);
    ended.push([safe, await newest(killed)]);
  }
  return { nothing, first, overlapping, skipped, unfinished, message, ended };
}

if (typeof document === "undefined") {
  const folder = await folderOf("killed");
  const trainer = make();
  await loadLatest(folder, trainer);
  while (true) {
    step(trainer);
    await saveCheckpoint(folder, trainer, { keep: 2 });
    postMessage(trainer.steps);
  }
} else {
  const found = await inPage().catch((error): InPage => ({ failed: `${error}\n${error?.stack}` }));
  await fetch("/report", { method: "POST", body: JSON.stringify(found) });
}
