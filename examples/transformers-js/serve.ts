/**
 * Serves the page on loopback: `deno run -A examples/transformers-js/serve.ts --folder FOLDER`, then open <http://127.0.0.1:8002/>. In FOLDER lie
 * node_modules with `@huggingface/transformers`, and models/encoder: README.md says how they come there.
 *
 * @module
 */
import { buildSync } from "esbuild";
import { readFile } from "node:fs/promises";
import { join, normalize } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const html = `<!doctype html>
<meta charset="utf-8">
<link rel="icon" href="data:,">
<title>A head over frozen embeddings</title>
<h1>What is a sentence about?</h1>
<p><output>loading the encoder</output></p>
<p><label>A sentence: <input size="60" disabled></label></p>
<script type="module" src="/page.js"></script>`;

const types: Readonly<Record<string, string>> = {
  js: "text/javascript",
  mjs: "text/javascript",
  wasm: "application/wasm",
  json: "application/json",
};

/** Where the files of others lie in the folder, by what the page asks for. */
function fileOf(pathname: string): string | undefined {
  if (pathname === "/transformers.js") return "node_modules/@huggingface/transformers/dist/transformers.min.js";
  const [, runtime] = /^\/onnxruntime\/([\w.-]+)$/.exec(pathname) ?? [];
  if (runtime !== undefined) return join("node_modules/onnxruntime-web/dist", runtime);
  return /^\/models\/[\w./-]+$/.test(pathname) && normalize(pathname) === pathname ? pathname.slice(1) : undefined;
}

/** What answers requests of the page. */
export function answering(folder: string): (request: Request) => Promise<Response> {
  const program = (): string => {
    const entryPoints = [fileURLToPath(new URL("page.ts", import.meta.url))];
    return buildSync({ entryPoints, bundle: true, write: false, format: "esm", target: "es2022", minify: true }).outputFiles[0].text;
  };
  return async (request) => {
    const { pathname } = new URL(request.url);
    if (pathname === "/") return new Response(html, { headers: { "Content-Type": "text/html" } });
    if (pathname === "/page.js") return new Response(program(), { headers: { "Content-Type": "text/javascript" } });
    const file = fileOf(pathname);
    const body = file && await readFile(join(folder, file)).catch(() => undefined);
    if (!file || !body) return new Response("not found", { status: 404 });
    return new Response(body, { headers: { "Content-Type": types[file.split(".").pop()!] ?? "application/octet-stream" } });
  };
}

if (import.meta.main) {
  const { values: { folder } } = parseArgs({ options: { folder: { type: "string" } } });
  if (folder === undefined) throw new TypeError("--folder is missing");
  Deno.serve({ hostname: "127.0.0.1", port: 8002 }, answering(join(process.cwd(), folder)));
}
