/**
 * Bounds of the service at their very edge: the last thing that is allowed, and the first that is not.
 *
 * @module
 */
import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { builtins } from "../../../mod.ts";
import { createCache } from "../../../plugins/http/guard/cache.ts";
import { createApp } from "../../../plugins/http/mod.ts";
import { get, json, problem } from "./ask.ts";

const app = createApp(builtins);

// ---- points

const ranges: readonly (readonly [query: string, points: number])[] = [
  ["from=0&to=9999&every=1", 10_000],
  ["from=1&to=10000&every=1", 10_000],
  ["from=0&to=10000&every=1", 10_001],
  ["from=7&to=20005&every=2", 10_000],
  ["from=7&to=20007&every=2", 10_001],
  // A range ends at its last step also where that is no multiple: one point more than whole strides.
  ["from=0&to=19997&every=2", 10_000],
  ["from=0&to=19999&every=2", 10_001],
  ["from=0&to=29996&every=3", 10_000],
  ["from=0&to=29998&every=3", 10_001],
];

for (const [query, points] of ranges) {
  test(`a range of ${points} points is ${points > 10_000 ? "refused" : "answered"}: ${query}`, async () => {
    const path = `/v1/schedules/constant?${query}`;
    if (points > 10_000) {
      const { status, errors } = await problem(app, path);
      assertEquals([status, errors?.[0].name], [400, "every"]);
    } else assertEquals((await get(app, path)).steps.length, points);
    const asked = Object.fromEntries([...new URLSearchParams(query)].map(([name, value]) => [name, Number(value)]));
    const posted = json({ schedule: { name: "constant" }, ...asked });
    if (points > 10_000) assertEquals((await problem(app, "/v1/curves", posted)).errors?.[0].pointer, "/every");
    else assertEquals((await (await app.request("/v1/curves", posted)).json()).steps.length, points);
  });
}

test("a list of 10,000 points is answered and of 10,001 refused, in a query and in a body", async () => {
  for (const count of [10_000, 10_001]) {
    const steps = Array.from({ length: count }, () => 1);
    const answers = [
      await app.request(`/v1/schedules/constant?steps=${steps}`),
      await app.request("/v1/curves", json({ schedule: { name: "constant" }, steps })),
    ];
    assertEquals(answers.map(({ status }) => status), count > 10_000 ? [400, 422] : [200, 200]);
    for (const answer of answers) await answer.text();
  }
});

test("limits of points and of values are the app's own", async () => {
  const own = createApp(builtins, { limits: { points: 3, values: 4 } });
  const statuses = async (...queries: string[]) =>
    await Promise.all(queries.map(async (query) => (await own.request(`/v1/schedules/constant?${query}`)).status));
  assertEquals(await statuses("steps=0,1,2", "steps=0,1,2,3", "from=0&to=2&every=1", "from=0&to=3&every=1"), [200, 400, 200, 400]);
  assertEquals(await statuses("steps=0,1&lr=1,2", "steps=0,1&lr=1,2,3", "steps=0,1,2&lr=1", "steps=0,1,2&lr=1,2"), [200, 400, 200, 400]);
});

// ---- a stranger's patterns

const patterns: readonly (readonly [pattern: string, runs: boolean])[] = [
  ["bias", true],
  ["bias$", true],
  ["^bias", true],
  ["^bias$", true],
  ["a.b", true],
  ["a\\.b", true],
  ["a\\+b", true],
  ["a+", false],
  ["a+b", false],
  ["a*", false],
  ["a?", false],
  ["a{2}", false],
  ["[a]", false],
  ["(a)", false],
  ["a|b", false],
  ["a$b", false],
  ["a^b", false],
  ["\\w", false],
  ["\\d", false],
  ["\\1", false],
  ["a\\", false],
];

for (const [pattern, runs] of patterns) {
  test(`a stranger's pattern ${pattern} is ${runs ? "run" : "refused"}`, async () => {
    for (const given of [pattern, { source: pattern, flags: "" }]) {
      const options = { weightDecayRate: 0.1, excludeFromWeightDecay: ["x", given] };
      const body = json({
        recipe: { optimizer: { name: "adam_weight_decay", options } },
        tensors: { w: { shape: [1], data: [1] }, "w.grad": { shape: [1], data: [1] } },
      });
      if (runs) assertEquals((await app.request("/v1/steps", body)).status, 200);
      else {
        const { status, errors } = await problem(app, "/v1/steps", body);
        assertEquals([status, errors?.[0].pointer], [422, "/recipe/optimizer/options/excludeFromWeightDecay/1"]);
      }
    }
  });
}

// ---- validators

