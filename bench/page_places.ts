/// <reference lib="dom" />
/**
 * How long the page's runs take where its visitor may let them run: on the browser's GPU, on WebAssembly, in plain JavaScript.
 *
 *     deno run -A bench/page_places.ts [--updates 100] [--rounds 3] [--feign] [--json]
 *
 * Chromium (`CHROMIUM`, or at the usual places) opens the page as it is built now and trains both runs that a visitor finds, once on each place to make it
 * ready and then in rounds. With `--feign` SwiftShader is the GPU. Besides: what the page weighs.
 *
 * @module
 */
import process from "node:process";
import { parseArgs } from "node:util";
import { gzipSync } from "node:zlib";
import { chromium as playwright } from "playwright-core";
import { builtins } from "../mod.ts";
import { createApp } from "../plugins/http/mod.ts";
import { chromium, chromiumFlags, missing, webGpuFlags } from "../tests/chromium.ts";
import { listen } from "../tests/listen.ts";
import { bundlePage } from "../tests/page.ts";
import { machine } from "./host.ts";
import { median, table } from "./measure.ts";

const { values } = parseArgs({
  options: {
    updates: { type: "string", default: "100" },
    rounds: { type: "string", default: "3" },
    feign: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
  },
});
if (missing !== undefined) {
  console.error(missing);
  process.exit(1);
}
const updates = Number(values.updates);
const page = bundlePage();
const server = await listen(createApp(builtins, { page }).fetch);
const flags = values.feign ? webGpuFlags : [...chromiumFlags.filter((flag) => flag !== "--disable-gpu"), "--enable-unsafe-webgpu"];
const browser = await playwright.launch({ executablePath: chromium, args: [...flags] });
const tab = await browser.newPage();
await tab.goto(`${server.origin}/#to=1000&lr=1e-3&updates=${updates}`);
await tab.waitForFunction(() => !document.querySelector<HTMLButtonElement>("#start")!.disabled);
// The browser may take its time to look for a GPU.
await tab.waitForTimeout(1000);

/** Seconds of one training, from the button to the last update. */
async function train(): Promise<number> {
  const before = performance.now();
  await tab.click("#start");
  await tab.waitForFunction(() => /^Done/.test(document.querySelector("#run-status")!.textContent!), undefined, { timeout: 600_000 });
  return (performance.now() - before) / 1000;
}

const results: { readonly words: string; readonly first: number; readonly seconds: number }[] = [];
for (const label of await tab.locator("#places label").all()) {
  await label.click();
  const first = await train();
  const rounds: number[] = [];
  for (let i = 0; i < Number(values.rounds); i++) rounds.push(await train());
  const words = (await tab.locator("#place-words").textContent())!;
  results.push({ words: words.slice(0, words.indexOf(". ") + 1) || words, first, seconds: median(rounds) });
}
await browser.close();
await server.close();

const weight = { bytes: page.length, gzipped: gzipSync(page, { level: 9 }).length };
if (values.json) console.log(JSON.stringify({ machine, updates, results, weight }, null, 2));
else {
  console.log(`${machine.cpu}, ${machine.cores} cores; seconds for ${updates} updates of both runs, the first time and then (median)\n`);
  console.log(table(["place", "first", "then"], results.map(({ words, first, seconds }) => [words, first.toFixed(2), seconds.toFixed(2)])));
  console.log(`\nThe page has ${(weight.bytes / 1000).toFixed(1)} kB, ${(weight.gzipped / 1000).toFixed(1)} kB with gzip.`);
}
