/**
 * Numbers as people read and write them.
 *
 * @module
 */

/** A number in few characters: 0.0025, 5e-5, 12500. */
export function showNumber(value: number, digits = 5): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "none" : value > 0 ? "∞" : "−∞";
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e9)) return Number(value).toExponential(digits - 1).replace(/\.?0*e\+?/, "e");
  return String(Number(value.toPrecision(Math.max(digits, Math.ceil(Math.log10(size + 1))))));
}

/** A number that is read beside others: as many digits each time, so that nothing jumps. */
export function showReading(value: number): string {
  const size = Math.abs(value);
  if (value === 0 || !Number.isFinite(value)) return showNumber(value);
  return size < 1e-3 || size >= 1e6 ? value.toExponential(4).replace("e+", "e") : value.toPrecision(5);
}

// Whole thousands and what follows. Between thousands stands a comma, as this page writes them; or what other languages and programmers put there.
const thousands: readonly RegExp[] = [
  /^([+-]?[1-9]\d{0,2}(?:,\d{3})+)((?:\.\d*)?(?:e[+-]?\d+)?)$/i,
  /^([+-]?[1-9]\d{0,2}(?:[\s_'’]\d{3})+)((?:[.,]\d*)?(?:e[+-]?\d+)?)$/i,
];

/**
 * What someone typed as a number; undefined if it is none, or might be another one. `10,000` is ten thousand, as the page itself writes it; a comma
 * that cannot stand between thousands stands for a point, as in `0,5` and `0,001`; what mixes two languages, as `1.000,5`, is nothing.
 */
export function readNumber(text: string): number | undefined {
  const value = Number(plainNumber(text) ?? NaN);
  return Number.isFinite(value) ? value : undefined;
}

/** The same number as a program writes it, with every digit that was typed. */
function plainNumber(text: string): string | undefined {
  let plain = narrow(text.trim());
  for (const form of thousands) plain = plain.replace(form, (_, whole: string, rest: string) => whole.replace(/[^\d+-]/g, "") + rest);
  if (/^[^.]*,[^.]*$/.test(plain)) plain = plain.replace(",", ".");
  return /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(plain) ? plain : undefined;
}

/**
 * What someone typed as numbers with commas between them; undefined if it is nothing. `500,800` and `500 800` might be one number as well as two: only
 * brackets, a space after the comma, or semicolons say which.
 */
export function readNumbers(text: string, allowed: Allowed = anyNumber): readonly number[] | undefined {
  const plain = narrow(text.trim());
  const bracketed = /^\[([^]*)\]$/.exec(plain)?.[1];
  const pieces = plain.includes(";")
    ? (bracketed ?? plain).split(";")
    : bracketed !== undefined
    ? bracketed.split(/[\s,]+/)
    : unclearNumber(plain) !== undefined
    ? ["?"]
    : plain.split(/[\s,]+/);
  const numbers = pieces.map((piece) => piece.trim()).filter((piece) => piece !== "")
    .map((piece) => readAllowed(piece, allowed));
  return numbers.includes(undefined) ? undefined : numbers as number[];
}

/** What in a list of numbers might be one number as well as several. */
export function unclearNumber(text: string): string | undefined {
  const plain = narrow(text.trim());
  if (/[[\];]/.test(plain)) return undefined;
  return plain.split(/,(?:\s+|$)/).find((part) => thousands.some((form) => form.test(part)));
}

/** Signs of full width, as keyboards for Chinese and Japanese give them, as they are elsewhere; and a minus as `-`. */
function narrow(text: string): string {
  return text.replace(/[\uff01-\uff5e]/g, (sign) => String.fromCharCode(sign.charCodeAt(0) - 0xfee0)).replaceAll("−", "-");
}

/** 1, 2 or 5 times a power of ten, at least `value`. */
export function niceAbove(value: number): number {
  const exponent = Math.floor(Math.log10(value) + 1e-9);
  for (const factor of [1, 2, 5, 10]) {
    const nice = Number(`${factor}e${exponent}`);
    if (nice >= value * (1 - 1e-9)) return nice;
  }
  return value;
}

/** Which numbers may be typed somewhere. */
export interface Allowed {
  /** The same for people. */
  readonly words: string;
  /** Whether a number is one of them; `written` is what was typed, with a point before its fraction and nothing between its thousands. */
  fits(value: number, written: string): boolean;
}

/** Every number. */
export const anyNumber: Allowed = { words: "A number, such as 0.5 or 5e-5", fits: () => true };

/** Numbers above 0. */
export const aboveZero: Allowed = { words: "A number above 0, such as 0.5 or 5e-5", fits: (value) => value > 0 };

/** Numbers from 0 on. */
export const fromZero: Allowed = { words: "A number from 0, such as 0.1", fits: (value) => value >= 0 };

/** Hundredths of a whole. */
export const percents: Allowed = { words: "A number from 0 to 100", fits: (value) => value >= 0 && value <= 100 };

/** A fraction of zeros alone, or one that may be thousands: in many languages 10.000 is ten thousand, and 1.500 is fifteen hundred. */
const unclearFraction = /\.0*(?:e|$)|^[+-]?[1-9]\d{0,2}\.\d{3}$/i;

/** Numbers of steps. Some are fractions, but those that a reader may take for thousands are not guessed at. */
export const numberOfSteps: Allowed = {
  words: "A number of steps, such as 1000 or 2.5: 10.000 might be ten, or ten thousand",
  fits: (_, written) => !unclearFraction.test(written),
};

/** Whole numbers between two, both allowed. They are written without a fraction, be it 0: see {@linkcode numberOfSteps}. Powers of ten may have one: 1.5e3. */
export function wholeNumbers(least: number, most: number = Number.MAX_SAFE_INTEGER): Allowed {
  return {
    words: most === Number.MAX_SAFE_INTEGER
      ? `A whole number, ${least} or more`
      : `A whole number from ${least} to ${most.toLocaleString("en")}`,
    fits: (value, written) =>
      Number.isSafeInteger(value) && value >= least && value <= most && (!written.includes(".") || /\.\d*[1-9]e/i.test(written)),
  };
}

/** What someone typed as one of the allowed numbers; undefined if it is none. */
export function readAllowed(text: string, { fits }: Allowed): number | undefined {
  const value = readNumber(text);
  return value !== undefined && fits(value, plainNumber(text)!) ? value : undefined;
}
