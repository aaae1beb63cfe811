import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { test } from "node:test";
import { chromium as playwright } from "playwright-core";
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { type Batch, readDigits, shuffledBatches } from "../../../examples/digits/data.ts";
import { createGenerator, type Generator } from "../../../examples/digits/generator.ts";
import { createNetwork } from "../../../examples/digits/network.ts";
import { answer } from "../../../examples/onnx/serve.ts";
import { type Ort, train } from "../../../examples/onnx/train.ts";
import { aboutOf } from "../../../core/errors.ts";
import { builtins, createBackend, createOptimizer, createRegistry, sgd } from "../../../mod.ts";
import {
  bind,
  createParameters,
  gradients,
  type OnnxModel,
  type OnnxSession,
  type OnnxTensor,
  parameterShapes,
} from "../../../plugins/adapters/onnxruntime.ts";
import { chromium, chromiumFlags, inChromium, webGpuFlags } from "../../chromium.ts";
import { root } from "../../generated.ts";
import { listen } from "../../listen.ts";

/** A tensor of numbers on the CPU. */
type Numbers = OnnxTensor & { readonly data: Float32Array };
type Session = OnnxSession & OnnxModel<Numbers> & { run(feeds: Readonly<Record<string, OnnxTensor>>): Promise<Record<string, Numbers>> };
/** What is used of onnxruntime, of whichever package. */
interface Onnxruntime {
  readonly Tensor: new (type: "float32" | "int32", data: Float32Array | Int32Array, dims: readonly number[]) => Numbers;
  readonly InferenceSession: { create(model: Uint8Array): Promise<Session> };
}

// A name that no type check looks for.
const packageName: string = "onnxruntime-web";
const web: Onnxruntime & { readonly env: { readonly wasm: { numThreads: number } } } = await import(packageName);
web.env.wasm.numThreads = 1; // its workers would keep the runtimes' tests from ending

const digits = await readDigits(await readFile(join(root, "examples/digits/data/digits.csv.gz")));

/** onnxruntime-node is 290 MB for all platforms, and its installation downloads more: CI puts it into a folder of its own. */
const native = join(root, ".cache/onnxruntime/node_modules/onnxruntime-node");

/** A session over a model of examples/onnx, of the package under test. */
async function open(ort: Onnxruntime, model: string): Promise<Session> {
  return await ort.InferenceSession.create(await readFile(join(root, `examples/onnx/${model}.onnx`)));
}

/** What the digits' network is fed beside its parameters. */
const feed = (ort: Onnxruntime, { count, pixels, labels }: Batch): Record<string, Numbers> => ({
  x: new ort.Tensor("float32", pixels, [count, 64]),
  y: new ort.Tensor("int32", Int32Array.from(labels), [count]),
});

const startParameters = (session: Session, generator: Generator): Record<string, Numbers> =>
  createParameters(
    web,
    session,
    (_, shape) => Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => generator.within(0.1)),
  );

const firstBatch = (): Batch => {
  for (const batch of shuffledBatches(digits.training, 32, createGenerator(3))) return batch;
  throw new Error("no batch");
};

/** A stand-in for a tensor of onnxruntime. */
const tensor = (data: unknown, more: object = {}) => ({
  type: "float32",
  dims: [(data as Float32Array).length],
  data,
  location: "cpu",
  ...more,
});

