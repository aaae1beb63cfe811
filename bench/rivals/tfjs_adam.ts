/**
 * TensorFlow.js' Adam on its WASM backend as a contestant: `tfjs_adam.ts FOLDER`, where FOLDER/node_modules holds the packages.
 * Outside browsers its WASM backend runs on one thread. It has no AdamW: its Adam does a little less than ours.
 *
 * @module
 */
import { createRequire } from "node:module";
import { join } from "node:path";
import process from "node:process";
import { gradientPool, refill } from "../gradients.ts";
import { size } from "../layouts.ts";
import { serve } from "./contestant.ts";

/** What is used of it. */
interface TensorFlow {
  setBackend(name: string): Promise<boolean>;
  env(): { getAsync(flag: string): Promise<boolean> };
  tensor1d(values: Float32Array): TensorOfTensorFlow;
  variable(value: TensorOfTensorFlow, trainable: boolean, name: string): TensorOfTensorFlow;
  train: {
    adam(lr: number, beta1: number, beta2: number, eps: number): {
      applyGradients(grads: Record<string, TensorOfTensorFlow>): void;
      dispose(): void;
    };
  };
  readonly version_core: string;
}
interface TensorOfTensorFlow {
  dispose(): void;
}

const folder = process.argv[2];
const require = createRequire(join(folder, "package.json"));
const tf: TensorFlow = require("@tensorflow/tfjs-core");
const wasm: { setWasmPaths(folder: string): void } = require("@tensorflow/tfjs-backend-wasm");
wasm.setWasmPaths(join(folder, "node_modules/@tensorflow/tfjs-backend-wasm/dist/"));
if (!await tf.setBackend("wasm")) throw new Error("Cannot start the WASM backend of TensorFlow.js");
const simd = await tf.env().getAsync("WASM_HAS_SIMD_SUPPORT");
const pool = gradientPool();
let made = 0;

await serve(`${tf.version_core}${simd ? ", SIMD" : ""}`, (_variant, shapes) => {
  // Variables' names stay taken after they are disposed of.
  const names = shapes.map(() => `w${made++}`);
  const fresh = (i: number, k: number) => {
    const values = new Float32Array(size(shapes[i]));
    refill(values, pool, k);
    return tf.tensor1d(values);
  };
  const variables = names.map((name, i) => tf.variable(fresh(i, 7), true, name));
  const optimizer = tf.train.adam(1e-3, 0.9, 0.999, 1e-8);
  let grads: Record<string, TensorOfTensorFlow> = {};
  const forget = () => Object.values(grads).forEach((tensor) => tensor.dispose());
  return {
    refill(k) {
      forget();
      grads = Object.fromEntries(names.map((name, i) => [name, fresh(i, k)]));
    },
    step: () => optimizer.applyGradients(grads),
    release() {
      forget();
      optimizer.dispose();
      variables.forEach((variable) => variable.dispose());
    },
  };
});
