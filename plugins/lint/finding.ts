/**
 * What a look at a recipe finds, and the list of what can be found.
 *
 * @module
 */

/** Something in a recipe that is probably not meant. */
export interface Finding {
  /** Which rule found it: a key of {@linkcode findingCodes}. */
  readonly code: string;
  /** `"error"`: it cannot train so; `"warning"`: it trains, and hardly as meant; `"note"`: worth knowing, and often meant. */
  readonly severity: "error" | "warning" | "note";
  /** What is wrong, with its numbers, in a sentence. */
  readonly message: string;
  /** Where in the recipe, as a JSON pointer: `/schedules/lr/options/numTrainingSteps`; `""` is the whole recipe. */
  readonly path: string;
  /** What to do about it. */
  readonly cure: string;
}

/** Every code that a finding can have, and what it says. Codes stay; more may come. */
export const findingCodes: Readonly<Record<FindingCode, string>> = {
  "refused": "A plugin refuses what it is given, so that no trainer can be made.",
  "schedule-fails": "The schedule has no value at an update of the training.",
  "lr-always-zero": "The learning rate is 0 at every update.",
  "warmup-too-long": "The warmup is as long as the training or longer, so that the full learning rate is never reached.",
  "warmup-is-a-ratio": "The number of warmup steps is below 1, as a share of the training would be.",
  "never-peaks": "The learning rate still rises at the last update: its peak lies behind the end of the training.",
  "starts-at-zero": "The first update has a learning rate of 0 and moves nothing.",
  "rises-after-end": "The schedule comes to its end before the training does, and rises again.",
  "horizon-in-epochs": "The schedule's length is so short beside the number of updates that it looks like a number of epochs.",
  "horizon-in-micro-batches": "The schedule's length is the number of micro-batches, where it counts updates.",
  "horizon-too-short": "The schedule comes to its end well before the training does.",
  "horizon-too-long": "The training ends well before the schedule does.",
  "lr-ignored": "The schedule gives values, which stand in place of the learning rate that is set beside it.",
  "accumulate-sum": "Gradients are summed over micro-batches and never divided by their number.",
  "plateau-negative-metric": "A relative threshold takes every metric below 0 for an improvement, or for none.",
  "decay-on-biases": "Weight decay pulls biases and norms towards 0 too.",
  "decay-lost": "Weight decay changes 16-bit weights by less than half a unit in their last place, and rounds away.",
  "updates-lost": "Updates are smaller than half a unit in the last place of 16-bit weights, and round away.",
  "float16-without-clipping": "float16 parameters train without gradient clipping.",
  "group-matches-nothing": "A group's match finds none of the parameters.",
  "adafactor-lr-and-relative-step": "Adafactor is given a learning rate and told to find its own.",
  "adafactor-no-lr": "Adafactor is given no learning rate and told not to find its own.",
  "adafactor-warmup-init": "Adafactor's warmup of relative steps is asked for without relative steps.",
  "adafactor-schedule-on-relative-step": "A schedule steers the learning rate of an Adafactor that finds its own.",
  "adafactor-scaled-fixed-lr": "Adafactor multiplies a fixed learning rate by the size of the parameter.",
  "adafactor-without-warmup": "Adafactor has a fixed learning rate and no warmup.",
  "adafactor-clipping": "Gradients are clipped in front of Adafactor, which clips its updates itself.",
};

/** The codes of findings. */
export type FindingCode =
  | "refused"
  | "schedule-fails"
  | "lr-always-zero"
  | "warmup-too-long"
  | "warmup-is-a-ratio"
  | "never-peaks"
  | "starts-at-zero"
  | "rises-after-end"
  | "horizon-in-epochs"
  | "horizon-in-micro-batches"
  | "horizon-too-short"
  | "horizon-too-long"
  | "lr-ignored"
  | "accumulate-sum"
  | "plateau-negative-metric"
  | "decay-on-biases"
  | "decay-lost"
  | "updates-lost"
  | "float16-without-clipping"
  | "group-matches-nothing"
  | "adafactor-lr-and-relative-step"
  | "adafactor-no-lr"
  | "adafactor-warmup-init"
  | "adafactor-schedule-on-relative-step"
  | "adafactor-scaled-fixed-lr"
  | "adafactor-without-warmup"
  | "adafactor-clipping";

/** Makes a finding; its code must be in the list. */
export function finding(
  code: FindingCode,
  severity: Finding["severity"],
  path: string,
  message: string,
  cure: string,
): Finding {
  return { code, severity, message, path, cure };
}

/** A number as people write it: 0.0006, 6e-7, 600,000. */
export function say(value: number): string {
  if (Number.isInteger(value) && Math.abs(value) < 1e15) return String(value).replace(/\B(?=(\d{3})+$)/g, ",");
  return String(Number(value.toPrecision(3)));
}

/** A share in percent: 3 %, 0.2 %. */
export function percent(share: number): string {
  const value = 100 * share;
  return `${value >= 10 || value === 0 ? Math.round(value) : Number(value.toPrecision(2))} %`;
}

/** How many there are of what: 1 parameter, 3 parameters. */
export function count(number: number, one: string, many: string): string {
  return `${say(number)} ${number === 1 ? one : many}`;
}
