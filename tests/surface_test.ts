import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { read } from "./generated.ts";
import { surface } from "./surface.ts";

test("the public names are those of tests/surface.txt", () => {
  const entries = (text: string) =>
    text.split(/^## /m).slice(1).flatMap((part) => {
      const [entryPoint, ...names] = part.trim().split("\n");
      return names.map((name) => `${entryPoint} ${name}`);
    });
  const now = entries(surface());
  const then = entries(read("tests/surface.txt"));
  const why = "if that is meant, say so in CHANGELOG.md and run `deno task surface`";
  assertEquals(now.filter((entry) => !then.includes(entry)), [], `new public names: ${why}`);
  assertEquals(then.filter((entry) => !now.includes(entry)), [], `public names that are gone: ${why}`);
});
