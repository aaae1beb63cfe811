/**
 * A tensor with a row for each output.
 *
 * @module
 */

/** The first dimension as rows, all others as columns: as linear layers and convolutions have their weights in PyTorch. */
export function byOutput([outputs, ...rest]: readonly number[]): [batch: number, rows: number, cols: number] {
  return [1, outputs, rest.reduce((a, b) => a * b, 1)];
}
