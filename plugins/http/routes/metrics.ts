/**
 * `/metrics`: what was counted, as Prometheus reads it (text format 0.0.4).
 *
 * @module
 */
import { bounds } from "../guard/metrics.ts";
import type { Answer, Incoming, Service } from "./route.ts";

/** Answers `/metrics`. */
export function answerMetrics(_: Incoming, { metrics: { routes, looks }, rooms }: Service): Answer {
  const used = Object.values(rooms).reduce((sum, { bodies, answers }) => sum + bodies.used() + answers.used(), 0);
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
    `glissade_http_cache_total{result="hit"} ${looks.hit}`,
    `glissade_http_cache_total{result="miss"} ${looks.miss}`,
    "# HELP glissade_bytes_in_flight Bytes of bodies and large answers that are held.",
    "# TYPE glissade_bytes_in_flight gauge",
    `glissade_bytes_in_flight ${used}`,
  );
  return { body: `${lines.join("\n")}\n` };
}
