/**
 * What the library adds to a page or a worker: `deno run -A bench/sizes.ts`. Bytes as esbuild bundles and minifies what a program imports, and with gzip.
 *
 * A step needs core and its kernels, whatever the optimizer: they are most of it. `--json` prints numbers alone. `deno task build` keeps README's table.
 *
 * @module
 */
import { buildSync } from "esbuild";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const root = fileURLToPath(new URL("..", import.meta.url));

/** Programs by what they use. */
export const programs: Readonly<Record<string, string>> = {
  "a schedule by itself (linear)": `import { linear } from "./plugins/schedules/linear.ts"; export { linear };`,
  "core, without plugins": `export * from "./core/mod.ts";`,
  "one optimizer (adamw)": `
    import { createOptimizer } from "./core/mod.ts";
    import { adamw } from "./plugins/optimizers/adamw.ts";
    export const make = (params) => createOptimizer(adamw, params);`,
  "one optimizer, one schedule, clipping": `
    import { createRegistry } from "./core/mod.ts";
    import { adamw } from "./plugins/optimizers/adamw.ts";
    import { linear } from "./plugins/schedules/linear.ts";
    import { clipGlobalNorm } from "./plugins/transforms/clip_global_norm.ts";
    export const registry = createRegistry([adamw, linear, clipGlobalNorm]);`,
  "everything (the main entry point)": `export * from "./mod.ts";`,
  "an adapter (jax-js), with all plugins": `export * from "./plugins/adapters/jax_js.ts";`,
  "an adapter (onnxruntime), with all plugins": `export * from "./plugins/adapters/onnxruntime.ts";`,
  "an adapter (tfjs), with all plugins": `export * from "./plugins/adapters/tfjs/mod.ts";`,
  "safetensors": `export * from "./plugins/formats/safetensors.ts";`,
  "checkpoints": `export * from "./plugins/formats/checkpoints.ts";`,
  "the service, with Hono and all plugins": `
    import { builtins } from "./mod.ts";
    import { createApp } from "./plugins/http/mod.ts";
    export default createApp(builtins);`,
};

/** Minified, and with gzip. */
export interface Size {
  readonly bytes: number;
  readonly gzip: number;
}

/** Sizes of the programs. */
export function sizes(): Record<string, Size> {
  return Object.fromEntries(
    Object.entries(programs).map(([name, contents]) => {
      const { outputFiles: [{ contents: code }] } = buildSync({
        stdin: { contents, resolveDir: root, sourcefile: "program.ts" },
        bundle: true,
        minify: true,
        write: false,
        format: "esm",
        target: "es2022",
        legalComments: "none",
        nodePaths: [join(root, "node_modules")],
      });
      return [name, { bytes: code.length, gzip: gzipSync(code, { level: 9 }).length }];
    }),
  );
}

const kilo = (bytes: number): string => (bytes / 1000).toFixed(bytes < 10_000 ? 1 : 0);
const begin = "| a program that uses";

/** A document with the table of sizes in it, written anew where a number has become wrong by more than a twentieth: not every change is worth a line. */
export function withSizes(text: string): string {
  const [before, rest] = text.split(begin);
  const [, ...after] = rest.split("\n\n");
  const found = Object.entries(sizes());
  const said = rest.split("\n\n")[0].split("\n").slice(2).map((row) => row.split("|").slice(1, -1).map((cell) => cell.trim()));
  const isNear = (cell: string, bytes: number) => Math.abs(Number(cell) * 1000 - bytes) <= Math.max(bytes / 20, 100);
  const holds = said.length === found.length &&
    found.every(([name, { bytes, gzip }], i) => said[i][0] === name && isNear(said[i][1], bytes) && isNear(said[i][2], gzip));
  if (holds) return text;
  const rows = [[begin.slice(2), "minified", "gzip"], ...found.map(([name, { bytes, gzip }]) => [name, kilo(bytes), kilo(gzip)])];
  const widths = [0, 1, 2].map((i) => Math.max(...rows.map((row) => row[i].length)));
  const lines = [rows[0], widths.map((width) => "-".repeat(width)), ...rows.slice(1)].map((row) =>
    `| ${row.map((cell, i) => cell.padEnd(widths[i])).join(" | ")} |`
  );
  return [before + lines.join("\n"), ...after].join("\n\n");
}

if (import.meta.main) {
  const found = sizes();
  if (process.argv.includes("--json")) console.log(JSON.stringify(found, null, 2));
  else {
    console.log(`${"".padEnd(42)}    kB   gzip`);
    for (const [name, { bytes, gzip }] of Object.entries(found)) {
      console.log(`${name.padEnd(42)} ${kilo(bytes).padStart(5)} ${kilo(gzip).padStart(6)}`);
    }
  }
}
