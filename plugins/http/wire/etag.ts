/**
 * Strong validators: the hash of what is answered.
 *
 * @module
 */

/** Headers of an answer that is asked for again by its validator. */
export type Validated = Readonly<Record<string, string> & Record<"ETag" | "Cache-Control", string>>;

/** A quoted ETag of a body. */
export function etagOf(body: string | Uint8Array<ArrayBuffer>): string {
  // Two hashes of murmur's kind, of bytes two words at a time: letter by letter a curve's took a fifth of its answer, and word by word an eighth, since each word
  // waited for the one before. Validators of one URL are told apart; nothing is kept secret.
  let one = 0x811c9dc5 ^ body.length;
  let two = 0x2f0b4c47;
  if (typeof body === "string") {
    for (let i = 0; i < body.length; i++) {
      one = hashInto(one, body.charCodeAt(i));
      two = second(two, body.charCodeAt(i));
    }
    return `"${mix(one)}${mix(two)}"`;
  }
  let three = 0x9747b28c;
  let four = 0x5bd1e995;
  const words = new Uint32Array(body.buffer, 0, body.length >> 2); // what is answered begins its buffer
  const even = words.length & ~1;
  for (let i = 0; i < even; i += 2) {
    one = hashInto(one, words[i]);
    two = second(two, words[i]);
    three = hashInto(three, words[i + 1]);
    four = second(four, words[i + 1]);
  }
  // By the other one's step, or a bit that is changed here would be the same as one that is changed there.
  one = hashInto(one, second(three, 0));
  two = second(two, hashInto(four, 0));
  for (let i = 4 * even; i < body.length; i++) {
    one = hashInto(one, body[i]);
    two = second(two, body[i]);
  }
  return `"${mix(one)}${mix(two)}"`;
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

function mix(h: number): string {
  h = Math.imul(h ^ h >>> 16, 0x85ebca6b);
  h = Math.imul(h ^ h >>> 13, 0xc2b2ae35);
  return ((h ^ h >>> 16) >>> 0).toString(36);
}
