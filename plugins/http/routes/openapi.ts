/**
 * The service in OpenAPI 3.1, from the option specs.
 *
 * @module
 */
import { dtypes } from "../../../core/kernel_names.ts";
import type { AnySpecs } from "../../../core/plugin/options.ts";
import { typesOf } from "../../../core/plugin/options.ts";
import type { OptionSpec, Plugin, SchedulePlugin } from "../../../core/plugin/contract.ts";
import { isMetric, makeSchedule } from "../../../core/plugin/schedules.ts";
import { elementArrays } from "../../formats/element_arrays.ts";
import type { Limits } from "../guard/limits.ts";
import { type Form, mediaTypes } from "../wire/media.ts";
import { type JsonSchema, optionSchema, optionsSchema } from "../wire/option_schema.ts";
import { type ParameterName, parameters, pictureNames, pointNames } from "../wire/parameters.ts";
import { version } from "../version.ts";
import { parametersOf, pathsOf, type Route, type RouteName, type Service, suffixOf } from "./route.ts";
import { reservedOption } from "./shelf.ts";

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
const schedulesByOption: Json = { type: "object", additionalProperties: object({ name: text, options: { type: "object" } }, ["name"]) };
const number: Json = { type: "number" };
const numbers = listOf(number);
const step: Json = { type: "integer", minimum: 0, maximum: Number.MAX_SAFE_INTEGER };

/** What people read about a row, and what its JSON looks like. */
const words: Readonly<Record<RouteName, { readonly summary: string; readonly schema: Json }>> = {
  health: { summary: "Whether the process answers", schema: object({ status: text }, ["status"]) },
  readiness: { summary: "Whether requests can be served", schema: object({ status: text }, ["status"]) },
  page: { summary: "A page for people", schema: text },
  openapi: { summary: "This document", schema: { type: "object" } },
  metrics: { summary: "Counters for Prometheus", schema: text },
  plugins: { summary: "What the registry has", schema: ref("schemas", "Plugins") },
  schedule: { summary: "One schedule", schema: ref("schemas", "Schedule") },
  facts: { summary: "What a schedule comes to over a range", schema: ref("schemas", "ScheduleFacts") },
  curves: { summary: "Several curves", schema: ref("schemas", "Curves") },
  post_curves: { summary: "Several curves, asked for in JSON", schema: ref("schemas", "Curves") },
  post_facts: {
    summary: "What schedules come to over a range, asked for in JSON",
    schema: object({ facts: listOf(ref("schemas", "ScheduleFacts")) }, ["facts"]),
  },
  rebase: {
    summary: "Schedules over another number of updates",
    schema: object({
      rebased: listOf(
        object({ schedule: text, options: { type: "object" }, notes: listOf(object({ path: text, message: text }, ["path", "message"])) }, [
          "schedule",
          "options",
          "notes",
        ]),
      ),
    }, ["rebased"]),
  },
  lint: { summary: "What in a recipe is probably not meant", schema: ref("schemas", "Findings") },
  step: { summary: "One optimizer step that keeps nothing", schema: ref("schemas", "Step") },
};

/** What people read about a parameter. */
const meanings: Readonly<Record<ParameterName, string>> = {
  step: "One step",
  steps: "Several steps",
  from: "First step of a range",
  to: "Last step of a range, itself included",
  every: "Steps between two points of a range; without it each step is one, in a picture as many as it shows",
  lr: "Base values, one for each group; the first is the optimizer's own",
  below: "Asks for the first step whose value lies below this",
  above: "Asks for the first step whose value lies above this",
  weightDecay: "Asks what decoupled decay of this strength leaves of the weights",
  share: "Asks for the first step by which this share of the sum is reached",
  scale: "The vertical axis",
  title: "Headline",
  width: "Width in pixels",
  height: "Height in pixels",
  theme: "Colours",
  schedule: "A schedule as JSON; one to eight of them",
  kind: "Only plugins of this kind",
  limit: "Plugins in a page",
  after: "The last page's next",
};

