/**
 * The command that writes the package of a new plugin: `deno run -RW jsr:@glissade/optim/new-plugin NAME`, or
 * `npx -p @glissade/optim glissade-new-plugin NAME`.
 *
 * @module
 */
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { isAbsolute, join, resolve } from "node:path";
import process from "node:process";
import type { Plugin } from "../../core/plugin/contract.ts";
import { known } from "../../core/names.ts";
import { plugins } from "../builtins.ts";
import { type Names, namesOf } from "./names.ts";
import { packageFiles, type Unpublished } from "./package_files.ts";
import { version } from "./version.ts";

const kinds: readonly Plugin["kind"][] = ["optimizer", "schedule", "accumulator", "transform"];

const usage = `Writes the package of a new plugin for Glissade: the plugin, its test, and what JSR and npm want to know.

  new-plugin NAME [--kind ${kinds.join("|")}] [--from FOLDER]

NAME is the plugin's, as my-lion or @your-scope/my-lion; the package is written into a new folder of that name, here.
--kind is what it is; without it, an optimizer.
--from is a checkout of Glissade in which \`npm run pack\` was run: as long as Glissade is neither on JSR nor on npm.
`;

interface Wanted {
  readonly names: Names;
  readonly kind: Plugin["kind"];
  readonly from: string | undefined;
}

function read(words: readonly string[]): Wanted {
  const given: Record<string, string> = {};
  let name: string | undefined;
  for (let i = 0; i < words.length; i++) {
    const [, flag, value] = /^--(\w+)(?:=(.*))?$/.exec(words[i]) ?? [];
    if (flag === undefined && !words[i].startsWith("-")) {
      if (name !== undefined) throw new TypeError(`Cannot write two plugins, ${name} and ${words[i]}: give one name`);
      name = words[i];
      continue;
    }
    if (flag !== "kind" && flag !== "from") throw new TypeError(`Cannot read ${words[i]}: known are --kind and --from`);
    given[flag] = value ?? words[++i] ?? "";
  }
  if (name === undefined) throw new TypeError("Cannot write a plugin without a name");
  const { kind = "optimizer", from } = given;
  if (!(kinds as readonly string[]).includes(kind)) {
    throw new TypeError(`Cannot write a plugin of kind ${JSON.stringify(kind)}: ${known(kinds, kind)}`);
  }
  if (from === "") throw new TypeError("Cannot use --from without a folder");
  return { names: namesOf(name), kind: kind as Plugin["kind"], from };
}

/** Where an unpublished Glissade lies, seen from the new folder. */
function unpublishedAt(folder: string, version: string): Unpublished {
  const tarball = join(folder, "dist", `glissade-optim-${version}.tgz`);
  const missing = [join(folder, "deno.json"), tarball].find((path) => !existsSync(path));
  if (missing !== undefined) {
    throw new RangeError(`Cannot use Glissade from ${folder}: there is no ${missing}; run npm ci && npm run pack there`);
  }
  const seen = (path: string): string => isAbsolute(path) ? path : join("..", path);
  return { folder: seen(folder), tarball: seen(tarball) };
}

/**
 * Runs the command with these arguments in this folder, and gives what it has to say. TypeError for what it does not understand and for a name that a
 * built-in plugin has; RangeError for a folder that is there already, or a checkout that is not. After an error nothing is written.
 *
 * @example Usage
 * ```ts ignore
 * import { newPlugin } from "@glissade/optim/new-plugin";
 *
 * console.log(newPlugin(["my-lion", "--kind", "optimizer"], "."));
 * ```
 */
export function newPlugin(words: readonly string[], folder: string): string {
  if (words.length === 0 || words.includes("--help") || words.includes("-h")) return usage;
  const { names, kind, from } = read(words);
  if ((plugins as readonly Plugin[]).some((plugin) => plugin.kind === kind && plugin.name === names.name)) {
    throw new TypeError(
      `Cannot write ${kind} ${JSON.stringify(names.name)}: a built-in ${kind} has that name; take another, such as my-${names.folder}`,
    );
  }
  const into = resolve(folder, names.folder);
  if (existsSync(into) && readdirSync(into).length > 0) {
    throw new RangeError(`Cannot write ${names.folder}: the folder is there already, and nothing is written over`);
  }
  const files = packageFiles(names, kind, version, from === undefined ? undefined : unpublishedAt(from, version));
  mkdirSync(into, { recursive: true });
  for (const [path, text] of Object.entries(files)) writeFileSync(join(into, path), text);
  return [
    `Wrote ${names.folder}/: ${Object.keys(files).join(", ")}`,
    "",
    `  cd ${names.folder}`,
    "  npm install",
    "  npx deno test               # or: bun test, or: npm test with Node 22.18 or newer",
    "",
    `Then put your ${kind} in ${names.file}.ts, and what its original gives in ${names.file}_test.ts. README.md says how it is published.`,
    "",
  ].join("\n");
}

/** Runs the command as a program: with the arguments of the process, in its folder, on its streams. */
export function main(): void {
  try {
    process.stdout.write(newPlugin(process.argv.slice(2), process.cwd()));
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n(--help says how it is used.)\n`);
    process.exitCode = 1;
  }
}

if (import.meta.main) main();
