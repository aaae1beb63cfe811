/**
 * What a chart shows.
 *
 * @module
 */

/** A line: its values by the steps of its chart. */
export interface Line {
  /** Which of the page's colours, from 0. */
  readonly colour: number;
  /** What stands at its end; `""`: nothing. */
  readonly tag: string;
  /** A value a step, null for none. */
  readonly values: readonly (number | null)[];
  /** Thin and pale: not what the chart is about. */
  readonly isFaint?: boolean;
}

/** What a chart shows. */
export interface Picture {
  /** Steps, ascending. */
  readonly steps: readonly number[];
  /** The lines. */
  readonly lines: readonly Line[];
  /** The last step of the axis. */
  readonly to: number;
  /** The vertical axis. */
  readonly scale: "linear" | "log";
  /** Least and greatest value of a linear axis, where they do not follow the values. */
  readonly range?: readonly [number, number];
}
