import { test } from "node:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { plotSchedule } from "../../../core/plot.ts";
import type { Base, Schedule, SchedulePlugin, Tools, Use } from "../../../core/plugin/contract.ts";
import { builtins } from "../../../mod.ts";
import { createApp } from "../../../plugins/http/mod.ts";
import { get, json, problem, query } from "./ask.ts";

const app = createApp(builtins);
const linear = { numWarmupSteps: 10, numTrainingSteps: 100 };
const cosine = builtins.createSchedule("cosine", linear);

/** A third party's plugin: an option of every type that a query can say. */
interface StairsOptions {
  heights: readonly number[];
  up?: boolean;
  shape?: "round" | "square";
  limit?: number | null;
}
const stairs: SchedulePlugin<"stairs", StairsOptions, Schedule> = {
  kind: "schedule",
  name: "stairs",
  description: "One height after another",
  options: {
    heights: { type: "array", minimum: 0, description: "The heights" },
    up: { default: true, description: "Which way" },
    shape: { default: "square", enum: ["round", "square"], description: "The edges" },
    limit: { default: null, type: ["number", "null"], description: "Greatest height" },
  },
  create: ({ heights, up, limit }) => (step) =>
    Math.min(limit ?? Infinity, heights[Math.min(step, heights.length - 1)] ?? 0) * (up ? 1 : -1),
};

test("a value is what the library computes", async () => {
  assertEquals(await get(app, `/v1/schedules/cosine?${query(linear)}&step=37`), {
    schedule: "cosine",
    options: { ...linear, numCycles: 0.5, end: "continue", warmupOffset: 0 },
    step: 37,
    lr: [cosine(37)],
  });
});

test("each group has its base value, the first being the optimizer's own", async () => {
  const { lr } = await get(app, `/v1/schedules/cosine?${query({ ...linear, lr: "5e-5,1e-3" })}&step=37`);
  assertEquals(lr, [5e-5 * cosine(37), 1e-3 * cosine(37)]);
  // polynomial ends at lrEnd over the optimizer's lr, in every group.
  const ends = await get(app, `/v1/schedules/polynomial?${query({ ...linear, lr: "1e-3,1e-2", lrEnd: 1e-5 })}&step=100`);
  assertEquals(ends.lr.map((value: number) => value.toPrecision(6)), ["0.0000100000", "0.000100000"]);
});

test("points come as a list or as a range that ends at its last step", async () => {
  const list = await get(app, `/v1/schedules/cosine?${query(linear)}&steps=90,0,0`);
  assertEquals([list.steps, list.lr], [[90, 0, 0], [[cosine(90), cosine(0), cosine(0)]]]);
  const range = await get(app, `/v1/schedules/cosine?${query(linear)}&from=5&to=1000&every=10`);
  assertEquals(range.steps.slice(-2), [995, 1000]);
  assertEquals(range.lr[0], range.steps.map(cosine));
  const even = await get(app, `/v1/schedules/cosine?${query(linear)}&from=0&to=20&every=10`);
  assertEquals(even.steps, [0, 10, 20]);
});

test("steps go up to 2^53 - 1, and a length is no bound of points", async () => {
  const far = await get(app, `/v1/schedules/linear?numWarmupSteps=0&numTrainingSteps=1e12&steps=0,9007199254740991`);
  assertEquals(far.lr, [[1, 0]]);
  for (const points of ["step=9007199254740992", "step=-1", "step=1.5", "step=NaN", "step=", "steps=1,,2"]) {
    assertEquals((await problem(app, `/v1/schedules/cosine?${query(linear)}&${points}`)).status, 400, points);
  }
});

test("an answer has 10,000 points at most", async () => {
  const path = `/v1/schedules/constant?every=1`;
  assertEquals((await get(app, `${path}&from=0&to=9999`)).lr[0].length, 10_000);
  assertEquals((await problem(app, `${path}&from=0&to=10000`)).status, 400);
  assertEquals((await problem(app, `${path}&from=0&to=9007199254740991`)).status, 400);
  const list = Array.from({ length: 10_001 }, (_, i) => i);
  assertEquals((await problem(app, `/v1/schedules/constant?steps=${list}`)).status, 400);
});

