/**
 * The service on this machine: `npm start`, or `PORT=9000 npm start`. `npm start -- --plugins examples/json` serves a folder of plugins in JSON, too.
 * Ctrl+C lets open requests end first.
 *
 * Slow bodies are stopped by the service; slow headers are not, since Deno waits for them without end: put a proxy in front of it.
 *
 * @module
 */
import process from "node:process";
import { parseArgs } from "node:util";
import { createApp } from "../plugins/http/mod.ts";
import { page } from "../plugins/http/page.ts";
import { readPluginFolder } from "../plugins/http/plugin_folder.ts";
import { builtins, type Plugin } from "../mod.ts";

// An empty one is none, and digits alone are one: Number(" ") would be 0, which is any free port.
const wanted = process.env.PORT?.trim() || "8000";
const port = /^\d+$/.test(wanted) ? Number(wanted) : NaN;
if (!(port < 65536)) refuse(`Cannot serve on PORT=${process.env.PORT}: it must be a port`);

const app = createApp(builtins.with(...await morePlugins()), { page });
const server = serve();

/** Those of the folder that `--plugins` names, if any. */
async function morePlugins(): Promise<readonly Plugin[]> {
  try {
    const { plugins } = parseArgs({ options: { plugins: { type: "string" } } }).values;
    return plugins === undefined ? [] : await readPluginFolder(plugins);
  } catch (error) {
    return refuse((error as Error).message);
  }
}

function serve(): Deno.HttpServer<Deno.NetAddr> {
  const onListen = ({ hostname, port }: Deno.NetAddr) => console.log(`Glissade listens on http://${hostname}:${port}/`);
  try {
    return Deno.serve({ hostname: "127.0.0.1", port, onListen }, app.fetch);
  } catch (error) {
    if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    return refuse(`Cannot serve on port ${port}: another program listens there. Choose one with PORT=9000 npm start`);
  }
}

function refuse(why: string): never {
  console.error(why);
  process.exit(1);
}

/** Requests that do not end are not waited for longer. */
const patience = 10_000;

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, async () => {
    setTimeout(() => process.exit(1), patience).unref();
    await server.shutdown();
    process.exit(0);
  });
}
