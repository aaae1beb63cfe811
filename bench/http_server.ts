/**
 * What bench/http.ts asks: the service, or the same framework with constant answers and an echo. `deno run -A bench/http_server.ts app|constant`
 * prints its port; the same under Bun. It ends with its standard input.
 *
 * @module
 */
import { Hono } from "hono";
import process from "node:process";
import { builtins } from "../mod.ts";
import { createApp } from "../plugins/http/app.ts";

const linear = "numWarmupSteps=100&numTrainingSteps=1000";

/** What is asked. */
export const paths: Readonly<Record<"value" | "curve" | "curve.f64", string>> = {
  "value": `/v1/schedules/linear?${linear}&step=7`,
  "curve": `/v1/schedules/linear?${linear}&from=0&to=999&every=1`,
  "curve.f64": `/v1/schedules/linear.f64?${linear}&from=0&to=999&every=1`,
};

/** Answers with the bytes and the headers that the service has for these paths, and echoes as much as a step answers. */
async function constant(): Promise<Hono> {
  const app = createApp(builtins);
  const answerOf = async (path: string) => {
    const answer = await app.request(path);
    const body = path.includes(".f64") ? new Uint8Array(await answer.arrayBuffer()) : await answer.text();
    return { body, headers: Object.fromEntries(answer.headers) };
  };
  const [value, curve, floats] = await Promise.all(Object.values(paths).map(answerOf));
  return new Hono()
    .get("/v1/schedules/linear", (c) => {
      const { body, headers } = c.req.raw.url.includes("from=") ? curve : value;
      return new Response(body, { headers });
    })
    .get("/v1/schedules/linear.f64", () => new Response(floats.body, { headers: floats.headers }))
    .post("/v1/steps", async (c) => {
      const bytes = new Uint8Array(await c.req.raw.arrayBuffer());
      return new Response(bytes.subarray(0, Number(c.req.header("x-answer-bytes"))));
    });
}

async function main(which: string | undefined): Promise<void> {
  const { fetch } = which === "app" ? createApp(builtins) : await constant();
  const { Deno, Bun } = globalThis as unknown as {
    Deno?: { serve(options: object, fetch: unknown): unknown };
    Bun?: { serve(options: object): { port: number } };
  };
  if (Bun !== undefined) console.log(Bun.serve({ hostname: "127.0.0.1", port: 0, fetch, maxRequestBodySize: 2 ** 26 }).port);
  else Deno!.serve({ hostname: "127.0.0.1", port: 0, onListen: ({ port }: { port: number }) => console.log(port) }, fetch);
  process.stdin.on("end", () => process.exit(0)).resume();
}

if (import.meta.main) await main(process.argv[2]);