/** The document. Where it may not name the schedules, it has no path of any. */
export function openApi(
  { routes, guarded, limits }: Pick<Service, "routes" | "guarded" | "limits">,
  plugins: readonly Plugin[],
  namesSchedules: boolean,
): Json {
  const schedules = namesSchedules ? plugins.filter((plugin) => plugin.kind === "schedule").filter((plugin) => !followsMetric(plugin)) : [];
  const paths: Record<string, Record<string, Json>> = {};
  const put = (route: Route, path: string, form: Form, of: { readonly id: string; readonly plugin?: SchedulePlugin }): void => {
    (paths[path] ??= {})[route.method.toLowerCase()] = operation(route, form, guarded[route.gate], limits, of);
  };
  const own = routes.map(({ name }): string => name);
  for (const route of routes) {
    if (route.takesOptions) {
      for (const plugin of schedules.filter((plugin) => reservedOption(plugin) === undefined)) {
        // As schedule "step" beside the steps of an optimizer.
        const isAlone = route.name === "schedule" && !own.includes(plugin.name);
        const id = isAlone ? plugin.name : `${route.name}_${plugin.name}`;
        for (const form of route.bySuffix ? route.forms : route.forms.slice(0, 1)) {
          const suffix = suffixOf(form);
          put(route, route.path.replace("{name}", plugin.name) + suffix, form, { id: id + suffix, plugin });
        }
      }
    } else {
      for (const [path, form] of pathsOf(route)) put(route, path, form, { id: route.name + (route.bySuffix ? suffixOf(form) : "") });
    }
  }
  const uses = schedules.map(({ name, options }) =>
    object({ name: { const: name }, options: optionsSchema(options as AnySpecs) }, ["name"])
  );
  return {
    openapi: "3.1.0",
    info: {
      title: "Glissade",
      version,
      description: "Learning-rate schedules and stateless optimizer steps.",
      license: { name: "MIT", identifier: "MIT" },
    },
    // Relative to where the document is read, so that an app below a path says so.
    servers: [{ url: "." }],
    paths,
    components: {
      schemas: {
        ...schemas,
        ScheduleUse: namesSchedules ? { oneOf: uses } : object({ name: text, options: { type: "object" } }, ["name"]),
      },
      parameters: Object.fromEntries(shared.map((name) => [name, parameterOf(name)])),
      responses: { Problem: { description: "What is wrong", ...content("application/problem+json", ref("schemas", "Problem")) } },
      securitySchemes: { token: { type: "http", scheme: "bearer" }, metrics: { type: "http", scheme: "bearer" } },
    },
  };
}

function operation(
  route: Route,
  form: Form,
  isGuarded: boolean,
  limits: Required<Limits>,
  { id, plugin }: { readonly id: string; readonly plugin?: SchedulePlugin },
): Json {
  const names = parametersOf(route, form);
  const isGet = route.method === "GET";
  const asked = isGet ? [...(plugin ? optionParameters(plugin) : []), ...names.map((name) => askedOf(route, name))] : [];
  const forms = route.bySuffix ? [form] : route.forms;
  // A route with a body tells of its forms alone: what is kept has a validator.
  const keeps = route.holds !== "never";
  const answer = {
    description: isGet ? "The answer" : words[route.name].summary,
    ...(keeps && { headers: etag }),
    content: Object.fromEntries(forms.map((form) => [typeOf(form), { schema: schemaOf(route.name, form) }])),
  };
  const refusals = [...route.refusals, ...(isGuarded || route.gate === "metrics" ? [401] : [])];
  if (isGuarded && refusals.includes(503)) refusals.push(429); // a tenant may fill the room alone
  return {
    operationId: id.replace(".", "_"),
    summary: plugin?.description ?? words[route.name].summary,
    ...(route.name === "step" && { description: ofSteps(limits) }),
    ...(asked.length > 0 && { parameters: asked }),
    ...(route.body && { requestBody: { required: true, content: bodyOf(route, names, limits) } }),
    responses: {
      200: answer,
      ...(keeps && { 304: { description: "What If-None-Match names is still right" } }),
      ...Object.fromEntries(refusals.map((status) => [status, ref("responses", "Problem")])),
    },
    ...(route.gate === "metrics" ? { security: [{}, { metrics: [] }] } : isGuarded && { security: [{ token: [] }] }),
  };
}

const etag = { ETag: { schema: text }, "Cache-Control": { schema: text } };

function typeOf(form: Form): string {
  return mediaTypes[form].split(";")[0];
}

function schemaOf(route: RouteName, form: Form): Json {
  if (form === "json") return words[route].schema;
  return typeOf(form).startsWith("application/") ? { type: "string", contentMediaType: typeOf(form) } : text;
}

function ofSteps({ jsonElements }: Required<Limits>): string {
  return "One step: parameters `w`, gradients `w.grad`, state `w.exp_avg`, `w.step`, …; in safetensors the recipe stands in " +
    `\`__metadata__.recipe\`. JSON holds ${jsonElements} elements at most.`;
}

