/**
 * What is made from something else and yet committed: `deno task build` writes it, tests/stale_test.ts compares it.
 *
 * @module
 */
import { buildSync } from "esbuild";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { pageModule } from "./page.ts";
import { pictures } from "./pictures.ts";

/** The repository's folder. */
export const root: string = fileURLToPath(new URL("..", import.meta.url));

/** The text of a file of the repository. */
export function read(path: string): string {
  return readFileSync(join(root, path), "utf8");
}

/** kernels/backends/threads/worker_source.ts: what a worker runs, as a script in a string, since no bundler carries a worker's file along. */
export function workerSource(): string {
  const { outputFiles: [{ text }] } = buildSync({
    entryPoints: ["kernels/backends/threads/worker.ts"],
    absWorkingDir: root,
    bundle: true,
    write: false,
    format: "iife",
    target: "es2022",
    minify: true,
    legalComments: "none",
  });
  return [
    "// Made from worker.ts by `deno task build`; a test compares them. Do not edit.",
    "",
    "/** What a worker runs: a script, not a module. */",
    `export const workerSource: string = ${JSON.stringify(text.trim())};`,
    "",
  ].join("\n");
}

const ownDoors: Readonly<Record<string, string>> = {
  ".": "./mod.ts",
  "./core": "./core/mod.ts",
  "./kernels": "./kernels/mod.ts",
  "./http": "./plugins/http/mod.ts",
  "./page": "./plugins/http/page.ts",
  "./safetensors": "./plugins/formats/safetensors.ts",
  "./testing": "./tests/conformance.ts",
};

/** The exports map that the files ask for: the doors of the layers that exist, and one for each plugin and recipe, in kebab-case. */
export function doors(): Record<string, string> {
  const own = Object.entries(ownDoors).filter(([, path]) => existsSync(join(root, path)));
  const plugins = ["optimizers", "schedules", "accumulators", "transforms", "recipes"].flatMap((kind) => {
    const folder = `plugins/${kind}`;
    if (!existsSync(join(root, folder))) return [];
    // A file that several plugins share is not one itself and needs no door.
    const isDoor = (file: string) => kind === "recipes" || /^export const \w+: \w+Plugin</m.test(read(`${folder}/${file}`));
    const files = readdirSync(join(root, folder)).filter((file) => file.endsWith(".ts") && isDoor(file)).sort();
    return files.map((file): [string, string] => [`./${kind}/${file.replace(/\.ts$/, "").replaceAll("_", "-")}`, `./${folder}/${file}`]);
  });
  return Object.fromEntries([...own, ...plugins]);
}

/** deno.json with the exports map that the files ask for; all else stays as it is, to the letter. */
export function denoJson(): string {
  const map = JSON.stringify(doors(), null, 2).replaceAll("\n", "\n  ");
  return read("deno.json").replace(/"exports": \{[^}]*\}/, () => `"exports": ${map}`);
}

/** Generated files that can be made now: path and maker. */
export const generated: readonly (readonly [path: string, make: () => string])[] = [
  ["deno.json", denoJson],
  ...existsSync(join(root, "kernels/backends/threads/worker.ts"))
    ? [["kernels/backends/threads/worker_source.ts", workerSource] as const]
    : [],
  ["plugins/http/page.ts", pageModule],
  ...pictures,
];
