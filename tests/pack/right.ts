/**
 * A user's program that must compile with every TypeScript and every setting that `deno task pack` tries. It needs nothing but the library: no DOM, no
 * `@types/node`, no `using`.
 *
 * @module
 */
import {
  type Accumulator,
  type Backend,
  builtins,
  createBackend,
  createOptimizer,
  createRegistry,
  type Disposable,
  explain,
  type Float16Array,
  type Grads,
  type MetricSchedule,
  type Optimizer,
  type OptimizerPlugin,
  plotSchedule,
  type Plugin,
  type Recipe,
  type Registry,
  type Schedule,
  type StateDict,
  type Tensor,
  type TensorLike,
  type Tensors,
  type Trainer,
  type TransformPlugin,
  type WasmModule,
} from "@glissade/optim";
import { available, type Bytes, compileAhead } from "@glissade/optim/kernels";
import { adamw } from "@glissade/optim/optimizers/adamw";
import { tfRecipe } from "@glissade/optim/recipes/tf";
import { loadLatest, saveCheckpoint } from "@glissade/optim/checkpoints";
import { readSafetensors, writeSafetensors } from "@glissade/optim/safetensors";

/** What a lib lacks must not have become `any`. */
type IsAny<T> = 0 extends 1 & T ? true : false;
export const any: Readonly<
  Record<
    string,
    | IsAny<TensorLike>
    | IsAny<Tensor["data"]>
    | IsAny<Tensors>
    | IsAny<Grads[string]>
    | IsAny<Float16Array>
    | IsAny<Disposable>
    | IsAny<WasmModule>
    | IsAny<Bytes>
    | IsAny<Backend>
    | IsAny<Optimizer>
    | IsAny<ReturnType<typeof writeSafetensors>>
    | IsAny<ReturnType<typeof compileAhead>>
  >
> = { one: false };
// @ts-expect-error: none of them is any
export const none: typeof any = { one: true };

const params = { w: new Float32Array(4), b: { data: new Uint16Array(2), shape: [2], dtype: "bfloat16" } } satisfies Tensors;
const optimizer = builtins.createOptimizer("adamw", params, { lr: 0.1, betas: [0.9, 0.99] }, {
  backend: "js",
  groups: [{ match: "^b$", options: { weightDecay: 0 } }, { match: { glob: "w*" }, optimizer: adamw }],
  transforms: [{ name: "clip_global_norm", options: { maxNorm: 1 } }],
  schedules: { lr: { name: "linear", options: { numWarmupSteps: 1, numTrainingSteps: 9 } }, weightDecay: (step: number) => 1 / (1 + step) },
});
optimizer.options.lr = 0.2;
export const lr: number | undefined = optimizer.groups[0]?.current.lr;
export const applied: boolean = optimizer.step({ w: new Float32Array(4), b: null }).applied;
optimizer.step({ w: { indices: new Int32Array(1), values: new Float32Array(1) } });
export const state: StateDict = readSafetensors(writeSafetensors(optimizer.saveState()));
optimizer.loadState(state);
export const saved: Promise<{ readonly path: string }> = saveCheckpoint("run", optimizer, { keep: 3, extra: { at: 1 } });
export const found: Promise<number | undefined> = loadLatest("run", optimizer).then((found) => found?.steps);
export const bare: Optimizer<{ lr?: number }> = createOptimizer(adamw, params);

const trainer = builtins.createTrainer(params, {
  optimizer: { name: "adamw", options: { lr: 0.1 } },
  groups: [{ match: "b", options: { weightDecay: 0 } }, { match: ["w"], optimizer: "adafactor", options: { lr: null } }],
  schedules: { lr: { name: "cosine", options: { numWarmupSteps: 1, numTrainingSteps: 9 } } },
  accumulate: { name: "mean", options: { every: 4 } },
  transforms: [{ name: "clip_value", options: { value: 1 } }],
}, { backend: "js" });
export const eps: number | undefined = trainer.optimizer.groups[0]?.current.eps;
export const loose: Trainer = builtins.createTrainer(params, tfRecipe({ initLr: 1, numTrainSteps: 9, numWarmupSteps: 1 }));
const json = { optimizer: { name: "adamw" }, transforms: [{ name: "clip_value", options: { value: 1 } }] };
export const ofJson: Trainer = builtins.createTrainer(params, json satisfies Recipe);
export const dispose = ({ optimizer }: Trainer): void => optimizer.backend.dispose();

export const schedule: Schedule = builtins.createSchedule("linear", { numWarmupSteps: 1, numTrainingSteps: 9 });
export const plateau: MetricSchedule = builtins.createSchedule("reduce_lr_on_plateau", { patience: 3 });
export const value: number = schedule(3);
export const svg: string = plotSchedule(schedule, { to: 9 });
export const mean: Accumulator = builtins.createAccumulator("mean", { every: 2 }, params);

export const backend: Backend = createBackend(available()[0], { threads: 1 });
export const data: Float32Array = backend.allocate([2, 2]).data;
export const tensor: Tensor = backend.allocate(2, "float16");
export const kernels: ReadonlyMap<string, Bytes> = compileAhead((backend) => backend.run("x = x + 1", { x: new Float32Array(1) }));
backend.run("x = x + one", { x: tensor }, { one: 1 });

interface LionOptions {
  lr?: number;
  nesterov?: boolean;
}
const lion: OptimizerPlugin<"my_lion", LionOptions> = {
  kind: "optimizer",
  name: "my_lion",
  description: "A plugin of a stranger's",
  options: { lr: { default: 0.1, minimum: 0, description: "Learning rate" }, nesterov: { default: false, description: "Look ahead" } },
  rule: ({ nesterov }) => ({
    slots: nesterov ? {} : { m: { shape: "param", key: "exp_avg" } },
    update: nesterov ? "p -= lr*g" : "m += g\np -= lr*m",
  }),
  scalars: ({ lr }) => ({ lr }),
};
const halve: TransformPlugin<"halve", { by?: number }> = {
  kind: "transform",
  name: "halve",
  description: "Another",
  options: { by: { default: 2, exclusiveMinimum: 0, description: "What the gradient is divided by" } },
  rule: ({ by }) => by === 1 ? {} : { before: "g = g / by" },
  scalars: ({ by }) => ({ by }),
};
const registry = createRegistry([lion, halve]);
export const own: Optimizer<LionOptions> = registry.createOptimizer("my_lion", params, { nesterov: true });
const both = builtins.with(lion, halve).createTrainer(params, { optimizer: { name: "my_lion" }, transforms: [{ name: "halve" }] });
export const nesterov: boolean = both.optimizer.options.nesterov;
export const names = ({ plugins }: Registry<readonly Plugin[]>): string[] => plugins.map(({ name }) => name);
export const inAny = <P extends readonly Plugin[]>(registry: Registry<P>, recipe: Recipe): Trainer =>
  registry.createTrainer(params, recipe);
export const all: string[] = [...names(registry), ...names(builtins)];
export const passes: string = explain(lion, [64, 64], { options: { nesterov: true } });