const recipe: Json = {
  optimizer: object({ name: text, options: { type: "object" } }, ["name"]),
  groups: listOf(object({
    match: { oneOf: [listOf(text), object({ glob: text }, ["glob"]), object({ maxRank: { type: "integer", minimum: 0 } }, ["maxRank"])] },
    options: { type: "object" },
    optimizer: text,
    scale: { type: "object", additionalProperties: { type: "number" } },
    schedules: schedulesByOption,
  }, ["match"])),
  schedules: schedulesByOption,
  transforms: listOf(object({ name: text, options: { type: "object" } }, ["name"])),
};

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
  ScheduleFacts: object({ schedule: text, options: { type: "object" }, facts: listOf(ref("schemas", "Facts")) }, [
    "schedule",
    "options",
    "facts",
  ]),
  Facts: object({
    sum: number,
    mean: number,
    minimum: ref("schemas", "Place"),
    maximum: ref("schemas", "Place"),
    jumps: listOf(step),
    moreJumps: { const: true },
    below: { type: ["integer", "null"] },
    above: { type: ["integer", "null"] },
    decay: number,
    share: step,
  }, ["sum", "mean", "minimum", "maximum", "jumps"]),
  Place: object({ value: number, step }, ["value", "step"]),
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
        dtype: { enum: Object.keys(elementArrays) },
        data: numbers,
      }, ["shape", "data"]),
    },
    metadata: { type: "object", additionalProperties: text },
  }, ["recipe", "tensors"]),
  Lint: object({
    recipe: ref("schemas", "TrainingRecipe"),
    updates: { type: "integer", minimum: 1, maximum: Number.MAX_SAFE_INTEGER },
    params: {
      type: "object",
      additionalProperties: object({ shape: listOf({ type: "integer", minimum: 0 }), dtype: { enum: dtypes } }, ["shape"]),
    },
  }, ["recipe", "updates"]),
  Findings: object({
    findings: listOf(object({
      code: text,
      severity: { enum: ["error", "warning", "note"] },
      message: text,
      path: text,
      cure: text,
    }, ["code", "severity", "message", "path", "cure"])),
  }, ["findings"]),
  Recipe: object(recipe, ["optimizer"]),
  // A step that keeps nothing cannot accumulate; a recipe that is looked at can.
  TrainingRecipe: object({ ...recipe, accumulate: object({ name: text, options: { type: "object" } }, ["name"]) }, ["optimizer"]),
};

/** Parameters that stand under `components`: many operations have them. */
const shared: readonly ParameterName[] = [...pointNames, "lr", ...pictureNames];
const joined = { style: "form", explode: false };

/** Of a range both ends must be given; points may be asked for in other ways. */
function askedOf({ name: route }: Route, name: ParameterName): Json {
  if (route === "facts" && (name === "from" || name === "to")) return { ...parameterOf(name), required: true };
  return shared.includes(name) ? ref("parameters", name) : parameterOf(name);
}

function parameterOf(name: ParameterName): Json {
  const { type } = parameters[name];
  const isList = type === "steps" || type === "numbers";
  return {
    name,
    in: "query",
    description: meanings[name],
    ...(type === "schedules" && { required: true, style: "form", explode: true }),
    schema: parameterSchema(name),
    ...(isList && joined),
  };
}

function parameterSchema(name: ParameterName): Json {
  const { type, minimum, maximum, most, allowed } = parameters[name];
  switch (type) {
    case "step":
      return { ...step, minimum };
    case "steps":
      return listOf(step, { minItems: 1 });
    case "integer":
    case "number":
      return { type, minimum, maximum };
    case "numbers":
      return listOf(number, { minItems: 1, maxItems: most });
    case "schedules": {
      const use = { type: "string", contentMediaType: "application/json", contentSchema: ref("schemas", "ScheduleUse") };
      return listOf(use, { minItems: 1, maxItems: most });
    }
    case "text":
      return allowed ? { enum: allowed } : { type: "string", ...(most !== undefined && { maxLength: most }) };
  }
}

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

/** A body by its forms: tensors, or the parameters as keys of an object. */
function bodyOf({ name, body = [] }: Route, names: readonly ParameterName[], { points }: Required<Limits>): Json {
  if (name === "lint") return { "application/json": { schema: ref("schemas", "Lint") } };
  if (names.length === 0) return Object.fromEntries(body.map((form) => [typeOf(form), { schema: schemaOf(name, form) }]));
  const one = (name: ParameterName): Json => {
    switch (parameters[name].type) {
      case "schedules":
        return {
          oneOf: [ref("schemas", "ScheduleUse"), listOf(ref("schemas", "ScheduleUse"), { minItems: 1, maxItems: parameters[name].most })],
        };
      case "numbers":
        return { oneOf: [number, parameterSchema(name)] };
      case "steps":
        return listOf(step, { minItems: 1, maxItems: points });
      default:
        return parameterSchema(name);
    }
  };
  const pick = (some: readonly ParameterName[]): Json => Object.fromEntries(some.map((name) => [name, one(name)]));
  if (name === "post_facts") return { "application/json": { schema: object(pick(names), ["schedule", "from", "to"]) } };
  if (name === "rebase") {
    const updates = { type: "integer", minimum: 1, maximum: Number.MAX_SAFE_INTEGER };
    return { "application/json": { schema: object({ ...pick(["schedule"]), from: updates, to: updates }, ["schedule", "from", "to"]) } };
  }
  const common = pick(names.filter((name) => !pointNames.includes(name)));
  const forms: readonly (readonly ParameterName[])[] = [["step"], ["steps"], ["from", "to", "every"]];
  const needed = (form: readonly ParameterName[]): readonly ParameterName[] => form.filter((name) => name !== "every");
  const schema = { oneOf: forms.map((form) => object({ ...common, ...pick(form) }, ["schedule", ...needed(form)])) };
  return { "application/json": { schema } };
}

/** What a plugin says of itself; else told by trying: one whose options all have defaults can be made. */
function followsMetric(plugin: SchedulePlugin): boolean {
  if (plugin.returns !== undefined) return plugin.returns === "metric";
  try {
    return isMetric(makeSchedule(plugin, {}));
  } catch {
    return false;
  }
}
