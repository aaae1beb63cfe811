/**
 * What a plugin in JSON may look like, as JSON Schema (2020-12). It is the only table of the form: `readPlugin` reads by it (read_json.ts), editors
 * complete by it, and `plugin.schema.json` beside this file is the same as a file.
 *
 * @module
 */

/** The part of JSON Schema that {@linkcode pluginSchema} is written in. */
export interface Schema {
  /** Where it is published; at the top alone. */
  readonly $id?: string;
  /** Which JSON Schema it is; at the top alone. */
  readonly $schema?: string;
  /** One of the schemas in `$defs`: `#/$defs/lines`. */
  readonly $ref?: string;
  /** Schemas by name. */
  readonly $defs?: Readonly<Record<string, Schema>>;
  /** A name for people. */
  readonly title?: string;
  /** What it is for. */
  readonly description?: string;
  /** The type of a value. */
  readonly type?: "object" | "array" | "string" | "number" | "integer" | "boolean" | "null";
  /** The only value. */
  readonly const?: string | boolean;
  /** The only values. */
  readonly enum?: readonly string[];
  /** Which values an object has, by key. */
  readonly properties?: Readonly<Record<string, Schema>>;
  /** Which of them it must have. */
  readonly required?: readonly string[];
  /** What stands under other keys; false: there are none. */
  readonly additionalProperties?: boolean | Schema;
  /** How other keys are written. */
  readonly propertyNames?: Schema;
  /** What a list holds. */
  readonly items?: Schema;
  /** Bounds of lengths. */
  readonly minItems?: number;
  /** Bounds of lengths. */
  readonly maxItems?: number;
  /** Bounds of lengths. */
  readonly minProperties?: number;
  /** Bounds of lengths. */
  readonly maxProperties?: number;
  /** Bounds of lengths. */
  readonly minLength?: number;
  /** Bounds of lengths. */
  readonly maxLength?: number;
  /** How a string is written. */
  readonly pattern?: string;
  /** Any of these: they differ in the type, in the value of `kind`, or in the first key that they require. */
  readonly anyOf?: readonly Schema[];
}

const ref = (name: string, description?: string): Schema => ({
  $ref: `#/$defs/${name}`,
  ...(description !== undefined && { description }),
});

const named = (of: Schema, description: string): Schema => ({
  type: "object",
  description,
  propertyNames: ref("name"),
  maxProperties: 200,
  additionalProperties: of,
});

/** A leaf, or a choice of such by a condition. */
const choice = (leaf: Schema): Schema => ({ anyOf: [leaf, ref("choice")] });

/** A plugin in JSON, as JSON Schema. Made by one call that bundlers may leave out. */
export const pluginSchema: Schema = /* @__PURE__ */ schemaOfPlugins();

