import { transformSync } from "esbuild";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { assert, assertEquals, assertThrows } from "@std/assert";
import type { Plugin } from "../../core/plugin/contract.ts";
import { newPlugin } from "../../plugins/new_plugin/command.ts";
import { version } from "../../plugins/new_plugin/version.ts";
import { testAccumulator, testOptimizer, testSchedule, testTransform } from "../../plugins/testing/mod.ts";
import { read } from "../generated.ts";

const testOf = { optimizer: testOptimizer, schedule: testSchedule, accumulator: testAccumulator, transform: testTransform };

/** Runs in an empty folder, which is gone afterwards. */
async function inFolder(use: (folder: string) => void | Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "glissade-new-"));
  try {
    await use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const jsonOf = (...path: string[]) => JSON.parse(readFileSync(join(...path), "utf8"));

for (const kind of ["optimizer", "schedule", "accumulator", "transform"] as const) {
  test(`new-plugin writes ${/^[ao]/.test(kind) ? "an" : "a"} ${kind} that has no fault`, () =>
    inFolder(async (folder) => {
      newPlugin(["@me/my-first", "--kind", kind], folder);
      const files = [".gitignore", "README.md", "deno.json", "my_first.ts", "my_first_test.ts", "package.json"];
      assertEquals(readdirSync(join(folder, "my-first")).sort(), files);
      // Without its types, for Node 20, which reads no TypeScript.
      const { code } = transformSync(readFileSync(join(folder, "my-first/my_first.ts"), "utf8"), { loader: "ts" });
      const module = join(folder, "my_first.mjs");
      writeFileSync(module, code);
      const { myFirst } = await import(pathToFileURL(module).href) as { myFirst: Plugin };
      assertEquals([myFirst.kind, myFirst.name], [kind, "my_first"]);
      await (testOf[kind] as (plugin: Plugin) => Promise<void>)(myFirst);
    }));
}

test("new-plugin gives JSR and npm one name and one version, and asks for this library's", () =>
  inFolder((folder) => {
    assert(newPlugin(["@me/my-first"], folder).includes("cd my-first"));
    const [deno, npm] = ["deno.json", "package.json"].map((file) => jsonOf(folder, "my-first", file));
    assertEquals([deno.name, deno.version, deno.license], [npm.name, npm.version, npm.license]);
    assertEquals(deno.name, "@me/my-first");
    assertEquals(deno.imports["@glissade/optim"], `jsr:@glissade/optim@^${version}`);
    assertEquals([npm.peerDependencies["@glissade/optim"], npm.devDependencies["@glissade/optim"]], [`^${version}`, `^${version}`]);
    assertEquals(deno.links, undefined);
    assertEquals(version, JSON.parse(read("deno.json")).version);
  }));

test("new-plugin takes a checkout of the library that is not published, and says where it lies", () =>
  inFolder((folder) => {
    assertThrows(() => newPlugin(["my-first", "--from", folder], folder), RangeError, "npm run pack");
    assert(!existsSync(join(folder, "my-first")), "nothing is written after an error");
    mkdirSync(join(folder, "dist"));
    writeFileSync(join(folder, "deno.json"), "{}");
    writeFileSync(join(folder, `dist/glissade-optim-${version}.tgz`), "");
    newPlugin(["my-first", `--from=${folder}`], folder);
    assertEquals(jsonOf(folder, "my-first/deno.json").links, [folder]);
    assertEquals(
      jsonOf(folder, "my-first/package.json").devDependencies["@glissade/optim"],
      `file:${folder}/dist/glissade-optim-${version}.tgz`,
    );
    assert(readFileSync(join(folder, "my-first/README.md"), "utf8").includes("Before Glissade is published"));
  }));

test("new-plugin writes nothing over", () =>
  inFolder((folder) => {
    newPlugin(["my-first"], folder);
    writeFileSync(join(folder, "my-first/my_first.ts"), "mine");
    assertThrows(() => newPlugin(["my-first", "--kind", "schedule"], folder), RangeError, "nothing is written over");
    assertEquals(readFileSync(join(folder, "my-first/my_first.ts"), "utf8"), "mine");
    mkdirSync(join(folder, "empty"));
    newPlugin(["empty"], folder); // an empty folder is not in the way
  }));

const refused: readonly (readonly [words: readonly string[], says: string])[] = [
  [["My Lion"], "a name is small letters"],
  [["my-lion", "other"], "give one name"],
  [["my-lion", "--kind", "optimiser"], 'did you mean "optimizer"'],
  [["my-lion", "--king", "schedule"], "known are --kind and --from"],
  [["--kind", "schedule"], "without a name"],
  [["my-lion", "--from"], "--from without a folder"],
  [["lion"], "take another, such as my-lion"],
  [["delete"], "a word of the language"],
  [["../my-lion"], "a name is small letters"],
];
for (const [words, says] of refused) {
  test(`new-plugin refuses ${words.join(" ")}`, () =>
    inFolder((folder) => {
      assertThrows(() => newPlugin(words, folder), TypeError, says);
      assertEquals(readdirSync(folder), []);
    }));
}

test("new-plugin says how it is used", () => {
  for (const words of [[], ["--help"], ["my-lion", "-h"]]) assert(newPlugin(words, "/nowhere").includes("new-plugin NAME"));
});
