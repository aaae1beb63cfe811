/**
 * The adapter for TensorFlow.js in a page of headless Chromium, bundled as users bundle it.
 *
 * @module
 */
import { buildSync } from "esbuild";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { type Browser, browsers, chromiumWithWebGpu } from "../../browsers.ts";
import { inChromium, missing } from "../../chromium.ts";
import { root } from "../../generated.ts";
import { listen } from "../../listen.ts";
import type { Report } from "../browser_report.ts";
import type { Asked, Found } from "./tfjs_page.ts";

if (missing !== undefined) test.skip(missing, () => {});

const html = '<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><script type="module" src="/program.js"></script>';
const dist = "node_modules/@tensorflow/tfjs-backend-wasm/dist";

/** Opens a page that trains on these backends of tfjs, and holds what it tells. */
async function train(browser: Browser, asked: Asked, runs: string): Promise<void> {
  const { outputFiles: [{ text: program }] } = buildSync({
    entryPoints: ["tests/plugins/adapters/tfjs_page.ts"],
    absWorkingDir: root,
    bundle: true,
    write: false,
    format: "esm",
    platform: "browser",
    target: "es2022",
    logLevel: "error",
  });
  let heard = (_: Report<Found>): void => {};
  const reported = new Promise<Report<Found>>((done) => heard = done);
  const server = await listen(async (request) => {
    const { pathname } = new URL(request.url);
    const type = (type: string) => ({ headers: { "Content-Type": type } });
    if (pathname === "/") return new Response(html, type("text/html"));
    if (pathname === "/program.js") return new Response(program, type("text/javascript"));
    if (pathname === "/digits.csv.gz") return new Response(await readFile(`${root}/examples/digits/data${pathname}`));
    if (/^\/[\w-]+\.wasm$/.test(pathname)) return new Response(await readFile(`${root}/${dist}${pathname}`), type("application/wasm"));
    if (pathname === "/report") heard(await request.json());
    return new Response("");
  });
  const opened = await browser.open(`${server.origin}/?${encodeURIComponent(JSON.stringify(asked))}`);
  let timer: ReturnType<typeof setTimeout> | undefined;
  try {
    const late = new Promise<never>((_, fail) => {
      timer = setTimeout(() => fail(new Error(`Nothing came. The browser says\n${opened.said()}`)), 120_000);
    });
    const { found, failed, said } = await Promise.race([reported, late]);
    assertEquals([failed, said], [undefined, []]);
    const { updates } = asked;
    assertEquals(Object.keys(found!), [...asked.backends]);
    for (const [backend, { losses, resumed, leaks, runs: by }] of Object.entries(found!)) {
      assertEquals([backend, losses.length, resumed.length, leaks, by], [backend, updates, updates, 0, runs]);
      for (const [ours, theirs] of losses) assert(Math.abs(ours / theirs - 1) < 2e-5, `${backend}: ${ours} beside ${theirs}`);
      for (const [loaded, saved] of resumed) assertEquals(loaded, saved);
      assert(resumed[updates - 1][0] < losses[0][0]);
    }
  } finally {
    clearTimeout(timer);
    await opened.close();
    await server.close();
  }
}

inChromium(
  "tfOptimizer() in a page trains as tfjs' Adam does on cpu and wasm, and goes on from what IndexedDB kept",
  () => train(browsers[0], { backends: ["cpu", "wasm"], updates: 10 }, "wasm"),
);

inChromium(
  "tfOptimizer() in a page with WebGPU does so on tfjs' device",
  () => train(chromiumWithWebGpu, { backends: ["webgpu"], updates: 3 }, "webgpu"),
);
