/**
 * Calls that must not compile with any TypeScript and any setting that `deno task pack` tries. Each stands alone under its `@ts-expect-error`, which is an
 * error itself where the call compiles.
 *
 * @module
 */
import {
  builtins,
  createBackend,
  createOptimizer,
  createRegistry,
  explain,
  type OptimizerPlugin,
  plotSchedule,
  type Recipe,
  type StateDict,
} from "@glissade/optim";
import { adamw } from "@glissade/optim/optimizers/adamw";
import { tfRecipe } from "@glissade/optim/recipes/tf";
import { readSafetensors, writeSafetensors } from "@glissade/optim/safetensors";

const params = { w: new Float32Array(4) };
const optimizer = builtins.createOptimizer("adamw", params);
const trainer = builtins.createTrainer(params, { optimizer: { name: "adamw" } });
const backend = createBackend();
const linear = { numWarmupSteps: 1, numTrainingSteps: 9 };

// @ts-expect-error: a text is no tensor
builtins.createOptimizer("adamw", { w: "hello" });
// @ts-expect-error: numbers in an ordinary array are no parameter, since a step could not write them
builtins.createOptimizer("adamw", { w: [1, 2] });
// @ts-expect-error: bytes are no tensor
builtins.createOptimizer("adamw", { w: new Uint8Array(4) });
// @ts-expect-error: tensors come by name
builtins.createOptimizer("adamw", new Float32Array(4));
// @ts-expect-error: no dtype has this name
builtins.createOptimizer("adamw", { w: { data: new Uint16Array(4), dtype: "float8" } });
// @ts-expect-error: no optimizer has this name
builtins.createOptimizer("adamww", params);
// @ts-expect-error: the option is called weightDecay
builtins.createOptimizer("adamw", params, { weight_decay: 0.1 });
// @ts-expect-error: a number
builtins.createOptimizer("adamw", params, { lr: "0.1" });
// @ts-expect-error: no backend has this name
builtins.createOptimizer("adamw", params, {}, { backend: "gpu" });
// @ts-expect-error: a group says which tensors
builtins.createOptimizer("adamw", params, {}, { groups: [{ options: { lr: 1 } }] });
// @ts-expect-error: the setting is called schedules
builtins.createOptimizer("adamw", params, {}, { schedule: {} });
// @ts-expect-error: a plugin, not its name
createOptimizer("adamw", params);
// @ts-expect-error: an option of another optimizer
createOptimizer(adamw, params, { scaleParameter: true });

// @ts-expect-error: a text is no gradient
optimizer.step({ w: "hello" });
// @ts-expect-error: sparse gradients have indices
optimizer.step({ w: { values: new Float32Array(4) } });
// @ts-expect-error: a number
optimizer.options.lr = "0.1";
// @ts-expect-error: adamw has no eps1
optimizer.options.eps1;
// @ts-expect-error: the arrays that were passed stay those
optimizer.params = {};
// @ts-expect-error: the count is read only
optimizer.steps = 3;
// @ts-expect-error: a state has tensors
optimizer.loadState({ metadata: {} });
// @ts-expect-error: no such method
optimizer.zeroGrad();

// @ts-expect-error: no optimizer has this name
builtins.createTrainer(params, { optimizer: { name: "adamww" } });
// @ts-expect-error: the option is called weightDecay
builtins.createTrainer(params, { optimizer: { name: "adamw", options: { weight_decay: 0 } } });
// @ts-expect-error: no option learningRate to schedule
builtins.createTrainer(params, { optimizer: { name: "adamw" }, schedules: { learningRate: { name: "constant" } } });
// @ts-expect-error: numTrainingSteps is missing
builtins.createTrainer(params, { optimizer: { name: "adamw" }, schedules: { lr: { name: "linear", options: { numWarmupSteps: 1 } } } });
// @ts-expect-error: no accumulator has this name
builtins.createTrainer(params, { optimizer: { name: "adamw" }, accumulate: { name: "average" } });

// @ts-expect-error: mean in a recipe needs every
builtins.createTrainer(params, { optimizer: { name: "adamw" }, accumulate: { name: "mean" } });
// @ts-expect-error: the option is called maxNorm
builtins.createTrainer(params, { optimizer: { name: "adamw" }, transforms: [{ name: "clip_global_norm", options: { norm: 1 } }] });
// @ts-expect-error: the option is called weightDecay, in a group too
builtins.createTrainer(params, { optimizer: { name: "adamw" }, groups: [{ match: "w", options: { decay: 0 } }] });
// @ts-expect-error: the recipe's key is called accumulate
builtins.createTrainer(params, { optimizer: { name: "adamw" }, accumulator: { name: "sum" } });
// @ts-expect-error: a text is no gradient
trainer.add({ w: "hello" });
// @ts-expect-error: adamw's lr is a number
export const text: string = trainer.optimizer.groups[0]!.current.lr;
// @ts-expect-error: a recipe has an optimizer
export const recipe: Recipe = { schedules: {} };
// @ts-expect-error: a number
tfRecipe({ initLr: "1", numTrainSteps: 9, numWarmupSteps: 1 });

// @ts-expect-error: its options must be given
builtins.createSchedule("linear");
// @ts-expect-error: a schedule is asked for a step
builtins.createSchedule("linear", linear)("3");
// @ts-expect-error: this one follows no metric
builtins.createSchedule("linear", linear).update(3);
// @ts-expect-error: no schedule has this name
builtins.getScheduler("Linear");
// @ts-expect-error: an accumulator is made for tensors
builtins.createAccumulator("mean", { every: 2 });
// @ts-expect-error: a schedule, not its name
plotSchedule("linear", { to: 9 });

// @ts-expect-error: no backend has this name
createBackend("gpu");
// @ts-expect-error: patterns of 16 bits are no Float32Array
export const patterns: Float32Array = backend.allocate(2, "bfloat16").data;
// @ts-expect-error: a length is a number
backend.allocate("2");
// @ts-expect-error: scalars are numbers
backend.run("x = x * by", { x: new Float32Array(2) }, { by: "2" });
// @ts-expect-error: modules come by name
createBackend("wasm", { modules: 3 });

// @ts-expect-error: a file is bytes
readSafetensors("w");
// @ts-expect-error: a state, not an optimizer
writeSafetensors(optimizer);
// @ts-expect-error: no dtype has this name
export const state: StateDict = { tensors: { w: { data: new Float32Array(1), shape: [1], dtype: "int8" } }, metadata: {} };

// @ts-expect-error: a registry is made of a list
createRegistry(adamw);
// @ts-expect-error: a plugin has a kind
createRegistry([{ name: "nothing" }]);
// @ts-expect-error: dimensions are a list
explain(adamw, "64 x 64");
export const plugin: OptimizerPlugin<"plain", { lr?: number }> = {
  kind: "optimizer",
  name: "plain",
  description: "Plain descent",
  // @ts-expect-error: every option has a spec
  options: {},
  // @ts-expect-error: no slot lies so
  rule: () => ({ slots: { m: { shape: "diagonal", key: "m" } }, update: "p -= lr*g" }),
  // @ts-expect-error: scalars are numbers
  scalars: ({ lr }) => ({ lr: String(lr) }),
};
