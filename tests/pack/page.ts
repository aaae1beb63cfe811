/**
 * The prebuilt module in a page: one request, no bundler, one step in headless Chromium.
 *
 * @module
 */
/// <reference lib="dom" />
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { chromium as playwright } from "playwright-core";
import { chromium, chromiumFlags, missing } from "../chromium.ts";
import { listen } from "../listen.ts";

const html = `<!doctype html>
<title>...</title>
<script type="module">
  import { builtins } from "/bundle.js";
  const w = new Float32Array([1, -2, 3]);
  const optimizer = builtins.createOptimizer("adamw", { w }, { lr: 0.1 });
  optimizer.step({ w: new Float32Array([1, 1, -1]) });
  document.title = optimizer.backend.name + ": " + w.join(" ");
  optimizer.dispose();
</script>`;

/** Opens the page over the module of the package's folder; throws where it gives other numbers than `expected`, or asks for more than the module. */
export async function checkPage(folder: string, expected: string): Promise<string> {
  if (missing !== undefined) return `not tried in a page. ${missing}`;
  const asked: string[] = [];
  // As a site does that wants threads: an isolated page may share memory.
  const isolated = { "cross-origin-opener-policy": "same-origin", "cross-origin-embedder-policy": "require-corp" };
  const server = await listen((request) => {
    const { pathname } = new URL(request.url);
    asked.push(pathname);
    if (pathname === "/") return new Response(html, { headers: { "content-type": "text/html", ...isolated } });
    if (pathname !== "/bundle.js") return new Response("", { status: 404 });
    return new Response(readFileSync(join(folder, "bundle.js")), { headers: { "content-type": "text/javascript", ...isolated } });
  });
  const browser = await playwright.launch({ executablePath: chromium, args: [...chromiumFlags] });
  try {
    const page = await browser.newPage();
    const said: string[] = [];
    page.on("pageerror", (error) => said.push(String(error)));
    await page.goto(server.origin);
    await page.waitForFunction(() => document.title.includes(":"), null, { timeout: 20_000 }).catch(() => {});
    const title = await page.title();
    const more = asked.filter((path) => path !== "/" && path !== "/favicon.ico");
    if (!title.endsWith(`: ${expected}`) || more.join() !== "/bundle.js") {
      throw new Error(`In a page, bundle.js gives ${title}, ${expected} is right; asked for: ${asked.join(" ")}; said: ${said.join("\n")}`);
    }
    return `one step in a page, by one request: ${title}`;
  } finally {
    await browser.close();
    await server.close();
  }
}
