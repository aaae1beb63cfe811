import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { type Finding, findingCodes, lintRecipe } from "../../../mod.ts";
import { builtins } from "../../../mod.ts";
import { createApp } from "../../../plugins/http/mod.ts";
import { json, problem } from "./ask.ts";

const app = createApp(builtins);
const ask = async (body: unknown): Promise<readonly Finding[]> => {
  const answer = await app.request("/v1/lint", json(body));
  const text = await answer.text();
  assertEquals([answer.status, answer.headers.get("content-type")], [200, "application/json"], text);
  return JSON.parse(text).findings;
};
const recipe = {
  optimizer: { name: "adamw", options: { lr: 5e-5, weightDecay: 0.1 } },
  groups: [{ match: { glob: "*.bias" }, options: { weightDecay: 0 } }],
  schedules: { lr: { name: "cosine", options: { numWarmupSteps: 10, numTrainingSteps: 1000 } } },
  accumulate: { name: "sum", options: { every: 4 } },
};

test("POST /v1/lint answers what lintRecipe() finds", async () => {
  const findings = await ask({ recipe, updates: 1500 });
  assertEquals(findings, lintRecipe(recipe, { updates: 1500 }));
  assertEquals(findings.map(({ code }) => code), ["rises-after-end", "accumulate-sum", "starts-at-zero"]);
  assertEquals(await ask({ recipe: { optimizer: { name: "sgd" } }, updates: 10 }), []);
});

test("POST /v1/lint looks at parameters that are described", async () => {
  const params = { "a.weight": { shape: [4, 4], dtype: "bfloat16" }, "a.bias": { shape: [4] }, "norm.weight": { shape: [4] } };
  const codes = (await ask({ recipe, updates: 1000, params })).map(({ code, path }) => `${code} ${path}`);
  assert(codes.includes("decay-on-biases /optimizer/options/weightDecay"), codes.join());
  assert(codes.includes("decay-lost /optimizer/options/weightDecay"), codes.join());
  assert(codes.every((code) => code.split(" ")[0] in findingCodes));
});

test("what a plugin refuses is a finding; what cannot be read is 422", async () => {
  const refused = await ask({ recipe: { optimizer: { name: "adafactor", options: { lr: 1e-3 } } }, updates: 10 });
  assertEquals(refused[0].code, "adafactor-lr-and-relative-step");
  const cases: readonly (readonly [unknown, string])[] = [
    [{ updates: 1 }, "/recipe"],
    [{ recipe: { optimizer: { name: "sgd" } } }, "/updates"],
    [{ recipe: { optimizer: { name: "sgd" } }, updates: 0.5 }, "/updates"],
    [{ recipe: { optimizer: { name: "sgd" } }, updates: 1, more: 1 }, "/more"],
    [{ recipe: { optimizer: { name: "sgdd" } }, updates: 1 }, "/recipe/optimizer/name"],
    [{ recipe: { optimizer: { name: "sgd", options: { l: 1 } } }, updates: 1 }, "/recipe"],
    [{ recipe: { optimizer: { name: "sgd" }, groups: [{ match: "(a+)+$" }] }, updates: 1 }, "/recipe/groups/0/match"],
    [{ recipe: { optimizer: { name: "sgd" } }, updates: 1, params: { w: { shape: [1], dtype: "int8" } } }, "/params/w/dtype"],
    [{ recipe: { optimizer: { name: "sgd" } }, updates: 1, params: { w: { shape: [-1] } } }, "/params/w/shape"],
    [{ recipe: { optimizer: { name: "sgd" } }, updates: 1, params: { w: { data: [1] } } }, "/params/w/data"],
    [[], ""],
  ];
  for (const [body, pointer] of cases) {
    const { status, errors } = await problem(app, "/v1/lint", json(body));
    assertEquals([status, errors?.[0].pointer], [422, pointer], JSON.stringify(body));
  }
});

test("POST /v1/lint wants JSON, and not too much of it", async () => {
  const statusOf = async (init: RequestInit): Promise<number> => (await problem(app, "/v1/lint", init)).status;
  assertEquals(await statusOf({ ...json({}), headers: { "Content-Type": "text/plain" } }), 415);
  assertEquals(await statusOf({ ...json({}), body: "{" }), 400);
  assertEquals(await statusOf({ ...json({}), body: "x".repeat(2 ** 20 + 1) }), 413);
  assertEquals(await statusOf({ ...json({}), body: `${"[".repeat(100)}${"]".repeat(100)}` }), 400);
  assertEquals((await problem(app, "/v1/lint")).status, 405);
});

test("POST /v1/lint is as private as schedules are", async () => {
  const own = createApp(builtins, { tokens: { alice: "0".repeat(64) }, schedules: { auth: "all" } });
  assertEquals((await problem(own, "/v1/lint", json({ recipe, updates: 1 }))).status, 401);
});

test("POST /v1/lint bounds what a look costs", async () => {
  const leaf = { name: "one_cycle", options: { maxLr: 1, totalSteps: 1e9 } };
  const schedules = Array.from({ length: 900 }, () => leaf);
  const wide = { optimizer: { name: "sgd" }, schedules: { lr: { name: "sum", options: { schedules } } } };
  const start = performance.now();
  assertEquals((await ask({ recipe: wide, updates: 1e6 })).some(({ code }) => code === "never-peaks"), true);
  assert(performance.now() - start < 5000, `${performance.now() - start} ms`);
  const wider = { ...wide, schedules: { lr: { name: "sum", options: { schedules: [...schedules, ...schedules] } } } };
  assertEquals((await problem(app, "/v1/lint", json({ recipe: wider, updates: 1e6 }))).status, 400);
});
