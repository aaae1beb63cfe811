/**
 * What every answer has: a request id, its time, its place in the metrics, CORS where it is configured, and a problem where it failed.
 *
 * @module
 */
import type { Context } from "hono";
import { isMemoryError } from "../../core/errors.ts";
import type { Budget } from "./guard/budget.ts";
import type { Count } from "./guard/metrics.ts";
import type { Gate } from "./guard/tokens.ts";
import type { Answer, Service } from "./routes/route.ts";
import { heldBody, large } from "./wire/held_body.ts";
import { noMemory, Problem } from "./wire/problem.ts";

/** Origins that may read answers in a browser: one, some, or `"*"`. */
export type Origins = string | readonly string[];

/** Answers one request. At once where it can: a promise would cost a cached answer a tenth of its time. */
export type Handler = (context: Context, tenant: string) => Answer | Promise<Answer>;

/** Makes what Hono calls, from the path that counts answers, its gate, what answers, and the room for large answers. */
export type Serve = (
  path: string,
  gate: Gate | null,
  handler: Handler,
  room?: Budget,
) => (context: Context) => Response | Promise<Response>;

/** For everything that nobody may keep. */
export const noStore = "private, no-store";

/** Runtimes put Host before the path: `x/metrics?` there would be another path, and the one that was asked for a query. */
const plainHost = /^[\w.:[\]-]*$/;

/** Makes {@linkcode Serve} for one app. */
export function createServe(
  { metrics, limits }: Pick<Service, "metrics" | "limits">,
  cors: Origins | undefined,
): Serve {
  let prefix = "";
  let ids = 0;
  const idOf = (request: Request): string => {
    const given = request.headers.get("x-request-id");
    if (given !== null && /^[\w.:-]{1,64}$/.test(given)) return given;
    // Random numbers are not to be had on workerd before the first request.
    prefix ||= crypto.randomUUID().slice(0, 13);
    return `${prefix}-${(ids++).toString(36)}`;
  };
  return (path, gate, handler, room) => {
    const count = metrics.route(path);
    return (context) => answer(context, gate, handler, room, count);
  };

  function answer(
    context: Context,
    gate: Gate | null,
    handler: Handler,
    room: Budget | undefined,
    count: Count,
  ): Response | Promise<Response> {
    const start = performance.now();
    const request = context.req.raw;
    const id = idOf(request);
    const respond = (tenant: string, { status = 200, body, headers }: Answer): Response => {
      const sent = request.method === "HEAD" || body !== null && body.length >= large ? measured(tenant, request, body, room) : { body };
      const took = performance.now() - start;
      count(request.method, status, took / 1000);
      return new Response(sent.body, {
        status,
        headers: {
          ...headers,
          ...sent.headers,
          "X-Request-Id": id,
          "Server-Timing": `total;dur=${took.toFixed(2)}`,
          "X-Content-Type-Options": "nosniff",
          ...(cors !== undefined && corsHeaders(cors, request)),
        },
      });
    };
    const fail = (error: unknown): Response => respond("", problemAnswer(error, id));
    const handle = (tenant: string): Response | Promise<Response> => {
      const answer = handler(context, tenant);
      return answer instanceof Promise ? answer.then((answer) => respond(tenant, answer)) : respond(tenant, answer);
    };
    try {
      const host = request.headers.get("host");
      if (host !== null && !plainHost.test(host)) {
        const detail = "Host must be a name or an address, and perhaps a port";
        throw new Problem("malformed-header", detail, [{ in: "header", name: "Host", detail }]);
      }
      const answer = gate === null ? handle("") : gate(request.headers).then(handle);
      return answer instanceof Promise ? answer.catch(fail) : answer;
    } catch (error) {
      return fail(error);
    }
  }

  /** A body whose length is told: to HEAD instead of it, and where it is large, so that it is in the budget until it is sent. */
  function measured(
    tenant: string,
    { method }: Request,
    body: Answer["body"],
    room: Budget | undefined,
  ): { body: BodyInit | null; headers?: Record<string, string> } {
    if (body === null) return { body };
    const encode = (): Uint8Array<ArrayBuffer> => typeof body === "string" ? new TextEncoder().encode(body) : body;
    const lengthOf = ({ length }: Uint8Array): Record<string, string> => ({ "Content-Length": String(length) });
    if (method === "HEAD") return { body: null, headers: lengthOf(encode()) };
    // Without room of its own, as a page, it is the same bytes for all.
    const hold = room?.hold(tenant);
    hold?.take(body.length); // before its bytes are made; a title's letters may take a few more
    const bytes = encode();
    return { body: heldBody(bytes, hold, limits), headers: lengthOf(bytes) };
  }
}

/** The answer to a preflight. */
export function preflight(methods: string): Answer {
  return {
    status: 204,
    body: null,
    headers: {
      "Access-Control-Allow-Methods": methods,
      "Access-Control-Allow-Headers": "authorization, content-type, idempotency-key, if-match, if-none-match, x-request-id",
      "Access-Control-Max-Age": "86400",
      "Cache-Control": noStore,
    },
  };
}

function corsHeaders(origins: Origins, request: Request): Record<string, string> {
  const expose = { "Access-Control-Expose-Headers": "ETag, Location, Retry-After, Server-Timing, X-Request-Id" };
  if (origins === "*") return { "Access-Control-Allow-Origin": "*", ...expose };
  const origin = request.headers.get("origin");
  const known = origin !== null && (typeof origins === "string" ? origins === origin : origins.includes(origin));
  return { "Vary": "Origin", ...(known && { "Access-Control-Allow-Origin": origin, ...expose }) };
}

function problemAnswer(error: unknown, id: string): Answer {
  const told = isMemoryError(error) ? noMemory() : error;
  const problem = told instanceof Problem ? told : new Problem("internal-error", "The request could not be answered");
  // What went wrong inside is for the log alone.
  if (problem !== error) console.error(id, error);
  return {
    status: problem.status,
    body: problem.body(id),
    headers: { "Content-Type": "application/problem+json", "Cache-Control": noStore, ...problem.headers },
  };
}
