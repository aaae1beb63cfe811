import { createHash } from "node:crypto";
import { test } from "node:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { hc } from "hono/client";
import { builtins } from "../../../mod.ts";
import { createApp, type GlissadeApp } from "../../../plugins/http/mod.ts";
import { takeLimits } from "../../../plugins/http/guard/limits.ts";
import { routes } from "../../../plugins/http/routes/table.ts";
import { version } from "../../../plugins/http/version.ts";
import { type Form, mediaTypes } from "../../../plugins/http/wire/media.ts";
import { tensorForms } from "../../../plugins/http/wire/tensor_forms.ts";
import { read } from "../../generated.ts";
import { file, get, json, problem } from "./ask.ts";
import { f32 } from "./ask.ts";

const app = createApp(builtins);
const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");
const path = "/v1/schedules/constant?step=1";
const step = () => file({ w: f32([1]), "w.grad": f32([1]) }, { recipe: `{"optimizer":{"name":"adamw"}}` });

test("the version in validators is deno.json's", () => {
  assertEquals(version, JSON.parse(read("deno.json")).version);
});

test("health and readiness answer", async () => {
  for (const path of ["/healthz", "/readyz"]) assertEquals(await get(app, path), { status: "ok" });
});

test("everything but public answers is kept by nobody", async () => {
  for (const path of ["/healthz", "/readyz", "/metrics"]) {
    assertEquals((await app.request(path)).headers.get("cache-control"), "private, no-store");
  }
  assertEquals((await app.request("/v1/steps", step())).headers.get("cache-control"), "private, no-store");
});

test("the page and the OpenAPI document have validators", async () => {
  const own = createApp(builtins, { page: "<!doctype html><title>mine</title>" });
  for (const path of ["/", "/openapi.json"]) {
    const etag = (await own.request(path)).headers.get("etag")!;
    assertEquals((await own.request(path, { headers: { "If-None-Match": etag } })).status, 304);
  }
  assertEquals(await (await own.request("/")).text(), "<!doctype html><title>mine</title>");
  assertEquals((await createApp(builtins, { openapi: false }).request("/openapi.json")).status, 404);
});

test("a query means nothing where nothing is asked, also the first time", async () => {
  const own = createApp(builtins);
  for (const path of ["/", "/healthz", "/readyz", "/metrics", "/openapi.json"]) {
    assertEquals((await own.request(`${path}?utm_source=x&y=%ff`)).status, 200, path);
  }
  assertEquals((await problem(own, "/v1/plugins?x=1")).status, 400);
});

test("another method is 405 with those that are allowed", async () => {
  for (
    const [method, path, allow] of [
      ["GET", "/v1/steps", "POST"],
      ["POST", "/v1/schedules/linear.svg", "GET, HEAD"],
      ["DELETE", "/v1/curves.csv", "GET, HEAD, POST"],
      ["OPTIONS", "/healthz", "GET, HEAD"],
      ["PROPFIND", "/v1/plugins", "GET, HEAD"],
    ]
  ) {
    const { status, headers } = await problem(app, path, { method });
    assertEquals([status, headers.get("allow")], [405, allow], `${method} ${path}`);
  }
  assertEquals((await problem(app, "/v1/schedule/linear")).status, 404);
  for (const path of ["/healthz/", "/v1/schedules/constant/?step=1", "/v1/curves.csvx"]) {
    assertEquals((await problem(app, path)).status, 404);
  }
  assertEquals((await app.request(path, { method: "HEAD" })).status, 200);
});

test("an answer has a request id, its own or the request's", async () => {
  const ids = await Promise.all([1, 2].map(async () => (await app.request(path)).headers.get("x-request-id")));
  assert(ids[0] !== null && ids[0] !== ids[1]);
  const given = await app.request(path, { headers: { "X-Request-Id": "proxy-7:a.b" } });
  assertEquals(given.headers.get("x-request-id"), "proxy-7:a.b");
  const strange = await app.request(path, { headers: { "X-Request-Id": `"><script>` } });
  assert(!strange.headers.get("x-request-id")!.includes("script"));
});

test("an answer says how long it took", async () => {
  for (const answer of [await app.request(path), await app.request("/nowhere"), await app.request("/v1/steps", step())]) {
    assert(/^total;dur=\d+\.\d\d$/.test(answer.headers.get("server-timing")!));
  }
});

