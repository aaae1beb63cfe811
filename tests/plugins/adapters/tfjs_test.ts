/**
 * The adapter for TensorFlow.js with the real packages, on its backends for processors.
 *
 * @module
 */
import "@tensorflow/tfjs-backend-cpu";
import "@tensorflow/tfjs-backend-wasm";
import * as tf from "@tensorflow/tfjs-core";
import * as layers from "@tensorflow/tfjs-layers";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { assert, assertEquals, assertMatch, assertNotEquals, assertRejects, assertThrows } from "@std/assert";
import { readDigits, shuffledBatches } from "../../../examples/digits/data.ts";
import { createGenerator } from "../../../examples/digits/generator.ts";
import { createModel, update } from "../../../examples/tfjs/network.ts";
import type { KernelBackend } from "../../../kernels/backend.ts";
import { builtins, createBackend, type Settings } from "../../../mod.ts";
import { bind, type Bound, registerTfOptimizer, type TfGrads, tfOptimizer } from "../../../plugins/adapters/tfjs/mod.ts";
import { lion } from "../../../plugins/optimizers/lion.ts";

const backends = ["cpu", "wasm"];
const settings = {
  groups: [{ match: "bias$", options: { weightDecay: 0 } }],
  transforms: [{ name: "clip_global_norm", options: { maxNorm: 0.5 } }],
  schedules: { lr: { name: "linear", options: { numWarmupSteps: 0, numTrainingSteps: 10 } } },
} satisfies Settings<{ weightDecay?: number }>;

/** Numbers that differ from each other, the same for the same seed. */
const numbers = (count: number, seed: number): Float32Array => {
  const generator = createGenerator(seed);
  return Float32Array.from({ length: count }, () => generator.within(1));
};

/** A variable of these elements, whose initial tensor is gone. */
function variable(name: string, shape: number[], seed: number): tf.Variable {
  return tf.tidy(() => tf.variable(tf.tensor(numbers(shape.reduce((n, length) => n * length, 1), seed), shape), true, name));
}

const gradient = ({ shape, size }: tf.Variable, seed: number): tf.Tensor => tf.tensor(numbers(size, seed), shape);
const valuesOf = (tensor: tf.Tensor): number[] => [...tensor.dataSync()];

/** Runs with a backend of tfjs; afterwards there are as many tensors as before. */
async function on(backend: string, run: () => void | Promise<void>): Promise<void> {
  await tf.setBackend(backend);
  const before = tf.memory();
  await run();
  const after = tf.memory();
  for (const count of ["numTensors", "numDataBuffers", "numBytes"] as const) assertEquals([count, after[count]], [count, before[count]]);
}

