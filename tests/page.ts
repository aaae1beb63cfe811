/**
 * The page of the service as one HTML text: plugins/http/page/ in a bundle, its digits and its style with it.
 *
 * @module
 */
import { buildSync } from "esbuild";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const folder = "plugins/http/page";

/** The page, with the plugins that an entry starts it with. */
export function bundlePage(entry = `${folder}/main.ts`): string {
  const { outputFiles } = buildSync({
    entryPoints: [entry, `${folder}/style.css`],
    absWorkingDir: root,
    outdir: join(root, "dist"),
    bundle: true,
    write: false,
    format: "iife",
    target: ["es2022", "chrome111", "firefox113", "safari16.4"],
    minify: true,
    charset: "utf8",
    legalComments: "none",
  });
  const made = (end: string): string => outputFiles.find(({ path }) => path.endsWith(end))!.text.trim();
  const script = made(".js");
  const style = made(".css");
  const hash = (text: string): string => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
  // The service sends a policy too, which must let any page run; this one lets this page run.
  const policy = [
    "default-src 'none'",
    `script-src ${hash(script)} 'wasm-unsafe-eval'`,
    `style-src ${hash(style)}`,
    // The library's threads, which come from the script above.
    "worker-src blob:",
    "img-src 'self' data:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
  ].join("; ");
  const { version } = JSON.parse(readFileSync(join(root, "deno.json"), "utf8"));
  const digits = readFileSync(join(root, "examples/digits/data/digits.csv.gz")).toString("base64");
  const license = readFileSync(join(root, "node_modules/uplot/LICENSE"), "utf8").trim();
  let html = readFileSync(join(root, folder, "page.html"), "utf8").replace(/^\s+/gm, "");
  const put = (place: string, text: string): void => {
    if (html.split(place).length !== 2) throw new Error(`Cannot make the page: ${place} must stand in page.html once`);
    html = html.replace(place, () => text);
  };
  put("POLICY", policy);
  put("VERSION", version);
  put("<head>", `<!--\nWith uPlot, https://github.com/leeoniya/uPlot:\n${license}\n-->\n<head>`);
  put("<style></style>", `<style>${style}</style>`);
  put('id="digits"></script>', `id="digits">${digits}</script>`);
  put("<script></script>", `<script>${script}</script>`);
  return html;
}

/** plugins/http/page.ts: the page as a module. */
export function pageModule(): string {
  return [
    "// Made from plugins/http/page/ by `deno task build`; a test compares them. Do not edit.",
    "",
    "/**",
    " * The page of the service as one HTML text, for `createApp`'s option `page`: schedules to see and compare, and a live run. It needs nothing else.",
    " *",
    " * @module",
    " */",
    "",
    "/** HTML with script, style and data inside. */",
    `export const page: string = ${JSON.stringify(bundlePage())};`,
    "",
  ].join("\n");
}
