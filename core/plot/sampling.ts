/**
 * Which steps of a long curve are drawn: in each column of a picture the curve's least and greatest value. A step every so many steps would alias
 * with what moves quickly, and 500 waves would be drawn as a few teeth that the curve does not have.
 *
 * @module
 */

/** A curve at some steps. */
export interface Samples {
  /** Steps, ascending. */
  readonly steps: readonly number[];
  /** The curve's values there. */
  readonly values: readonly number[];
}

// In a column where the curve bends, so many steps are asked before the search: a wave in it is then seen to within a percent of its height.
const PER_COLUMN = 20;
// A curve whose middle of three samples lies off the straight line by more than this share of its reach bends: half a pixel of 250.
const BEND = 1 / 500;
// The fraction of the golden ratio: its multiples fall into step with no period.
const GOLDEN = 0.6180339887498949;

/**
 * Asks a curve at whole steps from `from` on, and at `to`. Where that is cheap it is asked at each of them. Else twice a column of the picture, at
 * uneven distances, and in columns where it bends as often as it takes to find its least and greatest value there. What comes back is enough to
 * draw it: few points in a column.
 */
export function sampleCurve(curve: (step: number) => number, from: number, to: number, columns: number): Samples {
  return to - from <= PER_COLUMN * columns ? sampleAll(curve, from, to, columns) : sampleSome(curve, from, to, columns);
}

function sampleAll(curve: (step: number) => number, from: number, to: number, columns: number): Samples {
  const steps = Array.from({ length: Math.floor(to - from) + 1 }, (_, i) => from + i);
  if (steps[steps.length - 1] < to) steps.push(to);
  const values = steps.map(curve);
  if (steps.length <= 4 * columns) return { steps, values };
  const kept = keepReach((i) => Math.floor((steps[i] - from) * columns / (to - from)), values);
  return { steps: kept.map((i) => steps[i]), values: kept.map((i) => values[i]) };
}

/** Of the points in each column the places of the first, the least, the greatest and the last, and of all that have no value: they are gaps. */
export function keepReach(columnOf: (i: number) => number, values: readonly number[]): number[] {
  const kept: number[] = [];
  for (let start = 0, end = 0; start < values.length; start = end) {
    const column = columnOf(start);
    let least = start, most = start, isGap = false;
    do {
      if (!Number.isFinite(values[end])) isGap = true;
      if (!(values[end] >= values[least])) least = end;
      if (!(values[end] <= values[most])) most = end;
      end++;
    } while (end < values.length && columnOf(end) === column);
    if (isGap || end - start <= 4) {
      for (let i = start; i < end; i++) kept.push(i);
      continue;
    }
    const [low, high] = least < most ? [least, most] : [most, least];
    for (const i of [start, low, high, end - 1]) if (i !== kept[kept.length - 1]) kept.push(i);
  }
  return kept;
}

/** Steps from `from` to `to`, both among them, at uneven distances: so many of them that no period of a curve falls into step with all. */
function unevenSteps(from: number, to: number, count: number): readonly number[] {
  const steps = [from];
  for (let i = 1; i < count; i++) {
    const step = from + Math.floor((i + (i * GOLDEN) % 1) * (to - from) / count);
    if (step > steps[steps.length - 1] && step < to) steps.push(step);
  }
  return [...steps, to];
}

function sampleSome(curve: (step: number) => number, from: number, to: number, columns: number): Samples {
  const count = to - from;
  const columnOf = (step: number): number => Math.min(columns - 1, Math.floor((step - from) * columns / count));
  const startOf = (column: number): number => from + Math.ceil(column * count / columns);
  const coarse = unevenSteps(from, to, 2 * columns);
  const values = coarse.map(curve);
  const kept = new Map(coarse.map((step, i) => [step, values[i]]));

  const finite = values.filter(Number.isFinite);
  const reach = finite.reduce((a, b) => Math.max(a, b), -Infinity) - finite.reduce((a, b) => Math.min(a, b), Infinity);
  const bent = new Set<number>();
  for (let i = 1; i + 1 < coarse.length; i++) {
    const share = (coarse[i] - coarse[i - 1]) / (coarse[i + 1] - coarse[i - 1]);
    const off = Math.abs(values[i] - values[i - 1] - share * (values[i + 1] - values[i - 1]));
    if (off <= BEND * reach) continue;
    for (let column = columnOf(coarse[i - 1]); column <= columnOf(coarse[i + 1]); column++) bent.add(column);
  }
  // By chance three samples of a wave stand in a line; its neighbours tell.
  for (const column of [...bent]) if (bent.has(column + 2)) bent.add(column + 1);

  for (const column of bent) {
    const first = startOf(column);
    const last = Math.min(to, startOf(column + 1) - 1);
    if (!(last > first)) continue;
    const stride = (last - first) / PER_COLUMN;
    const ends: readonly Place[] = [[first, curve(first)], [last, curve(last)]];
    const inside: Place[] = [];
    for (let i = 0; i < PER_COLUMN; i++) {
      const step = first + Math.floor((i + ((column + i) * GOLDEN) % 1) * stride);
      inside.push([step, curve(step)]);
    }
    for (const sign of [1, -1]) {
      // Not from the ends: from there a search goes one way only, and another wave in the column may be higher.
      const top = climb(curve, sign, highest(sign, inside), stride, first, last);
      kept.set(...highest(sign, [top, ...ends]));
    }
    // Where there is no value, the line has a gap.
    for (const [step, value] of inside) if (!Number.isFinite(value)) kept.set(step, value);
  }
  const places = [...kept].sort(([a], [b]) => a - b);
  return { steps: places.map(([step]) => step), values: places.map(([, value]) => value) };
}

type Place = readonly [step: number, value: number];

/** The place with the greatest value, or with sign -1 the least; one without a value is the last to be taken. */
function highest(sign: number, places: readonly Place[]): Place {
  return places.reduce((best, place) => sign * place[1] > sign * best[1] || Number.isNaN(best[1]) ? place : best);
}

/** From a high place uphill, in strides that get shorter: to the top of a wave, and to the edge of a cliff, as near as can be seen. */
function climb(curve: (step: number) => number, sign: number, start: Place, stride: number, first: number, last: number): Place {
  let [at, height] = start;
  let reach = Math.ceil(stride);
  for (let nth = 0; nth < 6 && reach >= 1; nth++, reach = reach === 1 ? 0 : Math.ceil(reach / 2)) {
    for (const next of [at - reach, at + reach]) {
      if (next < first || next > last) continue;
      const value = curve(next);
      if (sign * value > sign * height) [at, height] = [next, value];
    }
  }
  return [at, height];
}
