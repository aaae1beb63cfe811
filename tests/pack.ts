/**
 * Makes dist/glissade-optim-VERSION.tgz for npm, installs it in an empty folder, and uses it there: from Node, Bun and Deno, in a page, and under many
 * TypeScripts: `deno task pack`. With `--all` under all settings of TypeScript, and not only those of the gate (tests/pack/types.ts).
 *
 * `deno pack` does the main part. It runs on a copy without package.json, which would empty its list of dependencies; what it ships beside the
 * modules (raw TypeScript that nothing imports) is taken out again; hono, which ./http alone needs, becomes an optional peer; links to what is not in the
 * package become plain text; and bundle.js is added, the whole library as one module for a page without a bundler.
 *
 * @module
 */
import { buildSync } from "esbuild";
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative, resolve } from "node:path";
import process from "node:process";
import { gzipSync } from "node:zlib";
import { read, root } from "./generated.ts";
import { checkPage } from "./pack/page.ts";
import { checkTypes } from "./pack/types.ts";

interface Manifest {
  [key: string]: unknown;
  exports: Record<string, unknown>;
  dependencies?: Record<string, string>;
  peerDependencies?: Record<string, string>;
  peerDependenciesMeta?: Record<string, { optional: boolean }>;
}

const deno = join(root, "node_modules/.bin/deno");
const bun = join(root, "node_modules/.bin/bun");
const description = "Optimizers, learning-rate schedules and gradient accumulation for Deno, Bun and the edge";
const keywords = [
  ..."optimizer adam adamw adafactor learning-rate learning-rate-scheduler gradient-accumulation gradient-clipping deep-learning".split(
    " ",
  ),
  ..."machine-learning training fine-tuning transformers pytorch tensorflow keras safetensors wasm simd deno bun node edge typescript"
    .split(" "),
];

function run(folder: string, program: string, ...args: string[]): string {
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

function below(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).map((entry) =>
    join(entry.parentPath, entry.name)
  );
}

