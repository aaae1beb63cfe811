/**
 * The service under Bun: `bun examples/bun/serve.ts`, with `--plugins examples/json` also of a folder of plugins in JSON. In a container, see the Dockerfile beside this file.
 *
 * @module
 */
import process from "node:process";
import { parseArgs } from "node:util";
import { builtins, type Plugin } from "../../mod.ts";
import { createApp } from "../../plugins/http/mod.ts";
import { page } from "../../plugins/http/page.ts";
import { readPluginFolder } from "../../plugins/http/plugin_folder.ts";

interface BunServer {
  readonly url: URL;
  stop(): Promise<void>;
}
declare const Bun: { serve(options: object): BunServer };

const app = createApp(builtins.with(...await morePlugins()), { page });
// An empty one is none, and digits alone are one: Number(" ") would be 0, which is any free port.
const wanted = process.env.PORT?.trim() || "8000";
const port = /^\d+$/.test(wanted) ? Number(wanted) : NaN;
if (!(port < 65536)) refuse("it must be a port");
const server = serve({
  hostname: process.env.HOST?.trim() || "127.0.0.1",
  port,
  // Probes that speak HTTP/1.0 name no host, and Bun then gives a path for the URL.
  fetch: (request: Request) => app.fetch(request.url.startsWith("/") ? new Request(`http://localhost${request.url}`, request) : request),
  // Seconds without a byte; slow headers end with it too.
  idleTimeout: 30,
  // The service refuses what is too large, in words; Bun's own answer has none.
  maxRequestBodySize: Number.MAX_SAFE_INTEGER,
});

function serve(options: object): BunServer {
  try {
    return Bun.serve(options);
  } catch (error) {
    const isTaken = (error as { code?: string }).code === "EADDRINUSE";
    return refuse(isTaken ? "another program listens there" : (error as Error).message);
  }
}

/** Those of the folder that `--plugins` names, if any. */
async function morePlugins(): Promise<readonly Plugin[]> {
  try {
    const { plugins } = parseArgs({ options: { plugins: { type: "string" } } }).values;
    return plugins === undefined ? [] : await readPluginFolder(plugins);
  } catch (error) {
    console.error((error as Error).message);
    return process.exit(1);
  }
}

function refuse(why: string): never {
  console.error(`Cannot serve on PORT=${process.env.PORT ?? ""}: ${why}`);
  process.exit(1);
}

console.log(`Glissade listens on ${server.url}`);

for (const signal of ["SIGINT", "SIGTERM"]) {
  process.once(signal, async () => {
    setTimeout(() => process.exit(1), 10_000).unref();
    await server.stop();
    process.exit(0);
  });
}
