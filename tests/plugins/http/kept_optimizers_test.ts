import { assert, assertEquals } from "@std/assert";
import { test } from "node:test";
import type { KernelBackend } from "../../../kernels/backend.ts";
import { builtins, createBackend, type Plugin, type Recipe, type StateDict } from "../../../mod.ts";
import type { OptimizerPlugin } from "../../../core/plugin/contract.ts";
import { readSafetensors } from "../../../plugins/formats/safetensors.ts";
import { createApp } from "../../../plugins/http/app.ts";
import { f32, file } from "./ask.ts";

type App = ReturnType<typeof createApp>;

/** Numbers that differ from client to client and from step to step. */
const numbers = (count: number, seed: number): number[] =>
  Array.from({ length: count }, (_, i) => (Math.imul(seed + 1, 2_654_435_761) + Math.imul(i + 1, 40_503) >>> 8) % 2000 / 1000 - 1);

const matrix = (seed: number): StateDict["tensors"][string] => f32(numbers(12, seed), [3, 4]);

async function ask(app: App, tensors: StateDict["tensors"], recipe: Recipe, metadata: StateDict["metadata"] = {}) {
  const answer = await app.request("/v1/steps", file(tensors, { ...metadata, recipe: JSON.stringify(recipe) }));
  const bytes = new Uint8Array(await answer.arrayBuffer());
  return { status: answer.status, bytes };
}

/** What an app says that has never been asked. */
const anew = (plugins: readonly Plugin[], ...asked: [StateDict["tensors"], Recipe, StateDict["metadata"]?]) =>
  ask(createApp({ plugins }), ...asked);

/** A momentum that nobody saves: an optimizer that is used again would go on with another client's. */
const hidden: OptimizerPlugin<"hidden", object> = {
  kind: "optimizer",
  name: "hidden",
  description: "Has a slot that is in no state",
  options: {},
  rule: () => ({ slots: { m: { shape: "param", key: null } }, update: "m = 0.9*m + g\n p -= m" }),
  scalars: () => ({}),
};

const plugins: readonly Plugin[] = [...builtins.plugins, hidden];
const lr = (name: string, options: object): Recipe["schedules"] => ({ lr: { name, options } });
const recipes: Readonly<Record<string, Recipe>> = {
  "adamw": { optimizer: { name: "adamw", options: { lr: 0.1 } } },
  "a schedule": { optimizer: { name: "adamw" }, schedules: lr("linear", { numWarmupSteps: 2, numTrainingSteps: 5 }) },
  "a schedule that follows a metric": {
    optimizer: { name: "sgd", options: { lr: 0.5, momentum: 0.9 } },
    schedules: lr("reduce_lr_on_plateau", {}),
  },
  "factors of rows and columns": { optimizer: { name: "adafactor", options: { lr: 0.1, relativeStep: false, scaleParameter: false } } },
  "numbers of a group": { optimizer: { name: "prodigy", options: { lr: 1 } } },
  "a count of steps for all": { optimizer: { name: "adam_weight_decay", options: { lr: 0.1 } } },
  "matrices": { optimizer: { name: "muon", options: { lr: 0.1 } } },
  "an average and a scale": { optimizer: { name: "sgd", options: { lr: 0.1 } }, transforms: [{ name: "loss_scale" }, { name: "ema" }] },
  "slow weights": { optimizer: { name: "sgd", options: { lr: 0.1 } }, transforms: [{ name: "lookahead", options: { k: 2 } }] },
  "clipping": { optimizer: { name: "adamw" }, transforms: [{ name: "clip_global_norm", options: { maxNorm: 0.5 } }] },
  "a slot that the client writes": { optimizer: { name: "sophia", options: { lr: 0.1 } } },
  "a slot that is in no state": { optimizer: { name: "hidden" } },
};