for (const backend of backends) {
  for (const ways of [{ tf }, {}]) {
    const how = "tf" in ways ? "with its namespace" : "without it";

    test(`bind() on tfjs-${backend}, ${how}: steps give the bits of an optimizer over arrays, and leave no tensor behind`, () =>
      on(backend, () => {
        const variables = [variable("kernel", [5, 3], 1), variable("bias", [3], 2), variable("scale", [], 3)];
        const arrays = Object.fromEntries(
          variables.map((one) => [one.name, { data: Float32Array.from(one.dataSync()), shape: one.shape }]),
        );
        using optimizer = builtins.createOptimizer("adamw", arrays, { lr: 0.1, weightDecay: 0.1 }, settings);
        const bound = bind(variables, "adamw", { lr: 0.1, weightDecay: 0.1 }, { ...settings, ...ways });
        for (let step = 1; step <= 4; step++) {
          const grads = Object.fromEntries(variables.map((one, i) => [one.name, gradient(one, 10 * step + i)]));
          const plain = Object.fromEntries(Object.entries(grads).map(([name, one]) => [name, Float32Array.from(one.dataSync())]));
          const { numTensors, numDataBuffers, numBytes } = tf.memory();
          assertEquals(bound.step(grads), optimizer.step(plain));
          const after = tf.memory();
          assertEquals([after.numTensors, after.numDataBuffers, after.numBytes], [numTensors, numDataBuffers, numBytes]);
          for (const one of variables) assertEquals(valuesOf(one), [...arrays[one.name].data]);
          tf.dispose(grads);
        }
        assertEquals(bound.optimizer.groups.map(({ names }) => names), [["bias"], ["kernel", "scale"]]);
        assertEquals(bound.optimizer.groups[1].current.lr, 0.1 * 0.6);
        bound.dispose();
        tf.dispose(variables);
      }));

    test(`bind() on tfjs-${backend}, ${how}: what was read of a variable before, shares its memory, or gave it its start stays as it is`, () =>
      on(backend, () => {
        const start = Float32Array.of(1, 2, 3, 4);
        const initial = tf.tensor(start, [2, 2]);
        const one = tf.variable(initial, true, "one");
        const bound = bind([one], "sgd", { lr: 1 }, ways);
        const all = (value: number) => tf.fill([2, 2], value);
        const kept: [tf.Tensor, Float32Array][] = [];
        for (let step = 0; step < 3; step++) {
          kept.push([step === 0 ? initial : step === 1 ? tf.reshape(one, [4]) : tf.clone(one), one.dataSync() as Float32Array]);
          const grad = all(1);
          bound.step({ one: grad });
          grad.dispose();
        }
        assertEquals([...start], [1, 2, 3, 4]);
        kept.forEach(([tensor, values], step) => {
          const then = [1 - step, 2 - step, 3 - step, 4 - step];
          assertEquals([valuesOf(tensor), [...values]], [then, then]);
          tensor.dispose();
        });
        assertEquals(valuesOf(one), [-2, -1, 0, 1]);
        bound.dispose();
        assertEquals(valuesOf(one), [-2, -1, 0, 1]);
        one.dispose();
      }));

    test(`bind() on tfjs-${backend}, ${how}: a product after a step multiplies by what the step gave`, () =>
      on(backend, () => {
        const one = variable("one", [3, 2], 1);
        const x = tf.tensor2d(numbers(12, 2), [4, 3]);
        const bound = bind([one], "sgd", { lr: 0.5 }, ways);
        for (let step = 0; step < 3; step++) {
          const [before, grad] = [tf.matMul(x, one), gradient(one, step)];
          bound.step({ one: grad });
          const fresh = tf.tensor2d(one.dataSync(), [3, 2]);
          const [here, there] = [tf.matMul(x, one), tf.matMul(x, fresh)];
          assertEquals(valuesOf(here), valuesOf(there));
          assertNotEquals(valuesOf(here), valuesOf(before));
          tf.dispose([before, grad, fresh, here, there]);
        }
        bound.dispose();
        tf.dispose([one, x]);
      }));
  }

  test(`tfOptimizer() on tfjs-${backend}: the digits' losses are those of tfjs' own Adam to 1.2e-5 of themselves`, () =>
    on(backend, async () => {
      const digits = await readDigits(await readFile(new URL("../../../examples/digits/data/digits.csv.gz", import.meta.url)));
      const optimizers = [tfOptimizer(tf, "adam", { lr: 1e-3, eps: 1e-7 }), tf.train.adam(1e-3)] as const;
      const models = optimizers.map(createModel);
      const [first] = [await lossesOf(models, shuffledBatches(digits.training, 32, createGenerator(1)), 40)];
      // Its powers of the betas are float32, of which 1 - 0.999 is 1.3e-5 too small, and an update the root of it: 6.4e-6.
      for (const [ours, theirs] of first) assert(Math.abs(ours / theirs - 1) < 1.2e-5, `${ours} beside ${theirs}`);
      assert(first[39][0] < 0.6 * first[0][0]);
      for (const model of models) model.dispose();
      for (const optimizer of optimizers) optimizer.dispose();
    }));

  test(`tfOptimizer() on tfjs-${backend}: minimize() moves variables as bind() does`, () =>
    on(backend, () => {
      const [a, b] = [variable("a", [3], 1), variable("b", [3], 1)];
      const optimizer = tfOptimizer(tf, "adamw", { lr: 0.1 });
      const bound = bind([b], "adamw", { lr: 0.1 });
      const loss = (of: tf.Variable) => () => tf.sum(tf.square(tf.sub(of, 0.3))) as tf.Scalar;
      for (let step = 0; step < 3; step++) {
        const cost = optimizer.minimize(loss(a), true, [a])!;
        const { value, grads } = tf.variableGrads(loss(b), [b]);
        bound.step(grads);
        assertEquals(valuesOf(cost), valuesOf(value));
        assertEquals(valuesOf(a), valuesOf(b));
        tf.dispose([cost, value, grads]);
      }
      assertEquals([optimizer.iterations, optimizer.bound?.optimizer.steps], [3, 3]);
      optimizer.dispose();
      bound.dispose();
      tf.dispose([a, b]);
    }));

  for (
    const [name, options, more] of [
      ["adamw", { lr: 0.05, weightDecay: 0.1 }, {
        schedules: settings.schedules,
        transforms: settings.transforms,
        groups: settings.groups,
      }],
      ["prodigy", {}, {}], // its numbers in float64 must come back whole
      ["lion", {}, { schedules: { lr: { name: "reduce_lr_on_plateau", options: { patience: 0 } } } }],
    ] as const
  ) {
    test(`tfOptimizer() on tfjs-${backend}: a model saved with ${name} and loaded goes on to the bit, beside the first one and after it`, () =>
      on(backend, async () => {
        const x = tf.tensor2d(numbers(12, 1), [4, 3]);
        const y = tf.tensor2d(numbers(8, 2), [4, 2]);
        const first = smallModel();
        const make = tfOptimizer as unknown as (tf: unknown, name: string, options: object, more: object) => ReturnType<typeof tfOptimizer>;
        const optimizer = make(tf, name, options, more) as unknown as Trained;
        first.compile({ optimizer, loss: "meanSquaredError" });
        const fit = async (model: layers.LayersModel) => (await model.fit(x, y, { epochs: 3, verbose: 0, shuffle: false })).history.loss;
        const feed = (model: layers.LayersModel) => name === "lion" && (model.optimizer as unknown as Trained).bound!.optimizer.update(1);
        await fit(first);
        feed(first);
        feed(first);
        const saved = await artifactsOf(first);
        const kept = first.getWeights().map((weight) => tf.clone(weight));
        const beside = await layers.loadLayersModel(tf.io.fromMemory(saved));
        const expected = await fit(first);
        assertEquals((beside.optimizer as unknown as Trained).iterations, 3);
        // What was loaded can be saved before it is trained.
        const again = await artifactsOf(beside);
        assertEquals(again.weightSpecs?.length, saved.weightSpecs?.length);
        assertEquals(await fit(beside), expected);
        const end = first.getWeights().map(valuesOf);
        assertEquals(beside.getWeights().map(valuesOf), end);
        const slots = (model: layers.LayersModel) => Object.values((model.optimizer as unknown as Trained).bound!.saveState().tensors);
        assertEquals(slots(beside), slots(first));
        for (const model of [first, beside]) {
          (model.optimizer as unknown as Trained).dispose();
          model.dispose();
        }
        // The names are free now, so that they are the saved ones.
        const after = await layers.loadLayersModel(tf.io.fromMemory(saved));
        assertEquals(await fit(after), expected);
        assertEquals(after.getWeights().map(valuesOf), end);
        (after.optimizer as unknown as Trained).dispose();
        after.dispose();
        tf.dispose([x, y, kept]);
      }));
  }
}

