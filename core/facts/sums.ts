/**
 * Sums of a schedule's values over a piece, in closed form.
 *
 * @module
 */
import { maths } from "../../kernels/math.ts";
import type { Stretch } from "../plugin/contract.ts";
import type { Piece } from "./pieces.ts";

/** The sum over steps `first` to `last`, of values that are `factor` times what the law says. */
export function sumOf(law: Stretch, first: number, last: number, factor: number, value: (step: number) => number): number {
  const count = last - first + 1;
  switch (law.law) {
    case "constant":
      return count * value(first);
    case "linear":
      return count * (value(first) + value(last)) / 2;
    case "geometric": {
      const about = factor * law.about;
      return count * about + (value(first) - about) * geometric(law.ratio, count);
    }
    case "wave": {
      // Cosines at equal distances add up to the middle one times a quotient of sines: Dirichlet's kernel.
      const middle = law.phase + law.angle * ((first - law.from) + (last - first) / 2);
      return factor * (count * law.about + law.height * maths.cos(middle) * kernel(law.angle, count));
    }
    case "smooth":
    case "any":
      throw new TypeError(`Cannot sum values of law "${law.law}": they have no closed form`);
  }
}

/** Whether a law says of a piece what is there at its ends, and of a line in its middle. */
export function holds({ first, last, law }: Piece, factor: number, value: (step: number) => number): boolean {
  const [start, end] = [value(first), value(last)];
  const near = (a: number, b: number, reach: number): boolean =>
    Math.abs(a - b) <= 1e-6 * Math.abs(reach) + 1e-12 * Math.max(Math.abs(start), Math.abs(end));
  switch (law.law) {
    case "constant":
      return start === end;
    case "linear": {
      const middle = first + Math.floor((last - first) / 2);
      return near(value(middle), start + (end - start) * ((middle - first) / (last - first)), end - start);
    }
    case "wave": {
      const { from, about, height, phase, angle } = law;
      const at = (step: number): number => factor * (about + height * maths.cos(phase + angle * (step - from)));
      return near(at(first), start, factor * height) && near(at(last), end, factor * height);
    }
    default:
      return true;
  }
}

/** `1 + r + ... + r^(n - 1)`. */
function geometric(ratio: number, count: number): number {
  const x = 1 - ratio;
  if (x === 0) return count;
  if (Math.abs(count * x) > 0.01) return (1 - maths.pow(ratio, count)) / x;
  // Near 1 the difference above would lose its digits: the binomial series of (1 - x)^n.
  let term = count, sum = count;
  for (let k = 2; k < 12; k++) sum += term *= -x * (count - k + 1) / k;
  return sum;
}

/** `sin(n a / 2) / sin(a / 2)`. */
function kernel(angle: number, count: number): number {
  return angle === 0 ? count : sine(count * angle / 2) / sine(angle / 2);
}

/** The sine of x, by the cosine; near 0 by its series, which keeps the digits. */
function sine(x: number): number {
  if (Math.abs(x) > 0.25) return maths.cos(x - Math.PI / 2);
  let term = x, sum = x;
  for (let k = 2; k < 16; k += 2) sum += term *= -x * x / (k * (k + 1));
  return sum;
}
