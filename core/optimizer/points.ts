/**
 * Parameters at another point, computed from where they are.
 *
 * @module
 */
import type { DeviceSide, KernelBackend } from "../../kernels/backend.ts";
import type { Plan } from "../../kernels/plan/item.ts";
import { elementTypes } from "../../kernels/tables/dtypes.ts";
import type { Tensor } from "../../kernels/types.ts";
import { about, allAbout } from "../errors.ts";
import { isRecord, known, show } from "../names.ts";
import { copyTensor } from "./memory.ts";
import { comingNumbers, type OptimizerState } from "./optimizer_state.ts";
import { checkReachable, contentOf, type ParamState, uploadParam } from "./param_state.ts";
import { itemOf } from "./plans.ts";
import { hasEntry, programOf } from "./programs.ts";
import { refresh } from "./refresh.ts";
import { type FullTensor, givenTensor, put, rawOf, sameShape } from "../tensors.ts";
import { refuseOverlap } from "../overlap.ts";
import type { Tensors } from "../types.ts";

/** The parameters at another point, into new arrays or given ones. */
export function pointOf(state: OptimizerState, name: string, into: Tensors | undefined): Record<string, Tensor> {
  const { backend, params, ordered } = state;
  const entry = `point ${name}`;
  refresh(state);
  if (!params.some(({ text }) => hasEntry(text, entry))) {
    const names = new Set(params.flatMap(({ text }) => [...text.splice.points.keys()]));
    throw new TypeError(`Cannot compute point ${show(name)}: ${known([...names], name)}`);
  }
  params.forEach(checkReachable);
  const device = backend.deviceSide;
  const targets = into !== undefined
    ? checkTargets(params, into, device)
    : new Map(params.map((param) => [param, device === undefined ? emptyLike(param.given) : emptyOn(backend, param.given)]));
  const borrowed: Tensor[] = [];
  let plan: Plan | undefined;
  try {
    const computed = ordered.filter((param) => targets.has(param) && hasEntry(param.text, entry));
    const outs = computed.map(({ p, given: { shape, dtype } }, i): FullTensor => {
      const target = { ...targets.get(computed[i])!, data: rawOf(targets.get(computed[i])!.data) };
      if (backend.owns(target) && backend.together(target, p)) return target;
      const out: FullTensor = { ...backend.reserve([p], [{ shape, dtype }])[0], shape, dtype };
      borrowed.push(out);
      return out;
    });
    plan = backend.plan(computed.map((param, i) => itemOf(param, programOf(param.text, entry, undefined), { out: outs[i] })));
    const numbers = computed.map((param) => comingNumbers(state, param));
    for (const param of computed) uploadParam(backend, param);
    plan.run(numbers);
    computed.forEach((param, i) => {
      if (borrowed.includes(outs[i])) copyTensor(backend, outs[i], targets.get(param)!);
    });
    for (const [param, target] of targets) if (!hasEntry(param.text, entry)) copyTensor(backend, contentOf(param), target); // no such point: the parameter itself
  } finally {
    plan?.dispose();
    for (const tensor of borrowed) backend.release(tensor);
  }
  const result: Record<string, Tensor> = {};
  for (const [{ info }, tensor] of targets) put(result, info.name, device?.shown(tensor) ?? tensor);
  return result;
}

/** Zeros of the same shape and dtype, in an array of the same kind. */
function emptyLike({ data, shape, dtype }: FullTensor): FullTensor {
  const empty = elementTypes[dtype].make(data.length);
  return { data: rawOf(data) === data ? empty : new Float16Array(empty.buffer), shape, dtype };
}

function targetOf(what: string, like: unknown, device: DeviceSide | undefined): FullTensor {
  const tensor = givenTensor(what, like, device);
  if (device === undefined || !ArrayBuffer.isView(tensor.data as unknown)) return tensor;
  throw new TypeError(`Cannot use ${show(tensor.data)} as ${what}: on this backend it must be a tensor of the device's, { buffer, shape }`);
}

/** Zeros of the same shape and dtype, on the device. */
const emptyOn = (backend: KernelBackend, { shape, dtype }: FullTensor): FullTensor =>
  backend.deviceSide!.claim("a point", backend.allocate(shape, dtype))!;

function checkTargets(params: readonly ParamState[], into: Tensors, device: DeviceSide | undefined): Map<ParamState, FullTensor> {
  const names = params.map(({ info }) => info.name);
  if (!isRecord(into)) throw new TypeError(`Cannot write a point into ${show(into)}: targets are an object, name to tensor`);
  const targets = new Map<ParamState, FullTensor>();
  for (const [name, like] of Object.entries(into)) {
    const param = params[names.indexOf(name)];
    if (param === undefined) {
      throw about(new TypeError(`Cannot write a point of ${show(name)}: there is no such parameter; ${known(names, name)}`), {
        tensor: name,
      });
    }
    const { given } = param;
    const tensor = allAbout({ tensor: name }, () => targetOf(`the target of "${name}"`, like, device));
    const bare = ArrayBuffer.isView(like) || (like as Tensor).shape === undefined;
    if (tensor.dtype !== given.dtype || tensor.data.length !== given.data.length || !(bare || sameShape(tensor.shape, given.shape))) {
      const wanted = `it is ${given.dtype} of shape ${show(given.shape)}`;
      throw about(
        new RangeError(`Cannot write a point of "${name}" into ${tensor.dtype} of shape ${show(tensor.shape)}: ${wanted}`),
        { tensor: name },
      );
    }
    targets.set(param, { ...tensor, shape: given.shape });
  }
  refuseOverlap("targets and parameters", [
    ...params.map(({ info, elements }) => [info.name, elements] as const),
    ...[...targets].map(([{ info }, { data }]) => [`${info.name} of into`, data] as const),
  ]);
  return targets;
}
