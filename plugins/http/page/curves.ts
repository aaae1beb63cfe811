/**
 * Curves: what the library says about a chosen schedule, step by step.
 *
 * @module
 */
import type { OptionSpec, Plugin, Schedule } from "../../../core/plugin/contract.ts";
import { keepReach, sampleCurve } from "../../../core/plot/sampling.ts";
import type { Registry } from "../../../core/registry.ts";
import { type Span, startOptions } from "./ranges.ts";
import { isChoice, type SpecsOf } from "./horizons.ts";
import type { Choice, PageState } from "./state.ts";

/** A registry whose plugins' names are not known by type. */
export type AnyRegistry = Registry<readonly Plugin[]>;

/** A schedule that can be chosen. */
export interface Offer {
  /** Its registered name. */
  readonly name: string;
  /** One line for people. */
  readonly description: string;
  /** Its options. */
  readonly options: Readonly<Record<string, OptionSpec<unknown>>>;
  /** What it makes: a factor of the base lr, the value itself, or nothing that a step alone decides. */
  readonly returns: "factor" | "value" | "metric";
  /** Where it is computed: here, or by the service, whose registry has plugins that this page was bundled without. */
  readonly from: "page" | "service";
}

/** A chosen schedule over the base lr, or why there is none. */
export type Curve = Drawn | { readonly error: string };

/** A curve with its values. */
export interface Drawn {
  /** The value at a step. */
  readonly lr: (step: number) => number;
  /** What the schedule makes. */
  readonly returns: "factor" | "value";
  /** The schedule itself, where the page has it. */
  readonly schedule?: Schedule;
  /** Where `lr` gives the value of a step nearby: the steps that it knows, ascending. */
  readonly steps?: readonly number[];
  /** Where `lr` gives the value of a step nearby: that of the very step; undefined while it is on its way. */
  readonly exact?: (step: number) => number | undefined;
}

/** The page's own schedules. */
export function offersOf(registry: AnyRegistry): readonly Offer[] {
  return registry.plugins.filter((plugin) => plugin.kind === "schedule").map((plugin) => ({
    name: plugin.name,
    description: plugin.description,
    options: plugin.options as Offer["options"],
    returns: plugin.returns ?? whatItReturns(registry, plugin),
    from: "page",
  }));
}

/** Made over some base values: where a plugin does not declare it, only a made schedule says what it returns. */
function whatItReturns(registry: AnyRegistry, plugin: Plugin): Offer["returns"] {
  const made = attempt(() => make(registry, { name: plugin.name, options: startOptions(plugin, { steps: 1000, lr: 1e-3 }) }, 1e-3));
  if (made instanceof Error || typeof made === "function") return made instanceof Error ? "factor" : (made as Schedule).returns ?? "factor";
  return "metric";
}

function make(registry: AnyRegistry, { name, options }: Choice, lr: number): unknown {
  return registry.createSchedule(name, options, { value: lr, groups: [lr] });
}

/** The curve of a choice, or why there is none. */
export function curveOf(registry: AnyRegistry, choice: Choice, lr: number): Curve {
  const made = attempt(() => make(registry, choice, lr));
  if (made instanceof Error) return { error: made.message };
  if (typeof made !== "function") return { error: `${choice.name} follows a metric, not the step: try it in the live run below` };
  const schedule = made as Schedule;
  const returns = schedule.returns ?? "factor";
  const scale = returns === "value" ? 1 : lr;
  return { returns, schedule, lr: (step) => scale * schedule(step) };
}

/** The value at a step, null where there is none. A schedule of somebody else's may throw at any step. */
export function valueAt(curve: Curve, step: number): number | null {
  if ("error" in curve) return null;
  try {
    return curve.lr(step);
  } catch {
    return null;
  }
}

/** The steps from 0 to `to` that show all of the curves on so many pixels: in each pixel the least and the greatest value of each. */
export function drawnSteps(curves: readonly Curve[], to: number, pixels: number): readonly number[] {
  const steps = new Set([0, to]);
  for (const curve of curves) {
    if ("error" in curve) continue;
    const heightAt = (step: number): number => valueAt(curve, step) ?? NaN;
    const shown = curve.steps === undefined ? sampleCurve(heightAt, 0, to, pixels).steps : reachOf(curve.steps, heightAt, to, pixels);
    for (const step of shown) steps.add(step);
  }
  return [...steps].sort((a, b) => a - b);
}

