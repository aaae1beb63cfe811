/**
 * Optimizers that note what they are told while they run on backend "js", so that the same can be told to another backend.
 *
 * @module
 */
import type { Grads, Optimizer, Settings, StateDict, Tensor, Tensors, WebGpuBackend } from "../../core/types.ts";
import type { KernelBackend } from "../../kernels/backend.ts";
import type { Item } from "../../kernels/plan/item.ts";
import type { Makers } from "./context.ts";

type Elements = Readonly<Record<string, Tensor["data"]>>;

/** What an optimizer was told, and where its parameters were afterwards. */
type Told =
  | { readonly kind: "step"; readonly grads: Grads | undefined; readonly options: readonly object[]; readonly after: Elements }
  | { readonly kind: "run"; readonly entry: string; readonly inputs: Readonly<Record<string, Elements>>; readonly grads: Grads | undefined }
  | { readonly kind: "update"; readonly metric: number };

/** An optimizer of backend "js", with all that it was told. */
export interface Played {
  readonly name: string;
  readonly params: Tensors;
  readonly options: object | undefined;
  readonly settings: Settings<unknown> | undefined;
  readonly told: Told[];
  readonly points: Map<string, Elements>;
  state: StateDict | undefined;
}

const copied = (tensors: Readonly<Record<string, Tensor>>): Record<string, Tensor["data"]> =>
  Object.fromEntries(Object.entries(tensors).map(([name, { data }]) => [name, data.slice()]));

/** Makers whose optimizers run on backend "js" and note it down. */
export function noting(makers: Makers, played: Played[]): Makers {
  return {
    ...makers,
    createOptimizer(name, params, options, settings) {
      const note: Played = {
        ...{ name, params: structuredClone(params), options: structuredClone(options) },
        settings,
        told: [],
        points: new Map(),
        state: undefined,
      };
      const optimizer = makers.createOptimizer(name, params, options, { ...settings, backend: "js" });
      played.push(note);
      return told(optimizer, note);
    },
  };
}

function told(optimizer: Optimizer, note: Played): Optimizer {
  const descriptors = Object.getOwnPropertyDescriptors(optimizer);
  const changed = {
    step(grads?: Grads) {
      const options = optimizer.groups.map(({ options }) => ({ ...options as object }));
      const given = structuredClone(grads);
      const report = optimizer.step(grads);
      note.told.push({ kind: "step", grads: given, options, after: copied(optimizer.params) });
      return report;
    },
    run(entry: string, grads?: Grads) {
      const inputs = Object.fromEntries(Object.entries(optimizer.inputs).map(([slot, tensors]) => [slot, copied(tensors)]));
      note.told.push({ kind: "run", entry, inputs, grads: structuredClone(grads) });
      optimizer.run(entry, grads);
    },
    update(metric: number) {
      note.told.push({ kind: "update", metric });
      optimizer.update(metric);
    },
    point(name: string) {
      const point = optimizer.point(name);
      note.points.set(name, copied(point));
      return point;
    },
    saveState() {
      return note.state = optimizer.saveState();
    },
  };
  return Object.defineProperties({}, { ...descriptors, ...Object.getOwnPropertyDescriptors(changed) }) as Optimizer;
}

/** What differs where another backend was told the same: the first thing after which it does. */
export interface Difference {
  readonly where: string;
  /** The largest distance, as a share of the tensor's largest value. */
  readonly error: number;
}

/** A replay: what differs, and whether any text that ran sums or multiplies matrices. */
export interface Replayed {
  readonly differences: readonly Difference[];
  readonly sums: boolean;
}

/** Tells a device what an optimizer was told. `widen` gives the numbers of elements. */
export async function replay(
  makers: Makers,
  backend: WebGpuBackend,
  note: Played,
  widen: (data: ArrayLike<number>, dtype: string | undefined) => ArrayLike<number>,
): Promise<Replayed> {
  let sums = false;
  const watched = {
    ...backend,
    plan(items: readonly Item[]) {
      sums ||= items.some(({ program: { rounds, routines } }) =>
        rounds.some((kernels) => kernels.some(({ reductions }) => reductions.length > 0)) || routines.some(({ length }) => length > 0)
      );
      return (backend as unknown as KernelBackend).plan(items);
    },
  } as unknown as WebGpuBackend;
  const params = structuredClone(note.params);
  const optimizer = makers.createOptimizer(note.name, params, note.options, { ...note.settings, backend: watched });
  const differences: Difference[] = [];
  const compare = (where: string, got: ArrayLike<number>, want: ArrayLike<number>, dtype: string | undefined): void => {
    const [a, b] = [widen(got, dtype), widen(want, dtype)];
    let largest = 0, most = 0, odd = false;
    for (let i = 0; i < b.length; i++) {
      if (Number.isFinite(b[i])) largest = Math.max(largest, Math.abs(b[i]));
      if (a[i] === b[i] || Number.isNaN(a[i]) && Number.isNaN(b[i])) continue;
      odd ||= !Number.isFinite(a[i]) || !Number.isFinite(b[i]);
      most = Math.max(most, Math.abs(a[i] - b[i]));
    }
    if (odd || most > 0) differences.push({ where, error: odd ? Infinity : most / largest });
  };
  const dtypeOf = (name: string): string | undefined => (params[name] as Tensor).dtype;
  const device = backend.device as GPUDevice;
  try {
    let t = 0;
    for (const one of note.told) {
      if (one.kind === "update") optimizer.update(one.metric);
      else if (one.kind === "run") {
        for (const [slot, tensors] of Object.entries(one.inputs)) {
          for (const [name, data] of Object.entries(tensors)) {
            const { buffer, offset } = optimizer.inputs[slot][name] as unknown as { buffer: GPUBuffer; offset: number };
            device.queue.writeBuffer(buffer, offset, data as Float32Array<ArrayBuffer>);
          }
        }
        optimizer.run(one.entry, one.grads);
      } else {
        optimizer.groups.forEach(({ options }, g) => {
          for (const [key, value] of Object.entries(one.options[g])) {
            if (!Object.is((options as Record<string, unknown>)[key], value) && typeof value === "number") {
              Object.assign(options as object, { [key]: value });
            }
          }
        });
        optimizer.step(one.grads);
        t++;
        // A difference stays, so that not every step need be looked at.
        if (t > 3 && t % 5 > 0) continue;
        await optimizer.sync();
        for (const [name, want] of Object.entries(one.after)) {
          const like = params[name];
          compare(
            `${name} after step ${t}`,
            (ArrayBuffer.isView(like) ? like : (like as Tensor).data) as ArrayLike<number>,
            want,
            dtypeOf(name),
          );
        }
      }
    }
    const { tensors } = await optimizer.saveStateAsync();
    for (const [key, { data, dtype }] of Object.entries(note.state?.tensors ?? {})) compare(`state ${key}`, tensors[key].data, data, dtype);
    for (const [point, want] of note.points) {
      const there = optimizer.point(point);
      using copy = makers.createOptimizer("sgd", there, { lr: 0 }, { backend });
      const { tensors } = await copy.saveStateAsync();
      for (const [name, data] of Object.entries(want)) compare(`${name} at "${point}"`, tensors[name].data, data, dtypeOf(name));
    }
  } finally {
    optimizer.dispose();
  }
  return { differences, sums };
}
