/**
 * Gradient clipping as Keras' optimizers have it: the specs of its three options, a line of the rule for each, and their numbers.
 *
 * TensorFlow's `clip_by_value`, `clip_by_norm` and `clip_by_global_norm`, in float32 as there. Which of them act, and in which order, is the
 * optimizer's own. The lines call a norm n.
 *
 * @module
 */
import type { OptionSpec, Scalars } from "../../core/plugin/contract.ts";

/** Greatest norm of each gradient. */
export const clipnormSpec: OptionSpec<number | null> = {
  default: null,
  type: ["number", "null"],
  minimum: 0,
  description: "Greatest norm of each gradient; null: any",
};

/** Greatest absolute value in a gradient. */
export const clipvalueSpec: OptionSpec<number | null> = {
  default: null,
  type: ["number", "null"],
  minimum: 0,
  description: "Greatest absolute value in a gradient; null: any",
};

/** Greatest norm of all gradients together. */
export const globalClipnormSpec: OptionSpec<number | null> = {
  default: null,
  type: ["number", "null"],
  minimum: 0,
  description: "Greatest norm of all gradients together; null: any",
};

/** The options, as an optimizer's rule and scalars have them. */
export interface KerasClipping {
  /** Greatest norm of each gradient. */
  readonly clipnorm: number | null;
  /** Greatest absolute value in a gradient. */
  readonly clipvalue: number | null;
  /** Greatest norm of all gradients together. */
  readonly globalClipnorm: number | null;
}

/** Refuses a bound of 0: all gradients would be 0, and those that are 0 already NaN. */
export function refuseZero(clipping: KerasClipping): void {
  for (const option of ["clipnorm", "clipvalue", "globalClipnorm"] as const) {
    if (clipping[option] === null || Math.fround(clipping[option]) !== 0) continue;
    const message = `Cannot use ${option} = ${clipping[option]}: no gradient would be left; to clip nothing, leave it out or null`;
    throw Object.assign(new RangeError(message), { option });
  }
}

/** Refuses both norms together, as Keras does. */
export function checkClipping({ clipnorm, globalClipnorm }: KerasClipping): void {
  if (clipnorm !== null && globalClipnorm !== null) {
    const message = `Cannot use clipnorm = ${clipnorm} and globalClipnorm = ${globalClipnorm} together: one must be null`;
    throw Object.assign(new RangeError(message), { option: "globalClipnorm" });
  }
}

/** The line of a rule that clips each number of g. */
export const clipByValue: string = "g = clamp(g, -clipvalue, clipvalue)";

/** The lines of a rule that clip each gradient by its own norm. */
export const clipByNorm: string = `n = norm(g)
        g = g*clipnorm/max(n, clipnorm)`;

/** The lines of a rule that clip all gradients by the norm of all of them; one that is not finite makes them all NaN. */
export const clipByGlobalNorm: string = `n = allnorm(g)
        g *= globalClipnorm*round(min(1/round(n), 1/globalClipnorm)) + (n - n)   # n - n: 0, or NaN`;

/** The lines of the first that is set, as Keras' optimizers from 2.11 on clip; 0 is not set. */
export function firstClip({ clipnorm, clipvalue, globalClipnorm }: KerasClipping): string {
  return clipnorm ? clipByNorm : globalClipnorm ? clipByGlobalNorm : clipvalue ? clipByValue : "";
}

/** The numbers that the lines name. */
export function clippingScalars({ clipnorm, clipvalue, globalClipnorm }: KerasClipping): Scalars {
  return { clipnorm: clipnorm ?? 0, clipvalue: clipvalue ?? 0, globalClipnorm: globalClipnorm ?? 0 };
}
