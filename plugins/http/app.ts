/**
 * The service: schedules and stateless steps over HTTP.
 *
 * @module
 */
import { type Context, Hono } from "hono";
import { isRecord, show } from "../../core/names.ts";
import type { Plugin } from "../../core/plugin/contract.ts";
import type { AnySpecs } from "../../core/plugin/options.ts";
import type { Registry } from "../../core/registry.ts";
import type { Backend, BackendName } from "../../core/types.ts";
import { createRoom } from "./guard/budget.ts";
import { type Cached, createCache } from "./guard/cache.ts";
import { type Limits, takeLimits } from "./guard/limits.ts";
import { createMetrics } from "./guard/metrics.ts";
import { createTurns } from "./guard/turns.ts";
import { createGate, createMetricsGate, type Gate, lenient } from "./guard/tokens.ts";
import { homePage } from "./routes/home.ts";
import { type Answer, type GateName, parametersOf, pathsOf, type Route, type Service } from "./routes/route.ts";
import { scheduleOf, takeSchedules } from "./routes/schedules.ts";
import { routes } from "./routes/table.ts";
import { createServe, type Handler, noStore, type Origins, preflight } from "./serve.ts";
import { splitSuffix } from "./wire/curve.ts";
import { etagOf, isMatch } from "./wire/etag.ts";
import { type Form, mediaTypes } from "./wire/media.ts";
import { readParameters } from "./wire/parameters.ts";
import { type Fault, Problem, refuseQuery } from "./wire/problem.ts";
import { parseQuery, readOptions, strayFaults } from "./wire/query.ts";

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
  if (!Array.isArray((registry as typeof registry | undefined)?.plugins)) {
    throw new TypeError(`Cannot make an app over ${show(registry)}: give a registry, as in createApp(builtins)`);
  }
  const { tokens, metricsToken, cors, page = homePage, openapi } = options;
  checkOptions(options);
  const { plugins } = registry;
  const limits = takeLimits(options.limits);
  const gate = tokens === undefined ? null : createGate(tokens);
  const isPrivate = options.schedules?.auth === "all";
  if (isPrivate && gate === null) {
    throw new TypeError(`Cannot keep schedules private without tokens: give tokens, or schedules.auth "none"`);
  }
  const gates: Readonly<Record<GateName, Gate | null>> = {
    open: null,
    told: isPrivate ? lenient(gate!) : null,
    schedules: isPrivate ? gate : null,
    steps: gate,
    metrics: metricsToken === undefined ? null : createMetricsGate(metricsToken),
  };
  const service: Service = {
    routes,
    plugins,
    schedules: takeSchedules(plugins),
    limits,
    metrics: createMetrics(),
    rooms: {
      curves: createRoom(Math.min(limits.bytesInFlight, mostCurveBodies), limits.bytesInFlight),
      steps: createRoom(limits.bytesInFlight, limits.bytesInFlight),
    },
    turns: createTurns(),
    page,
    openapi,
    guarded: { open: false, told: false, schedules: isPrivate, steps: gate !== null, metrics: gates.metrics !== null },
    step: loadSteps(plugins, options.backend),
  };
  const served = routes.filter(({ isServed }) => isServed?.(service) !== false);
  const methods = methodsByPath(served);
  const cache = createCache(limits.cacheBytes);
  const serve = createServe(service, cors);
  const app = new Hono();
  for (const route of served) {
    const holding = { never: notHeld, always: alwaysHeld(), byUrl: heldByUrl(cache, service) }[route.holds];
    for (const [path, form] of pathsOf(route)) {
      const answer = answering(route, form, service);
      const handler: Handler = (context, tenant) => holding(context, tenant, answer);
      const room = route.room && service.rooms[route.room].answers;
      app.on(route.method, honoPath(path), serve(path, gates[route.gate], handler, room));
    }
  }
  if (cors !== undefined) {
    for (const [path, allowed] of methods) app.on("OPTIONS", honoPath(path), serve(path, null, () => preflight(allowed)));
  }
  app.notFound(serve("none", null, ({ req: { method, path } }) => {
    const known = [...methods].find(([pattern]) => patternOf(pattern).test(path));
    if (known === undefined) throw new Problem("not-found", `There is nothing at ${path.slice(0, 200)}`);
    throw new Problem("method-not-allowed", `${method} is not allowed here`, [], {
      "Allow": `${known[1]}${cors === undefined ? "" : ", OPTIONS"}`,
    });
  }));
  return app;
}

/** Bytes of the bodies that ask for curves, all together. */
const mostCurveBodies = 8 * 2 ** 20;

