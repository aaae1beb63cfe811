/**
 * Accumulators from their plugins.
 *
 * @module
 */
import { createBackend } from "../../kernels/backends/create.ts";
import { deviceSideOf } from "../backend.ts";
import { disposeSymbol } from "../../kernels/dispose.ts";
import type { KernelBackend } from "../../kernels/backend.ts";
import type { Backend, Tensor, Tensors, WebGpuBackend } from "../../kernels/types.ts";
import { allAbout } from "../errors.ts";
import { isRecord, show } from "../names.ts";
import type { AccumulatorPlugin } from "../plugin/contract.ts";
import { givenTensor, put } from "../tensors.ts";
import type { Accumulator } from "../types.ts";
import { schedulesOf } from "../plugin/schedules.ts";
import { toolsOf } from "../plugin/tools.ts";
import { ask, type Find, findNothing, optionsOf, titleOf } from "../plugin/use.ts";

/** An accumulator of a plugin, for tensors like these. */
export function makeAccumulator(
  plugin: AccumulatorPlugin,
  given: object | undefined,
  like: Tensors,
  backend?: Backend | WebGpuBackend,
  find: Find = findNothing,
): Accumulator {
  const title = titleOf(plugin);
  const options = Object.freeze(optionsOf(plugin, given));
  if (!isRecord(like)) {
    throw new TypeError(`Cannot make ${title} for ${show(like)}: give an object, name to tensor`);
  }
  const device = deviceSideOf(backend);
  const tensors: Record<string, Tensor> = {};
  for (const [name, tensor] of Object.entries(like)) {
    put<Tensor>(tensors, name, allAbout({ tensor: name }, () => givenTensor(`parameter "${name}"`, tensor, device)));
  }
  if (Object.keys(tensors).length === 0) throw new RangeError(`Cannot make ${title} for an empty list of parameters`);
  return ask(
    plugin,
    () => plugin.create(options, tensors, (backend ?? createBackend()) as Backend, toolsOf(plugin, schedulesOf(find), device)),
  );
}

/** A backend as an accumulator may have it: what it allocates can be taken back, and the backend itself is not its to end. */
export function lend(backend: Backend): { readonly backend: Backend; takeBack(): void } {
  const { name, agrees, allocate, run, release, deviceSide } = backend as KernelBackend;
  const taken: Tensor[] = [];
  return {
    backend: {
      name,
      agrees,
      allocate: ((shape, dtype) => {
        const tensor = allocate(shape, dtype);
        taken.push(tensor);
        return tensor;
      }) as Backend["allocate"],
      run,
      ...deviceSide !== undefined && { deviceSide },
      dispose() {},
      [disposeSymbol]() {},
    },
    takeBack() {
      for (const tensor of taken.splice(0)) if (!(backend as KernelBackend).disposed) release(tensor);
    },
  };
}
