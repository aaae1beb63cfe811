/**
 * What is made from something else and yet committed: `deno task build` writes it, tests/stale_test.ts compares it.
 *
 * @module
 */
import { buildSync } from "esbuild";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { withSizes } from "../bench/sizes.ts";
import { algorithms } from "./algorithms.ts";
import { pluginSchema } from "../core/json_plugin/schema.ts";
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

const ownEntryPoints: Readonly<Record<string, string>> = {
  ".": "./mod.ts",
  "./core": "./core/mod.ts",
  "./kernels": "./kernels/mod.ts",
  "./http": "./plugins/http/mod.ts",
  "./page": "./plugins/http/page.ts",
  "./plugin-folder": "./plugins/http/plugin_folder.ts",
  "./safetensors": "./plugins/formats/safetensors.ts",
  "./checkpoints": "./plugins/formats/checkpoints.ts",
  "./testing": "./plugins/testing/mod.ts",
  "./pytorch": "./plugins/formats/pytorch.ts",
  "./adapters/jax-js": "./plugins/adapters/jax_js.ts",
  "./adapters/onnxruntime": "./plugins/adapters/onnxruntime.ts",
  "./adapters/tfjs": "./plugins/adapters/tfjs/mod.ts",
  "./webgpu": "./core/webgpu.ts",
  "./new-plugin": "./plugins/new_plugin/command.ts",
};

/** The folders of plugins, in the order in which `builtins` lists them; and the one of recipes, which are no plugins but have entry points and public names. */
const pluginFolders = ["optimizers", "schedules", "accumulators", "transforms"];
const publicFolders = [...pluginFolders, "recipes"];

/** A file of a plugin or of a recipe, and what it exports: public names, of which a plugin's own is `plugin`. */
interface PublicFile {
  readonly path: string;
  readonly folder: string;
  readonly plugin: string | undefined;
  readonly names: readonly { readonly name: string; readonly isType: boolean }[];
}

/** A file that several plugins share is none of them: it exports no plugin, needs no entry point and stays private. */
function publicFiles(): PublicFile[] {
  return publicFolders.flatMap((folder) => {
    const files = readdirSync(join(root, "plugins", folder)).filter((file) => file.endsWith(".ts")).sort();
    return files.map((file): PublicFile => {
      const path = `plugins/${folder}/${file}`;
      const text = read(path);
      const names = [...text.matchAll(/^export (const|function|interface|type) (\w+)/gm)].map(([, word, name]) => ({
        name,
        isType: word === "interface" || word === "type",
      }));
      return { path, folder, plugin: /^export const (\w+): \w+Plugin</m.exec(text)?.[1], names };
    });
  }).filter(({ folder, plugin }) => folder === "recipes" || plugin !== undefined);
}

/** The exports map that the files ask for: the entry points of the layers that exist, and one for each plugin and recipe, in kebab-case. */
export function entryPoints(): Record<string, string> {
  const own = Object.entries(ownEntryPoints).filter(([, path]) => existsSync(join(root, path)));
  const kebab = (path: string): string => path.replace(/^plugins/, ".").replace(/\.ts$/, "").replaceAll("_", "-");
  return Object.fromEntries([...own, ...publicFiles().map(({ path }) => [kebab(path), `./${path}`])]);
}

/** deno.json with the exports map that the files ask for; all else stays as it is, to the letter. */
export function denoJson(): string {
  const map = JSON.stringify(entryPoints(), null, 2).replaceAll("\n", "\n  ");
  return read("deno.json").replace(/"exports": \{[^}]*\}/, () => `"exports": ${map}`);
}

/** plugins/builtins.ts: every plugin that stands in a file of its kind's folder. */
export function builtinsModule(): string {
  const files = publicFiles().filter(({ folder }) => pluginFolders.includes(folder));
  const list = (before: string): string[] => files.map(({ plugin }) => `  ${before}${plugin},`);
  return [
    "/**",
    " * The built-in plugins, as a list: what `builtins` is made of, and what the edge serves without the rest of the library.",
    " *",
    " * Made from the files beside it by `deno task build`; a test compares them. Do not edit.",
    " *",
    " * @module",
    " */",
    ...files.map(({ path, plugin }) => `import { ${plugin} } from "./${path.replace(/^plugins\//, "")}";`),
    "",
    "/** All built-in plugins, as a type. */",
    "export type Builtins = readonly [",
    ...list("typeof "),
    "];",
    "",
    "/** The same, as values. */",
    "export const plugins: Builtins = [",
    ...list(""),
    "];",
    "",
  ].join("\n");
}

/** plugins/lazy_builtins.ts: what loads each of them when it is first asked for. */
export function lazyBuiltinsModule(): string {
  const schedules = publicFiles().filter(({ folder }) => folder === "schedules");
  return [
    "/**",
    " * The built-in plugins for a service at the edge, which starts with the names of the schedules and loads what is asked for.",
    " *",
    " * Made from the files beside it by `deno task build`; a test compares them. Do not edit.",
    " *",
    " * @module",
    " */",
    'import type { Plugin, SchedulePlugin } from "../core/plugin/contract.ts";',
    "",
    "/** What loads each schedule, by its name. */",
    "export const schedules: Readonly<Record<string, () => Promise<SchedulePlugin>>> = {",
    ...schedules.map(({ path, plugin }) => {
      const [name, load] = [
        path.replace(/^.*\/|\.ts$/g, ""),
        `import("./${path.replace(/^plugins\//, "")}").then((file) => file.${plugin}),`,
      ];
      const line = `  ${name}: () => ${load}`;
      return line.length <= 140 ? line : `  ${name}: () =>\n    ${load}`; // as `deno fmt` breaks it
    }),
    "};",
    "",
    "/** Loads the plugins of all kinds, schedules among them. */",
    "export async function plugins(): Promise<readonly Plugin[]> {",
    '  return (await import("./builtins.ts")).plugins;',
    "}",
    "",
  ].join("\n");
}

/** mod.ts with a line for what each plugin and recipe exports; all else stays as it is, to the letter. */
export function modModule(): string {
  const lines = publicFiles().map(({ path, names }) => {
    // As `deno fmt` sorts and breaks them.
    const order = names.toSorted((a, b) => a.name.toLowerCase() < b.name.toLowerCase() ? -1 : 1);
    const words = order.map(({ name, isType }) => isType ? `type ${name}` : name);
    const line = `export { ${words.join(", ")} } from "./${path}";`;
    return line.length <= 140 ? line : `export {\n${words.map((word) => `  ${word},\n`).join("")}} from "./${path}";`;
  });
  return read("mod.ts").replace(/(?<=by `deno task build`\.\n)(export \{[^}]*\} from "[^"]*";\n)+/, () => `${lines.join("\n")}\n`);
}

/** Generated files that can be made now: path and maker. */
export const generated: readonly (readonly [path: string, make: () => string])[] = [
  ["deno.json", denoJson],
  ["plugins/builtins.ts", builtinsModule],
  ["plugins/lazy_builtins.ts", lazyBuiltinsModule],
  ["mod.ts", modModule],
  ...existsSync(join(root, "kernels/backends/threads/worker.ts"))
    ? [["kernels/backends/threads/worker_source.ts", workerSource] as const]
    : [],
  ["core/json_plugin/plugin.schema.json", () => `${JSON.stringify(pluginSchema, null, 2)}\n`],
  ["plugins/http/page.ts", pageModule],
  ["plugins/ALGORITHMS.md", () => algorithms(read)],
  ["README.md", () => withSizes(read("README.md"))],
  ...pictures,
];
