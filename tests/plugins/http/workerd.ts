/**
 * The worker of examples/cloudflare in workerd, on a free port of loopback: `deno run -A tests/plugins/http/workerd.ts`. Ends with its input.
 *
 * @module
 */
import { Miniflare } from "miniflare";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { buildWorker } from "../../../examples/cloudflare/build.ts";

const folder = mkdtempSync(join(tmpdir(), "glissade-worker-"));
await buildWorker(folder);
const workerd = new Miniflare({
  modules: true,
  modulesRoot: folder,
  scriptPath: join(folder, "worker.js"),
  modulesRules: [{ type: "CompiledWasm", include: ["**/*.wasm"] }, { type: "ESModule", include: ["**/*.js"] }],
  compatibilityDate: "2026-04-01",
  host: "127.0.0.1",
  port: 0,
});
console.log(`Glissade listens on ${await workerd.ready}`);

process.stdin.on("end", async () => {
  await workerd.dispose();
  rmSync(folder, { recursive: true, force: true });
  process.exit(0);
}).resume();
