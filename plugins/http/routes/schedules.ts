/**
 * `/v1/schedules/{name}` and `/v1/curves`: from a query or a body to schedules, points and base values.
 *
 * @module
 */
import { known, show } from "../../../core/names.ts";
import type { AnySpecs } from "../../../core/plugin/options.ts";
import type { Plugin, SchedulePlugin } from "../../../core/plugin/contract.ts";
import { type Asked, askSchedule, type Format, type Picture, splitSuffix, writeCurves, writeSchedule } from "../wire/curve.ts";
import { parseJsonText } from "../wire/json_body.ts";
import type { Limits } from "../guard/limits.ts";
import { mostGroups, pointNames, type Points, readBases, readPoints, takePoints } from "../wire/points.ts";
import { isRefusal, pointerTo, Problem, refuseBody, refuseQuery } from "../wire/problem.ts";
import { numberOf, optionFault, parseQuery, type Query, readOptions, refuseStray } from "../wire/query.ts";

/** Names that no option of a schedule may have. */
export const reserved: readonly string[] = ["step", "steps", "from", "to", "every", "lr", "title", "width", "height", "theme"];

const pictureNames = ["title", "width", "height", "theme"];
const themes = ["auto", "light", "dark"];
const mostCurves = 8;

/** Schedules by name. */
export type Schedules = ReadonlyMap<string, SchedulePlugin>;

/** What was computed, and the canonical form of what was asked. */
export interface Written {
  readonly canonical: string;
  readonly body: string;
}

/** The registry's schedules; TypeError where an option has a reserved name. */
export function takeSchedules(plugins: readonly Plugin[]): Schedules {
  const schedules = new Map<string, SchedulePlugin>();
  for (const plugin of plugins) {
    if (plugin.kind !== "schedule") continue;
    const clash = Object.keys(plugin.options).find((name) => reserved.includes(name));
    if (!/^[\w.~-]+$/.test(plugin.name) || splitSuffix(plugin.name).format !== "json") {
      throw new TypeError(
        `Cannot serve schedule ${JSON.stringify(plugin.name)}: its name must be fit for a path, and not end in .csv or .svg`,
      );
    }
    if (clash !== undefined) {
      throw new TypeError(`Cannot serve schedule "${plugin.name}": its option "${clash}" has a reserved name (${reserved.join(", ")})`);
    }
    schedules.set(plugin.name, plugin);
  }
  return schedules;
}

/** Answers `/v1/schedules/{name}`. */
export function getSchedule(schedules: Schedules, name: string, format: Format, url: string, limits: Required<Limits>): Written {
  const plugin = schedules.get(name);
  if (plugin === undefined) {
    const names = [...schedules.keys()];
    const detail = `There is no schedule ${JSON.stringify(name.slice(0, 80))}: ${known(names, name)}`;
    throw new Problem("not-found", detail);
  }
  const specs = plugin.options as AnySpecs;
  const query = parseQuery(url);
  refuseStray(query, [...Object.keys(specs), ...pointNames, "lr", ...(format === "svg" ? pictureNames : [])]);
  const options = readOptions(`schedule "${name}"`, specs, query);
  const points = readPoints(query, limits.points);
  const bases = readBases(query);
  const picture = readPicture(query);
  checkValues(points, bases, 1, limits, (detail) => refuseQuery([{ in: "query", name: "lr", detail }]));
  try {
    const asked = askSchedule(plugin, options, bases ?? [1], (detail) => {
      throw new Problem("metric-schedule", detail);
    });
    const canonical = JSON.stringify([format, name, asked.options, points, bases ?? null, picture]);
    return { canonical, body: writeSchedule(format, asked, points, bases, picture) };
  } catch (error) {
    if (!isRefusal(error)) throw error;
    return refuseQuery([optionFault(error, specs, options)]);
  }
}

/** Answers GET `/v1/curves`. */
export function getCurves(schedules: Schedules, format: Format, url: string, limits: Required<Limits>): Written {
  const query = parseQuery(url);
  refuseStray(query, ["schedule", ...pointNames, "lr", ...(format === "svg" ? pictureNames : [])], ["schedule"]);
  const refuse = (detail: string, allowed?: readonly unknown[]): never =>
    refuseQuery([{ in: "query", name: "schedule", detail, ...(allowed && { allowed }) }]);
  const texts = query.get("schedule") ?? [];
  if (texts.length < 1 || texts.length > mostCurves) {
    refuse(`There are ${texts.length} schedules: give 1 to ${mostCurves} as JSON, schedule={"name":…,"options":{…}}`);
  }
  const points = readPoints(query, limits.points);
  const bases = readBases(query);
  const picture = readPicture(query);
  checkValues(points, bases, texts.length, limits, (detail) => refuseQuery([{ in: "query", name: "lr", detail }]));
  const asked = texts.map((text) => {
    let use: unknown;
    try {
      use = parseJsonText(text);
    } catch (error) {
      refuse(`schedule=${text.slice(0, 80)} is no JSON: ${(error as Error).message}`);
    }
    return askUse(schedules, use, bases ?? [1], refuse, (detail) => {
      throw new Problem("metric-schedule", detail, [{ in: "query", name: "schedule", detail }]);
    });
  });
  const canonical = JSON.stringify([format, asked.map(({ name, options }) => [name, options]), points, bases ?? null, picture]);
  return { canonical, body: refusing(() => writeCurves(format, asked, points, bases, picture), refuse) };
}

