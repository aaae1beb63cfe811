import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import type { Recipe, StateDict, Tensors } from "../../../core/types.ts";
import { builtins } from "../../../mod.ts";
import { writeSafetensors } from "../../../plugins/formats/safetensors.ts";
import { createApp } from "../../../plugins/http/mod.ts";
import { f32, file, json, problem, stateOf } from "./ask.ts";

const app = createApp(builtins);
const recipe: Recipe = {
  optimizer: { name: "adamw", options: { lr: 0.1, weightDecay: 0.01 } },
  groups: [{ match: ["b"], options: { weightDecay: 0 } }, { match: { glob: "layer.*" }, options: { lr: 0.2 } }],
  schedules: { lr: { name: "linear", options: { numWarmupSteps: 2, numTrainingSteps: 6 } } },
  transforms: [{ name: "clip_global_norm", options: { maxNorm: 1 } }],
};
const initial = { "layer.w": f32([1, -2, 3, 4, 0.5, 6], [2, 3]), b: f32([0.5, -0.5]), s: f32([2], []) };
const gradient = (t: number) => ({
  "layer.w.grad": f32([t, -1, 0.5, 2, -0, 1], [2, 3]),
  ...(t === 2 ? {} : { "b.grad": f32([0.25 * t, 8]) }),
  "s.grad": f32([-t], []),
});
const asJson = (tensors: StateDict["tensors"]) =>
  Object.fromEntries(Object.entries(tensors).map(([name, { data, shape, dtype }]) => [name, { shape, dtype, data: [...data] }]));
const sorted = (tensors: StateDict["tensors"]) =>
  Object.keys(tensors).sort().map((name) => ({ name, ...tensors[name], data: tensors[name].data.slice() }));

/** The states after each step of a trainer that lives on. */
function states(recipe: Recipe, initial: Tensors, steps: number): StateDict[] {
  const params = Object.fromEntries(
    Object.entries(initial as Record<string, ReturnType<typeof f32>>).map((
      [name, { data, shape }],
    ) => [name, { data: data.slice() as Float32Array, shape }]),
  );
  const trainer = builtins.createTrainer(params, recipe);
  try {
    return Array.from({ length: steps }, (_, i) => {
      const grads = Object.entries(gradient(i + 1)).map((
        [name, { data, shape }],
      ) => [name.slice(0, -5), { data: data as Float32Array, shape }]);
      trainer.add(Object.fromEntries(grads));
      return trainer.optimizer.saveState();
    });
  } finally {
    trainer[Symbol.dispose]();
  }
}

test("steps through files agree with a trainer that lives on", async () => {
  let tensors: StateDict["tensors"] = initial;
  let metadata: StateDict["metadata"] = { recipe: JSON.stringify(recipe), format: "pt" };
  for (const [i, want] of states(recipe, initial as unknown as Tensors, 4).entries()) {
    const state = await stateOf(app.request("/v1/steps", file({ ...tensors, ...gradient(i + 1) }, metadata)));
    assertEquals(sorted(state.tensors), sorted(want.tensors), `step ${i + 1}`);
    assertEquals(state.metadata, { ...want.metadata, recipe: JSON.stringify(recipe) });
    ({ tensors, metadata } = state);
  }
});

test("steps through JSON agree with a trainer that lives on", async () => {
  let body = { recipe, tensors: asJson(initial) as Record<string, unknown> };
  for (const [i, want] of states(recipe, initial as unknown as Tensors, 4).entries()) {
    const answer = await app.request("/v1/steps", json({ ...body, tensors: { ...body.tensors, ...asJson(gradient(i + 1)) } }));
    body = await answer.json();
    assertEquals(Object.keys(body), ["recipe", "tensors"]);
    const sort = (tensors: Record<string, unknown>) => Object.keys(tensors).sort().map((name) => [name, tensors[name]]);
    // JSON loses the sign of a zero.
    assertEquals(JSON.stringify(sort(body.tensors)), JSON.stringify(sort(asJson(want.tensors))), `step ${i + 1}`);
  }
});