/** What tests ask of an optimizer, whatever its options. */
type Trained = tf.Optimizer & { readonly bound: Bound | undefined };

async function lossesOf(
  models: readonly layers.Sequential[],
  batches: Iterable<Parameters<typeof update>[1]>,
  count: number,
): Promise<number[][]> {
  const losses: number[][] = [];
  for (const batch of batches) {
    const row: number[] = [];
    for (const model of models) row.push(await update(model, batch));
    if (losses.push(row) >= count) break;
  }
  return losses;
}

function smallModel(): layers.Sequential {
  const dense = (units: number, seed: number, more: object) =>
    layers.layers.dense({ units, kernelInitializer: layers.initializers.glorotUniform({ seed }), ...more });
  return layers.sequential({
    layers: [dense(4, 1, { inputShape: [3], activation: "tanh" }), layers.layers.batchNormalization(), dense(2, 2, {})],
  });
}

async function artifactsOf(model: layers.LayersModel): Promise<tf.io.ModelArtifacts> {
  let artifacts: tf.io.ModelArtifacts | undefined;
  await model.save(
    tf.io.withSaveHandler((given) => {
      artifacts = given;
      return Promise.resolve({ modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: "JSON" } });
    }),
    { includeOptimizer: true },
  );
  // As a file would keep it.
  return { ...artifacts!, trainingConfig: JSON.parse(JSON.stringify(artifacts!.trainingConfig)) };
}

