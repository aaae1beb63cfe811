/**
 * What a bench runs on, as its tables and its JSON say it.
 *
 * @module
 */
import { availableParallelism, cpus } from "node:os";
import process from "node:process";

/** The runtime and its version. */
export const runtime: string = process.versions.deno
  ? `deno ${process.versions.deno}`
  : process.versions.bun
  ? `bun ${process.versions.bun}`
  : process.version;

/** The processor, and how many cores this process may use. */
export const machine: { readonly cpu: string; readonly cores: number } = {
  cpu: cpus()[0]?.model ?? "unknown",
  cores: availableParallelism(),
};
