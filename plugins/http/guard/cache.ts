/**
 * Answers by URL. Bounded in bytes; the oldest go first.
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
  let used = 0;
  const sizeOf = (url: string, { body }: Cached): number => 2 * url.length + body.length + 512;
  return {
    get: (url) => answers.get(url),
    set(url, answer) {
      const size = sizeOf(url, answer);
      if (url.length > longestUrl || size > most / 16 || answers.has(url)) return;
      for (const [old, { body }] of answers) {
        if (used + size <= most) break;
        answers.delete(old);
        used -= sizeOf(old, { body } as Cached);
      }
      answers.set(url, answer);
      used += size;
    },
  };
}
