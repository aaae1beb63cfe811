/**
 * What an optimizer's or a transform's functions answer: rules for every shape, numbers of every step, under every option.
 *
 * @module
 */
import { maths } from "../../kernels/math.ts";
import type { DType, Maths, OptimizerPlugin, Scalars, TensorInfo, TransformPlugin } from "../../core/plugin/contract.ts";
import { explain } from "../../core/explain.ts";
import { show } from "../../core/names.ts";
import type { AnySpecs, Values } from "../../core/plugin/options.ts";
import { descent } from "./descent.ts";
import { refusal } from "./described.ts";
import { checkEffects } from "./effects.ts";
import { type Faults, noFaults, wordsOf } from "./faults.ts";
import { copyOf, otherValues, textOf } from "./option_values.ts";
import { askTwice, pure, shorten } from "./pure.ts";
import { shapes } from "./tensors.ts";

const dtypes: readonly DType[] = ["float32", "bfloat16", "float16"];
const someSteps = [1, 2, 3, 10, 1000];

/** A plugin with a rule: its functions as they are asked. */
interface Ruling {
  readonly kind: "optimizer" | "transform";
  readonly options: AnySpecs;
  check?(options: Values): void;
  rule(options: Values, info: TensorInfo): unknown;
  scalars?(options: Values, t: number, maths: Maths): Scalars;
  reading?(...asked: unknown[]): unknown;
  held?(options: Values, slots: Scalars): void;
}

/** Asks an optimizer's or a transform's functions. False where its rules cannot be run. */
export function checkRules(faults: Faults, plugin: OptimizerPlugin | TransformPlugin, options: Values): boolean {
  const asked = plugin as unknown as Ruling;
  const before = faults.list.length;
  if (asked.check !== undefined) askTwice(faults, "check()", options, (options) => asked.check!(options));
  let hasText = false;
  const failed = new Map<string, { readonly what: string; readonly error: unknown; others: number }>();
  for (const [name, shape] of Object.entries(shapes)) {
    for (const dtype of dtypes) {
      const tensor = `a ${dtype} tensor of shape [${shape}]`;
      const fresh = noFaults(plugin.name);
      const rule = askTwice(fresh, `rule() for ${tensor}`, options, (options) => asked.rule(options, { name, shape: [...shape], dtype }));
      if (rule !== undefined) checkRule(fresh, `rule() for ${tensor}`, rule);
      hasText ||= isWritten(rule);
      // Other element types make the same passes: one shape will do, and steps are taken in all.
      const compiles = fresh.list.length === 0 && (dtype === "float32" || name === "matrix");
      if (compiles) fresh.attempt(`compiling the rule for ${tensor}`, () => compileRule(plugin, options, shape, dtype));
      // What is wrong for all tensors is said of the first.
      for (const error of fresh.list) {
        const kind = error.message.replace(tensor, "");
        const known = failed.get(kind);
        if (known === undefined) failed.set(kind, { what: error.message.replace(tensor, `${tensor}#`), error, others: 0 });
        else known.others++;
      }
    }
  }
  if (failed.size === 0 && !hasText) faults.add("rule() has no text, whatever the tensor: it would do nothing");
  for (const { what, error, others } of failed.values()) {
    const more = others === 0 ? "" : ` (and ${others} other ${others === 1 ? "kind" : "kinds"} of tensor)`;
    faults.add(what.replace("#", more), {}, (error as Error).cause);
  }
  checkScalars(faults, asked, options);
  checkReading(faults, asked, options);
  if (faults.list.length > before) return false; // under other options it would be the same again
  checkOptions(faults, plugin, options);
  return true;
}

/** Compiles as an optimizer would. */
function compileRule(plugin: OptimizerPlugin | TransformPlugin, options: Values, shape: readonly number[], dtype: DType): void {
  if (plugin.kind === "optimizer") explain(plugin as OptimizerPlugin<string, Values>, shape, { options, dtype });
  else explain(descent, shape, { dtype, transforms: [{ name: plugin, options }] });
}

/** True for a rule that says something. */
function isWritten(rule: unknown): boolean {
  const { update, before, after, last, hold, points } = (rule ?? {}) as Readonly<Record<string, unknown>>;
  return [update, before, after, last, hold, points].some((text) => text !== undefined && text !== "");
}

function checkRule(faults: Faults, what: string, rule: unknown): void {
  if (typeof rule !== "object" || rule === null) return faults.add(`${what} gives ${show(rule)}: a rule is an object`);
  const { slots = {} } = rule as Readonly<Record<string, unknown>>;
  const keys = new Map<string, string>();
  for (const [slot, given] of Object.entries(slots ?? {})) {
    const key: unknown = (given as { key?: unknown } | undefined)?.key;
    if (typeof key !== "string") continue;
    if (keys.has(key)) {
      faults.add(`slots "${keys.get(key)}" and "${slot}" are both saved as "${key}": one would be lost, give each a key of its own`);
    }
    if (key === "step" || key === "grad") {
      faults.add(
        `slot "${slot}" is saved as "${key}", which is the name of ${key === "step" ? "the count of steps" : "a gradient"} in files`,
      );
    }
    keys.set(key, slot);
  }
}