test("a range without a stride has each step, and a picture as many points as it shows", async () => {
  const path = (form: string, to: number, more = "") => `/v1/schedules/constant${form}?from=5&to=${to}${more}`;
  assertEquals((await get(app, path("", 9))).steps, [5, 6, 7, 8, 9]);
  assertEquals((await get(app, path("", 10_004))).steps.length, 10_000);
  const { status, errors } = await problem(app, path("", 10_005));
  assertEquals([status, errors?.[0].name], [400, "to"]);
  assertEquals((await problem(app, path(".csv", 1e9))).status, 400);
  for (const [to, more] of [[10_004, ""], [10_005, ""], [1e9, ""], [1e12, "&width=160"]] as const) {
    const svg = await app.request(path(".svg", to, more));
    assertEquals([svg.status, (await svg.text()).startsWith("<svg")], [200, true], `${to}`);
  }
  assertEquals((await problem(app, path(".svg", 10_005, "&every=1"))).status, 400);
  const posted = await app.request("/v1/curves", json({ schedule: { name: "constant" }, from: 0, to: 3 }));
  assertEquals((await posted.json()).steps, [0, 1, 2, 3]);
});

test("points are asked for in exactly one way", async () => {
  for (
    const points of [
      "",
      "&step=1&steps=2",
      "&step=1&from=0&to=1&every=1",
      "&from=0",
      "&to=9&every=2",
      "&every=2",
      "&from=9&to=0&every=1",
      "&from=0&to=1&every=0",
    ]
  ) {
    assertEquals((await problem(app, `/v1/schedules/constant?${points}`)).status, 400, points);
  }
});

test("CSV has a column a group", async () => {
  const answer = await app.request(`/v1/schedules/cosine.csv?${query({ ...linear, lr: "1,2" })}&steps=0,20`);
  assertEquals(answer.headers.get("content-type"), "text/csv; charset=utf-8");
  assertEquals(await answer.text(), `step,lr0,lr1\n0,0,0\n20,${cosine(20)},${2 * cosine(20)}\n`);
});

test("a curve in float64 has the bytes of the values that JSON has", async () => {
  const asked = `${query({ ...linear, lr: "1,2" })}&from=0&to=25`;
  const answer = await app.request(`/v1/schedules/cosine.f64?${asked}`);
  assertEquals(answer.headers.get("content-type"), "application/octet-stream");
  const bytes = new DataView(await answer.arrayBuffer());
  const { lr } = await (await app.request(`/v1/schedules/cosine?${asked}`)).json();
  assertEquals(Array.from({ length: bytes.byteLength / 8 }, (_, i) => bytes.getFloat64(8 * i, true)), lr.flat());
  const again = await app.request(`/v1/schedules/cosine.f64?${asked}`, { headers: { "If-None-Match": answer.headers.get("etag")! } });
  assertEquals(again.status, 304);
  const several = `schedule=${encodeURIComponent('{"name":"constant"}')}&schedule=${encodeURIComponent('{"name":"constant"}')}`;
  const curves = await app.request(`/v1/curves.f64?${several}&lr=1,2&step=7`);
  assertEquals([...new Float64Array(await curves.arrayBuffer())], [1, 2, 1, 2]);
});

test("a validator tells apart bodies that differ in one byte, wherever it is", async () => {
  const { etagOf } = await import("../../../plugins/http/wire/etag.ts");
  const tags = new Set<string>();
  for (const length of [0, 1, 2, 3, 4, 5, 7, 8, 9, 64]) {
    const body = new Uint8Array(length).fill(48);
    tags.add(etagOf(body));
    for (let i = 0; i < length; i++) for (const byte of [49, 176]) tags.add(etagOf(Uint8Array.from(body, (x, k) => k === i ? byte : x)));
  }
  assertEquals(tags.size, 10 + 2 * (1 + 2 + 3 + 4 + 5 + 7 + 8 + 9 + 64));
});

