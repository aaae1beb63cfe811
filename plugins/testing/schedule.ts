/**
 * The test of a schedule plugin.
 *
 * @module
 */
import type { Base, MetricSchedule, Schedule, SchedulePlugin } from "../../core/plugin/contract.ts";
import { refuseUnknownKeys, show } from "../../core/names.ts";
import { normalize } from "../../core/plugin/normal_form.ts";
import type { AnySpecs, Values } from "../../core/plugin/options.ts";
import { isMetric, makeSchedule } from "../../core/plugin/schedules.ts";
import { createBackend } from "../../kernels/backends/create.ts";
import { descent } from "./descent.ts";
import { checkDescribed, checkEngines, isJson, refusal } from "./described.ts";
import { checkEffects } from "./effects.ts";
import { type Faults, noFaults, report, wordsOf } from "./faults.ts";
import { find, findAlso } from "./known_plugins.ts";
import { copyOf, otherValues, startingOptions, textOf } from "./option_values.ts";
import { pure } from "./pure.ts";
import { checkRebased } from "./rebased.ts";
import { checkReference, compare } from "./reference.ts";
import { make, steps, using } from "./runs.ts";
import { gradientsAt, paramsOf, shapes } from "./tensors.ts";
import type { CurveSettings, ReferenceCurve } from "./test_settings.ts";

/**
 * Tests a schedule plugin, with these options; those that must be given and are not are chosen by their specs. Rejects with an AggregateError of all
 * faults.
 *
 * A schedule is asked in order, backwards and from the middle: the same step has the same value, a finite one. Past its end it may throw a RangeError. One
 * that follows a metric is told one, saved and resumed. Its `rebase` is tried over more updates. With `reference` it compares with what
 * the reference gave.
 *
 * @example Usage
 * ```ts
 * import { linear } from "@glissade/optim";
 * import { testSchedule } from "@glissade/optim/testing";
 *
 * await testSchedule(linear, { numWarmupSteps: 2, numTrainingSteps: 6 }, { reference: [{ values: [0, 0.5, 1, 0.75, 0.5, 0.25, 0] }] });
 * ```
 */
// deno-lint-ignore require-await -- what a test throws is a rejection
export async function testSchedule(plugin: SchedulePlugin, options?: object, settings: CurveSettings = {}): Promise<void> {
  const faults = noFaults((plugin as SchedulePlugin | undefined)?.name);
  faults.attempt("reading the settings of the test", () => refuseUnknownKeys("the settings", settings, ["reference"]));
  if (checkDescribed(faults, "schedule", plugin)) checkSchedule(faults, plugin, options, settings);
  report(`schedule ${JSON.stringify((plugin as SchedulePlugin | undefined)?.name)}`, faults);
}

/** Schedules for those that hold others. */
const held: readonly object[] = [
  { name: "cosine", options: { numWarmupSteps: 0, numTrainingSteps: 50 } },
  { name: "linear", options: { numWarmupSteps: 10, numTrainingSteps: 100 } },
  { name: "polynomial_decay", options: { initialLearningRate: 0.1, decaySteps: 40 } },
];

const base: Base = { value: 0.5, groups: [0.5, 0.25] };
const someSteps: readonly number[] = [...Array.from({ length: 64 }, (_, i) => i), 100, 257, 1000, 10_007, 123_456, 1_000_001];

const makeOver = (plugin: SchedulePlugin, options: Values): Schedule | MetricSchedule =>
  makeSchedule(plugin, copyOf(options), copyOf(base), find);

function checkSchedule(faults: Faults, plugin: SchedulePlugin, given: object | undefined, { reference = [] }: CurveSettings): void {
  const specs = textOf(plugin.options);
  checkEngines(faults, plugin, ["create", "check"]);
  const options = startingOptions(faults, plugin, given, held, (options) => makeOver(plugin, options));
  if (options === undefined) return;
  checkCreate(faults, plugin, options);
  const made = faults.attempt("create()", () => makeOver(plugin, options));
  if (made === undefined) return;
  if (isMetric(made)) checkMetric(faults, plugin, options);
  else if (checkPure(faults, made, plugin, options)) checkUsed(faults, plugin, options);
  checkOptions(faults, plugin, options);
  checkRebased(faults, plugin, options, (options) => makeOver(plugin, options));
  for (const [i, curve] of reference.entries()) compareCurve(faults, plugin, options, curve, `curve ${i} of the reference`);
  if (textOf(plugin.options) !== specs) faults.add("its specs are changed by its own functions: they are the same for all who use it");
}