for (const [what, recipe] of Object.entries(recipes)) {
  test(`steps of clients that take turns do not show in each other's answers: ${what}`, async () => {
    const app = createApp({ plugins });
    const states: { tensors: StateDict["tensors"]; metadata: StateDict["metadata"] }[] = [0, 1, 2].map((client) => ({
      tensors: { w: matrix(client), v: matrix(10 + client) },
      metadata: {},
    }));
    for (let step = 0; step < 6; step++) {
      for (const [client, { tensors }] of states.entries()) {
        // The second client's overflow is held back where a transform does so, and the third one's v has no gradient.
        const w = client === 1 && step === 3 ? f32([Infinity, ...numbers(11, 7)], [3, 4]) : matrix(100 * step + client);
        const all = { ...tensors, "w.grad": w, ...client < 2 && { "v.grad": matrix(100 * step + 50 + client) } };
        const got = await ask(app, all, recipe);
        const want = await anew(plugins, all, recipe);
        assertEquals(got, want, `step ${step} of client ${client}`);
        if (got.status === 200) states[client] = readSafetensors(got.bytes);
      }
    }
  });
}

test("many steps at once are each answered as if they were alone", async () => {
  const app = createApp({ plugins });
  const recipe = recipes.adamw;
  const first = readSafetensors((await ask(app, { w: matrix(1), "w.grad": matrix(2) }, recipe)).bytes).tensors;
  const bodies = Array.from(
    { length: 40 },
    (_, i) => ({ ...first, w: matrix(i), "w.grad": matrix(100 + i), "w.exp_avg": matrix(200 + i) }),
  );
  const got = await Promise.all(bodies.map((body) => ask(app, body, recipe)));
  for (const [i, body] of bodies.entries()) assertEquals(got[i], await anew(plugins, body, recipe), `request ${i}`);
});

test("recipes whose headers are as long are kept apart", async () => {
  const app = createApp({ plugins });
  const sgd = (lr: number): Recipe => ({ optimizer: { name: "sgd", options: { lr } } });
  const once = { data: new Float64Array([1]), shape: [], dtype: "float64" as const };
  for (let i = 0; i < 8; i++) {
    const body = { w: matrix(i), "w.grad": matrix(100 + i), "w.step": once };
    const recipe = sgd([0.25, 0.75][i % 2]);
    assertEquals(await ask(app, body, recipe), await anew(plugins, body, recipe), `request ${i}`);
  }
});

test("large steps at the same time are each answered as if they were alone", async () => {
  const app = createApp({ plugins });
  const recipe = recipes.adamw;
  const many = (seed: number) => f32(Array.from({ length: 40_000 }, (_, i) => (i * 7 + seed * 131) % 1000 / 500 - 1), [200, 200]);
  const first = readSafetensors((await ask(app, { w: many(1), "w.grad": many(2) }, recipe)).bytes).tensors;
  const bodies = Array.from({ length: 10 }, (_, i) => {
    const step = { data: new Float64Array([i + 1]), shape: [], dtype: "float64" as const };
    return { ...first, w: many(i), "w.grad": many(100 + i), "w.exp_avg": many(200 + i), "w.step": step };
  });
  for (const body of bodies.slice(0, 3)) await ask(app, body, recipe);
  // Their pieces come in turns.
  const inPieces = (body: StateDict["tensors"]): RequestInit => {
    const { body: whole, ...init } = file(body, { recipe: JSON.stringify(recipe) });
    let at = 0;
    const stream = new ReadableStream<Uint8Array>({
      async pull(controller) {
        await new Promise((resolve) => setTimeout(resolve, 1));
        const bytes = new Uint8Array(whole as ArrayBuffer);
        controller.enqueue(bytes.slice(at, at += 150_001));
        if (at >= bytes.length) controller.close();
      },
    });
    return { ...init, body: stream, duplex: "half" } as RequestInit;
  };
  const got = await Promise.all(bodies.map(async (body) => {
    const answer = await app.request("/v1/steps", inPieces(body));
    return { status: answer.status, bytes: new Uint8Array(await answer.arrayBuffer()) };
  }));
  for (const [i, body] of bodies.entries()) assertEquals(got[i], await anew(plugins, body, recipe), `request ${i}`);
});

