/**
 * The service: schedules and stateless steps over HTTP.
 *
 * @module
 */
import { Hono } from "hono";
import { isRecord, show } from "../../core/names.ts";
import type { Plugin } from "../../core/plugin/contract.ts";
import type { Registry } from "../../core/registry.ts";
import type { Backend, BackendName } from "../../core/types.ts";
import { readBody } from "./wire/body.ts";
import { createBudget } from "./guard/budget.ts";
import { createCache } from "./guard/cache.ts";
import { type Format, mediaTypes, splitSuffix } from "./wire/curve.ts";
import { etagOf } from "./wire/etag.ts";
import { homePage, pageHeaders, withPrivateSchedules } from "./routes/home.ts";
import { parseJsonBytes } from "./wire/json_body.ts";
import { type Limits, takeLimits } from "./guard/limits.ts";
import { mediaTypeOf } from "./wire/media.ts";
import { createMetrics } from "./routes/metrics.ts";
import { openApi } from "./routes/openapi.ts";
import { listPlugins } from "./routes/plugins.ts";
import { Problem } from "./wire/problem.ts";
import { parseQuery, refuseStray } from "./wire/query.ts";
import { getCurves, getSchedule, postCurves, takeSchedules, type Written } from "./routes/schedules.ts";
import { createServe, type Handler, type Incoming, json, noStore, type Origins, preflight, type Validated, validated } from "./serve.ts";
import { createGate, createMetricsGate } from "./guard/tokens.ts";

/** Settings of {@linkcode createApp}. */
export interface AppOptions {
  /** SHA-256 in hex of each tenant's bearer token. Without it, steps are open to everybody. */
  readonly tokens?: Readonly<Record<string, string>>;
  /** The bearer token of `/metrics`, or its SHA-256 in hex: 64 hex digits are always that. Without it, metrics are open to everybody. */
  readonly metricsToken?: string;
  /** Whether schedules need a token too; default `"none"`. */
  readonly schedules?: { readonly auth?: "none" | "all" };
  /** Origins whose pages may read answers: one, some, or `"*"`. Default: none. */
  readonly cors?: Origins;
  /** Bounds of requests. */
  readonly limits?: Limits;
  /** What runs steps: a backend by name, one that is shared, or what makes one at the first step; default: the fastest that this runtime allows. */
  readonly backend?: BackendName | Backend | (() => Backend | Promise<Backend>);
  /** The HTML of `/`; default: a few links. */
  readonly page?: string;
  /** The text of `/openapi.json`; default: made from the registry; false: none. */
  readonly openapi?: string | false;
}

const mediaHeaders: Readonly<Record<Format, Readonly<Record<string, string>>>> = {
  json: { "Content-Type": mediaTypes.json },
  csv: { "Content-Type": mediaTypes.csv },
  svg: { "Content-Type": mediaTypes.svg, "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'" },
};

/** Bytes of a body that asks for curves. */
const mostCurves = 2 ** 20;

const cacheable = "public, max-age=3600, stale-while-revalidate=86400";

/**
 * Makes the service over a registry: a Hono app, to be served, or to be mounted in another one with `other.mount("/path", app.fetch)`.
 *
 * @example Usage
 * ```ts
 * import { builtins } from "@glissade/optim";
 * import { createApp } from "@glissade/optim/http";
 *
 * const app = createApp(builtins);
 * const answer = await app.request("/v1/schedules/linear?numWarmupSteps=10&numTrainingSteps=100&step=5");
 * console.log(await answer.json()); // { schedule: "linear", options: { … }, step: 5, lr: [ 0.5 ] }
 * ```
 */
