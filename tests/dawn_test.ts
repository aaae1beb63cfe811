/**
 * README's way to a device in Node and Bun.
 *
 * @module
 */
import { build } from "esbuild";
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { assert, assertEquals } from "@std/assert";
import { swiftShader } from "./chromium.ts";
import { dawn } from "./dawn.ts";
import { read, root } from "./generated.ts";

const isThere = existsSync(dawn) && swiftShader !== undefined;
const inDawn = isThere ? test : test.skip;

inDawn("README's way to a device in Node gives one there and in Bun, on which a step is taken", async () => {
  const example = /^ {2}```js ignore\n(.*?from "webgpu".*?)^ {2}```/ms.exec(read("README.md"))?.[1];
  assert(example !== undefined);
  const folder = mkdtempSync(join(root, ".cache/readme-"));
  try {
    const outfile = join(folder, "main.mjs");
    const contents = `${example}
import { createOptimizer, sgd } from "@glissade/optim";
const w = Float32Array.of(1, 2);
const optimizer = createOptimizer(sgd, { w }, { lr: 0.5 }, { backend });
optimizer.step({ w: Float32Array.of(2, 2) });
await optimizer.sync();
console.log(...w);
backend.dispose();
device.destroy();`;
    await build({
      stdin: { contents, resolveDir: root },
      ...{ outfile, bundle: true, format: "esm", platform: "node", logLevel: "silent" },
      alias: { "@glissade/optim/webgpu": join(root, "core/webgpu.ts"), "@glissade/optim": join(root, "mod.ts") },
      plugins: [{
        name: "webgpu",
        setup: ({ onResolve }) =>
          onResolve({ filter: /^webgpu$/ }, () => ({ path: pathToFileURL(join(dawn, "index.js")).href, external: true })),
      }],
    });
    const env = { ...process.env, VK_ADD_DRIVER_FILES: swiftShader };
    for (const program of ["node", join(root, "node_modules/.bin/bun")]) {
      const said = execFileSync(program, [outfile], { encoding: "utf8", env, stdio: ["ignore", "pipe", "ignore"] });
      assertEquals(said, "0 1\n", program);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});
