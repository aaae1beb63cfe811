/**
 * `Backend.run`: a rule text over equal-shaped tensors, for accumulators and other code that owns its tensors.
 *
 * @module
 */
import { extentOf } from "./extent.ts";
import { parse } from "./parse.ts";
import { compile, type Passes } from "./passes.ts";
import type { DType, KernelBackend, Plan, Scalars, Tensor, TensorLike, Tensors } from "./types.ts";

type Full = Required<Tensor>;

function full(name: string, like: TensorLike): Full {
  const { data, shape, dtype } = "data" in like ? like : { data: like, shape: undefined, dtype: undefined };
  const type: DType | undefined = dtype ?? (data instanceof Float32Array ? "float32" : data instanceof Uint16Array ? undefined : "float16");
  if (type === undefined) throw new RangeError(`Cannot run over "${name}": a Uint16Array needs a dtype, "bfloat16" or "float16"`);
  const size = (shape ?? [data.length]).reduce((n, length) => n * length, 1);
  if (size !== data.length) {
    throw new RangeError(`Cannot run over "${name}": its shape [${shape}] has ${size} elements, its data ${data.length}`);
  }
  return { data, shape: shape ?? [data.length], dtype: type };
}

/** Makes `run` for a backend: programs and plans are kept, so that the same text over the same tensors costs one dispatch. */
export function createRun(
  backend: Pick<KernelBackend, "owns" | "together" | "reserve" | "release" | "plan">,
): { run: KernelBackend["run"]; forget(): void } {
  const most = 256;
  const programs = new Map<string, Passes>();
  const plans = new Map<string, Plan>();
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
  const forget = (): void => {
    for (const plan of plans.values()) plan.dispose();
    plans.clear();
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
    const execute = (used: readonly (readonly [string, Full])[]): Plan =>
      backend.plan([{
        program,
        extent: extentOf(shape),
        tensors: Object.fromEntries(used),
        scalarSlots: new Map(),
        groupSlots: new Map(),
      }]);
    if (given.every(([, tensor]) => backend.owns(tensor) && backend.together(given[0][1], tensor))) {
      const key = `${names} ${shape} ${given.map(([, tensor]) => idOf(tensor))}`;
      keep(plans, key, () => execute(given), (old) => old.dispose()).run([scalars]);
      return;
    }
    // Foreign arrays are copied in and, where the text writes, out.
    const copies = backend.reserve([], given.map(([, tensor]) => tensor)) as Full[];
    let plan: Plan | undefined;
    try {
      given.forEach(([, tensor], index) => copies[index].data.set(patterns(tensor)));
      plan = execute(given.map(([name], index) => [name, copies[index]]));
      plan.run([scalars]);
      given.forEach(([name, tensor], index) => {
        if (program.writes.includes(name)) patterns(tensor).set(copies[index].data);
      });
    } finally {
      plan?.dispose();
      copies.forEach(backend.release);
    }
  };
  return { run, forget };
}

/** 16-bit numbers as patterns, whatever array holds them. */
const patterns = ({ data }: Tensor): Float32Array | Uint16Array =>
  data instanceof Float32Array || data instanceof Uint16Array ? data : new Uint16Array(data.buffer, data.byteOffset, data.length);
