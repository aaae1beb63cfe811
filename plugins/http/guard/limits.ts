/**
 * How much a stranger may ask for.
 *
 * @module
 */

import { show } from "../../../core/names.ts";

/** Bounds of requests. What is left out takes its default. */
export interface Limits {
  /** Bytes of a body; default 21 MiB: AdamW over 1 Mi parameters takes 16, with a third slot 20. */
  readonly bodyBytes?: number;
  /** Bytes of a JSON body; default 8 MiB. */
  readonly jsonBytes?: number;
  /** Elements of all tensors of a JSON body; default 64 Ki. */
  readonly jsonElements?: number;
  /** Bytes of the header of a safetensors body; default 1 MiB. */
  readonly headerBytes?: number;
  /** Tensors in a body; default 4,096. */
  readonly tensors?: number;
  /** Seconds that a body may take, and as many more as it has times 256 KiB; default 10. */
  readonly bodySeconds?: number;
  /**
   * Bytes of steps' bodies that are held at once, as many of their answers that are not read yet, and as many of schedules' answers; default: two
   * bodies of the greatest size, 42 MiB. A tenant gets half of them at most while it has more than one request there.
   */
  readonly bytesInFlight?: number;
  /** Steps in one answer; default 10,000. */
  readonly points?: number;
  /** Numbers in one answer: steps times groups times curves; default 320,000. */
  readonly values?: number;
  /** Bytes of answers that are kept for repeated URLs; default 8 MiB. */
  readonly cacheBytes?: number;
}

/** Who sends or reads slower than this, in bytes a second, is stopped in the end. */
export const slowest: number = 256 * 1024;

const MiB = 2 ** 20;
/** A day: timers count milliseconds in 31 bits. */
const mostSeconds = 86_400;

const defaults: Required<Limits> = {
  bodyBytes: 21 * MiB,
  jsonBytes: 8 * MiB,
  jsonElements: 64 * 1024,
  headerBytes: MiB,
  tensors: 4096,
  bodySeconds: 10,
  bytesInFlight: 42 * MiB,
  points: 10_000,
  values: 320_000,
  cacheBytes: 8 * MiB,
};

/** All limits, checked. */
export function takeLimits(given: Limits = {}): Required<Limits> {
  for (const [name, value] of Object.entries(given)) {
    if (!Object.hasOwn(defaults, name)) throw new TypeError(`Cannot use limit "${name}": known are ${Object.keys(defaults).join(", ")}`);
    const most = name === "bodySeconds" ? mostSeconds : Number.MAX_SAFE_INTEGER;
    if (!(typeof value === "number" && value >= 0 && value <= most)) {
      throw new RangeError(`Cannot use limit ${name} = ${show(value)}: it must be a number from 0 to ${most}`);
    }
  }
  const { bodyBytes } = { ...defaults, ...given };
  return { ...defaults, bytesInFlight: Math.max(defaults.bytesInFlight, 2 * bodyBytes), ...given };
}
