/**
 * What becomes of a warmup that is some steps ahead, over another number of updates.
 *
 * @module
 */
import type { Rebasing } from "../../core/plugin/contract.ts";

/** It stays: it is there so that the first update moves something, and scaled down it would come to nothing. */
export function keepOffset(warmupOffset: number, note: Rebasing["note"]): void {
  if (warmupOffset !== 0) note("warmupOffset", `The warmup stays ${warmupOffset} ahead, however long it is`);
}
