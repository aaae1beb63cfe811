/**
 * `/v1/schedules/{name}` and `/v1/curves`: from what was asked to schedules, points and base values.
 *
 * @module
 */
import { known } from "../../../core/names.ts";
import type { SchedulePlugin } from "../../../core/plugin/contract.ts";
import { type Find, optionsOf, titleOf } from "../../../core/plugin/use.ts";
import type { Limits } from "../guard/limits.ts";
import { type Curve, makeCurve, writeCurves, writeSchedule } from "../wire/curve.ts";
import type { Written } from "../wire/decimals.ts";
import type { Form } from "../wire/media.ts";
import type { Asked } from "../wire/parameters.ts";
import { type Points, pointsOf } from "../wire/points.ts";
import { isRefusal, Problem, refuseQuery } from "../wire/problem.ts";
import { optionFault } from "../wire/query.ts";
import type { Answer, Incoming, Service } from "./route.ts";
import { reservedOption, whenThere } from "./shelf.ts";

type Schedules = Service["schedules"];

/** The schedule that a path names; 404. */
export function scheduleOf(schedules: Schedules, name: string): SchedulePlugin {
  const plugin = schedules.get(name);
  const clash = plugin && reservedOption(plugin);
  if (clash !== undefined) {
    throw new Problem(
      "not-found",
      `Schedule "${name}" is at /v1/curves alone, as JSON: its option "${clash}" would be a parameter of another meaning here`,
    );
  }
  if (plugin !== undefined) return plugin;
  throw new Problem("not-found", `There is no schedule ${JSON.stringify(name.slice(0, 80))}: ${known(schedules.names, name)}`);
}

/** Finds what a schedule holds by name, as another schedule. */
export function findIn(schedules: Schedules): Find {
  return (kind, name) => {
    const plugin = kind === "schedule" ? schedules.get(name) : undefined;
    if (plugin === undefined) throw new TypeError(`Cannot find ${titleOf({ kind, name })}: ${known(schedules.names, name)}`);
    return plugin as never;
  };
}

export type Refuse = (detail: string, allowed?: readonly unknown[]) => never;

/** Refuses a parameter of the query. */
const inQuery = (name: string, detail: string, allowed?: readonly unknown[]): never =>
  refuseQuery([{ in: "query", name, detail, ...(allowed && { allowed }) }]);

/** Answers `/v1/schedules/{name}`. */
export function getSchedule(incoming: Incoming, service: Service): Answer | Promise<Answer> {
  const { request, name, form, asked, options } = incoming;
  const points = pointsWithin(asked, form, 1, service.limits, inQuery);
  const curve = curveInQuery(incoming, service);
  return refusing(
    () => inTurn(service, request, computedFor(form, points, asked, 1), () => writeSchedule(form, curve, points, asked, service.sheets)),
    (error) => refuseQuery([optionFault(error, scheduleOf(service.schedules, name), options)]),
  );
}

/** The schedule that a path names, with the options of its query. */
export function curveInQuery({ name, asked, options }: Incoming, { schedules }: Service): Curve {
  const plugin = scheduleOf(schedules, name);
  const refuseMetric: Refuse = (detail) => {
    throw new Problem("metric-schedule", detail);
  };
  return refusing(
    () => makeCurve(plugin, options, asked.lr ?? [1], findIn(schedules), refuseMetric),
    (error) => refuseQuery([optionFault(error, plugin, options)]),
  );
}

/** The schedules of a body. One that follows a metric is 400 in a query; a body's values are refused with 422. */
export async function curvesInBody({ schedule, lr = [1] }: Asked, { schedules }: Service, inBody: InBody): Promise<readonly Curve[]> {
  return await whenThere(() =>
    schedule!.map((use, i) => {
      const refuse: Refuse = (detail, allowed) => inBody(`schedule/${i}`, detail, allowed);
      return curveOf(schedules, use, lr, refuse, refuse);
    })
  );
}

/** Refuses a key of a body. */
type InBody = (name: string, detail: string, allowed?: readonly unknown[]) => never;