test("every answer with a validator answers it with 304, weak or strong, alone or in a list", async () => {
  for (
    const path of ["/", "/openapi.json", "/v1/plugins", "/v1/schedules/constant?step=1", '/v1/curves?schedule={"name":"constant"}&step=1']
  ) {
    const first = await app.request(path);
    await first.text();
    const etag = first.headers.get("etag")!;
    assert(/^"[\w-]+"$/.test(etag), `${path}: ${etag}`);
    const ask = async (condition: string) => {
      const answer = await app.request(path, { headers: { "If-None-Match": condition } });
      return [answer.status, (await answer.text()).length > 0, answer.headers.get("etag")];
    };
    for (const condition of [etag, `W/${etag}`, `"other", ${etag}`, `W/"other",W/${etag}`, `${etag} , "other"`, "*"]) {
      assertEquals(await ask(condition), [304, false, etag], `${path}: ${condition}`);
    }
    for (const condition of [`"other"`, `W/"other"`, etag.slice(1, -1), `w/${etag}`, `W/W/${etag}`, ""]) {
      assertEquals(await ask(condition), [200, true, etag], `${path}: ${condition}`);
    }
  }
});

// ---- the cache

for (const [what, most, longest, count] of [["small", 64 * 1024, 3000, 1000], ["large", 1024 * 1024, 60_000, 200]] as const) {
  test(`a cache of ${what} answers holds as many bytes as it may, the newest answers, and no more`, () => {
    const cache = createCache(most);
    // Random sizes, the same each time.
    let seed = 7;
    const below = (n: number): number => (seed = Math.imul(seed, 1_103_515_245) + 12_345 >>> 0) % n;
    const bytesOf = new Map<string, number>();
    const headers = { "ETag": `"x"`, "Cache-Control": "public" };
    let largest = 0;
    for (let i = 0; i < count; i++) {
      const url = `/${i}${"u".repeat(below(200))}`;
      const body = "b".repeat(what === "large" ? longest : below(longest));
      cache.set(url, { body, headers });
      // At least two bytes for each letter of a URL and one for each of a body.
      bytesOf.set(url, 2 * url.length + body.length);
      largest = Math.max(largest, bytesOf.get(url)!);
      const urls = [...bytesOf.keys()];
      const held = urls.filter((url) => cache.get(url) !== undefined);
      assertEquals(held, urls.slice(urls.length - held.length), "the oldest go first");
      const bytes = held.reduce((sum, url) => sum + bytesOf.get(url)!, 0);
      assert(bytes <= most, `${bytes} bytes are held after ${i + 1} answers`);
      // What is held besides is counted too, but no more than a kilobyte an answer.
      if (held.length < urls.length) assert(bytes + 1024 * (held.length + 1) + largest > most, `${held.length} answers are held`);
      for (const url of urls.slice(0, urls.length - held.length)) bytesOf.delete(url);
    }
    const held = [...bytesOf.keys()];
    assertEquals(cache.get(held.at(-1)!)?.headers, headers);
  });
}

test("a cache keeps an answer that is set again, once", () => {
  const cache = createCache(64 * 1024);
  const headers = { "ETag": `"x"`, "Cache-Control": "public" };
  cache.set("/first", { body: "1".repeat(1000), headers });
  for (let i = 0; i < 200; i++) cache.set("/again", { body: "2".repeat(1000), headers });
  assertEquals([cache.get("/first")?.body.length, cache.get("/again")?.body.length], [1000, 1000]);
});

test("a cache keeps neither an answer that would fill much of it, nor a URL as long as a body", () => {
  const cache = createCache(1024 * 1024);
  const headers = { "ETag": `"x"`, "Cache-Control": "public" };
  const kept = (url: string, length: number): boolean => {
    cache.set(url, { body: "b".repeat(length), headers });
    return cache.get(url) !== undefined;
  };
  assertEquals([kept("/a", 60_000), kept("/b", 70_000), kept("/c", 2_000_000)], [true, false, false]);
  assertEquals([kept(`/${"d".repeat(4000)}`, 1), kept(`/${"e".repeat(4200)}`, 1)], [true, false]);
});

// ---- tokens

test("of many tokens none but a tenant's own opens the gate", async () => {
  const hash = async (token: string) =>
    Array.from(
      new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(token))),
      (byte) => byte.toString(16).padStart(2, "0"),
    ).join("");
  const own = createApp(builtins, { metricsToken: "m-7", tokens: { alice: await hash("a-1"), bob: await hash("b-1") } });
  const ask = async (path: string, token: string) =>
    (await own.request(path, { method: path === "/metrics" ? "GET" : "POST", headers: { Authorization: `Bearer ${token}` } })).status;
  // More than there are first digits of a hash, and of last ones.
  for (let i = 0; i < 100; i++) {
    assertEquals(await ask("/metrics", `m-${i}`), i === 7 ? 200 : 401, `m-${i}`);
    for (const tenant of ["a", "b", "c"]) {
      const status = await ask("/v1/steps", `${tenant}-${i}`);
      assertEquals(status === 401, i !== 1 || tenant === "c", `${tenant}-${i}: ${status}`);
    }
  }
});
