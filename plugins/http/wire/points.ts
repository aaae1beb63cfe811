/**
 * The steps at which a schedule is asked: one, a list, or a range.
 *
 * @module
 */
import type { Asked } from "./parameters.ts";

/** Steps, and whether one was asked for alone. */
export interface Points {
  readonly steps: readonly number[];
  readonly alone: boolean;
}

/** How points may be asked for. */
const forms = "give step=7, or steps=0,10, or from=0&to=1000, and every=10";

/**
 * The points that are asked for, each parameter checked already; what is wrong of them together goes to `refuse`. A range without `every` has all
 * of its steps, or, where these are too many, as many as a picture `shows`.
 */
export function pointsOf(
  { step, steps, from, to, every }: Asked,
  most: number,
  shows: number | undefined,
  refuse: (name: string, detail: string) => never,
): Points {
  const range = [from, to, every].filter((part) => part !== undefined).length;
  const given = [step, steps, range || undefined].filter((form) => form !== undefined).length;
  if (given !== 1) {
    refuse("step", given === 0 ? `No points are asked for: ${forms}` : `Points are asked for in more than one way: ${forms}`);
  }
  if (step !== undefined) return { steps: [step + 0], alone: true }; // no -0
  if (steps !== undefined) return { steps: steps.map((step) => step + 0), alone: false };
  for (const [name, part] of Object.entries({ from, to })) {
    if (part === undefined) refuse(name, `Parameter ${name} must be given: a range is from and to, and every where not each step is meant`);
  }
  const [first, last] = [from! + 0, to!];
  const fits = last - first < most || shows === undefined;
  const stride = every ?? (fits ? 1 : Math.ceil((last - first) / (shows - 1)));
  if (first > last) refuse("to", `to = ${last} lies before from = ${first}`);
  const strides = Math.floor((last - first) / stride);
  const isOnGrid = first + strides * stride === last;
  const count = strides + (isOnGrid ? 1 : 2);
  if (count > most) refuse(every === undefined ? "to" : "every", `The range has ${count} points, and at most ${most} are answered`);
  const points = new Array<number>(count); // to push a thousand takes Deno five times as long, and Array.from with a function 75 times
  for (let i = 0; i <= strides; i++) points[i] = first + i * stride;
  if (!isOnGrid) points[count - 1] = last;
  return { steps: points, alone: false };
}
