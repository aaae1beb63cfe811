/**
 * Plugins as plain JSON: data becomes a plugin, and no code runs.
 *
 * @module
 */
import { about } from "../errors.ts";
import { show } from "../names.ts";
import type { OptimizerPlugin, Plugin, Rule, Scalars, SchedulePlugin, Slot, TensorInfo, TransformPlugin } from "../plugin/contract.ts";
import { type AnySpecs, typesOf, type Values } from "../plugin/options.ts";
import { checkPlugin } from "../plugin/use.ts";
import { extentOf } from "../../kernels/extent.ts";
import { type Case, type Condition, type Known, readCondition } from "./condition.ts";
import { type Names, namesOf, readExpression, roomFor } from "./expression.ts";
import { readSteps, readText, readUpdate, textOf, type Write } from "./lines.ts";
import { type Errors, type Json, readJson } from "./read_json.ts";
import { pluginSchema } from "./schema.ts";

type Fields = { readonly [key: string]: Json };

/** The longest text that is parsed. */
const mostCharacters = 500_000;

/** What an option may not be called, since it means something else in expressions. */
const reserved: Readonly<Record<string, readonly string[]>> = {
  optimizer: ["p", "g", "u", "t", "i", "size", "batch", "rows", "cols", "rank", "shape", "dtype"],
  transform: ["p", "g", "u", "t", "i", "size", "batch", "rows", "cols", "rank", "shape", "dtype"],
  schedule: ["step", "base", "factor", "value"],
};
const tensorNames: readonly string[] = [
  "size",
  "batch",
  "rows",
  "cols",
  "rank",
  "shape[0]",
  "shape[1]",
  "shape[2]",
  "shape[3]",
  "shape[4]",
  "shape[5]",
];

/**
 * Makes a plugin of plain JSON: an optimizer, a transform or a schedule whose texts, numbers and checks are in the rule language. No code of it runs, so
 * that it is safe to load from strangers: its size is bounded, and so is what it can cost.
 *
 * `json` is the parsed value, or its text. Its form is {@linkcode pluginSchema}; `plugins/JSON.md` describes it.
 *
 * TypeError for a form that does not fit, unknown keys and names that mean something else; SyntaxError for an expression or a text that cannot be read, or
 * names something unknown; RangeError for what is too large. The message says where, as a JSON pointer. What the rule's texts mean is looked at when an
 * optimizer is made, as of any plugin.
 *
 * @example Usage
 * ```ts
 * import { createOptimizer, readPlugin } from "@glissade/optim";
 * import type { OptimizerPlugin } from "@glissade/optim";
 *
 * const sgd = readPlugin({
 *   kind: "optimizer",
 *   name: "plain_sgd",
 *   description: "Straight down the gradient",
 *   options: { lr: { default: 0.1, minimum: 0, description: "Learning rate" } },
 *   rule: { update: "u = g\np -= lr*u" },
 * }) as OptimizerPlugin;
 * const w = new Float32Array([1, 2]);
 * using optimizer = createOptimizer(sgd, { w });
 * optimizer.step({ w: [1, 1] }); // w is now [0.9, 1.9]
 * ```
 */
export function readPlugin(json: unknown): OptimizerPlugin | TransformPlugin | SchedulePlugin {
  const value = typeof json === "string" ? parsed(json) : json;
  const title = titleIn(value);
  const said = (pointer: string, why: string): string => `Cannot read ${title}${pointer === "" ? "" : `, ${pointer}`}: ${why}`;
  const errors: Errors = {
    refuse: (pointer, why) => new TypeError(said(pointer, why)),
    tooLarge: (pointer, why) => new RangeError(said(pointer, why)),
  };
  const fields = readJson(pluginSchema, value, errors) as Fields;
  const name = fields.name as string;
  try {
    const plugin = made(fields, title, errors);
    checkPlugin(plugin);
    return plugin as OptimizerPlugin | TransformPlugin | SchedulePlugin;
  } catch (error) {
    throw error instanceof Error ? about(error, { plugin: name }) : error;
  }
}

function parsed(text: string): unknown {
  if (text.length > mostCharacters) {
    throw new RangeError(`Cannot read a plugin of ${text.length} characters: at most ${mostCharacters} are read`);
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new SyntaxError(`Cannot read a plugin: its text is no JSON: ${(error as Error).message}`);
  }
}

/** How errors call it. */
function titleIn(value: unknown): string {
  const { name } = typeof value === "object" && value !== null ? value as { name?: unknown } : {};
  return typeof name === "string" ? `plugin ${show(name)}` : "the plugin";
}

