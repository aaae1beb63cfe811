/**
 * How a routine's result is cut into units of work: tiles of each matrix.
 *
 * @module
 */
import { type RoutineName, routines } from "./table.ts";

/** Cuts so many matrices into records of `unitFields` numbers: first and end column, first and end row, and the matrix. */
export function routineUnits(routine: RoutineName, batch: number, rows: number, cols: number): Int32Array {
  const [height, width] = routines[routine].tile;
  const units: number[] = [];
  for (let matrix = 0; matrix < batch; matrix++) {
    for (let row = 0; row < rows; row += height) {
      for (let col = 0; col < cols; col += width) {
        units.push(col, Math.min(cols, col + width), row, Math.min(rows, row + height), matrix);
      }
    }
  }
  return Int32Array.from(units);
}
