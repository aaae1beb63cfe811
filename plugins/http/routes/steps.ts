/**
 * `/v1/steps`: reads tensors, takes one step, writes tensors.
 *
 * @module
 */
import type { Plugin } from "../../../core/plugin/contract.ts";
import type { Backend, BackendName } from "../../../core/types.ts";
import { readBody } from "../wire/body.ts";
import type { Budget } from "../guard/budget.ts";
import type { Limits } from "../guard/limits.ts";
import { acceptedFormat, formatOf, safetensorsType } from "../wire/media.ts";
import { Problem } from "../wire/problem.ts";
import { parseQuery, refuseStray } from "../wire/query.ts";
import { type Handler, noStore } from "../serve.ts";
import { createStepper, isPlain } from "./stepper.ts";
import { readTensors, writeTensors } from "../wire/tensors.ts";

/** Makes the handler of `/v1/steps`. */
export function createSteps(
  plugins: readonly Plugin[],
  backend: Backend | BackendName | undefined,
  limits: Required<Limits>,
  budget: Budget,
): Handler {
  const stepper = createStepper(plugins, backend);
  return async ({ request, tenant }) => {
    refuseStray(parseQuery(request.url), []);
    const format = formatOf(request.headers);
    const accepted = acceptedFormat(request.headers, format);
    const hold = budget.hold(tenant);
    let free = (): void => {};
    try {
      const { bytes, ...read } = await readBody(request, format === "json" ? limits.jsonBytes : limits.bodyBytes, limits, hold);
      free = read.free;
      const body = readTensors(format, bytes, limits, stepper.backend());
      hold.take(bytes.length); // the answer is about as large as the body
      const stepped = stepper.step(body);
      const size = Object.values(stepped.tensors).reduce((sum, { data }) => sum + data.byteLength, 0);
      if (size > limits.bytesInFlight) {
        throw new Problem("body-too-large", `The new state takes ${size} bytes, and at most ${limits.bytesInFlight} are ever sent`);
      }
      const isBare = accepted === "json" && isPlain(stepped.metadata, stepped.tensors);
      const written = writeTensors(accepted, format, isBare ? { ...stepped, metadata: {} } : stepped, limits, stepper.backend());
      return {
        body: written,
        headers: { "Content-Type": accepted === "json" ? "application/json" : safetensorsType, "Cache-Control": noStore },
      };
    } finally {
      free();
      hold.release();
    }
  };
}