test("CORS is off unless it is configured", async () => {
  const asked = { headers: { Origin: "https://one.example" } };
  const allowed = async (cors: string | readonly string[] | undefined, init: RequestInit) =>
    (await createApp(builtins, cors === undefined ? {} : { cors }).request(path, init)).headers.get("access-control-allow-origin");
  assertEquals(await allowed(undefined, asked), null);
  assertEquals(await allowed("*", asked), "*");
  assertEquals(await allowed(["https://one.example", "https://two.example"], asked), "https://one.example");
  assertEquals(await allowed(["https://two.example"], asked), null);
  assertEquals(await allowed("https://one.example", {}), null);
  const own = createApp(builtins, { cors: ["https://one.example"] });
  const preflight = await own.request("/v1/steps", { method: "OPTIONS", ...asked });
  assertEquals([preflight.status, preflight.headers.get("access-control-allow-methods")], [204, "POST"]);
  assertEquals(preflight.headers.get("vary"), "Origin");
  // A page must be able to read what went wrong too.
  assertEquals((await own.request("/nowhere", asked)).headers.get("access-control-allow-origin"), "https://one.example");
});

test("steps ask for a tenant's token when tokens are configured, schedules do not", async () => {
  const own = createApp(builtins, { tokens: { alice: sha256("a-token"), bob: sha256("b.token").toUpperCase() } });
  assertEquals((await own.request(path)).status, 200);
  const refused = await problem(own, "/v1/steps", step());
  assertEquals([refused.status, refused.headers.get("www-authenticate")], [401, "Bearer"]);
  const withToken = (authorization: string) => {
    const init = step();
    return own.request("/v1/steps", { ...init, headers: { ...init.headers, Authorization: authorization } });
  };
  assertEquals((await withToken("Bearer a-token")).status, 200);
  assertEquals((await withToken("bearer b.token")).status, 200);
  for (
    const wrong of ["Bearer a-tokem", "Bearer ", "Basic a-token", "a-token", `Bearer ${"a".repeat(1000)}`, `Bearer ${sha256("a-token")}`]
  ) {
    assertEquals((await withToken(wrong)).status, 401, wrong);
  }
});

test("the token is asked for before the body is looked at", async () => {
  const own = createApp(builtins, { tokens: { alice: sha256("a") } });
  assertEquals((await problem(own, "/v1/steps", { method: "POST", headers: { "Content-Type": "text/plain" }, body: "x" })).status, 401);
});

test("schedules can be made private", async () => {
  const own = createApp(builtins, { tokens: { alice: sha256("a") }, schedules: { auth: "all" } });
  for (const asked of [path, "/v1/curves.svg?step=1", "/v1/plugins"]) assertEquals((await problem(own, asked)).status, 401);
  const answer = await own.request(path, { headers: { Authorization: "Bearer a" } });
  assertEquals([answer.status, answer.headers.get("cache-control")], [200, "private, no-store"]);
  assertThrows(() => createApp(builtins, { schedules: { auth: "all" } }), TypeError, "without tokens");
});

test("metrics have a token of their own", async () => {
  for (const metricsToken of ["m", sha256("m")]) {
    const own = createApp(builtins, { metricsToken, tokens: { alice: sha256("a") } });
    const ask = async (token: string) => (await own.request("/metrics", { headers: { Authorization: `Bearer ${token}` } })).status;
    assertEquals([await ask("m"), await ask("a"), await ask(metricsToken === "m" ? "n" : metricsToken)], [200, 401, 401]);
  }
});

