/**
 * What the service counts, as Prometheus reads it (text format 0.0.4). Labels are routes, methods and statuses, so their number is bounded.
 *
 * @module
 */

/** Counters of one app. */
export interface Metrics {
  /** Counts an answer. */
  count(route: string, method: string, status: number, seconds: number): void;
  /** Counts a look into the cache. */
  cached(hit: boolean): void;
  /** All of it as text. `gauges` are read now: name to help and value. */
  text(gauges: Readonly<Record<string, readonly [help: string, value: number]>>): string;
}

const bounds = [0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5];

/** Counters at 0. */
export function createMetrics(): Metrics {
  const requests = new Map<string, number>();
  const times = new Map<string, { readonly buckets: number[]; sum: number; count: number }>();
  let hits = 0;
  let misses = 0;
  const known = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);
  return {
    count(route, method, status, seconds) {
      const key = `route="${route}",method="${known.has(method) ? method : "other"}",status="${status}"`;
      requests.set(key, (requests.get(key) ?? 0) + 1);
      let time = times.get(route);
      if (time === undefined) times.set(route, time = { buckets: bounds.map(() => 0), sum: 0, count: 0 });
      time.sum += seconds;
      time.count++;
      for (let i = bounds.length - 1; i >= 0 && seconds <= bounds[i]; i--) time.buckets[i]++;
    },
    cached(hit) {
      if (hit) hits++;
      else misses++;
    },
    text(gauges) {
      const lines = [
        "# HELP glissade_http_requests_total Answers by route, method and status.",
        "# TYPE glissade_http_requests_total counter",
        ...[...requests].map(([key, value]) => `glissade_http_requests_total{${key}} ${value}`),
        "# HELP glissade_http_request_seconds Time from the request's header to the answer's.",
        "# TYPE glissade_http_request_seconds histogram",
      ];
      for (const [route, { buckets, sum, count }] of times) {
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
