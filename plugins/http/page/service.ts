/// <reference lib="dom" />
/**
 * The service behind the page: its registry may have schedules that the page was bundled without. Their curves are its answers.
 *
 * @module
 */
import { basesOf } from "./base.ts";
import { curvesPath, mostPoints, rangePath, strideOf, valuesPath } from "./code.ts";
import type { Curve, Offer } from "./curves.ts";
import type { Choice } from "./state.ts";

/** What the page knows of its service. */
export interface Service {
  /** What its paths begin with: an address that ends with a slash. */
  readonly base: string;
  /** The schedules that it has and the page has not. */
  readonly offers: readonly Offer[];
  /** Whether it answers only to a token; the page has none. */
  readonly needsToken: boolean;
}

/** A service that has nothing to add, where it likely is; there may be none at all. */
export function assumeService(address: string): Service {
  return { base: basesOf(address)[0], offers: [], needsToken: false };
}

/** Asks the service what it has, beside the page's `own` schedules. */
export async function askService(own: readonly Offer[], assumed: Service): Promise<Service> {
  if (!location.protocol.startsWith("http")) return assumed;
  if (document.querySelector('meta[name="schedules"][content="token"]') !== null) return { ...assumed, needsToken: true };
  for (const base of basesOf(location.href)) {
    const answer = await askAt(base, own);
    if (answer !== undefined) return answer;
  }
  return assumed;
}

async function askAt(base: string, own: readonly Offer[]): Promise<Service | undefined> {
  try {
    const response = await fetch(`${base}v1/plugins?kind=schedule`);
    // Somebody before the service may ask for a token too.
    if (response.status === 401) return { base, offers: [], needsToken: true };
    if (!response.ok) return undefined;
    const { plugins }: { plugins: readonly Described[] } = await response.json();
    const offers = plugins.filter(({ name }) => !own.some((offer) => offer.name === name)).map(({ name, description, options }): Offer => ({
      name,
      description,
      options: Object.fromEntries(Object.entries(options.properties).map(([key, schema]) => [key, { ...schema.items, ...schema }])),
      returns: "factor",
      from: "service",
    }));
    return { base, offers, needsToken: false };
  } catch {
    return undefined;
  }
}

interface Described {
  readonly name: string;
  readonly description: string;
  readonly options: { readonly properties: Readonly<Record<string, Offer["options"][string] & { readonly items?: object }>> };
}

/** Curves that the service computes. */
export interface ServiceCurves {
  /** The curve of the choice in this place; while it is on its way, the one that was there before. */
  curve(place: number, choice: Choice, to: number, lr: number): Curve;
}

/** Milliseconds for which a slider or a pointer may move on before the service is asked. */
const pause = 150;

interface Place {
  readonly path: string;
  shown: Curve;
  timer?: ReturnType<typeof setTimeout>;
}

/** Asks for what is not here yet, a while after the last change, and calls `arrived` when it is. */
export function createServiceCurves(base: () => string, arrived: () => void): ServiceCurves {
  const places = new Map<number, Place>();
  return {
    curve(place, choice, to, lr) {
      const path = base() + curvesPath("", [choice], to, lr);
      const known = places.get(place);
      if (known?.path === path) return known.shown;
      clearTimeout(known?.timer);
      const next: Place = { path, shown: known?.shown ?? { error: "On its way from the service …" } };
      next.timer = setTimeout(async () => {
        const curve = await fetchCurve(base(), choice, to, lr, arrived);
        if (places.get(place) !== next) return;
        next.shown = curve;
        arrived();
      }, pause);
      places.set(place, next);
      return next.shown;
    },
  };
}

async function fetchCurve(base: string, choice: Choice, to: number, lr: number, arrived: () => void): Promise<Curve> {
  const answer = await askRange(base, choice, to, lr);
  if ("error" in answer) return answer;
  const { steps, values } = answer;
  return {
    returns: "factor",
    lr: (step) => values[nearest(steps, step)],
    steps,
    exact: createReader(base, choice, lr, answer, arrived),
  };
}

/**
 * Values from 0 to `to`. A long curve is asked at two distances, neither a multiple of the other: one alone falls into step with some period, and
 * shows waves that the curve does not have.
 */
async function askRange(base: string, choice: Choice, to: number, lr: number): Promise<Answer | { readonly error: string }> {
  if (to <= mostPoints) return await ask(base + curvesPath("", [choice], to, lr));
  const stride = strideOf(to, mostPoints / 2);
  const answers = await Promise.all([stride, Math.round(1.382 * stride) + 1].map((every) => ask(base + rangePath(choice, to, every, lr))));
  const values = new Map<number, number>();
  for (const answer of answers) {
    if ("error" in answer) return answer;
    answer.steps.forEach((step, i) => values.set(step, answer.values[i]));
  }
  const steps = [...values.keys()].sort((a, b) => a - b);
  return { steps, values: steps.map((step) => values.get(step)!) };
}

/** The place of the step that is the nearest. */
function nearest(steps: readonly number[], step: number): number {
  let low = 0, high = steps.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (steps[middle] <= step) low = middle;
    else high = middle;
  }
  return step - steps[low] < steps[high] - step ? low : high;
}

/** Steps that are asked for at once: more nobody reads. */
const mostRead = 50;

/** Reads single steps: the service gives no more than so many points of a long curve. */
function createReader(
  base: string,
  choice: Choice,
  lr: number,
  { steps, values }: Answer,
  arrived: () => void,
): (step: number) => number | undefined {
  const known = new Map(steps.map((step, i) => [step, values[i]]));
  let wanted: readonly number[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;
  const fetchWanted = async (): Promise<void> => {
    const asked = wanted;
    timer = undefined;
    wanted = [];
    const answer = await ask(base + valuesPath(choice, asked, lr));
    // What was refused is asked for when it is looked at again, not before.
    if ("error" in answer) return;
    answer.steps.forEach((step, i) => known.set(step, answer.values[i]));
    arrived();
  };
  return (step) => {
    if (known.has(step)) return known.get(step);
    wanted = [...wanted.filter((other) => other !== step), step].slice(-mostRead);
    timer ??= setTimeout(fetchWanted, pause);
  };
}

/** Values by their steps. */
interface Answer {
  readonly steps: readonly number[];
  readonly values: readonly number[];
}

async function ask(path: string): Promise<Answer | { readonly error: string }> {
  try {
    const response = await fetch(path);
    const answer = await response.json();
    if (response.ok) return { steps: answer.steps, values: answer.curves[0].lr[0] };
    return { error: answer.errors?.[0]?.detail ?? answer.detail ?? answer.title ?? `The service answers ${response.status}` };
  } catch {
    return { error: "This schedule is computed by the service, which cannot be reached" };
  }
}
