import { connect } from "node:net";
import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { builtins } from "../../../mod.ts";
import { readSafetensors, writeSafetensors } from "../../../plugins/formats/safetensors.ts";
import { createApp } from "../../../plugins/http/mod.ts";
import { page } from "../../../plugins/http/page.ts";
import { f32, file } from "./ask.ts";
import { type Runtime, type Service, startService } from "./serving.ts";

const here = createApp(builtins, { page });
const cosine = "numWarmupSteps=10&numTrainingSteps=100";

/** Runs `check` against the service in a runtime. */
async function serving(runtime: Runtime, check: (service: Service) => Promise<void>): Promise<void> {
  const service = await startService(runtime);
  try {
    await check(service);
  } finally {
    await service.end();
  }
}

/** What comes back over a socket for bytes that no client would send. */
function raw(url: string, text: string, patience = 20_000): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(new URL(url).port), "127.0.0.1", () => socket.write(text));
    let said = "";
    const timer = setTimeout(() => {
      socket.destroy();
      resolve(said);
    }, patience);
    const end = (): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(said);
    };
    socket.on("data", (bytes) => {
      said += bytes;
      if (said.includes(`"instance"`)) end();
    });
    socket.on("end", end);
    socket.on("close", end);
    socket.on("error", () => said ? end() : reject(new Error("no answer")));
  });
}

const recipe = JSON.stringify({
  optimizer: { name: "adamw", options: { lr: 0.1, weightDecay: 0.01 } },
  transforms: [{ name: "clip_global_norm", options: { maxNorm: 1 } }],
});
const wave = (length: number, scale: number) => f32(Array.from({ length }, (_, i) => scale * Math.fround(Math.sin(i))));
const step = (length: number) =>
  file({ w: wave(length, 1), "w.grad": wave(length, 0.3), b: f32([1, -2]), "b.grad": f32([0.5, 1]) }, { recipe });

for (const runtime of ["deno", "bun", "node", "workerd"] as const) {
  test(`${runtime} answers over the wire as the app answers here`, async () => {
    await serving(runtime, async ({ url }) => {
      const paths = [
        "/healthz",
        "/v1/plugins?kind=optimizer",
        `/v1/schedules/cosine?${cosine}&step=7&lr=5e-5,1e-3`,
        `/v1/schedules/cosine.csv?${cosine}&from=0&to=100&every=10`,
        `/v1/schedules/cosine.svg?${cosine}&from=0&to=100&every=1`,
        `/v1/curves?schedule=${encodeURIComponent(`{"name":"constant"}`)}&steps=0,1`,
        "/openapi.json",
        "/",
      ];
      for (const path of paths) {
        const [there, own] = await Promise.all([fetch(url + path), here.request(path)]);
        assertEquals(there.status, 200, path);
        for (const name of ["content-type", "cache-control", "etag", "x-content-type-options"]) {
          assertEquals(there.headers.get(name), own.headers.get(name), `${name} of ${path}`);
        }
        // Node's fetch takes a body apart from what the app sent, so bytes are compared as text.
        assertEquals(await there.text(), await own.text(), path);
      }
      const known = await fetch(`${url}${paths[2]}`);
      await known.body?.cancel();
      const same = await fetch(`${url}${paths[2]}`, { headers: { "If-None-Match": known.headers.get("etag")! } });
      assertEquals([same.status, await same.text()], [304, ""]);
      for (
        const [path, init, status] of [
          ["/nowhere", {}, 404],
          ["/v1/steps", {}, 405],
          ["/v1/schedules/cosine?step=1", {}, 400],
          ["/v1/steps", { method: "POST", headers: { "Content-Type": "text/plain" }, body: "x" }, 415],
        ] as const
      ) {
        const answer = await fetch(url + path, init);
        assertEquals([answer.status, answer.headers.get("content-type")], [status, "application/problem+json"]);
        assertEquals((await answer.json()).instance, answer.headers.get("x-request-id"));
      }
    });
  });

  test(`${runtime} takes a step with the same bits`, async () => {
    await serving(runtime, async ({ url }) => {
      for (const length of [3, 200_000]) {
        const [there, own] = await Promise.all([fetch(`${url}/v1/steps`, step(length)), here.request("/v1/steps", step(length))]);
        const bytes = new Uint8Array(await there.arrayBuffer());
        assertEquals(there.status, 200, there.status === 200 ? "" : new TextDecoder().decode(bytes));
        assertEquals(bytes, new Uint8Array(await own.arrayBuffer()), `${length} elements`);
        assertEquals(readSafetensors(bytes).tensors["w.step"].data[0], 1);
      }
    });
  });
}

