/**
 * Parameters at another point, computed from where they are.
 *
 * @module
 */
import type { Plan } from "../../kernels/plan/item.ts";
import type { Tensor } from "../../kernels/types.ts";
import { type Cell, primeSlots } from "./param_state.ts";
import { valuesAt } from "./group.ts";
import { about, allAbout } from "../errors.ts";
import { isRecord, known, show } from "../names.ts";
import { type FullTensor, fullTensor, put, type Raw, rawOf, refuseOverlap, sameShape } from "../tensors.ts";
import { hasEntry, programOf } from "./programs.ts";
import type { Tensors } from "../types.ts";
import { checkArrays, copyIn, itemOf, refresh, timeOf, type Work } from "./step.ts";

/** The parameters at another point, into new arrays or given ones. */
export function pointOf(work: Work, name: string, into: Tensors | undefined): Record<string, Tensor> {
  const { backend, cells, ordered, groups } = work;
  const entry = `point ${name}`;
  for (const group of groups) refresh(work, group);
  if (!cells.some(({ text }) => hasEntry(text, entry))) {
    throw new TypeError(
      `Cannot compute point ${show(name)}: ${known([...new Set(cells.flatMap(({ text }) => [...text.splice.points.keys()]))], name)}`,
    );
  }
  checkArrays(cells);
  const targets = into === undefined ? new Map(cells.map((cell) => [cell, emptyLike(cell.param)])) : checkTargets(cells, into);
  const borrowed: Tensor[] = [];
  let plan: Plan | undefined;
  try {
    const computed = ordered.filter((cell) => targets.has(cell) && hasEntry(cell.text, entry));
    const outs = computed.map((cell) => {
      const target = { ...targets.get(cell)!, data: rawOf(targets.get(cell)!.data) };
      if (backend.owns(target) && backend.together(target, cell.p)) return target;
      const [out] = backend.reserve([cell.p], [{ shape: cell.param.shape, dtype: cell.param.dtype }]);
      borrowed.push(out);
      return out;
    });
    plan = backend.plan(computed.map((cell, i) => itemOf(work, cell, programOf(cell.text, entry, undefined), { out: outs[i] })));
    const values = computed.map((cell) => valuesAt(groups[cell.group], timeOf(work, cell)));
    for (const cell of computed) {
      copyIn(cell);
      if (!cell.primed) primeSlots(backend, cell);
    }
    plan.run(values);
    computed.forEach((cell, i) => {
      const raw = rawOf(targets.get(cell)!.data);
      if (raw !== outs[i].data) raw.set(outs[i].data as Raw);
    });
    for (const [cell, { data }] of targets) if (!hasEntry(cell.text, entry)) rawOf(data).set(cell.raw); // no such point: the parameter itself
  } finally {
    plan?.dispose();
    for (const tensor of borrowed) backend.release(tensor);
  }
  const result: Record<string, Tensor> = {};
  for (const [cell, tensor] of targets) put(result, cell.info.name, tensor);
  return result;
}

function emptyLike({ data, shape, dtype }: FullTensor): FullTensor {
  const { length } = data;
  const empty = data instanceof Float32Array
    ? new Float32Array(length)
    : data instanceof Uint16Array
    ? new Uint16Array(length)
    : new Float16Array(length);
  return { data: empty, shape, dtype };
}

function checkTargets(cells: readonly Cell[], into: Tensors): Map<Cell, FullTensor> {
  const names = cells.map(({ info }) => info.name);
  if (!isRecord(into)) throw new TypeError(`Cannot write a point into ${show(into)}: targets are an object, name to tensor`);
  const targets = new Map<Cell, FullTensor>();
  for (const [name, like] of Object.entries(into)) {
    const cell = cells[names.indexOf(name)];
    if (cell === undefined) {
      throw about(new TypeError(`Cannot write a point of ${show(name)}: there is no such parameter; ${known(names, name)}`), {
        tensor: name,
      });
    }
    const { param } = cell;
    const tensor = allAbout({ tensor: name }, () => fullTensor(`the target of "${name}"`, like));
    const bare = ArrayBuffer.isView(like) || (like as Tensor).shape === undefined;
    if (tensor.dtype !== param.dtype || tensor.data.length !== param.data.length || !(bare || sameShape(tensor.shape, param.shape))) {
      const wanted = `it is ${param.dtype} of shape ${show(param.shape)}`;
      throw about(
        new RangeError(`Cannot write a point of "${name}" into ${tensor.dtype} of shape ${show(tensor.shape)}: ${wanted}`),
        { tensor: name },
      );
    }
    targets.set(cell, { ...tensor, shape: param.shape });
  }
  refuseOverlap("targets and parameters", [
    ...cells.map(({ info, raw }) => [info.name, raw] as const),
    ...[...targets].map(([{ info }, { data }]) => [`${info.name} of into`, data] as const),
  ]);
  return targets;
}