for (const name of ["onnxruntime-web", "onnxruntime-node"]) {
  const isThere = name === "onnxruntime-web" || existsSync(native);
  const run = isThere ? test : test.skip;
  const why = isThere ? "" : " (npm install --no-save --ignore-scripts --prefix .cache/onnxruntime onnxruntime-node)";
  const packageUnderTest = (): Onnxruntime => name === "onnxruntime-web" ? web : createRequire(import.meta.url)(native);

  run(`${name}: an exported model's gradients match those of the network that is written out by hand${why}`, async () => {
    const ort = packageUnderTest();
    const session = await open(ort, "digits");
    const network = createNetwork([64, 256, 10], createGenerator(1));
    const params = Object.fromEntries(
      Object.entries(network.params).map(([name, { data, shape }]) => [name, new ort.Tensor("float32", data as Float32Array, shape!)]),
    );
    const batch = firstBatch();
    const outputs = await session.run({ ...feed(ort, batch), ...params });
    const { loss } = network.backward(batch);
    assert(Math.abs(outputs.loss.data[0] - loss) < 1e-6 * loss, `the loss is ${outputs.loss.data[0]}, and by hand ${loss}`);
    assertEquals(Object.keys(gradients(outputs, network.params)).sort(), Object.keys(network.grads).sort());
    for (const [name, { data }] of Object.entries(network.grads)) {
      const given = outputs[`${name}.grad`].data as Float32Array;
      const largest = Math.max(...data.map(Math.abs));
      const error = Math.max(...data.map((expected, i) => Math.abs(given[i] - expected)));
      assert(largest > 0 && error < 5e-6 * largest, `${name}: ${error} beside ${largest}`);
    }
  });

  run(`${name}: the digits are learnt in 600 updates, and read right by more than 95 %${why}`, async () => {
    const ort = packageUnderTest();
    const session = await open(ort, "digits");
    const losses: number[] = [];
    const right = await train(
      ort as unknown as Ort,
      session as never,
      digits,
      createGenerator(1),
      600,
      (_, loss) => void losses.push(loss),
    );
    assertEquals(losses.length, 600);
    assert(losses[0] > 2 && losses.slice(-50).reduce((a, b) => a + b) / 50 < 0.1, `${losses[0]} … ${losses.slice(-3)}`);
    assert(right > 0.95, `${right}`);
  });
}

test("bind().step() moves the tensors that the session is fed, to the bits of an optimizer over arrays", async () => {
  const session = await open(web, "digits");
  const params = startParameters(session, createGenerator(5));
  const plain = Object.fromEntries(
    Object.entries(params).map(([name, { data, dims }]) => [name, { data: (data as Float32Array).slice(), shape: dims }]),
  );
  const settings = {
    groups: [{ match: { maxRank: 1 }, options: { weightDecay: 0 } }],
    transforms: [{ name: "clip_global_norm", options: { maxNorm: 1 } }],
  };
  const bound = bind(params, "adamw", { lr: 0.01, weightDecay: 0.1 }, settings);
  const optimizer = builtins.createOptimizer("adamw", plain, { lr: 0.01, weightDecay: 0.1 }, settings);
  const losses: number[] = [];
  for (let i = 0; i < 5; i++) {
    const outputs = await session.run({ ...feed(web, firstBatch()), ...params });
    losses.push(outputs.loss.data[0]);
    assertEquals(bound.step(outputs), { applied: true, step: i + 1 });
    optimizer.step(Object.fromEntries(Object.keys(plain).map((name) => [name, outputs[`${name}.grad`].data as Float32Array])));
  }
  for (const [name, { data }] of Object.entries(plain)) assertEquals(params[name].data, data);
  assert(losses.every((loss, i) => i === 0 || loss < losses[i - 1]), losses.join(" "));
  bound.dispose();
  assertThrows(() => bound.step({}), TypeError);
  optimizer.dispose();
});

for (
  const [model, updates, inputs] of [
    ["transformer", 40, () => ({ x: tokens(), y: tokens(1) })],
    [
      "convolution",
      40,
      () => ({
        x: new web.Tensor("float32", firstBatch().pixels, [32, 1, 8, 8]),
        y: new web.Tensor("int32", Int32Array.from(firstBatch().labels), [32]),
      }),
    ],
  ] as const
) {
  test(`${model}.onnx is trained: its loss falls to less than half`, async () => {
    const session = await open(web, model);
    const generator = createGenerator(2);
    const params = Object.fromEntries(
      Object.entries(parameterShapes(session)).map(([name, dims]) => {
        const size = dims.reduce((a, b) => a * b, 1);
        const isScale = /norm\d.weight/.test(name);
        const bound = dims.length > 1 ? Math.sqrt(3 / (size / dims[0])) : 0;
        return [name, new web.Tensor("float32", Float32Array.from({ length: size }, () => isScale ? 1 : generator.within(bound)), dims)];
      }),
    );
    const bound = bind(params, "adamw_torch", { lr: 1e-2 });
    const losses: number[] = [];
    for (let i = 0; i < updates; i++) {
      const outputs = await session.run({ ...inputs(), ...params });
      losses.push(outputs.loss.data[0]);
      assertEquals(Object.keys(gradients(outputs, params)).length, Object.keys(params).length);
      bound.step(outputs);
    }
    assert(losses.at(-1)! < losses[0] / 2, `${losses[0]} … ${losses.at(-1)}`);
    bound.dispose();
  });
}