/** Whether a line through a curve's values at even distances would leave the curve, at steps that show its reach, by more than a hundredth of that. */
export function isWavy(curve: Curve | undefined, steps: readonly number[], to: number, stride: number): boolean {
  if (curve === undefined || "error" in curve || stride === 1) return false;
  const heightAt = (step: number): number => valueAt(curve, step) ?? NaN;
  const even = Array.from({ length: Math.ceil(to / stride) + 1 }, (_, i) => heightAt(Math.min(to, i * stride)));
  const heights = steps.map(heightAt);
  const finite = heights.filter(Number.isFinite);
  const reach = finite.reduce((a, b) => Math.max(a, b), -Infinity) - finite.reduce((a, b) => Math.min(a, b), Infinity);
  return steps.some((step, i) => {
    const before = Math.min(even.length - 2, Math.floor(step / stride));
    const share = (step - before * stride) / (Math.min(to, (before + 1) * stride) - before * stride);
    return Math.abs(even[before] + share * (even[before + 1] - even[before]) - heights[i]) > reach / 100;
  });
}

function reachOf(known: readonly number[], heightAt: (step: number) => number, to: number, pixels: number): readonly number[] {
  const steps = known.filter((step) => step <= to);
  return keepReach((i) => Math.floor(steps[i] * pixels / to), steps.map(heightAt)).map((i) => steps[i]);
}

/** A choice without the options that stand at their defaults: what people would write. */
export function compact({ name, options }: Choice, specs: Readonly<Record<string, OptionSpec<unknown>>> | undefined): Choice {
  const isUsual = (key: string, value: unknown): boolean => JSON.stringify(specs?.[key]?.default) === JSON.stringify(value);
  return { name, options: Object.fromEntries(Object.entries(options).filter(([key, value]) => !isUsual(key, value))) };
}

/**
 * A choice as links have it: options in the order of their names, without those at their defaults, which whoever reads a link fills in, and those of
 * schedules within it in full. So curves that are the same have the same link, and are one entry in every cache. It is not simplified as
 * `normalizeSchedule` does it: Back would come to a card of another schedule than the one that was left.
 */
export function linked(choice: Choice, specsOf: SpecsOf): Choice {
  return inOrder(compact(choice, specsOf(choice.name)), specsOf);
}

function inOrder({ name, options }: Choice, specsOf: SpecsOf): Choice {
  const specs = specsOf(name) ?? {};
  const whole = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(whole);
    if (!isChoice(value)) return value;
    const defaults = Object.entries(specsOf(value.name) ?? {}).filter(([, spec]) => spec.default !== undefined);
    return inOrder({
      name: value.name,
      options: { ...Object.fromEntries(defaults.map(([key, spec]) => [key, spec.default])), ...value.options },
    }, specsOf);
  };
  const entries = Object.keys(options).sort().map((key) => [key, specs[key]?.holds === "schedule" ? whole(options[key]) : options[key]]);
  return { name, options: Object.fromEntries(entries) };
}

/** The schedules that an option of another schedule takes, with options to start with: those that return what it returns and that it does not refuse. */
export function innerChoices(
  registry: AnyRegistry,
  offers: readonly Offer[],
  outer: Choice,
  option: string,
  span: Span,
): readonly Choice[] {
  const own = offers.find(({ name }) => name === outer.name)?.returns;
  return offers.filter(({ from, returns }) => from === "page" && returns === own).flatMap((offer) => {
    if (offer.name === outer.name) return [];
    const inner: Choice = { name: offer.name, options: startOptions(offer, span) };
    const made = attempt(() => make(registry, { name: outer.name, options: { ...outer.options, [option]: inner } }, span.lr));
    return made instanceof Error ? [] : [inner];
  });
}

function attempt(action: () => unknown): unknown {
  try {
    return action();
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

/** Whole steps from 0 to `to`, two for each pixel at most, both ends among them. */
export function gridOf(to: number, pixels: number): readonly number[] {
  const stride = Math.max(1, Math.ceil(to / (2 * pixels)));
  const steps = Array.from({ length: Math.floor(to / stride) + 1 }, (_, i) => i * stride);
  if (steps[steps.length - 1] < to) steps.push(to);
  return steps;
}

/** Options of curves that a link leaves out are as the library takes them, or as a new curve has them. */
export function completeCurves(registry: AnyRegistry, state: PageState): PageState {
  const span = { steps: state.to, lr: state.lr };
  const curves = state.curves.map((choice) => {
    const plugin = registry.plugins.find(({ kind, name }) => kind === "schedule" && name === choice.name);
    if (plugin === undefined) return choice;
    const defaults = Object.fromEntries(Object.entries(plugin.options as Offer["options"]).map(([name, spec]) => [name, spec.default]));
    const starts = startOptions(plugin, span);
    return {
      name: choice.name,
      options: Object.fromEntries(
        [...Object.keys(starts), ...Object.keys(choice.options)].map((
          name,
        ) => [name, Object.hasOwn(choice.options, name) ? choice.options[name] : defaults[name] ?? starts[name]]),
      ),
    };
  });
  return { ...state, curves };
}
