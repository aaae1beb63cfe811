/**
 * The reference as pages, in dist/docs: `deno task docs`. Every entry point has a page, the main one first.
 *
 * @module
 */
import { execFileSync } from "node:child_process";
import { rmSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { entryPoints, root } from "./generated.ts";

const output = join(root, "dist/docs");
rmSync(output, { recursive: true, force: true });
execFileSync(join(root, "node_modules/.bin/deno"), [
  "doc",
  "--html",
  "--name=Glissade",
  `--output=${output}`,
  ...Object.values(entryPoints()),
], {
  cwd: root,
  env: { ...process.env, NO_COLOR: "1" },
  stdio: ["ignore", "ignore", "inherit"],
});
console.log("dist/docs/index.html: written");
