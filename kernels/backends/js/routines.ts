/**
 * Routines in JavaScript: what the others are held against, and what runs where a host forbids WASM.
 *
 * @module
 */
import { type Region, type RoutineJob, unitFields } from "../../plan/job.ts";
import type { RoutineName } from "../../routines/table.ts";
import { eigh } from "./eigh.ts";
import { qr } from "./qr.ts";

/** A tile of one matrix of a result. */
interface Tile {
  readonly begin: number;
  readonly end: number;
  readonly rowBegin: number;
  readonly rowEnd: number;
  readonly matrix: number;
}

/** Computes a tile of `z`. */
type RoutineLoop = (job: RoutineJob, args: readonly Float32Array[], z: Float32Array, tile: Tile) => void;

const { fround } = Math;

const routineLoops: Readonly<Record<RoutineName, RoutineLoop>> = {
  matmul({ rows, cols, inner }, [x, y], z, { begin, end, rowBegin, rowEnd, matrix }) {
    const fromY = matrix * inner * cols;
    for (let row = matrix * rows + rowBegin; row < matrix * rows + rowEnd; row++) {
      const at = row * cols;
      z.fill(0, at + begin, at + end);
      // The sums of a row side by side: each is rounded where it lies, after every product, and y is read in its order.
      for (let k = 0; k < inner; k++) {
        const a = x[row * inner + k];
        const from = fromY + k * cols;
        for (let col = begin; col < end; col++) z[at + col] += fround(a * y[from + col]);
      }
    }
  },
  transpose({ rows, cols }, [x], z, { begin, end, rowBegin, rowEnd, matrix }) {
    const first = matrix * rows * cols;
    for (let row = rowBegin; row < rowEnd; row++) {
      for (let col = begin; col < end; col++) z[first + row * cols + col] = x[first + col * rows + row];
    }
  },
  qr: ({ rows, cols }, [x], z, { matrix }) => qr(x, z, matrix * rows * cols, rows, cols),
  eigh: ({ rows }, [x], z, { matrix }) => eigh(x, z, matrix * rows * rows, rows),
  argsort({ cols }, [x], z, { matrix }) {
    const numbers = x.subarray(matrix * cols, (matrix + 1) * cols);
    z.set([...numbers.keys()].sort((i, j) => inOrder(numbers[i], numbers[j]) || i - j), matrix * cols);
  },
  gather({ rows, cols, inner }, [x, order], z, { begin, end, rowBegin, rowEnd, matrix }) {
    for (let row = matrix * rows + rowBegin; row < matrix * rows + rowEnd; row++) {
      for (let col = begin; col < end; col++) {
        const place = order[matrix * cols + col];
        z[row * cols + col] = isPlace(place, inner) ? x[row * inner + place] : NaN;
      }
    }
  },
};

/** Whether a number of an order is the place of one of so many columns. */
const isPlace = (place: number, cols: number): boolean => place >= 0 && place < cols && place === Math.floor(place);

/** Below 0 where a comes first: NaN comes last. */
const inOrder = (a: number, b: number): number => a < b ? -1 : a > b ? 1 : Number(Number.isNaN(a)) - Number(Number.isNaN(b));

const floats = ({ buffer, byteOffset, byteLength }: Region): Float32Array => new Float32Array(buffer, byteOffset, byteLength / 4);

/** Makes a call of a routine runnable: the function runs one unit. */
export function bindRoutine(job: RoutineJob): (unit: number) => void {
  const run = routineLoops[job.routine];
  const args = job.args.map(floats);
  const into = floats(job.into);
  return (unit) => {
    const [begin, end, rowBegin, rowEnd, matrix] = job.units.subarray(unit * unitFields, (unit + 1) * unitFields);
    run(job, args, into, { begin, end, rowBegin, rowEnd, matrix });
  };
}
