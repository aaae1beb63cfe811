import { test } from "node:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { builtins } from "../../../mod.ts";
import { createApp } from "../../../plugins/http/mod.ts";
import { f32, file, json, problem } from "./ask.ts";

const type = { "Content-Type": "application/vnd.safetensors" };
const adamw = `{"optimizer":{"name":"adamw"}}`;

/** A body that comes in pieces, with pauses before them, and says when it is given up. */
function slowBody(
  pieces: readonly Uint8Array<ArrayBuffer>[],
  pause: number,
): { readonly body: ReadableStream<Uint8Array<ArrayBuffer>>; givenUp(): boolean } {
  let at = 0;
  let cancelled = false;
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    async pull(controller) {
      if (pause > 0) await new Promise((resolve) => setTimeout(resolve, pause));
      if (cancelled) return;
      if (at < pieces.length) controller.enqueue(pieces[at++]);
      else controller.close();
    },
    cancel() {
      cancelled = true;
    },
  }, { highWaterMark: 0 });
  return { body, givenUp: () => cancelled };
}

const stream = (body: ReadableStream<Uint8Array<ArrayBuffer>>, headers: Record<string, string> = {}) =>
  ({ method: "POST", headers: { ...type, ...headers }, body, duplex: "half" }) as RequestInit;

test("a body that comes in pieces of any size is read as it was sent", async () => {
  const app = createApp(builtins);
  const tensors = Object.fromEntries(
    ["w", "w.grad"].map((name, k) => [name, f32(Array.from({ length: 100_000 }, (_, i) => i % 1000 - k))]),
  );
  const whole = new Uint8Array(file(tensors, { recipe: adamw }).body as ArrayBuffer);
  const answerTo = async (init: RequestInit) => {
    const answer = await app.request("/v1/steps", init);
    return [answer.status, new Uint8Array(await answer.arrayBuffer())];
  };
  const expected = await answerTo({ method: "POST", headers: type, body: whole });
  assertEquals(expected[0], 200);
  for (const sizes of [[1, 6, 0, 3, 1], [7919], [65_536, 3], [700_000, 1], [2 ** 20]]) {
    const pieces: Uint8Array<ArrayBuffer>[] = [];
    for (let at = 0, i = 0; at < whole.length; i++) {
      // A few small ones are enough: the rest comes at once.
      const size = i < 200 ? sizes[i % sizes.length] : whole.length;
      pieces.push(whole.slice(at, at += size));
    }
    for (const headers of [undefined, { "Content-Length": String(whole.length) }]) {
      assertEquals(await answerTo(stream(slowBody(pieces, 0).body, { ...headers })), expected, `${sizes}`);
    }
  }
});

test("a body that says that it is too large is not read", async () => {
  const { body, givenUp } = slowBody([new Uint8Array(10)], 0);
  const app = createApp(builtins, { limits: { bodyBytes: 1000 } });
  const answer = await problem(app, "/v1/steps", stream(body, { "Content-Length": String(4 * 1024 ** 3) }));
  assertEquals([answer.status, givenUp()], [413, false]);
});

test("a body that is too large without saying so is given up", async () => {
  const { body, givenUp } = slowBody(Array.from({ length: 100 }, () => new Uint8Array(100_000)), 0);
  const app = createApp(builtins, { limits: { bodyBytes: 1_000_000 } });
  assertEquals([(await problem(app, "/v1/steps", stream(body))).status, givenUp()], [413, true]);
});

test("a length that is no integer is 400", async () => {
  const { body } = slowBody([new Uint8Array(10)], 0);
  // Runtimes answer some of these themselves; what reaches the app is refused.
  const request = new Request("http://localhost/v1/steps", stream(body));
  const headers = new Headers({ ...type, "Content-Length": "-5" });
  const forged = new Proxy(request, {
    get: (target, name) => name === "headers" ? headers : Reflect.get(target, name, target),
  });
  const answer = await createApp(builtins).fetch(forged);
  assertEquals([answer.status, (await answer.json()).errors[0].name], [400, "Content-Length"]);
});

test("a slow body is 408 and given up", async () => {
  const { body, givenUp } = slowBody(Array.from({ length: 100 }, () => new Uint8Array(1)), 40);
  const app = createApp(builtins, { limits: { bodySeconds: 0.2 } });
  const begin = performance.now();
  const { status } = await problem(app, "/v1/steps", stream(body));
  assertEquals([status, givenUp()], [408, true]);
  assert(performance.now() - begin < 3000);
});