function made(fields: Fields, title: string, errors: Errors): Plugin {
  const { refuse } = errors;
  const specs = (fields.options ?? {}) as unknown as AnySpecs;
  for (const name of Object.keys(specs)) {
    if (reserved[fields.kind as string].includes(name)) {
      throw refuse(`/options/${name}`, `an option cannot be called "${name}", which means something else in expressions`);
    }
  }
  const common = {
    name: fields.name as string,
    description: fields.description as string,
    ...(fields.source !== undefined && { source: fields.source as string }),
    options: specs,
  };
  const given: Given = { fields, specs, ...errors, scopeOf: (pointer) => `${pointer} of ${title}` };
  const check = readCheck(given);
  const whole = check === undefined ? common : { ...common, check };
  switch (fields.kind) {
    case "optimizer":
      return optimizerOf(whole, given) as unknown as Plugin;
    case "transform":
      return transformOf(whole, given) as unknown as Plugin;
    default:
      return scheduleOf(whole, given) as unknown as Plugin;
  }
}

/** A plugin in JSON, its form checked. */
interface Given extends Errors, Pick<Known, "specs" | "scopeOf"> {
  readonly fields: Fields;
}

// ---- options as numbers

/** Names of the options that are numbers or lists of numbers. */
function optionNames(specs: AnySpecs, more: readonly string[]): Names {
  const names: string[] = [];
  const hints = new Map<string, string>();
  for (const [name, spec] of Object.entries(specs)) {
    const types = typesOf(spec);
    if (Array.isArray(spec.default)) {
      names.push(...spec.default.map((_, i) => `${name}[${i}]`));
      hints.set(name, `it is a list, and ${name}[0] its first element`);
    } else if (types === undefined || types.some((type) => type === "number" || type === "integer" || type === "boolean")) {
      names.push(name);
    } else if (types.includes("array")) {
      names.push(...Array.from({ length: 16 }, (_, i) => `${name}[${i}]`));
      hints.set(name, `it is a list, and ${name}[0] its first element`);
    } else {
      hints.set(name, `a condition on it is { ${JSON.stringify(name)}: … }`);
    }
  }
  return namesOf([...names, ...more], hints);
}

/** The numbers of options under the places of their names: truth values are 1 and 0, and what is no number is NaN. Only names that are used are looked at. */
function putOptions({ places, used }: Names, numbers: Float64Array, options: Values): void {
  for (const name of used) {
    const place = places.get(name);
    if (place === undefined) continue;
    const [, list = name, element] = /^(\w+)\[(\d+)\]$/.exec(name) ?? [];
    if (!Object.hasOwn(options, list)) continue;
    const value = element === undefined ? options[list] : (options[list] as readonly unknown[] | null)?.[Number(element)];
    numbers[place] = typeof value === "number" ? value : typeof value === "boolean" ? Number(value) : NaN;
  }
}

/** A case of these options alone. */
function caseOf(names: Names, options: Values): Case {
  const numbers = roomFor(names);
  putOptions(names, numbers, options);
  return { numbers, options };
}

function readCheck({ fields, ...of }: Given): ((options: Values) => void) | undefined {
  const list = fields.check as readonly Fields[] | undefined;
  if (list === undefined) return undefined;
  const names = optionNames(of.specs, []);
  const known: Known = { ...of, names, ofTensor: false };
  const demands = list.map(({ if: condition, must, message, option }, k) => {
    const at = `/check/${k}`;
    if (option !== undefined && !Object.hasOwn(of.specs, option as string)) {
      throw of.refuse(`${at}/option`, `there is no option ${show(option)}`);
    }
    return {
      applies: condition === undefined ? (): boolean => true : readCondition(condition, `${at}/if`, known),
      must: readCondition(must, `${at}/must`, known),
      message: `Cannot use ${fields.kind as string} ${show(fields.name)}: ${message as string}`,
      option: option as string | undefined,
    };
  });
  return (options) => {
    const one = caseOf(names, options);
    for (const { applies, must, message, option } of demands) {
      if (applies(one) && !must(one)) throw about(new RangeError(message), option === undefined ? {} : { option });
    }
  };
}

// ---- optimizers and transforms

function optimizerOf(common: object, given: Given): object {
  const { fields } = given;
  const rule = readRule(given);
  const scalars = readScalars(given);
  return {
    kind: "optimizer",
    ...common,
    ...(fields.counts !== undefined && { counts: fields.counts }),
    rule,
    scalars: (options: Values, t: number) => scalars.of(options, t),
    ...(fields.reading !== undefined && { reading: readReading(given, scalars) }),
  };
}

function transformOf(common: object, given: Given): object {
  const { fields } = given;
  return {
    kind: "transform",
    ...common,
    rule: readRule(given),
    ...(fields.scalars !== undefined || Object.keys(given.specs).length > 0 ? { scalars: readScalars(given).of } : {}),
    ...(fields.reading !== undefined && { reading: readReadings(given) }),
  };
}

