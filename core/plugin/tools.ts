/**
 * What core makes and checks for plugins, which may import types alone: nested schedules, and tensors from outside.
 *
 * @module
 */
import type { DeviceSide } from "../../kernels/backend.ts";
import { checkFits, fittingTensor, fullTensor, inFloat32 } from "../tensors.ts";
import type { Plugin, Tools } from "./contract.ts";
import { ask, titleOf } from "./use.ts";

/** The tools of one plugin: what they throw says whose they are. */
export function toolsOf(plugin: Pick<Plugin, "kind" | "name">, schedule: Tools["schedule"], device?: DeviceSide): Tools {
  const title = titleOf(plugin);
  return {
    schedule: (use, base) => ask(plugin, () => schedule(use, base)),
    tensor: (what, like, place) =>
      ask(plugin, () => {
        const named = `${what} in ${title}`;
        const lying = device?.claim(named, like);
        if (lying && place !== undefined) checkFits(named, lying, place);
        if (lying) return lying;
        return place === undefined ? fullTensor(named, inFloat32(named, like)) : fittingTensor(named, like, place);
      }),
  };
}
