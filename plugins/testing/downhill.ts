/**
 * Whether an optimizer goes anywhere, and where.
 *
 * @module
 */
import type { Faults } from "./faults.ts";
import { make, type Named, type Setup, steps, using } from "./runs.ts";
import { gradientsAt, numbersOf, shapes, tensorOf } from "./tensors.ts";

const some = { vector: shapes.vector, matrix: shapes.matrix };
const last = 10;
const nearZero = (): Record<string, Float32Array> =>
  Object.fromEntries(Object.entries(gradientsAt(some, 2)).map(([name, g]) => [name, (g as Float32Array).map((x) => x / 64)]));

/** Steps by a gradient that stays the same must lead against it. Parameters start near 0, where decay is small. */
export function checkDownhill(faults: Faults, setup: Setup, { backend }: Named): void {
  const { lr, maximize } = setup.options;
  if (lr === 0 || maximize === true) return;
  const gradients = gradientsAt(some, 1);
  const start = nearZero();
  const ended = faults.attempt(`${last} steps by one gradient`, () =>
    using(
      make(
        setup,
        Object.fromEntries(Object.entries(some).map(([name, shape]) => [name, tensorOf(start[name].slice(), shape, "float32")])),
        backend,
      ),
      (optimizer) => {
        steps(optimizer, 1, last, () => gradients);
        return optimizer.saveState().tensors;
      },
    ));
  if (ended === undefined) return;
  for (const name of Object.keys(some)) {
    const [is, was, g] = [numbersOf(ended[name]), start[name], gradients[name] as Float32Array];
    const along = g.reduce((sum, x, i) => sum + x * (is[i] - was[i]), 0);
    if (was.every((x, i) => x === is[i])) {
      faults.add(`${last} steps by one gradient move no parameter of shape [${some[name as keyof typeof some]}]: does its text assign p?`);
    } else if (along > 0) faults.add(`${last} steps by one gradient lead uphill, along the gradient: is a sign wrong?`);
  }
}

/** A NaN in a gradient must be seen in the parameter: hidden, it would train on as if nothing had happened. */
export function checkSeen(faults: Faults, setup: Setup, { backend }: Named): void {
  faults.attempt("a step whose gradient has a NaN", () =>
    using(make(setup, { vector: nearZero().vector }, backend), (optimizer) => {
      steps(optimizer, 1, 4, (step) => {
        const { vector } = gradientsAt(some, step);
        if (step === 2) (vector as Float32Array)[2] = NaN;
        return { vector };
      });
      const value = numbersOf(optimizer.saveState().tensors.vector)[2];
      if (!Number.isNaN(value)) {
        faults.add(`two steps after a NaN in its gradient a parameter is ${value}: a NaN must be seen, and spread to what it touches`);
      }
    }));
}
