/**
 * `/v1/schedules/{name}/facts` and POST `/v1/facts`: questions about schedules over a range.
 *
 * @module
 */
import { type Facts, factsOf } from "../../../core/facts.ts";
import type { Curve } from "../wire/curve.ts";
import type { Asked } from "../wire/parameters.ts";
import { refuseQuery } from "../wire/problem.ts";
import { askedInBody, inBody } from "./asked_in_body.ts";
import type { Answer, Incoming, Service } from "./route.ts";
import { curveInQuery, curvesInBody, inTurn, refusing } from "./schedules.ts";

/** Steps that are asked one by one for a request, of all its schedules and groups together. */
const mostAsked = 1_000_000;
/** Numbers that take a whole turn: what has no closed form may take as long. */
const turnful = 20_000;

/** Answers `/v1/schedules/{name}/facts`. */
export function getFacts(incoming: Incoming, service: Service): Answer | Promise<Answer> {
  const { request, asked } = incoming;
  const inQuery = (name: string, detail: string): never => refuseQuery([{ in: "query", name, detail }]);
  checkEnds(asked, inQuery);
  const curve = curveInQuery(incoming, service);
  return refusing(
    () =>
      inTurn(service, request, numbersOf(asked, 1), () => {
        const [facts] = factsIn([curve], asked);
        return JSON.stringify({ schedule: curve.name, options: curve.options, facts });
      }),
    ({ message }) => inQuery("to", message),
  );
}

/** Answers POST `/v1/facts`. */
export function postFacts(incoming: Incoming, service: Service): Promise<Answer> {
  return askedInBody(incoming, service, async (asked) => {
    checkEnds(asked, inBody);
    const curves = await curvesInBody(asked, service, inBody);
    return await refusing(
      () =>
        inTurn(service, incoming.request, numbersOf(asked, curves.length), () => {
          const answers = factsIn(curves, asked);
          return JSON.stringify({ facts: curves.map(({ name, options }, i) => ({ schedule: name, options, facts: answers[i] })) });
        }),
      ({ message }) => inBody("to", message),
    );
  });
}

function checkEnds({ from, to }: Asked, refuse: (name: string, detail: string) => never): void {
  for (const [name, step] of Object.entries({ from, to })) {
    if (step === undefined) refuse(name, `Parameter ${name} must be given: facts are of a range, from and to`);
  }
  if (from! > to!) refuse("to", `to = ${to} lies before from = ${from}`);
}

/** A schedule may be asked at each step; how many, only the laws of its stretches say. */
function numbersOf({ from, to, lr = [1] }: Asked, curves: number): number {
  return Math.min(turnful, (to! - from! + 1) * lr.length * curves);
}

/** Of each schedule, the facts of each group. */
function factsIn(curves: readonly Curve[], { from, to, lr = [1], below, above, weightDecay, share }: Asked): readonly (readonly Facts[])[] {
  const range = {
    from: from! + 0, // no -0
    to: to! + 0,
    ...below !== undefined && { below },
    ...above !== undefined && { above },
    ...weightDecay !== undefined && { weightDecay },
    ...share !== undefined && { share },
  };
  const each = Math.floor(mostAsked / (curves.length * lr.length));
  return curves.map(({ schedule }) => lr.map((base, group) => factsOf(schedule, { ...range, base }, group, each)));
}
