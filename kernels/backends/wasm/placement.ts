/**
 * Where a tensor lies beside others that are read in step with it.
 *
 * Two things are slow where addresses differ by a multiple of a large power of two (bench/placement.ts shows both on any machine; figures are of a rule over
 * four tensors on an AMD EPYC 7003, nanoseconds a parameter, one thread):
 *
 * - A first-level cache that guesses its way from a hash of the address' bits holds only one of two lines with the same hash and the same place
 *   in their 4 KiB ("Take A Way", Lipp et al., 2020, found bits 12 to 19 each xored with one of 20 to 27). Four tensors of 1 Mi float32 with
 *   128 KiB between them take 2.03 instead of .87, of 64 Mi with nothing between them 4.04 instead of .89. Which addresses that meets depends on where
 *   the system puts the memory, but not at other places in 4 KiB: there 128 bytes are as good as 1,088.
 * - Tensors larger than the caches fight for the banks of the memory: 16 Mi take 1.05 with up to 1 KiB between them, .98 with 4 KiB, .92 with 8 and 16,
 *   .90 from 32 KiB on.
 *
 * Pages that nobody touches cost no memory, and what is left out is given to smaller tensors.
 *
 * @module
 */

const line = 64;
const page = 4096;
/** Of how many tensors of `allocate` a new one is kept apart. Five have room at distances of `inPage`, and each costs a look at every address. */
export const mostApart = 5;

// Eight tensors have places in a page that are so far apart.
const inPage = page / 8;
const inBanks = 1 << 20;
const farthest = 1 << 16;
const nearest = 1 << 15;

/** Most bytes that may be left out before a tensor: 4 KiB, or a hundredth of it. */
const most = (bytes: number): number => Math.max(page, Math.floor(bytes / 100));

/** Whether addresses are so far from each other, the shorter way round a ring of so many bytes. Distances and rings are powers of two. */
function isApart(a: number, b: number, distance: number, ring: number): boolean {
  const around = (a - b) & (ring - 1);
  return around >= distance && ring - around >= distance;
}

/** How far from others a tensor lies among the banks; 0: it is too small for that. */
function distanceInBanks(bytes: number): number {
  const distance = Math.min(farthest, bytes / 100);
  return distance < nearest ? 0 : distance < farthest ? nearest : farthest;
}

/**
 * The first address from `begin` on where a tensor lies apart from others at these addresses; where none is near enough, the first at another place
 * of 4 KiB; or `begin`. Tensors of less than 4 KiB lie anywhere.
 */
export function apart(begin: number, bytes: number, others: readonly number[]): number {
  if (bytes < page || others.length === 0) return begin;
  const distance = distanceInBanks(bytes);
  const inOtherPlaces = (at: number): boolean => others.every((other) => isApart(at, other, inPage, page));
  const inOtherBanks = (at: number): boolean => others.every((other) => isApart(at, other, distance, inBanks));
  return first(begin, most(bytes), (at) => inOtherPlaces(at) && inOtherBanks(at)) ?? first(begin, page, inOtherPlaces) ?? begin;
}

function first(begin: number, most: number, fits: (at: number) => boolean): number | undefined {
  for (let at = begin; at - begin <= most; at += line) if (fits(at)) return at;
  return undefined;
}
