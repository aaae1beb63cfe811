/**
 * Strong validators: the hash of what is answered.
 *
 * @module
 */

/** Headers of an answer that is asked for again by its validator. */
export type Validated = Readonly<Record<string, string> & Record<"ETag" | "Cache-Control", string>>;

import { large } from "./held_body.ts";

/** A body as it is kept, and its validator. */
export interface Tagged {
  /** A text where it is short and all ASCII, so that its letters are as many as its bytes. */
  readonly body: string | Uint8Array<ArrayBuffer>;
  /** A quoted ETag. */
  readonly etag: string;
}

// What is hashed of a text, until the next one is: to encode 26 kB into bytes of their own takes Deno 7 us, and into these half of one.
const bytes = new Uint8Array(3 * large);
const words = new Uint32Array(bytes.buffer);
const encoder = new TextEncoder();

/**
 * The validator of a body, and what is kept of it. A text stays one: of 26 kB a runtime sends it in half the time that it takes to make bytes and send those, in Deno.
 * The bytes of what is large, and goes in pieces, are made once.
 */
export function tagged(body: string | Uint8Array<ArrayBuffer>): Tagged {
  if (typeof body !== "string") return { body, etag: etagOf(body) };
  if (body.length >= large) return tagged(encoder.encode(body));
  const { written } = encoder.encodeInto(body, bytes);
  return { body: written === body.length ? body : bytes.slice(0, written), etag: hashed(words, bytes, written) };
}

/** A quoted ETag of bytes. */
export function etagOf(body: Uint8Array<ArrayBuffer>): string {
  return hashed(new Uint32Array(body.buffer, 0, body.length >> 2), body, body.length); // what is answered begins its buffer
}

/** Of the first so many bytes, which stand in words too. */
function hashed(words: Uint32Array, bytes: Uint8Array, length: number): string {
  // Hashes of murmur's kind, of words in four lanes: letter by letter a curve's took a fifth of its answer, and in one lane an eighth, since each word waited for the
  // one before. Two hashes of every word took twice as long as one; both of the lanes' ends tell as much of bodies that differ in more than one lane, and a lane whose
  // words differ in one place ends otherwise for certain. Validators of one URL are told apart; nothing is kept secret.
  let a = 0x9747b28c;
  let b = 0x5bd1e995;
  let c = 0x811c9dc5;
  let d = 0x2f0b4c47;
  const whole = length >> 2 & ~3;
  for (let i = 0; i < whole; i += 4) {
    a = hashInto(a, words[i]);
    b = second(b, words[i + 1]);
    c = hashInto(c, words[i + 2]);
    d = second(d, words[i + 3]);
  }
  let one = hashInto(hashInto(hashInto(hashInto(length, a), b), c), d);
  let two = second(second(second(second(~length, d), c), b), a);
  for (let i = 4 * whole; i < length; i++) {
    one = hashInto(one, bytes[i]);
    two = second(two, bytes[i]);
  }
  return quoted(mix(one), mix(two));
}

/** A hash with another word in it: a step of murmur's kind. Hashes that were apart stay apart, since the factor is odd and the shift can be undone. */
export function hashInto(hash: number, word: number): number {
  const mixed = Math.imul(hash ^ word, 0xcc9e2d51);
  return mixed ^ mixed >>> 15;
}

// The same with other numbers.
function second(hash: number, word: number): number {
  const mixed = Math.imul(hash ^ word, 0x1b873593);
  return mixed ^ mixed >>> 13;
}

/** True where If-None-Match has this ETag, or any. */
export function isMatch(ifNoneMatch: string | null, etag: string): boolean {
  if (ifNoneMatch === null) return false;
  return ifNoneMatch.split(",").some((one) => one.trim().replace(/^W\//, "") === etag || one.trim() === "*");
}

function mix(h: number): number {
  h = Math.imul(h ^ h >>> 16, 0x85ebca6b);
  h = Math.imul(h ^ h >>> 13, 0xc2b2ae35);
  return h ^ h >>> 16;
}

/** Of 64 letters, so that two words take eleven; `toString(36)` of them is half of a value's validator in Deno. */
const letters = Uint8Array.from("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", (letter) => letter.charCodeAt(0));
const quote = 34;

function quoted(one: number, two: number): string {
  return String.fromCharCode(
    quote,
    letters[one & 63],
    letters[one >>> 6 & 63],
    letters[one >>> 12 & 63],
    letters[one >>> 18 & 63],
    letters[one >>> 24 & 63],
    letters[one >>> 30 | two >>> 30 << 2],
    letters[two & 63],
    letters[two >>> 6 & 63],
    letters[two >>> 12 & 63],
    letters[two >>> 18 & 63],
    letters[two >>> 24 & 63],
    quote,
  );
}
