/**
 * The service in OpenAPI 3.1, from the option specs.
 *
 * @module
 */
import type { AnySpecs } from "../../../core/plugin/options.ts";
import { typesOf } from "../../../core/plugin/options.ts";
import type { OptionSpec, Plugin, SchedulePlugin } from "../../../core/plugin/contract.ts";
import { isMetric, makeSchedule } from "../../../core/plugin/schedules.ts";
import type { Limits } from "../guard/limits.ts";
import { type JsonSchema, optionSchema, optionsSchema } from "../wire/option_schema.ts";
import { mostGroups } from "../wire/points.ts";
import { version } from "../version.ts";

/** What the document must know of the app. */
export interface About {
  /** Whether steps need a token. */
  readonly tokens: boolean;
  /** Whether schedules need one too. */
  readonly schedules: boolean;
  readonly limits: Required<Limits>;
}

type Json = Readonly<Record<string, unknown>>;

const ref = (kind: string, name: string): Json => ({ $ref: `#/components/${kind}/${name}` });
const listOf = (items: Json, more: Json = {}): Json => ({ type: "array", items, ...more });
const object = (properties: Json, required: readonly string[], more: Json = { additionalProperties: false }): Json => ({
  type: "object",
  properties,
  required,
  ...more,
});
const content = (type: string, schema: Json): Json => ({ content: { [type]: { schema } } });
const text: Json = { type: "string" };
const number: Json = { type: "number" };
const numbers = listOf(number);
const step: Json = { type: "integer", minimum: 0, maximum: Number.MAX_SAFE_INTEGER };
const suffixes = { "": ["application/json", null], ".csv": ["text/csv", text], ".svg": ["image/svg+xml", text] } as const;

/** The document. */
export function openApi(plugins: readonly Plugin[], about: About): Json {
  const schedules = plugins.filter((plugin): plugin is SchedulePlugin => plugin.kind === "schedule" && !followsMetric(plugin));
  const paths: Record<string, Json> = {
    "/healthz": { get: probe("health", "Whether the process answers") },
    "/readyz": { get: probe("readiness", "Whether requests can be served") },
    "/": { get: operation("page", "A page for people", [], { 200: ok(content("text/html", text)), 304: same }) },
    "/openapi.json": {
      get: operation("openapi", "This document", [], { 200: ok(content("application/json", { type: "object" })), 304: same }),
    },
    "/metrics": {
      get: operation("metrics", "Counters for Prometheus", [], {
        200: { description: "Counters", ...content("text/plain", text) },
        ...problems(401),
      }, metricsSecurity),
    },
    "/v1/plugins": {
      get: secured(
        about.schedules,
        operation("plugins", "What the registry has", pluginParameters, {
          200: ok(content("application/json", ref("schemas", "Plugins"))),
          304: same,
          ...problems(400),
        }),
      ),
    },
    "/v1/steps": { post: secured(about.tokens, postStep(about)) },
  };
  // A large answer may find no room; a tenant may fill it alone.
  const refusals = about.schedules ? [400, 429, 503] : [400, 503];
  for (const plugin of schedules) {
    for (const [suffix, [type, schema]] of Object.entries(suffixes)) {
      const answer = content(type, schema ?? ref("schemas", "Schedule"));
      const parameters = [...optionParameters(plugin), ...pointParameters, ...(suffix === ".svg" ? pictureParameters : [])];
      const name = `${plugin.name}${suffix.replace(".", "_")}`;
      const about_ = operation(name, plugin.description, parameters, { 200: ok(answer), 304: same, ...problems(...refusals) });
      paths[`/v1/schedules/${plugin.name}${suffix}`] = { get: secured(about.schedules, about_) };
    }
  }
  const uses = {
    oneOf: schedules.map((plugin) =>
      object({ name: { const: plugin.name }, options: optionsSchema(plugin.options as AnySpecs) }, ["name"])
    ),
  };
  for (const [suffix, [type, schema]] of Object.entries(suffixes)) {
    const answer = content(type, schema ?? ref("schemas", "Curves"));
    const name = `curves${suffix.replace(".", "_")}`;
    const parameters = [curveParameter, ...pointParameters, ...(suffix === ".svg" ? pictureParameters : [])];
    const get = operation(name, "Several curves", parameters, { 200: ok(answer), 304: same, ...problems(...refusals) });
    const post = operation(`post_${name}`, "Several curves, asked for in JSON", [], {
      200: { description: "The curves", ...answer },
      ...problems(400, 408, 413, 415, 422, 429, 503),
    });
    const body = { required: true, ...content("application/json", curvesBody(suffix === ".svg", about.limits)) };
    paths[`/v1/curves${suffix}`] = { get: secured(about.schedules, get), post: secured(about.schedules, { ...post, requestBody: body }) };
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "Glissade",
      version,
      description: "Learning-rate schedules and stateless optimizer steps.",
      license: { name: "MIT", identifier: "MIT" },
    },
    paths,
    components: {
      schemas: { ...schemas, ScheduleUse: uses },
      parameters: Object.fromEntries(shared.map((parameter) => [parameter.name, parameter])),
      responses: { Problem: { description: "What is wrong", ...content("application/problem+json", ref("schemas", "Problem")) } },
      securitySchemes: { token: { type: "http", scheme: "bearer" }, metrics: { type: "http", scheme: "bearer" } },
    },
  };
}