test("a text has the validator of its bytes, and is kept as bytes where its letters are fewer or it is large", async () => {
  const { etagOf, tagged } = await import("../../../plugins/http/wire/etag.ts");
  for (
    const [text, isText] of [["", true], ["abcde", true], ["x".repeat(40_000), true], ["x".repeat(70_000), false], [
      "größe",
      false,
    ]] as const
  ) {
    const bytes = new TextEncoder().encode(text);
    const { body, etag } = tagged(text);
    tagged("another text, in whose place bytes would be written");
    assertEquals([etag, body], [etagOf(bytes), isText ? text : bytes], text.slice(0, 10));
  }
});

test("SVG is the library's picture", async () => {
  const asked = { scale: "log", title: "Up <and> down", width: 400, height: 200, theme: "dark", lr: 1e-3 };
  const answer = await app.request(`/v1/schedules/cosine.svg?${query({ ...linear, ...asked })}&from=0&to=100&every=10`);
  assertEquals(answer.headers.get("content-type"), "image/svg+xml");
  const steps = Array.from({ length: 11 }, (_, i) => 10 * i);
  assertEquals(
    await answer.text(),
    plotSchedule([cosine], { ...asked, scale: "log", theme: "dark", lr: [1e-3], names: ["cosine"], steps }),
  );
  for (const [name, value] of Object.entries({ width: 10, height: "tall", scale: "sqrt", theme: "pink", title: "x".repeat(201) })) {
    const { errors } = await problem(app, `/v1/schedules/cosine.svg?${query({ ...linear, [name]: value })}&step=1`);
    assertEquals(errors?.map((fault) => fault.name), [name]);
  }
  assertEquals((await problem(app, `/v1/schedules/cosine?${query({ ...linear, title: "x" })}&step=1`)).errors?.[0].name, "title");
});

test("several curves come in one answer, the same bytes by GET and by POST", async () => {
  const uses = [{ name: "constant" }, { name: "cosine", options: linear }];
  const asked = uses.map((use) => `schedule=${encodeURIComponent(JSON.stringify(use))}`).join("&");
  for (const suffix of ["", ".csv", ".svg"]) {
    const path = `/v1/curves${suffix}`;
    const got = await app.request(`${path}?${asked}&steps=0,50&lr=1,3`);
    const posted = await app.request(path, json({ schedule: uses, steps: [0, 50], lr: [1, 3] }));
    assertEquals([got.status, posted.status], [200, 200]);
    assertEquals(posted.headers.get("cache-control"), "private, no-store");
    assertEquals(posted.headers.get("content-type"), got.headers.get("content-type"));
    assertEquals(await posted.text(), await got.text());
  }
  const { steps, curves } = await get(app, `/v1/curves?${asked}&steps=0,50&lr=1,3`);
  assertEquals(steps, [0, 50]);
  assertEquals(curves.map(({ schedule, lr }: { schedule: string; lr: number[][] }) => [schedule, lr]), [
    ["constant", [[1, 1], [3, 3]]],
    ["cosine", [[0, cosine(50)], [0, 3 * cosine(50)]]],
  ]);
});

test("curves are one to eight", async () => {
  const one = "&schedule=%7B%22name%22%3A%22constant%22%7D";
  assertEquals((await get(app, `/v1/curves?step=1${one.repeat(8)}`)).curves.length, 8);
  for (const count of [0, 9]) {
    assertEquals((await problem(app, `/v1/curves?step=1${one.repeat(count)}`)).errors?.[0].name, "schedule");
    const body = { schedule: Array.from({ length: count }, () => ({ name: "constant" })), step: 1 };
    assertEquals((await problem(app, "/v1/curves", json(body))).status, 422);
  }
});

test("an option that is a schedule is its JSON", async () => {
  const decaySchedule = { name: "polynomial_decay", options: { initialLearningRate: 1, decaySteps: 10 } };
  const options = { initialLearningRate: 1, warmupSteps: 3 };
  const asked = query({ ...options, decaySchedule: JSON.stringify(decaySchedule) });
  const { lr } = await get(app, `/v1/schedules/warmup?${asked}&steps=1,7`);
  assertEquals(lr, [[1, 7].map(builtins.createSchedule("warmup", { ...options, decaySchedule }))]);
  const { errors } = await problem(app, `/v1/schedules/warmup?${query({ ...options, decaySchedule: "{" })}&step=1`);
  assertEquals(errors?.[0].name, "decaySchedule");
});