/** What `create` and `check` are given stays as it was. */
function checkCreate(faults: Faults, plugin: SchedulePlugin, options: Values): void {
  const [given, over] = [copyOf(options), copyOf(base)];
  const unchanged: SchedulePlugin = {
    ...plugin,
    check: plugin.check === undefined ? undefined : () => plugin.check!(given),
    create: (_, maths, __, tools) => plugin.create(given, maths, over, tools),
  };
  faults.attempt("create()", () => makeSchedule(unchanged, copyOf(options), copyOf(base), find));
  const changed = Object.keys({ ...options, ...given }).find((name) => textOf(given[name]) !== textOf(options[name]));
  if (changed !== undefined) {
    const message = `create() or check() changes the options that it is given: ${changed} was ${textOf(options[changed])} and is ${
      textOf(given[changed])
    }`;
    faults.add(`${message}; they are the caller's`, { option: changed });
  }
  if (textOf(over) !== textOf(base)) {
    faults.add(`create() changes the base values that it is given, from ${textOf(base)} to ${textOf(over)}`);
  }
}

/** The value at a step, or the words of the RangeError that refuses it. */
function valueAt(faults: Faults, schedule: Schedule, step: number, group: number): number | string | undefined {
  try {
    const value: unknown = schedule(step, group);
    if (typeof value === "number") return value;
    faults.add(`at step ${step} it gives ${show(value)}: it must be a number`);
  } catch (error) {
    if (error instanceof RangeError) return error.message;
    faults.add(
      `at step ${step} it throws ${wordsOf(error)}: a step has a value, and past the end of a schedule a RangeError says so`,
      {},
      error,
    );
  }
  return undefined;
}

/** Asks two schedules of the same options in different orders. True where steps can be taken by it. */
function checkPure(faults: Faults, schedule: Schedule, plugin: SchedulePlugin, options: Values): boolean {
  const before = faults.list.length;
  const values = new Map(someSteps.map((step) => [step, valueAt(faults, schedule, step, 0)]));
  const other = makeOver(plugin, options) as Schedule;
  const backwards = [...someSteps].reverse();
  const fromTheMiddle = [...someSteps.slice(20), ...someSteps.slice(0, 20)];
  const orders = [["backwards", other, backwards], ["from step 20 on", schedule, fromTheMiddle], [
    "in order again",
    schedule,
    someSteps,
  ]] as const;
  const told: string[] = [];
  for (const [order, asked, list] of orders) {
    for (const step of list) {
      const [was, is] = [values.get(step), valueAt(faults, asked, step, 0)];
      if (Object.is(was, is) || told.includes(order)) continue;
      told.push(order);
      faults.add(`at step ${step} it gives ${String(is)} when it is asked ${order}, and gave ${String(was)} in order: ${pure}`);
    }
  }
  if (told.length === 0) checkOwn(faults, schedule, plugin, options, values);
  const refused = someSteps.filter((step) => typeof values.get(step) === "string");
  const first = refused[0];
  if (first === 0) faults.add(`at step 0 it throws RangeError: ${values.get(0)}; a schedule begins at step 0`);
  else if (refused.length > 0 && someSteps.some((step) => step > first && typeof values.get(step) === "number")) {
    faults.add(
      `at step ${first} it throws RangeError: ${
        values.get(first)
      }; and later steps have values again: only past its end may a schedule refuse`,
    );
  }
  const odd = someSteps.find((step) => typeof values.get(step) === "number" && !Number.isFinite(values.get(step)));
  if (odd !== undefined) faults.add(`at step ${odd} it gives ${values.get(odd)}: it must be finite`);
  checkGroups(faults, schedule, values);
  return faults.list.length === before;
}

