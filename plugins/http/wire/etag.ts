/**
 * Strong validators: the hash of what is answered.
 *
 * @module
 */

/** Headers of an answer that is asked for again by its validator. */
export type Validated = Readonly<Record<string, string> & Record<"ETag" | "Cache-Control", string>>;

/** A quoted ETag of a body. */
export function etagOf(body: string): string {
  // FNV-1a from two seeds, finished by murmur's mixer. Validators of one URL are told apart; nothing is kept secret.
  let [one, two] = [0x811c9dc5, 0x2f0b4c47];
  for (let i = 0; i < body.length; i++) {
    const letter = body.charCodeAt(i);
    one = Math.imul(one ^ letter, 0x01000193);
    two = Math.imul(two ^ letter, 0x01000193);
  }
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
