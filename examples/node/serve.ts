/**
 * The service under Node 20 or newer, by way of @hono/node-server. Node 20 does not read TypeScript, so it is bundled first:
 * `npx esbuild examples/node/serve.ts --bundle --platform=node --format=esm --outfile=dist/serve.mjs && node dist/serve.mjs`.
 * With `--plugins examples/json` it serves a folder of plugins in JSON, too.
 *
 * @module
 */
import { serve } from "@hono/node-server";
import process from "node:process";
import { parseArgs } from "node:util";
import { builtins, type Plugin } from "../../mod.ts";
import { createApp } from "../../plugins/http/mod.ts";
import { page } from "../../plugins/http/page.ts";
import { readPluginFolder } from "../../plugins/http/plugin_folder.ts";

// An empty one is none, and digits alone are one: Number(" ") would be 0, which is any free port.
const wanted = process.env.PORT?.trim() || "8000";
const port = /^\d+$/.test(wanted) ? Number(wanted) : NaN;
if (!(port < 65536)) refuse("it must be a port");

const server = serve(
  { fetch: createApp(builtins.with(...await morePlugins()), { page }).fetch, hostname: "127.0.0.1", port },
  ({ address, port }) => {
    console.log(`Glissade listens on http://${address}:${port}/`);
  },
);

server.once("error", ({ code, message }: NodeJS.ErrnoException) => {
  refuse(code === "EADDRINUSE" ? "another program listens there" : message);
});

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

for (const signal of ["SIGINT", "SIGTERM"]) {
  process.once(signal, () => {
    setTimeout(() => process.exit(1), 10_000).unref();
    server.close(() => process.exit(0));
  });
}
