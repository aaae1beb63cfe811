/**
 * What a plugin says of itself: its name, description and source, and its options' specs.
 *
 * @module
 */
import { known, show } from "../../core/names.ts";
import type { JsonType, OptionSpec, Plugin } from "../../core/plugin/contract.ts";
import { type AnySpecs, typesOf } from "../../core/plugin/options.ts";
import { checkPlugin, checkSpec, type Kinds, membersOf, titleOf } from "../../core/plugin/use.ts";
import { type Faults, wordsOf } from "./faults.ts";

const jsonTypes: readonly JsonType[] = ["number", "integer", "boolean", "string", "array", "object", "null"];

/** Words of a description that say where an algorithm is from: an address, a paper's year, another's name, a library. */
const citations: readonly RegExp[] = [
  /https?:\/\/|\barxiv\b|\bdoi\b|\bet al\b|\b(?:19|20)\d\d\b|\bown work\b/i,
  /\bas in \S|\bas [A-Z]|\b[A-Z]\w+'s?(?= )/,
  /\b(?:torch|timm|optax|keras|tensorflow|transformers|jax|deepspeed|fairseq)\b/i,
];

/** Looks at all that a plugin says; true where it can be run. */
export function checkDescribed<K extends keyof Kinds>(faults: Faults, kind: K, plugin: unknown): plugin is Kinds[K] {
  if (typeof plugin !== "object" || plugin === null) {
    faults.add(`${show(plugin)} is no plugin: a plugin is an object`);
    return false;
  }
  const given = plugin as Partial<Plugin>;
  if (given.kind !== kind) {
    faults.add(`its kind is ${show(given.kind)}: the test that was called is for plugins of kind "${kind}"`);
    return false;
  }
  checkWords(faults, given);
  const members = membersOf(kind);
  for (const key of Object.keys(given)) {
    if (!members.includes(key)) faults.add(`it has a member ${show(key)}, which means nothing in a plugin: ${known(members, key)}`);
  }
  if (typeof given.options === "object" && given.options !== null) {
    for (const [option, spec] of Object.entries(given.options)) checkOptionSpec(faults, given as Plugin, option, spec);
  }
  try {
    checkPlugin(plugin);
    return true;
  } catch (error) {
    faults.add((error as Error).message, { option: (error as { option?: string }).option }, error);
    return false;
  }
}

function checkWords(faults: Faults, { name, description, source }: Partial<Plugin>): void {
  if (typeof name === "string" && !/^[A-Za-z0-9_-]+$/.test(name)) {
    faults.add(`its name is ${show(name)}: names stand in addresses and recipes, so they are of letters, digits, _ and -`);
  }
  if (typeof description === "string") checkLine(faults, "its description", description);
  if (source !== undefined) {
    if (typeof source === "string") checkLine(faults, "its source", source);
  } else if (typeof description === "string" && !citations.some((words) => words.test(description))) {
    faults.add(
      'it names no source: say in `source`, or in the description, which paper or implementation it follows; "own work" where it follows none',
    );
  }
}

function checkLine(faults: Faults, what: string, text: string, option?: string): void {
  if (text.trim() === "") faults.add(`${what} is empty: it is one line for people`, { option });
  else if (/[\r\n]/.test(text)) faults.add(`${what} has several lines: it is one line for people`, { option });
}

function checkOptionSpec(faults: Faults, plugin: Plugin, option: string, spec: unknown): void {
  const what = `option "${option}"`;
  const add = (message: string): void => faults.add(message, { option });
  try {
    checkSpec(titleOf(plugin), option, spec);
  } catch (error) {
    faults.add((error as Error).message, { option }, error);
  }
  if (typeof spec !== "object" || spec === null) return;
  const { description, type, default: value } = spec as Partial<OptionSpec<unknown>>;
  if (typeof description !== "string") add(`the description of ${what} is ${show(description)}: it is one line for people`);
  else checkLine(faults, `the description of ${what}`, description, option);
  const types = typeof type === "string" ? [type] : type;
  const strange = types?.find((word) => !jsonTypes.includes(word));
  if (strange !== undefined) add(`the type of ${what} is ${show(strange)}: ${known(jsonTypes, strange)}`);
  else if (typesOf(spec as OptionSpec<unknown>) === undefined) {
    add(`the type of ${what} is not known: give it a default that is not null, or a type`);
  }
  if (value === null && types !== undefined && !types.includes("null")) {
    add(`the default of ${what} is null, which its type, ${types.join(" or ")}, leaves out: add "null" to the type`);
  }
  if (value !== undefined && !isJson(value)) {
    add(`the default of ${what} is ${show(value)}, which JSON does not hold: recipes and the service could not say it`);
  }
  checkRange(faults, option, spec as AnySpecs[string]);
}

