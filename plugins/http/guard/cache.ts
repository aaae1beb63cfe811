/**
 * Answers by URL. Bounded in bytes; the oldest go first.
 *
 * The URL is the key as it came. The same schedule in other words (options in another order, defaults written out, a composition that could be simpler)
 * has an entry of its own: to know that it is the same, its options would have to be read and normalized, which is most of what an answer costs, and
 * answers give back the options as they were asked for. The page's own links have one form, so that what it asks for again is found.
 *
 * @module
 */
import type { Validated } from "../wire/etag.ts";

/** An answer that can be given again. */
export interface Cached {
  /** The body. */
  readonly body: string | Uint8Array<ArrayBuffer>;
  /** Headers beside those of every answer. */
  readonly headers: Validated;
}

/** Answers by URL. */
export interface Cache {
  /** What is known of a URL. */
  get(url: string): Cached | undefined;
  /** Keeps an answer, if it is small enough to be one of many. */
  set(url: string, answer: Cached): void;
}

const longestUrl = 4096;

/** A cache of so many bytes. */
export function createCache(most: number): Cache {
  const answers = new Map<string, Cached>();
  // The URLs from the oldest on. A map knows that order, too, but walks over all that was deleted to find its first: 8 to 14 us an answer.
  let order: string[] = [];
  let oldest = 0;
  let used = 0;
  const sizeOf = (url: string, { body }: Cached): number => 2 * url.length + body.length + 512;
  return {
    get: (url) => answers.get(url),
    set(url, answer) {
      const size = sizeOf(url, answer);
      if (url.length > longestUrl || size > most / 16 || answers.has(url)) return;
      while (used + size > most) {
        const old = order[oldest++];
        used -= sizeOf(old, answers.get(old)!);
        answers.delete(old);
      }
      if (2 * oldest > order.length) [order, oldest] = [order.slice(oldest), 0];
      answers.set(url, answer);
      order.push(url);
      used += size;
    },
  };
}