test("bind() refuses what is no list of trainable float32 variables of different names, and takes no memory", () =>
  on("cpu", () => {
    using backend = createBackend("js") as KernelBackend;
    const one = variable("one", [2], 1);
    const frozen = tf.tidy(() => tf.variable(tf.zeros([2]), false, "frozen"));
    const whole = tf.tidy(() => tf.variable(tf.zeros([2], "int32"), true, "whole"));
    const gone = variable("gone", [2], 1);
    gone.dispose();
    const tensor = tf.zeros([2]);
    const rows: [given: unknown, error: typeof TypeError | typeof RangeError, says: string][] = [
      [one, TypeError, "give a list of variables"],
      [[], RangeError, "empty list"],
      [[one, tensor], TypeError, "at 1 of the list: it is no tf.Variable"],
      [[null], TypeError, "Cannot bind null at 0"],
      [[new Float32Array(2)], TypeError, "Cannot bind a Float32Array"],
      [[gone], TypeError, 'variable "gone": it is disposed'],
      [[frozen], TypeError, 'variable "frozen": it is not trainable'],
      [[whole], TypeError, 'variable "whole": its dtype is int32'],
      [[one, one], TypeError, 'two variables of the name "one"'],
    ];
    for (const [given, error, says] of rows) assertThrows(() => bind(given as tf.Variable[], "sgd", {}, { backend }), error, says);
    const bad = (...rest: unknown[]) => () => (bind as unknown as (...of: unknown[]) => Bound)([one], ...rest);
    assertThrows(bad("adamww"), TypeError, 'did you mean "adamw"?');
    assertThrows(bad("adamw", { weight_decay: 1 }, { backend }), TypeError, "weightDecay");
    assertThrows(bad("adamw", {}, { schedule: {}, backend }), TypeError, 'did you mean "schedules"?');
    assertThrows(bad("adamw", {}, { backend, threads: 2 }), TypeError, "threads together with a backend");
    assertThrows(bad("adamw", {}, { backend, transforms: [{ name: "clip" }] }), TypeError, "Cannot find transform");
    assertEquals(backend.usage().allocated, 0);
    assertEquals(valuesOf(one), [...numbers(2, 1)]);
    tf.dispose([one, frozen, whole, tensor]);
  }));

