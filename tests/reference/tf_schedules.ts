/**
 * TensorFlow's schedule objects: `{ class, kwargs }`, nested for WarmUp, in float32, whose value stands in the learning rate's place.
 *
 * @module
 */
import type { Use } from "../../core/types.ts";
import { type Fault, sameLr, SCHEDULE_SINGLE, withinSingle } from "./compare.ts";
import { type Context, missing } from "./context.ts";
import type { Case, Json, JsonObject, Measure, Numbers } from "./golden.ts";
import { scheduleName } from "./items.ts";
import { camelCase } from "./options.ts";
import { lrAt } from "./schedules.ts";

/** A schedule as the manifest writes it. */
interface Spec {
  readonly class: string;
  readonly kwargs: JsonObject;
}

/** Whether an argument is a schedule. */
export function isSpec(value: Json | undefined): boolean {
  return typeof value === "object" && value !== null && "class" in value;
}

/** The schedule as a name and options; `decay_schedule_fn` is `decaySchedule`. */
export function useOf(value: Json): Use & { readonly name: string } {
  const spec = value as unknown as Spec;
  // Keras names its objects; nothing here has such a name.
  const { name: _, ...kwargs } = spec.kwargs;
  const options = Object.entries(kwargs).map(([key, value]) =>
    isSpec(value) ? [camelCase(key.replace(/_fn$/, "")), useOf(value)] : [camelCase(key), value]
  );
  return { name: scheduleName(spec.class), options: Object.fromEntries(options) };
}

/** Why a schedule cannot run, if so. */
export function unsupportedSpec(context: Context, value: Json): string | undefined {
  const spec = value as unknown as Spec;
  const absent = missing(context, "schedule", scheduleName(spec.class));
  if (absent !== undefined) return absent;
  const inner = Object.values(spec.kwargs).find(isSpec);
  return inner === undefined ? undefined : unsupportedSpec(context, inner);
}

/** `lrs[i]` at step i, against the formula in float64. */
export function runTfSchedule(context: Context, entry: Case): Fault {
  const { name, options } = useOf(entry.args.schedule);
  const want = context.golden.want(entry) as unknown as { lrs: Numbers; lrs64: Numbers };
  const schedule = context.registry.createSchedule(name, options);
  const got = want.lrs.map((_, i) => lrAt(schedule, i, 1));
  return withinSingle(got, want.lrs, want.lrs64, entry.expects.precision!.lrs as Measure);
}

/** Values that the reference holds in float32 and whose truth is not known. */
export function singleFault(got: readonly number[], want: Numbers, base: number): Fault {
  for (const [i, lr] of want.entries()) {
    if (!sameLr(got[i], Number(lr), base, SCHEDULE_SINGLE)) return `lr at step ${i}: ${got[i]} instead of ${lr}`;
  }
}
