/**
 * The steps at which a schedule is asked: one, a list, or a range.
 *
 * @module
 */
import { show } from "../../../core/names.ts";
import { numberOf, type Query } from "./query.ts";
import { type Fault, refuseQuery } from "./problem.ts";

/** Steps, and whether one was asked for alone. */
export interface Points {
  readonly steps: readonly number[];
  readonly alone: boolean;
}

/** What points are read from. */
export const pointNames: readonly string[] = ["step", "steps", "from", "to", "every"];

/** How points may be asked for. */
const forms = "give step=7, or steps=0,10, or from=0&to=1000&every=10";

/** Points by name, from a query or a body; null where they are refused, with the faults. */
export type Given = Readonly<Partial<Record<"step" | "steps" | "from" | "to" | "every", unknown>>>;

/** Reads points; what is wrong goes to `refuse`. */
export function takePoints({ step, steps, from, to, every }: Given, most: number, refuse: (name: string, detail: string) => never): Points {
  const range = [from, to, every].filter((part) => part !== undefined).length;
  const given = [step, steps, range || undefined].filter((form) => form !== undefined).length;
  if (given !== 1) {
    refuse("step", given === 0 ? `No points are asked for: ${forms}` : `Points are asked for in more than one way: ${forms}`);
  }
  if (step !== undefined) return { steps: [stepOf(step, "step", refuse)], alone: true };
  if (steps !== undefined) {
    if (!Array.isArray(steps) || steps.length === 0) return refuse("steps", "steps must be a list of one step at least");
    if (steps.length > most) refuse("steps", `steps has ${steps.length} points, and at most ${most} are answered`);
    return { steps: steps.map((step) => stepOf(step, "steps", refuse)), alone: false };
  }
  for (const [name, part] of Object.entries({ from, to, every })) {
    if (part === undefined) refuse(name, `Parameter ${name} must be given: a range is from, to and every`);
  }
  const first = stepOf(from, "from", refuse);
  const last = stepOf(to, "to", refuse);
  const stride = stepOf(every, "every", refuse);
  if (stride === 0) refuse("every", "every is 0: it must be 1 at least");
  if (first > last) refuse("to", `to = ${last} lies before from = ${first}`);
  const whole = Math.floor((last - first) / stride);
  const isOnGrid = first + whole * stride === last;
  const count = whole + (isOnGrid ? 1 : 2);
  if (count > most) refuse("every", `The range has ${count} points, and at most ${most} are answered`);
  const points = Array.from({ length: whole + 1 }, (_, i) => first + i * stride);
  if (!isOnGrid) points.push(last);
  return { steps: points, alone: false };
}

/** Points from a query. */
export function readPoints(query: Query, most: number): Points {
  const refuse = (name: string, detail: string): never => refuseQuery([{ in: "query", name, detail }]);
  const one = (name: string): unknown => {
    const text = query.get(name)?.[0];
    return text === undefined ? undefined : integerOf(text) ?? text;
  };
  const steps = query.get("steps")?.[0].split(",");
  // Counted before they are read: a list may be long.
  if (steps !== undefined && steps.length > most) refuse("steps", `steps has ${steps.length} points, and at most ${most} are answered`);
  const given = {
    step: one("step"),
    steps: steps?.map((text) => integerOf(text) ?? text),
    from: one("from"),
    to: one("to"),
    every: one("every"),
  };
  return takePoints(given, most, refuse);
}

/** Base values of the groups from a query; undefined where none are given. */
export function readBases(query: Query): number[] | undefined {
  const texts = query.get("lr")?.[0].split(",");
  if (texts === undefined) return undefined;
  const faults: Fault[] = [];
  const bases = texts.map((text) => {
    const base = numberOf(text);
    if (base === undefined) {
      faults.push({ in: "query", name: "lr", detail: `lr has ${JSON.stringify(text.slice(0, 80))}, which is no finite number` });
    }
    return base ?? 0;
  });
  if (bases.length > mostGroups) {
    faults.push({ in: "query", name: "lr", detail: `lr has ${bases.length} groups, and at most ${mostGroups} are answered` });
  }
  if (faults.length > 0) refuseQuery(faults.slice(0, 1));
  return bases;
}

/** Groups in one answer. */
export const mostGroups = 64;

// An exponent is read, a fraction is not: 9007199254740991.4 would be rounded to a step.
function integerOf(text: string): number | undefined {
  return /^\d+(?:e\+?\d+)?$/i.test(text) ? Number(text) : undefined;
}

function stepOf(value: unknown, name: string, refuse: (name: string, detail: string) => never): number {
  if (Number.isSafeInteger(value) && value as number >= 0) return value as number + 0;
  return refuse(name, `${name} = ${show(value)} is no step: steps are integers from 0 to 9007199254740991`);
}
