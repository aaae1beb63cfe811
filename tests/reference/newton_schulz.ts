/**
 * timm's `zeropower_via_newtonschulz`, as Muon's lines compute it, over one matrix.
 *
 * @module
 */
import { createBackend } from "../../kernels/backends/create.ts";
import { newtonSchulz, type Triple } from "../../plugins/optimizers/newton_schulz.ts";
import { type Fault, plain } from "./compare.ts";
import type { Context } from "./context.ts";
import type { Case, Numbers } from "./golden.ts";

/** The form of `args`. */
interface Args {
  readonly bank: string;
  /** Prose with the tensor's name. */
  readonly input: string;
  readonly steps: number;
  readonly coefficients: Triple;
  readonly eps: number;
}

/** Runs the case; says what differs from the reference in float32. */
export function runNewtonSchulz(context: Context, entry: Case): Fault {
  const { bank, input, steps, coefficients, eps } = entry.args as unknown as Args;
  const name = /^init of tensor (\S+)$/.exec(input)?.[1];
  if (name === undefined) return `cannot read "${input}"`;
  const { shape, init } = context.golden.bank(bank)[name];
  const data = Float32Array.from(init, Number);
  using backend = createBackend();
  const text = `X = o/max(norm(o), eps)\n${newtonSchulz(steps, [coefficients], shape[0] > shape[1])}\no = X`;
  backend.run(text, { o: { data, shape } }, { eps });
  return plain({ o: data }, { o: context.golden.want(entry).float32 as Numbers }, "the matrix");
}