test("a step that is refused is refused in the same words, and the next one is right", async () => {
  const app = createApp({ plugins });
  const recipe: Recipe = { ...recipes.adamw, transforms: [{ name: "skip_nonfinite", options: { maxConsecutive: 1 } }] };
  const first = readSafetensors((await ask(app, { w: matrix(1), "w.grad": matrix(2) }, recipe)).bytes).tensors;
  const good = (i: number) => ({ ...first, "w.grad": matrix(i) });
  const half = { data: new Float64Array([0.5]), shape: [], dtype: "float64" as const };
  const once = { data: new Float64Array([1]), shape: [], dtype: "float64" as const };
  const bodies = [
    ...[3, 4, 5].map(good),
    { ...good(6), "w.step": half }, // no state has it
    good(7),
    { ...good(8), "w.grad": f32(Array(12).fill(NaN), [3, 4]), "group.0.skipped_in_a_row": once }, // one too many: it throws after its numbers have moved
    good(9),
    good(10),
  ];
  const statuses: number[] = [];
  for (const [i, body] of bodies.entries()) {
    const got = await ask(app, body, recipe);
    const want = await anew(plugins, body, recipe);
    statuses.push(got.status);
    if (got.status === 200) assertEquals(got, want, `request ${i}`);
    const told = ({ bytes }: typeof got) => {
      const { instance: _, ...problem } = JSON.parse(new TextDecoder().decode(bytes));
      return problem;
    };
    if (got.status !== 200) assertEquals(told(got), told(want), `request ${i}`);
  }
  assertEquals(statuses, [200, 200, 200, 422, 200, 422, 200, 200]);
});

test("a header that came before says nothing of a body of another length", async () => {
  const app = createApp({ plugins });
  const recipe = recipes.adamw;
  const init = file({ w: matrix(1), "w.grad": matrix(2) }, { recipe: JSON.stringify(recipe) });
  const whole = new Uint8Array(init.body as ArrayBuffer);
  const send = async (body: Uint8Array<ArrayBuffer>) => (await app.request("/v1/steps", { ...init, body })).status;
  for (let i = 0; i < 3; i++) assertEquals(await send(whole), 200);
  assertEquals([await send(whole.slice(0, -4)), await send(new Uint8Array([...whole, 0, 0, 0, 0])), await send(whole)], [400, 400, 200]);
});

/** SGD that counts how often its rule is asked for. */
function counting(): { readonly plugin: OptimizerPlugin<"counting", object>; asked: number } {
  const counted = {
    asked: 0,
    plugin: {
      kind: "optimizer",
      name: "counting",
      description: "Counts",
      options: {},
      rule: () => {
        counted.asked++;
        return { slots: {}, update: "p -= g" };
      },
      scalars: () => ({}),
    } as OptimizerPlugin<"counting", object>,
  };
  return counted;
}

test("an optimizer is laid out for the second step of its kind, and for none after", async () => {
  const counted = counting();
  const app = createApp({ plugins: [...builtins.plugins, counted.plugin] });
  const recipe: Recipe = { optimizer: { name: "counting" } };
  const after: number[] = [];
  let { tensors } = readSafetensors((await ask(app, { w: matrix(1), "w.grad": matrix(2) }, recipe)).bytes);
  for (let i = 0; i < 5; i++) {
    ({ tensors } = readSafetensors((await ask(app, { ...tensors, "w.grad": matrix(i) }, recipe)).bytes));
    after.push(counted.asked);
  }
  assert(after[1] > after[0], `${after}`);
  assertEquals(after.slice(2), [after[1], after[1], after[1]]);
  await ask(app, { ...tensors, "w.grad": matrix(9) }, { ...recipe, transforms: [{ name: "clip_value", options: { clipValue: 1 } }] });
  assert(counted.asked > after[4], "another recipe is another kind");
});

test("the memory of optimizers that are kept is bounded, and all of it is given back with what they were made for", async () => {
  const backend = createBackend("wasm") as KernelBackend;
  const app = createApp({ plugins }, { backend });
  const recipe: Recipe = { optimizer: { name: "sgd", options: { lr: 0.1 } } };
  const length = 256 * 1024; // a MiB, and as much for the gradient
  let most = 0;
  for (let i = 0; i < 30; i++) {
    const name = `w${i}`;
    const body = {
      [name]: f32(Array(length).fill(i)),
      [`${name}.grad`]: f32(Array(length).fill(1)),
      [`${name}.step`]: {
        data: new Float64Array([1]),
        shape: [],
        dtype: "float64" as const,
      },
    };
    for (let again = 0; again < 3; again++) assertEquals((await ask(app, body, recipe)).status, 200);
    most = Math.max(most, backend.usage().allocated);
  }
  assert(most > 8 * 2 ** 20, `${most} bytes: none are kept`);
  assert(most < 32 * 2 ** 20, `${most} bytes are held`);
  backend.dispose();
});
