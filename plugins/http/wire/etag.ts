/**
 * Strong validators: the hash of the library's version and of what was asked, in canonical form.
 *
 * @module
 */
import { version } from "../version.ts";

/** A quoted ETag. */
export function etagOf(canonical: string): string {
  return `"${hash(canonical, 0x811c9dc5)}${hash(canonical, 0x2f0b4c47)}"`;
}

/** True where If-None-Match has this ETag, or any. */
export function isMatch(ifNoneMatch: string | null, etag: string): boolean {
  if (ifNoneMatch === null) return false;
  return ifNoneMatch.split(",").some((one) => one.trim().replace(/^W\//, "") === etag || one.trim() === "*");
}

// FNV-1a, finished by murmur's mixer. Validators of one URL are told apart; nothing is kept secret.
function hash(text: string, seed: number): string {
  let h = seed;
  const add = (part: string): void => {
    for (let i = 0; i < part.length; i++) h = Math.imul(h ^ part.charCodeAt(i), 0x01000193);
  };
  add(version);
  add(text);
  h = Math.imul(h ^ h >>> 16, 0x85ebca6b);
  h = Math.imul(h ^ h >>> 13, 0xc2b2ae35);
  return ((h ^ h >>> 16) >>> 0).toString(36);
}
