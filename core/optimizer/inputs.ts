/**
 * Input slots, which the caller writes like gradients.
 *
 * @module
 */
import type { KernelBackend } from "../../kernels/backend.ts";
import type { Tensor } from "../../kernels/types.ts";
import { about } from "../errors.ts";
import type { ParamState } from "./param_state.ts";
import { put } from "../tensors.ts";

/** Input slots by name, then by parameter. */
export function inputsOf(backend: KernelBackend, params: readonly ParamState[]): Record<string, Record<string, Tensor>> {
  const inputs: Record<string, Record<string, Tensor>> = {};
  for (const { info, slots } of params) {
    for (const { name, slot, tensor, title, plugin } of slots) {
      if (slot.input !== true) continue;
      if (tensor === null) {
        throw about(new TypeError(`Cannot use slot "${name}" of ${title} as an input: it has no memory of its own`), { plugin });
      }
      if (!Object.hasOwn(inputs, name)) put(inputs, name, {});
      if (Object.hasOwn(inputs[name], info.name)) {
        throw about(new TypeError(`Cannot use ${title}: another plugin has an input slot "${name}" too`), { plugin });
      }
      put(inputs[name], info.name, backend.deviceSide?.shown(tensor) ?? tensor);
    }
  }
  return inputs;
}
