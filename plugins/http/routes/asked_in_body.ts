/**
 * What a POST asks in its JSON body: the parameters of its row as keys.
 *
 * @module
 */
import type { Limits } from "../guard/limits.ts";
import { readBody } from "../wire/body.ts";
import { parseJsonBytes } from "../wire/json_body.ts";
import { type Asked, faultOf, type ParameterName, parameters } from "../wire/parameters.ts";
import { pointerTo, refuseBody } from "../wire/problem.ts";
import { type Answer, type Incoming, parametersOf, type Service } from "./route.ts";

/** Bytes of a body that asks for schedules. */
const largestBody = 2 ** 20;

/** Refuses a key of the body. */
export const inBody = (name: string, detail: string, allowed?: readonly unknown[]): never => refuseBody(`/${name}`, detail, allowed);

/** Reads what is asked, and answers it while the body's room is held. */
export async function askedInBody(
  { route, request, tenant, form }: Incoming,
  { limits, rooms: { curves: room } }: Service,
  answer: (asked: Asked) => Promise<Answer>,
): Promise<Answer> {
  const hold = room.bodies.hold(tenant);
  try {
    const { bytes, free } = await readBody(request, Math.min(limits.jsonBytes, largestBody), limits, room, tenant, hold);
    const body = parseJsonBytes(bytes, { keys: 1024, list: 2 * limits.points });
    free();
    return await answer(takeParameters(body, parametersOf(route, form), limits));
  } finally {
    hold.release();
  }
}

/** Takes parameters from a JSON body; the first that is wrong is refused. */
function takeParameters(body: unknown, names: readonly ParameterName[], limits: Required<Limits>): Asked {
  if (typeof body !== "object" || body === null || Array.isArray(body)) return refuseBody("", "The body must be an object");
  const given = body as Readonly<Record<string, unknown>>;
  const aliases = names.flatMap((name) => parameters[name].alias ?? []);
  for (const key of Object.keys(body)) {
    const known: readonly string[] = [...names, ...aliases];
    if (!known.includes(key)) refuseBody(pointerTo(key), `There is no ${JSON.stringify(key.slice(0, 80))} here`, known);
  }
  const asked: Record<string, unknown> = {};
  for (const name of names) {
    const { type, alias } = parameters[name];
    const other = alias === undefined ? undefined : given[alias];
    if (given[name] !== undefined && other !== undefined) refuseBody(`/${alias}`, `Give either ${name} or ${alias}`);
    const value = given[name] ?? other ?? given[name];
    if (value === undefined && type !== "schedules") continue;
    const isList = Array.isArray(value) || type !== "numbers" && type !== "schedules";
    asked[name] = isList ? value : value === undefined ? [] : [value];
    const fault = faultOf(name, asked[name], limits);
    if (fault !== undefined) refuseBody(`/${name}`, fault.detail, fault.allowed);
  }
  return asked;
}