export function createApp(registry: Pick<Registry<readonly Plugin[]>, "plugins">, options: AppOptions = {}): Hono {
  const { tokens, metricsToken, cors, page = homePage } = options;
  checkOptions(options);
  const limits = takeLimits(options.limits);
  const schedules = takeSchedules(registry.plugins);
  const gate = tokens === undefined ? null : createGate(tokens);
  const isPrivate = options.schedules?.auth === "all";
  if (isPrivate && gate === null) {
    throw new TypeError(`Cannot keep schedules private without tokens: give tokens, or schedules.auth "none"`);
  }
  const metricsGate = metricsToken === undefined ? null : createMetricsGate(metricsToken);
  const scheduleGate = isPrivate ? gate : null;
  const metrics = createMetrics();
  const budget = createBudget(limits.bytesInFlight);
  const answers = createBudget(limits.bytesInFlight);
  const cache = createCache(limits.cacheBytes);
  // Kernels and all that steps need come with the first step: a service of schedules starts without.
  let steps: Promise<Handler> | undefined;
  const loadSteps = async (): Promise<Handler> => {
    const { createSteps } = await import("./routes/steps.ts");
    const { backend } = options;
    return createSteps(registry.plugins, typeof backend === "function" ? await backend() : backend, limits, budget);
  };
  const postStep: Handler = async (incoming) => {
    steps ??= loadSteps().catch((error) => {
      steps = undefined;
      throw error;
    });
    return (await steps)(incoming);
  };
  const serve = createServe({ metrics, answers, limits, cors });
  const app = new Hono();

  /** An answer that depends on the URL alone. */
  const published = (make: (incoming: Incoming, url: string) => Written & { readonly format: Format }): Handler => (incoming) => {
    const { url } = incoming.request;
    const path = url.slice(url.indexOf("/", 8));
    let cached = cache.get(path);
    metrics.cached(cached !== undefined);
    if (cached === undefined) {
      const { format, canonical, body } = make(incoming, path);
      const cacheControl = isPrivate ? noStore : cacheable;
      cached = { body, headers: { ...mediaHeaders[format], "ETag": etagOf(canonical), "Cache-Control": cacheControl } };
      cache.set(path, cached);
    }
    return validated(incoming.request, cached.body, cached.headers);
  };
  /** A text made once, which is asked for again before it is used again. */
  const document = (headers: Readonly<Record<string, string>>, make: () => string): Handler => {
    let made: { readonly text: string; readonly headers: Validated } | undefined;
    return ({ request }) => {
      if (made === undefined) {
        const text = make();
        made = { text, headers: { ...headers, "ETag": etagOf(text), "Cache-Control": "private, no-cache" } };
      }
      return validated(request, made.text, made.headers);
    };
  };

  const routes: Route[] = [
    { method: "GET", path: "/healthz", gate: null, handler: () => json({ status: "ok" }) },
    { method: "GET", path: "/readyz", gate: null, handler: () => json({ status: "ok" }) },
    { method: "GET", path: "/", gate: null, handler: document(pageHeaders, () => isPrivate ? withPrivateSchedules(page) : page) },
    {
      method: "GET",
      path: "/v1/plugins",
      gate: scheduleGate,
      handler: published((_, url) => ({ format: "json", ...listPlugins(registry.plugins, url) })),
    },
    {
      method: "GET",
      path: "/v1/schedules/{name}",
      gate: scheduleGate,
      handler: published(({ context }, url) => {
        const { name, format } = splitSuffix(context.req.param("name") ?? "");
        return { format, ...getSchedule(schedules, name, format, url, limits) };
      }),
    },
    { method: "POST", path: "/v1/steps", gate, handler: postStep },
  ];
  if (!isEdge()) {
    const gauges = (): Parameters<typeof metrics.text>[0] => ({
      glissade_bytes_in_flight: ["Bytes of bodies and large answers that are held.", budget.used + answers.used],
    });
    const headers = { "Content-Type": "text/plain; version=0.0.4; charset=utf-8", "Cache-Control": noStore };
    routes.push({ method: "GET", path: "/metrics", gate: metricsGate, handler: () => ({ body: metrics.text(gauges()), headers }) });
  }
  if (options.openapi !== false) {
    const make = (): string =>
      options.openapi || JSON.stringify(openApi(registry.plugins, { tokens: gate !== null, schedules: isPrivate, limits }));
    routes.push({ method: "GET", path: "/openapi.json", gate: null, handler: document({ "Content-Type": "application/json" }, make) });
  }
  for (const [suffix, format] of [["", "json"], [".csv", "csv"], [".svg", "svg"]] as const) {
    const path = `/v1/curves${suffix}`;
    routes.push(
      {
        method: "GET",
        path,
        gate: scheduleGate,
        handler: published((_, url) => ({ format, ...getCurves(schedules, format, url, limits) })),
      },
      { method: "POST", path, gate: scheduleGate, handler: postCurve(format) },
    );
  }

  function postCurve(format: Format): Handler {
    return async ({ request, tenant }) => {
      refuseStray(parseQuery(request.url), []);
      mediaTypeOf(request.headers, [mediaTypes.json]);
      const hold = budget.hold(tenant);
      try {
        const { bytes, free } = await readBody(request, Math.min(limits.jsonBytes, mostCurves), limits, hold);
        const asked = parseJsonBytes(bytes);
        free();
        const body = postCurves(schedules, format, asked, limits);
        return { body, headers: { ...mediaHeaders[format], "Cache-Control": noStore } };
      } finally {
        hold.release();
      }
    };
  }

  const methods = methodsByPath(routes);
  for (const { method, path, gate, handler } of routes) app.on(method, honoPath(path), serve(path, gate, handler));
  if (cors !== undefined) {
    for (const [path, allowed] of methods) app.on("OPTIONS", honoPath(path), serve(path, null, () => preflight(allowed)));
  }
  app.notFound(serve("none", null, ({ context }) => {
    const known = [...methods].find(([path]) => patternOf(path).test(context.req.path));
    if (known === undefined) throw new Problem("not-found", `There is nothing at ${context.req.path.slice(0, 200)}`);
    throw new Problem("method-not-allowed", `${context.req.method} is not allowed here`, [], {
      "Allow": `${known[1]}${cors === undefined ? "" : ", OPTIONS"}`,
    });
  }));
  return app;
}