/** Makes others, with other options: what was made before them gives what it gave. */
function checkOwn(faults: Faults, schedule: Schedule, plugin: SchedulePlugin, options: Values, values: ReadonlyMap<number, unknown>): void {
  for (const [name, spec] of Object.entries(plugin.options as AnySpecs)) {
    for (const value of otherValues(name, spec, options[name])) {
      try {
        answersOf(plugin, { ...options, [name]: value });
      } catch {
        continue; // Whether it refuses them rightly is looked at with the options.
      }
      const said = `once another one with ${name} = ${textOf(value)} was made`;
      for (const step of someSteps) {
        const [was, is] = [values.get(step), valueAt(faults, schedule, step, 0)];
        if (Object.is(was, is)) continue;
        return faults.add(`at step ${step} it gives ${String(is)} ${said}, and gave ${String(was)} before: each schedule is its own`);
      }
    }
  }
}

function checkGroups(faults: Faults, schedule: Schedule, values: ReadonlyMap<number, unknown>): void {
  const { perGroup } = schedule;
  if (perGroup !== undefined && typeof perGroup !== "boolean") faults.add(`its perGroup is ${show(perGroup)}: it is true or false`);
  const differs = someSteps.find((step) => !Object.is(valueAt(faults, schedule, step, 1), values.get(step)));
  if (differs === undefined) return;
  if (perGroup === false) faults.add(`at step ${differs} groups get different values, and its perGroup says that they do not`);
  else if (perGroup === undefined && schedule.length < 2) {
    faults.add(`at step ${differs} groups get different values, which cannot be told: give it two parameters, or perGroup: true`);
  }
}

const metrics = [1, 0.9, 0.8, 0.8, 0.8, 0.81, 0.7, ...Array<number>(30).fill(0.7), 0.6, 0.65, ...Array<number>(20).fill(0.66)];

function factorsOf(faults: Faults, schedule: MetricSchedule, step: number): string {
  const factors: unknown = schedule.factors(step);
  if (!Array.isArray(factors) || factors.length !== base.groups.length) {
    faults.add(`factors() gives ${show(factors)}: it gives a list of a number for each group, of which there are ${base.groups.length}`);
  } else {
    const odd = factors.findIndex((factor) => typeof factor !== "number" || !Number.isFinite(factor));
    if (odd >= 0) faults.add(`factors() gives ${show(factors[odd])} for group ${odd}, after ${step} metrics: it must be a finite number`);
  }
  return textOf(factors);
}

function checkMetric(faults: Faults, plugin: SchedulePlugin, options: Values): void {
  const fresh = (): MetricSchedule => makeOver(plugin, options) as MetricSchedule;
  faults.attempt("following a metric", () => {
    const [one, other] = [fresh(), fresh()];
    const half = 12;
    let saved: unknown;
    const followed = metrics.map((metric, i) => {
      if (i === half) saved = copyOf(one.state);
      one.update(metric, i + 1);
      const factors = factorsOf(faults, one, i + 1);
      if (factorsOf(faults, one, i + 1) !== factors) {
        faults.add(`factors() asked twice after metric ${i} gives other factors: asking must change nothing`);
      }
      return factors;
    });
    const again = metrics.map((metric, i) => (other.update(metric, i + 1), factorsOf(faults, other, i + 1)));
    const differs = followed.findIndex((factors, i) => factors !== again[i]);
    if (differs >= 0) {
      faults.add(
        `told the same metrics, two schedules differ after metric ${differs}: ${followed[differs]} and ${again[differs]}; each is its own`,
      );
    }
    if (saved === undefined) {
      return faults.add("it has no state: a run that is saved and resumed would begin it anew; let `state` be read and assigned");
    }
    if (!isJson(saved)) faults.add(`its state is ${textOf(saved)}, which JSON does not hold`);
    const resumed = fresh();
    resumed.state = JSON.parse(JSON.stringify(saved));
    const rest = metrics.slice(half).map((metric, i) => (resumed.update(metric, half + i + 1), factorsOf(faults, resumed, half + i + 1)));
    const off = rest.findIndex((factors, i) => factors !== followed[half + i]);
    if (off >= 0) {
      faults.add(
        `resumed from its state it gives ${rest[off]} after metric ${half + off}, and uninterrupted ${
          followed[half + off]
        }: the state leaves something out`,
      );
    }
  });
}

