/**
 * A value from outside by a schema: checked, and copied, so that nobody changes it afterwards. Names of errors are JSON pointers.
 *
 * @module
 */
import { isPlainObject, known, show } from "../names.ts";
import type { Schema } from "./schema.ts";

/** JSON data. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

// A hostile value must neither overflow the stack nor take memory: all real plugins are far below.
const mostDepth = 40;
const mostValues = 20_000;
const mostCharacters = 400_000;

/** What is left of the bounds. */
interface Room {
  values: number;
  characters: number;
}

/** Makes the errors of what stands at a place, which is a JSON pointer. */
export interface Errors {
  /** Of a form that does not fit. */
  readonly refuse: (pointer: string, why: string) => Error;
  /** Of what is beyond the bounds. */
  readonly tooLarge: (pointer: string, why: string) => Error;
}

/** A copy of a value that fits the schema and lies within the bounds. */
export function readJson(schema: Schema, value: unknown, { refuse, tooLarge }: Errors): Json {
  const definitions = schema.$defs ?? {};
  const room: Room = { values: mostValues, characters: mostCharacters };
  const fail = (pointer: string, why: string): never => {
    throw refuse(pointer, why);
  };
  const exceed = (pointer: string, why: string): never => {
    throw tooLarge(pointer, why);
  };
  return read(schema, value, "", 0);

  function read(schema: Schema, value: unknown, pointer: string, depth: number): Json {
    const { $ref } = schema;
    if ($ref !== undefined) return read(definitions[$ref.slice("#/$defs/".length)], value, pointer, depth);
    if (schema.anyOf !== undefined) return read(branch(schema.anyOf, value, pointer), value, pointer, depth);
    if (depth > mostDepth) exceed(pointer, `it is nested deeper than ${mostDepth}`);
    if (--room.values < 0) exceed(pointer, `it has more than ${mostValues} values`);
    const { type, const: only, enum: words } = schema;
    if (only !== undefined && value !== only) fail(pointer, `it must be ${show(only)}, not ${show(value)}`);
    if (words !== undefined && !words.includes(value as string)) {
      fail(pointer, `it must be one of ${words.map(show).join(", ")}, not ${show(value)}`);
    }
    if (type !== undefined && !isOfType(type, value)) fail(pointer, `it must be of type ${type}, not ${show(value)}`);
    if (typeof value === "string") return readString(schema, value, pointer);
    if (typeof value === "number") return Number.isFinite(value) ? value : fail(pointer, `JSON has no ${value}`);
    if (typeof value === "boolean" || value === null) return value;
    if (Array.isArray(value)) return readArray(schema, value, pointer, depth);
    return isPlainObject(value)
      ? readObject(schema, value, pointer, depth)
      : fail(pointer, `it is ${show(value)}, which JSON does not hold`);
  }

  function readString({ minLength = 0, maxLength = Infinity, pattern }: Schema, value: string, pointer: string): string {
    if ((room.characters -= value.length) < 0) exceed(pointer, `its texts have more than ${mostCharacters} characters`);
    if (value.length < minLength) fail(pointer, "it is empty");
    if (value.length > maxLength) exceed(pointer, `it has ${value.length} characters, and at most ${maxLength} are read`);
    if (pattern !== undefined && !new RegExp(pattern).test(value)) {
      fail(pointer, `${show(value)} is no name: names have letters, digits and _`);
    }
    return value;
  }

  function readArray(
    { items = {}, minItems = 0, maxItems = Infinity }: Schema,
    value: readonly unknown[],
    pointer: string,
    depth: number,
  ): Json {
    if (value.length < minItems) fail(pointer, `it has ${value.length} elements, and needs ${minItems}`);
    if (value.length > maxItems) exceed(pointer, `it has ${value.length} elements, at most ${maxItems} are read`);
    return Object.freeze(Array.from(value, (one, i) => read(items, one, `${pointer}/${i}`, depth + 1)));
  }

  function readObject(schema: Schema, value: object, pointer: string, depth: number): Json {
    const { properties = {}, required = [], additionalProperties = true, propertyNames, minProperties = 0, maxProperties = Infinity } =
      schema;
    const entries = Object.entries(value);
    if (entries.length < minProperties) fail(pointer, `it has ${entries.length} keys, and needs ${minProperties}`);
    if (entries.length > maxProperties) exceed(pointer, `it has ${entries.length} keys, at most ${maxProperties} are read`);
    for (const key of required) if (!Object.hasOwn(value, key)) fail(pointer, `it has no ${show(key)}`);
    // Without a prototype no key is anything else than a key.
    const copy: Record<string, Json> = Object.create(null);
    for (const [key, one] of entries) {
      const at = `${pointer}/${key.replaceAll("~", "~0").replaceAll("/", "~1")}`;
      room.characters -= key.length;
      if (Object.hasOwn(properties, key)) {
        copy[key] = read(properties[key], one, at, depth + 1);
        continue;
      }
      if (additionalProperties === false) fail(pointer, `it has no ${show(key)}; ${known(Object.keys(properties), key)}`);
      if (propertyNames !== undefined) read(propertyNames, key, at, depth + 1);
      copy[key] = read(additionalProperties === true || additionalProperties === false ? {} : additionalProperties, one, at, depth + 1);
    }
    return Object.freeze(copy);
  }

  /** The one of these that the value means: by its type, by its `kind`, or by the key that it must have. */
  function branch(schemas: readonly Schema[], value: unknown, pointer: string): Schema {
    const leaves = schemas.flatMap(leavesOf);
    const fitting = leaves.filter((one) => isOfType(typeOf(one), value));
    const [only] = fitting;
    if (fitting.length === 0) {
      const wanted = [
        ...new Set(leaves.map(({ const: only, enum: words, type }) => only !== undefined ? show(only) : words?.join(", ") ?? type)),
      ];
      return fail(pointer, `it must be ${wanted.join(" or ")}, not ${show(value)}`);
    }
    if (fitting.length === 1) return only;
    if (typeof value === "string") return fitting.find(({ const: only, enum: words }) => only === value || words?.includes(value)) ?? only;
    const { kind } = value as { kind?: unknown };
    const kinds = fitting.map(({ properties }) => properties?.kind?.const);
    if (kinds[0] !== undefined) {
      const found = kinds.indexOf(kind as string);
      return found < 0 ? fail(`${pointer}/kind`, `it must be one of ${kinds.map(show).join(", ")}, not ${show(kind)}`) : fitting[found];
    }
    const found = fitting.find(({ required = [] }) => Object.hasOwn(value as object, required[0]));
    return found ?? fail(pointer, `it needs one of the keys ${fitting.map(({ required = [] }) => show(required[0])).join(", ")}`);
  }

  function leavesOf(schema: Schema): readonly Schema[] {
    if (schema.$ref !== undefined) return leavesOf(definitions[schema.$ref.slice("#/$defs/".length)]);
    return schema.anyOf === undefined ? [schema] : schema.anyOf.flatMap(leavesOf);
  }
}

/** The type of what a schema describes. */
function typeOf({ type, const: only, enum: words }: Schema): Schema["type"] {
  return type ?? (typeof only === "boolean" ? "boolean" : only !== undefined || words !== undefined ? "string" : undefined);
}

function isOfType(type: Schema["type"], value: unknown): boolean {
  switch (type) {
    case undefined:
      return true;
    case "object":
      return typeof value === "object" && value !== null && !Array.isArray(value);
    case "array":
      return Array.isArray(value);
    case "null":
      return value === null;
    case "integer":
      return Number.isInteger(value);
    case "string":
      return typeof value === "string";
    case "number":
      return typeof value === "number";
    case "boolean":
      return typeof value === "boolean";
  }
}
