/**
 * Copies each unit's share of arrays of the caller's: in just before it, out just after it.
 *
 * @module
 */
import { type Job, unitFields } from "../../plan/job.ts";
import { rawOf } from "../../raw.ts";
import type { Raw } from "../../types.ts";

/** What comes before a unit, and what goes after it. */
export interface Carrier {
  bring(): void;
  take(): void;
}

/** The carriers of a job's units. */
export const carriersOf = (job: Job): Carrier[] =>
  Array.from({ length: job.units.length / unitFields }, (_, unit) => carrierOf(job, ...elementsOf(job, unit)));

/** The carrier of all elements of a job. */
export const carrierOfAll = (job: Job): Carrier => carrierOf(job, 0, job.item.extent.size);

function carrierOf(job: Job, from: number, to: number): Carrier {
  const shares = job.carried.map(({ key, foreign, comes, goes }) => {
    const whole = rawOf(job.item.tensors[key].data);
    const isWhole = from === 0 && to === whole.length;
    const share = isWhole ? whole : whole.subarray(from, to);
    // Of many small tensors each is a unit, and a view costs more than the copy.
    const part = (array: Raw): Raw => isWhole ? array : array.subarray(from, to);
    return { foreign, comes, goes, share, part };
  });
  return {
    bring() {
      for (const { foreign, comes, share, part } of shares) if (comes && foreign.from !== null) share.set(part(foreign.from));
    },
    take() {
      for (const { foreign, goes, share, part } of shares) if (goes && foreign.into !== null) part(foreign.into).set(share);
    },
  };
}

/** The elements of a unit: they lie one behind the other. */
function elementsOf({ kernel, units, rows, cols }: Job, unit: number): [from: number, to: number] {
  const [begin, end, rowBegin, rowEnd] = units.subarray(unit * unitFields, (unit + 1) * unitFields);
  if (kernel.shape === "flat") return [begin, end];
  return [(begin * rows + rowBegin) * cols, ((end - 1) * rows + rowEnd) * cols];
}
