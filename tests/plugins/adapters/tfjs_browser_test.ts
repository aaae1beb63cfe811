/**
 * The adapter for TensorFlow.js in a page of headless Chromium, bundled as users bundle it.
 *
 * @module
 */
import { buildSync } from "esbuild";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { browsers } from "../../browsers.ts";
import { inChromium, missing } from "../../chromium.ts";
import { root } from "../../generated.ts";
import { listen } from "../../listen.ts";
import type { Report } from "../browser_report.ts";
import type { Found } from "./tfjs_page.ts";

if (missing !== undefined) test.skip(missing, () => {});

const html = '<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><script type="module" src="/program.js"></script>';
const dist = "node_modules/@tensorflow/tfjs-backend-wasm/dist";

inChromium("tfOptimizer() in a page trains as tfjs' Adam does on cpu and wasm, and goes on from what IndexedDB kept", async () => {
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
  const opened = await browsers.find(({ name }) => name === "Chromium")!.open(server.origin);
  let timer: ReturnType<typeof setTimeout> | undefined;
  try {
    const late = new Promise<never>((_, fail) => {
      timer = setTimeout(() => fail(new Error(`Nothing came. The browser says\n${opened.said()}`)), 120_000);
    });
    const { found, failed, said } = await Promise.race([reported, late]);
    assertEquals([failed, said], [undefined, []]);
    for (const backend of ["cpu", "wasm"]) {
      const { losses, resumed, leaks, runs } = found![backend];
      assertEquals([backend, losses.length, resumed.length, leaks, runs], [backend, 10, 10, 0, "wasm"]);
      for (const [ours, theirs] of losses) assert(Math.abs(ours / theirs - 1) < 1.2e-5, `${backend}: ${ours} beside ${theirs}`);
      for (const [loaded, saved] of resumed) assertEquals(loaded, saved);
      assert(resumed[9][0] < losses[0][0]);
    }
  } finally {
    clearTimeout(timer);
    await opened.close();
    await server.close();
  }
});