function checkRange(faults: Faults, option: string, spec: AnySpecs[string]): void {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum, enum: values } = spec;
  const bounds = { minimum, maximum, exclusiveMinimum, exclusiveMaximum };
  for (const [name, bound] of Object.entries(bounds)) {
    if (bound !== undefined && !Number.isFinite(bound)) {
      faults.add(`the ${name} of option "${option}" is ${show(bound)}: a bound is a finite number, or is left out`, { option });
    }
  }
  const [low, high] = [
    Math.max(minimum ?? -Infinity, exclusiveMinimum ?? -Infinity),
    Math.min(maximum ?? Infinity, exclusiveMaximum ?? Infinity),
  ];
  if (low > high || (low === high && (low === exclusiveMinimum || high === exclusiveMaximum))) {
    faults.add(`the range of option "${option}" is empty: no number is above ${low} and below ${high}`, { option });
  }
  const numeric = typesOf(spec)?.some((type) => type === "number" || type === "integer" || type === "array") ?? true;
  if (!numeric && Object.values(bounds).some((bound) => bound !== undefined)) {
    faults.add(`option "${option}" has bounds, and takes no numbers: bounds hold numbers alone`, { option });
  }
  if (values === undefined) return;
  if (!Array.isArray(values) || values.length === 0) {
    faults.add(`the enum of option "${option}" is ${show(values)}: it is a list of the values that are allowed`, { option });
  } else if (new Set(values).size < values.length) {
    faults.add(`the enum of option "${option}" says a value twice: ${values.map(show).join(", ")}`, { option });
  }
}

/** True for what JSON holds and gives back as it was. */
export function isJson(value: unknown): boolean {
  if (typeof value === "number") return Number.isFinite(value);
  if (value === null || typeof value === "boolean" || typeof value === "string") return true;
  if (Array.isArray(value)) return value.every(isJson);
  const isPlain = typeof value === "object" && [Object.prototype, null].includes(Object.getPrototypeOf(value));
  return isPlain && Object.values(value as object).every(isJson);
}

/** Looks whether a function of a plugin's takes numbers from where they are not the same in each engine, or not twice the same. */
export function checkEngines(faults: Faults, plugin: object, functions: readonly string[]): void {
  for (const name of functions) {
    const member = (plugin as Readonly<Record<string, unknown>>)[name];
    if (typeof member !== "function") continue;
    const code = String(member).replace(/\/\*[^]*?\*\/|(?<!:)\/\/.*$/gm, "");
    const [random] = /\bMath\.random\b|\bDate\b|\bperformance\.now\b|\bcrypto\b/.exec(code) ?? [];
    if (random !== undefined) faults.add(`${name}() uses ${random}: its answer must depend on what it is given alone`);
    // Powers of 2 are the same everywhere.
    const [inexact] =
      /\bMath\.(?:pow|exp|expm1|log|log10|log1p|log2|a?sinh?|a?cosh?|a?tanh?|atan2|cbrt|hypot)\b|(?<!\b2\s*)\*\*/.exec(code) ?? [];
    if (inexact !== undefined) {
      const instead = name === "rule"
        ? "hand the number over by scalars, which gets maths"
        : "take pow, exp, log or cos from the maths that it is given";
      faults.add(`${name}() uses ${inexact}, which gives other bits in other engines: ${instead}`);
    }
  }
}

/** The words of an error, if asking throws one that a plugin may throw of values: RangeError or TypeError; a fault for others. */
export function refusal(faults: Faults, what: string, ask: () => void): string | undefined {
  try {
    ask();
    return undefined;
  } catch (error) {
    if (!(error instanceof RangeError || error instanceof TypeError)) {
      faults.add(`${what} throws ${wordsOf(error)}: what is refused is a RangeError (a value) or a TypeError (a kind)`, {}, error);
    } else if (
      /is not (?:a function|iterable|defined)|properties of (?:undefined|null)|undefined is not|null is not|read.?only/i.test(error.message)
    ) {
      faults.add(`${what} throws ${wordsOf(error)}: that is a slip in the plugin, not a refusal in words for people`, {}, error);
    }
    return wordsOf(error);
  }
}
