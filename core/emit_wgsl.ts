/**
 * A rule as WGSL, for trainers that own their device and their encoder.
 *
 * @module
 */
import { lowerPlan } from "../kernels/backends/webgpu/lower.ts";
import { type DeviceLimits, eachOnce, guaranteedLimits, type OwnMemory } from "../kernels/backends/webgpu/passes.ts";
import type { Words } from "../kernels/globals.ts";
import { holds } from "../kernels/language/condition.ts";
import type { Item } from "../kernels/plan/item.ts";
import { classes, isNumber } from "../kernels/tables/classes.ts";
import { elementTypes } from "../kernels/tables/dtypes.ts";
import type { DType } from "../kernels/types.ts";
import { about } from "./errors.ts";
import { isRecord, refuseUnknownKeys, show } from "./names.ts";
import { type How, oneText, settledParts } from "./one_text.ts";
import { numbersAt } from "./optimizer/numbers.ts";
import { type PartSlot, slotsOf } from "./optimizer/parts.ts";
import type { OptimizerPlugin } from "./plugin/contract.ts";
import { titleOf } from "./plugin/use.ts";
import type { Use } from "./types.ts";

/** A buffer that passes bind. */
export interface WgslBuffer {
  /** `p`, `g`, a slot's name as the rule has it (a transform's with its plugin before it: `ema.avg`), or one of the passes' own. */
  readonly name: string;
  /** Its least size; a multiple of 4. */
  readonly bytes: number;
  /** Flags of `GPUBufferUsage` that it needs. */
  readonly usage: number;
  /** Element type of a tensor: 16-bit elements lie two in a word, the first in its lower half. Null: the passes' own. */
  readonly dtype: DType | null;
  /** What it holds before the first step: these words, this word everywhere (0: as a buffer is made), or what `p` holds (in its own type). */
  readonly start: Words | number | "p";
}

/** What a pass binds at one place. */
export interface WgslBinding {
  /** Name of the buffer. */
  readonly buffer: string;
  /** In bytes, of the buffer. */
  readonly offset: number;
  /** In bytes. */
  readonly size: number;
  /** As a bind group layout has it. */
  readonly type: "uniform" | "storage" | "read-only-storage";
}

/** One dispatch. */
export interface WgslPass {
  /** What it does, for people. */
  readonly label: string;
  /** A module; its entry point is `main`. */
  readonly code: string;
  /** By number of the binding, in group 0. */
  readonly bindings: readonly WgslBinding[];
  /** For `dispatchWorkgroups`. */
  readonly workgroups: readonly [x: number, y: number];
}

/** A step over one tensor, as passes. */
export interface EmittedWgsl<Options> {
  /** All buffers, each once. */
  readonly buffers: readonly WgslBuffer[];
  /** To be dispatched in this order, in one compute pass or in several. One that stands here several times, as those of a factorization do, is one object. */
  readonly passes: readonly WgslPass[];
  /** Name of the buffer that takes what `numbers` gives. */
  readonly numbersBuffer: string;
  /**
   * The words to write into that buffer before step `t`, counted from 1. `changed` replaces options for this step, as a schedule does with `lr`: those that
   * the rule's numbers are made of. To be asked once for each step, in their order: some rules, as NAdam's, multiply a number from step to step.
   */
  numbers(t: number, changed?: Partial<Options>): Words;
}

/** What {@linkcode emitWgsl} takes. */
export interface EmitOptions<Options> {
  /** Of the parameter. */
  readonly shape: readonly number[];
  /** Options of the optimizer. */
  readonly options?: Partial<Options>;
  /** Of the parameter and its gradient; default float32. */
  readonly dtype?: DType;
  /** Plugins, not names. A sum over all tensors is this tensor's. */
  readonly transforms?: readonly Use[];
  /**
   * Of a rule with parts, as SOAP's, a step, counted from 1: passes are of the parts that stand in it. Steps with other parts are emitted on their own: the
   * tensors' buffers are the same for all of them, by name, and the passes' own (`dtype: null`) are each one's.
   */
  readonly step?: number;
  /** What the device allows, as `device.limits`; what is not there is as every device has it. */
  readonly limits?: Partial<DeviceLimits>;
}

// GPUBufferUsage, which no runtime has where it has no WebGPU.
const usage = { copySource: 4, copyTarget: 8, uniform: 64, storage: 128 } as const;