test("a body may come in one form and the answer go in the other", async () => {
  const tensors = { ...initial, ...gradient(1) };
  const metadata = { recipe: JSON.stringify(recipe) };
  const ask = async (init: RequestInit, accept: string) => {
    const answer = await app.request("/v1/steps", { ...init, headers: { ...init.headers, Accept: accept } });
    return [answer.status, answer.headers.get("content-type")];
  };
  const [binary, text] = ["application/vnd.safetensors", "application/json"];
  const inFile = file(tensors, metadata);
  const inJson = json({ recipe, tensors: asJson(tensors) });
  assertEquals(await ask(inFile, "*/*"), [200, binary]);
  assertEquals(await ask(inFile, "application/json"), [200, text]);
  assertEquals(await ask(inJson, "application/octet-stream, text/html"), [200, binary]);
  assertEquals(await ask(inJson, "application/json;q=0, */*"), [200, binary]);
  assertEquals(await ask(inJson, "text/html"), [406, "application/problem+json"]);
  const octets = { ...inFile, headers: { "Content-Type": "application/octet-stream" } };
  assertEquals(await ask(octets, "*/*"), [200, binary]);
});

test("a step count in float32 is read, as PyTorch keeps it", async () => {
  const recipe = `{"optimizer":{"name":"adamw_torch"}}`;
  const grads = { "w.grad": f32([0.5]) };
  const first = await stateOf(app.request("/v1/steps", file({ w: f32([1]), ...grads }, { recipe })));
  const own = await stateOf(app.request("/v1/steps", file({ ...first.tensors, ...grads }, { recipe })));
  const torch = await stateOf(
    app.request("/v1/steps", file({ ...first.tensors, ...grads, "w.step": f32([1], []) }, { recipe, format: "pt" })),
  );
  assertEquals(sorted(torch.tensors), sorted(own.tensors));
});

test("16-bit parameters are numbers in JSON and patterns in files", async () => {
  for (const dtype of ["bfloat16", "float16"] as const) {
    const tensors = { w: { shape: [3], dtype, data: [1, -2.5, 1024] }, "w.grad": { shape: [3], data: [1, 2, -3] } };
    const recipe = { optimizer: { name: "adamw", options: { lr: 0.25 } } };
    const answer = await (await app.request("/v1/steps", json({ recipe, tensors }))).json();
    assertEquals([answer.tensors.w.dtype, answer.tensors.w.data], [dtype, [0.75, -2.75, 1024]]);
    const patterns = dtype === "bfloat16" ? [0x3f80, 0xc020, 0x4480] : [0x3c00, 0xc100, 0x6400];
    const state = await stateOf(app.request(
      "/v1/steps",
      file({ w: { data: Uint16Array.from(patterns), shape: [3], dtype }, "w.grad": f32([1, 2, -3]) }, { recipe: JSON.stringify(recipe) }),
    ));
    assertEquals([...state.tensors.w.data], dtype === "bfloat16" ? [0x3f40, 0xc030, 0x4480] : [0x3a00, 0xc180, 0x6400]);
  }
});

test("a gradient that is not finite spreads in a file; JSON does not hold the result", async () => {
  const init = file({ w: f32([1, 1]), "w.grad": f32([NaN, 1]) }, { recipe: `{"optimizer":{"name":"adamw"}}` });
  assertEquals([...(await stateOf(app.request("/v1/steps", init))).tensors.w.data].map(Number.isFinite), [false, true]);
  const { status } = await problem(app, "/v1/steps", { ...init, headers: { ...init.headers, Accept: "application/json" } });
  assertEquals(status, 406);
});

