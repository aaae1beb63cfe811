/**
 * Glissade over HTTP: schedules as JSON, CSV and SVG, and stateless steps, as a Hono app.
 *
 * @example Usage
 * ```ts
 * import { builtins } from "@glissade/optim";
 * import { createApp } from "@glissade/optim/http";
 *
 * const app = createApp(builtins, { cors: "*" });
 * // Deno.serve(app.fetch); Bun.serve({ fetch: app.fetch }); export default app
 * const svg = await app.request("/v1/schedules/cosine.svg?numWarmupSteps=10&numTrainingSteps=100&from=0&to=100&every=1");
 * console.log(svg.headers.get("content-type")); // image/svg+xml
 * ```
 *
 * @module
 */
export { type AppOptions, createApp } from "./app.ts";
export type { Limits } from "./guard/limits.ts";
export type { LazyPlugins } from "./routes/shelf.ts";
export type {
  CurvesAnswer,
  CurvesJson,
  CurvesQuery,
  FactsAnswer,
  FactsJson,
  FactsQuery,
  GlissadeApp,
  GlissadeSchema,
  JsonRoute,
  LintAnswer,
  LintJson,
  PluginsAnswer,
  RebaseAnswer,
  RebaseJson,
  ScheduleAnswer,
  ScheduleQuery,
  StepJson,
} from "./wire/schema.ts";
export type { Origins } from "./serve.ts";
