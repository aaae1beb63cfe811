/**
 * Runs a script in a process of its own, in the runtime that runs the test: for what concerns a whole process, as when it ends.
 *
 * @module
 */
import { buildSync } from "esbuild";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

/** How a script ended. */
export interface Ended {
  /** null where it had to be killed. */
  readonly code: number | null;
  readonly output: string;
  /** What its last line says, as JSON. */
  // deno-lint-ignore no-explicit-any
  readonly last: any;
  /** Milliseconds from its last line, which must have `at: Date.now()`, to its end. */
  readonly lingered: number;
}

/** What a script runs under. */
export interface Conditions {
  /** V8's; Bun has no such. */
  readonly flags?: readonly string[];
  /** Deno's. */
  readonly permissions?: readonly string[];
  /** How many addresses the process gets, in KiB, as a shell's `ulimit -v` says it. */
  readonly addresses?: number;
}

/** Which runtime this is. */
export const runtime: "deno" | "bun" | "node" = "Deno" in globalThis ? "deno" : "Bun" in globalThis ? "bun" : "node";

/** A killed script has hung. */
const patience = 30_000;

/**
 * Bundles a TypeScript text, whose imports are relative to this folder, and runs it. In Deno it has no permission: kernels need
 * none, unless it is given some.
 */
export function runScript(
  text: string,
  { flags = [], permissions = [], addresses }: Conditions = {},
): Ended {
  const { outputFiles: [{ text: bundled }] } = buildSync({
    stdin: { contents: text, resolveDir: fileURLToPath(new URL(".", import.meta.url)), loader: "ts" },
    bundle: true,
    write: false,
    format: "esm",
    platform: "node",
    target: "es2022",
  });
  const folder = mkdtempSync(join(tmpdir(), "script-"));
  try {
    const file = join(folder, "script.mjs");
    writeFileSync(file, bundled);
    const args = {
      deno: ["run", "--no-prompt", "--no-config", ...permissions, ...flags.length > 0 ? [`--v8-flags=${flags.join(",")}`] : []],
      bun: [],
      node: flags,
    }[runtime];
    const env = { ...process.env, NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" };
    const command = [process.execPath, ...args, file];
    const [program, ...rest] = addresses === undefined ? command : ["sh", "-c", `ulimit -v ${addresses} && exec "$0" "$@"`, ...command];
    const { status, stdout, stderr } = spawnSync(program, rest, {
      env,
      timeout: patience,
      killSignal: "SIGKILL",
      encoding: "utf8",
    });
    const end = Date.now();
    const output = stdout + stderr;
    let last;
    try {
      last = JSON.parse(stdout.trimEnd().split("\n").at(-1)!);
    } catch {
      throw new Error(`The script ended with code ${status} and said\n${output}`);
    }
    return { code: status, output, last, lingered: end - (last.at ?? NaN) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