test("a schedule that follows a metric keeps its state beside the tensors", async () => {
  const recipe = { optimizer: { name: "adamw" }, schedules: { lr: { name: "reduce_lr_on_plateau" } } };
  const tensors = asJson({ w: f32([1]), "w.grad": f32([1]) });
  const answer = await (await app.request("/v1/steps", json({ recipe, tensors }))).json();
  assert(answer.metadata["schedule.lr"].includes("numBadEpochs"));
  const again = { ...answer, tensors: { ...answer.tensors, "w.grad": tensors["w.grad"] } };
  assertEquals((await (await app.request("/v1/steps", json(again))).json()).tensors["w.step"].data, [2]);
});

const w = { shape: [2], data: [1, 2] };
const adamw = { optimizer: { name: "adamw" } };
const refused: readonly (readonly [why: string, status: number, body: unknown, pointer?: string])[] = [
  ["no recipe", 422, { tensors: { w, "w.grad": w } }, "/recipe"],
  ["no tensors", 422, { recipe: adamw }, "/tensors"],
  ["an unknown key", 422, { recipe: adamw, tensors: { w, "w.grad": w }, lr: 1 }, "/lr"],
  ["an unknown optimizer", 422, { recipe: { optimizer: { name: "adamww" } }, tensors: { w, "w.grad": w } }, "/recipe/optimizer/name"],
  [
    "an unknown option",
    422,
    { recipe: { optimizer: { name: "adamw", options: { weight_decay: 1 } } }, tensors: { w, "w.grad": w } },
    "/recipe",
  ],
  ["an unknown key in the recipe", 422, { recipe: { ...adamw, clip: 1 }, tensors: { w, "w.grad": w } }, "/recipe"],
  [
    "a regular expression",
    422,
    { recipe: { ...adamw, groups: [{ match: "(a+)+$" }] }, tensors: { w, "w.grad": w } },
    "/recipe/groups/0/match",
  ],
  [
    "an accumulator",
    422,
    { recipe: { ...adamw, accumulate: { name: "mean", options: { every: 2 } } }, tensors: { w, "w.grad": w } },
    "/recipe/accumulate",
  ],
  ["more transforms than anybody needs", 422, {
    recipe: { ...adamw, transforms: Array(17).fill({ name: "clip_norm" }) },
    tensors: { w, "w.grad": w },
  }, "/recipe/transforms"],
  ["no gradient", 422, { recipe: adamw, tensors: { w } }, "/tensors"],
  ["a gradient of nothing", 422, { recipe: adamw, tensors: { w, "w.grad": w, "v.grad": w } }, "/tensors/v.grad"],
  ["a gradient of another shape", 422, { recipe: adamw, tensors: { w, "w.grad": { shape: [3], data: [1, 2, 3] } } }, "/tensors/w.grad"],
  ["half a state", 422, { recipe: adamw, tensors: { w, "w.grad": w, "w.exp_avg": w } }, "/tensors"],
  ["a tensor that no slot has", 422, { recipe: adamw, tensors: { w, "w.grad": w, "w.momentum": w } }, "/tensors/w.momentum"],
  ["a shape that does not fit", 422, { recipe: adamw, tensors: { w: { shape: [3], data: [1, 2] }, "w.grad": w } }, "/tensors/w/data"],
  ["a negative size", 422, { recipe: adamw, tensors: { w: { shape: [-2], data: [1, 2] }, "w.grad": w } }, "/tensors/w/shape"],
  ["a fractional size", 422, { recipe: adamw, tensors: { w: { shape: [0.5], data: [1, 2] }, "w.grad": w } }, "/tensors/w/shape"],
  ["nested data", 422, { recipe: adamw, tensors: { w: { shape: [1, 2], data: [[1, 2]] }, "w.grad": w } }, "/tensors/w/data"],
  ["null among the data", 422, { recipe: adamw, tensors: { "a/b": { shape: [2], data: [1, null] }, "a/b.grad": w } }, "/tensors/a~1b/data"],
  ["an unknown dtype", 422, { recipe: adamw, tensors: { w: { ...w, dtype: "float8" }, "w.grad": w } }, "/tensors/w/dtype"],
  ["numbers beyond float32", 422, { recipe: adamw, tensors: { w: { shape: [1], data: [1e300] }, "w.grad": w } }, "/tensors/w/data"],
  [
    "numbers beyond float16",
    422,
    { recipe: adamw, tensors: { w: { shape: [1], dtype: "float16", data: [1e6] }, "w.grad": w } },
    "/tensors/w/data",
  ],
  ["a name that is too long", 422, { recipe: adamw, tensors: { w, "w.grad": w, [`w${".x".repeat(256)}`]: w } }, "/tensors"],
  ["a step count with a shape", 422, {
    recipe: adamw,
    tensors: { w, "w.grad": w, "w.exp_avg": w, "w.exp_avg_sq": w, "w.step": { shape: [1], dtype: "float32", data: [1] } },
  }, "/tensors/w.step"],
  ["float64 parameters", 422, { recipe: adamw, tensors: { w: { ...w, dtype: "float64" }, "w.grad": w } }, "/tensors/w"],
];
for (const [why, status, body, pointer] of refused) {
  test(`a step with ${why} is refused with ${status} and the place`, async () => {
    const answer = await problem(app, "/v1/steps", json(body));
    assertEquals([answer.status, answer.errors?.[0].pointer], [status, pointer], answer.detail);
  });
}

