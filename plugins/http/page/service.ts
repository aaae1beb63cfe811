/// <reference lib="dom" />
/**
 * The service behind the page: its registry may have schedules that the page was bundled without. Their curves are its answers.
 *
 * @module
 */
import { curvesPath } from "./code.ts";
import type { Curve, Offer } from "./curves.ts";
import type { Choice } from "./state.ts";

/** The schedules that the service has and the page has not; none where there is no service. */
export async function serviceOffers(own: readonly Offer[]): Promise<readonly Offer[]> {
  if (!location.protocol.startsWith("http")) return [];
  try {
    const response = await fetch("v1/plugins?kind=schedule");
    if (!response.ok) return [];
    const { plugins }: { plugins: readonly Described[] } = await response.json();
    return plugins.filter(({ name }) => !own.some((offer) => offer.name === name)).map(({ name, description, options }) => ({
      name,
      description,
      options: Object.fromEntries(Object.entries(options.properties).map(([key, schema]) => [key, { ...schema.items, ...schema }])),
      returns: "factor",
      from: "service",
    }));
  } catch {
    return [];
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

interface Place {
  readonly path: string;
  shown: Curve;
  timer?: ReturnType<typeof setTimeout>;
}

/** Asks for what is not here yet, a while after the last change, and calls `arrived` when it is. */
export function createServiceCurves(arrived: () => void): ServiceCurves {
  const places = new Map<number, Place>();
  return {
    curve(place, choice, to, lr) {
      const path = curvesPath("", [choice], to, lr);
      const known = places.get(place);
      if (known?.path === path) return known.shown;
      clearTimeout(known?.timer);
      const next: Place = { path, shown: known?.shown ?? { error: "On its way from the service …" } };
      next.timer = setTimeout(async () => {
        const curve = await fetchCurve(path);
        if (places.get(place) !== next) return;
        next.shown = curve;
        arrived();
      }, 150);
      places.set(place, next);
      return next.shown;
    },
  };
}

async function fetchCurve(path: string): Promise<Curve> {
  try {
    const response = await fetch(path);
    const answer = await response.json();
    if (!response.ok) {
      return { error: answer.errors?.[0]?.detail ?? answer.detail ?? answer.title ?? `The service answers ${response.status}` };
    }
    const steps: readonly number[] = answer.steps;
    const values: readonly number[] = answer.curves[0].lr[0];
    const every = steps.length > 1 ? steps[1] - steps[0] : 1;
    return { returns: "factor", lr: (step) => values[Math.min(values.length - 1, Math.round(step / every))] };
  } catch {
    return { error: "This schedule is computed by the service, which cannot be reached" };
  }
}
