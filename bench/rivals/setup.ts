/**
 * Sets the rivals up in the user's cache folder, never in the repository: a Python environment, npm packages, a compiled C loop.
 * What is there already is used again as long as it was made for the versions wanted here. What cannot be set up throws.
 *
 * @module
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

/** Where something lies, or why it could not be set up. */
type Place = { readonly path: string } | { readonly reason: string };

/** The interpreter that has a group of Python packages. */
export type PythonGroup = "torch" | "transformers" | "optax" | "field";

/** The folder below which an npm package lies in node_modules. */
export type NpmGroup = "tfjs" | "jax-js";

const CACHE = join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "glissade");

/** numpy stays below 2 for transformers' sake; the rest are the versions that the README's tables name. */
const PYTHON: Readonly<Record<PythonGroup, readonly string[]>> = {
  torch: ["torch==2.7.1", "numpy<2"],
  transformers: ["torch==2.7.1", "transformers==4.37.2", "numpy<2"],
  optax: ["jax==0.7.1", "optax==0.2.8", "numpy<2"],
  field: ["torch==2.7.1", "transformers==4.37.2", "timm==1.0.31", "pytorch_optimizer==4.1.0", "schedulefree==1.4.1", "numpy<2"],
};

const NPM: Readonly<Record<NpmGroup, readonly string[]>> = {
  "tfjs": ["@tensorflow/tfjs-core@4.22.0", "@tensorflow/tfjs-backend-wasm@4.22.0"],
  "jax-js": ["@jax-js/jax@0.1.25"],
};

const CFLAGS: readonly string[] = ["-O3", "-msse4.1", "-fno-math-errno", "-ffp-contract=off"];

/** Runs a command; throws an error with its last lines when it fails. */
function run(command: string, args: readonly string[], cwd?: string): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, encoding: "utf8", maxBuffer: 2 ** 28 });
  if (error) throw new Error(`${command}: ${error.message}`);
  if (status !== 0) throw new Error(`${command} ${args.join(" ")}: ${`${stdout}${stderr}`.trim().split("\n").slice(-3).join(" | ")}`);
  return stdout;
}

/** What was tried in this run, so that a failing download is not tried once for each contestant. */
const tried = new Map<string, Place>();

/** Does something once and gives its path: `wanted` is kept in a stamp beside it, and while that stays the same nothing is done again. */
function once(folder: string, name: string, wanted: unknown, path: string, make: () => void): string {
  const place = tried.get(name) ?? attempt(folder, name, wanted, path, make);
  tried.set(name, place);
  if ("reason" in place) throw new Error(place.reason);
  return place.path;
}

/** Does what {@linkcode once} finds to do. */
function attempt(folder: string, name: string, wanted: unknown, path: string, make: () => void): Place {
  const stamp = join(folder, `glissade-${name}.json`);
  const text = JSON.stringify(wanted);
  try {
    if (existsSync(path) && existsSync(stamp) && readFileSync(stamp, "utf8") === text) return { path };
    process.stderr.write(`setting up ${name} in ${folder} …\n`);
    mkdirSync(folder, { recursive: true });
    make();
    writeFileSync(stamp, text);
    return { path };
  } catch (error) {
    return { reason: error instanceof Error ? error.message : String(error) };
  }
}

/** A Python that has wheels of all that is wanted. */
function findPython(): string {
  const names = ["python3.11", "python3.12", "python3"];
  for (const name of names) {
    const { status, stdout } = spawnSync(name, ["-c", "import sys; print(*sys.version_info[:2])"], { encoding: "utf8" });
    if (status === 0 && ["3 11", "3 12"].includes(stdout.trim())) return name;
  }
  throw new Error(`no Python 3.11 or 3.12 among ${names.join(", ")}`);
}

/** The Python environment with one group of packages. */
export function setUpPython(group: PythonGroup): string {
  const folder = join(CACHE, "rivals");
  const python = join(folder, "bin", "python");
  return once(folder, group, PYTHON[group], python, () => {
    if (!existsSync(python)) run(findPython(), ["-m", "venv", folder]);
    run(python, ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", ...PYTHON[group]]);
  });
}

/** The folder with one group of npm packages. */
export function setUpNpm(group: NpmGroup): string {
  const folder = join(CACHE, "rivals-js", group);
  return once(folder, group, NPM[group], folder, () => {
    writeFileSync(join(folder, "package.json"), '{ "private": true }\n');
    run("npm", ["install", "--no-audit", "--no-fund", "--silent", ...NPM[group]], folder);
  });
}

/** The C loop, compiled. */
export function setUpC(): string {
  const folder = join(CACHE, "rivals-c");
  const source = fileURLToPath(new URL("adamw.c", import.meta.url));
  const program = join(folder, "adamw");
  const wanted = {
    flags: CFLAGS,
    compiler: run("cc", ["--version"]),
    source: createHash("sha256").update(readFileSync(source)).digest("hex"),
  };
  return once(folder, "c", wanted, program, () => run("cc", [...CFLAGS, "-o", program, source, "-lm"]));
}
