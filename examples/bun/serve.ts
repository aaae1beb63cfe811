/**
 * The service under Bun: `bun examples/bun/serve.ts`. In a container, see the Dockerfile beside this file.
 *
 * @module
 */
import process from "node:process";
import { builtins } from "../../mod.ts";
import { createApp } from "../../plugins/http/mod.ts";
import { page } from "../../plugins/http/page.ts";

interface BunServer {
  readonly url: URL;
  stop(): Promise<void>;
}
declare const Bun: { serve(options: object): BunServer };

const app = createApp(builtins, { page });
const port = Number(process.env.PORT || 8000);
const server = serve({
  hostname: process.env.HOST ?? "127.0.0.1",
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
    console.error(
      `Cannot serve on PORT=${process.env.PORT ?? ""}: ${isTaken ? "another program listens there" : (error as Error).message}`,
    );
    return process.exit(1);
  }
}

console.log(`Glissade listens on ${server.url}`);

for (const signal of ["SIGINT", "SIGTERM"]) {
  process.once(signal, async () => {
    setTimeout(() => process.exit(1), 10_000).unref();
    await server.stop();
    process.exit(0);
  });
}