test("names that objects inherit are names", async () => {
  const body =
    `{"recipe":{"optimizer":{"name":"adamw"}},"tensors":{"__proto__":{"shape":[1],"data":[1]},"__proto__.grad":{"shape":[1],"data":[1]}}}`;
  const answer = await app.request("/v1/steps", { method: "POST", headers: { "Content-Type": "application/json" }, body });
  assertEquals(Object.keys((await answer.json()).tensors), ["__proto__", "__proto__.exp_avg", "__proto__.exp_avg_sq", "__proto__.step"]);
  for (const name of ["__proto__", "constructor", "toString"]) {
    assertEquals((await problem(app, "/v1/steps", json({ recipe: { optimizer: { name } }, tensors: { w, "w.grad": w } }))).status, 422);
  }
});

test("other media types are refused", async () => {
  for (const type of ["text/plain", "application/x-www-form-urlencoded", ""]) {
    const answer = await problem(app, "/v1/steps", { method: "POST", headers: { "Content-Type": type }, body: new Uint8Array(2) });
    assertEquals([answer.status, answer.errors?.[0].name], [415, "Content-Type"]);
  }
  const packed = json({ recipe: adamw, tensors: { w, "w.grad": w } }, { "Content-Encoding": "gzip" });
  assertEquals((await problem(app, "/v1/steps", packed)).errors?.[0].name, "Content-Encoding");
  assertEquals((await problem(app, "/v1/steps?lr=1", json({ recipe: adamw, tensors: { w, "w.grad": w } }))).status, 400);
});

test("a step changes nothing that the next request could see", async () => {
  const ask = async () =>
    new Uint8Array(
      await (await app.request("/v1/steps", file({ ...initial, ...gradient(1) }, { recipe: JSON.stringify(recipe) }))).arrayBuffer(),
    );
  assertEquals(await ask(), await ask());
});

test("a backend that is given is used, and stays the giver's", async () => {
  const { createBackend } = await import("../../../mod.ts");
  const backend = createBackend("js");
  const own = createApp(builtins, { backend });
  await stateOf(own.request("/v1/steps", file({ ...initial, ...gradient(1) }, { recipe: JSON.stringify(recipe) })));
  backend.run("x = x + x", { x: new Float32Array(1) });
  backend[Symbol.dispose]();
});

