/**
 * Strong validators: the hash of what is answered.
 *
 * @module
 */

/** Headers of an answer that is asked for again by its validator. */
export type Validated = Readonly<Record<string, string> & Record<"ETag" | "Cache-Control", string>>;

/** A quoted ETag of a body. */
export function etagOf(body: string | Uint8Array<ArrayBuffer>): string {
  // Two hashes of murmur's kind, of bytes a word at a time: letter by letter a curve's took a fifth of its answer. Validators of one URL are told apart;
  // nothing is kept secret. Each step keeps apart what was apart, since its factor is odd and its shift can be undone.
  let one = 0x811c9dc5 ^ body.length;
  let two = 0x2f0b4c47;
  const take = (word: number): void => {
    one = Math.imul(one ^ word, 0xcc9e2d51);
    one ^= one >>> 15;
    two = Math.imul(two ^ word, 0x1b873593);
    two ^= two >>> 13;
  };
  if (typeof body === "string") {
    for (let i = 0; i < body.length; i++) take(body.charCodeAt(i));
    return `"${mix(one)}${mix(two)}"`;
  }
  const words = new Uint32Array(body.buffer, 0, body.length >> 2); // an encoder's bytes begin their buffer
  for (let i = 0; i < words.length; i++) take(words[i]);
  for (let i = 4 * words.length; i < body.length; i++) take(body[i]);
  return `"${mix(one)}${mix(two)}"`;
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
