/**
 * How a kernel's loop over a tensor is cut into units: by the tensor's shape alone wherever sums depend on it, so that results do not depend on the
 * number of threads.
 *
 * @module
 */
import type { Kernel } from "../language/kernel.ts";
import { type Domain, matrixExtent } from "../tables/classes.ts";
import type { Extent } from "../types.ts";
import type { Carried } from "./job.ts";

// One unit of a flat kernel that sums: a partial sum each, so its size may not depend on the number of threads. Each call of a kernel costs what
// the memory prefetchers need to start again; 65,536 elements measured within 3 % of one call for all.
const chunk = 65_536;
// A flat kernel without sums may be cut anywhere: large units first, then ever smaller ones, so that threads end at the same time and few calls are
// made. On one thread it is one call: at 16 Mi elements 10 % faster than units of 32,768.
const leastShare = 32_768;
// What comes from an array of the caller's is copied unit by unit, ahead of the threads. On two, at 1 to 16 Mi, steps with units of 16 Ki took up to 1.1
// times as long as with these, of 64 Ki 1 to 1.06 times, of 128 Ki up to 1.35 times: the other thread waits for its first one.
export const carriedShare = 32_768;
// A band of a matrix; also how many elements of small matrices make a unit.
const band = 65_536;
// Bands beyond these numbers would cost more in partial column sums than they spread.
const mostBands = 16;
const leastBandRows = 64;

const loops: Readonly<Record<Domain, (tensor: Extent) => Extent>> = {
  param: (tensor) => tensor,
  colsRows: (tensor) => matrixExtent("colsRows", tensor),
  rowsRows: (tensor) => matrixExtent("rowsRows", tensor),
  colsCols: (tensor) => matrixExtent("colsCols", tensor),
  // A loop over rows sees each matrix's rows as its columns, and the matrices as its rows. Likewise over columns.
  row: ({ batch, rows }) => ({ size: batch * rows, batch: 1, rows: batch, cols: rows }),
  col: ({ batch, cols }) => ({ size: batch * cols, batch: 1, rows: batch, cols }),
  batch: ({ batch }) => ({ size: batch, batch: 1, rows: 1, cols: batch }),
};

/** What a kernel over this domain loops over, as if it were the elements of a tensor. */
export const loopExtent = (domain: Domain, tensor: Extent): Extent => loops[domain](tensor);

/** Elements that a unit of a flat kernel without sums has at most. */
export const mostShare = (carried: readonly Carried[]): number => carried.length > 0 ? carriedShare : Infinity;

/** Cuts a kernel's loop into units, records of `unitFields` numbers; `bands`: into how many a matrix is cut. */
export function unitsOf(
  kernel: Kernel,
  { size, batch, rows, cols }: Extent,
  threads: number,
  most: number,
): { units: Int32Array; bands: number } {
  const units: number[] = [];
  if (kernel.shape === "flat") {
    for (let at = 0; at < size;) {
      const share = threads === 1 ? size : Math.max(leastShare, Math.ceil((size - at) / (2 * threads) / 64) * 64);
      const end = Math.min(size, at + (kernel.reductions.length > 0 ? chunk : Math.min(share, most)));
      units.push(at, end, 0, 0, -1);
      at = end;
    }
    return { units: Int32Array.from(units), bands: 1 };
  }
  const hasColumns = kernel.reductions.some(({ axis }) => axis === "col");
  const area = rows * cols;
  if (area <= band) {
    const step = Math.max(1, Math.floor(band / Math.max(1, area)));
    for (let b = 0; b < batch; b += step) units.push(b, Math.min(batch, b + step), 0, rows, -1);
    return { units: Int32Array.from(units), bands: 1 };
  }
  const wanted = Math.ceil(area / band);
  const bands = hasColumns ? Math.max(1, Math.min(wanted, mostBands, Math.floor(rows / leastBandRows))) : Math.min(wanted, rows);
  const step = Math.ceil(rows / bands);
  const cuts = Math.ceil(rows / step);
  for (let b = 0; b < batch; b++) {
    for (let k = 0; k < cuts; k++) {
      units.push(b, b + 1, k * step, Math.min(rows, (k + 1) * step), hasColumns && cuts > 1 ? b * cuts + k : -1);
    }
  }
  return { units: Int32Array.from(units), bands: cuts };
}
