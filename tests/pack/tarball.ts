/**
 * The npm tarball. `deno pack` does the main part. It runs on a copy without package.json, which would empty its list of dependencies; what it ships
 * beside the modules (raw TypeScript that nothing imports) is taken out again; hono, which ./http alone needs, becomes an optional peer; links to what is
 * not in the package become plain text; bundle.js is added, the whole library as one module for a page without a bundler; and new-plugin.js, the command.
 *
 * @module
 */
import { buildSync } from "esbuild";
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import process from "node:process";
import { read, root } from "../generated.ts";

/** A package.json. */
export interface Manifest {
  [key: string]: unknown;
  exports: Record<string, unknown>;
  dependencies?: Record<string, string>;
  peerDependencies?: Record<string, string>;
  peerDependenciesMeta?: Record<string, { optional: boolean }>;
}

const deno = join(root, "node_modules/.bin/deno");
const description = "Optimizers, learning-rate schedules and gradient accumulation for Deno, Bun and the edge";
const keywords = [
  ..."optimizer adam adamw adafactor learning-rate learning-rate-scheduler gradient-accumulation gradient-clipping deep-learning".split(
    " ",
  ),
  ..."machine-learning training fine-tuning transformers pytorch tensorflow keras safetensors wasm simd deno bun node edge typescript"
    .split(" "),
];

/** Runs a program in a folder and gives what it prints. */
export function run(folder: string, program: string, ...args: string[]): string {
  try {
    return execFileSync(program, args, {
      cwd: folder,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, NO_COLOR: "1" },
    });
  } catch (error) {
    const { stdout, stderr } = error as { stdout?: string; stderr?: string };
    throw new Error(`${program} ${args.join(" ")} failed in ${folder}:\n${stdout ?? ""}${stderr ?? error}`);
  }
}

/** All files below a folder. */
export function below(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).map((entry) =>
    join(entry.parentPath, entry.name)
  );
}

/** Packs into `work` and gives the tarball's path. */
export function pack(work: string): string {
  const { publish, name, version, license, exports, imports } = JSON.parse(read("deno.json"));
  const copy = join(work, "copy");
  for (const path of publish.include as string[]) {
    if (path === "deno.json" || !existsSync(join(root, path))) continue;
    mkdirSync(dirname(join(copy, path)), { recursive: true });
    cpSync(join(root, path), join(copy, path), { recursive: true });
  }
  for (const path of publish.exclude as string[]) rmSync(join(copy, path), { recursive: true, force: true });
  // hono is imported; the types of node: are looked for where files are read, and are in no declaration.
  for (const name of ["hono", "@types/node", "undici-types"]) {
    cpSync(join(root, "node_modules", name), join(copy, "node_modules", name), { recursive: true });
  }
  const settings = { name, version, license, exports, imports: { hono: imports.hono }, lock: false, nodeModulesDir: "manual" };
  writeFileSync(join(copy, "deno.json"), JSON.stringify(settings));
  run(copy, deno, "pack", "--allow-dirty", "--no-source-maps", "--output", "raw.tgz");
  run(copy, "tar", "xzf", "raw.tgz");

  const folder = join(copy, "package");
  for (const file of below(folder)) if (/(?<!\.d)\.tsx?$/.test(file)) rmSync(file);
  bundle(folder);
  for (const file of below(folder)) if (file.endsWith(".md")) writeFileSync(file, unlinked(folder, file));
  const manifest: Manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const { dependencies = {} } = manifest;
  const stray = Object.keys(dependencies).filter((dependency) => dependency !== "hono");
  if (stray.length > 0) throw new Error(`Cannot pack: the package would depend on ${stray.join(", ")}`);
  delete manifest.dependencies;
  if ("./http" in manifest.exports) {
    manifest.peerDependencies = { hono: imports.hono.replace("npm:hono@", "") };
    manifest.peerDependenciesMeta = { hono: { optional: true } };
  }
  const command = "new-plugin.js";
  writeFileSync(join(folder, command), '#!/usr/bin/env node\nimport { main } from "./plugins/new_plugin/command.js";\nmain();\n', {
    mode: 0o755,
  });
  manifest.bin = { "glissade-new-plugin": `./${command}` };
  manifest.exports["./bundle"] = { types: "./mod.d.ts", default: "./bundle.js" };
  const site = "./bundle.js";
  Object.assign(manifest, { description, keywords, sideEffects: false, engines: { node: ">=20" }, unpkg: site, jsdelivr: site });
  writeFileSync(join(folder, "package.json"), JSON.stringify(manifest, null, 2));
  const [{ filename }] = JSON.parse(run(folder, "npm", "pack", "--json", "--silent", "--pack-destination", work));
  return join(work, filename);
}

/** bundle.js: everything that the main entry point exports, as one module. */
function bundle(folder: string): void {
  buildSync({
    entryPoints: [join(folder, "mod.js")],
    outfile: join(folder, "bundle.js"),
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    legalComments: "none",
    logLevel: "error",
  });
}

/** A link of Markdown to a place that is no address. */
export const link: RegExp = /(!?)\[([^\]]*)\]\((?!https?:|#)([^)\s]+)\)/g;

/** A document whose relative links lead to files of the package; of the others the words stay. A type's file leads to its declarations. */
function unlinked(folder: string, file: string): string {
  return readFileSync(file, "utf8").replace(link, (whole, picture: string, words: string, path: string) => {
    const [target] = path.split("#");
    const declared = target.replace(/(?<!\.d)\.ts$/, ".d.ts");
    const found = [target, declared].find((path) => /\.\w+$/.test(path) && existsSync(join(dirname(file), path)));
    if (found === target) return whole;
    if (found !== undefined) return `[${words}](${found})`;
    if (picture !== "") throw new Error(`Cannot pack ${relative(folder, file)}: its picture ${path} is not in the package`);
    return words;
  });
}
