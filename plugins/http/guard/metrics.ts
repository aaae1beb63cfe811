/**
 * What the service counts: answers by route, method and status, so that their number is bounded, and looks into the cache.
 *
 * @module
 */

/** Counts an answer of one route. */
export type Count = (method: string, status: number, seconds: number) => void;

/** What was counted of one route. */
export interface Counted {
  /** By labels. */
  readonly requests: Map<string, number>;
  /** Answers within each of the bounds. */
  readonly buckets: number[];
  sum: number;
  count: number;
}

/** Counters of one app. */
export interface Metrics {
  /** What was counted, by route. */
  readonly routes: ReadonlyMap<string, Counted>;
  /** Looks into the cache that found something, and that found nothing. */
  readonly looks: { hit: number; miss: number };
  /** A route's counter. */
  route(route: string): Count;
}

/** Seconds, the bounds of the buckets. */
export const bounds: readonly number[] = [0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5];

const known: readonly string[] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/** Counters at 0. */
export function createMetrics(): Metrics {
  const routes = new Map<string, Counted>();
  // By method and status: a text that is made anew is hashed anew by each map that it is a key of.
  const labels = new Map<string, string[]>();
  const labelsOf = (method: string, status: number): string => {
    const name = known.includes(method) ? method : "other";
    const own = labels.get(name) ?? [];
    if (own.length === 0) labels.set(name, own);
    return own[status] ??= `method="${name}",status="${status}"`;
  };
  return {
    routes,
    looks: { hit: 0, miss: 0 },
    route(route) {
      // A path has one counter, whatever its methods.
      const counted = routes.get(route) ?? { requests: new Map<string, number>(), buckets: bounds.map(() => 0), sum: 0, count: 0 };
      routes.set(route, counted);
      return (method, status, seconds) => {
        const labels = labelsOf(method, status);
        counted.requests.set(labels, (counted.requests.get(labels) ?? 0) + 1);
        counted.sum += seconds;
        counted.count++;
        for (let i = bounds.length - 1; i >= 0 && seconds <= bounds[i]; i--) counted.buckets[i]++;
      };
    },
  };
}

/** workerd starts a process a request may never see again, so its counts mean nothing. */
export function isEdge(): boolean {
  return (globalThis as { navigator?: { userAgent?: string } }).navigator?.userAgent === "Cloudflare-Workers";
}
