/**
 * The commands that start contestants.
 *
 * @module
 */
import process from "node:process";
import { fileURLToPath } from "node:url";
import { type PythonGroup, setUpPython } from "./setup.ts";

/** A command with what its environment has besides ours. */
export interface Command {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** What ours and the rivals in JavaScript run in. */
export type Runtime = "deno" | "bun";

const file = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/** A script under the JavaScript runtime asked for. */
export function script(runtime: Runtime, name: string, ...args: readonly string[]): Command {
  const current = process.versions.bun ? "bun" : "deno";
  const options = runtime === "deno" ? ["run", "-A", "--no-check", "--v8-flags=--expose-gc"] : [];
  return { command: runtime === current ? process.execPath : runtime, args: [...options, file(name), ...args], env: {} };
}

/** Ours, on as many threads. */
export function glissade(runtime: Runtime, threads: 1 | 2): Command {
  return script(runtime, "glissade.ts", threads === 1 ? "wasm" : "threads", String(threads));
}

/** A script under the Python that has a group's packages, which are set up now where they are missing. */
export function python(group: PythonGroup, threads: 1 | 2, args: readonly string[], env: Command["env"] = {}): Command {
  const [name, ...rest] = args;
  return {
    command: setUpPython(group),
    args: [file(name), ...rest],
    env: { PYTHONDONTWRITEBYTECODE: "1", OMP_NUM_THREADS: String(threads), MKL_NUM_THREADS: String(threads), ...env },
  };
}