function checkScalars(faults: Faults, asked: Ruling, options: Values): void {
  if (asked.scalars === undefined) return;
  let names: string | undefined;
  const before = new Map<number, string>();
  // Not in order: a plugin that counts its calls, or keeps the greatest step, would be right in order alone.
  for (const t of [...someSteps, 2, 1]) {
    const what = `scalars() at t = ${t}`;
    const given: unknown = askTwice(faults, what, options, (options) => asked.scalars!(options, t, maths));
    if (given === undefined) continue;
    if (typeof given !== "object" || given === null) return faults.add(`${what} gives ${show(given)}: it gives an object of numbers`);
    const text = textOf(given);
    const first = before.get(t) ?? text;
    if (text !== first) {
      faults.add(`${what} gives ${shorten(text, first)} when later steps were asked, and before gave ${shorten(first, text)}: ${pure}`);
    }
    before.set(t, first);
    for (const [name, value] of Object.entries(given)) {
      if (typeof value !== "number") faults.add(`${what} gives ${name} = ${show(value)}: it must be a number`);
    }
    const own = Object.keys(given).sort().join(", ");
    if (names !== undefined && own !== names) {
      faults.add(`${what} gives ${own || "nothing"}, and before gave ${names}: names must stay the same`);
    }
    names = own;
  }
}

/** All that a plugin answers under these options, as a text. */
function answersOf(asked: Ruling, options: Values): string {
  const tensors = [
    ...Object.values(shapes).map((shape) => ({ shape, dtype: "float32" as DType })),
    ...dtypes.map((dtype) => ({ shape: shapes.matrix, dtype })),
  ];
  const rules = tensors.map((tensor) => asked.rule(copyOf(options), { name: "w", ...tensor }));
  const numbers = asked.scalars === undefined ? [] : someSteps.map((t) => asked.scalars!(copyOf(options), t, maths));
  return textOf([rules, numbers, readingOf(asked, options), heldBy(asked, options)]);
}

// Slots may be called as the plugin likes: all have this number.
const slotsOf = (number: number): Scalars => new Proxy({}, { get: () => number });

function readingOf(asked: Ruling, options: Values): unknown {
  if (asked.reading === undefined) return null;
  try {
    // A transform's has no step before the slots.
    return asked.kind === "transform"
      ? asked.reading(copyOf(options), slotsOf(1))
      : [0, 1, 10].map((t) => asked.reading!(copyOf(options), t, slotsOf(1), maths));
  } catch {
    return null; // slots that it did not expect
  }
}

/** What a transform says of steps that it has held back. */
function heldBy(asked: Ruling, options: Values): readonly string[] {
  if (asked.held === undefined) return [];
  return [0, 1, 2, 5, 1000].map((number) => {
    try {
      asked.held!(copyOf(options), slotsOf(number));
      return "";
    } catch (error) {
      return wordsOf(error);
    }
  });
}

function checkReading(faults: Faults, asked: Ruling, options: Values): void {
  const given = [readingOf(asked, options)].flat();
  const isRead = (value: unknown): boolean =>
    typeof value === "number" || value === null || (typeof value === "object" && Object.values(value as object).every(isRead));
  const odd = given.find((value) => !isRead(value));
  if (odd !== undefined) faults.add(`reading() gives ${show(odd)}: it must be a number`);
}

function checkOptions(faults: Faults, plugin: OptimizerPlugin | TransformPlugin, options: Values): void {
  const asked = plugin as unknown as Ruling;
  const compiled = new Set<string>();
  for (const [name, spec] of Object.entries(asked.options)) {
    for (const value of otherValues(name, spec, options[name])) {
      const changed = { ...options, [name]: value };
      const said = `with ${name} = ${textOf(value)}`;
      if (asked.check !== undefined && refusal(faults, `check() ${said}`, () => asked.check!(copyOf(changed))) !== undefined) continue;
      for (const shape of [shapes.scalar, shapes.vector, shapes.matrix]) {
        let rule: unknown;
        // With this value it may be for other tensors, and say so.
        const refused = refusal(faults, `rule() ${said}`, () => rule = asked.rule(copyOf(changed), { name: "w", shape, dtype: "float32" }));
        if (refused !== undefined) continue;
        const text = textOf([shape, rule]);
        if (compiled.has(text)) continue;
        compiled.add(text);
        faults.attempt(`compiling the rule for shape [${shape}] ${said}`, () => compileRule(plugin, changed, shape, "float32"), {
          option: name,
        });
      }
      if (asked.scalars === undefined) continue;
      for (const t of [1, 10]) {
        faults.attempt(`scalars() at t = ${t} ${said}`, () => asked.scalars!(copyOf(changed), t, maths), { option: name });
      }
    }
    checkText(faults, asked, name, options);
  }
  checkEffects(faults, asked.options, options, (options) => {
    asked.check?.(copyOf(options));
    return answersOf(asked, options);
  });
}

/** A number that is written into the text makes a new text, and so a new compilation, wherever a schedule moves it. */
function checkText(faults: Faults, asked: Ruling, name: string, options: Values): void {
  const { options: specs } = asked;
  const value = options[name];
  if (typeof value !== "number" || value === 0 || specs[name].type === "integer" || specs[name].unit === "count") return;
  try {
    const texts = [1, 0.99, 0.98].map((part) => {
      const rule = asked.rule({ ...copyOf(options), [name]: part * value }, { name: "w", shape: shapes.matrix, dtype: "float32" });
      // What slots start from is no text.
      return textOf({ ...rule as object, slots: undefined });
    });
    if (new Set(texts).size < 3) return;
    faults.add(
      `the rule's text holds the value of ${name}: a schedule of it would compile a new text at each step; give the number by scalars`,
      { option: name },
    );
  } catch {
    // what rule() throws is said elsewhere
  }
}
