/**
 * Packages of strangers' plugins, as `new-plugin` writes them and examples/plugin is one: their tests pass in Node, Bun and Deno with the packed library,
 * JSR and npm would take them.
 *
 * @module
 */
import { buildSync } from "esbuild";
import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { read, root } from "../generated.ts";
import { run } from "./tarball.ts";

const deno = join(root, "node_modules/.bin/deno");
const bun = join(root, "node_modules/.bin/bun");

interface DenoJson {
  name: string;
  exports: string;
  imports?: object;
  links?: readonly string[];
}

/** Writes packages by the installed command beside `user`, where the library is installed; tests and packs each, and examples/plugin. */
export function testPackages(user: string, work: string): string {
  const home = join(work, "strangers");
  mkdirSync(home);
  const command = join(user, "node_modules/.bin/glissade-new-plugin");
  const kinds = ["optimizer", "schedule", "accumulator", "transform"];
  for (const kind of kinds) run(home, command, `@stranger/my-${kind}`, "--kind", kind);
  mkdirSync(join(home, "lion"));
  for (const file of ["deno.json", "package.json", "README.md", "lion.ts", "lion_test.ts"]) {
    cpSync(join(root, "examples/plugin", file), join(home, "lion", file));
  }
  const folders = [...kinds.map((kind) => `my-${kind}`), "lion"];
  for (const folder of folders) testPackage(join(home, folder), user);
  refuseTwice(home, command);
  return `${folders.length} packages of strangers' plugins pass their tests in Node, Bun and Deno, and would be published on JSR and npm`;
}

function testPackage(folder: string, user: string): void {
  const settings: DenoJson = JSON.parse(readFileSync(join(folder, "deno.json"), "utf8"));
  const name = settings.exports.replace(/^\.\/|\.ts$/g, "");
  // What npm would install: the library, and the types of Node's modules.
  const installed = join(folder, "node_modules");
  mkdirSync(join(installed, "@types"), { recursive: true });
  symlinkSync(join(user, "node_modules/@glissade"), join(installed, "@glissade"));
  for (const types of ["@types/node", "undici-types"]) symlinkSync(join(root, "node_modules", types), join(installed, types));

  publishForTrial(folder, settings);
  // The packed library, by package.json, and not the one of JSR.
  writeFileSync(join(folder, "deno.json"), JSON.stringify({ ...settings, imports: undefined, links: undefined, lock: false }));
  run(folder, deno, "test", "-A");
  run(folder, bun, "test");
  const test = join(folder, "bundled_test.mjs"); // Node 20 reads no TypeScript
  buildSync({
    entryPoints: [join(folder, `${name}_test.ts`)],
    bundle: true,
    packages: "external",
    format: "esm",
    outfile: test,
    logLevel: "error",
  });
  run(folder, "node", "--test", test);
  rmSync(test);
  runReadme(folder, settings.name, user);
}

/** JSR's dry run, with the library from its folder; then npm's tarball. */
function publishForTrial(folder: string, settings: DenoJson): void {
  writeFileSync(join(folder, "deno.json"), JSON.stringify({ ...settings, links: [root], nodeModulesDir: "manual", lock: false }));
  run(folder, deno, "publish", "--dry-run", "--allow-dirty");
  run(folder, deno, "pack", "--allow-dirty", "--output", "packed.tgz");
  run(folder, "tar", "xzf", "packed.tgz");
  const manifest = JSON.parse(readFileSync(join(folder, "package/package.json"), "utf8"));
  const { types, default: code } = manifest.exports["."];
  for (const path of [types, code]) readFileSync(join(folder, "package", path)); // what package.json says is there
  if (manifest.peerDependencies?.["@glissade/optim"] === undefined) {
    throw new Error(`${settings.name} names no peer: ${JSON.stringify(manifest)}`);
  }
  const wanted = `^${JSON.parse(read("deno.json")).version}`;
  if (manifest.peerDependencies["@glissade/optim"] !== wanted) throw new Error(`${settings.name} asks for another version than ${wanted}`);
}

/** The example in README, in Node: in a folder of a user's, who has installed the plugin and the library. */
function runReadme(folder: string, packageName: string, user: string): void {
  const [, code] = /^```ts(?: ignore)?\n(.*?)^```/ms.exec(readFileSync(join(folder, "README.md"), "utf8")) ?? [];
  if (code === undefined) throw new Error(`README of ${packageName} has no example`);
  const using = `${folder}-in-use`;
  const [scope, bare] = packageName.split("/");
  mkdirSync(join(using, "node_modules", scope), { recursive: true });
  cpSync(join(folder, "package"), join(using, "node_modules", scope, bare), { recursive: true });
  cpSync(join(user, "node_modules/@glissade"), join(using, "node_modules/@glissade"), { recursive: true });
  writeFileSync(join(using, "package.json"), '{ "private": true, "type": "module" }');
  writeFileSync(join(using, "example.ts"), code);
  run(using, deno, "check", "example.ts");
  const outfile = join(using, "example.mjs");
  buildSync({
    entryPoints: [join(using, "example.ts")],
    bundle: true,
    packages: "external",
    format: "esm",
    target: "node20",
    outfile,
    logLevel: "error",
  });
  run(using, "node", outfile);
}

/** What is there is not written over. */
function refuseTwice(home: string, command: string): void {
  const before = readFileSync(join(home, "my-optimizer/my_optimizer.ts"), "utf8");
  let refused = "";
  try {
    run(home, command, "my-optimizer");
  } catch (error) {
    refused = String(error);
  }
  if (!refused.includes("nothing is written over")) throw new Error(`new-plugin wrote a package twice: ${refused}`);
  if (readFileSync(join(home, "my-optimizer/my_optimizer.ts"), "utf8") !== before) throw new Error("new-plugin wrote over a file");
}
