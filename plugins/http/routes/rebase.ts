/**
 * POST `/v1/rebase`: schedules over another number of updates.
 *
 * @module
 */
import { rebase } from "../../../core/plugin/rebase.ts";
import type { Use } from "../../../core/types.ts";
import { askedInBody, inBody } from "./asked_in_body.ts";
import type { Answer, Incoming, Service } from "./route.ts";
import { findIn, refusing } from "./schedules.ts";
import { whenThere } from "./shelf.ts";

/** Answers POST `/v1/rebase`. */
export function postRebase(incoming: Incoming, service: Service): Promise<Answer> {
  return askedInBody(incoming, service, async ({ schedule, from, to }) => {
    for (const [name, updates] of Object.entries({ from, to })) {
      if (updates === undefined) inBody(name, `${name} must be given: a number of updates`);
      if (updates! < 1) inBody(name, `${name} is ${updates}: it must be 1 at least`);
    }
    const find = findIn(service.schedules);
    const rebased = await whenThere(() =>
      schedule!.map((use, i) =>
        refusing(
          () => {
            const { schedule: { name, options }, notes } = rebase(find, use as Use, { from: from!, to: to! });
            return { schedule: name, options, notes };
          },
          ({ message }) => inBody(`schedule/${i}`, message),
        )
      )
    );
    return { body: JSON.stringify({ rebased }) };
  });
}