/** 8 sentences of 16 tokens that count up; those `later` are what comes next. */
function tokens(later = 0): OnnxTensor {
  return new web.Tensor("int32", Int32Array.from({ length: 128 }, (_, i) => (3 * Math.floor(i / 16) + i % 16 + later) % 29), [8, 16]);
}

test("bind() takes arrays, plugins, registries and float16, and parameters that come later", () => {
  const w = new Float32Array([1, -1]);
  const half = new Uint16Array([0x3c00, 0xbc00]); // 1 and -1
  const bound = bind({ w, half: tensor(half, { type: "float16" }) }, sgd, { lr: 0.5 }, { registry: createRegistry([sgd]) });
  bound.step({ "w.grad": tensor(new Float32Array([1, 0])), "half.grad": tensor(new Uint16Array([0x3c00, 0x3c00]), { type: "float16" }) });
  assertEquals([...w], [0.5, -1]);
  assertEquals([...half], [0x3800, 0xbe00]); // 0.5 and -1.5
  const head = tensor(new Float32Array([2, 2, 2, 2]), { dims: [2, 2] });
  bound.add({ head }, { options: { lr: 1 } });
  // The first two stand still this time; outputs that are nobody's are passed over.
  bound.step({
    "w.grad": null,
    "half.grad": null,
    loss: tensor(new Float32Array(1)),
    "frozen.grad": tensor(new Float32Array(3)),
    "head.grad": tensor(new Float32Array([1, 0, 0, 0]), { dims: [2, 2] }),
  });
  assertEquals([...w, ...head.data as Float32Array], [0.5, -1, 1, 2, 2, 2]);
  assertEquals(bound.optimizer.steps, 2);
  bound.dispose();
  assertEquals([...w], [0.5, -1]);
  // A plugin of the same name as a built-in one is the one that is meant.
  const mine = { ...sgd, scalars: (...of: Parameters<typeof sgd.scalars>) => ({ ...sgd.scalars(...of), lr: 1 }) };
  const own = bind({ w }, mine, { lr: 0.5 });
  const same = createOptimizer(mine, { w: new Float32Array([0.5, -1]) }, { lr: 0.5 });
  own.step({ "w.grad": tensor(new Float32Array([1, 1])) });
  same.step({ w: [1, 1] });
  assertEquals(w, same.params.w.data);
  own.dispose();
  same.dispose();
});

test("parameters that lie in a backend's memory are fed to onnxruntime-web and moved where they lie", async () => {
  const session = await open(web, "digits");
  const backend = createBackend("wasm");
  const plain = startParameters(session, createGenerator(5));
  const params = Object.fromEntries(
    Object.entries(plain).map(([name, { data, dims }]) => {
      const { data: memory } = backend.allocate(dims);
      memory.set(data as Float32Array);
      return [name, new web.Tensor("float32", memory, dims)];
    }),
  );
  const bounds = [plain, params].map((of) => bind(of, "adamw", { lr: 0.01 }, { backend }));
  for (let i = 0; i < 3; i++) {
    for (const [k, of] of [plain, params].entries()) bounds[k].step(await session.run({ ...feed(web, firstBatch()), ...of }));
  }
  for (const [name, { data }] of Object.entries(plain)) assertEquals([...params[name].data as Float32Array], [...data as Float32Array]);
  bounds.forEach((bound) => bound.dispose());
  backend.dispose();
});