test("the option that a fault inside a schedule belongs to is the one that is declared to hold it, and clients are told which that is", async () => {
  const outer = {
    kind: "schedule",
    name: "outer",
    description: "Another schedule, with notes",
    options: {
      notes: { default: {}, type: "object", description: "Kept for people" },
      inner: { type: "object", holds: "schedule", description: "The schedule" },
      length: { default: 1, unit: "steps", description: "Not used" },
    },
    create: ({ inner }: { inner: Use }, _: unknown, base: Base, tools: Tools) => tools.schedule(inner, base),
  } as unknown as SchedulePlugin;
  const own = createApp(builtins.with(outer));
  const inner = JSON.stringify({ name: "polynomial_decay", options: { x: 1 } });
  const { errors } = await problem(own, `/v1/schedules/outer?${query({ notes: "{}", inner })}&step=1`);
  assertEquals(errors?.map(({ name }) => name), ["inner"]);
  const { plugins } = await get(own, "/v1/plugins?kind=schedule");
  const { notes, inner: told, length } = plugins.at(-1).options.properties;
  assertEquals([notes.holds, told.holds, length.unit], [undefined, "schedule", "steps"]);
});

test("options may have names that no parameter of a schedule has", async () => {
  const free = {
    ...stairs,
    name: "free",
    options: { ...stairs.options, weightDecay: { default: 1, description: "" } },
  } as unknown as SchedulePlugin;
  assertEquals((await get(createApp(builtins.with(free)), "/v1/schedules/free?heights=1&weightDecay=2&step=0")).options.weightDecay, 2);
});

test("a schedule that follows a metric is refused", async () => {
  const { status, type } = await problem(app, "/v1/schedules/reduce_lr_on_plateau?step=1");
  assertEquals([status, type], [400, "urn:glissade:problem:metric-schedule"]);
  const use = encodeURIComponent(JSON.stringify({ name: "reduce_lr_on_plateau" }));
  assertEquals((await problem(app, `/v1/curves?step=1&schedule=${use}`)).status, 400);
});

test("a third party's schedule is served as the built-ins are", async () => {
  const own = createApp(builtins.with(stairs));
  for (
    const [asked, options, values] of [
      ["heights=1,2,4", {}, [1, 2, 4, 4]],
      ["heights=[1,2,4]&up=false", { up: false }, [-1, -2, -4, -4]],
      ["heights=1,2,4&limit=3&shape=round", { limit: 3, shape: "round" }, [1, 2, 3, 3]],
      ["heights=1,2,4&limit=null", {}, [1, 2, 4, 4]],
    ] as const
  ) {
    const answer = await get(own, `/v1/schedules/stairs?${asked}&steps=0,1,2,3`);
    assertEquals(answer.options, { heights: [1, 2, 4], up: true, shape: "square", limit: null, ...options });
    assertEquals(answer.lr, [values]);
  }
  for (const [asked, name] of [["heights=-1", "heights"], ["heights=1&up=1", "up"], ["heights=1&shape=oval", "shape"], ["", "heights"]]) {
    assertEquals((await problem(own, `/v1/schedules/stairs?${asked}&step=0`)).errors?.map((fault) => fault.name), [name]);
  }
  const { plugins } = await get(own, "/v1/plugins?kind=schedule");
  assertEquals(plugins.at(-1).options.properties.shape, {
    type: "string",
    description: "The edges",
    default: "square",
    enum: ["round", "square"],
  });
  assertEquals(plugins.at(-1).options.required, ["heights"]);
});

test("an option with a reserved name cannot be served", () => {
  for (const name of ["every", "scale"]) {
    const clash = { ...stairs, name: "clash", options: { [name]: { default: 1, description: "" } } } as unknown as SchedulePlugin;
    assertThrows(() => createApp(builtins.with(clash)), TypeError, `"${name}"`);
  }
});

