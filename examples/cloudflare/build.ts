/**
 * Builds the worker into examples/cloudflare/dist: what it starts with, what the first step loads, and a `.wasm` a kernel.
 * `deno run -A examples/cloudflare/build.ts`
 *
 * @module
 */
import { build, type BuildOptions, type Plugin } from "esbuild";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { compileKernels } from "./compile.ts";
import { plugins } from "./plugins.ts";

const here = fileURLToPath(new URL(".", import.meta.url));

/** Sizes of what was built, by file name. */
export type Sizes = Readonly<Record<string, number>>;

/** Builds into a folder. `more` are esbuild's options on top. */
export async function buildWorker(outdir: string = join(here, "dist"), more: BuildOptions = {}): Promise<Sizes> {
  const { metafile } = await build({
    entryPoints: [join(here, "worker.ts")],
    bundle: true,
    splitting: true,
    outdir,
    format: "esm",
    target: "es2022",
    minify: true,
    metafile: true,
    legalComments: "none",
    logLevel: "silent",
    ...more,
    plugins: [kernels, ...(more.plugins ?? [])],
  });
  return Object.fromEntries(Object.entries(metafile!.outputs).map(([path, { bytes }]) => [path.split("/").at(-1)!, bytes]));
}

/** Puts the kernels into modules.ts. */
const kernels: Plugin = {
  name: "kernels",
  setup({ onResolve, onLoad }) {
    let compiled: Map<string, Uint8Array<ArrayBuffer>> | undefined;
    onResolve({ filter: /^kernel:/ }, ({ path }) => ({ path: path.replace("kernel:", ""), namespace: "kernel" }));
    onLoad({ filter: /cloudflare\/modules\.ts$/ }, async () => {
      compiled ??= compileKernels(await plugins.plugins());
      const names = [...compiled.keys()].sort();
      const imports = names.map((name) => `import ${name} from "kernel:${name}.wasm";`);
      return { contents: `${imports.join("\n")}\nexport const modules = { ${names.join(", ")} };` };
    });
    onLoad(
      { filter: /./, namespace: "kernel" },
      ({ path }) => ({ contents: compiled!.get(path.replace(".wasm", ""))!, loader: "copy" }),
    );
  },
};

if (import.meta.main) {
  const sizes = await buildWorker();
  const wasm = Object.keys(sizes).filter((name) => name.endsWith(".wasm"));
  for (const [name, bytes] of Object.entries(sizes)) if (!name.endsWith(".wasm")) console.log(`${name}: ${bytes} bytes`);
  console.log(`${wasm.length} kernels: ${wasm.reduce((sum, name) => sum + sizes[name], 0)} bytes`);
  process.exit(0);
}
