/**
 * Backend "js": kernels in plain JavaScript, a block at a time. No eval and no WASM: it runs on every host, and is what the others are held against.
 *
 * A node is one loop over a block of a few hundred float32 numbers, so that the cost of choosing the operation is paid once a block.
 *
 * @module
 */
import { narrowArray, roundTo, widenArray } from "../../half.ts";
import { checkedDType, checkedShape } from "../../extent.ts";
import type { Kernel, Node } from "../../language/kernel.ts";
import { type Executor, type Job, type Region, unitFields } from "../../plan/job.ts";
import { createPlan } from "../../plan/plan.ts";
import { disposeSymbol } from "../../dispose.ts";
import { hostMemory } from "../host_memory.ts";
import { createRun } from "../run.ts";
import { reductions as table } from "../../tables/ops.ts";
import type { DType, Item, KernelBackend, Plan, Tensor } from "../../types.ts";

const block = 256;
/** Lanes of a sum: eight that the vector loop fills in turn, and one for the tail. */
const lanes = 9;

type Loop = (n: number, at: number) => void;

/** A kernel with its buffers. Buffers of column values are as long as the columns, the others a block. */
interface Machine {
  readonly buffers: readonly Float32Array[];
  readonly steps: readonly (Loop | null)[];
}

function machine({ nodes }: Kernel, cols: number): Machine {
  const buffers = nodes.map(({ role }) => new Float32Array(role === "col" ? cols : block));
  return { buffers, steps: nodes.map((node, index) => loop(nodes, node, index, buffers)) };
}

function loop(nodes: readonly Node[], { op, args, dtype, role }: Node, index: number, buffers: readonly Float32Array[]): Loop | null {
  if (op === "load" || op === "splat") return null;
  const out = buffers[index];
  const [a, b, c] = args.map((arg) => buffers[arg]);
  // A column value is read at its column, everything else from the start of its block.
  const [sa, sb, sc] = args.map((arg) => nodes[arg].role === "col" ? 1 : 0);
  const so = role === "col" ? 1 : 0;
  switch (op) {
    case "as":
      return (n, at) => {
        for (let i = 0; i < n; i++) out[so * at + i] = a[sa * at + i];
      };
    case "+":
      return (n, at) => {
        for (let i = 0, o = so * at, x = sa * at, y = sb * at; i < n; i++) out[o + i] = a[x + i] + b[y + i];
      };
    case "-":
      return (n, at) => {
        for (let i = 0, o = so * at, x = sa * at, y = sb * at; i < n; i++) out[o + i] = a[x + i] - b[y + i];
      };
    case "*":
      return (n, at) => {
        for (let i = 0, o = so * at, x = sa * at, y = sb * at; i < n; i++) out[o + i] = a[x + i] * b[y + i];
      };
    case "/":
      return (n, at) => {
        for (let i = 0, o = so * at, x = sa * at, y = sb * at; i < n; i++) out[o + i] = a[x + i] / b[y + i];
      };
    case "min":
      return (n, at) => {
        for (let i = 0, o = so * at, x = sa * at, y = sb * at; i < n; i++) out[o + i] = Math.min(a[x + i], b[y + i]);
      };
    case "max":
      return (n, at) => {
        for (let i = 0, o = so * at, x = sa * at, y = sb * at; i < n; i++) out[o + i] = Math.max(a[x + i], b[y + i]);
      };
    case "<":
      return (n, at) => {
        for (let i = 0, o = so * at, x = sa * at, y = sb * at; i < n; i++) out[o + i] = a[x + i] < b[y + i] ? 1 : 0;
      };
    case "<=":
      return (n, at) => {
        for (let i = 0, o = so * at, x = sa * at, y = sb * at; i < n; i++) out[o + i] = a[x + i] <= b[y + i] ? 1 : 0;
      };
    case ">":
      return (n, at) => {
        for (let i = 0, o = so * at, x = sa * at, y = sb * at; i < n; i++) out[o + i] = a[x + i] > b[y + i] ? 1 : 0;
      };
    case ">=":
      return (n, at) => {
        for (let i = 0, o = so * at, x = sa * at, y = sb * at; i < n; i++) out[o + i] = a[x + i] >= b[y + i] ? 1 : 0;
      };
    case "==":
      return (n, at) => {
        for (let i = 0, o = so * at, x = sa * at, y = sb * at; i < n; i++) out[o + i] = a[x + i] === b[y + i] ? 1 : 0;
      };
    case "!=": // false on NaN, as all comparisons of the language
      return (n, at) => {
        for (let i = 0, o = so * at, x = sa * at, y = sb * at; i < n; i++) out[o + i] = a[x + i] < b[y + i] || a[x + i] > b[y + i] ? 1 : 0;
      };
    case "neg":
      return (n, at) => {
        for (let i = 0; i < n; i++) out[so * at + i] = -a[sa * at + i];
      };
    case "abs":
      return (n, at) => {
        for (let i = 0; i < n; i++) out[so * at + i] = Math.abs(a[sa * at + i]);
      };
    case "sqrt":
      return (n, at) => {
        for (let i = 0; i < n; i++) out[so * at + i] = Math.sqrt(a[sa * at + i]);
      };
    case "sign":
      return (n, at) => {
        for (let i = 0; i < n; i++) out[so * at + i] = Math.sign(a[sa * at + i]);
      };
    case "round":
      return (n, at) => {
        for (let i = 0; i < n; i++) out[so * at + i] = roundTo(dtype, a[sa * at + i]);
      };
    case "clamp":
      return (n, at) => {
        for (let i = 0; i < n; i++) out[so * at + i] = Math.min(Math.max(a[sa * at + i], b[sb * at + i]), c[sc * at + i]);
      };
    case "fma": // the product is exact in float64, and only the store rounds to float32
      return (n, at) => {
        for (let i = 0; i < n; i++) out[so * at + i] = a[sa * at + i] * b[sb * at + i] + c[sc * at + i];
      };
    case "where":
      return (n, at) => {
        for (let i = 0; i < n; i++) {
          const condition = a[sa * at + i];
          out[so * at + i] = condition < 0 || condition > 0 ? b[sb * at + i] : c[sc * at + i];
        }
      };
    default:
      throw new Error(`Cannot run ${op} over elements`);
  }
}

