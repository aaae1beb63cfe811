/**
 * Serves the page on loopback: `deno run -A examples/onnx/serve.ts`, then open <http://127.0.0.1:8001/>.
 *
 * @module
 */
import { buildSync } from "esbuild";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

const html = `<!doctype html>
<meta charset="utf-8">
<link rel="icon" href="data:,">
<title>Training with onnxruntime-web</title>
<h1>Training with onnxruntime-web</h1>
<p><output>starting</output></p>
<script type="module" src="/page.js"></script>`;

/** The program as a bundler makes it. */
const program = (): string =>
  buildSync({ entryPoints: [here("page.ts")], bundle: true, write: false, format: "esm", target: "es2022", minify: true }).outputFiles[0]
    .text;

/** Answers a request of the page. */
export async function answer(request: Request): Promise<Response> {
  const { pathname } = new URL(request.url);
  const send = (body: string | Uint8Array<ArrayBuffer>, type: string): Response =>
    new Response(body, { headers: { "Content-Type": type } });
  if (pathname === "/") return send(html, "text/html");
  if (pathname === "/page.js") return send(program(), "text/javascript");
  if (pathname === "/digits.onnx") return send(await readFile(here("digits.onnx")), "application/octet-stream");
  if (pathname === "/digits.csv.gz") return send(await readFile(here("../digits/data/digits.csv.gz")), "application/octet-stream");
  const [, file] = /^\/onnxruntime\/(ort\.(?:wasm|webgpu)\.min\.mjs|ort-wasm-simd-threaded(?:\.asyncify)?\.(?:mjs|wasm))$/.exec(pathname) ??
    [];
  if (file === undefined) return new Response("not found", { status: 404 });
  const type = file.endsWith(".wasm") ? "application/wasm" : "text/javascript";
  return send(await readFile(here(`../../node_modules/onnxruntime-web/dist/${file}`)), type);
}

if (import.meta.main) Deno.serve({ hostname: "127.0.0.1", port: 8001 }, answer);
