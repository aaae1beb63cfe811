/**
 * Progress of a training run as text: a bar that stays in place on a terminal, a line now and then in a pipe.
 *
 * @module
 */
import type { Update } from "./training.ts";

/** Where text goes; `process.stdout` fits. */
export interface Output {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

/** Shows updates, the last of them included. */
export interface Progress {
  show(update: Update): void;
}

/** On a terminal at most so often, in milliseconds. */
const REDRAW = 40;
/** In a pipe so many lines. */
const LINES = 20;

/** Progress towards `total` updates. */
export function createProgress(total: number, output: Output): Progress {
  let drawn = -Infinity;
  return {
    show(update) {
      const last = update.number === total;
      if (!output.isTTY) {
        if (last || update.number % Math.ceil(total / LINES) === 0) output.write(`${line(update, total, 80)}\n`);
        return;
      }
      const now = performance.now();
      if (!last && now - drawn < REDRAW) return;
      drawn = now;
      // Back to the first column, and clear what the line before leaves over.
      output.write(`\r${line(update, total, output.columns ?? 80)}\x1b[K${last ? "\n" : ""}`);
    },
  };
}

function line({ number, loss, accuracy, lr }: Update, total: number, columns: number): string {
  const numbers = [
    `${String(number).padStart(String(total).length)}/${total}`,
    `loss ${loss.toFixed(4)}`,
    `accuracy ${(100 * accuracy).toFixed(1).padStart(5)} %`,
    `lr ${lr.toExponential(2)}`,
  ].join("  ");
  const width = Math.min(40, columns - numbers.length - 4);
  if (width < 4) return numbers.slice(0, Math.max(0, columns - 1));
  const done = Math.round(number / total * width);
  return `${"█".repeat(done)}${"░".repeat(width - done)}  ${numbers}`;
}
