/**
 * Timing of repeated steps, and the numbers and the table that come of it.
 *
 * @module
 */

/** What is timed, and what comes before each timing. */
export interface Timed {
  /** Runs before every step, outside the timing: fresh gradients. */
  refill(k: number): void | Promise<void>;
  /** The timed part. */
  step(): void | Promise<void>;
}

/** How long to measure. */
export interface Budget {
  /** Milliseconds, refills included. */
  readonly ms: number;
  /** Steps at least, even if they take longer. */
  readonly least: number;
  /** Steps at most. */
  readonly most: number;
}

/** Nanoseconds of each step within a budget. `from` is how many steps there were before, so that refills go on rotating. */
export async function timeSteps({ refill, step }: Timed, { ms, least, most }: Budget, from: number): Promise<number[]> {
  const times: number[] = [];
  const end = performance.now() + ms;
  while (times.length < least || (times.length < most && performance.now() < end)) {
    const filled = refill(from + times.length);
    if (filled) await filled;
    const begin = performance.now();
    const stepped = step();
    // Awaiting a step that was not asynchronous would time the event loop too.
    if (stepped) await stepped;
    times.push((performance.now() - begin) * 1e6);
  }
  return times;
}

/** The q-quantile, linearly between neighbours. */
export function quantile(values: readonly number[], q: number): number {
  if (values.length === 0) return NaN;
  const sorted = values.toSorted((a, b) => a - b);
  const at = q * (sorted.length - 1);
  const low = Math.floor(at);
  return sorted[low] + (at - low) * (sorted[Math.min(low + 1, sorted.length - 1)] - sorted[low]);
}

/** The middle value. */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** Rows as a text table: the first column to the left, the rest to the right. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i].length)));
  const line = (row: readonly string[]) => row.map((cell, i) => i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i])).join("  ");
  return [line(head), widths.map((width) => "-".repeat(width)).join("  "), ...rows.map(line)].join("\n");
}