test("Bound.step() refuses gradients that do not fit, and a missing one, before anything changes; null stands still", () =>
  on("wasm", () => {
    const [a, b, gone] = [variable("a", [2, 2], 1), variable("b", [2], 2), variable("gone", [1], 3)];
    const bound = bind([a, b, gone], "adamw", { lr: 0.1 }, { tf });
    const good = gradient(a, 4);
    bound.step({ a: good, b: null, gone: null });
    const disposed = tf.zeros([2]);
    disposed.dispose();
    gone.dispose();
    const [flat, whole, late] = [tf.zeros([4]), tf.zeros([2], "int32"), tf.zeros([1])];
    const before = [valuesOf(a), valuesOf(b), bound.optimizer.saveState()];
    const rows: [grads: unknown, error: typeof TypeError | typeof RangeError, says: string, tensor?: string][] = [
      [[good], TypeError, "they are an object"],
      [{ a: good, c: late }, TypeError, 'the gradient of "c": no variable of this name is bound; known are a, b', "c"],
      [{ a: good, b: disposed }, TypeError, 'the gradient of "b": it is disposed', "b"],
      [{ a: good, b: whole }, TypeError, "of dtype int32", "b"],
      [{ a: flat }, RangeError, "of shape [4]: the variable's is [2, 2]", "a"],
      [{ a: good, b: null, gone: late }, TypeError, 'variable "gone": it is disposed', "gone"],
      [{ a: good, b: "zero", gone: null }, TypeError, 'the gradient of "b"', "b"],
      [{ a: good, b: new Float32Array(3), gone: null }, RangeError, "of 3 elements", "b"],
      [{ a: good, gone: null }, TypeError, 'find the gradient of "b": give all that tf.variableGrads does', "b"],
      [{}, TypeError, 'find the gradient of "a"', "a"],
    ];
    for (const [grads, kind, says, name] of rows) {
      const error = assertThrows(() => bound.step(grads as TfGrads), kind, says);
      assertEquals((error as { tensor?: string }).tensor, name);
    }
    assertEquals([valuesOf(a), valuesOf(b), bound.optimizer.saveState()], before);
    assertEquals(bound.step({ a: null, b: null, c: null, gone: null }), { applied: false, step: 1 });
    assertEquals(bound.step({ a: null, b: [1, 2], gone: null }), { applied: true, step: 2 }); // what else an optimizer takes
    assertEquals(valuesOf(a), before[0]);
    assertNotEquals(valuesOf(b), before[1]);
    bound.dispose();
    tf.dispose([a, b, good, flat, whole, late]);
  }));

test("Bound.step() does not propose another variable's gradient in place of a missing one", () =>
  on("cpu", () => {
    const [one, two] = [variable("w1", [2], 1), variable("w2", [2], 2)];
    const bound = bind([one, two], "sgd", { lr: 1 }, { tf });
    const grad = tf.ones([2]);
    const { message } = assertThrows(() => bound.step({ w2: grad }), TypeError, 'find the gradient of "w1"');
    assertMatch(message, /known are w2$/);
    bound.dispose();
    tf.dispose([one, two, grad]);
  }));

test("Bound.step() goes on from what was assigned to a variable in between, also by another optimizer over it", () =>
  on("wasm", () => {
    const one = variable("one", [2], 1);
    const grad = tf.ones([2]);
    const bounds = [bind([one], "sgd", { lr: 1 }, { tf }), bind([one], "sgd", { lr: 10 })];
    for (const bound of bounds) bound.step({ one: grad });
    const fresh = tf.tensor1d([5, 6]);
    one.assign(fresh);
    for (const bound of bounds) bound.step({ one: grad });
    assertEquals(valuesOf(one), [-6, -5]);
    assertEquals([...bounds[1].saveState().tensors.one.data], [-6, -5]);
    assertEquals([...bounds[0].saveState().tensors.one.data], [-6, -5]);
    for (const bound of bounds) bound.dispose();
    tf.dispose([one, grad, fresh]);
  }));

test("Bound.step() that a transform holds back moves no variable", () =>
  on("cpu", () => {
    const one = variable("one", [2], 1);
    const [bad, good] = [tf.tensor1d([NaN, 1]), tf.ones([2])];
    const bound = bind([one], "sgd", { lr: 1 }, { transforms: [{ name: "skip_nonfinite" }] });
    const { dataId } = one;
    assertEquals(bound.step({ one: bad }), { applied: false, step: 0, skipped: "skip_nonfinite" });
    assertEquals([valuesOf(one), one.dataId], [[...numbers(2, 1)], dataId]);
    assertEquals(bound.step({ one: good }).applied, true);
    bound.dispose();
    tf.dispose([one, bad, good]);
  }));

