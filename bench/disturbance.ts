/**
 * How busy the machine is with other things: a run beside busy neighbours says so.
 *
 * @module
 */
import { readFileSync } from "node:fs";

/** Measures while the bench itself rests. */
export interface Disturbance {
  /** Rests for so many milliseconds and counts what the cores do meanwhile. */
  rest(ms: number): Promise<void>;
  /** Share of the machine that was busy in all rests; null where the system does not tell. */
  share(): number | null;
}

/** A measure of disturbance, at zero. */
export function createDisturbance(): Disturbance {
  let busy = 0;
  let total = 0;
  return {
    async rest(ms) {
      const before = ticks();
      await new Promise((resolve) => setTimeout(resolve, ms));
      const after = ticks();
      if (before === null || after === null) return;
      busy += after.busy - before.busy;
      total += after.total - before.total;
    },
    share: () => total === 0 ? null : busy / total,
  };
}

/** Clock ticks of all cores together since the system's start. */
function ticks(): { readonly busy: number; readonly total: number } | null {
  try {
    const [line] = readFileSync("/proc/stat", "utf8").split("\n", 1);
    const [user, nice, system, idle, wait, ...rest] = line.trim().split(/\s+/).slice(1, 9).map(Number);
    const busy = [user, nice, system, ...rest].reduce((sum, x) => sum + x, 0);
    return { busy, total: busy + idle + wait };
  } catch {
    return null;
  }
}