/** Steps of an optimizer whose lr it is. */
function checkUsed(faults: Faults, plugin: SchedulePlugin, options: Values): void {
  const backend = createBackend("js");
  try {
    faults.attempt("scheduling an optimizer's lr", () => {
      const setup = { plugin: descent, options: { lr: 0.5 }, transforms: [], find };
      const of = { vector: shapes.vector };
      using(make(setup, paramsOf(of, "float32"), backend, { schedules: { lr: { name: plugin, options } } }), (optimizer) => {
        steps(optimizer, 1, 2, (step) => gradientsAt(of, step));
      });
    });
  } finally {
    backend.dispose();
  }
}

/** All that a schedule gives, as a text. */
function answersOf(plugin: SchedulePlugin, options: Values): string {
  const schedule = makeOver(plugin, options);
  if (isMetric(schedule)) return textOf(metrics.map((metric, i) => (schedule.update(metric, i + 1), schedule.factors(i + 1))));
  return textOf(someSteps.map((step) => {
    try {
      return [schedule(step, 0), schedule(step, 1)];
    } catch {
      return "refused";
    }
  }));
}

/** The same schedule said more simply gives the same to the bit. */
function checkSimpler(faults: Faults, plugin: SchedulePlugin, options: Values, said: string): void {
  if (plugin.simplify === undefined || !isJson(options)) return;
  const findIts = findAlso(plugin);
  faults.attempt(`simplify()${said}`, () => {
    const written: Values = JSON.parse(JSON.stringify(options)); // a description is JSON, which has no -0
    const simpler = normalize(findIts, { name: plugin.name, options: written });
    if (answersOf(findIts("schedule", simpler.name), simpler.options) === answersOf(plugin, written)) return;
    faults.add(`simplify()${said} gives ${textOf(simpler)}, whose values are others: the same schedule must be the same to the bit`);
  });
}

function checkOptions(faults: Faults, plugin: SchedulePlugin, options: Values): void {
  const specs = plugin.options as AnySpecs;
  checkSimpler(faults, plugin, options, "");
  for (const [name, spec] of Object.entries(specs)) {
    for (const value of otherValues(name, spec, options[name])) {
      const changed = { ...options, [name]: value };
      const said = `with ${name} = ${textOf(value)}`;
      if (refusal(faults, `making it ${said}`, () => makeOver(plugin, changed)) !== undefined) continue;
      checkSimpler(faults, plugin, changed, ` ${said}`);
      const schedule = makeOver(plugin, changed);
      if (!isMetric(schedule)) {
        for (const step of [0, 7, 100]) {
          refusal(faults, `asking it for step ${step} ${said}`, () => schedule(step, 0));
        }
      }
    }
  }
  checkEffects(faults, specs, options, (options) => answersOf(plugin, options));
}

function compareCurve(faults: Faults, plugin: SchedulePlugin, options: Values, curve: ReferenceCurve, what: string): void {
  faults.attempt(what, () => {
    checkReference(what, curve, ["values"], ["options", "base", "metrics", "tolerance"], [curve.values]);
    const value = curve.base ?? 1;
    const schedule = makeSchedule(plugin, { ...options, ...curve.options }, { value, groups: [value] }, find);
    const at = Object.keys(curve.values).map(Number);
    const should = at.map((step) => (curve.values as Readonly<Record<number, number>>)[step]);
    let told = 0;
    const is = at.map((step, i) => {
      if (!isMetric(schedule)) return schedule.returns === "value" ? schedule(step, 0) : value * schedule(step, 0);
      for (; told <= i && told < (curve.metrics ?? []).length; told++) schedule.update(curve.metrics![told]);
      return value * schedule.factors(step)[0];
    });
    compare(faults, `${what}, of steps ${at.slice(0, 3).join(", ")}${at.length > 3 ? ", …" : ""}`, is, should, curve.tolerance);
  });
}