test("Bound.add() puts late variables where `match` finds them, or where it is told to", () =>
  on("wasm", () => {
    const [a, b, c, d, e] = ["a.bias", "b.weight", "c.bias", "d.weight", "e"].map((name, i) => variable(name, [2], i));
    const bound = bind([a], "sgd", { lr: 0.5 }, { tf, groups: [{ match: "bias$", options: { lr: 0.25 } }] });
    const groups = () => bound.optimizer.groups.map(({ names, options: { lr } }) => [lr, ...names]);
    assertEquals(groups(), [[0.25, "a.bias"]]);
    bound.add([b, c]);
    assertEquals(groups(), [[0.25, "a.bias", "c.bias"], [0.5, "b.weight"]]);
    bound.add([e], { options: { lr: 1 } });
    bound.add([d]);
    assertEquals(groups(), [[0.25, "a.bias", "c.bias"], [0.5, "b.weight", "d.weight"], [1, "e"]]);
    assertThrows(() => bound.add([d]), TypeError, 'two variables of the name "d.weight"');
    assertThrows(() => bound.add([variable("f", [1], 1)], { group: 7 }), RangeError, "of group 7");
    assertEquals(Object.keys(bound.variables), ["a.bias", "c.bias", "b.weight", "e", "d.weight"]);
    const grad = tf.ones([2]);
    bound.step(Object.fromEntries([a, b, c, d, e].map(({ name }) => [name, grad])));
    const moved = [a, b, c, d, e].map((one, i) => Math.round(4 * (numbers(2, i)[1] - one.dataSync()[1])) / 4);
    assertEquals(moved, [0.25, 0.5, 0.25, 0.5, 1]);
    bound.dispose();
    tf.dispose([a, b, c, d, e, grad, tf.engine().registeredVariables.f]);
  }));

test("Bound.at() runs at another point, refuses everything else meanwhile, and comes back, whatever happens there", () =>
  on("wasm", async () => {
    const one = variable("one", [2], 1);
    const grad = tf.ones([2]);
    const bound = bind([one], "sgd", { lr: 1 }, { tf, transforms: [{ name: "ema", options: { decay: 0.5 } }] });
    for (let step = 0; step < 3; step++) bound.step({ one: grad });
    const here = valuesOf(one);
    const average = [...bound.optimizer.point("ema").one.data];
    assertNotEquals(average, here);
    const found = await bound.at("ema", async () => {
      await Promise.resolve();
      assertThrows(() => bound.step({ one: grad }), TypeError, "at another point");
      assertThrows(() => bound.saveState(), TypeError, "at another point");
      return valuesOf(one);
    });
    assertEquals([found, valuesOf(one)], [average, here]);
    await assertRejects(() => bound.at("ema", () => Promise.reject(new RangeError("no luck"))), RangeError, "no luck");
    assertEquals(valuesOf(one), here);
    await assertRejects(async () => await bound.at("average", () => 1), TypeError, "average");
    await bound.at("ema", () => {
      bound.dispose();
      assertEquals(valuesOf(one), here);
    });
    assertEquals(valuesOf(one), here);
    tf.dispose([one, grad]);
  }));

test("Bound.run() moves variables by another entry: sam's ascent and the step from there", () =>
  on("wasm", () => {
    const one = variable("one", [3], 1);
    const array = Float32Array.from(one.dataSync());
    const sam = { transforms: [{ name: "sam", options: { rho: 0.5 } }] };
    const bound = bind([one], "sgd", { lr: 0.1 }, { ...sam, tf });
    using optimizer = builtins.createOptimizer("sgd", { one: array }, { lr: 0.1 }, sam);
    const grads = [gradient(one, 2), gradient(one, 3)];
    for (const call of ["run", "step"] as const) {
      for (const [i, grad] of grads.entries()) {
        if (call === (i === 0 ? "run" : "step")) {
          const plain = { one: Float32Array.from(grad.dataSync()) };
          if (i === 0) [bound.run("ascend", { one: grad }), optimizer.run("ascend", plain)];
          else [bound.step({ one: grad }), optimizer.step(plain)];
          assertEquals(valuesOf(one), [...array]);
        }
      }
    }
    assertNotEquals(valuesOf(one), [...numbers(3, 1)]);
    bound.dispose();
    tf.dispose([one, ...grads]);
  }));

