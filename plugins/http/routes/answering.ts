/**
 * From a request to a row of the table: what is asked is read as the row says, and the row's own function answers.
 *
 * @module
 */
import type { SchedulePlugin } from "../../../core/plugin/contract.ts";
import type { AnySpecs } from "../../../core/plugin/options.ts";
import { titleOf } from "../../../core/plugin/use.ts";
import type { Handler } from "../serve.ts";
import { splitSuffix } from "../wire/curve.ts";
import { type Form, mediaTypes } from "../wire/media.ts";
import { type ParameterName, readParameters } from "../wire/parameters.ts";
import { type Fault, refuseQuery } from "../wire/problem.ts";
import { optionReader, parseQuery, type ReadOptions, strayFaults } from "../wire/query.ts";
import { parametersOf, type Route, type Service, then } from "./route.ts";
import { scheduleOf } from "./schedules.ts";
import { whenThere } from "./shelf.ts";

/** What answers one path of a route: reads what is asked, and hands it to the row's own function. */
export function answering(route: Route, ofPath: Form, service: Service): Handler {
  const { bySuffix, takesOptions, method } = route;
  const asks = route.parameters.length > 0 || route.body !== undefined;
  const { schedules, limits } = service;
  const namesOf: Partial<Record<Form, readonly ParameterName[]>> = {};
  const readers = new Map<SchedulePlugin, ReadOptions>();
  const readerOf = (plugin: SchedulePlugin): ReadOptions => {
    const reader = readers.get(plugin) ?? optionReader(titleOf(plugin), plugin.options as AnySpecs);
    readers.set(plugin, reader);
    return reader;
  };
  const answer: Handler = (context, tenant) => {
    const request = context.req.raw;
    const named = context.req.param("name") ?? "";
    const { name, form } = bySuffix && named !== "" ? splitSuffix(named) : { name: named, form: ofPath };
    const plugin = takesOptions ? scheduleOf(schedules, name) : undefined;
    const specs = (plugin?.options ?? {}) as AnySpecs;
    // A page or a probe asks nothing of its query, and whoever links to it may put there what he likes.
    const query = asks ? parseQuery(request.url) : new Map();
    // A POST asks in its body.
    const names = method === "GET" ? namesOf[form] ??= parametersOf(route, form) : [];
    const stray = strayFaults(query, specs, names, ["schedule"]);
    if (stray.length > 0) refuseQuery(stray);
    const faults: Fault[] = [];
    const values = plugin === undefined ? {} : readerOf(plugin)(query, faults);
    const asked = readParameters(query, names, limits, faults);
    if (faults.length > 0) refuseQuery(faults);
    const answered = route.answer({ route, request, tenant, name, form, asked, options: values }, service);
    // Written out, as what every answer goes through: to copy the rest of an object takes Bun a twentieth of a value's answer.
    return then(answered, ({ status, body, headers }) => {
      const all = headers === undefined ? formHeaders[form] : { ...formHeaders[form], ...headers };
      return status === undefined ? { body, headers: all } : { status, body, headers: all };
    });
  };
  // A GET keeps nothing, so that it may begin again; a POST has read its body by then, and sees to it itself.
  return method === "GET" ? (context, tenant) => whenThere(() => answer(context, tenant)) : answer;
}

const headersOf = (form: Form): Readonly<Record<string, string>> => ({ "Content-Type": mediaTypes[form] });

const formHeaders: Readonly<Record<Form, Readonly<Record<string, string>>>> = {
  json: headersOf("json"),
  csv: headersOf("csv"),
  f64: headersOf("f64"),
  svg: { ...headersOf("svg"), "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'" },
  html: headersOf("html"),
  text: headersOf("text"),
  safetensors: headersOf("safetensors"),
};