/** Packs into `work` and gives the tarball's path. */
function pack(work: string): string {
  const { publish, name, version, license, exports, imports } = JSON.parse(read("deno.json"));
  const copy = join(work, "copy");
  for (const path of publish.include as string[]) {
    if (path === "deno.json" || !existsSync(join(root, path))) continue;
    mkdirSync(dirname(join(copy, path)), { recursive: true });
    cpSync(join(root, path), join(copy, path), { recursive: true });
  }
  for (const path of publish.exclude as string[]) rmSync(join(copy, path), { recursive: true, force: true });
  cpSync(join(root, "node_modules/hono"), join(copy, "node_modules/hono"), { recursive: true });
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

const link = /(!?)\[([^\]]*)\]\((?!https?:|#)([^)\s]+)\)/g;

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

/** One step through the installed package, by every entry point that needs no peer; prints what came out. */
function program(entryPoints: readonly string[]): string {
  return `
    for (const entryPoint of ${JSON.stringify(entryPoints)}) await import(entryPoint);
    const { builtins } = await import("@glissade/optim");
    const w = new Float32Array([1, -2, 3]);
    const optimizer = builtins.createOptimizer("adamw", { w }, { lr: 0.1 });
    optimizer.step({ w: new Float32Array([1, 1, -1]) });
    optimizer[Symbol.dispose]();
    console.log(Array.from(w).join(" "));
  `;
}

const typed = `
  import { builtins } from "@glissade/optim";
  using optimizer = builtins.createOptimizer("adamw", { w: new Float32Array(2) }, { lr: 0.1 });
  const steps: number = optimizer.steps;
  // @ts-expect-error -- the package's types know the names
  builtins.createOptimizer("adamww", { w: new Float32Array(2) });
  export { steps };
`;

/** Installs the tarball in an empty folder and uses it. */
async function use(tarball: string, work: string): Promise<void> {
  const folder = join(work, "user");
  mkdirSync(folder);
  writeFileSync(join(folder, "package.json"), '{ "private": true, "type": "module" }');
  run(folder, "npm", "install", "--offline", "--no-audit", "--no-fund", "--ignore-scripts", tarball);
  const packages = readdirSync(join(folder, "node_modules")).filter((entry) => !entry.startsWith("."));
  if (packages.join() !== "@glissade") throw new Error(`The package brought others along: ${packages.join(", ")}`);

  const installed = join(folder, "node_modules/@glissade/optim");
  const { exports }: Manifest = JSON.parse(readFileSync(join(installed, "package.json"), "utf8"));
  const entryPoints = Object.keys(exports).filter((path) => path !== "./http").map((path) => `@glissade/optim${path.slice(1)}`);
  checkContents(installed);
  writeFileSync(join(folder, "main.mjs"), program(entryPoints));
  writeFileSync(join(folder, "typed.ts"), typed);
  const results = {
    node: run(folder, "node", "main.mjs"),
    bun: run(folder, bun, "main.mjs"),
    deno: run(folder, deno, "run", "-A", "main.mjs"),
  };
  for (const [runtime, result] of Object.entries(results)) {
    if (result !== results.node || !/^-?\d/.test(result)) throw new Error(`${runtime} gives ${result}, node gives ${results.node}`);
  }
  run(folder, deno, "check", "typed.ts");
  const plugin = usePlugin(folder);
  console.log(
    `imported ${entryPoints.length} entry points and took one step in ${Object.keys(results).join(", ")}: ${results.node.trim()}`,
  );
  console.log(`a stranger's plugin in the same runtimes: ${plugin.trim()}`);
  console.log(await checkPage(installed, results.node.trim()));
  console.log(await checkTypes(folder, process.argv.includes("--all")));
  run(folder, join(root, "node_modules/.bin/publint"), "run", tarball, "--strict");
  // CommonJS is not among what the package promises; a program of Node 22 may require it all the same.
  run(folder, join(root, "node_modules/.bin/attw"), tarball, "--profile", "esm-only", "--no-definitely-typed");
  console.log("publint and are-the-types-wrong find no fault");
}

/** Nothing that only the repository can use. */
function checkContents(folder: string): void {
  for (const file of below(folder)) {
    const path = relative(folder, file);
    const text = readFileSync(file, "utf8");
    if (/^\/\/# sourceMappingURL=/m.test(text)) throw new Error(`The package holds a source map, in ${path}`);
    for (const [, , , target] of path.endsWith(".md") ? text.matchAll(link) : []) {
      if (!existsSync(join(dirname(file), target.split("#")[0]))) {
        throw new Error(`${path} links to ${target}, which is not in the package`);
      }
    }
  }
  const size = (path: string) => readFileSync(join(folder, path)).length / 1024;
  const bytes = below(folder).reduce((sum, file) => sum + readFileSync(file).length, 0);
  console.log(
    `${(bytes / 1024).toFixed(0)} KiB unpacked; bundle.js ${size("bundle.js").toFixed(0)} KiB, ` +
      `${(gzipSync(readFileSync(join(folder, "bundle.js"))).length / 1024).toFixed(0)} KiB with gzip`,
  );
}

/** examples/plugin as a stranger has it: its own folder, the library installed. Node gets what esbuild makes of it, the library left outside. */
function usePlugin(folder: string): string {
  cpSync(join(root, "examples/plugin"), join(folder, "plugin"), { recursive: true });
  buildSync({
    entryPoints: [join(folder, "plugin/main.ts")],
    bundle: true,
    packages: "external",
    format: "esm",
    target: "node20",
    outfile: join(folder, "plugin/main.mjs"),
    logLevel: "error",
  });
  const [node, ...others] = [
    run(folder, "node", "plugin/main.mjs"),
    run(folder, bun, "plugin/main.ts"),
    run(folder, deno, "run", "-A", "plugin/main.ts"),
  ];
  if (others.some((other) => other !== node) || !/^-?\d/.test(node)) {
    throw new Error(`The plugin gives ${node} in Node, ${others.join(" and ")} elsewhere`);
  }
  run(folder, deno, "check", "plugin/main.ts");
  return node;
}

const work = mkdtempSync(join(tmpdir(), "glissade-pack-"));
try {
  const tarball = pack(work);
  await use(tarball, work);
  const dist = resolve(root, "dist");
  mkdirSync(dist, { recursive: true });
  cpSync(tarball, join(dist, tarball.slice(work.length + 1)));
  console.log(`dist/${tarball.slice(work.length + 1)}: ${(readFileSync(tarball).length / 1024).toFixed(0)} KiB`);
} catch (error) {
  console.error(String(error));
  process.exitCode = 1;
} finally {
  rmSync(work, { recursive: true, force: true });
}