const schemas: Json = {
  Problem: object(
    {
      type: { type: "string", pattern: "^urn:glissade:problem:" },
      title: text,
      status: { type: "integer" },
      detail: text,
      instance: text,
      errors: listOf(
        object({ in: { enum: ["query", "header", "body"] }, name: text, pointer: text, detail: text, allowed: { type: "array" } }, [
          "in",
          "detail",
        ]),
      ),
    },
    ["type", "title", "status", "detail", "instance"],
  ),
  Plugins: object({
    plugins: listOf(
      object({
        kind: { enum: ["optimizer", "schedule", "accumulator", "transform"] },
        name: text,
        description: text,
        options: { type: "object" },
      }, ["kind", "name", "description", "options"]),
    ),
    next: { type: ["string", "null"] },
  }, ["plugins"]),
  Schedule: {
    oneOf: [
      object({ schedule: text, options: { type: "object" }, step, lr: numbers }, ["schedule", "options", "step", "lr"]),
      object({ schedule: text, options: { type: "object" }, steps: listOf(step), lr: listOf(numbers) }, [
        "schedule",
        "options",
        "steps",
        "lr",
      ]),
    ],
  },
  Curves: object({
    steps: listOf(step),
    curves: listOf(object({ schedule: text, options: { type: "object" }, lr: listOf(numbers) }, ["schedule", "options", "lr"])),
  }, ["steps", "curves"]),
  Step: object({
    recipe: ref("schemas", "Recipe"),
    tensors: {
      type: "object",
      additionalProperties: object({
        shape: listOf({ type: "integer", minimum: 0 }),
        dtype: { enum: ["float32", "float64", "bfloat16", "float16"] },
        data: numbers,
      }, ["shape", "data"]),
    },
    metadata: { type: "object", additionalProperties: text },
  }, ["recipe", "tensors"]),
  Recipe: object({
    optimizer: object({ name: text, options: { type: "object" } }, ["name"]),
    groups: listOf(object({
      match: { oneOf: [listOf(text), object({ glob: text }, ["glob"])] },
      options: { type: "object" },
      optimizer: text,
    }, ["match"])),
    schedules: { type: "object", additionalProperties: object({ name: text, options: { type: "object" } }, ["name"]) },
    transforms: listOf(object({ name: text, options: { type: "object" } }, ["name"])),
  }, ["optimizer"]),
};

const query = (name: string, description: string, schema: Json, more: Json = {}): Json & { readonly name: string } => ({
  name,
  in: "query",
  description,
  schema,
  ...more,
});
const joined = { style: "form", explode: false };

const pointShared = [
  query("step", "One step", step),
  query("steps", "Several steps", listOf(step, { minItems: 1 }), joined),
  query("from", "First step of a range", step),
  query("to", "Last step of a range, itself included", step),
  query("every", "Steps between two points of a range", { ...step, minimum: 1 }),
  query(
    "lr",
    "Base values, one for each group; the first is the optimizer's own",
    listOf(number, { minItems: 1, maxItems: mostGroups }),
    joined,
  ),
];
const pictureShared = [
  query("title", "Headline", { type: "string", maxLength: 200 }),
  query("width", "Width in pixels", { type: "number", minimum: 160, maximum: 4000 }),
  query("height", "Height in pixels", { type: "number", minimum: 120, maximum: 4000 }),
  query("theme", "Colours", { enum: ["auto", "light", "dark"] }),
];
const shared = [...pointShared, ...pictureShared];
const pointParameters = pointShared.map(({ name }) => ref("parameters", name));
const pictureParameters = pictureShared.map(({ name }) => ref("parameters", name));