/** Answers GET `/v1/curves`. */
export function getCurves({ request, form, asked }: Incoming, service: Service): Answer | Promise<Answer> {
  const { schedules, limits } = service;
  const uses = asked.schedule!;
  const points = pointsWithin(asked, form, uses.length, limits, inQuery);
  const refuse: Refuse = (detail, allowed) => inQuery("schedule", detail, allowed);
  const refuseMetric: Refuse = (detail) => {
    throw new Problem("metric-schedule", detail, [{ in: "query", name: "schedule", detail }]);
  };
  const curves = uses.map((use) => curveOf(schedules, use, asked.lr ?? [1], refuse, refuseMetric));
  return refusing(
    () =>
      inTurn(
        service,
        request,
        computedFor(form, points, asked, uses.length),
        () => writeCurves(form, curves, points, asked, service.sheets),
      ),
    ({ message }) => refuse(message),
  );
}

/** Numbers that fill a turn: some 20 ms. */
const wholeTurn = 20_000;
/** Numbers that are computed at once, as those of a picture of one curve are; more take their turn, or a part of it with others. */
const few = 2000;

/** What is written, now or when its turn comes. Who waits has his signal looked at; asking for it costs a seventh of an answer in Deno. */
export function inTurn(
  { turns }: Service,
  request: Request,
  numbers: number,
  write: () => Written | Promise<Written>,
): Answer | Promise<Answer> {
  const body = numbers <= few ? write() : turns.take(request.signal, Math.min(1, numbers / wholeTurn), write);
  return body instanceof Promise ? body.then((body) => ({ body })) : { body };
}

/** Steps of which a picture over a range asks each; of more it asks those that can be seen, which are not more than these. */
const mostDrawn = 10_000;

/** Numbers that are computed for so many curves. */
export function computedFor(form: Form, { steps }: Points, { from, to, every, lr = [1] }: Asked, curves: number): number {
  const isRange = form === "svg" && from !== undefined && to !== undefined && every === undefined;
  return (isRange ? Math.max(steps.length, Math.min(to - from + 1, mostDrawn)) : steps.length) * lr.length * curves;
}

/** Numbers that so many curves have. */
function numbersOf({ steps }: Points, { lr = [1] }: Asked, curves: number): number {
  return steps.length * lr.length * curves;
}

/** Points, if so many curves over them are not too many numbers. */
export function pointsWithin(
  asked: Asked,
  form: Form,
  curves: number,
  { points: most, values }: Required<Limits>,
  refuse: (name: string, detail: string) => never,
): Points {
  // Two points a pixel.
  const shows = form === "svg" ? Math.min(most, 2 * Math.ceil(asked.width ?? 720)) : undefined;
  const points = pointsOf(asked, most, shows, refuse);
  const count = numbersOf(points, asked, curves);
  if (count > values) refuse("lr", `The answer would have ${count} numbers, and at most ${values} are answered`);
  return points;
}

/** A curve from `{ name, options }`. */
export function curveOf(schedules: Schedules, use: unknown, bases: readonly number[], refuse: Refuse, refuseMetric: Refuse): Curve {
  if (typeof use !== "object" || use === null || Array.isArray(use)) return refuse("A schedule must be { name, options }");
  const { name, options = {}, ...rest } = use as Record<string, unknown>;
  const [stray] = Object.keys(rest);
  if (stray !== undefined) {
    return refuse(`A schedule has no ${JSON.stringify(stray.slice(0, 80))}: it is { name, options }`, ["name", "options"]);
  }
  const plugin = schedules.get(name as string);
  if (plugin === undefined) {
    const { names } = schedules;
    return refuse(`There is no schedule ${JSON.stringify(name)?.slice(0, 80)}: ${known(names, name)}`, names);
  }
  return refusing(
    () => makeCurve(plugin, optionsOf(plugin, options as object), bases, findIn(schedules), refuseMetric),
    ({ message }) => refuse(message),
  );
}

/** What the library refuses, now or later, told as the request's fault. */
export function refusing<T>(make: () => T, refuse: (error: Error) => never): T {
  const told = (error: unknown): never => {
    if (isRefusal(error)) refuse(error);
    throw error;
  };
  try {
    const made = make();
    return made instanceof Promise ? made.catch(told) as T : made;
  } catch (error) {
    return told(error);
  }
}
