/**
 * Steps of a schedule drawn as steps: a value that stays and then jumps is drawn up to the jump, and down there, not across to it.
 *
 * @module
 */
import type { Samples } from "./sampling.ts";

/** A jump is so many times what follows it: the end of a plateau before a slope is none. */
const JUMP = 8;

/** The same curve, asked at every step, with a second point at each step where it leaves a plateau by a jump. */
export function asStairs({ steps, values }: Samples): Samples {
  const drawn = { steps: [] as number[], values: [] as number[] };
  for (let i = 0; i < steps.length; i++) {
    const jump = Math.abs(values[i] - values[i - 1]);
    const isFlatBefore = i >= 2 && values[i - 1] === values[i - 2];
    const after = i + 1 < steps.length ? Math.abs(values[i + 1] - values[i]) : 0;
    if (isFlatBefore && jump > 0 && jump > JUMP * after) {
      drawn.steps.push(steps[i]);
      drawn.values.push(values[i - 1]);
    }
    drawn.steps.push(steps[i]);
    drawn.values.push(values[i]);
  }
  return drawn.steps.length === steps.length ? { steps, values } : drawn;
}