const bodyNames = ["schedule", "schedules", ...pointNames, "lr"];

/** Answers POST `/v1/curves`: the names of the query as keys of an object; `schedules` is read as `schedule` is. */
export function postCurves(schedules: Schedules, format: Format, body: unknown, limits: Required<Limits>): string {
  if (typeof body !== "object" || body === null || Array.isArray(body)) return refuseBody("", "The body must be an object");
  const names = [...bodyNames, ...(format === "svg" ? pictureNames : [])];
  for (const key of Object.keys(body)) {
    if (!names.includes(key)) refuseBody(pointerTo(key), `There is no ${JSON.stringify(key.slice(0, 80))} here`, names);
  }
  const { schedule, schedules: plural, lr, title, width, height, theme, ...given } = body as Record<string, unknown>;
  if (schedule !== undefined && plural !== undefined) refuseBody("/schedules", "Give either schedule or schedules");
  const listed = schedule ?? plural;
  const uses = Array.isArray(listed) ? listed : listed === undefined ? [] : [listed];
  if (uses.length < 1 || uses.length > mostCurves) {
    refuseBody("/schedule", `There are ${uses.length} schedules: give 1 to ${mostCurves} as { name, options }`);
  }
  const points = takePoints(given, limits.points, (name, detail) => refuseBody(`/${name}`, detail));
  const bases = lr === undefined ? undefined : Array.isArray(lr) ? lr : [lr];
  if (bases !== undefined && !(bases.length >= 1 && bases.length <= mostGroups && bases.every(Number.isFinite))) {
    refuseBody("/lr", `lr must be 1 to ${mostGroups} finite numbers`);
  }
  const picture = takePicture({ title, width, height, theme }, (name, detail, allowed) => refuseBody(`/${name}`, detail, allowed));
  checkValues(points, bases, uses.length, limits, (detail) => refuseBody("/lr", detail));
  const asked = uses.map((use, i) => {
    const refuse = (detail: string, allowed?: readonly unknown[]): never => refuseBody(`/schedule/${i}`, detail, allowed);
    // A schedule that follows a metric is 400 in a query; a body's values are refused with 422.
    return askUse(schedules, use, bases ?? [1], refuse, refuse);
  });
  return refusing(() => writeCurves(format, asked, points, bases, picture), (detail) => refuseBody("/schedule", detail));
}

/** A schedule from `{ name, options }`. */
function askUse(
  schedules: Schedules,
  use: unknown,
  bases: readonly number[],
  refuse: (detail: string, allowed?: readonly unknown[]) => never,
  refuseMetric: (detail: string) => never,
): Asked {
  if (typeof use !== "object" || use === null || Array.isArray(use)) return refuse("A schedule must be { name, options }");
  const { name, options = {}, ...rest } = use as Record<string, unknown>;
  const [stray] = Object.keys(rest);
  if (stray !== undefined) {
    return refuse(`A schedule has no ${JSON.stringify(stray.slice(0, 80))}: it is { name, options }`, ["name", "options"]);
  }
  const plugin = schedules.get(name as string);
  if (plugin === undefined) {
    const names = [...schedules.keys()];
    return refuse(`There is no schedule ${JSON.stringify(name)?.slice(0, 80)}: ${known(names, name)}`, names);
  }
  return refusing(() => askSchedule(plugin, options as object, bases, refuseMetric), refuse);
}

/** What the library refuses, told as the request's fault. */
function refusing<T>(make: () => T, refuse: (detail: string) => never): T {
  try {
    return make();
  } catch (error) {
    if (isRefusal(error)) refuse(error.message);
    throw error;
  }
}

function readPicture(query: Query): Picture {
  const size = (name: string): unknown => {
    const text = query.get(name)?.[0];
    return text === undefined ? undefined : numberOf(text) ?? text;
  };
  const given = { title: query.get("title")?.[0], width: size("width"), height: size("height"), theme: query.get("theme")?.[0] };
  return takePicture(given, (name, detail, allowed) => refuseQuery([{ in: "query", name, detail, ...(allowed && { allowed }) }]));
}

function takePicture(
  given: Readonly<Record<"title" | "width" | "height" | "theme", unknown>>,
  refuse: (name: string, detail: string, allowed?: readonly unknown[]) => never,
): Picture {
  const { title, width, height, theme } = given;
  if (title !== undefined && !(typeof title === "string" && title.length <= 200)) {
    refuse("title", "title must be a text of 200 characters at most");
  }
  for (const [name, value, least] of [["width", width, 160], ["height", height, 120]] as const) {
    if (value === undefined || typeof value === "number" && value >= least && value <= 4000) continue;
    refuse(name, `${name} = ${show(value)}: it must be a number from ${least} to 4000`);
  }
  if (theme !== undefined && !themes.includes(theme as string)) {
    refuse("theme", `There is no theme ${JSON.stringify(theme)?.slice(0, 80)}`, themes);
  }
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

function checkValues(
  { steps }: Points,
  bases: readonly number[] | undefined,
  curves: number,
  { values }: Required<Limits>,
  refuse: (detail: string) => never,
): void {
  const count = steps.length * (bases?.length ?? 1) * curves;
  if (count > values) refuse(`The answer would have ${count} numbers, and at most ${values} are answered`);
}