test("a body that never comes is 408", async () => {
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({ pull: () => new Promise(() => {}) });
  const app = createApp(builtins, { limits: { bodySeconds: 0.1 } });
  assertEquals((await problem(app, "/v1/steps", stream(body))).status, 408);
});

test("a steady body gets the time that its length needs", async () => {
  const whole = new Uint8Array(
    file({ w: f32(Array(100_000).fill(1)), "w.grad": f32(Array(100_000).fill(1)) }, { recipe: adamw }).body as ArrayBuffer,
  );
  const pieces = Array.from({ length: 8 }, (_, i) => whole.slice(i * whole.length / 8, (i + 1) * whole.length / 8));
  const { body } = slowBody(pieces, 50);
  const app = createApp(builtins, { limits: { bodySeconds: 0.2 } });
  const answer = await app.request("/v1/steps", stream(body));
  assertEquals(answer.status, 200);
  await answer.arrayBuffer();
});

test("bytes in flight are bounded, and what was held is free again", async () => {
  const app = createApp(builtins, { limits: { bytesInFlight: 1_500_000, bodySeconds: 1 } });
  const held = slowBody([new Uint8Array(1_000_000), new Uint8Array(1)], 200);
  const first = problem(app, "/v1/steps", stream(held.body, { "Content-Length": "1000001" }));
  await new Promise((resolve) => setTimeout(resolve, 300));
  const small = file({ w: f32(Array(150_000).fill(1)), "w.grad": f32(Array(150_000).fill(1)) }, { recipe: adamw });
  const busy = await problem(app, "/v1/steps", small);
  assertEquals([busy.status, busy.type, busy.headers.get("retry-after")], [503, "urn:glissade:problem:busy", "1"]);
  assertEquals((await first).status, 400);
  const again = await app.request("/v1/steps", file({ w: f32([1]), "w.grad": f32([1]) }, { recipe: adamw }));
  assertEquals(again.status, 200);
  assert(/^glissade_bytes_in_flight 0$/m.test(await (await app.request("/metrics")).text()));
});

test("a tenant that fills most of the room is told so", async () => {
  const hash = Array.from(
    new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode("a"))),
    (byte) => byte.toString(16).padStart(2, "0"),
  ).join("");
  const app = createApp(builtins, { limits: { bytesInFlight: 1_500_000, bodySeconds: 1 }, tokens: { alice: hash } });
  let end = (): void => {};
  const held = new ReadableStream<Uint8Array<ArrayBuffer>>({
    start(controller) {
      controller.enqueue(new Uint8Array(1_000_000));
      end = () => controller.close();
    },
  });
  const first = app.request("/v1/steps", stream(held, { Authorization: "Bearer a" }));
  await new Promise((resolve) => setTimeout(resolve, 100));
  const small = file({ w: f32(Array(150_000).fill(1)), "w.grad": f32(Array(150_000).fill(1)) }, { recipe: adamw }, {
    Authorization: "Bearer a",
  });
  const { status, headers } = await problem(app, "/v1/steps", small);
  assertEquals([status, headers.get("retry-after")], [429, "1"]);
  end();
  await (await first).body?.cancel();
});

test("a large answer is held until it is read, or given up", async () => {
  const app = createApp(builtins);
  const inFlight = async () => Number(/^glissade_bytes_in_flight (\d+)$/m.exec(await (await app.request("/metrics")).text())![1]);
  const ones = Array(300_000).fill(1);
  const ask = () => app.request("/v1/steps", file({ w: f32(ones), "w.grad": f32(ones) }, { recipe: adamw }));
  const read = await ask();
  assert(await inFlight() > 3_600_000);
  assertEquals((await read.arrayBuffer()).byteLength, Number(read.headers.get("content-length")));
  assertEquals(await inFlight(), 0);
  await (await ask()).body!.cancel();
  assertEquals(await inFlight(), 0);
});

