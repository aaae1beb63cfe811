/**
 * `Backend.run`: a rule text over equal-shaped tensors, for accumulators and other code that owns its tensors.
 *
 * @module
 */
import { checkedShape, extentOf } from "../extent.ts";
import { rawElements } from "./host_memory.ts";
import { parse } from "../language/parse.ts";
import { compile } from "../language/compile.ts";
import type { Program } from "../language/program.ts";
import { dtypes } from "../tables/dtype_names.ts";
import { elementTypes } from "../tables/dtypes.ts";
import type { KernelBackend } from "../backend.ts";
import type { Plan } from "../plan/item.ts";
import type { Scalars, Tensor, TensorLike, Tensors } from "../types.ts";

type Full = Required<Tensor>;

/** What `run` needs of its backend. */
export interface Ground extends Pick<KernelBackend, "owns" | "together" | "reserve" | "release" | "plan"> {
  /** True for memory that is not made anew for every run: plans over it are kept. */
  lasts(tensor: Tensor): boolean;
  /** What tells one memory from another. */
  memoryOf(tensor: Tensor): object;
}

const tagOf = (data: unknown): string => ArrayBuffer.isView(data) ? Object.prototype.toString.call(data).slice(8, -1) : typeof data;

function full(name: string, like: TensorLike): Full {
  const { data, shape, dtype } = ArrayBuffer.isView(like) ? { data: like, shape: undefined, dtype: undefined } : like ?? {};
  const tag = tagOf(data);
  const types = dtypes.filter((dtype) => elementTypes[dtype].arrays.includes(tag));
  if (data === undefined || types.length === 0) {
    throw new TypeError(
      `Cannot run over "${name}": it must be a Float32Array, a Float16Array, or { data, shape, dtype } over one or over a Uint16Array`,
    );
  }
  const type = dtype ?? (types.length === 1 ? types[0] : undefined);
  if (type === undefined) {
    throw new RangeError(`Cannot run over "${name}": a ${tag} needs a dtype, ${types.map((one) => `"${one}"`).join(" or ")}`);
  }
  if (!types.includes(type)) throw new RangeError(`Cannot run over "${name}": a ${tag} does not hold ${type}`);
  const dims = checkedShape(shape ?? [data.length], `run over "${name}" of`);
  const size = dims.reduce((n, length) => n * length, 1);
  if (size !== data.length) {
    throw new RangeError(`Cannot run over "${name}": its shape [${dims}] has ${size} elements, its data ${data.length}`);
  }
  return { data, shape: dims, dtype: type };
}

/** Makes `run` for a backend: programs and plans are kept, so that the same text over the same tensors costs one dispatch. */
export function createRun(backend: Ground): { run: KernelBackend["run"]; forget(data?: object): void } {
  const most = 256;
  const programs = new Map<string, Program>();
  const plans = new Map<string, { readonly plan: Plan; readonly ids: readonly number[] }>();
  const ids = new WeakMap<object, number>();
  let next = 0;
  const idOf = ({ data }: Tensor): number => {
    let id = ids.get(data);
    if (id === undefined) ids.set(data, id = next++);
    return id;
  };
  const keep = <T>(cache: Map<string, T>, key: string, make: () => T, drop?: (old: T) => void): T => {
    let value = cache.get(key);
    if (value === undefined) {
      value = make();
      if (cache.size >= most) {
        const [oldest, old] = cache.entries().next().value!;
        cache.delete(oldest);
        drop?.(old);
      }
      cache.set(key, value);
    }
    return value;
  };
  const forget = (data?: object): void => {
    const id = data === undefined ? undefined : ids.get(data);
    if (data !== undefined && id === undefined) return;
    for (const [key, { plan, ids }] of plans) {
      if (id !== undefined && !ids.includes(id)) continue;
      plans.delete(key);
      plan.dispose();
    }
  };

  const run = (text: string, tensors: Tensors, scalars: Scalars = {}): void => {
    const given = Object.entries(tensors).map(([name, like]) => [name, full(name, like)] as const);
    if (given.length === 0) throw new RangeError("Cannot run a text over no tensors");
    const [[first, { shape }]] = given;
    for (const [name, other] of given) {
      if (other.shape.length !== shape.length || other.shape.some((length, i) => length !== shape[i])) {
        throw new RangeError(
          `Cannot run over "${first}" of shape [${shape}] and "${name}" of shape [${other.shape}]: shapes must be equal`,
        );
      }
    }
    for (const [name, value] of Object.entries(scalars)) {
      if (typeof value !== "number") throw new TypeError(`Cannot run with ${name} = ${String(value)}: it must be a number`);
      if (Object.hasOwn(tensors, name)) throw new TypeError(`Cannot run with "${name}" as a number and as a tensor`);
    }
    const names = JSON.stringify([text, given.map(([name, { dtype }]) => [name, dtype]), Object.keys(scalars)]);
    const program = keep(programs, names, () =>
      compile(parse(text, ""), {
        scopes: {
          "": {
            slots: Object.fromEntries(given.map(([name, { dtype }]) => [name, { shape: "param", dtype }])),
            scalars: Object.keys(scalars),
          },
        },
      }));
    for (const written of program.writes) {
      const [, one] = given.find(([name]) => name === written)!;
      const other = given.find(([name, other]) => name !== written && overlap(one, other));
      if (other !== undefined) throw new RangeError(`Cannot run over "${written}" and "${other[0]}": they lie in the same memory`);
    }
    const execute = (used: readonly (readonly [string, Full])[]): Plan =>
      backend.plan([{
        program,
        extent: extentOf(shape),
        tensors: Object.fromEntries(used),
        scalarSlots: new Map(),
        groupSlots: new Map(),
      }]);
    if (given.every(([, tensor]) => backend.owns(tensor) && backend.together(given[0][1], tensor))) {
      if (given.every(([, tensor]) => backend.lasts(tensor))) {
        const used = given.map(([, tensor]) => idOf(tensor));
        keep(plans, `${names} ${shape} ${used}`, () => ({ plan: execute(given), ids: used }), ({ plan }) => plan.dispose()).plan.run([
          scalars,
        ]);
        return;
      }
      const plan = execute(given);
      try {
        plan.run([scalars]);
      } finally {
        plan.dispose();
      }
      return;
    }
    // Foreign arrays are copied in and, where the text writes, out.
    const copies = backend.reserve([], given.map(([, tensor]) => tensor)) as Full[];
    let plan: Plan | undefined;
    try {
      given.forEach(([, tensor], index) => copies[index].data.set(rawElements(tensor)));
      plan = execute(given.map(([name], index) => [name, copies[index]]));
      plan.run([scalars]);
      given.forEach(([name, tensor], index) => {
        if (program.writes.includes(name)) rawElements(tensor).set(copies[index].data);
      });
    } finally {
      plan?.dispose();
      copies.forEach(backend.release);
    }
  };
  const overlap = (a: Full, b: Full): boolean =>
    backend.memoryOf(a) === backend.memoryOf(b) && a.data.byteOffset < b.data.byteOffset + b.data.byteLength &&
    b.data.byteOffset < a.data.byteOffset + a.data.byteLength;
  return { run, forget };
}
