/**
 * The public names, entry point by entry point, as text. `deno task surface` writes tests/surface.txt; a change there is a change of the contract.
 *
 * @module
 */
import { execFileSync } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { argv } from "node:process";
import { fileURLToPath, pathToFileURL } from "node:url";
import { read, root } from "./generated.ts";

interface Docs {
  readonly nodes: Readonly<Record<string, { readonly symbols: readonly { readonly name: string }[] }>>;
}

/** A paragraph an entry point: `## ./core`, then a line a name. */
export function surface(): string {
  const entryPoints = Object.entries<string>(JSON.parse(read("deno.json")).exports);
  // As installed by npm; else, where there is no node_modules, the one on the path.
  const installed = join(root, "node_modules/.bin/deno");
  const deno = existsSync(installed) ? installed : "deno";
  const json = execFileSync(deno, ["doc", "--json", ...entryPoints.map(([, path]) => path)], {
    cwd: root,
    encoding: "utf8",
    maxBuffer: 2 ** 28,
  });
  const { nodes }: Docs = JSON.parse(json);
  return entryPoints.map(([name, path]) => {
    const names = (nodes[pathToFileURL(join(root, path)).href]?.symbols ?? []).map(({ name }) => name);
    return `## ${name}\n${names.sort().join("\n")}\n`;
  }).join("\n");
}

if (argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(join(root, "tests/surface.txt"), surface());
  console.log("tests/surface.txt: written");
}
