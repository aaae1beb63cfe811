/**
 * What a bundle holds that asks for no kernels.
 *
 * @module
 */
import { assert } from "@std/assert";
import { buildSync } from "esbuild";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

test("a bundle that takes one plugin from mod.ts drops the kernels: no table does anything when it is imported", () => {
  const { outputFiles: [{ text }] } = buildSync({
    stdin: { contents: `export { adamw } from "../../mod.ts";`, resolveDir: fileURLToPath(new URL(".", import.meta.url)), loader: "ts" },
    bundle: true,
    write: false,
    format: "esm",
    treeShaking: true,
  });
  // Fields of the tables of operations, element types and instructions, and what backends begin with.
  for (const word of ["evaluate", "widenInto", "load16Lane", "joinSingle", "WebAssembly"]) {
    assert(!text.includes(word), `the bundle holds ${word}`);
  }
});