function schemaOfPlugins(): Schema {
  const common: Readonly<Record<string, Schema>> = {
    $schema: { type: "string", maxLength: 500, description: "Where this schema lies; nobody reads it but editors" },
    name: {
      type: "string",
      pattern: "^[A-Za-z][A-Za-z0-9_.-]*$",
      maxLength: 64,
      description: "The name in registries, unique within its kind",
    },
    description: { type: "string", minLength: 1, maxLength: 1000, description: "One line for people" },
    source: { type: "string", minLength: 1, maxLength: 1000, description: "Where it comes from: a paper, a program and its version" },
    options: named(
      ref("spec"),
      "A spec for each option. A number or a truth value (1 or 0) is a name in all expressions, betas[0] an element",
    ),
    check: {
      type: "array",
      maxItems: 100,
      items: ref("demand"),
      description: "What no single range can say; each must hold, else the options are refused",
    },
  };

  const scalars: Schema = ref(
    "lines",
    "Numbers of step t, from 1, in float64: lines such as c1 = 1 - pow(betas[0], t). Options that are numbers are there under their own names",
  );

  const texts: Readonly<Record<string, Schema>> = {
    slots: named(ref("slot"), "Memory by name"),
    matrix: {
      type: "array",
      minItems: 3,
      maxItems: 3,
      items: ref("expression"),
      description: "How row and col cut the tensor: batch, rows and cols, as expressions",
    },
    also: named(ref("lines"), "Further entries by name"),
    points: named(ref("lines"), "Other parameter points by name"),
  };

  const ruleLet: Schema = ref(
    "lines",
    "Numbers for conditions and for {…} in texts, of the options and of rank, shape[0], size, batch, rows and cols",
  );

  const rules = (one: Schema): Schema => ({
    anyOf: [one, { type: "array", minItems: 1, maxItems: 20, items: one, description: "The first whose condition holds counts" }],
  });

  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    $id: "https://jsr.io/@glissade/optim/plugin.schema.json",
    title: "A Glissade plugin",
    description: "An optimizer, a transform or a schedule as data: readPlugin makes a plugin of it, and no code runs",
    anyOf: [ref("optimizer"), ref("transform"), ref("schedule")],
    $defs: {
      optimizer: {
        type: "object",
        required: ["kind", "name", "description", "rule"],
        additionalProperties: false,
        properties: {
          kind: { const: "optimizer", description: "What it is" },
          ...common,
          counts: { enum: ["tensor", "group", "optimizer"], description: "Whose step count t is; default the tensor's" },
          let: ruleLet,
          rule: rules(ref("optimizerRule")),
          scalars,
          reading: ref("expression", "A number worth showing, of options, t, scalars and slots that are numbers"),
        },
      },
      transform: {
        type: "object",
        required: ["kind", "name", "description", "rule"],
        additionalProperties: false,
        properties: {
          kind: { const: "transform", description: "What it is" },
          ...common,
          let: ruleLet,
          rule: rules(ref("transformRule")),
          scalars,
          reading: named(ref("expression"), "Numbers worth showing, each an expression of options and of the slots that are numbers"),
        },
      },
      schedule: {
        type: "object",
        required: ["kind", "name", "description", "returns", "at"],
        additionalProperties: false,
        properties: {
          kind: { const: "schedule", description: "What it is" },
          ...common,
          returns: {
            enum: ["factor", "value"],
            description: "Times the option's base value, or instead of it; and the name that `at` assigns",
          },
          let: ref("lines", "Numbers of the options and of base, the option's base value: computed once for each group"),
          at: ref("lines", "Lines of options, step (from 0), base and what `let` gives, that assign factor or value"),
        },
      },
      optimizerRule: {
        type: "object",
        required: ["update"],
        additionalProperties: false,
        properties: { if: ref("condition"), ...texts, update: ref("lines", "The step, in the rule language") },
      },
      transformRule: {
        type: "object",
        additionalProperties: false,
        properties: {
          if: ref("condition"),
          ...texts,
          before: ref("lines", "Lines ahead of the rule"),
          after: ref("lines", "Lines behind the last one that assigns u"),
          last: ref("lines", "Lines at the end"),
          hold: ref("lines", "One expression of numbers: where it is not 0 the step is held back"),
        },
      },
      slot: {
        type: "object",
        required: ["shape", "key"],
        additionalProperties: false,
        properties: {
          if: ref("condition", "Where it does not hold the slot is not there"),
          shape: choice({ anyOf: [{ enum: ["param", "row", "col", "batch", "scalar", "group"] }, ref("sides")] }),
          key: choice({ anyOf: [{ type: "string", minLength: 1, maxLength: 64 }, { type: "null" }] }),
          init: choice({ anyOf: [{ type: "number" }, { const: "p" }] }),
          dtype: choice({ enum: ["float32", "bfloat16", "float16", "param"] }),
          input: { const: true, description: "Written by the caller, like a gradient" },
        },
      },
      sides: {
        type: "array",
        minItems: 1,
        maxItems: 2,
        items: ref("expression"),
        description: "Sides of a matrix of the tensor, as expressions",
      },
      choice: {
        type: "object",
        required: ["if", "then", "else"],
        additionalProperties: false,
        description: "`then` where the condition holds, else `else`; each may be a choice again",
        properties: { if: ref("condition"), then: ref("chosen"), else: ref("chosen") },
      },
      chosen: {
        anyOf: [{ type: "string", minLength: 1, maxLength: 64 }, { type: "number" }, { type: "null" }, ref("sides"), ref("choice")],
      },
      lines: {
        anyOf: [
          { type: "string", maxLength: 20_000 },
          { type: "array", maxItems: 1000, items: ref("lines") },
          {
            type: "object",
            required: ["if", "then"],
            additionalProperties: false,
            description: "Lines that are there where a condition holds, and others where it does not",
            properties: { if: ref("condition"), then: ref("lines"), else: ref("lines") },
          },
          {
            type: "object",
            required: ["repeat", "text"],
            additionalProperties: false,
            description:
              "Lines so many times; {i} in them is 0, 1, 2 … and names of `over` are those of its row i, of the last row where it has no more",
            properties: {
              repeat: ref("expression"),
              over: {
                type: "array",
                minItems: 1,
                maxItems: 1000,
                items: { type: "object", propertyNames: ref("name"), maxProperties: 20, additionalProperties: { type: "number" } },
              },
              text: ref("lines"),
            },
          },
          {
            type: "object",
            required: ["when", "text"],
            additionalProperties: false,
            description: "A part of an update: left out of a step in which its expression of numbers is 0",
            properties: { when: ref("expression"), text: ref("lines") },
          },
        ],
      },
      condition: {
        anyOf: [
          ref("expression"),
          {
            type: "object",
            minProperties: 1,
            maxProperties: 50,
            description: "Each of these options, or dtype, is this value or one of these",
            propertyNames: ref("name"),
            additionalProperties: { anyOf: [ref("single"), { type: "array", minItems: 1, maxItems: 100, items: ref("single") }] },
          },
        ],
      },
      single: { anyOf: [{ type: "string", maxLength: 200 }, { type: "number" }, { type: "boolean" }, { type: "null" }] },
      demand: {
        type: "object",
        required: ["must", "message"],
        additionalProperties: false,
        properties: {
          if: ref("condition", "Where it does not hold nothing is demanded"),
          must: ref("condition", "What must hold"),
          message: { type: "string", minLength: 1, maxLength: 1000, description: "What the error says" },
          option: ref("name", "The option that the error is about"),
        },
      },
      expression: {
        type: "string",
        minLength: 1,
        maxLength: 2000,
        description: "An expression of numbers in the rule language; 0 and NaN do not hold",
      },
      name: { type: "string", pattern: "^[A-Za-z](?!.*__)[A-Za-z0-9_]*$", maxLength: 64 },
      spec: {
        type: "object",
        required: ["description"],
        additionalProperties: false,
        description: "What an option may be, in JSON Schema's words",
        properties: {
          default: { description: "Absent: the option must be given" },
          description: { type: "string", maxLength: 1000, description: "One line for people" },
          type: { anyOf: [ref("type"), { type: "array", minItems: 1, maxItems: 7, items: ref("type") }] },
          unit: { enum: ["steps", "rate", "count"], description: "What its numbers count" },
          enum: { type: "array", minItems: 1, maxItems: 100, items: ref("single"), description: "The only values allowed" },
          minimum: { type: "number", description: "Least value; of each element of an array" },
          maximum: { type: "number", description: "Greatest value; of each element of an array" },
          exclusiveMinimum: { type: "number", description: "Bound that is not reached" },
          exclusiveMaximum: { type: "number", description: "Bound that is not reached" },
        },
      },
      type: { enum: ["number", "integer", "boolean", "string", "array", "object", "null"] },
    },
  };
}
