/**
 * `/v1/steps`: reads tensors, takes one step, writes tensors.
 *
 * @module
 */
import type { Plugin } from "../../../core/plugin/contract.ts";
import type { Backend, BackendName } from "../../../core/types.ts";
import { readBody } from "../wire/body.ts";
import { acceptedForm, mediaTypes, tensorFormOf } from "../wire/media.ts";
import { Problem } from "../wire/problem.ts";
import { readTensors, writeTensors } from "../wire/tensors.ts";
import type { Service } from "./route.ts";
import { createStepper, isPlain } from "./stepper.ts";

/** Makes what answers `/v1/steps`. */
export function createSteps(plugins: readonly Plugin[], backend: Backend | BackendName | undefined): Service["step"] {
  const stepper = createStepper(plugins, backend);
  return async ({ request, tenant }, { limits, bodies }) => {
    const form = tensorFormOf(request.headers);
    const accepted = acceptedForm(request.headers, form);
    const hold = bodies.hold(tenant);
    let free = (): void => {};
    try {
      const { bytes, ...read } = await readBody(request, form === "json" ? limits.jsonBytes : limits.bodyBytes, limits, hold);
      free = read.free;
      const body = readTensors(form, bytes, limits, stepper.backend());
      hold.take(bytes.length); // the answer is about as large as the body
      const stepped = stepper.step(body);
      const size = Object.values(stepped.tensors).reduce((sum, { data }) => sum + data.byteLength, 0);
      if (size > limits.bytesInFlight) {
        throw new Problem("body-too-large", `The new state takes ${size} bytes, and at most ${limits.bytesInFlight} are ever sent`);
      }
      const isBare = accepted === "json" && isPlain(stepped.metadata, stepped.tensors);
      const written = writeTensors(accepted, form, isBare ? { ...stepped, metadata: {} } : stepped, limits, stepper.backend());
      return { body: written, headers: { "Content-Type": mediaTypes[accepted] } };
    } finally {
      free();
      hold.release();
    }
  };
}
