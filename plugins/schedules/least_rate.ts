/**
 * The least value of a schedule, said as transformers says it: as a value, or as a share of the base value.
 *
 * @module
 */
import type { Base } from "../../core/plugin/contract.ts";

/** Refuses both and neither. */
export function checkLeast({ minLr, minLrRate }: { readonly minLr: number | null; readonly minLrRate: number | null }): void {
  if ((minLr === null) !== (minLrRate === null)) return;
  const what = minLr === null ? "Cannot do without minLr and minLrRate: give one of them" : `Cannot use minLr = ${minLr} beside minLrRate`;
  throw Object.assign(new RangeError(`${what}: they say the same, as a value and as a share of the base value`), { option: "minLr" });
}

/** The share of the optimizer's base value. */
export function leastRate({ minLr, minLrRate }: { readonly minLr: number | null; readonly minLrRate: number | null }, base: Base): number {
  if (minLr === null) return minLrRate!;
  if (base.value !== 0) return minLr / base.value;
  throw Object.assign(new RangeError(`Cannot use minLr = ${minLr} with the base value 0: the share would be a division by 0`), {
    option: "minLr",
  });
}