/**
 * One step of an optimizer over a tensor of this shape as WGSL: code, bindings, dispatch sizes, and the function that gives the numbers of a step. Whoever has a
 * device and an encoder needs nothing else of this library to train.
 *
 * What the passes compute is what backend "webgpu" computes: they are the same. `numbers` is computed on the host, in float64, and written before the
 * step's command buffer is submitted: one submit a step. A tensor's buffers may be shared by all steps, the passes' own too. Where a transform may hold a step
 * back (`skip_nonfinite`), buffer `progress` says so: its third word is not 0 after such a step, and the first counts those that were applied.
 *
 * Throws a TypeError for what is no optimizer plugin, for unknown options, for a rule with parts where no `step` says which, or which carries numbers from step
 * to step; a RangeError for values, shapes, what the limits do not allow, and the numbers of a step in which other parts stand.
 *
 * @example Usage
 * ```ts
 * import { adamwTorch } from "@glissade/optim/optimizers/adamw-torch";
 * import { emitWgsl } from "@glissade/optim/webgpu";
 *
 * const { buffers, passes, numbers } = emitWgsl(adamwTorch, { shape: [256, 64], options: { lr: 1e-3 } });
 * console.log(buffers.map(({ name, bytes }) => `${name} ${bytes}`)); // p 65536, g 65536, m 65536, v 65536, records 256
 * console.log(passes[0].workgroups, passes[0].bindings.length, numbers(1).length);
 * ```
 */
export function emitWgsl<Options>(plugin: OptimizerPlugin<string, Options>, how: EmitOptions<Options>): EmittedWgsl<Options> {
  // Without options there is no shape, which is said below.
  if (how !== undefined) refuseUnknownKeys("what emitWgsl takes", how, ["shape", "options", "dtype", "transforms", "step", "limits"]);
  const { limits = {}, shape, step, ...rest } = how ?? {};
  const allowed = limitsOf(limits);
  const text = oneText("emit", plugin, shape, rest as How<Options>, ["options", "dtype", "transforms"]);
  const { tensor, group, parts, extent, conditions } = text;
  const refused = (why: string): TypeError => about(new TypeError(`Cannot emit ${titleOf(plugin)}: ${why}`), { plugin: plugin.name });
  if (step !== undefined) checkStep("emit", step);
  else if (conditions.length > 0) {
    throw refused(`its rule has parts that some steps leave out (when ${conditions[0].text}); give the step that you want, as step: 1`);
  }
  const standAt = (t: number): readonly boolean[] => conditions.map((one) => holds(one, numbersAt(group, t), extent, tensor.dtype));
  const stand = conditions.length === 0 ? [] : standAt(step!);
  const program = text.program((when) => when === undefined || stand[conditions.indexOf(when)]);
  const slots = slotsOf(parts);
  const scalarSlots = new Map<string, number>();
  for (const { key, slot: { cls, init = 0 }, scope } of slots) {
    if (cls === "scalar") scalarSlots.set(key, init as number);
    else if (cls === "group") group.slots.start(key, init as number, scope !== parts[0].scope);
  }
  const tensors = tensorsOf(slots, tensor, extent);
  const item: Item = { name: tensor.name, program, extent, tensors: {}, scalarSlots, groupSlots: group.slots };
  const cells: string[] = [];
  const first: number[] = [];
  const plan = lowerPlan<WgslBuffer>([item], {
    limits: allowed,
    place: (_item, key) => ({ buffer: tensors.get(key)!, offset: 0, bytes: tensors.get(key)!.bytes }),
    hasCell: (_item, key) => cells.includes(key),
    cell(_item, key, cls) {
      const at = cells.indexOf(key);
      if (at >= 0) return at;
      first.push((cls === "scalar" ? scalarSlots : group.slots).get(key)!);
      return cells.push(key) - 1;
    },
  });
  // Each step's passes would carry them on for themselves.
  if (conditions.length > 0 && plan.mapSlots.length + plan.cells.length > 0) {
    throw refused("its rule has parts that some steps leave out, and carries numbers from step to step");
  }
  const own: Readonly<Record<OwnMemory, { readonly bytes: number; readonly more: number; readonly start: Words | number }>> = {
    records: { bytes: plan.recordBytes, more: usage.uniform, start: 0 },
    rows: { bytes: plan.recordBytes, more: 0, start: 0 },
    scratch: { bytes: plan.scratchBytes, more: 0, start: 0 },
    tables: { bytes: plan.tables.byteLength, more: 0, start: plan.tables as Words },
    progress: { bytes: 16, more: usage.copySource, start: 0 },
    cells: { bytes: 4 * first.length, more: usage.copySource, start: new Uint32Array(Float32Array.from(first).buffer) },
  };
  const bound = new Set(plan.passes.flatMap(({ bindings }) => bindings.map(({ of }) => of)));
  const nameOf = (of: WgslBuffer | OwnMemory): string => typeof of === "string" ? of : of.name;
  const sizeOf = (of: WgslBuffer | OwnMemory): number => typeof of === "string" ? own[of].bytes : of.bytes;
  const numbersBuffer = plan.holds.length > 0 ? "rows" : "records";
  const rules = JSON.stringify(parts.map(({ rule }) => rule));
  let isChanged = false;
  const settle = (changed: Partial<Options> | undefined): void => {
    if (changed === undefined && !isChanged) return;
    try {
      isChanged = changed !== undefined;
      const now = settledParts(group, { ...how.options, ...changed }, tensor);
      if (JSON.stringify(now.map(({ rule }) => rule)) === rules) return;
      const names = Object.keys(changed!).join(", ");
      const message = `Cannot change ${names} of ${titleOf(plugin)} between steps: that changes the rule's text, so emit it again`;
      throw about(new TypeError(message), { plugin: plugin.name });
    } catch (error) {
      settledParts(group, how.options, tensor);
      isChanged = false;
      throw error;
    }
  };
  return {
    buffers: [
      ...tensors.values(),
      ...(Object.keys(own) as OwnMemory[]).filter((name) => bound.has(name)).map((name): WgslBuffer => ({
        name,
        bytes: own[name].bytes,
        usage: usage.storage | usage.copyTarget | own[name].more,
        dtype: null,
        start: own[name].start,
      })),
    ],
    passes: eachOnce(plan.passes, ({ label, code, bindings, workgroups }) => ({
      label,
      code,
      workgroups,
      bindings: bindings.map(({ of, offset, bytes, type }) => ({ buffer: nameOf(of), offset, size: bytes ?? sizeOf(of), type })),
    })),
    numbersBuffer,
    numbers(t, changed) {
      checkStep("give the numbers of", t);
      settle(changed);
      const other = standAt(t).findIndex((stands, i) => stands !== stand[i]);
      if (other >= 0) {
        const { text } = conditions[other];
        throw new RangeError(`Cannot give the numbers of step ${t}: passes of step ${step} have other parts (when ${text}); emit its own`);
      }
      const row = new Uint32Array(plan.recordBytes / 4);
      plan.fill([numbersAt(group, t)], row);
      plan.advance();
      return row;
    },
  };
}

