/**
 * The yardsticks: how far a result may be from the reference. The bounds come from `expects` and from `golden/README.md`, never from a case.
 *
 * @module
 */
import type { Case, JsonObject, Measure, Numbers } from "./golden.ts";

/** What is wrong, or nothing. */
export type Fault = string | undefined;

/** Tensors of one step, by name; 16-bit values widened. */
export type Values = Readonly<Record<string, ArrayLike<number>>>;

/** V8, JSC and Python differ in the last bit of cos and pow: golden/README.md, "Precision". */
const SCHEDULE = 4 * 2 ** -52;
/** The same for values that the reference holds as float32. */
export const SCHEDULE_SINGLE: number = 4 * 2 ** -23;
/** The same where the reference goes on from its last value, so that its rounding adds up; ours is computed for each step. */
export const SCHEDULE_RECURSED: number = 32 * 2 ** -52;
/** What is added to twice the reference's own distance. */
export const SINGLE_STEP: number = 2 ** -23;
/** Of a tensor's largest value, where the reference says nothing about its own float32 rounding, as in float64 runs. */
const PLAIN = 1e-6;
/** The same for state, in which sums cancel more. */
const PLAIN_STATE = 5e-6;
/** Of a tensor's largest value: what torch's block code may differ by, in 16 bits, where its bits are its own (see {@linkcode ownBits}). */
const BLOCK: Readonly<Record<string, number>> = { bfloat16: 2 ** -5, float16: 2 ** -8 };

/** Equal bits, where any NaN equals any NaN. */
export function same(got: number, want: number): boolean {
  return Object.is(got, want);
}

/** Whether two values of a schedule agree, `base` being the base value; of which they may differ by `within`. */
export function sameLr(got: number, want: number, base: number, within: number = SCHEDULE): boolean {
  if (!Number.isFinite(want) || !Number.isFinite(got)) return same(got, want);
  return Math.abs(got - want) <= within * Math.max(Math.abs(want), Math.abs(base));
}

/** The finite numbers of one tensor: the largest error, and the largest value. */
function errorOf(got: ArrayLike<number>, want: Numbers): { readonly error: number; readonly largest: number } {
  let error = 0, largest = 0;
  for (let i = 0; i < want.length; i++) {
    const truth = Number(want[i]);
    if (!Number.isFinite(truth) || !Number.isFinite(got[i])) continue;
    error = Math.max(error, Math.abs(got[i] - truth));
    largest = Math.max(largest, Math.abs(truth));
  }
  return { error, largest };
}

/** Largest error over largest value. */
function scaledError(got: ArrayLike<number>, want: Numbers): number {
  const { error, largest } = errorOf(got, want);
  return error === 0 ? 0 : error / largest;
}

/** Numbers that are infinite or NaN must be so on both sides. */
function nonFinite(got: ArrayLike<number>, want: Numbers): Fault {
  if (got.length !== want.length) return `has ${got.length} elements, not ${want.length}`;
  for (let i = 0; i < want.length; i++) {
    const expected = Number(want[i]);
    if (Number.isFinite(expected) && Number.isFinite(got[i])) continue;
    if (!same(got[i], expected)) return `element ${i} is ${got[i]}, not ${expected}`;
  }
}

/** Every tensor within `bound` of its largest value, or within `floor`. */
export function near(got: Values, want: Readonly<Record<string, Numbers>>, bound: number, where: string, floor = 0): Fault {
  for (const name of Object.keys(want)) {
    const odd = nonFinite(got[name], want[name]);
    if (odd !== undefined) return `${where}, ${name}: ${odd}`;
    const { error, largest } = errorOf(got[name], want[name]);
    if (error <= Math.max(bound * largest, floor)) continue;
    return `${where}, ${name}: off by ${(error / largest).toExponential(2)} of the largest value, at most ${bound.toExponential(2)}`;
  }
}

/** Every tensor within {@linkcode PLAIN} of its largest value. */
export function plain(got: Values, want: Readonly<Record<string, Numbers>>, where: string): Fault {
  return near(got, want, PLAIN, where);
}

/** Equal bits in every tensor. */
export function exact(got: Values, want: Readonly<Record<string, Numbers>>, where: string): Fault {
  for (const name of Object.keys(want)) {
    if (got[name].length !== want[name].length) return `${where}, ${name}: has ${got[name].length} elements, not ${want[name].length}`;
    for (let i = 0; i < want[name].length; i++) {
      const expected = Number(want[name][i]);
      if (!same(got[name][i], expected)) return `${where}, ${name}[${i}]: ${got[name][i]} instead of ${expected}`;
    }
  }
}

/**
 * How many of a 16-bit tensor's first elements have bits that are torch's own: `add_` of transformers' AdamW goes through blocks of 32 there,
 * with one rounding less. PyTorch's own AdamW and Adafactor have none.
 */
