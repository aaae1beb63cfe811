/**
 * Answers that hold for a while: by their URL, or for the life of the app. They have validators, and are made once.
 *
 * @module
 */
import type { Context } from "hono";
import { type Answer, type Route, type Service, then } from "../routes/route.ts";
import { type Handler, noStore } from "../serve.ts";
import { isMatch, tagged } from "../wire/etag.ts";
import { type Cached, createCache } from "./cache.ts";
import { createSeen } from "./seen.ts";

/** Gives an answer again, or has it made. */
export type Holding = (context: Context, tenant: string, answer: Handler) => Answer | Promise<Answer>;

const notHeld: Holding = (context, tenant, answer) =>
  then(answer(context, tenant), (made) => ({ ...made, headers: { ...made.headers, "Cache-Control": noStore } }));

/** A text that is made once, and asked for again before it is used again. */
function alwaysHeld(): Holding {
  // One for those who are known, one for those who are not: that is all that such an answer may look at.
  const helds = new Map<boolean, Cached>();
  return (context, tenant, answer) => {
    const request = context.req.raw;
    const held = helds.get(tenant !== "");
    if (held !== undefined) return validated(request, held);
    return then(answer(context, tenant), (made) => {
      const held = toHold(made, "private, no-cache");
      helds.set(tenant !== "", held);
      return validated(request, held);
    });
  };
}

/** An answer that depends on the URL alone. It is kept when it is made for the second time. */
function heldByUrl({ metrics, guarded, limits }: Service): Holding {
  const cache = createCache(limits.cacheBytes);
  const seen = createSeen();
  const cacheControl = guarded.schedules ? noStore : "public, max-age=3600, stale-while-revalidate=86400";
  return (context, tenant, answer) => {
    const request = context.req.raw;
    const { url } = request;
    const path = url.slice(url.indexOf("/", 8));
    const isSeen = seen(path);
    const known = isSeen ? cache.get(path) : undefined;
    metrics.looks[known === undefined ? "miss" : "hit"]++;
    if (known !== undefined) return validated(request, known);
    return then(answer(context, tenant), (made) => {
      const held = toHold(made, cacheControl);
      if (isSeen) cache.set(path, held);
      return validated(request, held);
    });
  };
}

function toHold({ body, headers }: Answer, cacheControl: string): Cached {
  const { body: kept, etag } = tagged(body!); // no route without a body is held
  return { body: kept, headers: { ...headers, "ETag": etag, "Cache-Control": cacheControl } };
}

/** An answer with a validator, which its headers hold: 304 where the client has it already. */
function validated(request: Request, { body, headers }: Cached): Answer {
  if (!isMatch(request.headers.get("if-none-match"), headers.ETag)) return { body, headers };
  return { status: 304, body: null, headers: { "ETag": headers.ETag, "Cache-Control": headers["Cache-Control"] } };
}

/** How the answers of each kind are held in one app: those of all URLs are in one cache, and each other route has its own. */
export function createHoldings(service: Service): (holds: Route["holds"]) => Holding {
  const byUrl = heldByUrl(service);
  return (holds) => {
    switch (holds) {
      case "byUrl":
        return byUrl;
      case "always":
        return alwaysHeld();
      case "never":
        return notHeld;
    }
  };
}