test("Bound.loadState() gives variables a state's elements, part of a state too, and refuses one that does not fit", () =>
  on("wasm", () => {
    const make = (seed: number) => [variable(`a`, [2], seed), variable(`b`, [1], seed + 1)] as const;
    const grad = tf.ones([2]);
    const first = make(1);
    const bound = bind(first, "adamw", { lr: 0.1 }, { tf });
    bound.step({ a: grad, b: null });
    const state = bound.saveState();
    const expected = [valuesOf(first[0]), valuesOf(first[1])];
    bound.dispose();
    tf.dispose([...first]);
    const second = make(7);
    const other = bind(second, "adamw", { lr: 0.1 });
    const { b: _, ...less } = state.tensors;
    assertThrows(() => other.loadState({ ...state, tensors: less }), TypeError, '"b"');
    assertEquals(valuesOf(second[0]), [...numbers(2, 7)]);
    assertEquals(other.loadState({ ...state, tensors: less }, { partial: true }).missing, ["b"]);
    assertEquals(second.map(valuesOf), [expected[0], [...numbers(1, 8)]]);
    other.loadState(state);
    assertEquals(second.map(valuesOf), expected);
    assertEquals(other.optimizer.steps, 1);
    other.dispose();
    tf.dispose([grad, ...second]);
  }));

test("Bound.dispose() gives memory of a shared backend back, ends everything else, and may be called twice", () =>
  on("wasm", () => {
    using backend = createBackend() as KernelBackend;
    const [one, two] = [variable("one", [100], 1), variable("two", [100], 2)];
    const bound = bind([one], lion, { lr: 1 }, { backend, tf });
    bound.add([two]);
    assert(backend.usage().allocated >= 2 * 3 * 400);
    bound.dispose();
    bound.dispose();
    assertEquals(backend.usage().allocated, 0);
    assertThrows(() => bound.step({}), TypeError, "it is disposed");
    tf.dispose([one, two]);
  }));

test("bind() takes the weights of layers, a registry with further plugins, and a plugin itself; its types know both", () =>
  on("wasm", () => {
    const model = smallModel();
    const mine = { ...lion, name: "my_lion" } as const;
    const registry = builtins.with(mine);
    const bound = bind(model.trainableWeights, "my_lion", { lr: 0.1 }, { registry });
    const lr: number = bound.optimizer.options.lr;
    assertEquals([lr, Object.keys(bound.variables)], [0.1, model.trainableWeights.map(({ name }) => name)]);
    bound.dispose();
    // @ts-expect-error -- no such name
    assertThrows(() => bind(model.trainableWeights, "my_lion"), TypeError, "my_lion");
    // @ts-expect-error -- no such option
    assertThrows(() => bind(model.trainableWeights, lion, { rate: 1 }), TypeError, "rate");
    // @ts-expect-error -- no such name
    assertThrows(() => tfOptimizer(tf, "my_lion"), TypeError, "my_lion");
    // @ts-expect-error -- no such option
    assertThrows(() => tfOptimizer(tf, "adamw", { rate: 1 }), TypeError, "rate");
    assertThrows(() => tfOptimizer(tf, "adamw", {}, { transforms: [{ name: "clip" }] }), TypeError, "clip");
    tfOptimizer(tf, "my_lion", { lr: 0.1 }, { registry }).dispose();
    model.dispose();
  }));

test("tfOptimizer(): variables that come later join by `match`; one that tfjs does not have is refused, and frozen ones are left out", () =>
  on("wasm", () => {
    const [a, b] = [variable("a", [2], 1), variable("b.bias", [2], 2)];
    const frozen = tf.tidy(() => tf.variable(tf.ones([2]), false, "frozen"));
    const optimizer = tfOptimizer(tf, "sgd", { lr: 0.5 }, { groups: [{ match: "bias$", options: { lr: 0 } }] });
    const grad = tf.ones([2]);
    assertThrows(() => optimizer.applyGradients({ c: grad } as never), TypeError, "tfjs has no variable of this name");
    assertEquals(optimizer.bound, undefined);
    optimizer.minimize(() => tf.sum(tf.mul(a, frozen)) as tf.Scalar, false, [a, frozen]);
    optimizer.minimize(() => tf.sum(tf.add(a, b)) as tf.Scalar);
    optimizer.minimize(() => tf.sum(b) as tf.Scalar); // a has no part in it
    assertEquals(optimizer.bound?.optimizer.groups.map(({ names }) => names), [["b.bias"], ["a"]]);
    assertEquals([valuesOf(a), valuesOf(b)], [[...numbers(2, 1)].map((x) => Math.fround(x - 1)), [...numbers(2, 2)]]);
    optimizer.dispose();
    tf.dispose([a, b, frozen, grad]);
  }));

