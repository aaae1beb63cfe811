/**
 * GradientAccumulator: a script of calls against accumulator `sum`. Its lists are tensors named by their place.
 *
 * @module
 */
import type { Accumulator, Grads, Tensor } from "../../core/types.ts";
import { exact, type Fault, plain } from "./compare.ts";
import { type Context, missing, optimizerPlugin } from "./context.ts";
import { errorFault, thrownBy } from "./errors.ts";
import type { Case, Json, JsonObject, Numbers } from "./golden.ts";
import { startOf, valuesOf } from "./optimizers.ts";
import { translate } from "./options.ts";

/** A gradient in a script. */
type Given = { readonly shape: readonly number[]; readonly data: Numbers } | null;

/** One call; only `call` has an argument. */
type Call = readonly ["call", readonly Given[]] | readonly ["step" | "gradients" | "reset"];

/** What it returned, or raised. */
interface Result {
  readonly value?: Json;
  readonly error?: Json;
}

/** Why the case cannot run, if so. */
export function unsupportedAccumulator(context: Context, entry: Case): string | undefined {
  return missing(context, "accumulator", "sum") ??
    (entry.args.script === undefined ? missing(context, "optimizer", "adam_weight_decay") : undefined);
}

function tensorOf({ shape, data }: { readonly shape: readonly number[]; readonly data: Numbers }): Tensor {
  return { data: Float32Array.from(data, Number), shape };
}

function named(grads: readonly Given[]): Grads {
  return Object.fromEntries(grads.map((grad, i) => [String(i), grad && tensorOf(grad)]));
}

/** The tensors that the script speaks of, as zeros: an accumulator is told them when it is made. Where none is ever given, a single number will do. */
function likeOf(script: readonly Call[]): Record<string, Tensor> {
  const like: Record<string, Tensor> = { 0: tensorOf({ shape: [], data: [0] }) };
  const given = new Set<number>();
  for (const [, grads = []] of script) {
    for (const [i, grad] of grads.entries()) {
      if (given.has(i)) continue;
      like[i] = tensorOf({ shape: grad?.shape ?? [], data: grad?.data.map(() => 0) ?? [0] });
      if (grad !== null) given.add(i);
    }
  }
  return like;
}

/** Runs the script; every outcome must be the reference's. */
export function runAccumulator(context: Context, entry: Case): Fault {
  if (entry.args.script === undefined) return runWithOptimizer(context, entry);
  const script = entry.args.script as unknown as readonly Call[];
  const { results } = context.golden.want(entry) as unknown as { results: readonly Result[] };
  const accumulator = context.registry.createAccumulator("sum", {}, likeOf(script));
  for (const [i, [call, grads]] of script.entries()) {
    const fault = callFault(accumulator, call, grads, results[i]);
    if (fault !== undefined) return `call ${i}, ${call}: ${fault}`;
  }
}

function callFault(accumulator: Accumulator, call: Call[0], grads: readonly Given[] | undefined, want: Result): Fault {
  if (call === "call") return errorFault(thrownBy(() => accumulator.add(named(grads!))), want.error ?? null);
  if (call === "reset") return errorFault(thrownBy(() => accumulator.reset()), want.error ?? null);
  if (call === "step") return accumulator.count === want.value ? undefined : `${accumulator.count} instead of ${want.value}`;
  let got: Accumulator["gradients"] = {};
  const fault = errorFault(thrownBy(() => got = accumulator.gradients), want.error ?? null);
  return fault ?? sumsFault(got, want.value as unknown as readonly Given[] | undefined ?? []);
}

/** A sum of nothing may be absent or zero, where the reference has None or zeros. */
function sumsFault(got: Accumulator["gradients"], want: readonly Given[]): Fault {
  for (const [i, grad] of want.entries()) {
    const sum = got[i]?.data ?? new Float32Array(grad?.data.length ?? 0);
    if (grad === null) {
      if (!Array.from(sum).every((x) => x === 0)) return `gradient ${i} is ${sum} instead of none`;
      continue;
    }
    const fault = exact({ [i]: sum }, { [i]: grad.data }, "gradients");
    if (fault !== undefined) return fault;
  }
}

