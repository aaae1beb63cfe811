/**
 * The reference runner: `npm run reference -- DIR [--runtime deno|bun] [--only REGEX] [--json FILE]`.
 *
 * DIR is a folder in the format of `golden/`. Prints a line per item; ends with 1 if a case failed, with 2 if it could not start.
 *
 * @module
 */
import { spawnSync } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { delimiter, join, resolve } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { contextOf } from "./registry.ts";
import { linesOf, reportOf, runAll } from "./report.ts";

const USAGE = "npm run reference -- DIR [--runtime deno|bun] [--only REGEX] [--json FILE]";

function stop(message: string): never {
  console.error(`${message}\n${USAGE}`);
  process.exit(2);
}

/** A path as the one who typed it meant it: npm runs its scripts in the repository's root, and keeps where it was called. */
function pathOf(typed: string): string {
  const here = resolve(typed);
  return existsSync(here) || process.env.INIT_CWD === undefined ? here : resolve(process.env.INIT_CWD, typed);
}

/** This script in the other runtime, with the same words. */
function runIn(runtime: string): never {
  const script = fileURLToPath(import.meta.url);
  const bin = fileURLToPath(new URL("../../node_modules/.bin", import.meta.url));
  const env = { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH ?? ""}` };
  const words = runtime === "deno" ? ["run", "-A", script] : ["run", script];
  const { status, error } = spawnSync(runtime, [...words, ...process.argv.slice(2)], { stdio: "inherit", env });
  if (error !== undefined) stop(`Cannot start ${runtime}: ${error.message}`);
  process.exit(status ?? 2);
}

function read(): { readonly folder: string; readonly runtime?: string; readonly only: RegExp; readonly json?: string } {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: { runtime: { type: "string" }, only: { type: "string" }, json: { type: "string" } },
    });
    if (positionals.length !== 1) throw new TypeError(`Cannot run ${positionals.length} folders: give one`);
    const { runtime, only = "", json } = values;
    if (runtime !== undefined && runtime !== "deno" && runtime !== "bun") {
      throw new TypeError(`Cannot run in ${JSON.stringify(runtime)}: known are deno, bun`);
    }
    const folder = pathOf(positionals[0]);
    if (!existsSync(join(folder, "manifest.json"))) throw new RangeError(`Cannot run ${folder}: it has no manifest.json`);
    return { folder, runtime, only: new RegExp(only), json };
  } catch (error) {
    stop((error as Error).message);
  }
}

const { folder, runtime, only, json } = read();
const here = process.versions.bun === undefined ? "deno" : "bun";
if (runtime !== undefined && runtime !== here) runIn(runtime);
const ran = runAll(contextOf(folder), only);
if (ran.length === 0) stop(`Cannot run ${folder}: no case has an id that matches ${only}`);
for (const line of linesOf(ran)) console.log(line);
if (json !== undefined) writeFileSync(resolve(json), JSON.stringify(reportOf(ran), null, 2) + "\n");
process.exit(ran.some(({ outcome }) => outcome.verdict === "failed") ? 1 : 0);
