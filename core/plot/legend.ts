/**
 * A legend: names in rows.
 *
 * @module
 */

/** Width of a letter of 12 pixels in a wide font; none can be measured here. */
export const LETTER = 7.2;

/** Names and their places. */
export interface Legend {
  /** `isCurve`: false for the word about those that are not shown. */
  readonly items: readonly { readonly name: string; readonly at: number; readonly row: number; readonly isCurve: boolean }[];
  /** Pixels that it takes. */
  readonly height: number;
}

/** Names in rows. Where there is no room for all, the last says how many more there are. */
export function layLegend(names: readonly string[], width: number, most: number): Legend {
  if (most < 1 || (names.length === 1 && names[0] === "")) return { items: [], height: 0 };
  for (let kept = names.length;; kept--) {
    let at = 18;
    let row = 0;
    const shown = kept === names.length ? names : [...names.slice(0, kept), `and ${names.length - kept} more`];
    const items = shown.map((name, nth) => {
      const length = 28 + LETTER * name.length + 18;
      if (at > 18 && at + length > width) {
        at = 18;
        row += 1;
      }
      const item = { name, at, row, isCurve: nth < kept };
      at += length;
      return item;
    });
    if (row < most || kept === 0) return { items, height: (row + 1) * 20 };
  }
}