test("unknown, repeated and refused parameters are named, all at once", async () => {
  const faults = async (asked: string) => (await problem(app, `/v1/schedules/linear?${asked}`)).errors?.map((fault) => fault.name);
  assertEquals(await faults("numWarmupSteps=1&numTrainingSteps=2&step=1&Step=2&x"), ["Step", "x"]);
  assertEquals(await faults("numWarmupSteps=1&numWarmupSteps=1&numTrainingSteps=2&step=1"), ["numWarmupSteps"]);
  assertEquals(await faults("numWarmupSteps=one&step=1"), ["numWarmupSteps", "numTrainingSteps"]);
  assertEquals(await faults("numWarmupSteps=1e999&numTrainingSteps=NaN&step=1"), ["numWarmupSteps", "numTrainingSteps"]);
  assertEquals(await faults("numWarmupSteps=1&numTrainingSteps=2&step=1&lr=1,Infinity"), ["lr"]);
  assertEquals(await faults("numWarmupSteps=%ff&numTrainingSteps=2&step=1"), [undefined]);
});

const together: readonly (readonly [schedule: string, options: Readonly<Record<string, unknown>>, name: string])[] = [
  ["polynomial", { ...linear, lrEnd: 3 }, "lrEnd"],
  ["polynomial", { ...linear, lrInit: 0, lrEnd: -1 }, "lrEnd"],
  ["polynomial", { numWarmupSteps: 9, numTrainingSteps: 9 }, "numTrainingSteps"],
  ["piecewise_constant_decay", { boundaries: "1,2", values: 1 }, "values"],
  ["piecewise_constant_decay", { boundaries: "3,2", values: "1,2,3" }, "boundaries"],
  ["piecewise_constant_decay", { boundaries: "x", values: "1,2" }, "boundaries"],
  ["warmup", { initialLearningRate: 1, warmupSteps: 3, decaySchedule: `{"name":"nobody"}` }, "decaySchedule"],
  ["warmup", { initialLearningRate: 1, warmupSteps: 3, decaySchedule: `{"name":"reduce_lr_on_plateau"}` }, "decaySchedule"],
];
for (const [schedule, options, name] of together) {
  test(`${schedule} with ${JSON.stringify(options)} is the fault of ${name}`, async () => {
    const { status, errors } = await problem(app, `/v1/schedules/${schedule}?${query(options)}&step=1`);
    assertEquals([status, errors?.map((fault) => fault.name)], [400, [name]]);
  });
}

test("an option that is a schedule may be a third party's by its name", async () => {
  const own = createApp(builtins.with(stairs));
  const decaySchedule = `{"name":"stairs","options":{"heights":[8,7]}}`;
  const asked = query({ initialLearningRate: 1, warmupSteps: 2, decaySchedule });
  const { lr } = await get(own, `/v1/schedules/warmup?${asked}&steps=2,3`);
  const { detail } = await problem(app, `/v1/schedules/warmup?${asked}&step=2`);
  assert(detail.includes('Cannot find schedule "stairs": known are'), detail);
  assertEquals(lr.length, 1);
});

test("an unknown schedule is 404 with those that are known", async () => {
  const { status, detail, errors } = await problem(app, "/v1/schedules/cosin?step=1");
  assertEquals([status, errors], [404, undefined]); // neither query nor header nor body is wrong
  assert(detail.includes('did you mean "cosine"?'));
});

test("a value that is not finite is refused instead of written as null", async () => {
  const wild = { ...stairs, name: "wild", create: () => (step: number) => 1 / (step - 1) } as unknown as SchedulePlugin;
  const own = createApp(builtins.with(wild));
  assertEquals((await problem(own, "/v1/schedules/wild?heights=1&step=1")).status, 400);
  for (const form of [".csv", ".svg"]) {
    assertEquals((await problem(own, `/v1/schedules/wild${form}?heights=1&steps=0,1,2`)).status, 400, form);
  }
});