const good = (): Float32Array => new Float32Array([1, -1]);
const refused: readonly (readonly [what: string, run: () => unknown, error: typeof TypeError | typeof RangeError, message: RegExp])[] = [
  ["no parameters", () => bind(null as never, "sgd", { lr: 1 }), TypeError, /null: it takes parameters by the names/],
  ["an unknown name", () => bind({ w: good() }, "adamww" as "sgd", { lr: 1 }), TypeError, /"adamww".*did you mean "adamw"/],
  ["an unknown option", () => bind({ w: good() }, "sgd", { lrr: 1 } as never), TypeError, /"lrr"/],
  ["an unknown setting", () => bind({ w: good() }, "sgd", { lr: 1 }, { register: 1 } as never), TypeError, /"register".*"registry"/],
  ["settings that are none", () => bind({ w: good() }, "sgd", { lr: 1 }, 3 as never), TypeError, /settings.*3/],
  ["a registry that is none", () => bind({ w: good() }, "sgd", { lr: 1 }, { registry: {} as never }), TypeError, /registry: make one/],
  [
    "a name beside the registry",
    () => bind({ w: good() }, "adamw" as "sgd", { lr: 1 }, { registry: createRegistry([sgd]) }),
    TypeError,
    /known are sgd/,
  ],
  [
    "a parameter of integers",
    () => bind({ w: tensor(new Int32Array(2), { type: "int32" }) }, "sgd", { lr: 1 }),
    TypeError,
    /parameter "w": its type is "int32"/,
  ],
  [
    "a parameter on a GPU",
    () => bind({ w: tensor(good(), { location: "gpu-buffer" }) }, "sgd", { lr: 1 }),
    TypeError,
    /parameter "w": it lies in "gpu-buffer".*"cpu"/,
  ],
  [
    "a disposed parameter",
    () => bind({ w: tensor(good(), { location: "none" }) }, "sgd", { lr: 1 }),
    TypeError,
    /parameter "w": it is disposed/,
  ],
  ["dims that do not fit", () => bind({ w: tensor(good(), { dims: [3] }) }, "sgd", { lr: 1 }), RangeError, /parameter "w" of shape \[3\]/],
  [
    "a promise of outputs",
    () => gradients(Promise.resolve({}) as never, { w: 0 }),
    TypeError,
    /the session's output "w.grad".*; there are none/,
  ],
  ["no outputs", () => gradients(undefined as never, { w: 0 }), TypeError, /undefined as a session's outputs: await/],
  [
    "outputs without a gradient",
    () => gradients({ loss: tensor(good()) }, { w: 0 }),
    TypeError,
    /"w.grad", or null where "w" is to stand still; known are loss/,
  ],
  ["an inherited output", () => gradients(Object.create({ "w.grad": tensor(good()) }), { w: 0 }), TypeError, /"w.grad"/],
  [
    "a gradient that is no tensor",
    () => gradients({ "w.grad": good() as never }, { w: 0 }),
    TypeError,
    /gradient of "w": a Float32Array is no tensor/,
  ],
  [
    "a gradient on a GPU",
    () => gradients({ "w.grad": tensor(good(), { location: "gpu-buffer" }) }, { w: 0 }),
    TypeError,
    /gradient of "w": it lies in/,
  ],
  [
    "a session without gradients",
    () => parameterShapes({ inputNames: ["x"], outputNames: ["y"], inputMetadata: [] }),
    TypeError,
    /no input w has an output w.grad; its outputs: y/,
  ],
  ["an old session", () => parameterShapes({ inputNames: ["w"], outputNames: ["w.grad"] } as never), TypeError, /from 1.22 on/],
  [
    "an open dimension",
    () => parameterShapes({ inputNames: ["w"], outputNames: ["w.grad"], inputMetadata: [{ name: "w", shape: ["n", 2] }] }),
    RangeError,
    /"w" of shape \["n", 2\]/,
  ],
  [
    "an input without a shape",
    () => parameterShapes({ inputNames: ["w"], outputNames: ["w.grad"], inputMetadata: [{ name: "w" }] }),
    TypeError,
    /shape of parameter "w"/,
  ],
];
for (const [what, run, kind, message] of refused) {
  test(`the adapter refuses ${what}`, () => {
    const error = assertThrows(run, kind);
    assert(message.test((error as Error).message), (error as Error).message);
  });
}

test("a step that is refused changes nothing, and says the tensor", () => {
  const params = { a: good(), b: good() };
  const bound = bind(params, "adamw", { lr: 0.1 });
  const wrong = { "a.grad": tensor(good()), "b.grad": tensor(new Float32Array(3)) };
  const error = assertThrows(() => bound.step(wrong), RangeError);
  assertEquals(aboutOf(error).tensor, "b");
  const missing = assertThrows(() => bound.step({ "a.grad": tensor(good()) }), TypeError, 'find the gradient of "b"');
  assertEquals(aboutOf(missing).tensor, "b");
  const onGpu = assertThrows(() => bound.step({ ...wrong, "b.grad": tensor(good(), { location: "gpu-buffer" }) }), TypeError);
  assertEquals(aboutOf(onGpu).tensor, "b");
  assertEquals([[...params.a], [...params.b], bound.optimizer.steps], [[1, -1], [1, -1], 0]);
  bound.dispose();
});

test("Bound.update() runs, steps and gives what else was asked for, to the bits of step()", async () => {
  const session = await open(web, "digits");
  const [first, second] = [0, 1].map(() => startParameters(session, createGenerator(5)));
  const [bound, other] = [first, second].map((of) => bind(of, "adamw", { lr: 0.01 }));
  const asked: (readonly string[])[] = [];
  const watched: OnnxModel<Numbers> = {
    ...{ inputNames: session.inputNames, outputNames: session.outputNames },
    run: (feeds, fetches) => (asked.push(fetches), session.run(feeds, fetches)),
  };
  const gradientNames = Object.keys(first).map((name) => `${name}.grad`);
  for (const [i, fetches] of [undefined, ["loss"], ["loss", "layer1.bias.grad"], []].entries()) {
    const outputs = await session.run({ ...feed(web, firstBatch()), ...second });
    other.step(outputs);
    const update = await bound.update(watched, feed(web, firstBatch()), fetches);
    assertEquals([update.applied, update.step, Object.keys(update.outputs)], [true, i + 1, fetches ?? ["loss", "said"]]);
    for (const name of fetches ?? ["loss", "said"]) assertEquals(update.outputs[name].data, outputs[name].data);
  }
  assertEquals(asked[3], gradientNames);
  for (const [name, { data }] of Object.entries(first)) assertEquals(data, second[name].data);

  const more = { w: tensor(good()) as Numbers };
  bound.add(more);
  const error = await assertRejects(() => bound.update(watched, feed(web, firstBatch())), TypeError, 'find the gradient of "w"');
  assertEquals([aboutOf(error).tensor, asked.length], ["w", 4]);
  bound.dispose();
  other.dispose();
  const array = bind({ w: good() }, "sgd", { lr: 1 });
  const one: OnnxModel<Numbers> = { inputNames: ["w"], outputNames: ["w.grad"], run: () => Promise.reject(new Error("it ran")) };
  await assertRejects(() => array.update(one, {}), TypeError, 'parameter "w" to the session: it was bound as an array');
  const fed = bind(more, "sgd", { lr: 1 });
  await assertRejects(() => fed.update(one, {}), Error, "it ran");
  for (const one of [array, fed]) one.dispose();
});

for (
  const [device, updates, flags] of [
    ["", 300, chromiumFlags],
    // SwiftShader takes its time.
    [" on a GPU", 60, webGpuFlags],
  ] as const
) {
  inChromium(`a page trains on the digits with onnxruntime-web${device}`, async () => {
    const server = await listen(answer);
    const browser = await playwright.launch({ executablePath: chromium, args: [...flags] });
    try {
      const page = await browser.newPage();
      const faults: string[] = [];
      page.on("pageerror", (error) => faults.push(String(error)));
      // onnxruntime warns of operations that it computes on the CPU.
      page.on("console", (message) => void (/W:onnxruntime/.test(message.text()) || faults.push(message.text())));
      await page.goto(`${server.origin}/?updates=${updates}${device && "&device=webgpu"}`);
      const output = page.locator("output", { hasText: /right|failed/ });
      await output.waitFor({ timeout: 120_000 });
      const said = await output.textContent();
      assertEquals(faults, []);
      assert(Number(/^([\d.]+) % of the held-out digits right$/.exec(said!)?.[1]) > (device ? 90 : 95), said!);
    } finally {
      await browser.close();
      await server.close();
    }
  });
}
