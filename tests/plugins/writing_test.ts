import { execFileSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { read, root } from "../generated.ts";

const pages = readdirSync(join(root, "plugins/writing")).map((file) => `plugins/writing/${file}`);
const deno = join(root, "node_modules/.bin/deno");

/** What a block says that it prints: behind a `console.log`, or in the comments at its end. */
function expectedOf(code: string): readonly string[] {
  const beside = [...code.matchAll(/console\.log\(.*\); \/\/ (.*)$/gm)].map(([, value]) => value);
  return beside.length > 0 ? beside : (/(?:^\/\/ .*\n)+$/m.exec(code)?.[0] ?? "").split("\n").filter(Boolean).map((line) => line.slice(3));
}

for (const page of pages) {
  test(`The examples of ${page} run and print what stands beside their lines`, () => {
    const blocks = [...read(page).matchAll(/^```ts\n(.*?)^```/gms)].map(([, code]) => code);
    assert(blocks.length > 0);
    for (const code of blocks) {
      const printed = execFileSync(deno, ["run", "-A", "--no-check", "-"], {
        cwd: root,
        encoding: "utf8",
        input: code,
        env: { ...process.env, NO_COLOR: "1" },
      });
      assertEquals(printed.trim().split("\n").filter(Boolean), expectedOf(code), code);
    }
  });

  test(`The links of ${page} lead to files`, () => {
    const links = [...read(page).matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map(([, path]) => join(dirname(page), path));
    assertEquals(links.filter((path) => !existsSync(join(root, path))), []);
  });
}