test("tfOptimizer(): what JSON does not hold is refused by model.save, in words; weights of others by setWeights", () =>
  on("wasm", async () => {
    const model = smallModel();
    const rows: [name: unknown, more: object, says: string][] = [
      ["sgd", { schedules: { lr: () => 1 } }, 'the schedule of "lr"'],
      ["sgd", { groups: [{ match: /bias/i }] }, "/bias/i"],
      ["adamw", { groups: [{ match: "bias$", schedules: { lr: () => 1 } }] }, 'the schedule of "lr"'],
    ];
    const make = tfOptimizer as unknown as (...of: unknown[]) => Trained;
    for (const [name, more, says] of rows) {
      const optimizer = make(tf, name, { lr: 0.1 }, more);
      model.compile({ optimizer, loss: "meanSquaredError" });
      await assertRejects(() => artifactsOf(model), TypeError, says);
    }
    const optimizer = make(tf, lion, { lr: 0.1 }, { groups: [{ match: /bias$/, optimizer: "sgd", options: { lr: 1 } }] });
    assertEquals(JSON.parse(optimizer.getConfig().recipe as string), {
      optimizer: { name: "lion", options: { lr: 0.1 } },
      groups: [{ match: "bias$", optimizer: "sgd", options: { lr: 1 } }],
    });
    const [x, y] = [tf.zeros([1, 3]), tf.zeros([1, 2])];
    const adam = tf.train.adam();
    model.compile({ optimizer: adam, loss: "meanSquaredError" });
    await model.fit(x, y, { verbose: 0 });
    const others = await adam.getWeights();
    await assertRejects(() => optimizer.setWeights(others), TypeError, "no weights of an optimizer of this library");
    const saved = tfOptimizer(tf, "sgd");
    const one = variable("one", [1], 1);
    saved.minimize(() => tf.sum(one) as tf.Scalar, false, [one]);
    await optimizer.setWeights(await saved.getWeights());
    const grads = model.trainableWeights.map((weight) => ({ name: weight.name, tensor: tf.zerosLike(weight.read()) }));
    assertThrows(() => optimizer.applyGradients(grads), TypeError, "they are of 1 variables");
    assertEquals(optimizer.bound, undefined);
    model.dispose();
    for (const one of [optimizer, saved, adam]) one.dispose();
    tf.dispose([x, y, one, others[0].tensor, grads]);
  }));

test("registerTfOptimizer() lets a program load what another one saved, with plugins of a registry", () =>
  on("wasm", async () => {
    const mine = { ...lion, name: "my_lion" } as const;
    const registry = builtins.with(mine);
    const model = smallModel();
    const [x, y] = [tf.ones([2, 3]), tf.ones([2, 2])];
    const optimizer = tfOptimizer(tf, "my_lion", { lr: 0.1 }, { registry });
    model.compile({ optimizer, loss: "meanSquaredError" });
    await model.fit(x, y, { verbose: 0 });
    const saved = await artifactsOf(model);
    registerTfOptimizer(tf);
    const living = Object.values(tf.engine().registeredVariables);
    await assertRejects(() => layers.loadLayersModel(tf.io.fromMemory(saved)), TypeError, "my_lion");
    tf.dispose(Object.values(tf.engine().registeredVariables).filter((one) => !living.includes(one))); // tfjs leaves a model's weights behind then
    registerTfOptimizer(tf, { registry });
    const again = await layers.loadLayersModel(tf.io.fromMemory(saved));
    const loaded = again.optimizer as unknown as Trained;
    assertEquals(loaded.iterations, 1);
    for (const one of [optimizer, loaded]) one.dispose();
    for (const one of [model, again]) one.dispose();
    tf.dispose([x, y]);
  }));