interface Route {
  readonly method: "GET" | "POST";
  /** As OpenAPI writes it. */
  readonly path: string;
  readonly gate: ReturnType<typeof createGate> | null;
  readonly handler: Handler;
}

const isText = (value: unknown): boolean => typeof value === "string";

/** What each option may be, by test and in words. */
const wanted: Readonly<Record<keyof AppOptions, readonly [is: (value: unknown) => boolean, words: string]>> = {
  tokens: [isRecord, "an object, tenant to the SHA-256 of its token"],
  metricsToken: [isText, "a string"],
  schedules: [(value) => isRecord(value) && Object.keys(value).every((key) => key === "auth"), "{ auth }"],
  cors: [(value) => isText(value) || Array.isArray(value) && value.every(isText), 'an origin, a list of them, or "*"'],
  limits: [isRecord, "an object of limits"],
  backend: [
    (value) => typeof value === "function" || isRecord(value) || ["js", "wasm", "threads"].includes(value as string),
    "a backend, its name (js, wasm, threads), or what makes one",
  ],
  page: [isText, "HTML, a string"],
  openapi: [(value) => value === false || isText(value), "a string, or false"],
};

function checkOptions(options: AppOptions): void {
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(wanted, name)) {
      throw new TypeError(`Cannot make an app with option "${name}": known are ${Object.keys(wanted).join(", ")}`);
    }
    const [is, words] = wanted[name as keyof AppOptions];
    if (value !== undefined && !is(value)) throw new TypeError(`Cannot make an app with ${name} = ${show(value)}: it must be ${words}`);
  }
  const auth = options.schedules?.auth ?? "none";
  if (auth !== "none" && auth !== "all") {
    throw new RangeError(`Cannot use schedules.auth = ${JSON.stringify(auth)}: known are "none", "all"`);
  }
}

function honoPath(path: string): string {
  return path.replace(/\{(\w+)\}/g, ":$1");
}

function patternOf(path: string): RegExp {
  return new RegExp(`^${path.replaceAll(".", "\\.").replace(/\{\w+\}/g, "[^/]+")}$`);
}

function methodsByPath(routes: readonly Route[]): Map<string, string> {
  const methods = new Map<string, string>();
  for (const { method, path } of routes) {
    const before = methods.get(path);
    const own = method === "GET" ? "GET, HEAD" : method;
    methods.set(path, before === undefined ? own : `${before}, ${own}`);
  }
  return methods;
}

/** workerd starts a process a request may never see again, so its counts mean nothing. */
function isEdge(): boolean {
  return (globalThis as { navigator?: { userAgent?: string } }).navigator?.userAgent === "Cloudflare-Workers";
}