test("metrics are Prometheus text, with routes for labels", async () => {
  const own = createApp(builtins);
  for (const asked of [path, path, path, "/v1/schedules/nobody?step=1", "/nowhere/1", "/nowhere/2"]) await own.request(asked);
  await own.request("/v1/schedules/linear", { method: "PROPFIND" });
  const answer = await own.request("/metrics");
  assertEquals(answer.headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8");
  const text = await answer.text();
  const value = (line: string) => Number(text.split("\n").find((one) => one.startsWith(`${line} `))?.split(" ").at(-1));
  assertEquals(value(`glissade_http_requests_total{route="/v1/schedules/{name}",method="GET",status="200"}`), 3);
  assertEquals(value(`glissade_http_requests_total{route="/v1/schedules/{name}",method="GET",status="404"}`), 1);
  assertEquals(value(`glissade_http_requests_total{route="none",method="GET",status="404"}`), 2);
  assertEquals(value(`glissade_http_requests_total{route="none",method="other",status="405"}`), 1);
  assertEquals(value(`glissade_http_request_seconds_bucket{route="/v1/schedules/{name}",le="+Inf"}`), 4);
  assertEquals(value(`glissade_http_cache_total{result="hit"}`), 1);
  assertEquals(value("glissade_bytes_in_flight"), 0);
  for (const line of text.trim().split("\n")) assert(/^(# (HELP|TYPE) \w+ .+|\w+(\{[^}]*\}.*)? [\d.e+-]+)$/.test(line), line);
});

test("options that mean nothing are refused", () => {
  const refused = (options: unknown) =>
    assertThrows(() => createApp(builtins, options as Parameters<typeof createApp>[1]), Error, "Cannot");
  for (
    const options of [{ token: {} }, { tokens: { alice: "secret" } }, { limits: { bytes: 1 } }, { limits: { points: NaN } }, {
      schedules: { auth: "some" },
    }]
  ) {
    refused(options);
  }
});

test("the app can be mounted below a path", async () => {
  const { Hono } = await import("hono");
  const outer = new Hono().route("/glissade", app);
  assertEquals((await get(outer, `/glissade${path}`)).lr, [1]);
  assertEquals((await problem(outer, "/glissade/v1/schedules/nobody?step=1")).status, 404);
});

test("the typed client asks and is answered by the hand-written types", async () => {
  const client = hc<GlissadeApp>("http://localhost", {
    fetch: (input: string | URL | Request, init?: RequestInit) => app.request(String(input), init),
  });
  const answer = await client.v1.schedules[":name"].$get({
    param: { name: "linear" },
    query: { numWarmupSteps: "10", numTrainingSteps: "100", step: "5" },
  });
  const { lr, schedule } = await answer.json();
  assertEquals([schedule, lr], ["linear", [0.5]]);
  const curves = await client.v1.curves.$post({ json: { schedule: [{ name: "constant" }], step: 1 } });
  assertEquals((await curves.json()).curves[0].lr, [[1]]);
  // @ts-expect-error -- a schedule is asked at a step
  await client.v1.schedules[":name"].$get({ param: { name: "linear" }, query: { at: "5" } });
  const stepped = await client.v1.steps.$post({
    json: { recipe: { optimizer: { name: "adamw" } }, tensors: { w: { shape: [1], data: [1] }, "w.grad": { shape: [1], data: [1] } } },
  });
  assertEquals((await stepped.json()).tensors["w.step"].data, [1]);
  assertEquals((await app.request("/v1/curves", json({ schedule: { name: "constant" }, step: 1 }))).status, 200);
});

test("HEAD tells the length that GET has", async () => {
  for (const route of [path, "/openapi.json", "/v1/schedules/constant.svg?from=0&to=9&every=1&title=%C3%A4"]) {
    const head = await app.request(route, { method: "HEAD" });
    const body = await (await app.request(route)).arrayBuffer();
    assertEquals([head.status, Number(head.headers.get("content-length"))], [200, body.byteLength], route);
    assertEquals((await head.arrayBuffer()).byteLength, 0);
  }
});

test("an app is not made with options that it could not follow", () => {
  const wrong: Record<string, unknown>[] = [
    { schedules: { autth: "all" } },
    { schedules: "all" },
    { schedules: { auth: "some" } },
    { cors: true },
    { cors: { origin: "*" } },
    { cors: [1] },
    { backend: "gpu" },
    { page: 5 },
    { tokens: null },
    { tokens: { alice: "not a hash" } },
    { metricsToken: "" },
    { metricsToken: "with a blank" },
    { metricsToken: "blank-behind " },
    { metricsToken: "a".repeat(513) },
    { openapi: true },
    { limits: { points: "10" } },
    { port: 8000 },
  ];
  for (const options of wrong) assertThrows(() => createApp(builtins, options as never), Error, "Cannot", JSON.stringify(options));
});

test("a schedule whose name would not stand in a path is not served", () => {
  const [constant] = builtins.plugins.filter(({ name }) => name === "constant");
  for (const name of ["a.csv", "a/b", "a b", ""]) {
    assertThrows(() => createApp({ plugins: [{ ...constant, name } as never] }), TypeError, "Cannot serve schedule");
  }
});

test("Accept is followed by its weights", async () => {
  const body = { recipe: { optimizer: { name: "adamw" } }, tensors: { w: { shape: [1], data: [1] }, "w.grad": { shape: [1], data: [1] } } };
  const type = async (accept: string) => (await app.request("/v1/steps", json(body, { Accept: accept }))).headers.get("content-type");
  assertEquals(await type("application/json;q=0.1, application/vnd.safetensors"), "application/vnd.safetensors");
  assertEquals(await type("application/json, application/vnd.safetensors"), "application/json");
  assertEquals(await type("application/json;q=0, */*;q=0.2"), "application/vnd.safetensors");
  assertEquals(await type("text/html, */*;q=0.2"), "application/json");
});

test("each form of tensors is offered by the steps' route under its own media type, and has its own bound", () => {
  const { forms, body } = routes.find(({ name }) => name === "step")!;
  assertEquals([forms, body], [Object.keys(tensorForms), Object.keys(tensorForms)]);
  const limits = takeLimits({ jsonBytes: 1, bodyBytes: 2 });
  assertEquals(
    Object.entries(tensorForms).map(([form, { types, mostBytes }]) => [form, types[0] === mediaTypes[form as Form], mostBytes(limits)]),
    [["safetensors", true, 2], ["json", true, 1]],
  );
});

test("a metric schedule among curves is the fault of its parameter", async () => {
  const { status, type, errors } = await problem(
    app,
    `/v1/curves?step=1&schedule=${encodeURIComponent(`{"name":"reduce_lr_on_plateau"}`)}`,
  );
  assertEquals([status, type, errors?.[0].in, errors?.[0].name], [400, "urn:glissade:problem:metric-schedule", "query", "schedule"]);
});

test("values that have a toString of their own are refused, not stumbled over", async () => {
  const odd = { toString: 1, valueOf: 1 };
  const w = { shape: [1], data: [1] };
  const recipe = (more: object) => ({ recipe: { optimizer: { name: "adamw" }, ...more }, tensors: { w, "w.grad": w } });
  const asked: readonly (readonly [path: string, body: unknown])[] = [
    ["/v1/curves", { schedule: [{ name: "constant" }], step: odd }],
    ["/v1/curves", { schedule: [{ name: "constant" }], steps: [odd] }],
    ["/v1/curves.svg", { schedule: [{ name: "constant" }], step: 1, width: odd }],
    ["/v1/curves", { schedule: [{ name: odd }], step: 1 }],
    ["/v1/steps", recipe({ groups: [{ match: { glob: odd } }] })],
    ["/v1/steps", recipe({ groups: [{ match: [odd] }] })],
    ["/v1/steps", recipe({ optimizer: { name: "adam_weight_decay", options: { excludeFromWeightDecay: [odd] } } })],
    ["/v1/curves", {
      schedule: [{ name: "warmup", options: { initialLearningRate: 1, warmupSteps: 1, decaySchedule: { name: odd } } }],
      step: 1,
    }],
  ];
  for (const [route, body] of asked) {
    const { status, detail } = await problem(app, route, json(body));
    assertEquals([status, /primitive|is not a function/.test(detail)], [422, false], `${route} ${JSON.stringify(body)}: ${detail}`);
  }
  const query = encodeURIComponent(JSON.stringify({ name: odd }));
  assertEquals((await problem(app, `/v1/curves?step=1&schedule=${query}`)).status, 400);
});

test("names that safetensors cannot hold are refused before the step", async () => {
  const w = { shape: [1], data: [1] };
  for (const name of ["\ud800", "__metadata__"]) {
    const tensors = { [name]: w, [`${name}.grad`]: w };
    assertEquals((await problem(app, "/v1/steps", json({ recipe: { optimizer: { name: "adamw" } }, tensors }))).status, 422);
  }
});

test("a tensor of an element type that no state has is refused, and the problem points there", async () => {
  const ids = { data: BigInt64Array.of(1n), shape: [1], dtype: "int64" } as never;
  const body = file({ "w": f32([1]), "w.grad": f32([1]), ids }, { recipe: `{"optimizer":{"name":"adamw"}}` });
  const { status, errors } = await problem(app, "/v1/steps", body);
  assertEquals([status, errors?.[0].pointer], [422, "/tensors/ids"]);
});

test("a picture is well-formed whatever its title", async () => {
  for (const title of ["%EF%BF%BE", "%EF%BF%BF", "%01", "%3Cscript%3E"]) {
    const svg = await (await app.request(`/v1/schedules/constant.svg?steps=0,1,2&title=${title}`)).text();
    for (const wrong of ["\u0001", "\ufffe", "\uffff", "<script"]) assert(!svg.includes(wrong), title);
  }
});

test("a fault inside an option that is a schedule is that option's", async () => {
  const decay = { name: "polynomial_decay", options: { initialLearningRate: 0.1, decaySteps: 100, x: 1 } };
  const query = `initialLearningRate=0.1&warmupSteps=10&step=1&decaySchedule=${encodeURIComponent(JSON.stringify(decay))}`;
  assertEquals((await problem(app, `/v1/schedules/warmup?${query}`)).errors?.[0].name, "decaySchedule");
});

test("what came as safetensors goes as JSON up to the elements that JSON may have", async () => {
  const data = (length: number) => f32(Array.from({ length }, () => 0.5));
  const ask = (length: number) => {
    const init = file({ w: data(length), "w.grad": data(length) }, { recipe: `{"optimizer":{"name":"adamw"}}` });
    return app.request("/v1/steps", { ...init, headers: { ...init.headers, Accept: "application/json" } });
  };
  assertEquals([(await ask(20_000)).status, (await ask(30_000)).status], [200, 406]);
});
