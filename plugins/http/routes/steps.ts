/**
 * `/v1/steps`: reads tensors, takes one step, writes tensors.
 *
 * @module
 */
import type { Plugin } from "../../../core/plugin/contract.ts";
import type { Backend, BackendName } from "../../../core/types.ts";
import { readBody } from "../wire/body.ts";
import { createFileReader } from "../wire/file_reader.ts";
import { noMemory, Problem } from "../wire/problem.ts";
import { acceptedForm, tensorFormOf, tensorForms } from "../wire/tensor_forms.ts";
import type { Answer, Service } from "./route.ts";
import { createStepper } from "./stepper.ts";

/** Bytes of a body that takes long enough to wait for its turn. */
const long = 2 ** 17;

/** Makes what answers `/v1/steps`. */
export function createSteps(plugins: readonly Plugin[], backend: Backend | BackendName | undefined): Service["step"] {
  const stepper = createStepper(plugins, backend);
  const files = createFileReader();
  return async ({ request, tenant }, { limits, rooms, turns }) => {
    const form = tensorFormOf(request.headers);
    const accepted = acceptedForm(request.headers, form);
    const hold = rooms.steps.bodies.hold(tenant);
    let free = (): void => {};
    try {
      const { begins, read, mostBytes } = tensorForms[form];
      const body = await readBody(
        request,
        mostBytes(limits),
        limits,
        rooms.steps,
        tenant,
        hold,
        begins && ((bytes) => begins(bytes, limits)),
      );
      free = body.free;
      const { types: [type], write } = tensorForms[accepted];
      const answer = (): Answer => {
        const layout = form === "safetensors" && accepted === form ? files.layoutOf(body) : undefined;
        const again = layout && stepper.again(layout, body.parts, limits.bytesInFlight);
        if (again !== undefined) return { body: again, headers: { "Content-Type": type } };
        return stepper.step(read(body.bytes, limits, stepper.backend(), files), (stepped) => {
          const size = Object.values(stepped.tensors).reduce((sum, { data }) => sum + data.byteLength, 0);
          if (size > limits.bytesInFlight) {
            throw new Problem("body-too-large", `The new state takes ${size} bytes, and at most ${limits.bytesInFlight} are ever sent`);
          }
          return { body: write(stepped, form, limits, stepper.backend()), headers: { "Content-Type": type } };
        });
      };
      return await (body.length >= long ? turns.take(request.signal, 1, answer) : answer());
    } catch (error) {
      // Of the answer's bytes, which a runtime could not give; what the request is to blame for is a Problem by now.
      throw error instanceof RangeError ? noMemory() : error;
    } finally {
      free();
      hold.release();
    }
  };
}
