/**
 * Writes every generated file again: `deno task build`.
 *
 * @module
 */
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { generated, read, root } from "./generated.ts";

for (const [path, make] of generated) {
  const text = make();
  const changed = !existsSync(join(root, path)) || read(path) !== text;
  if (changed) writeFileSync(join(root, path), text);
  console.log(`${path}: ${changed ? "written" : "up to date"}`);
}
