/**
 * The service under Node 20 or newer, by way of @hono/node-server. Node 20 does not read TypeScript, so it is bundled first:
 * `npx esbuild examples/node/serve.ts --bundle --platform=node --format=esm --outfile=dist/serve.mjs && node dist/serve.mjs`.
 *
 * @module
 */
import { serve } from "@hono/node-server";
import process from "node:process";
import { builtins } from "../../mod.ts";
import { createApp } from "../../plugins/http/mod.ts";
import { page } from "../../plugins/http/page.ts";

const server = serve(
  { fetch: createApp(builtins, { page }).fetch, hostname: "127.0.0.1", port: Number(process.env.PORT || 8000) },
  ({ address, port }) => {
    console.log(`Glissade listens on http://${address}:${port}/`);
  },
);

server.once("error", ({ code, message }: NodeJS.ErrnoException) => {
  console.error(`Cannot serve on PORT=${process.env.PORT ?? ""}: ${code === "EADDRINUSE" ? "another program listens there" : message}`);
  process.exit(1);
});

for (const signal of ["SIGINT", "SIGTERM"]) {
  process.once(signal, () => {
    setTimeout(() => process.exit(1), 10_000).unref();
    server.close(() => process.exit(0));
  });
}
