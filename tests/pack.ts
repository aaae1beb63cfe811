/**
 * Makes dist/glissade-optim-VERSION.tgz for npm, installs it in an empty folder, and uses it there: from Node, Bun and Deno, in a page, and under many
 * TypeScripts: `deno task pack`. With `--all` under all settings of TypeScript, and not only those of the gate (tests/pack/types.ts).
 *
 * How it is made is said in tests/pack/tarball.ts. A stranger's plugins, those of `new-plugin` and examples/plugin, are tested and published for a trial
 * with it (tests/pack/new_plugins.ts).
 *
 * @module
 */
import { buildSync } from "esbuild";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative, resolve } from "node:path";
import process from "node:process";
import { gzipSync } from "node:zlib";
import { root } from "./generated.ts";
import { testPackages } from "./pack/new_plugins.ts";
import { checkPage } from "./pack/page.ts";
import { below, link, type Manifest, pack, run } from "./pack/tarball.ts";
import { checkTypes } from "./pack/types.ts";

const deno = join(root, "node_modules/.bin/deno");
const bun = join(root, "node_modules/.bin/bun");

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
  console.log(testPackages(folder, work));
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
  mkdirSync(join(folder, "plugin"));
  for (const file of ["lion.ts", "main.ts"]) cpSync(join(root, "examples/plugin", file), join(folder, "plugin", file));
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
