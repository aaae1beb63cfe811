/**
 * `Backend.run`: a rule text over equal-shaped tensors, for accumulators and other code that owns its tensors.
 *
 * @module
 */
import { checkedShape, extentOf } from "../extent.ts";
import { rawOf } from "../raw.ts";
import { parse } from "../language/parse.ts";
import { compile } from "../language/compile.ts";
import type { Program } from "../language/program.ts";
import { arraysOf, dtypes } from "../tables/dtype_names.ts";
import type { KernelBackend } from "../backend.ts";
import type { Plan } from "../plan/item.ts";
import type { Scalars, Tensor, Tensors } from "../types.ts";

type Full = Required<Tensor>;

/** A tensor under the name that the text has for it. */
interface Named {
  readonly name: string;
  readonly tensor: Full;
}

/** What `run` stands on: a backend's memory and plans. */
export interface RunBackend extends Pick<KernelBackend, "owns" | "together" | "reserve" | "release" | "plan" | "upload" | "download"> {
  /** True for memory that is not made anew for every run: plans over it are kept. */
  lasts(tensor: Tensor): boolean;
  /** What tells one memory from another. */
  memoryOf(tensor: Tensor): object;
  /** A tensor on the backend's device, checked; null for what is none. */
  claim?(what: string, like: unknown): Full | null;
}

/** Makes `run` for a backend: programs and plans are kept, so that the same text over the same tensors costs one dispatch. */
export function createRun(backend: RunBackend): { run: KernelBackend["run"]; forget(data?: object): void } {
  const programs = new Map<string, Program>();
  const plans = new Map<string, KeptPlan>();
  const idOf = numbersOf();

  const run = (text: string, tensors: Tensors, scalars: Scalars = {}): void => {
    const given = checkedTensors(backend, tensors);
    checkScalars(scalars, tensors);
    const names = JSON.stringify([text, given.map(({ name, tensor: { dtype } }) => [name, dtype]), Object.keys(scalars)]);
    const program = keep(programs, names, () => programOf(text, given, scalars));
    checkWrites(backend, program, given);
    if (!given.every(({ tensor }) => backend.owns(tensor) && backend.together(given[0].tensor, tensor))) {
      runOverCopies(backend, program, given, scalars);
      return;
    }
    if (!given.every(({ tensor }) => backend.lasts(tensor))) {
      runOnce(planOver(backend, program, given), scalars);
      return;
    }
    const ids = given.map(({ tensor: { data } }) => idOf(data));
    const key = `${names} ${given[0].tensor.shape} ${ids}`;
    keep(plans, key, () => ({ plan: planOver(backend, program, given), ids }), ({ plan }) => plan.dispose()).plan.run([scalars]);
  };

  /** Drops the plans over a tensor, or all. */
  const forget = (data?: object): void => {
    for (const [key, { plan, ids }] of plans) {
      if (data !== undefined && !ids.includes(idOf(data))) continue;
      plans.delete(key);
      plan.dispose();
    }
  };
  return { run, forget };
}

// ---- what is kept

/** A plan, with the numbers of the arrays that it runs over. */
interface KeptPlan {
  readonly plan: Plan;
  readonly ids: readonly number[];
}

const mostKept = 256;

/** What is kept under a key, or made now; the oldest makes room. */
function keep<T>(cache: Map<string, T>, key: string, make: () => T, drop?: (old: T) => void): T {
  const known = cache.get(key);
  if (known !== undefined) return known;
  const made = make();
  if (cache.size >= mostKept) {
    const [oldest, old] = cache.entries().next().value!;
    cache.delete(oldest);
    drop?.(old);
  }
  cache.set(key, made);
  return made;
}

/** A number for each object, that keeps none alive. */
function numbersOf(): (object: object) => number {
  const numbers = new WeakMap<object, number>();
  let next = 0;
  return (object) => {
    let number = numbers.get(object);
    if (number === undefined) numbers.set(object, number = next++);
    return number;
  };
}

// ---- checks

const tagOf = (data: unknown): string => ArrayBuffer.isView(data) ? Object.prototype.toString.call(data).slice(8, -1) : typeof data;