function checkStep(what: string, step: number): void {
  if (!Number.isSafeInteger(step) || step < 1) throw new RangeError(`Cannot ${what} step ${show(step)}: steps are integers from 1`);
}

/** What is given, and for the rest what every device allows. A device's own limits are an instance of a class, and have more names. */
function limitsOf(given: Partial<DeviceLimits>): DeviceLimits {
  if (!isRecord(given)) throw new TypeError(`Cannot emit for limits ${show(given)}: give device.limits, or an object of some of them`);
  if (Object.getPrototypeOf(given) === Object.prototype) refuseUnknownKeys("the limits", given, Object.keys(guaranteedLimits));
  const limits: Record<string, number> = { ...guaranteedLimits };
  for (const name of Object.keys(guaranteedLimits)) {
    const limit: unknown = given[name as keyof DeviceLimits] ?? limits[name];
    if (!(Number.isSafeInteger(limit) && limit as number > 0)) {
      throw new RangeError(`Cannot emit for ${name} = ${show(limit)}: a limit is an integer from 1`);
    }
    limits[name] = limit as number;
  }
  return limits as unknown as DeviceLimits;
}

/** The parameter, its gradient and all slots in memory, by the keys that programs have. */
function tensorsOf(
  slots: readonly PartSlot[],
  { shape, dtype }: { readonly shape: readonly number[]; readonly dtype: DType },
  extent: Item["extent"],
): Map<string, WgslBuffer> {
  const size = shape.reduce((n, length) => n * length, 1);
  const made = (name: string, n: number, type: DType, start: number | "p"): WgslBuffer => {
    const raw = elementTypes[type];
    const bytes = Math.max(4, Math.ceil(n * raw.bytes / 4) * 4);
    const pattern = raw.make(2);
    if (typeof start === "number") pattern.fill(raw.narrow(start));
    return {
      name,
      bytes,
      usage: usage.storage | usage.copyTarget | usage.copySource,
      dtype: type,
      start: start === "p" ? "p" : new Uint32Array(pattern.buffer)[0],
    };
  };
  const rule = slots.find(({ scope }) => !/^\d+:/.test(scope))?.scope;
  const all = new Map([["p", made("p", size, dtype, 0)], ["g", made("g", size, dtype, 0)]]);
  for (const { key, scope, name, slot: { cls, init = 0, dtype: own = "float32" } } of slots) {
    if (isNumber(cls)) continue;
    const called = scope === rule ? name : `${scope.replace(/^\d+:/, "")}.${name}`;
    all.set(
      key,
      made(
        [...all.values()].some((one) => one.name === called) ? key : called,
        classes[cls].count(extent),
        own === "param" ? dtype : own,
        init,
      ),
    );
  }
  return all;
}