test("plugins are listed by kind and by page", async () => {
  const all = await get(app, "/v1/plugins");
  assertEquals(all.plugins.map(({ name }: { name: string }) => name), builtins.plugins.map(({ name }) => name));
  assertEquals(Object.keys(all), ["plugins"]);
  const names: string[] = [];
  for (let after: string | null = ""; after !== null;) {
    const page: { plugins: { name: string }[]; next: string | null } = await get(
      app,
      `/v1/plugins?kind=schedule&limit=4${after && `&after=${after}`}`,
    );
    assert(page.plugins.length <= 4);
    names.push(...page.plugins.map(({ name }) => name));
    after = page.next;
  }
  assertEquals(names, builtins.plugins.filter(({ kind }) => kind === "schedule").map(({ name }) => name));
  for (const asked of ["kind=engine", "limit=0", "limit=101", "limit=x", "after=nobody", "page=2"]) {
    assertEquals((await problem(app, `/v1/plugins?${asked}`)).status, 400, asked);
  }
});

const bodies: readonly (readonly [why: string, body: unknown, pointer: string])[] = [
  ["no object", [], ""],
  ["an unknown key", { schedule: { name: "constant" }, step: 1, every2: 1 }, "/every2"],
  ["no points", { schedule: { name: "constant" } }, "/step"],
  ["a step that is none", { schedule: { name: "constant" }, steps: [0, "1"] }, "/steps"],
  ["an unknown schedule", { schedule: [{ name: "constant" }, { name: "constanti" }], step: 1 }, "/schedule/1"],
  ["an unknown option", { schedule: [{ name: "constant", options: { lr: 1 } }], step: 1 }, "/schedule/0"],
  ["a base that is none", { schedule: { name: "constant" }, step: 1, lr: [null] }, "/lr"],
  ["an unknown key of a schedule", { schedule: { name: "constant", color: 1 }, step: 1 }, "/schedule/0"],
];
for (const [why, body, pointer] of bodies) {
  test(`a body with ${why} is refused with 422 and the place`, async () => {
    const { status, errors } = await problem(app, "/v1/curves", json(body));
    assertEquals([status, errors?.[0].pointer], [422, pointer]);
  });
}

test("a public answer is cached with a strong validator", async () => {
  const path = `/v1/schedules/cosine?${query(linear)}&step=3`;
  const first = await app.request(path);
  assertEquals(first.headers.get("cache-control"), "public, max-age=3600, stale-while-revalidate=86400");
  assertEquals(first.headers.get("vary"), null);
  const etag = first.headers.get("etag")!;
  assert(/^"[^"]+"$/.test(etag));
  const again = await app.request(path);
  assertEquals([again.headers.get("etag"), await again.text()], [etag, await first.text()]);
  for (const condition of [etag, `"x", W/${etag}`, "*"]) {
    const answer = await app.request(path, { headers: { "If-None-Match": condition } });
    assertEquals([answer.status, answer.headers.get("etag"), await answer.text()], [304, etag, ""]);
    assertEquals(answer.headers.get("cache-control"), "public, max-age=3600, stale-while-revalidate=86400");
  }
  assertEquals((await app.request(path, { headers: { "If-None-Match": `"x"` } })).status, 200);
});

test("the validator follows what was asked, not how it was written", async () => {
  const etag = async (asked: string) => (await app.request(`/v1/schedules/cosine${asked}`)).headers.get("etag");
  const one = await etag("?numWarmupSteps=10&numTrainingSteps=100&from=0&to=2&every=1");
  assertEquals(await etag("?numTrainingSteps=1e2&steps=0,1,2&numWarmupSteps=10&numCycles=0.5"), one);
  const others = [
    "?numWarmupSteps=10&numTrainingSteps=100&steps=0,1",
    "?numWarmupSteps=11&numTrainingSteps=100&steps=0,1,2",
    ".csv?numWarmupSteps=10&numTrainingSteps=100&steps=0,1,2",
    "?numWarmupSteps=10&numTrainingSteps=100&steps=0,1,2&lr=2",
  ];
  const tags = [one, ...await Promise.all(others.map(etag))];
  assertEquals(new Set(tags).size, tags.length);
});
