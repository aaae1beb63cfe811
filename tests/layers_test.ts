import { readdirSync } from "node:fs";
import { posix } from "node:path";
import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { read, root } from "./generated.ts";

/** What a folder's files may import: paths by prefix, and `type:` before those of which only types. The longest folder that fits counts. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  "kernels/": ["kernels/"],
  "core/": ["kernels/", "core/"],
  "plugins/optimizers/": ["type:core/plugin/contract.ts", "plugins/optimizers/"],
  "plugins/schedules/": ["type:core/plugin/contract.ts", "plugins/schedules/"],
  "plugins/accumulators/": ["type:core/plugin/contract.ts", "plugins/accumulators/"],
  "plugins/transforms/": ["type:core/plugin/contract.ts", "plugins/transforms/"],
  "plugins/formats/": ["type:core/", "plugins/formats/"],
  // A checkpoint is of a trainer, and tells what of its recipe is another.
  "plugins/formats/checkpoint": ["core/", "plugins/formats/"],
  // A recipe may ask a plugin for its options.
  "plugins/recipes/": ["type:core/", "plugins/recipes/", "plugins/optimizers/", "plugins/schedules/"],
  // Another library's parameters under an optimizer, whose plugins are named.
  "plugins/adapters/": ["core/", "kernels/dispose.ts", "plugins/builtins.ts", "plugins/adapters/"],
  // A look at recipes: it checks them as core does, and rounds weights as kernels do.
  "plugins/lint/": ["core/", "kernels/tables/", "plugins/lint/"],
  // The kit tries plugins as core and the kernels would run them, and knows the built-in ones by name.
  "plugins/testing/": ["kernels/", "core/", "plugins/builtins.ts", "plugins/testing/"],
  "plugins/http/": ["hono", "core/", "plugins/formats/", "plugins/lint/", "plugins/http/"],
  // A command: it writes files, and knows the names that built-in plugins have.
  "plugins/new_plugin/": [
    "type:core/plugin/contract.ts",
    "core/names.ts",
    "plugins/builtins.ts",
    "plugins/new_plugin/",
    "node:fs",
    "node:path",
    "node:process",
  ],
  // Files, for services in Deno, Bun and Node: an entry point of its own.
  "plugins/http/plugin_folder.ts": ["core/", "node:fs", "node:path"],
  // The page's program, which esbuild bundles into one text: an application, so it may use the whole library and the example that it runs.
  "plugins/http/page/": ["mod.ts", "core/", "kernels/detect.ts", "plugins/http/", "examples/digits/", "uplot"],
  // The list of all of them.
  "plugins/builtins.ts": ["plugins/optimizers/", "plugins/schedules/", "plugins/accumulators/", "plugins/transforms/"],
  // What loads them one by one.
  "plugins/lazy_builtins.ts": ["type:core/plugin/contract.ts", "plugins/builtins.ts", "plugins/schedules/"],
  "mod.ts": [
    "plugins/builtins.ts",
    "kernels/",
    "core/",
    "plugins/optimizers/",
    "plugins/schedules/",
    "plugins/accumulators/",
    "plugins/transforms/",
    "plugins/recipes/",
    "plugins/lint/",
  ],
};

interface Import {
  readonly from: string;
  readonly what: string;
  readonly typeOnly: boolean;
}

function sources(folder: string): string[] {
  return readdirSync(`${root}/${folder}`, { withFileTypes: true }).flatMap((entry) => {
    const path = posix.join(folder, entry.name);
    if (entry.isDirectory()) return /^(\.|node_modules|dist|tests$|bench$|examples$)/.test(entry.name) ? [] : sources(path);
    return /\.(ts|tsx|js|mjs)$/.test(entry.name) ? [path] : [];
  });
}

function importsOf(from: string): Import[] {
  // Comments hold examples, which import what they like.
  const code = read(from).replace(/\/\*[^]*?\*\/|^\s*\/\/.*$/gm, "");
  // What new-plugin writes are texts with imports of their own.
  const text = from.startsWith("plugins/new_plugin/text_of_") ? code.replace(/`(?:\\.|[^`\\])*`/g, "``") : code;
  const forms = /^\s*(?:import|export)(\s+type)?\s[^;=]*?\bfrom\s*["']([^"']+)|^\s*import\s*["']([^"']+)|\bimport\(\s*["'`]([^"'`]+)/gm;
  return [...text.matchAll(forms)].map(([, type, named, bare, dynamic]) => {
    const name = named ?? bare ?? dynamic;
    return { from, what: name.startsWith(".") ? posix.join(posix.dirname(from), name) : name, typeOnly: type !== undefined };
  });
}

function mayImport({ from, what, typeOnly }: Import): boolean {
  const [layer] = Object.keys(allowed).filter((prefix) => from.startsWith(prefix)).sort((a, b) => b.length - a.length);
  return (allowed[layer] ?? []).some((entry) => {
    const prefix = entry.replace(/^type:/, "");
    if (entry !== prefix && !typeOnly) return false;
    return prefix.endsWith("/") ? what.startsWith(prefix) : what === prefix || what.startsWith(`${prefix}/`);
  });
}

const files = sources(".");
const imports = files.flatMap(importsOf);
const say = ({ from, what, typeOnly }: Import) => `${from} imports ${typeOnly ? "types from " : ""}${what}`;

test("every source file stands in a layer", () => {
  assertEquals(files.filter((file) => !Object.keys(allowed).some((prefix) => file.startsWith(prefix))), []);
});

test("every import goes down the layers", () => {
  assertEquals(
    imports.filter((one) => !mayImport(one)).map(say),
    [],
    "design: kernels <- core <- plugins <- mod.ts; plugins take types alone",
  );
});

/** Files that reach each other, as far as there are any: Tarjan's strongly connected components of more than one file, or of one that imports itself. */
function circles(imports: readonly Import[]): string[][] {
  const next = new Map<string, string[]>();
  for (const { from, what } of imports) next.set(from, [...next.get(from) ?? [], what]);
  const numbers = new Map<string, number>();
  const lowest = new Map<string, number>();
  const path: string[] = [];
  const found: string[][] = [];
  const visit = (file: string): void => {
    const number = numbers.size;
    numbers.set(file, number);
    lowest.set(file, number);
    path.push(file);
    for (const other of next.get(file) ?? []) {
      if (!numbers.has(other)) visit(other);
      if (path.includes(other)) lowest.set(file, Math.min(lowest.get(file)!, lowest.get(other)!));
    }
    if (lowest.get(file) !== number) return;
    const circle = path.splice(path.indexOf(file));
    if (circle.length > 1 || next.get(file)?.includes(file)) found.push(circle.sort());
  };
  for (const file of next.keys()) if (!numbers.has(file)) visit(file);
  return found;
}

