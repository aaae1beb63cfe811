/**
 * Runs that a device was handed and has not told of: which of them a transform held back, or the device refused, is known after `sync` alone. Until
 * then they count as if they had been applied.
 *
 * @module
 */
import { about } from "../errors.ts";
import type { OptimizerState } from "./optimizer_state.ts";
import type { KeptPlan } from "./plans.ts";

// Of runs that nothing holds back, those that the device may still refuse: it says so within milliseconds.
const mostKept = 1024;

/** Takes a run in. */
export function submit(state: OptimizerState, kept: KeptPlan, held: readonly string[]): void {
  const { submitted, version } = state;
  submitted.push({ kept, held, version });
  if (!kept.mayHold && submitted.length > mostKept) submitted.shift();
}

/**
 * Refuses a run whose numbers follow from how many of the earlier ones were held back, in a way that the device cannot pick for itself: over other
 * parameters, with other options, with parts that come at certain steps, or of another entry.
 */
export function refuseUnknown({ submitted, version, title, plugin }: OptimizerState, next: KeptPlan): void {
  const last = submitted.at(-1);
  if (last === undefined || !last.kept.mayHold) return;
  const { params } = last.kept;
  const why = !next.mayHold
    ? "this is another entry"
    : next.params.length !== params.length || next.params.some((param, i) => param !== params[i])
    ? "other parameters have gradients now"
    : last.version !== version
    ? "options have changed since"
    : next.texts.some(({ splice }) => splice.conditions.length > 0)
    ? "parts of the update come at certain steps"
    : undefined;
  if (why === undefined) return;
  const message =
    `Cannot step ${title} before the last steps are known: a transform may have held them back, and ${why}; await sync() first`;
  throw about(new TypeError(message), { plugin: plugin.name });
}
