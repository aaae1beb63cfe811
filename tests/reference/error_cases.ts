/**
 * Calls that the reference refuses, or accepts: each is made here too, and what it throws compared.
 *
 * @module
 */
import type { Base, Grads, Optimizer, Tensor } from "../../core/types.ts";
import type { Fault } from "./compare.ts";
import { type Context, missing, optimizerPlugin } from "./context.ts";
import { errorFault, thrownBy } from "./errors.ts";
import type { Case, Json, JsonObject } from "./golden.ts";
import { LATER_SCHEDULES, optimizerName, scheduleName } from "./items.ts";
import { translateAll } from "./options.ts";
import { makeSchedule } from "./schedules.ts";
import { makeTfOptimizer, unsupportedCreateOptimizer } from "./tf_optimizers.ts";
import { isSpec, useOf } from "./tf_schedules.ts";

/** What these cases have in `args`. */
interface Args {
  readonly options?: JsonObject;
  readonly kwargs?: JsonObject;
  readonly name?: Json;
  readonly lr?: number;
  readonly lrs?: readonly number[];
  readonly steps?: number;
  readonly call?: string;
  readonly params?: readonly Json[] | string;
  readonly grad?: string;
  readonly grads?: readonly null[];
  readonly dtype?: string;
  readonly weight_decay_rate?: number;
  readonly optimizer?: string;
}

const SCHEDULES = /^(get_.*_schedule.*|get_scheduler|torch\.optim\.lr_scheduler\..*|WarmUp|.*Decay(Restarts)?)$/;

function isSchedule(item: string): boolean {
  return SCHEDULES.test(item) && item !== "AdamWeightDecay";
}

function argsOf(entry: Case): Args {
  return entry.args as unknown as Args;
}

/** Why the case cannot run, if so. */
export function unsupportedError(context: Context, entry: Case): string | undefined {
  const { name } = argsOf(entry);
  if (entry.item === "get_scheduler") {
    const later = entry.system.startsWith("transformers-4.") ? [] : LATER_SCHEDULES;
    return typeof name === "string" && later.includes(name) ? missing(context, "schedule", name) : undefined;
  }
  if (isSchedule(entry.item)) return missing(context, "schedule", scheduleName(entry.item));
  if (entry.item === "create_optimizer") return unsupportedCreateOptimizer(context);
  if (entry.item === "AdafactorSchedule") return missing(context, "optimizer", "adafactor");
  return missing(context, "optimizer", optimizerName(entry));
}

/** Makes the call; says what differs from the reference. */
export function runError(context: Context, entry: Case): Fault {
  const action = actionOf(context, entry);
  if (action === undefined) return "is about what exists in Python alone";
  return errorFault(thrownBy(action), context.golden.want(entry).error);
}

/** The call must be accepted, whatever the reference does. */
export function runAccepted(context: Context, entry: Case): Fault {
  return errorFault(thrownBy(actionOf(context, entry)!), null);
}

/** The call, or nothing where there is none to make here. */
function actionOf(context: Context, entry: Case): (() => void) | undefined {
  const args = argsOf(entry);
  if (isSchedule(entry.item)) return scheduleAction(context, entry, args);
  if (entry.item === "create_optimizer") {
    return () =>
      makeTfOptimizer(context, entry, { kernel: Float32Array.of(1, 2) } as unknown as Record<string, Tensor>, args.kwargs!)
        [Symbol.dispose]();
  }
  if (entry.item === "AdafactorSchedule") return;
  return optimizerAction(context, entry, args);
}

function scheduleAction(
  context: Context,
  entry: Case,
  { kwargs = {}, name, lr, lrs, steps = 0, call, ...args }: Args,
): (() => void) | undefined {
  if (call === "get_last_lr()") return;
  const bases = lrs ?? [lr ?? 1];
  // What a schedule asks of an optimizer are its base values: what is no optimizer stands in their place.
  const base = Object.hasOwn(args, "optimizer") && !entry.item.startsWith("torch.")
    ? args.optimizer as unknown as Base
    : { value: bases[0], groups: bases };
  return () => {
    const given = Object.fromEntries(
      Object.entries(kwargs).map(([key, value]) => [key, isSpec(value) ? useOf(value) as unknown as Json : value]),
    );
    const schedule = makeSchedule(context, entry.item, name, given, base);
    if (call === "step()") (schedule as unknown as { update(metric?: number): void }).update();
    for (let step = 0; step <= steps && typeof schedule === "function"; step++) schedule(step);
  };
}

/** The parameter that the reference's error cases are about, and its gradient. */
function tensorFor(entry: Case, dtype: string): { readonly params: Record<string, Tensor>; readonly grads: Grads } {
  const shape = entry.item === "AdamW" || entry.item === "Adafactor" ? [3, 2] : [2];
  const size = shape.reduce((product, length) => product * length, 1);
  const ones = { bfloat16: 0x3f80, float16: 0x3c00 }[dtype];
  if (ones !== undefined) {
    const tensor = (): Tensor => ({ data: new Uint16Array(size).fill(ones), shape, dtype: dtype as "bfloat16" | "float16" });
    return { params: { p: tensor() }, grads: { p: tensor() } };
  }
  const tensor = (): Tensor => ({ data: new Float32Array(size).fill(1), shape });
  return { params: { p: tensor() }, grads: { p: tensor() } };
}

function optimizerAction(
  context: Context,
  entry: Case,
  { options = {}, params, grad, grads, dtype = "float32", weight_decay_rate, call }: Args,
): (() => void) | undefined {
  if (params === "a tensor instead of a list" || params === "a tensor that is the result of an operation") return;
  const one = tensorFor(entry, dtype);
  const twice = { p: one.params.p, q: one.params.p };
  const given = typeof params === "string" ? twice : Array.isArray(params) ? {} : one.params;
  const all = weight_decay_rate === undefined ? options : { ...options, weight_decay_rate };
  const sparse = { p: { indices: Int32Array.of(0), values: new Float32Array(2).fill(1) } };
  const now: Grads = grad === "sparse" ? sparse : grads === undefined ? one.grads : Object.fromEntries(grads.map(() => ["p", null]));
  return () => {
    const plugin = optimizerPlugin(context, optimizerName(entry))!;
    using optimizer: Optimizer = context.registry.createOptimizer(plugin.name, given, translateAll(plugin, all));
    if (call !== undefined || grad !== undefined) optimizer.step(now);
  };
}
