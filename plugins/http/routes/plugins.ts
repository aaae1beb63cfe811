/**
 * `/v1/plugins`: what the registry has, with the options' schemas.
 *
 * @module
 */
import type { AnySpecs } from "../../../core/plugin/options.ts";
import type { Plugin } from "../../../core/plugin/contract.ts";
import { optionsSchema } from "../wire/option_schema.ts";
import { refuseQuery } from "../wire/problem.ts";
import { numberOf, parseQuery, refuseStray } from "../wire/query.ts";

const kinds = ["optimizer", "schedule", "accumulator", "transform"];

/** Every plugin of a kind, or a page of them: `limit` at most, those behind `after`; `next` is the following page's `after`. */
export function listPlugins(plugins: readonly Plugin[], url: string): { readonly canonical: string; readonly body: string } {
  const query = parseQuery(url);
  refuseStray(query, ["kind", "limit", "after"]);
  const [kind, limit, after] = ["kind", "limit", "after"].map((name) => query.get(name)?.[0]);
  if (kind !== undefined && !kinds.includes(kind)) {
    refuseQuery([{ in: "query", name: "kind", detail: `There is no kind ${JSON.stringify(kind.slice(0, 80))}`, allowed: kinds }]);
  }
  const of = plugins.filter((plugin) => kind === undefined || plugin.kind === kind);
  const keyOf = (plugin: Plugin): string => `${plugin.kind}:${plugin.name}`;
  const size = limit === undefined ? of.length : numberOf(limit) ?? NaN;
  if (limit !== undefined && !(Number.isInteger(size) && size >= 1 && size <= 100)) {
    refuseQuery([{ in: "query", name: "limit", detail: `limit = ${limit.slice(0, 80)}: it must be an integer from 1 to 100` }]);
  }
  const begin = after === undefined ? 0 : of.findIndex((plugin) => keyOf(plugin) === after) + 1;
  if (after !== undefined && begin === 0) {
    refuseQuery([{
      in: "query",
      name: "after",
      detail: `There is no page after ${JSON.stringify(after.slice(0, 80))}: take the last answer's next`,
    }]);
  }
  const page = of.slice(begin, begin + size);
  const paged = limit !== undefined || after !== undefined;
  const next = begin + size < of.length ? keyOf(page[page.length - 1]) : null;
  const body = JSON.stringify({ plugins: page.map(describe), ...(paged && { next }) });
  return { canonical: `plugins ${body}`, body };
}

function describe({ kind, name, description, options }: Plugin): object {
  return { kind, name, description, options: optionsSchema(options as AnySpecs) };
}
