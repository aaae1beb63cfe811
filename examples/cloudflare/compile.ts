/**
 * Kernels of built-in optimizers, compiled ahead: takes a step with each under common options and writes down what would have been compiled.
 *
 * @module
 */
import { createRegistry } from "../../core/registry.ts";
import type { OptimizerPlugin, Plugin } from "../../core/plugin/contract.ts";
import type { Recipe } from "../../core/types.ts";
import { compileAhead } from "../../kernels/backends/wasm/ahead.ts";
import type { Backend, DType } from "../../kernels/types.ts";

const shapes: Readonly<Record<string, readonly number[]>> = { scalar: [], vector: [3], matrix: [2, 3], stack: [2, 2, 3] };
const dtypes: readonly DType[] = ["float32", "bfloat16", "float16"];

/** WASM by the name under which a backend looks for it. */
export function compileKernels(plugins: readonly Plugin[]): Map<string, Uint8Array<ArrayBuffer>> {
  const registry = createRegistry(plugins);
  return compileAhead((backend) => {
    for (const plugin of plugins) {
      if (plugin.kind !== "optimizer") continue;
      for (const options of variants(plugin)) {
        for (const dtype of dtypes) {
          for (const gradient of new Set([dtype, "float32" as const])) {
            for (const transforms of [[], [{ name: "clip_global_norm", options: { maxNorm: 1 } }]]) {
              takeStep(registry, backend, { optimizer: { name: plugin.name, options }, transforms }, dtype, gradient);
            }
          }
        }
      }
    }
  });
}

/** The defaults, and each option changed that may change a text: what is true or false, and a decay that is there or not. */
function variants({ options }: OptimizerPlugin): object[] {
  const specs = Object.entries<{ default?: unknown }>(options);
  const changed = specs.flatMap(([name, { default: value }]): object[] => {
    if (typeof value === "boolean") return [{ [name]: !value }];
    if (name === "weightDecay" || name === "weightDecayRate") return [{ [name]: value === 0 ? 0.01 : 0 }];
    return name === "beta1" && value === null ? [{ [name]: 0.9 }] : [];
  });
  // Adafactor with an outer learning rate.
  const fixed: object[] = specs.some(([name]) => name === "relativeStep") ? [{ relativeStep: false, scaleParameter: false, lr: 1e-3 }] : [];
  return [{}, ...changed, ...fixed];
}

function takeStep(
  registry: ReturnType<typeof createRegistry>,
  backend: Backend,
  recipe: Recipe,
  dtype: DType,
  gradient: DType,
): void {
  const tensors = (dtype: DType) =>
    Object.fromEntries(Object.entries(shapes).map(([name, shape]) => [name, backend.allocate(shape, dtype)]));
  try {
    const trainer = registry.createTrainer(tensors(dtype), recipe, { backend });
    trainer.add(tensors(gradient));
    trainer[Symbol.dispose]();
  } catch (error) {
    // Options that do not go together need no kernel.
    if (!(error instanceof RangeError || error instanceof TypeError)) throw error;
  }
}
