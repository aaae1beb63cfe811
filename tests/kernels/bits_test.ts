/**
 * The bits of kernels' results against those on record (bits.json), which every runtime must give: so Deno, Bun and Node are held against each
 * other. `GLISSADE_WRITE_BITS=1` writes the record anew, where the cases have changed.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { readFileSync, writeFileSync } from "node:fs";
import process from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { createBackend } from "../../kernels/backends/create.ts";
import { available } from "../../kernels/detect.ts";
import type { KernelBackend } from "../../kernels/backend.ts";
import { bitsOf } from "./bits.ts";

const path = fileURLToPath(new URL("bits.json", import.meta.url));

if (process.env.GLISSADE_WRITE_BITS === "1") {
  using js = createBackend("js") as KernelBackend;
  writeFileSync(path, JSON.stringify(bitsOf(js), null, 2) + "\n");
}

for (const name of available()) {
  test(`${name} gives the bits on record`, () => {
    using backend = createBackend(name, { threads: 2 }) as KernelBackend;
    assertEquals(bitsOf(backend), JSON.parse(readFileSync(path, "utf8")));
  });
}