test("deep JSON is 400, up to 32 levels are read", async () => {
  const app = createApp(builtins);
  const post = (body: string, path = "/v1/steps") =>
    problem(app, path, { method: "POST", headers: { "Content-Type": "application/json" }, body });
  const nested = (depth: number) => "[".repeat(depth) + "]".repeat(depth);
  assertEquals((await post(nested(32))).status, 422);
  assertEquals((await post(nested(33))).status, 400);
  assertEquals((await post("[".repeat(5_000_000))).status, 400);
  assertEquals((await post(`"\\"${"[".repeat(50)}"`)).status, 422);
  assertEquals((await post(`{"schedule":${nested(40)}}`, "/v1/curves")).status, 400);
  const recipe = `{"optimizer":${nested(40)}}`;
  assertEquals((await problem(app, "/v1/steps", file({ w: f32([1]), "w.grad": f32([1]) }, { recipe }))).status, 400);
  const asked = encodeURIComponent(nested(40).replaceAll("[", `{"a":`).replaceAll("]", "}"));
  assertEquals((await problem(app, `/v1/curves?step=1&schedule=${asked}`)).status, 400);
});

test("JSON has no NaN, no infinity and no broken UTF-8", async () => {
  const app = createApp(builtins);
  for (const [data, status] of [["NaN", 400], ["1e999", 422], ["-1e999", 422], [`"1"`, 422]] as const) {
    const body = `{"recipe":${adamw},"tensors":{"w":{"shape":[1],"data":[${data}]},"w.grad":{"shape":[1],"data":[1]}}}`;
    const answer = await problem(app, "/v1/steps", { method: "POST", headers: { "Content-Type": "application/json" }, body });
    assertEquals(answer.status, status, data);
  }
  const body = new Uint8Array([0x7b, 0x22, 0xff, 0x22, 0x7d]);
  assertEquals((await problem(app, "/v1/steps", { method: "POST", headers: { "Content-Type": "application/json" }, body })).status, 400);
});

test("JSON holds 64 Ki elements", async () => {
  const app = createApp(builtins);
  const body = (count: number) => {
    const tensor = { shape: [count], data: Array(count).fill(0.5) };
    return json({ recipe: JSON.parse(adamw), tensors: { w: tensor, "w.grad": tensor } });
  };
  assertEquals((await app.request("/v1/steps", body(32_768))).status, 200);
  assertEquals((await problem(app, "/v1/steps", body(32_769))).status, 413);
});

test("the number of tensors, groups and what they match is bounded", async () => {
  const app = createApp(builtins);
  const many = Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [`t${i}`, { shape: [0], data: [] }]));
  assertEquals((await problem(app, "/v1/steps", json({ recipe: JSON.parse(adamw), tensors: many }))).status, 422);
  const files = Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [`t${i}`, f32([])]));
  assertEquals((await problem(app, "/v1/steps", file(files, { recipe: adamw }))).status, 400);
  const w = { shape: [1], data: [1] };
  const step = (groups: unknown[], name = "w") =>
    json({ recipe: { ...JSON.parse(adamw), groups }, tensors: { [name]: w, [`${name}.grad`]: w } });
  assertEquals((await problem(app, "/v1/steps", step(Array(17).fill({ match: ["w"] })))).errors?.[0].pointer, "/recipe/groups");
  const begin = performance.now();
  const wild = step(Array(16).fill({ match: { glob: `${"*a".repeat(10_000)}b` } }), "a".repeat(500));
  assertEquals((await problem(app, "/v1/steps", wild)).errors?.[0].pointer, "/recipe/groups");
  assert(performance.now() - begin < 2000);
});

test("the numbers in one answer are bounded", async () => {
  const app = createApp(builtins);
  const bases = (count: number) => Array(count).fill("1").join();
  assertEquals((await app.request(`/v1/schedules/constant?from=0&to=9999&every=1&lr=${bases(32)}`)).status, 200);
  assertEquals((await problem(app, `/v1/schedules/constant?from=0&to=9999&every=1&lr=${bases(33)}`)).status, 400);
  assertEquals((await problem(app, `/v1/schedules/constant?step=1&lr=${bases(65)}`)).status, 400);
});

test("answers by URL are kept when they are asked for again, within their bounds", async () => {
  const app = createApp(builtins, { limits: { cacheBytes: 20_000 } });
  const hits = async () =>
    Number(/^glissade_http_cache_total\{result="hit"\} (\d+)$/m.exec(await (await app.request("/metrics")).text())![1]);
  const ask = (step: number) => app.request(`/v1/schedules/constant?step=${step}`);
  await ask(0);
  await ask(0); // is kept now: what comes once is not worth its room
  assertEquals(await hits(), 0);
  await ask(0);
  assertEquals(await hits(), 1);
  for (let step = 1; step < 100; step++) await ask(step);
  await ask(0); // those that came once have not taken its room
  assertEquals(await hits(), 2);
  for (let step = 1; step < 100; step++) await ask(step);
  await ask(99);
  assertEquals(await hits(), 3);
  await ask(0); // the oldest went first
  assertEquals(await hits(), 3);
});

