/**
 * Numbers at the ends of a picture's lines, apart from one another, and beside their names.
 *
 * @module
 */
import { round } from "./axis.ts";

/** Pixels from one tag to the next. */
const ROOM = 17;
/** Pixels that tags take at the right of the lines. */
export const TAG_WIDTH = 24;

/** A number to be drawn. */
export interface Tag {
  /** Which curve, from 0. */
  readonly curve: number;
  /** Where its line ends. */
  readonly end: readonly [x: number, y: number];
  /** Where the middle of the number stands. */
  readonly at: readonly [x: number, y: number];
}

/** Whether so many numbers have room beside each other. */
export function tagsFit(count: number, rise: number): boolean {
  return count > 1 && count * ROOM <= rise + ROOM;
}

/** Places for the numbers of lines that end there, from the top to the floor: down past each other, then back up from the floor. */
export function layTags(
  ends: readonly (readonly [x: number, y: number] | undefined)[],
  right: number,
  top: number,
  floor: number,
): readonly Tag[] {
  const tags = ends.flatMap((end, curve) => end === undefined ? [] : [{ curve, end, y: Math.max(top, Math.min(floor, end[1])) }])
    .sort((a, b) => a.y - b.y);
  tags.forEach((tag, i) => {
    if (i > 0) tag.y = Math.max(tag.y, tags[i - 1].y + ROOM);
  });
  let lowest = floor;
  for (const tag of [...tags].reverse()) {
    tag.y = Math.min(tag.y, lowest);
    lowest = tag.y - ROOM;
  }
  return tags.map(({ curve, end, y }) => ({ curve, end, at: [right + 15, y] }));
}

/** A number in a dot of its curve's colour. The dot is a line without length: colours are those of lines, in light and in dark. */
export function drawTag(curve: number, [x, y]: readonly [x: number, y: number], colour: string, paper: string): string[] {
  return [
    `<path class="c${curve % 10}" d="M${round(x)} ${
      round(y)
    }h.01" fill="none" stroke="${colour}" stroke-width="16" stroke-linecap="round"/>`,
    `<text class="paper" x="${round(x)}" y="${round(y + 4)}" text-anchor="middle" font-size="11" font-weight="600" fill="${paper}">${
      curve + 1
    }</text>`,
  ];
}