test("every backend answers with the same bytes", async () => {
  const init = () => file({ ...initial, ...gradient(1) }, { recipe: JSON.stringify(recipe) });
  const bytes = await Promise.all((["js", "wasm", undefined] as const).map(async (backend) => {
    const own = createApp(builtins, backend === undefined ? {} : { backend });
    return new Uint8Array(await (await own.request("/v1/steps", init())).arrayBuffer());
  }));
  assertEquals(bytes[0], bytes[1]);
  assertEquals(bytes[0], bytes[2]);
});

test("a file that is broken is 400, what it holds is 422", async () => {
  const post = (body: Uint8Array<ArrayBuffer>) =>
    problem(app, "/v1/steps", { method: "POST", headers: { "Content-Type": "application/vnd.safetensors" }, body });
  const whole = writeSafetensors({ tensors: { w: f32([1]) }, metadata: { recipe: "{}" } });
  assertEquals((await post(new Uint8Array(0))).status, 400);
  assertEquals((await post(whole.slice(0, -1))).status, 400);
  const liar = whole.slice();
  new DataView(liar.buffer).setBigUint64(0, 4n * 1024n ** 3n, true);
  assertEquals((await post(liar)).status, 400);
  assertEquals((await post(whole)).status, 422);
  assertEquals((await post(writeSafetensors({ tensors: { w: f32([1]) }, metadata: {} }))).errors?.[0].pointer, "/__metadata__/recipe");
  assertEquals((await post(writeSafetensors({ tensors: { w: f32([1]) }, metadata: { recipe: "{" } }))).status, 400);
});

test("a state goes on where a parameter whose name begins with another's has no gradient", async () => {
  const recipe = { optimizer: { name: "adamw", options: { lr: 0.1 } } };
  const tensors = asJson({ a: f32([1]), "a.grad": f32([0.5]), "a.b": f32([2]), "a.b.grad": f32([-0.5]) });
  const first = await (await app.request("/v1/steps", json({ recipe, tensors }))).json();
  const second = await (await app.request("/v1/steps", json({ ...first, tensors: { ...first.tensors, "a.grad": tensors["a.grad"] } })))
    .json();
  const params = { a: new Float32Array([1]), "a.b": new Float32Array([2]) };
  using optimizer = builtins.createOptimizer("adamw", params, { lr: 0.1 });
  optimizer.step({ a: new Float32Array([0.5]), "a.b": new Float32Array([-0.5]) });
  optimizer.step({ a: new Float32Array([0.5]) });
  assertEquals([second.tensors.a.data, second.tensors["a.b"].data], [[...params.a], [...params["a.b"]]]);
  assertEquals([second.tensors["a.step"].data, second.tensors["a.b.step"].data], [[2], [1]]);
});

test("a step that a transform holds back says so in its metadata, and carries what the transform counts", async () => {
  const held: Recipe = {
    optimizer: { name: "sgd", options: { lr: 1 } },
    groups: [{ match: { maxRank: 1 }, scale: { lr: 0.5 } }],
    transforms: [{ name: "loss_scale", options: { initScale: 8 } }, { name: "skip_nonfinite", options: { maxConsecutive: 1 } }],
  };
  const metadata = { recipe: JSON.stringify(held) };
  const first = await stateOf(app.request("/v1/steps", file({ w: f32([1]), "w.grad": f32([NaN]) }, metadata)));
  assertEquals([first.metadata.skipped, first.metadata.steps, first.tensors.w.data[0]], ["loss_scale", "0", 1]);
  assertEquals(first.tensors["group.0.loss_scale"].data[0], 4);
  const next = await stateOf(app.request("/v1/steps", file({ ...first.tensors, "w.grad": f32([4]) }, first.metadata)));
  assertEquals([next.metadata.skipped, next.metadata.steps, next.tensors.w.data[0]], [undefined, "1", 0.5]);
  const again = file({ ...first.tensors, "w.grad": f32([Infinity]) }, first.metadata);
  const { status, detail } = await problem(app, "/v1/steps", again);
  assertEquals([status, detail.includes("2 steps in a row")], [422, true]);
});
