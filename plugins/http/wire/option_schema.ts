/**
 * Option specs as JSON Schema.
 *
 * @module
 */
import { typesOf } from "../../../core/plugin/options.ts";
import type { AnySpecs } from "../../../core/plugin/options.ts";
import type { OptionSpec } from "../../../core/plugin/contract.ts";

/** A schema, as far as it is used here. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** The options of a plugin as one object's schema. */
export function optionsSchema(specs: AnySpecs): JsonSchema {
  const required = Object.keys(specs).filter((name) => specs[name].default === undefined);
  return {
    type: "object",
    properties: Object.fromEntries(Object.entries(specs).map(([name, spec]) => [name, optionSchema(spec)])),
    ...(required.length > 0 && { required }),
    additionalProperties: false,
  };
}

/** One option's schema. What JSON Schema has no word for stands in it under the spec's own: it lets others be, and pages follow them. */
export function optionSchema(spec: OptionSpec<unknown>): JsonSchema {
  const { default: value, description, format, holds, unit, enum: values, minimum, maximum, exclusiveMinimum, exclusiveMaximum } = spec;
  const types = typesOf(spec);
  const isArray = types?.includes("array") === true;
  const bounds = {
    ...(minimum !== undefined && { minimum }),
    ...(maximum !== undefined && { maximum }),
    ...(exclusiveMinimum !== undefined && { exclusiveMinimum }),
    ...(exclusiveMaximum !== undefined && { exclusiveMaximum }),
  };
  const texts = format !== undefined && { type: "string", format };
  const isNumbers = Array.isArray(value) && value.length > 0 && value.every((element) => typeof element === "number");
  return {
    ...(types !== undefined && { type: types.length === 1 ? types[0] : types }),
    description,
    ...(value !== undefined && { default: value }),
    ...(values !== undefined && { enum: values }),
    ...(holds !== undefined && { holds }),
    ...(unit !== undefined && { unit }),
    ...(!isArray && bounds),
    ...(!isArray && format !== undefined && { format }),
    ...(isArray && { items: texts || { ...(isNumbers || types?.length === 2 ? { type: "number" } : {}), ...bounds } }),
    ...(isNumbers && { minItems: value.length, maxItems: value.length }),
  };
}
