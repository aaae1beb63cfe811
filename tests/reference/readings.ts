/**
 * AdafactorSchedule: the learning rates that Adafactor reports, read by `optimizer.readings()`.
 *
 * @module
 */
import type { Optimizer, Tensor } from "../../core/types.ts";
import { type Fault, plain, sameLr, SCHEDULE_SINGLE } from "./compare.ts";
import { type Context, missing, optimizerPlugin } from "./context.ts";
import { thrownBy } from "./errors.ts";
import type { Case, JsonObject, Numbers } from "./golden.ts";
import { startOf, valuesOf } from "./optimizers.ts";
import { translate } from "./options.ts";

/** The form of `args`. */
interface Args {
  readonly bank: string;
  readonly options: JsonObject;
  readonly groups: readonly ({ readonly tensors: readonly string[] } & JsonObject)[];
  readonly steps: number;
  readonly initial_lr: number | null;
  readonly no_grad: readonly string[];
}

/** What the reference's schedule said, step by step. */
type Rows = readonly { readonly get_lr: readonly number[] }[];

/** Why the case cannot run, if so. */
export function unsupportedReadings(context: Context): string | undefined {
  return missing(context, "optimizer", "adafactor");
}

/** A case's optimizer and what moves it. */
interface Run extends Disposable {
  readonly optimizer: Optimizer<{ lr: number | null }>;
  readonly params: Readonly<Record<string, Tensor>>;
  step(t: number): void;
}

function start(context: Context, entry: Case, initial_lr: number | null): Run {
  const { bank: bankName, options, groups, no_grad } = entry.args as unknown as Args;
  const bank = context.golden.bank(bankName);
  const plugin = optimizerPlugin(context, "adafactor")!;
  const initial = initial_lr === null ? {} : { initialLr: initial_lr };
  const params = startOf(bank, groups.flatMap(({ tensors }) => tensors), "float32");
  const optimizer = context.registry.createOptimizer("adafactor", params, { ...translate(plugin, options).options, ...initial }, {
    groups: groups.map(({ tensors, ...own }) => ({ match: tensors, options: translate(plugin, own as JsonObject).options })),
  }) as Run["optimizer"];
  const gradOf = (name: string, t: number): Tensor | null => {
    const grad = no_grad.includes(name) ? null : bank[name].grads[t - 1];
    return grad && { data: Float32Array.from(grad, Number), shape: bank[name].shape };
  };
  return {
    optimizer,
    params,
    step: (t) => optimizer.step(Object.fromEntries(Object.keys(params).map((name) => [name, gradOf(name, t)]))),
    [Symbol.dispose]: () => optimizer[Symbol.dispose](),
  };
}

/** `rows[0]` before any step, `rows[i]` after i steps, and the parameters at the end. */
export function runReadings(context: Context, entry: Case): Fault {
  const { steps, initial_lr } = entry.args as unknown as Args;
  const want = context.golden.want(entry) as unknown as { rows: Rows; final: Record<string, Numbers> };
  using run = start(context, entry, initial_lr);
  for (let t = 0; t <= steps; t++) {
    if (t > 0) run.step(t);
    const lrs = want.rows[t].get_lr;
    const readings = run.optimizer.readings();
    if (lrs.length !== readings.length) return `${readings.length} readings after step ${t} instead of ${lrs.length}`;
    for (const [g, lr] of lrs.entries()) {
      const got = readings[g] ?? initial_lr ?? 0;
      if (!sameLr(got, lr, lr, SCHEDULE_SINGLE)) return `reading of group ${g} after step ${t}: ${readings[g]} instead of ${lr}`;
    }
  }
  return plain(valuesOf(run.params), want.final, "the end");
}

/** What is to happen where the reference is not followed: readings never write, and each group has its own. */
export function runReadingsInstead(context: Context, entry: Case): Fault {
  const { steps, groups, options, no_grad, initial_lr } = entry.args as unknown as Args;
  const { rows } = context.golden.want(entry) as unknown as { rows: Rows };
  if (options.relative_step === false && initial_lr !== null) {
    const thrown = thrownBy(() => start(context, entry, initial_lr)[Symbol.dispose]());
    if (!(thrown instanceof RangeError)) return `an initialLr without relativeStep threw ${thrown}, not a RangeError`;
  }
  using run = start(context, entry, null);
  const before = valuesOf(run.params);
  for (let t = 1; t <= steps; t++) {
    run.step(t);
    if (t === 1) {
      // Looked at here: a number that steps to and fro may end where it began.
      const after = valuesOf(run.params);
      const still = Object.keys(after).find((name) =>
        !no_grad.includes(name) && Array.from(after[name]).every((x, i) => x === before[name][i])
      );
      if (still !== undefined) return `${still} has not moved`;
    }
    const readings = run.optimizer.readings();
    const left = [...rows[t].get_lr];
    for (const [g, { tensors }] of groups.entries()) {
      const { lr } = run.optimizer.groups[g].current;
      if (lr !== (options.lr ?? null)) return `lr of group ${g} after step ${t}: ${lr} instead of ${options.lr}`;
      if (no_grad.includes(tensors[0])) {
        if (readings[g] !== null && readings[g] !== 0) return `reading of group ${g} after step ${t}: ${readings[g]} without a gradient`;
      } else if (options.relative_step !== false) {
        const lr = left.shift()!;
        if (readings[g] === null || !sameLr(readings[g], lr, lr, SCHEDULE_SINGLE)) {
          return `reading of group ${g} after step ${t}: ${readings[g]} instead of ${lr}`;
        }
      }
    }
  }
}