test("who claims much and stalls holds about what was sent, and others are served", async () => {
  const app = createApp(builtins, { limits: { bodySeconds: 1 } });
  const used = async () => Number(/^glissade_bytes_in_flight (\d+)$/m.exec(await (await app.request("/metrics")).text())![1]);
  const claimed = { "Content-Length": String(20 * 2 ** 20) };
  const stalled = Array.from({ length: 2 }, () => {
    const { body } = slowBody([new Uint8Array(70_000)], 0);
    const endless = body.pipeThrough(new TransformStream({ flush: () => new Promise(() => {}) }));
    return problem(app, "/v1/steps", stream(endless, claimed));
  });
  await new Promise((resolve) => setTimeout(resolve, 200));
  assert(await used() < 2 ** 20, `${await used()} bytes`);
  const w = f32([1]);
  assertEquals((await app.request("/v1/steps", file({ w, "w.grad": w }, { recipe: adamw }))).status, 200);
  assertEquals((await Promise.all(stalled)).map(({ status }) => status), [408, 408]);
  assertEquals(await used(), 0);
});

test("a large answer is held until it is read", async () => {
  const app = createApp(builtins);
  const used = async () => Number(/^glissade_bytes_in_flight (\d+)$/m.exec(await (await app.request("/metrics")).text())![1]);
  const answer = await app.request(`/v1/schedules/constant?from=0&to=9999&every=1&lr=${Array(16).fill("0.12345").join()}`);
  const length = Number(answer.headers.get("content-length"));
  assert(length > 2 ** 20);
  assertEquals(await used(), length);
  assertEquals((await answer.text()).length, length);
  assertEquals(await used(), 0);
  const small = createApp(builtins, { limits: { bytesInFlight: 2 ** 20 } });
  const busy = await problem(small, `/v1/schedules/constant?from=0&to=9999&every=1&lr=${Array(16).fill("0.12345").join()}`);
  assertEquals([busy.status, busy.headers.get("retry-after")], [503, "1"]);
});

test("a name of many dots costs no time", async () => {
  const app = createApp(builtins);
  const w = { shape: [1], data: [1] };
  const begin = performance.now();
  const tensors = { w, "w.grad": w, [`x${".".repeat(200_000)}`]: w };
  assertEquals((await problem(app, "/v1/steps", json({ recipe: JSON.parse(adamw), tensors }))).status, 422);
  assertEquals(
    (await problem(app, "/v1/steps", file({ w: f32([1]), "w.grad": f32([1]), [`x${".".repeat(200_000)}`]: f32([1]) }, { recipe: adamw })))
      .status,
    422,
  );
  assert(performance.now() - begin < 1000);
});

test("what a client sent comes back in errors cut short", async () => {
  const app = createApp(builtins);
  const w = { shape: [1], data: [1] };
  const recipe = { optimizer: { name: "adamw", options: { ["x".repeat(1_000_000)]: 1 } } };
  const answer = await app.request("/v1/steps", json({ recipe, tensors: { w, "w.grad": w } }));
  assertEquals(answer.status, 422);
  assert((await answer.text()).length < 5000);
});

test("larger bodies get room for their answers without being asked for it", async () => {
  const app = createApp(builtins, { limits: { bodyBytes: 64 * 2 ** 20 } });
  const w = { data: new Float32Array(5 * 2 ** 20), shape: [5 * 2 ** 20], dtype: "float32" as const };
  const answer = await app.request("/v1/steps", file({ w, "w.grad": w }, { recipe: JSON.stringify({ optimizer: { name: "adafactor" } }) }));
  assertEquals(answer.status, 200);
  await answer.body?.cancel();
});