function ownBits(entry: Case, length: number): number {
  return entry.system.startsWith("transformers") && entry.item.startsWith("AdamW") ? Math.floor(length / 32) * 32 : 0;
}

/** 16-bit values: equal bits, but for the elements of {@linkcode ownBits}. */
export function bits16(entry: Case, got: ArrayLike<number>, want: Numbers, where: string): Fault {
  const own = ownBits(entry, want.length);
  const bound = BLOCK[entry.args.dtype as string] * want.reduce<number>((most, x) => Math.max(most, Math.abs(Number(x))), 0);
  for (let i = 0; i < want.length; i++) {
    const expected = Number(want[i]);
    if (i < own ? !(Math.abs(got[i] - expected) <= bound) && !same(got[i], expected) : !same(got[i], expected)) {
      return `${where}[${i}]: ${got[i]} instead of ${expected}${i < own ? "" : ", bit for bit"}`;
    }
  }
}

/**
 * Float32 parameters of one step, by the measures of `expects`: from the truth at most twice the reference's own distance, plus 2**-23; or from the
 * reference itself at most its own distance plus its spread. At a step without a truth the first bound becomes one on the distance from the reference.
 */
export function withinReference(entry: Case, step: string, got: Values, want: JsonObject): Fault {
  const params = (want.params as Record<string, Record<string, Numbers>>)[step];
  const own = entry.expects.precision?.params?.[step];
  if (own === undefined) return exact(got, params, `step ${step}`);
  for (const name of Object.keys(params)) {
    const odd = nonFinite(got[name], params[name]);
    if (odd !== undefined) return `step ${step}, ${name}: ${odd}`;
  }
  const worst = (from: Readonly<Record<string, Numbers>>): number =>
    Object.keys(from).reduce((most, name) => Math.max(most, scaledError(got[name], from[name])), 0);
  const spread = entry.expects.spread?.params?.[step]?.[3] ?? 0;
  const fromReference = worst(params);
  if (fromReference <= own[3] + spread) return;
  const truth = (want.params64 as Record<string, Record<string, Numbers>> | undefined)?.[step];
  const bound = truth === undefined ? fromOther(own) : 2 * own[3] + SINGLE_STEP;
  const error = truth === undefined ? fromReference : worst(truth);
  if (error <= bound) return;
  return `step ${step}: off by ${error.toExponential(2)} of the largest value, at most ${bound.toExponential(2)} (the reference itself: ${
    own[3].toExponential(2)
  })`;
}

/** Parameters after a step whose true values nobody knows: as near to the reference as its two kernels are to each other, and two spacings. */
export function withinSpread(entry: Case, step: string, got: Values, params: Readonly<Record<string, Numbers>>): Fault {
  const bound = entry.expects.spread!.params![step][3] + 2 * SINGLE_STEP;
  for (const name of Object.keys(params)) {
    const odd = nonFinite(got[name], params[name]);
    if (odd !== undefined) return `step ${step}, ${name}: ${odd}`;
    const error = scaledError(got[name], params[name]);
    if (!(error <= bound)) {
      return `step ${step}, ${name}: off by ${error.toExponential(2)} of the largest value, at most ${bound.toExponential(2)}`;
    }
  }
}

/** A spacing of 16-bit numbers, of a tensor's largest value. */
export const SPACING: Readonly<Record<string, number>> = { bfloat16: 2 ** -7, float16: 2 ** -10 };

/** 16-bit parameters of one step, where the reference's float64 run is known: at most twice as far from it as the reference, plus a spacing. */
export function within16(entry: Case, step: string, got: Values, truth: Readonly<Record<string, Numbers>>): Fault {
  const own = entry.expects.precision!.params![step];
  return near(got, truth, 2 * own[3] + SPACING[entry.args.dtype as string], `step ${step}`);
}

/** Twice the reference's own distance from the truth plus 2**-23, seen from the reference. */
function fromOther(own: Measure): number {
  return 3 * own[3] + SINGLE_STEP;
}

/** The bound of a state tensor, from the reference's state. */
export function stateBound(entry: Case): number {
  const own = entry.expects.precision?.state;
  return (own === undefined ? PLAIN_STATE : fromOther(own)) + (SPACING[entry.args.dtype as string] ?? 0);
}

/** Values of a float32 schedule, of which the reference knows its distance from the truth. */
export function withinSingle(got: readonly number[], lrs: Numbers, truth: Numbers, own: Measure): Fault {
  const odd = nonFinite(got, lrs);
  if (odd !== undefined) return odd;
  const error = scaledError(got, truth);
  const bound = 2 * own[3] + SINGLE_STEP;
  if (!(error <= bound)) return `off by ${error.toExponential(2)} of the largest value, at most ${bound.toExponential(2)}`;
}