const pluginParameters = [
  query("kind", "Only plugins of this kind", { enum: ["optimizer", "schedule", "accumulator", "transform"] }),
  query("limit", "Plugins in a page", { type: "integer", minimum: 1, maximum: 100 }),
  query("after", "The last page's next", text),
];

const curveParameter = {
  name: "schedule",
  in: "query",
  required: true,
  description: "A schedule as JSON; one to eight of them",
  schema: listOf({ type: "string", contentMediaType: "application/json", contentSchema: ref("schemas", "ScheduleUse") }, {
    minItems: 1,
    maxItems: 8,
  }),
  style: "form",
  explode: true,
};

function optionParameters(plugin: SchedulePlugin): Json[] {
  return Object.entries(plugin.options as AnySpecs).map(([name, spec]) => {
    const { description, ...schema } = optionSchema(spec);
    const required = spec.default === undefined;
    if (typesOf(spec)?.includes("object")) return { name, in: "query", description, required, ...content("application/json", schema) };
    return { name, in: "query", description, required, schema: plainSchema(schema, spec), ...(typesOf(spec)?.includes("array") && joined) };
  });
}

/** In a query null is the word. */
function plainSchema(schema: JsonSchema, spec: OptionSpec<unknown>): Json {
  const types = typesOf(spec);
  if (!types?.includes("null")) return schema;
  const { type: _, default: value, ...rest } = schema;
  return {
    anyOf: [{ ...rest, type: types.filter((type) => type !== "null") }, { const: "null" }],
    ...(value !== null && { default: value }),
  };
}

function curvesBody(isPicture: boolean, { points }: Required<Limits>): Json {
  const picture = Object.fromEntries(pictureShared.map(({ name, schema }) => [name, schema]));
  const common = {
    schedule: { oneOf: [ref("schemas", "ScheduleUse"), listOf(ref("schemas", "ScheduleUse"), { minItems: 1, maxItems: 8 })] },
    lr: { oneOf: [number, listOf(number, { minItems: 1, maxItems: mostGroups })] },
    ...(isPicture && picture),
  };
  return {
    oneOf: [
      object({ ...common, step }, ["schedule", "step"]),
      object({ ...common, steps: listOf(step, { minItems: 1, maxItems: points }) }, ["schedule", "steps"]),
      object({ ...common, from: step, to: step, every: { ...step, minimum: 1 } }, ["schedule", "from", "to", "every"]),
    ],
  };
}

function postStep({ limits }: About): Json {
  const description =
    `One step: parameters \`w\`, gradients \`w.grad\`, state \`w.exp_avg\`, \`w.step\`, …; in safetensors the recipe stands in \`__metadata__.recipe\`. JSON holds ${limits.jsonElements} elements at most.`;
  const forms = {
    "application/vnd.safetensors": { schema: { type: "string", contentMediaType: "application/vnd.safetensors" } },
    "application/json": { schema: ref("schemas", "Step") },
  };
  return {
    ...operation("step", "One optimizer step that keeps nothing", [], {
      200: { description: "New parameters and state", content: forms },
      ...problems(400, 406, 408, 413, 415, 422, 429, 503),
    }),
    description,
    requestBody: { required: true, content: forms },
  };
}

function operation(operationId: string, summary: string, parameters: readonly Json[], responses: Json, more: Json = {}): Json {
  return { operationId, summary, ...(parameters.length > 0 && { parameters }), responses, ...more };
}

const metricsSecurity = { security: [{}, { metrics: [] }] };
const etag = { ETag: { schema: text }, "Cache-Control": { schema: text } };
const same: Json = { description: "What If-None-Match names is still right" };

function ok(body: Json): Json {
  return { description: "The answer", headers: etag, ...body };
}

function probe(operationId: string, summary: string): Json {
  return operation(operationId, summary, [], {
    200: { description: "Yes", ...content("application/json", object({ status: text }, ["status"])) },
  });
}

function problems(...statuses: readonly number[]): Json {
  return Object.fromEntries(statuses.map((status) => [status, ref("responses", "Problem")]));
}

function secured(isSecured: boolean, operation: Json): Json {
  return isSecured
    ? { ...operation, security: [{ token: [] }], responses: { ...operation.responses as Json, ...problems(401) } }
    : operation;
}

/** Told by trying: a schedule whose options all have defaults can be made. */
function followsMetric(plugin: SchedulePlugin): boolean {
  try {
    return isMetric(makeSchedule(plugin, {}));
  } catch {
    return false;
  }
}
