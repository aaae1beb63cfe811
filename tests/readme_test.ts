import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { builtins } from "../mod.ts";
import { entryPoints, read, root } from "./generated.ts";

const readme = read("README.md");
const deno = join(root, "node_modules/.bin/deno");

function run(args: readonly string[], input: string = ""): string {
  return execFileSync(deno, ["run", "-A", "--no-check", ...args], {
    cwd: root,
    encoding: "utf8",
    input,
    env: { ...process.env, NO_COLOR: "1" },
  });
}

/** The part under a heading. */
function section(heading: string): string {
  const [, part] = readme.split(`\n## ${heading}\n`);
  assert(part !== undefined, `no heading ${heading}`);
  return part.split("\n## ")[0];
}

const rows = (part: string): string[][] =>
  part.split("\n").filter((line) => line.startsWith("| ")).slice(1).filter((line) => !line.startsWith("| -"))
    .map((line) => line.split("|").slice(1, -1).map((cell) => cell.trim()));

test("README's examples print what stands beside their lines", () => {
  const blocks = [...readme.matchAll(/^```ts\n(.*?)^```/gms)].map(([, code]) => code);
  const expected = (code: string) => [...code.matchAll(/console\.log\(.*\); \/\/ (.*)$/gm)].map(([, value]) => value);
  const printing = blocks.filter((code) => expected(code).length > 0);
  assert(printing.length >= 3, `${printing.length} examples print`);
  // "1, then 2" is printed in two lines.
  for (const code of printing) {
    assertEquals(run(["-"], code).trim().split("\n"), expected(code).flatMap((value) => value.split(", then ")));
  }
});

test("README's links lead to files", () => {
  const links = [...readme.matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map(([, path]) => path);
  assertEquals(links.filter((path) => !existsSync(join(root, path))), []);
});

test("README's map has every entry point, and README names every built-in plugin", () => {
  const named = rows(section("Entry points")).flatMap(([cell]) => [...cell.matchAll(/`([^`]+)`/g)].map(([, name]) => name));
  const covers = (path: string) => named.some((name) => name.endsWith("/…") ? path.startsWith(name.slice(0, -1)) : path === name);
  assertEquals(Object.keys(entryPoints()).filter((path) => !covers(path)), [], "entry points that README leaves out");
  const known = [...Object.keys(entryPoints()), "./bundle"]; // the npm package alone has the bundle
  const exists = (name: string) => known.some((path) => name.endsWith("/…") ? path.startsWith(name.slice(0, -1)) : path === name);
  assertEquals(named.filter((name) => /^[a-z]+$/.test(name) === false && name !== "." && !exists(name)), [], "that are not there");
  const listed = new Set([...section("What is in it").matchAll(/`(\w+)`/g)].map(([, name]) => name));
  assertEquals(builtins.plugins.map(({ name }) => name).filter((name) => !listed.has(name)), []);
});

test("the spiral's network learns", () => {
  const last = run(["examples/spiral/main.ts"]).trim().split("\n").at(-1)!;
  const [, right, all] = /(\d+) of (\d+) points right$/.exec(last)!;
  assert(Number(right) >= 0.95 * Number(all), last);
});
