import { buildSync } from "esbuild";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { chromium, chromiumFlags, inChromium, missing } from "../chromium.ts";
import { root } from "../generated.ts";
import { scheduleBits } from "./schedule_samples.ts";

/** What a script leaves as the page's text in headless Chromium. */
function runInChromium(script: string): string {
  const folder = mkdtempSync(join(tmpdir(), "chromium-"));
  try {
    const { outputFiles: [{ text }] } = buildSync({
      stdin: { contents: script, resolveDir: root, loader: "ts" },
      bundle: true,
      write: false,
      format: "iife",
      target: "es2022",
    });
    const page = join(folder, "page.html");
    writeFileSync(page, `<!doctype html><meta charset="utf-8"><body></body><script>${text.replaceAll("</script", "<\\/script")}</script>`);
    const dom = execFileSync(chromium!, [
      "--headless",
      ...chromiumFlags,
      `--user-data-dir=${join(folder, "profile")}`,
      "--dump-dom",
      `file://${page}`,
    ], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
      timeout: 120_000,
    });
    return /<pre>([^]*?)<\/pre>/.exec(dom)?.[1] ?? "";
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

if (missing !== undefined) test.skip(missing, () => {});

inChromium("every schedule agrees with headless Chromium, bit for bit", () => {
  const text = runInChromium(`
    import { scheduleBits } from "./tests/plugins/schedule_samples.ts";
    const result = document.createElement("pre");
    result.textContent = Object.values(scheduleBits()).join(" ");
    document.body.append(result);
  `);
  const here = scheduleBits();
  assert(Object.keys(here).length > 50);
  assertEquals(Object.fromEntries(Object.keys(here).map((name, i) => [name, text.split(" ")[i]])), here);
});