/** Numbers of a step. */
interface ScalarsOf {
  readonly names: Names;
  of(options: Values, t: number): Scalars;
}

/** Options that are numbers, under their names, and what the lines assign: always the same names. */
function readScalars({ fields, ...of }: Given): ScalarsOf {
  const names = optionNames(of.specs, ["t"]);
  for (const name of names.fixed) names.used.add(name); // a text may name any of them
  const run = readSteps(fields.scalars, "/scalars", { ...of, names, ofTensor: false });
  const given = [...names.places].filter(([name]) => name !== "t" && !name.includes("["));
  const t = names.places.get("t")!;
  return {
    names,
    of(options, step) {
      const one = caseOf(names, options);
      one.numbers[t] = step;
      run(one);
      return Object.fromEntries(given.map(([name, place]) => [name, one.numbers[place]]));
    },
  };
}

/** Names of the slots of all rules. */
function slotNames({ rule }: Fields): string[] {
  const rules = [rule].flat() as readonly Fields[];
  return rules.flatMap(({ slots = {} }) => Object.keys(slots as Fields));
}

function readReadings({ fields, specs, scopeOf }: Given): NonNullable<TransformPlugin["reading"]> {
  const names = optionNames(specs, slotNames(fields));
  const list = Object.entries(fields.reading as Fields).map(([name, text]) => ({
    name,
    run: readExpression(text as string, names, scopeOf(`/reading/${name}`)),
  }));
  return (options, slots) => {
    const { numbers } = caseOf(names, options as Values);
    for (const [name, value] of Object.entries(slots)) {
      const place = names.places.get(name);
      if (place !== undefined) numbers[place] = value;
    }
    return Object.fromEntries(list.map(({ name, run }) => [name, run(numbers)]));
  };
}

function readReading(given: Given, scalars: ScalarsOf): NonNullable<OptimizerPlugin["reading"]> {
  const known = [...scalars.names.places.keys()];
  const names = namesOf([...new Set([...known, ...slotNames(given.fields)])]);
  const run = readExpression(given.fields.reading as string, names, given.scopeOf("/reading"));
  return (options, t, numbers) => {
    const room = roomFor(names);
    const values: Readonly<Record<string, number>> = { ...scalars.of(options as Values, t), t, ...numbers };
    putOptions(names, room, options as Values);
    for (const [name, place] of names.places) if (Object.hasOwn(values, name)) room[place] = values[name];
    return run(room);
  };
}

const texts = ["before", "after", "last", "hold"] as const;

/** What chooses a rule, and makes it. */
interface Variant {
  readonly condition: Condition;
  make(one: Case, tensor: TensorInfo): object;
}

function readRule(given: Given): (options: Values, tensor: TensorInfo) => Rule {
  const { fields, specs, refuse, tooLarge, scopeOf } = given;
  const names = optionNames(specs, tensorNames);
  const known: Known = { specs, refuse, tooLarge, scopeOf, names, ofTensor: true };
  const prepare = readSteps(fields.let, "/let", known);
  const list = Array.isArray(fields.rule) ? fields.rule as readonly Fields[] : [fields.rule as Fields];
  const variants = list.map((one, i) => readVariant(one, Array.isArray(fields.rule) ? `/rule/${i}` : "/rule", known));
  return (options, tensor) => {
    const numbers = roomFor(names);
    putOptions(names, numbers, options);
    putTensor(names, numbers, tensor);
    const one: Case = { numbers, options, dtype: tensor.dtype };
    prepare(one);
    const variant = variants.find(({ condition }) => condition(one));
    if (variant === undefined) {
      throw refuse(
        "/rule",
        `none of its conditions holds for ${show(tensor.name)}, of shape [${tensor.shape}]; the last rule may have none`,
      );
    }
    return variant.make(one, tensor) as Rule;
  };

  function putTensor({ places }: Names, numbers: Float64Array, { shape }: TensorInfo): void {
    const { batch, rows, cols } = extentOf(shape);
    const size = shape.reduce((n, length) => n * length, 1);
    for (const [name, value] of Object.entries({ size, batch, rows, cols, rank: shape.length })) numbers[places.get(name)!] = value;
    for (let i = 0; i < 6; i++) numbers[places.get(`shape[${i}]`)!] = shape[i] ?? NaN;
  }
}