test("patterns that could take for ever are not run for others, in an optimizer's options as little as in a group's", async () => {
  const app = createApp(builtins);
  const name = `${"a".repeat(40)}b`;
  const w = { shape: [1], data: [1] };
  const ask = (options: object, groups: object[] = []) =>
    json({ recipe: { optimizer: { name: "adam_weight_decay", options }, groups }, tensors: { [name]: w, [`${name}.grad`]: w } });
  const begin = performance.now();
  for (
    const pattern of [
      "(a+)+$",
      "a*a*a*$",
      "(a|a){40}$",
      { source: "(a+)+$", flags: "" },
      "(a)\\1",
      `${"(a|aa)".repeat(40)}b`,
      "a|b",
      "[ab]",
    ]
  ) {
    const lists = { weightDecayRate: 0.1, excludeFromWeightDecay: ["bias", pattern] };
    const answer = await problem(app, "/v1/steps", ask(lists));
    assertEquals([answer.status, answer.errors?.[0].pointer], [422, "/recipe/optimizer/options/excludeFromWeightDecay/1"]);
    const grouped = await problem(app, "/v1/steps", ask({}, [{ match: [name], options: lists }]));
    assertEquals([grouped.status, grouped.errors?.[0].pointer], [422, "/recipe/groups/0/options/excludeFromWeightDecay/1"]);
  }
  assertEquals((await problem(app, "/v1/steps", ask({ includeInWeightDecay: Array(65).fill("a") }))).status, 422);
  assert(performance.now() - begin < 1000);
  const plain = ask({
    weightDecayRate: 0.1,
    includeInWeightDecay: null,
    excludeFromWeightDecay: ["LayerNorm", "^bias$", "a.b", "a\\.b:0"],
  });
  assertEquals((await app.request("/v1/steps", plain)).status, 200);
});

test("an empty tensor takes no memory by its other dimension", async () => {
  const app = createApp(builtins);
  const recipe = { optimizer: { name: "adafactor" } };
  const w = { shape: [50_000_000, 0], data: [] };
  const answer = await problem(app, "/v1/steps", json({ recipe, tensors: { w, "w.grad": w } }));
  assertEquals([answer.status, answer.errors?.[0].pointer], [422, "/tensors/w/shape"]);
  const empty = { data: new Float32Array(0), shape: [50_000_000, 0], dtype: "float32" as const };
  assertEquals((await problem(app, "/v1/steps", file({ w: empty, "w.grad": empty }, { recipe: JSON.stringify(recipe) }))).status, 422);
  const few = { data: new Float32Array(0), shape: [10, 0], dtype: "float32" as const };
  assertEquals((await app.request("/v1/steps", file({ w: few, "w.grad": few }, { recipe: JSON.stringify(recipe) }))).status, 200);
});

test("a long number costs no time", async () => {
  const app = createApp(builtins);
  const begin = performance.now();
  for (const name of ["numWarmupSteps", "lr"]) {
    const long = `${"1".repeat(200_000)}x`;
    assertEquals((await problem(app, `/v1/schedules/linear?numTrainingSteps=1&step=1&${name}=${long}`)).status, 400);
  }
  assert(performance.now() - begin < 500);
});

test("a step whose state could never be sent is 413, not busy", async () => {
  const app = createApp(builtins, { limits: { bodyBytes: 2 ** 20, bytesInFlight: 2 * 2 ** 20 } });
  const w = { data: new Uint16Array(200_000), shape: [200_000], dtype: "bfloat16" as const };
  const recipe = JSON.stringify({ optimizer: { name: "adamw_torch", options: { stateDtype: "float32", amsgrad: true } } });
  assertEquals((await problem(app, "/v1/steps", file({ w, "w.grad": w }, { recipe }))).status, 413);
});

test("unread answers fill their own budget; steps and the page go on", async () => {
  const app = createApp(builtins, { page: "x".repeat(300_000), limits: { bytesInFlight: 2 ** 20 } });
  const curve = `/v1/schedules/constant?from=0&to=9999&lr=${Array(5).fill("0.123").join()}`;
  const unread = await Promise.all(Array.from({ length: 4 }, () => app.request(curve)));
  const statuses = unread.map(({ status }) => status);
  assertEquals([statuses[0], statuses[3]], [200, 503]);
  const pages = await Promise.all(Array.from({ length: 50 }, () => app.request("/")));
  assertEquals(pages.map(({ status }) => status), Array(50).fill(200));
  assertEquals((await pages[49].text()).length, 300_000);
  const w = { data: new Float32Array(30_000).fill(1), shape: [30_000], dtype: "float32" as const };
  const step = await app.request("/v1/steps", file({ w, "w.grad": w }, { recipe: adamw }));
  assertEquals(step.status, 200);
  for (const { body } of [...unread, ...pages.slice(0, 49), step]) await body?.cancel();
  assertEquals((await app.request(curve)).status, 200);
});

test("limits are finite", () => {
  for (const limits of [{ bodyBytes: Infinity }, { bodySeconds: Infinity }, { points: NaN }, { tensors: -1 }]) {
    assertThrows(() => createApp(builtins, { limits }), RangeError, "Cannot use limit");
  }
});
