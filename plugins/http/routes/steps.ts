/**
 * `/v1/steps`: reads tensors, takes one step, writes tensors.
 *
 * @module
 */
import type { Plugin } from "../../../core/plugin/contract.ts";
import type { Backend, BackendName } from "../../../core/types.ts";
import { readBody } from "../wire/body.ts";
import { acceptedForm, mediaTypes, tensorFormOf } from "../wire/media.ts";
import { noMemory, Problem } from "../wire/problem.ts";
import { readTensors, writeTensors } from "../wire/tensors.ts";
import type { Service } from "./route.ts";
import { createStepper, isPlain } from "./stepper.ts";

/** Bytes of a body that takes long enough to wait for its turn. */
const long = 2 ** 17;

/** Makes what answers `/v1/steps`. */
export function createSteps(plugins: readonly Plugin[], backend: Backend | BackendName | undefined): Service["step"] {
  const stepper = createStepper(plugins, backend);
  return async ({ request, tenant }, { limits, rooms, turns }) => {
    const form = tensorFormOf(request.headers);
    const accepted = acceptedForm(request.headers, form);
    const hold = rooms.steps.bodies.hold(tenant);
    let free = (): void => {};
    try {
      const most = form === "json" ? limits.jsonBytes : limits.bodyBytes;
      const { bytes, ...read } = await readBody(request, most, limits, rooms.steps, tenant, hold);
      free = read.free;
      if (bytes.length >= long) await turns.take(request.signal);
      const body = readTensors(form, bytes, limits, stepper.backend());
      const stepped = stepper.step(body);
      const size = Object.values(stepped.tensors).reduce((sum, { data }) => sum + data.byteLength, 0);
      if (size > limits.bytesInFlight) {
        throw new Problem("body-too-large", `The new state takes ${size} bytes, and at most ${limits.bytesInFlight} are ever sent`);
      }
      const isBare = accepted === "json" && isPlain(stepped.metadata, stepped.tensors);
      const written = isBare ? { ...stepped, metadata: {} } : stepped;
      return {
        body: writeTensors(accepted, form, written, limits, stepper.backend()),
        headers: { "Content-Type": mediaTypes[accepted] },
      };
    } catch (error) {
      // Of the answer's bytes, which a runtime could not give; what the request is to blame for is a Problem by now.
      throw error instanceof RangeError ? noMemory() : error;
    } finally {
      free();
      hold.release();
    }
  };
}
