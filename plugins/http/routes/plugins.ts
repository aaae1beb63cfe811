/**
 * `/v1/plugins`: what the registry has, with the options' schemas.
 *
 * @module
 */
import type { Plugin } from "../../../core/plugin/contract.ts";
import type { AnySpecs } from "../../../core/plugin/options.ts";
import { optionsSchema } from "../wire/option_schema.ts";
import { refuseQuery } from "../wire/problem.ts";
import type { Answer, Incoming, Service } from "./route.ts";

/** Every plugin of a kind, or a page of them: `limit` at most, those behind `after`; `next` is the following page's `after`. */
export async function listPlugins({ asked: { kind, limit, after } }: Incoming, service: Service): Promise<Answer> {
  const plugins = await service.plugins();
  const of = plugins.filter((plugin) => kind === undefined || plugin.kind === kind);
  const keyOf = (plugin: Plugin): string => `${plugin.kind}:${plugin.name}`;
  const begin = after === undefined ? 0 : of.findIndex((plugin) => keyOf(plugin) === after) + 1;
  if (after !== undefined && begin === 0) {
    const detail = `There is no page after ${JSON.stringify(after.slice(0, 80))}: take the last answer's next`;
    refuseQuery([{ in: "query", name: "after", detail }]);
  }
  const end = begin + (limit ?? of.length);
  const page = of.slice(begin, end);
  const paged = limit !== undefined || after !== undefined;
  const next = end < of.length ? keyOf(page[page.length - 1]) : null;
  return { body: JSON.stringify({ plugins: page.map(describe), ...(paged && { next }) }) };
}

function describe({ kind, name, description, options }: Plugin): object {
  return { kind, name, description, options: optionsSchema(options as AnySpecs) };
}