for (const runtime of ["deno", "bun"] as const) {
  test(`${runtime} ends in order: open requests are answered first`, async () => {
    const service = await startService(runtime);
    const body = new Uint8Array(step(50_000).body as ArrayBuffer);
    let go = (): void => {};
    const gone = new Promise<void>((resolve) => go = resolve);
    const { hostname, port } = new URL(service.url);
    const answer = new Promise<string>((resolve) => {
      const socket = connect(Number(port), hostname, async () => {
        socket.write(
          `POST /v1/steps HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/octet-stream\r\nContent-Length: ${body.length}\r\n\r\n`,
        );
        socket.write(body.subarray(0, 1000));
        await gone;
        socket.write(body.subarray(1000));
      });
      let said = "";
      socket.on("data", (bytes) => said += bytes.toString("latin1"));
      socket.on("close", () => resolve(said));
    });
    await new Promise((resolve) => setTimeout(resolve, 300));
    const code = service.end("SIGTERM");
    await new Promise((resolve) => setTimeout(resolve, 200));
    go();
    assert((await answer).startsWith("HTTP/1.1 200"));
    assertEquals(await code, 0);
  });

  test(`${runtime} answers what lies, breaks off or stalls, and its memory stays flat`, async () => {
    await serving(runtime, async ({ url, memory }) => {
      const post = (path: string, headers: string, body = "") => `POST ${path} HTTP/1.1\r\nHost: x\r\n${headers}\r\n\r\n${body}`;
      const files = "Content-Type: application/vnd.safetensors";
      const liar = new TextDecoder("latin1").decode(new Uint8Array([0, 0, 0, 0, 1, 0, 0, 0, 0x7b]));
      const deep = "[".repeat(1_000_000);
      const bad: readonly (readonly [why: string, text: string, statuses: readonly number[]])[] = [
        ["claims 4 GB", post("/v1/steps", `${files}\r\nContent-Length: 4294967296`), [413]],
        ["has a header that claims 4 GB", post("/v1/steps", `${files}\r\nContent-Length: ${liar.length}`, liar), [400]],
        ["is deep", post("/v1/steps", `Content-Type: application/json\r\nContent-Length: ${deep.length}`, deep), [400]],
        ["has a negative length", post("/v1/steps", `${files}\r\nContent-Length: -1`), [400]],
        // A header of 10,000 bytes may come; one of 2^62 is refused as soon as its length is read.
        ["stalls", post("/v1/steps", `${files}\r\nContent-Length: 20000000`, "\x10\x27\0\0\0\0\0\0".padEnd(1000, "x")), [408]],
        ["is small and stalls", post("/v1/steps", `${files}\r\nContent-Length: 2000`, "x".repeat(10)), [408]],
        ["lies about its header", post("/v1/steps", `${files}\r\nContent-Length: 20000000`, "x".repeat(1000)), [400]],
        ["stalls in chunks", post("/v1/steps", `${files}\r\nTransfer-Encoding: chunked`, "5\r\nhello\r\n"), [408]],
      ];
      await (await fetch(`${url}/v1/steps`, step(1000))).arrayBuffer();
      for (let i = 0; i < 20; i++) await raw(url, bad[2][1]);
      const before = memory();
      let most = before;
      const watch = setInterval(() => most = Math.max(most, memory()), 50);
      const large = fetch(`${url}/v1/steps`, {
        method: "POST",
        headers: { "Content-Type": "application/octet-stream" },
        body: new Uint8Array(30 * 2 ** 20),
      }).then((answer) => answer.text().then(() => answer.status), () => 0);
      const many = Array.from({ length: 100 }, (_, i) => bad[i % bad.length]);
      const answers = await Promise.all(many.map(async ([why, text, statuses]) => {
        const said = await raw(url, text).catch(() => "");
        const status = Number(/^HTTP\/1\.1 (\d+)/.exec(said)?.[1]);
        return statuses.includes(status) ? "" : `a body that ${why} gets ${said.slice(0, 60)}`;
      }));
      clearInterval(watch);
      assertEquals(answers.filter((wrong) => wrong !== ""), []);
      // A client may see the connection end before it reads the answer.
      assert([413, 0].includes(await large));
      assert(most - before < 64 * 2 ** 20, `${((most - before) / 2 ** 20).toFixed(0)} MiB more`);
      assertEquals((await fetch(`${url}/healthz`)).status, 200);
      assert(/^glissade_bytes_in_flight 0$/m.test(await (await fetch(`${url}/metrics`)).text()));
    });
  });
}

test("a file without a recipe is refused on every runtime with the same words", async () => {
  const body = writeSafetensors({ tensors: { w: f32([1]) }, metadata: {} });
  const init = { method: "POST", headers: { "Content-Type": "application/octet-stream", "X-Request-Id": "same" }, body };
  const own = await (await here.request("/v1/steps", init)).text();
  await serving("workerd", async ({ url }) => {
    assertEquals(await (await fetch(`${url}/v1/steps`, init)).text(), own);
  });
});
