/**
 * Which URLs were asked for before, as far as is remembered.
 *
 * What is asked for once is not worth a place among the answers: where no URL comes twice, keeping every answer took Deno's collector a sixth of the time, and
 * looking for it a twentieth; and the process held twice the memory.
 *
 * @module
 */
import { hashInto } from "../wire/etag.ts";

/** Says whether a URL was asked for before, and remembers it. Now and then it forgets one, or takes a new one for one that it knows. */
export type Seen = (url: string) => boolean;

/** URLs that are remembered at most: a power of two. */
const most = 8192;

/** Remembers nothing yet. */
export function createSeen(): Seen {
  // Hashes, each in a place of its own until another one takes it.
  const hashes = new Uint32Array(most);
  return (url) => {
    const hash = hashOf(url);
    const place = hash % most;
    if (hashes[place] === hash) return true;
    hashes[place] = hash;
    return false;
  };
}

/** Never 0, which stands where nothing is remembered. */
function hashOf(url: string): number {
  let hash = url.length;
  for (let i = 0; i < url.length; i++) hash = hashInto(hash, url.charCodeAt(i));
  return hash >>> 0 || 1;
}
