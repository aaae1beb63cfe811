/**
 * Turns of what takes long to compute: one after another, with a look at the network between two of them.
 *
 * @module
 */
import { Problem } from "../wire/problem.ts";
import { isEdge } from "./metrics.ts";

/** The turns of one app. */
export interface Turns {
  /** Waits for a turn; a Problem where too many wait already, or the client has gone before it came. */
  take(signal: AbortSignal): Promise<void>;
}

/** How many may wait: at some 50 ms each, the last waits for a second or two. */
const mostWaiting = 32;

/** Milliseconds between two turns: connections that have closed say so, and short answers go before, which takes a few looks at the network. */
const between = 5;

/** Makes the turns. */
export function createTurns(): Turns {
  let waiting = 0;
  let last: Promise<unknown> = Promise.resolve();
  const next = async (before: Promise<unknown>, pause: number): Promise<void> => {
    await before;
    await new Promise((resolve) => setTimeout(resolve, pause));
  };
  return {
    async take(signal) {
      // In workerd a request may not wait for another one, and the platform bounds what each may compute.
      if (!isEdge()) {
        if (waiting >= mostWaiting) {
          throw new Problem("busy", "Too many wait to be computed: try again in a second", [], { "Retry-After": "1" });
        }
        // Who finds nobody there waits for one look alone.
        last = next(last, waiting++ === 0 ? 0 : between);
        try {
          await last;
        } finally {
          waiting--;
        }
      }
      if (signal.aborted) throw new Problem("client-gone", "The client has gone");
    },
  };
}