/** What takes steps: it is loaded by the first one, and again where that failed. */
function loadSteps(plugins: readonly Plugin[], backend: AppOptions["backend"]): Service["step"] {
  let steps: Promise<Service["step"]> | undefined;
  const load = async (): Promise<Service["step"]> => {
    const { createSteps } = await import("./routes/steps.ts");
    return createSteps(plugins, typeof backend === "function" ? await backend() : backend);
  };
  return async (incoming, service) => {
    steps ??= load().catch((error) => {
      steps = undefined;
      throw error;
    });
    return (await steps)(incoming, service);
  };
}

/** What answers one path of a route: reads what is asked, and hands it to the row's own function. */
function answering(route: Route, ofPath: Form, service: Service): Handler {
  const { bySuffix, takesOptions, method } = route;
  const { schedules, limits } = service;
  return (context, tenant) => {
    const request = context.req.raw;
    const named = context.req.param("name") ?? "";
    const { name, form } = bySuffix && named !== "" ? splitSuffix(named) : { name: named, form: ofPath };
    const plugin = takesOptions ? scheduleOf(schedules, name) : undefined;
    const specs = (plugin?.options ?? {}) as AnySpecs;
    const query = parseQuery(request.url);
    // A POST asks in its body.
    const names = method === "GET" ? parametersOf(route, form) : [];
    const stray = strayFaults(query, [...Object.keys(specs), ...names], ["schedule"]);
    if (stray.length > 0) refuseQuery(stray);
    const faults: Fault[] = [];
    const values = plugin === undefined ? {} : readOptions(`schedule "${name}"`, specs, query, faults);
    const asked = readParameters(query, names, limits, faults);
    if (faults.length > 0) refuseQuery(faults);
    return withType(route.answer({ route, request, tenant, name, form, asked, options: values }, service), form);
  };
}

function withType(answer: Answer | Promise<Answer>, form: Form): Answer | Promise<Answer> {
  return then(answer, ({ headers, ...rest }) => ({ ...rest, headers: { ...formHeaders[form], ...headers } }));
}

const headersOf = (form: Form): Readonly<Record<string, string>> => ({ "Content-Type": mediaTypes[form] });

const formHeaders: Readonly<Record<Form, Readonly<Record<string, string>>>> = {
  json: headersOf("json"),
  csv: headersOf("csv"),
  svg: { ...headersOf("svg"), "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'" },
  html: headersOf("html"),
  text: headersOf("text"),
  safetensors: headersOf("safetensors"),
};

/** Gives an answer again, or has it made. */
type Holding = (context: Context, tenant: string, answer: Handler) => Answer | Promise<Answer>;

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
      const { body, headers } = toHold(made, "private, no-cache");
      // Its bytes are made once: whoever leaves them unread has none of his own.
      const held = { body: new TextEncoder().encode(body as string), headers };
      helds.set(tenant !== "", held);
      return validated(request, held);
    });
  };
}

/** An answer that depends on the URL alone. */
function heldByUrl(cache: ReturnType<typeof createCache>, { metrics, guarded }: Service): Holding {
  const cacheControl = guarded.schedules ? noStore : "public, max-age=3600, stale-while-revalidate=86400";
  return (context, tenant, answer) => {
    const request = context.req.raw;
    const { url } = request;
    const path = url.slice(url.indexOf("/", 8));
    const known = cache.get(path);
    metrics.cached(known !== undefined);
    if (known !== undefined) return validated(request, known);
    return then(answer(context, tenant), (made) => {
      const held = toHold(made, cacheControl);
      cache.set(path, held);
      return validated(request, held);
    });
  };
}

function toHold({ body, headers }: Answer, cacheControl: string): Cached {
  const text = body as string; // no route with tensors is held
  return { body: text, headers: { ...headers, "ETag": etagOf(text), "Cache-Control": cacheControl } };
}

/** An answer with a validator, which its headers hold: 304 where the client has it already. */
function validated(request: Request, { body, headers }: Cached): Answer {
  if (!isMatch(request.headers.get("if-none-match"), headers.ETag)) return { body, headers };
  return { status: 304, body: null, headers: { "ETag": headers.ETag, "Cache-Control": headers["Cache-Control"] } };
}

/** A promise would cost an answer that is there a tenth of its time. */
function then(made: Answer | Promise<Answer>, next: (made: Answer) => Answer): Answer | Promise<Answer> {
  return made instanceof Promise ? made.then(next) : next(made);
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
  for (const route of routes) {
    const own = route.method === "GET" ? "GET, HEAD" : route.method;
    for (const [path] of pathsOf(route)) {
      const before = methods.get(path);
      methods.set(path, before === undefined ? own : `${before}, ${own}`);
    }
  }
  return methods;
}