test("circles finds the files that reach each other", () => {
  const lines = (...pairs: string[]) => pairs.map((pair) => ({ from: pair[0], what: pair[1], typeOnly: false }));
  assertEquals(circles(lines("ab", "bc", "ad", "dc")), []);
  assertEquals(circles(lines("ab", "bc", "ca", "cd", "de", "ed", "ff", "ag")), [["d", "e"], ["a", "b", "c"], ["f"]]);
});

test("no circle among the files, types included", () => {
  assertEquals(circles(imports.filter(({ what }) => files.includes(what))), []);
});

test("nothing imports the page's program, which is bundled", () => {
  const page = "plugins/http/page/";
  assertEquals(imports.filter(({ from, what }) => what.startsWith(page) && !from.startsWith(page)).map(say), []);
});

test("mod.ts files in folders are entry points for outsiders: no layer imports one", () => {
  const inside = imports.filter(({ from, what }) => from.includes("/") && what !== "mod.ts" && posix.basename(what) === "mod.ts");
  assertEquals(inside.map(say), []);
});

test("mod.ts imports and exports, and computes nothing", () => {
  if (!files.includes("mod.ts")) return;
  const code = read("mod.ts").replace(/\/\*[^]*?\*\/|^\s*\/\/.*$/gm, "");
  assertEquals(code.match(/\b(function|class|if|for|while|let|var|await)\b|=>/g), null);
});

test("kernels/ names no algorithm", () => {
  const names = readdirSync(`${root}/plugins/optimizers`).map((file) => file.replace(/\.ts$/, "").replaceAll("_", "[_ -]?"));
  const word = new RegExp(`adam|\\b(?:${["muon", "soap", "lion", ...names].join("|")})\\b`, "i");
  const naming = files.filter((file) => file.startsWith("kernels/")).flatMap((file) =>
    read(file).split("\n").flatMap((line, i) => word.test(line) ? [`${file}:${i + 1}: ${line.trim().slice(0, 120)}`] : [])
  );
  assertEquals(naming, []);
});
