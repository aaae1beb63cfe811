/**
 * Turns of what takes long to compute: one after another, with a look at the network between two of them.
 *
 * @module
 */
import { Problem } from "../wire/problem.ts";
import { isEdge } from "./metrics.ts";

/** The turns of one app. */
export interface Turns {
  /**
   * Does work when its turn comes, and gives what it makes. `share` is how much of a turn it takes, up to 1: smaller ones are done in one turn until it is
   * full. A Problem where too many wait already, or the client has gone before the turn came.
   */
  take<T>(signal: AbortSignal, share: number, work: () => T | Promise<T>): Promise<T>;
}

/** How many turns may wait: at some 50 ms each, the last waits for a second or two. */
const mostWaiting = 32;

/** Milliseconds between two turns: connections that have closed say so, and short answers go before, which takes a few looks at the network. */
const between = 5;

const { setImmediate = setTimeout } = globalThis as { setImmediate?: (then: () => void) => unknown };

/** One look at the network, after all that is ready to run. A timer, where there is nothing else, takes a millisecond of its own. */
const look = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

/** Makes the turns. */
export function createTurns(): Turns {
  const line: { readonly share: number; readonly begin: () => void }[] = [];
  /** Turns that wait. */
  let waiting = 0;
  /** How much of this turn is taken, until the pause after it is over. */
  let taken = 0;
  /** What is being done in this turn. */
  let working = 0;
  let pause: ReturnType<typeof setTimeout> | undefined;

  const fits = (share: number): boolean => taken === 0 || taken + share <= 1;
  const begin = (share: number): void => {
    clearTimeout(pause);
    taken += share;
    working++;
  };
  const next = (): void => {
    taken = 0;
    while (line.length > 0 && fits(line[0].share)) {
      const first = line.shift()!;
      waiting = line.length === 0 ? 0 : waiting - first.share;
      begin(first.share);
      first.begin();
    }
  };
  /** The pause begins when the work is done, and what follows it at once: a timer that is set before would be over by then. */
  const end = (): void => {
    if (--working > 0) return;
    pause = setTimeout(() => pause = setTimeout(next, between), 0);
  };
  const wait = (share: number): Promise<void> => {
    if (waiting + share > mostWaiting) {
      throw new Problem("busy", "Too many wait to be computed: try again in a second", [], { "Retry-After": "1" });
    }
    waiting += share;
    return new Promise((begin) => line.push({ share, begin }));
  };
  return {
    async take(signal, share, work) {
      const done = () => {
        if (signal.aborted) throw new Problem("client-gone", "The client has gone");
        return work();
      };
      // In workerd a request may not wait for another one, and the platform bounds what each may compute.
      if (isEdge()) return done();
      if (line.length > 0 || !fits(share)) await wait(share);
      else begin(share);
      try {
        // Who fills a turn waits for one look even where nobody was there before.
        if (share >= 1) await look();
        return await done();
      } finally {
        end();
      }
    },
  };
}
