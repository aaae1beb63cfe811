/**
 * What Hono's typed client must know of the routes. JSR cannot publish the type that Hono infers, so it is written here; a test compares.
 *
 * @module
 */
import type { Hono } from "hono";

/** Points, base values and a schedule's own options. */
export type ScheduleQuery =
  & { readonly [option: string]: string }
  & (
    | { readonly step: string }
    | { readonly steps: string }
    | { readonly from: string; readonly to: string; readonly every?: string }
  );

/** Curves: each schedule as JSON, `{ name, options }`. */
export interface CurvesQuery {
  /** `{ "name": …, "options": { … } }`, one to eight times. */
  schedule: string | string[];
  /** Several steps, separated by commas. */
  steps?: string;
  /** One step. */
  step?: string;
  /** First step of a range. */
  from?: string;
  /** Last step of a range. */
  to?: string;
  /** Steps between two points of a range. */
  every?: string;
  /** Base values, separated by commas. */
  lr?: string;
}

/** Curves as JSON. */
export interface CurvesJson {
  /** The schedules. */
  schedule: { name: string; options?: Record<string, unknown> }[];
  /** Several steps. */
  steps?: number[];
  /** One step. */
  step?: number;
  /** First step of a range. */
  from?: number;
  /** Last step of a range. */
  to?: number;
  /** Steps between two points of a range. */
  every?: number;
  /** Base values. */
  lr?: number[];
}

/** The answer about one schedule: `lr[group]` at one step, or `lr[group][i]`. */
export interface ScheduleAnswer {
  /** Its name. */
  schedule: string;
  /** All of its options. */
  options: Record<string, unknown>;
  /** The step, if one was asked for. */
  step?: number;
  /** The steps, if several were. */
  steps?: number[];
  /** Values. */
  lr: number[] | number[][];
}

/** The answer about several schedules. */
export interface CurvesAnswer {
  /** The steps. */
  steps: number[];
  /** `lr[group][i]` of each. */
  curves: { schedule: string; options: Record<string, unknown>; lr: number[][] }[];
}

/** Questions about a schedule over a range, beside its own options. */
export type FactsQuery = { readonly [option: string]: string } & { readonly from: string; readonly to: string };

/** The same about several, as JSON. */
export interface FactsJson {
  /** The schedules. */
  schedule: { name: string; options?: Record<string, unknown> }[];
  /** First step of the range. */
  from: number;
  /** Last step of the range. */
  to: number;
  /** Base values. */
  lr?: number[];
  /** A value below which the first step is asked for. */
  below?: number;
  /** A value above which the first step is asked for. */
  above?: number;
  /** A strength of decoupled decay, whose effect is asked for. */
  weightDecay?: number;
  /** A share of the sum, whose step is asked for. */
  share?: number;
}

/** What a schedule comes to, of each group. */
export interface FactsAnswer {
  /** Its name. */
  schedule: string;
  /** All of its options. */
  options: Record<string, unknown>;
  /** The facts, a group each. */
  facts: {
    sum: number;
    mean: number;
    minimum: { value: number; step: number };
    maximum: { value: number; step: number };
    jumps: number[];
    moreJumps?: true;
    below?: number | null;
    above?: number | null;
    decay?: number;
    share?: number;
  }[];
}

/** Schedules for another number of updates. */
export interface RebaseJson {
  /** The schedules. */
  schedule: { name: string; options?: Record<string, unknown> }[];
  /** Updates that they were written for. */
  from: number;
  /** Updates that they shall be for. */
  to: number;
}

/** Schedules over another number of updates. */
export interface RebaseAnswer {
  /** Each with the options that were given and those that had to change, and what did not come along. */
  rebased: { schedule: string; options: Record<string, unknown>; notes: { path: string; message: string }[] }[];
}

/** What the registry has. */
export interface PluginsAnswer {
  /** The plugins, `options` as JSON Schema. */
  plugins: { kind: string; name: string; description: string; options: Record<string, unknown> }[];
  /** `after` of the next page; null: there is none. Only where a page was asked for. */
  next?: string | null;
}

/** Tensors and a recipe as JSON. */
export interface StepJson {
  /** The recipe. */
  recipe: Record<string, unknown>;
  /** `w`, `w.grad`, `w.exp_avg`, …, `w.step`. */
  tensors: Record<string, { shape: number[]; dtype?: string; data: number[] }>;
  /** What the tensors do not say: the state of a schedule that follows a metric. */
  metadata?: Record<string, string>;
}

/** A recipe to look at. */
export interface LintJson {
  /** The recipe. */
  recipe: Record<string, unknown>;
  /** Updates of the training. */
  updates: number;
  /** The parameters, for what depends on their names, shapes and dtypes. */
  params?: Record<string, { shape: number[]; dtype?: string }>;
}

/** What is probably not meant, errors first. */
export interface LintAnswer {
  /** The findings; none: nothing was found. */
  findings: { code: string; severity: string; message: string; path: string; cure: string }[];
}

// An alias, not an interface: Hono's types look for an implicit index signature.
/** A route that answers in JSON. */
export type JsonRoute<Input, Output> = { input: Input; output: Output; outputFormat: "json"; status: 200 };

/** The routes, for `hc<GlissadeApp>(url)`. */
export type GlissadeSchema = {
  "/healthz": { $get: JsonRoute<Record<never, never>, { status: string }> };
  "/readyz": { $get: JsonRoute<Record<never, never>, { status: string }> };
  "/v1/plugins": { $get: JsonRoute<{ query?: { kind?: string; limit?: string; after?: string } }, PluginsAnswer> };
  "/v1/schedules/:name": { $get: JsonRoute<{ param: { name: string }; query: ScheduleQuery }, ScheduleAnswer> };
  "/v1/schedules/:name/facts": { $get: JsonRoute<{ param: { name: string }; query: FactsQuery }, FactsAnswer> };
  "/v1/facts": { $post: JsonRoute<{ json: FactsJson }, { facts: FactsAnswer[] }> };
  "/v1/rebase": { $post: JsonRoute<{ json: RebaseJson }, RebaseAnswer> };
  "/v1/curves": { $get: JsonRoute<{ query: CurvesQuery }, CurvesAnswer>; $post: JsonRoute<{ json: CurvesJson }, CurvesAnswer> };
  "/v1/lint": { $post: JsonRoute<{ json: LintJson }, LintAnswer> };
  "/v1/steps": { $post: JsonRoute<{ json: StepJson }, StepJson> };
};

/** The type of the app, for `hc<GlissadeApp>(url)`. */
export type GlissadeApp = Hono<Record<never, never>, GlissadeSchema, "/">;
