/**
 * The table of routes: one row each. Routing, the reading of queries and OpenAPI follow it; what people read about a row is in openapi.ts.
 *
 * @module
 */
import { isEdge } from "../guard/metrics.ts";
import { factNames, pictureNames, pointNames } from "../wire/parameters.ts";
import { answerPage } from "./home.ts";
import { answerMetrics } from "./metrics.ts";
import { openApi } from "./openapi.ts";
import { listPlugins } from "./plugins.ts";
import { postCurves } from "./post_curves.ts";
import type { Answer, Route } from "./route.ts";
import { getCurves, getSchedule } from "./schedules.ts";

const alive = (): Answer => ({ body: `{"status":"ok"}` });

/** The table. */
export const routes: readonly Route[] = [
  {
    name: "health",
    method: "GET",
    path: "/healthz",
    gate: "open",
    forms: ["json"],
    holds: "never",
    parameters: [],
    refusals: [],
    answer: alive,
  },
  {
    name: "readiness",
    method: "GET",
    path: "/readyz",
    gate: "open",
    forms: ["json"],
    holds: "never",
    parameters: [],
    refusals: [],
    answer: alive,
  },
  {
    name: "page",
    method: "GET",
    path: "/",
    gate: "open",
    forms: ["html"],
    holds: "always",
    parameters: [],
    refusals: [],
    answer: answerPage,
  },
  {
    name: "openapi",
    method: "GET",
    path: "/openapi.json",
    gate: "told",
    forms: ["json"],
    holds: "always",
    parameters: [],
    refusals: [],
    isServed: ({ openapi }) => openapi !== false,
    answer: async ({ tenant }, service) => {
      const namesSchedules = !service.guarded.schedules || tenant !== "";
      return { body: service.openapi || JSON.stringify(openApi(service, await service.plugins(), namesSchedules)) };
    },
  },
  {
    name: "metrics",
    method: "GET",
    path: "/metrics",
    gate: "metrics",
    forms: ["text"],
    holds: "never",
    parameters: [],
    refusals: [],
    isServed: () => !isEdge(),
    answer: answerMetrics,
  },
  {
    name: "plugins",
    method: "GET",
    path: "/v1/plugins",
    gate: "schedules",
    forms: ["json"],
    holds: "byUrl",
    parameters: ["kind", "limit", "after"],
    refusals: [400],
    answer: listPlugins,
  },
  {
    name: "schedule",
    method: "GET",
    path: "/v1/schedules/{name}",
    gate: "schedules",
    forms: ["json", "csv", "f64", "svg"],
    bySuffix: true,
    holds: "byUrl",
    parameters: [...pointNames, "lr"],
    ofPicture: pictureNames,
    takesOptions: true,
    room: "curves",
    refusals: [400, 503],
    answer: getSchedule,
  },
  {
    name: "facts",
    method: "GET",
    path: "/v1/schedules/{name}/facts",
    gate: "schedules",
    forms: ["json"],
    holds: "byUrl",
    parameters: ["from", "to", "lr", ...factNames],
    takesOptions: true,
    room: "curves",
    refusals: [400, 503],
    // What answers comes with the first question: a worker that gives numbers starts without.
    answer: async (incoming, service) => (await import("./facts.ts")).getFacts(incoming, service),
  },
  {
    name: "curves",
    method: "GET",
    path: "/v1/curves",
    gate: "schedules",
    forms: ["json", "csv", "f64", "svg"],
    bySuffix: true,
    holds: "byUrl",
    parameters: ["schedule", ...pointNames, "lr"],
    ofPicture: pictureNames,
    room: "curves",
    refusals: [400, 503],
    answer: getCurves,
  },
  {
    name: "post_curves",
    method: "POST",
    path: "/v1/curves",
    gate: "schedules",
    forms: ["json", "csv", "f64", "svg"],
    bySuffix: true,
    holds: "never",
    parameters: ["schedule", ...pointNames, "lr"],
    ofPicture: pictureNames,
    room: "curves",
    body: ["json"],
    refusals: [400, 408, 413, 415, 422, 429, 503],
    answer: postCurves,
  },
  {
    name: "post_facts",
    method: "POST",
    path: "/v1/facts",
    gate: "schedules",
    forms: ["json"],
    holds: "never",
    parameters: ["schedule", "from", "to", "lr", ...factNames, "weightDecay", "share"],
    room: "curves",
    body: ["json"],
    refusals: [400, 408, 413, 415, 422, 429, 503],
    answer: async (incoming, service) => (await import("./facts.ts")).postFacts(incoming, service),
  },
  {
    name: "lint",
    method: "POST",
    path: "/v1/lint",
    gate: "schedules",
    forms: ["json"],
    holds: "never",
    parameters: [],
    body: ["json"],
    room: "curves",
    refusals: [400, 408, 413, 415, 422, 429, 503],
    answer: (incoming, service) => service.lint(incoming, service),
  },
  {
    name: "step",
    method: "POST",
    path: "/v1/steps",
    gate: "steps",
    forms: ["safetensors", "json"],
    holds: "never",
    parameters: [],
    body: ["safetensors", "json"],
    room: "steps",
    refusals: [400, 406, 408, 413, 415, 422, 429, 503],
    answer: (incoming, service) => service.step(incoming, service),
  },
];
