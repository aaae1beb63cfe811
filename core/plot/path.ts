/**
 * Lines of a picture: no more points than can be seen.
 *
 * @module
 */
import { round } from "./axis.ts";
import { keepReach } from "./sampling.ts";

/** A place in the picture, in pixels. One without a finite height is a gap. */
export type Point = readonly [x: number, y: number];

/** At most four points a half pixel, so that a curve keeps its reach. Points are made of those alone: of all of them they cost twice the time. */
export function thin(xs: readonly number[], ys: readonly number[]): readonly Point[] {
  return keepReach((i) => Math.floor(2 * xs[i]), ys).map((i) => [xs[i], ys[i]]);
}

/** Ends a line where it leaves the picture through its floor: what lies below becomes a gap. */
export function cutBelow(points: readonly Point[], floor: number): readonly Point[] {
  // Below is more, in pixels.
  const isBelow = ([, y]: Point): boolean => y > floor;
  if (!points.some(isBelow)) return points;
  return points.flatMap((point, i): Point[] => {
    const before = points[i - 1];
    const crosses = before !== undefined && isBelow(before) !== isBelow(point) && Number.isFinite(before[1]) && Number.isFinite(point[1]);
    const shown: Point = isBelow(point) ? [point[0], NaN] : point;
    if (!crosses) return [shown];
    const share = (floor - before[1]) / (point[1] - before[1]);
    return [[before[0] + share * (point[0] - before[0]), floor], shown];
  });
}

/** A line through the points, without those that lie within a tenth of a pixel of it. Points without a finite value are gaps. */
export function pathOf(points: readonly Point[]): string {
  const parts: string[] = [];
  let anchor: Point | null = null;
  let held: Point | null = null;
  let least = -Infinity;
  let most = Infinity;
  const put = (command: string, [x, y]: Point) => parts.push(`${command}${round(x)} ${round(y)}`);
  for (const point of points) {
    if (!Number.isFinite(point[1])) {
      if (held !== null) put("L", held);
      anchor = held = null;
      continue;
    }
    if (anchor === null) {
      // A point alone between gaps is a dot: its line has no length, but round ends.
      put("M", point);
      parts.push("h0");
      anchor = point;
    } else {
      const slope = (point[1] - anchor[1]) / (point[0] - anchor[0]);
      if (held !== null && (slope < least || slope > most)) {
        put("L", held);
        anchor = held;
        least = -Infinity;
        most = Infinity;
      }
      const run = point[0] - anchor[0];
      least = Math.max(least, (point[1] - anchor[1] - 0.1) / run);
      most = Math.min(most, (point[1] - anchor[1] + 0.1) / run);
    }
    held = anchor === point ? null : point;
    if (anchor === point) {
      least = -Infinity;
      most = Infinity;
    }
  }
  if (held !== null) put("L", held);
  return parts.join("");
}