function readVariant(rule: Fields, pointer: string, known: Known): Variant {
  const slots = Object.entries((rule.slots ?? {}) as Fields).map(([name, slot]) =>
    readSlot(name, slot as Fields, `${pointer}/slots/${name}`, known)
  );
  const matrix = (rule.matrix as readonly string[] | undefined)?.map((text, i) =>
    readExpression(text, known.names, known.scopeOf(`${pointer}/matrix/${i}`))
  );
  const update = rule.update === undefined ? undefined : readUpdate(rule.update, `${pointer}/update`, known);
  const splices = texts.filter((name) => rule[name] !== undefined).map((name): [string, Write] => [
    name,
    readText(rule[name], `${pointer}/${name}`, known),
  ]);
  const [also, points] = (["also", "points"] as const).map((entries) =>
    Object.entries((rule[entries] ?? {}) as Fields).map(([name, lines]): [string, Write] => [
      name,
      readText(lines, `${pointer}/${entries}/${name}`, known),
    ])
  );
  const write = (list: readonly (readonly [string, Write])[], one: Case): Record<string, string> =>
    Object.fromEntries(list.map(([name, lines]) => [name, textOf(lines, one)]));
  return {
    condition: rule.if === undefined ? () => true : readCondition(rule.if, `${pointer}/if`, known),
    make: (one) => ({
      slots: Object.fromEntries(slots.flatMap((slot) => slot(one))),
      ...(matrix !== undefined && { matrix: matrix.map((run) => run(one.numbers)) }),
      ...(update !== undefined && { update: update(one) }),
      ...write(splices, one),
      ...(also.length > 0 && { also: write(also, one) }),
      ...(points.length > 0 && { points: write(points, one) }),
    }),
  };
}

function readSlot(name: string, slot: Fields, pointer: string, known: Known): (one: Case) => [string, Slot][] {
  const condition = slot.if === undefined ? (): boolean => true : readCondition(slot.if, `${pointer}/if`, known);
  const fields = ["shape", "key", "init", "dtype"].filter((field) => slot[field] !== undefined).map((
    field,
  ): [string, (one: Case) => Json] => [
    field,
    readChoice(slot[field], `${pointer}/${field}`, known),
  ]);
  const input = slot.input === true ? { input: true } : {};
  return (one) =>
    condition(one)
      ? [[name, { ...Object.fromEntries(fields.map(([field, choose]) => [field, choose(one)])), ...input } as unknown as Slot]]
      : [];
}

function readChoice(json: Json, pointer: string, known: Known): (one: Case) => Json {
  if (typeof json !== "object" || json === null) return () => json;
  if (Array.isArray(json)) {
    const sides = json.map((text, i) => readExpression(text, known.names, known.scopeOf(`${pointer}/${i}`)));
    return ({ numbers }) => sides.map((run) => run(numbers));
  }
  const { if: condition, then, else: otherwise } = json as Fields;
  const decide = readCondition(condition, `${pointer}/if`, known);
  const yes = readChoice(then, `${pointer}/then`, known);
  const no = readChoice(otherwise, `${pointer}/else`, known);
  return (one) => (decide(one) ? yes : no)(one);
}

// ---- schedules

function scheduleOf(common: object, { fields, ...of }: Given): object {
  const returns = fields.returns as "factor" | "value";
  const names = optionNames(of.specs, ["base", "step"]);
  const known: Known = { ...of, names, ofTensor: false };
  const prepare = readSteps(fields.let, "/let", known);
  const run = readSteps(fields.at, "/at", known);
  const result = names.places.get(returns);
  if (result === undefined) throw of.refuse("/at", `it must assign "${returns}", which is what it returns`);
  const [base, step] = ["base", "step"].map((name) => names.places.get(name)!);
  const perGroup = names.used.has("base");
  const name = fields.name as string;
  const create: SchedulePlugin["create"] = (given, _maths, { value, groups }) => {
    const options = given as Values;
    const prepared = (perGroup ? [value, ...groups] : [value]).map((own) => {
      const one = caseOf(names, options);
      one.numbers[base] = own;
      prepare(one);
      return one.numbers;
    });
    const room = { numbers: roomFor(names), options };
    const ask = (at: number, numbers: Float64Array): number => {
      if (!(typeof at === "number" && at >= 0 && at < Infinity)) {
        const Wrong = typeof at === "number" ? RangeError : TypeError;
        throw new Wrong(`Cannot ask schedule "${name}" for its value at step ${String(at)}: a step is a number from 0, and finite`);
      }
      room.numbers.set(numbers);
      room.numbers[step] = at;
      run(room);
      return room.numbers[result];
    };
    const [own, ...ofGroups] = prepared;
    const schedule = perGroup
      ? (at: number, group?: number): number => ask(at, group === undefined ? ofGroups[0] ?? own : ofGroups[group] ?? own)
      : (at: number): number => ask(at, own);
    return Object.assign(schedule, { returns, perGroup });
  };
  return { kind: "schedule", ...common, returns, create };
}
