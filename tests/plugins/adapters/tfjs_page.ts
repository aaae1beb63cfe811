/**
 * The program of the page that tests/plugins/adapters/tfjs_browser_test.ts serves: the digits' network in tfjs, saved in the browser and loaded again.
 *
 * @module
 */
/// <reference lib="dom" />
import "@tensorflow/tfjs-backend-cpu";
import { setWasmPaths } from "@tensorflow/tfjs-backend-wasm";
import "@tensorflow/tfjs-backend-webgpu";
import * as tf from "@tensorflow/tfjs-core";
import * as layers from "@tensorflow/tfjs-layers";
import { readDigits, shuffledBatches } from "../../../examples/digits/data.ts";
import { createGenerator } from "../../../examples/digits/generator.ts";
import { createModel, update } from "../../../examples/tfjs/network.ts";
import { createWebGpuBackend } from "../../../core/webgpu.ts";
import { tfOptimizer, type WithBound } from "../../../plugins/adapters/tfjs/mod.ts";
import { report } from "../browser_report.ts";

/** What the page has found, by tfjs' backend. */
export type Found = Readonly<
  Record<string, {
    /** Losses with an optimizer of ours and with tfjs' own Adam, then those of the model that was loaded from IndexedDB and of the one that was saved. */
    readonly losses: readonly (readonly [number, number])[];
    readonly resumed: readonly (readonly [number, number])[];
    readonly leaks: number;
    readonly runs: string;
  }>
>;

/** What the page is asked, in its address. */
export interface Asked {
  /** Backends of tfjs. */
  readonly backends: readonly string[];
  /** Updates before the model is saved, and after. */
  readonly updates: number;
}

const asked: Asked = JSON.parse(decodeURIComponent(location.search.slice(1)));

setWasmPaths("/");

await report(async (): Promise<Found> => {
  const found: Record<string, Found[string]> = {};
  const digits = await readDigits(new Uint8Array(await (await fetch("/digits.csv.gz")).arrayBuffer()));
  for (const name of asked.backends) {
    await tf.setBackend(name);
    const before = tf.memory().numTensors;
    const adam = tf.train.adam(1e-3);
    const { device } = tf.backend() as unknown as { readonly device?: never };
    const settings = device === undefined ? {} : { backend: await createWebGpuBackend({ device }) };
    const ours = tfOptimizer(tf, "adam", { lr: 1e-3, eps: 1e-7 }, settings);
    const [first, second] = [createModel(ours), createModel(adam)];
    const batches = shuffledBatches(digits.training, 32, createGenerator(1))[Symbol.iterator]();
    const pairs = async (...models: layers.Sequential[]): Promise<[number, number][]> => {
      const losses: [number, number][] = [];
      for (let i = 0; i < asked.updates; i++) {
        const batch = batches.next().value!;
        losses.push([await update(models[0], batch), await update(models[1], batch)]);
      }
      return losses;
    };
    const losses = await pairs(first, second);
    await first.save("indexeddb://digits", { includeOptimizer: true });
    const loaded = await layers.loadLayersModel("indexeddb://digits") as layers.Sequential;
    const resumed = await pairs(loaded, first);
    const runs = (loaded.optimizer as unknown as WithBound).bound!.optimizer.backend.name;
    for (const optimizer of [ours, loaded.optimizer, adam]) optimizer.dispose();
    for (const model of [first, second, loaded]) model.dispose();
    found[name] = { losses, resumed, leaks: tf.memory().numTensors - before, runs };
  }
  return found;
});
