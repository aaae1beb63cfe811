import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { entryPoints, generated, read, root } from "./generated.ts";

for (const [path, make] of generated) {
  test(`${path} is what \`deno task build\` makes`, () => {
    assert(read(path) === make(), `${path} is stale: run \`deno task build\``);
  });
}

test("the exports map lists every plugin and recipe", () => {
  const listed: Record<string, string> = JSON.parse(read("deno.json")).exports;
  const lines = (from: Record<string, string>, without: Record<string, string>) =>
    Object.entries(from).filter(([name, path]) => without[name] !== path).map(([name, path]) => `"${name}": "${path}"`);
  const why = "the exports map in deno.json; `deno task build` does it";
  assertEquals(lines(entryPoints(), listed), [], `lines missing in ${why}`);
  assertEquals(lines(listed, entryPoints()), [], `lines without a file in ${why}`);
});

test("package.json's scripts and deno.json's tasks are the same commands", () => {
  // `deno task` would run the npm package's binary of that name as JavaScript; a path keeps it from that.
  const tasks = Object.entries<string>(JSON.parse(read("deno.json")).tasks).map((
    [name, command],
  ) => [name, command.replace(/^node_modules\/\.bin\//, "")]);
  // The shell of an npm script passes no signal on, so that one has `exec`, which Deno's own shell needs not and has not.
  const scripts = Object.entries<string>(JSON.parse(read("package.json")).scripts).map((
    [name, command],
  ) => [name, command.replace(/^exec /, "")]);
  assertEquals(Object.fromEntries(scripts), Object.fromEntries(tasks));
});

test("nothing that git ignores is committed, such as a profiler's logs", { skip: !existsSync(`${root}/.git`) }, () => {
  assertEquals(execFileSync("git", ["ls-files", "--cached", "--ignored", "--exclude-standard"], { cwd: root, encoding: "utf8" }), "");
});
