/**
 * The service: schedules and stateless steps over HTTP.
 *
 * @module
 */
import { Hono } from "hono";
import { backendNames } from "../../core/kernel_names.ts";
import { isRecord, show } from "../../core/names.ts";
import type { Plugin } from "../../core/plugin/contract.ts";
import type { Registry } from "../../core/registry.ts";
import type { Backend, BackendName } from "../../core/types.ts";
import { createRoom } from "./guard/budget.ts";
import { createHoldings } from "./guard/holding.ts";
import { type Limits, takeLimits } from "./guard/limits.ts";
import { createMetrics } from "./guard/metrics.ts";
import { createGate, createMetricsGate, type Gate, lenient } from "./guard/tokens.ts";
import { createTurns } from "./guard/turns.ts";
import { answering } from "./routes/answering.ts";
import { type GateName, pathsOf, type Route, type Service } from "./routes/route.ts";
import { type LazyPlugins, takeSchedules } from "./routes/shelf.ts";
import { routes } from "./routes/table.ts";
import { createServe, type Handler, type Origins, preflight } from "./serve.ts";
import { createSheets } from "./wire/decimals.ts";
import { Problem } from "./wire/problem.ts";

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
 * Makes the service over a registry, or over plugins that are loaded when they are first asked for: a Hono app, to be served, or to be mounted in
 * another one with `other.mount("/path", app.fetch)`.
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
export function createApp(registry: Pick<Registry<readonly Plugin[]>, "plugins"> | LazyPlugins, options: AppOptions = {}): Hono {
  if (!isSource(registry)) {
    throw new TypeError(`Cannot make an app over ${show(registry)}: give a registry, as in createApp(builtins)`);
  }
  const { tokens, metricsToken, cors, page, openapi } = options;
  checkOptions(options);
  const plugins = "schedules" in registry ? () => registry.plugins() : () => registry.plugins;
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
    schedules: takeSchedules("schedules" in registry ? registry : registry.plugins),
    limits,
    metrics: createMetrics(),
    rooms: {
      curves: createRoom(Math.min(limits.bytesInFlight, mostCurveBodies), limits.bytesInFlight),
      steps: createRoom(limits.bytesInFlight, limits.bytesInFlight),
    },
    sheets: createSheets(),
    turns: createTurns(),
    page,
    openapi,
    guarded: { open: false, told: false, schedules: isPrivate, steps: gate !== null, metrics: gates.metrics !== null },
    step: loaded(async () => {
      const { createSteps } = await import("./routes/steps.ts");
      const { backend } = options;
      return createSteps(await plugins(), typeof backend === "function" ? await backend() : backend);
    }),
    lint: loaded(async () => (await import("./routes/lint.ts")).createLint(await plugins())),
  };
  const served = routes.filter(({ isServed }) => isServed?.(service) !== false);
  const methods = methodsByPath(served);
  const holdings = createHoldings(service);
  const serve = createServe(service, cors);
  // Its small preset would take 2 kB less of a worker, and a microsecond more of each request.
  const app = new Hono();
  for (const route of served) {
    const holding = holdings(route.holds);
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

function isSource(source: { readonly plugins?: unknown } | undefined): boolean {
  return Array.isArray(source?.plugins) || typeof source?.plugins === "function" && "schedules" in source && isRecord(source.schedules);
}

/** Bytes of the bodies that ask for curves, all together. */
const mostCurveBodies = 8 * 2 ** 20;

/** What answers a route that is loaded by its first request, and again where that failed. */
function loaded(load: () => Promise<Service["step"]>): Service["step"] {
  let there: Promise<Service["step"]> | undefined;
  return async (incoming, service) => {
    there ??= load().catch((error) => {
      there = undefined;
      throw error;
    });
    return (await there)(incoming, service);
  };
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
    (value) => typeof value === "function" || isRecord(value) || backendNames.some((name) => name === value),
    `a backend, its name (${backendNames.join(", ")}), or what makes one`,
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
