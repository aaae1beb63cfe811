/**
 * The library in browsers: each that this machine has opens a page with and one without cross-origin isolation, and the service's page. The pages send
 * what they find, which must be what this runtime finds too.
 *
 * @module
 */
import { buildSync } from "esbuild";
import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { builtins } from "../../mod.ts";
import { createApp } from "../../plugins/http/mod.ts";
import { type Browser, browsers } from "../browsers.ts";
import { outcome } from "../core/resume_recorded.ts";
import { read, root } from "../generated.ts";
import { listen } from "../listen.ts";
import { bundlePage } from "../page.ts";
import type { Computed } from "./browser_program.ts";
import type { Report } from "./browser_report.ts";
import type { Shown } from "./browser_service_page.ts";
import { takeSteps } from "./browser_steps.ts";
import { scheduleBits } from "./schedule_samples.ts";

/** What the pages of a browser have found. */
interface Found {
  readonly isolated: Report<Computed>;
  readonly plain: Report<Computed>;
  readonly service: Report<Shown>;
}

const paths = { isolated: "/isolated", plain: "/plain", service: "/" } as const;
/** Milliseconds from one page's report to the next one's. */
const patience = 60_000;
const isolation = { "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp" };
const html = '<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><script type="module" src="/program.js"></script>';

/** The program of the pages, as a user's bundler makes it: with `using` lowered, since no browser of some years has it. */
function bundleProgram(): string {
  const { outputFiles: [{ text }] } = buildSync({
    entryPoints: ["tests/plugins/browser_program.ts"],
    absWorkingDir: root,
    // The tests' stand-in for @std/assert asks Node how values look; in a page nothing is shown.
    alias: { "@std/assert": "./tests/plugins/browser_assert.ts" },
    bundle: true,
    write: false,
    minify: true,
    format: "esm",
    target: "es2022",
  });
  return text;
}

let program: string | undefined;
let servicePage: string | undefined;

/** Has a browser open the pages, one after the other. */
async function openIn(browser: Browser): Promise<Found> {
  program ??= bundleProgram();
  servicePage ??= bundlePage("tests/plugins/browser_service_page.ts");
  const app = createApp(builtins, { page: servicePage });
  const kinds = Object.keys(paths) as (keyof Found)[];
  const reports: unknown[] = [];
  let heard = (): void => {};
  const server = await listen(async (request) => {
    const { pathname } = new URL(request.url);
    const type = (type: string): Record<string, string> => ({ "Content-Type": type, ...(pathname !== paths.plain && isolation) });
    if (pathname === paths.isolated || pathname === paths.plain) return new Response(html, { headers: type("text/html") });
    if (pathname === "/program.js") return new Response(program, { headers: type("text/javascript") });
    if (pathname !== "/report") return await app.fetch(request);
    reports.push(await request.json());
    heard();
    return new Response(reports.length < kinds.length ? paths[kinds[reports.length]] : "");
  });
  try {
    const opened = await browser.open(server.origin + paths[kinds[0]]);
    try {
      while (reports.length < kinds.length) {
        await new Promise<void>((done, fail) => {
          const late = (): void => fail(new Error(`Nothing came from ${paths[kinds[reports.length]]}. The browser says\n${opened.said()}`));
          const timer = setTimeout(late, patience);
          heard = () => {
            clearTimeout(timer);
            done();
          };
        });
      }
    } finally {
      await opened.close();
    }
  } finally {
    await server.close();
  }
  return Object.fromEntries(kinds.map((kind, i) => [kind, reports[i]])) as unknown as Found;
}

let expected: ReturnType<typeof takeSteps> | undefined;

for (const browser of browsers) {
  const { name, missing } = browser;
  // A test's name says why it is skipped, since not every runner's report has a place for reasons.
  if (missing !== undefined) {
    test.skip(`${name}: ${missing}`, () => {});
    continue;
  }
  // In WebKitGTK as it comes, workers of an isolated page get no memory to share.
  const most = name === "WebKitGTK" ? "wasm" : "threads";
  test(`${name}: the default backend is ${most}, in a page that is not isolated wasm, both with our bits; and the service's page draws and trains`, async () => {
    const { isolated, plain, service } = await openIn(browser);
    for (const { at, said, failed } of [isolated, plain, service]) assertEquals([at, failed, said], [at, undefined, []]);
    const { bits, ended } = await (expected ??= takeSteps());
    for (const { at, found } of [isolated, plain]) {
      const isIsolated = at === paths.isolated;
      const backend = isIsolated ? most : "wasm";
      assertEquals([at, found!.isolated], [at, isIsolated]);
      assertEquals([at, found!.resumed], [at, outcome]);
      assertEquals({ at, ...found!.steps, byWorkers: 0 }, { at, backend, bits, ended, byWorkers: 0 });
      assertEquals([at, found!.steps.byWorkers > 0], [at, backend === "threads"]);
    }
    assert(ended.every((message) => message.includes("disposed")), ended.join());
    const kernels = JSON.parse(read("tests/kernels/bits.json"));
    const backends = ["threads", "wasm", "js"].slice(most === "threads" ? 0 : 1);
    assertEquals(isolated.found!.kernels, Object.fromEntries(backends.map((name) => [name, kernels])));
    const schedules = scheduleBits();
    assert(Object.keys(schedules).length > 50);
    assertEquals(isolated.found!.schedules, schedules);
    const { colours, running, paused, reset } = service.found!;
    assert(colours >= 3, `The chart has ${colours} colours of lines`);
    assertEquals(running, "Training …");
    assert(/^Paused at update [1-9]/.test(paused), paused);
    assert(reset.startsWith("Ready."), reset);
  });
}
