/**
 * Backend "webgpu" in a page of Chromium, on SwiftShader: what the page sends is near what backend "js" computes here.
 *
 * @module
 */
import { buildSync } from "esbuild";
import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { builtins } from "../../mod.ts";
import { chromiumWithWebGpu } from "../browsers.ts";
import { inChromium, missing } from "../chromium.ts";
import { root } from "../generated.ts";
import { listen } from "../listen.ts";
import type { Report } from "./browser_report.ts";
import type { Computed } from "./webgpu_program.ts";
import { run, takeWebGpuSteps, withoutSums } from "./webgpu_steps.ts";

if (missing !== undefined) test.skip(missing, () => {});

/** The page is the same whoever serves it, and SwiftShader takes its time: one of the three runtimes opens it. */
const inDenoAlone = "Deno" in globalThis ? inChromium : test.skip;

/** Milliseconds that a page has: SwiftShader compiles each kernel for the processor. */
const patience = 180_000;

/** What the page of Chromium has found. */
async function visited(): Promise<Report<Computed>> {
  const { outputFiles: [{ text }] } = buildSync({
    entryPoints: ["tests/plugins/webgpu_program.ts"],
    absWorkingDir: root,
    bundle: true,
    write: false,
    minify: true,
    format: "esm",
    target: "es2022",
  });
  let told = (_report: Report<Computed>): void => {};
  const report = new Promise<Report<Computed>>((done) => told = done);
  const html = '<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><script type="module" src="/program.js"></script>';
  const server = await listen(async (request) => {
    const { pathname } = new URL(request.url);
    if (pathname === "/program.js") return new Response(text, { headers: { "Content-Type": "text/javascript" } });
    if (pathname !== "/report") return new Response(html, { headers: { "Content-Type": "text/html" } });
    told(await request.json());
    return new Response("");
  });
  try {
    const opened = await chromiumWithWebGpu.open(`${server.origin}/`);
    const late = new Promise<never>((_, fail) => {
      const timer = setTimeout(() => fail(new Error(`Nothing came. The browser says\n${opened.said()}`)), patience);
      report.finally(() => clearTimeout(timer));
    });
    try {
      return await Promise.race([report, late]);
    } finally {
      await opened.close();
    }
  } finally {
    await server.close();
  }
}

inDenoAlone("A page trains on SwiftShader as backend js does, and the device has nothing to complain of", async () => {
  const { found, failed, said } = await visited();
  assertEquals([failed, said], [undefined, []]);
  const { arithmetic, states, complaints } = found!;
  assertEquals(complaints, []);
  const isPlain = arithmetic.roundsDivision && arithmetic.roundsSqrt && !arithmetic.contracts;
  const expected = await takeWebGpuSteps(builtins, "js");
  assertEquals(Object.keys(states), run);
  for (const [name, tensors] of Object.entries(expected)) {
    for (const [key, want] of Object.entries(tensors)) {
      const got = states[name][key];
      assertEquals(got.length, want.length);
      // Nothing here is subnormal, so that a device which flushes those gives the same bits.
      if (isPlain && withoutSums.includes(name)) {
        assertEquals(got, want, `${name}, ${key}`);
        continue;
      }
      const largest = Math.max(...want.map(Math.abs));
      // Of 16 bits a spacing: patterns next to each other.
      const bound = key === "low" ? 1 : 1e-5 * largest;
      want.forEach((x, i) => assert(Math.abs(got[i] - x) <= bound, `${name}, ${key}[${i}]: ${got[i]} instead of ${x}`));
    }
  }
});
