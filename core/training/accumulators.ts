/**
 * Accumulators from their plugins.
 *
 * @module
 */
import { createBackend } from "../../kernels/backends/create.ts";
import { disposeSymbol } from "../../kernels/dispose.ts";
import type { KernelBackend } from "../../kernels/backend.ts";
import type { Backend, Tensor, Tensors } from "../../kernels/types.ts";
import { allAbout } from "../errors.ts";
import { isRecord, show } from "../names.ts";
import type { AccumulatorPlugin } from "../plugin/contract.ts";
import { fullTensor, put } from "../tensors.ts";
import type { Accumulator } from "../types.ts";
import { schedulesOf } from "../plugin/schedules.ts";
import { toolsOf } from "../plugin/tools.ts";
import { ask, type Find, findNothing, optionsOf, titleOf } from "../plugin/use.ts";

/** An accumulator of a plugin, for tensors like these. */
export function makeAccumulator(
  plugin: AccumulatorPlugin,
  given: object | undefined,
  like: Tensors,
  backend?: Backend,
  find: Find = findNothing,
): Accumulator {
  const title = titleOf(plugin);
  const options = Object.freeze(optionsOf(plugin, given));
  if (!isRecord(like)) {
    throw new TypeError(`Cannot make ${title} for ${show(like)}: give an object, name to tensor`);
  }
  const tensors: Record<string, Tensor> = {};
  for (const [name, tensor] of Object.entries(like)) {
    put<Tensor>(tensors, name, allAbout({ tensor: name }, () => fullTensor(`parameter "${name}"`, tensor)));
  }
  if (Object.keys(tensors).length === 0) throw new RangeError(`Cannot make ${title} for an empty list of parameters`);
  return ask(plugin, () => plugin.create(options, tensors, backend ?? createBackend(), toolsOf(plugin, schedulesOf(find))));
}

/** A backend as an accumulator may have it: what it allocates can be taken back, and the backend itself is not its to end. */
export function lend(backend: Backend): { readonly backend: Backend; takeBack(): void } {
  const { name, agrees, allocate, run, release } = backend as KernelBackend;
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
      dispose() {},
      [disposeSymbol]() {},
    },
    takeBack() {
      for (const tensor of taken.splice(0)) if (!(backend as KernelBackend).disposed) release(tensor);
    },
  };
}
