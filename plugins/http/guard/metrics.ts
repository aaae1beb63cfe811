/**
 * What the service counts, as Prometheus reads it (text format 0.0.4). Labels are routes, methods and statuses, so their number is bounded.
 *
 * @module
 */

/** Counts an answer of one route. */
export type Count = (method: string, status: number, seconds: number) => void;

/** Counters of one app. */
export interface Metrics {
  /** A route's counter. */
  route(route: string): Count;
  /** Counts a look into the cache. */
  cached(hit: boolean): void;
  /** All of it as text. `gauges` are read now: name to help and value. */
  text(gauges: Readonly<Record<string, readonly [help: string, value: number]>>): string;
}

interface Counted {
  /** By labels. */
  readonly requests: Map<string, number>;
  readonly buckets: number[];
  sum: number;
  count: number;
}

const bounds = [0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5];

/** Counters at 0. */
export function createMetrics(): Metrics {
  const routes = new Map<string, Counted>();
  let hits = 0;
  let misses = 0;
  const known = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);
  return {
    route(route) {
      // A path has one counter, whatever its methods.
      const counted = routes.get(route) ?? { requests: new Map<string, number>(), buckets: bounds.map(() => 0), sum: 0, count: 0 };
      routes.set(route, counted);
      return (method, status, seconds) => {
        const labels = `method="${known.has(method) ? method : "other"}",status="${status}"`;
        counted.requests.set(labels, (counted.requests.get(labels) ?? 0) + 1);
        counted.sum += seconds;
        counted.count++;
        for (let i = bounds.length - 1; i >= 0 && seconds <= bounds[i]; i--) counted.buckets[i]++;
      };
    },
    cached(hit) {
      if (hit) hits++;
      else misses++;
    },
    text(gauges) {
      const lines = [
        "# HELP glissade_http_requests_total Answers by route, method and status.",
        "# TYPE glissade_http_requests_total counter",
        ...[...routes].flatMap(([route, { requests }]) =>
          [...requests].map(([labels, value]) => `glissade_http_requests_total{route="${route}",${labels}} ${value}`)
        ),
        "# HELP glissade_http_request_seconds Time from the request's header to the answer's.",
        "# TYPE glissade_http_request_seconds histogram",
      ];
      for (const [route, { buckets, sum, count }] of routes) {
        if (count === 0) continue;
        bounds.forEach((bound, i) => lines.push(`glissade_http_request_seconds_bucket{route="${route}",le="${bound}"} ${buckets[i]}`));
        lines.push(`glissade_http_request_seconds_bucket{route="${route}",le="+Inf"} ${count}`);
        lines.push(`glissade_http_request_seconds_sum{route="${route}"} ${sum}`);
        lines.push(`glissade_http_request_seconds_count{route="${route}"} ${count}`);
      }
      lines.push(
        "# HELP glissade_http_cache_total Looks into the cache of answers.",
        "# TYPE glissade_http_cache_total counter",
        `glissade_http_cache_total{result="hit"} ${hits}`,
        `glissade_http_cache_total{result="miss"} ${misses}`,
      );
      for (const [name, [help, value]] of Object.entries(gauges)) {
        lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} gauge`, `${name} ${value}`);
      }
      return `${lines.join("\n")}\n`;
    },
  };
}

/** workerd starts a process a request may never see again, so its counts mean nothing. */
export function isEdge(): boolean {
  return (globalThis as { navigator?: { userAgent?: string } }).navigator?.userAgent === "Cloudflare-Workers";
}