function checkedTensor(name: string, like: Tensors[string]): Full {
  const { data, shape, dtype } = ArrayBuffer.isView(like)
    ? { data: like, shape: undefined, dtype: undefined }
    : (like ?? {}) as Partial<Tensor>;
  const tag = tagOf(data);
  const types = dtypes.filter((dtype) => arraysOf[dtype].includes(tag));
  if (data === undefined || types.length === 0) {
    throw new TypeError(
      `Cannot run over "${name}": it must be a Float32Array, a Float16Array, or { data, shape, dtype } over one or over a Uint16Array`,
    );
  }
  refuseOtherKeys(name, like);
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

const keys = ["data", "shape", "dtype"];

/** Refuses keys of a plain object that would be passed over, such as `dims`; an instance of a class may have any. */
function refuseOtherKeys(name: string, like: object): void {
  const prototype = Object.getPrototypeOf(like);
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null) return;
  for (const key of Object.keys(like)) {
    if (!keys.includes(key)) throw new TypeError(`Cannot run over "${name}" with ${JSON.stringify(key)}: known are ${keys.join(", ")}`);
  }
}

function checkedTensors({ claim }: RunBackend, tensors: Tensors): Named[] {
  const given = Object.entries(tensors).map(([name, like]) => ({ name, tensor: claim?.(`"${name}"`, like) ?? checkedTensor(name, like) }));
  if (given.length === 0) throw new RangeError("Cannot run a text over no tensors");
  const [{ name: first, tensor: { shape } }] = given;
  for (const { name, tensor: other } of given) {
    if (other.shape.length !== shape.length || other.shape.some((length, i) => length !== shape[i])) {
      throw new RangeError(`Cannot run over "${first}" of shape [${shape}] and "${name}" of shape [${other.shape}]: shapes must be equal`);
    }
  }
  return given;
}

function checkScalars(scalars: Scalars, tensors: Tensors): void {
  for (const [name, value] of Object.entries(scalars)) {
    if (typeof value !== "number") throw new TypeError(`Cannot run with ${name} = ${String(value)}: it must be a number`);
    if (Object.hasOwn(tensors, name)) throw new TypeError(`Cannot run with "${name}" as a number and as a tensor`);
  }
}

/** What is written may lie in no other tensor's memory: elements would be read after they have changed. */
function checkWrites(backend: RunBackend, { writes }: Program, given: readonly Named[]): void {
  for (const one of given) {
    if (!writes.includes(one.name)) continue;
    const other = given.find((other) => other !== one && overlap(backend, one.tensor, other.tensor));
    if (other !== undefined) throw new RangeError(`Cannot run over "${one.name}" and "${other.name}": they lie in the same memory`);
  }
}

const overlap = ({ memoryOf }: RunBackend, a: Full, b: Full): boolean =>
  memoryOf(a) === memoryOf(b) && a.data.byteOffset < b.data.byteOffset + b.data.byteLength &&
  b.data.byteOffset < a.data.byteOffset + a.data.byteLength;

// ---- plans

function programOf(text: string, given: readonly Named[], scalars: Scalars): Program {
  const slots = Object.fromEntries(given.map(({ name, tensor: { dtype } }) => [name, { shape: "param" as const, dtype }]));
  return compile(parse(text, ""), { scopes: { "": { slots, scalars: Object.keys(scalars) } } });
}

function planOver(backend: RunBackend, program: Program, given: readonly Named[]): Plan {
  return backend.plan([{
    program,
    extent: extentOf(given[0].tensor.shape),
    tensors: Object.fromEntries(given.map(({ name, tensor }) => [name, tensor])),
    scalarSlots: new Map(),
    groupSlots: new Map(),
  }]);
}

function runOnce(plan: Plan, scalars: Scalars): void {
  try {
    plan.run([scalars]);
  } finally {
    plan.dispose();
  }
}

/** Foreign arrays are copied in and, where the text writes, out. */
function runOverCopies(backend: RunBackend, program: Program, given: readonly Named[], scalars: Scalars): void {
  const stuck = backend.claim && given.find(({ name, tensor }) => program.writes.includes(name) && !backend.owns(tensor));
  if (stuck) {
    throw new TypeError(`Cannot run over "${stuck.name}", which the text writes: on this backend it must be a tensor of the device's`);
  }
  // On a device what lies there is reached as it is.
  const foreign = given.filter(({ tensor }) => backend.claim === undefined || !backend.owns(tensor));
  const copies = backend.reserve([], foreign.map(({ tensor }) => tensor)) as Full[];
  try {
    foreign.forEach(({ tensor }, index) => backend.upload(copies[index], rawOf(tensor.data)));
    const placed = given.map((one) => foreign.includes(one) ? { name: one.name, tensor: copies[foreign.indexOf(one)] } : one);
    runOnce(planOver(backend, program, placed), scalars);
    foreign.forEach(({ name, tensor }, index) => {
      if (program.writes.includes(name)) backend.download(copies[index], rawOf(tensor.data));
    });
  } finally {
    copies.forEach(backend.release);
  }
}