/** The sum of every few gradients, divided, steps AdamWeightDecay. */
function runWithOptimizer(context: Context, entry: Case): Fault {
  const { bank: bankName, options, accumulate, calls } = entry.args as unknown as {
    bank: string;
    options: JsonObject;
    accumulate: number;
    calls: number;
  };
  const bank = context.golden.bank(bankName);
  const want = context.golden.want(entry) as unknown as { params: Record<string, Numbers>; iterations: number };
  const plugin = optimizerPlugin(context, "adam_weight_decay")!;
  const params = startOf(bank, Object.keys(bank), "float32");
  using optimizer = context.registry.createOptimizer(plugin.name, params, translate(plugin, options).options);
  const accumulator = context.registry.createAccumulator("sum", {}, params);
  for (let call = 0; call < calls; call++) {
    accumulator.add(
      Object.fromEntries(Object.entries(bank).map(([name, { shape, grads }]) => [name, tensorOf({ shape, data: grads[call]! })])),
    );
    if (accumulator.count < accumulate) continue;
    optimizer.step(Object.fromEntries(
      Object.entries(accumulator.gradients).map((
        [name, sum],
      ) => [name, { data: Float32Array.from(sum.data, (x) => x / accumulate), shape: bank[name].shape }]),
    ));
    accumulator.reset();
  }
  if (optimizer.steps !== want.iterations) return `${optimizer.steps} steps instead of ${want.iterations}`;
  return plain(valuesOf(params), want.params, "the end");
}

/**
 * The script by our own rule: all of a call is checked before anything is added, a late gradient counts, a tensor that is not named has none, and a
 * call of nothing is refused.
 */
export function runScriptByRule(context: Context, entry: Case): Fault {
  const script = entry.args.script as unknown as readonly Call[];
  const like = likeOf(script);
  const accumulator = context.registry.createAccumulator("sum", {}, like);
  let count = 0;
  let started = false;
  let sums = zeros(like);
  for (const [i, [call, grads]] of script.entries()) {
    if (call === "reset") {
      accumulator.reset();
      count = 0;
      sums = zeros(like);
    }
    if (call === "call") {
      const fits = grads!.length > 0 && grads!.every((grad, k) => k in like && (grad === null || `${grad.shape}` === `${like[k].shape}`));
      const thrown = thrownBy(() => accumulator.add(named(grads!)));
      if (fits !== (thrown === undefined)) return `call ${i} ${fits ? `threw ${thrown}` : "was accepted"}`;
      if (!fits) continue;
      count += 1;
      started = true;
      for (const [k, grad] of grads!.entries()) grad?.data.forEach((x, j) => sums[k][j] += Number(x));
    }
    if (accumulator.count !== count) return `count ${accumulator.count} after call ${i} instead of ${count}`;
    if (!started) {
      const thrown = thrownBy(() => accumulator.gradients);
      if (!(thrown instanceof RangeError)) return `gradients after call ${i}, before any, threw ${thrown}, not a RangeError`;
      continue;
    }
    const got = accumulator.gradients;
    const fault = exact(
      Object.fromEntries(Object.keys(sums).map((name) => [name, got[name]?.data ?? new Float32Array(sums[name].length)])),
      Object.fromEntries(Object.entries(sums).map(([name, sum]) => [name, Array.from(sum)])),
      `call ${i}, gradients`,
    );
    if (fault !== undefined) return fault;
  }
}

function zeros(like: Readonly<Record<string, Tensor>>): Record<string, Float32Array> {
  return Object.fromEntries(Object.entries(like).map(([name, { data }]) => [name, new Float32Array(data.length)]));
}
