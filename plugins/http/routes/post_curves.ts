/**
 * POST `/v1/curves`: the parameters of a GET as keys of a JSON body.
 *
 * @module
 */
import { writeCurves } from "../wire/curve.ts";
import { askedInBody, inBody } from "./asked_in_body.ts";
import type { Answer, Incoming, Service } from "./route.ts";
import { computedFor, curvesInBody, inTurn, pointsWithin, refusing } from "./schedules.ts";

/** Answers it. */
export function postCurves(incoming: Incoming, service: Service): Promise<Answer> {
  const { request, form } = incoming;
  return askedInBody(incoming, service, async (asked) => {
    const { length } = asked.schedule!;
    const points = pointsWithin(asked, form, length, service.limits, inBody);
    const curves = await curvesInBody(asked, service, inBody);
    return await refusing(
      () =>
        inTurn(service, request, computedFor(form, points, asked, length), () => writeCurves(form, curves, points, asked, service.sheets)),
      ({ message }) => inBody("schedule", message),
    );
  });
}
