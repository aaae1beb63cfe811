/**
 * Numbers as JavaScript writes them, straight into bytes: the shortest decimals that give the same float64 again.
 *
 * A curve is numbers, and to write them is most of its answer. A thousand long ones take `JSON.stringify` 41 us in Deno and 54 in Bun, and this 19 to 33 (AMD EPYC
 * with AVX-512).
 *
 * The search among the decimals of an interval is that of Raffaello Giulietti's "The Schubfach way to render doubles" (2020), with sums of two float64 in place of
 * his 128-bit integers: from 1e-6 to 2^53 the power of ten is a float64 without error, and so is its product with the number as a sum of two (Dekker, 1971). What
 * lies outside is left to `String`.
 *
 * @module
 */
import { large } from "./held_body.ts";

/** What curves are written as. */
export type Written = string | Uint8Array<ArrayBuffer>;

/** Bytes that are being written. */
export interface Sheet {
  /** Writes a text. */
  text(text: string): void;
  /** Writes finite numbers with commas between them; -0 as 0. */
  list(values: ArrayLike<number>): void;
  /**
   * Writes steps with commas between them. They are not changed any more: who compares schedules asks for the same again, and then their text is there already,
   * which was a tenth of a curve's answer.
   */
  steps(steps: readonly number[]): void;
  /** All that is written: a text, or its bytes where it is large. Deno takes 2 us to make a text of 26 kB, and 5 for a copy of the bytes, which is copied again. */
  written(): Written;
}

/** Begins a sheet, in the same memory as the one before: what was written there must have been taken. */
export type Sheets = () => Sheet;

/** Powers of two between which numbers are written here. */
const [least, most] = [-20, 52];
/** Bytes that a number and a comma take at most: -0.0000012345678901234567. */
const longest = 32;
/** What a digit is in ASCII, and the other signs. */
const [zero, comma, minus, dot] = [48, 44, 45, 46];
const e8 = 100_000_000;
/** Splits a float64 into halves whose products are exact. */
const splitter = 2 ** 27 + 1;

/** What is the same for all numbers between two powers of two. */
interface Scales {
  /** The power of ten that leaves 16 or 17 digits before the point: its exponent, itself, and its halves. */
  readonly places: Uint8Array;
  readonly powers: Float64Array;
  readonly heads: Float64Array;
  readonly tails: Float64Array;
  /** Half of the space between two float64, times that power. */
  readonly halves: Float64Array;
}

function createScales(): Scales {
  const count = most - least + 1;
  const floats = (): Float64Array => new Float64Array(count);
  const scales: Scales = { places: new Uint8Array(count), powers: floats(), heads: floats(), tails: floats(), halves: floats() };
  for (let i = 0; i < count; i++) {
    const space = 2 ** (least + i - 52);
    let place = 0;
    while (space * Number(`1e${place}`) < 1) place++;
    const power = Number(`1e${place}`);
    const product = splitter * power;
    scales.places[i] = place;
    scales.powers[i] = power;
    scales.heads[i] = product - (product - power);
    scales.tails[i] = power - scales.heads[i];
    scales.halves[i] = space * power / 2;
  }
  return scales;
}

