/**
 * Checkpoints in the Origin Private File System of browsers. WebKitGTK is left out: it has no `navigator.storage`.
 */
import { buildSync } from "esbuild";
import { test } from "node:test";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { type Browser, browsers } from "../../browsers.ts";
import { root } from "../../generated.ts";
import { listen } from "../../listen.ts";
import type { InPage } from "./checkpoints_in_page.ts";

const patience = 90_000;
const html = '<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><script type="module" src="/program.js"></script>';

async function openIn(browser: Browser, kills: number): Promise<InPage> {
  const { outputFiles: [{ text }] } = buildSync({
    entryPoints: ["tests/plugins/formats/checkpoints_in_page.ts"],
    absWorkingDir: root,
    bundle: true,
    write: false,
    format: "esm",
    target: "es2022",
  });
  let last = "";
  let report = (_: InPage): void => {};
  const reported = new Promise<InPage>((resolve) => report = resolve);
  const server = await listen(async (request) => {
    const { pathname } = new URL(request.url);
    if (pathname === "/program.js") return new Response(text, { headers: { "Content-Type": "text/javascript" } });
    if (pathname.startsWith("/at/")) last = decodeURIComponent(pathname);
    if (pathname !== "/report") return new Response(html, { headers: { "Content-Type": "text/html" } });
    report(await request.json() as InPage);
    return new Response("");
  });
  try {
    const opened = await browser.open(`${server.origin}/?kills=${kills}`);
    let timer;
    try {
      const late = new Promise<never>((_, reject) =>
        timer = setTimeout(() => reject(new Error(`nothing came after ${last}; the browser says\n${opened.said()}`)), patience)
      );
      return await Promise.race([reported, late]);
    } finally {
      clearTimeout(timer);
      await opened.close();
    }
  } finally {
    await server.close();
  }
}

for (const browser of browsers.filter(({ name }) => !name.startsWith("WebKit"))) {
  const { name, missing } = browser;
  if (missing !== undefined) {
    test.skip(`${name}: ${missing}`, () => {});
    continue;
  }
  // In Firefox 153 a worker that is ended while it writes leaves the page's files, once in some fifty times, so that the next worker waits for them without end.
  const kills = name === "Chromium" ? 12 : 0;
  test(`${name}: checkpoints are kept in the page's own files${kills > 0 ? ", whole when a worker is ended while it saves" : ""}`, async () => {
    const { failed, nothing, first, overlapping, skipped, unfinished, message, ended } = await openIn(browser, kills);
    assertEquals(failed, undefined);
    assertEquals(nothing, null);
    assertEquals(first, { path: "", steps: 1, extra: { batch: 1 }, isPath: true });
    assertEquals(overlapping, [[3, 4, 5], 5]);
    assertEquals(skipped, [4, [true]]);
    assertEquals(unfinished, [4, 3, 5]);
    assertStringIncludes(message!, "extra = NaN");
    assertEquals(ended!.length, kills);
    let before = 0;
    for (const [safe, found] of ended!) {
      // One more may have been whole before it could say so, and its message come no more.
      assert(found >= safe && found >= before, `${found} is found after ${safe}: ${JSON.stringify(ended)}`);
      before = found;
    }
  });
}