const view = (dtype: DType, { buffer, byteOffset, byteLength }: Region): Float32Array | Uint16Array =>
  dtype === "float32" ? new Float32Array(buffer, byteOffset, byteLength >> 2) : new Uint16Array(buffer, byteOffset, byteLength >> 1);

/** Makes a job runnable: the function runs one unit. Also what the wasm backend falls back to where a kernel cannot be compiled. */
export function bindJs(job: Job): (unit: number) => void {
  const { kernel, memory, cols, units, totals, columns, scalars } = job;
  const { nodes, pointers, stores, reductions } = kernel;
  const { buffers, steps } = machine(kernel, kernel.shape === "matrix" ? cols : 0);
  const views = pointers.map(({ dtype }, index) => view(dtype, memory[index]));
  const totalOf = reductions.filter(({ axis }) => axis === "total");
  const rowOf = reductions.filter(({ axis }) => axis === "row");
  const colOf = reductions.filter(({ axis }) => axis === "col");
  const totalSums = totalOf.map(() => new Float64Array(lanes));
  const rowSums = rowOf.map(() => new Float64Array(lanes));
  const colSums = colOf.map(() => new Float64Array(cols));
  const byRole = (role: string): number[] => nodes.map((_, index) => index).filter((index) => nodes[index].role === role);
  const ofRole = { uniform: byRole("uniform"), batch: byRole("batch"), row: byRole("row"), col: byRole("col"), param: byRole("param") };

  const load = (index: number, from: number, n: number, at: number): void => {
    const { pointer, dtype } = nodes[index];
    const source = views[pointer];
    if (dtype === "float32") {
      const out = buffers[index];
      for (let i = 0; i < n; i++) out[at + i] = source[from + i];
    } else {
      widenArray(dtype, (source as Uint16Array).subarray(from, from + n), buffers[index].subarray(at, at + n));
    }
  };
  const store = (pointer: number, node: number, to: number, n: number): void => {
    const { dtype } = pointers[pointer];
    const target = views[pointer];
    const source = buffers[node];
    if (dtype === "float32") { for (let i = 0; i < n; i++) target[to + i] = source[i]; }
    else narrowArray(dtype, source.subarray(0, n), (target as Uint16Array).subarray(to, to + n));
  };
  /** One number, spread over a block for those that mix with elements. */
  const single = (index: number, from: number): void => {
    const out = buffers[index];
    if (nodes[index].op === "load") load(index, from, 1, 0);
    else steps[index]!(1, 0);
    out.fill(out[0], 1, Math.max(1, Math.min(block, cols)));
  };
  const accumulate = (f: string, sums: Float64Array, values: Float32Array, n: number, at: number, end: number): void => {
    const main = end - end % 8;
    for (let i = 0; i < n; i++) {
      const x = values[i];
      const lane = at + i < main ? (at + i) & 7 : 8;
      if (f === "max") sums[lane] = Math.max(sums[lane], x);
      else sums[lane] += f === "norm" || f === "rms" ? x * x : x;
    }
  };
  const settle = (f: string, l: Float64Array): number =>
    f === "max" ? Math.max(...l) : (((l[0] + l[2]) + (l[4] + l[6])) + ((l[1] + l[3]) + (l[5] + l[7]))) + l[8];

  const elements = (base: number, at: number, n: number, end: number): void => {
    for (const index of ofRole.param) nodes[index].op === "load" ? load(index, base + at, n, 0) : steps[index]!(n, at);
    totalOf.forEach(({ f, node }, k) => accumulate(f, totalSums[k], buffers[node], n, at, end));
    rowOf.forEach(({ f, node }, k) => accumulate(f, rowSums[k], buffers[node], n, at, end));
    colOf.forEach(({ f, node }, k) => {
      const sums = colSums[k];
      const values = buffers[node];
      for (let i = 0; i < n; i++) {
        const x = values[i];
        if (f === "max") sums[at + i] = Math.max(sums[at + i], x);
        else sums[at + i] += f === "norm" || f === "rms" ? x * x : x;
      }
    });
    for (const { pointer, node } of stores) store(pointer, node, base + at, n);
  };

  return (unit) => {
    const [begin, end, rowBegin, rowEnd, region] = units.subarray(unit * unitFields, (unit + 1) * unitFields);
    for (const index of ofRole.uniform) buffers[index].fill(scalars[nodes[index].scalar]);
    totalOf.forEach(({ f }, k) => totalSums[k].fill(table[f].identity));
    if (kernel.shape === "flat") {
      for (let at = begin; at < end; at += block) elements(begin, at - begin, Math.min(block, end - at), end - begin);
    } else {
      const rows = job.rows;
      for (let b = begin; b < end; b++) {
        for (const index of ofRole.batch) single(index, b);
        for (let at = 0; at < cols; at += block) {
          const n = Math.min(block, cols - at);
          for (const index of ofRole.col) nodes[index].op === "load" ? load(index, b * cols + at, n, at) : steps[index]!(n, at);
        }
        colOf.forEach(({ f }, k) => colSums[k].fill(table[f].identity));
        for (let r = rowBegin; r < rowEnd; r++) {
          for (const index of ofRole.row) single(index, b * rows + r);
          rowOf.forEach(({ f }, k) => rowSums[k].fill(table[f].identity));
          for (let at = 0; at < cols; at += block) elements((b * rows + r) * cols, at, Math.min(block, cols - at), cols);
          rowOf.forEach(({ f, pointer }, k) => views[pointer][b * rows + r] = table[f].finish(settle(f, rowSums[k]), cols));
        }
        colOf.forEach(({ f, pointer }, k) => {
          if (region >= 0) {
            const bandsTotal = units.length / unitFields;
            columns!.set(colSums[k], (k * bandsTotal + region) * cols);
          } else {
            for (let c = 0; c < cols; c++) views[pointer][b * cols + c] = table[f].finish(colSums[k][c], rows);
          }
        });
      }
    }
    totalOf.forEach(({ f }, k) => totals[unit * totalOf.length + k] = settle(f, totalSums[k]));
  };
}

