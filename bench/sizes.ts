/**
 * What the library adds to a page or a worker: `deno run -A bench/sizes.ts`. Bytes as esbuild bundles and minifies what a program imports, and with gzip.
 *
 * A step needs core and its kernels, whatever the optimizer: they are most of it. `--json` prints numbers alone.
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
  "safetensors": `export * from "./plugins/formats/safetensors.ts";`,
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

if (import.meta.main) {
  const found = sizes();
  if (process.argv.includes("--json")) console.log(JSON.stringify(found, null, 2));
  else {
    const kilo = (bytes: number) => (bytes / 1000).toFixed(1).padStart(7);
    console.log(`${"".padEnd(42)}      kB    gzip`);
    for (const [name, { bytes, gzip }] of Object.entries(found)) console.log(`${name.padEnd(42)} ${kilo(bytes)} ${kilo(gzip)}`);
  }
}