/** Makes what begins sheets. */
export function createSheets(): Sheets {
  const { places, powers, heads, tails, halves } = createScales();
  const pairs = Uint16Array.from({ length: 100 }, (_, i) => zero + Math.floor(i / 10) | zero + i % 10 << 8);
  const float = new Float64Array(1);
  const words = new Uint32Array(float.buffer);
  const quads = new Uint32Array(10_000);
  for (let i = 0; i < quads.length; i++) quads[i] = pairs[i / 100 | 0] | pairs[i % 100] << 16;
  let bytes = new Uint8Array(2 ** 15);
  let view = new DataView(bytes.buffer);
  let at = 0;
  const room = (more: number): void => {
    if (at + more <= bytes.length) return;
    const larger = new Uint8Array(Math.max(2 * bytes.length, at + more));
    larger.set(bytes.subarray(0, at));
    bytes = larger;
    view = new DataView(bytes.buffer);
  };
  const encoder = new TextEncoder();
  const text = (text: string): void => {
    room(3 * text.length);
    const begin = at;
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (code >= 128) {
        at = begin + encoder.encodeInto(text, bytes.subarray(begin)).written;
        return;
      }
      bytes[at++] = code;
    }
  };
  const list = (values: ArrayLike<number>): void => {
    const { length } = values;
    room(length * longest);
    // In variables of its own: what closures share is written to memory with each digit.
    const into = bytes;
    let end = at;
    for (let i = 0; i < length; i++) {
      if (i > 0) into[end++] = comma;
      end = write(into, end, values[i]);
    }
    at = end;
  };
  let lastSteps: readonly number[] = [];
  let lastText = new Uint8Array(0);
  const steps = (steps: readonly number[]): void => {
    if (isSame(steps, lastSteps)) {
      room(lastText.length);
      bytes.set(lastText, at);
      at += lastText.length;
      return;
    }
    const begin = at;
    list(steps);
    lastSteps = steps;
    lastText = bytes.slice(begin, at);
  };
  const decoder = new TextDecoder();
  const written = (): Written => at >= large ? bytes.slice(0, at) : decoder.decode(bytes.subarray(0, at));
  const sheet: Sheet = { text, list, steps, written };
  return () => {
    at = 0;
    return sheet;
  };

  /** Writes a number at a place that has room for it, and gives the place behind it. */
  function write(into: Uint8Array, at: number, value: number): number {
    if ((value | 0) === value && value > -(2 ** 31)) return writeInteger(into, at, value | 0);
    float[0] = value;
    const row = (words[1] >>> 20 & 0x7ff) - 1023 - least;
    if (row < 0 || row > most - least || Math.abs(value) < 1e-6) {
      const text = String(value);
      for (let i = 0; i < text.length; i++) into[at++] = text.charCodeAt(i);
      return at;
    }
    if (value < 0) {
      into[at++] = minus;
      value = -value;
    }
    // The number times the power of ten, as product + error.
    const power = powers[row];
    const head = heads[row];
    const tail = tails[row];
    const product = value * power;
    const split = splitter * value;
    const valueHead = split - (split - value);
    const valueTail = value - valueHead;
    const error = ((valueHead * head - product) + valueHead * tail + valueTail * head) + valueTail * tail;
    // The same as upper * 1e8 + lower + fraction, all three exact.
    const whole = Math.floor(error);
    const fraction = error - whole;
    let upper = product / e8 | 0;
    let lower = product - upper * e8 + whole | 0;
    if (lower < 0) {
      lower += e8;
      upper--;
    } else if (lower >= e8) {
      lower -= e8;
      upper++;
    }
    // Everything within half a space gives the number again. No decimal lies at just half of one here, where that depends on whether the number is even; and below a
    // power of two, where the space is half as wide, none of these powers has a shorter decimal that lies between the two.
    const half = halves[row];
    const digit = lower % 10;
    const below = digit + fraction;
    if (below < half) lower -= digit;
    else if (10 - below < half) lower += 10 - digit;
    else if (fraction !== 0.5) lower += fraction + 0.5 | 0; // up or down is as likely, so that a branch would be guessed wrong half of the time
    else if ((lower & 1) === 1) lower++;
    if (lower >= e8) {
      lower -= e8;
      upper++;
    }
    const before = (upper < e8 ? 16 : 17) - places[row];
    if (before <= 0) {
      into[at++] = zero;
      into[at++] = dot;
      for (let i = before; i < 0; i++) into[at++] = zero;
    }
    const begin = at;
    if (upper >= e8) {
      const first = upper / e8 | 0;
      into[at++] = zero + first;
      upper -= first * e8;
    }
    writeEight(view, at, upper);
    writeEight(view, at + 8, lower);
    at += 16;
    while (into[at - 1] === zero) at--;
    if (before <= 0) return at;
    const point = begin + before;
    if (at <= point) return point; // zeros before the point stay
    for (let i = at; i > point; i--) into[i] = into[i - 1]; // copyWithin takes as long as all the rest
    into[point] = dot;
    return at + 1;
  }

  function writeInteger(into: Uint8Array, at: number, value: number): number {
    if (value < 0) {
      into[at++] = minus;
      value = -value;
    }
    let size = 1;
    for (let power = 10; power <= value; power *= 10) size++;
    const end = at + size;
    let left = value | 0;
    let i = end;
    for (; size > 1; size -= 2) {
      const rest = left / 100 | 0;
      const pair = pairs[left - 100 * rest];
      into[--i] = pair >> 8;
      into[--i] = pair;
      left = rest;
    }
    if (size === 1) into[--i] = zero + left;
    return end;
  }

  /** Eight digits, with zeros before them: four at a time take a third less of a number's time than two. */
  function writeEight(view: DataView, at: number, value: number): void {
    const upper = value / 10_000 | 0;
    view.setUint32(at, quads[upper], true);
    view.setUint32(at + 4, quads[value - 10_000 * upper], true);
  }
}

function isSame(a: readonly number[], b: readonly number[]): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