/** The executor of backend "js": everything lies in ordinary arrays. */
export const jsExecutor: Executor = {
  threads: 1,
  scratch: (_item, bytes) => ({ buffer: new ArrayBuffer(bytes), byteOffset: 0, byteLength: bytes }),
  release() {},
  stage(jobs) {
    const bound = jobs.map((job) => ({ run: bindJs(job), units: job.units.length / unitFields }));
    return {
      run() {
        for (const { run, units } of bound) for (let unit = 0; unit < units; unit++) run(unit);
      },
      dispose() {},
    };
  },
};

/** Makes backend "js". */
export function createJs(): KernelBackend {
  let disposed = false;
  let allocated = 0;
  const alive = (): void => {
    if (disposed) throw new TypeError(`Cannot use backend "js": it is disposed`);
  };
  const sizes = new WeakMap<object, number>();
  const backend = {
    allocate(shape: number | readonly number[], dtype: DType = "float32"): Tensor {
      alive();
      const dims = checkedShape(shape);
      const size = dims.reduce((n, length) => n * length, 1);
      const data = checkedDType(dtype) === "float32" ? new Float32Array(size) : new Uint16Array(size);
      sizes.set(data, data.byteLength);
      allocated += data.byteLength;
      return { data, shape: dims, dtype };
    },
    reserve(_near: readonly Tensor[], wanted: readonly { readonly shape: readonly number[]; readonly dtype: DType }[]): Tensor[] {
      const made: Tensor[] = [];
      try {
        for (const { shape, dtype } of wanted) made.push(backend.allocate(shape, dtype));
      } catch (error) {
        made.forEach(backend.release);
        throw error;
      }
      return made;
    },
    // Every array is reached without a copy.
    owns: () => true,
    together: () => true,
    release({ data }: Tensor): void {
      forget(data);
      allocated -= sizes.get(data) ?? 0;
      sizes.delete(data);
    },
    plan(items: readonly Item[]): Plan {
      alive();
      const { run, dispose } = createPlan(items, jsExecutor);
      return { run: (values) => (alive(), run(values)), dispose };
    },
  };
  // Who passes arrays of their own passes others at the next step: a kept plan would only keep them alive.
  const { run, forget } = createRun({ ...backend, lasts: ({ data }) => sizes.has(data), memoryOf: ({ data }) => data.buffer });
  const dispose = (): void => {
    disposed = true;
    forget();
  };
  return {
    name: "js",
    agrees: "bits",
    ...backend,
    allocate: backend.allocate as KernelBackend["allocate"], // whose overloads know that float32 is a Float32Array
    ...hostMemory,
    run: (text, tensors, scalars) => (alive(), run(text, tensors, scalars)),
    usage: () => ({ allocated, scratch: 0 }),
    get disposed() {
      return disposed;
    },
    dispose,
    [disposeSymbol]: dispose,
  };
}
