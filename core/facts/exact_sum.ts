/**
 * Sums of many numbers, as if they were rounded once.
 *
 * @module
 */

/** A sum. */
export interface ExactSum {
  /** Adds a number. */
  add(number: number): void;
  /** What it comes to. */
  total(): number;
}

/** Kahan's summation as Neumaier has it ("Rundungsfehleranalyse einiger Verfahren zur Summation endlicher Summen", 1974): what is lost is kept beside. */
export function createSum(start: number = 0): ExactSum {
  let sum = start;
  let lost = 0;
  return {
    add(number) {
      const next = sum + number;
      lost += Math.abs(sum) >= Math.abs(number) ? (sum - next) + number : (number - next) + sum;
      sum = next;
    },
    total: () => sum + lost,
  };
}
