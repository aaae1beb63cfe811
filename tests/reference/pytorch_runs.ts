/**
 * The runs of pytorch_runs.py on this side: the same parameters, groups, schedules and gradients.
 *
 * @module
 */
import { builtins } from "../../mod.ts";
import type { Optimizer, Schedule, StateDict, Tensor } from "../../core/types.ts";
import {
  type OptimizerStateDict,
  optimizerStateDict,
  readScheduler,
  type SchedulerStateDict,
  schedulerStateDict,
  type TorchValue,
} from "../../plugins/formats/pytorch.ts";
import { camelCase } from "./options.ts";

/** A run as it is recorded. */
export interface Run {
  readonly options: Readonly<Record<string, unknown>>;
  readonly shapes: Readonly<Record<string, readonly number[]>>;
  readonly before: Readonly<Record<string, readonly number[]>>;
  readonly at3: Readonly<Record<string, readonly number[]>>;
  readonly at6: Readonly<Record<string, readonly number[]>>;
  readonly lr: readonly number[];
}

/** What `<name>.pt` holds. */
export interface Saved {
  readonly optimizer: OptimizerStateDict;
  readonly scheduler: SchedulerStateDict | null;
}

/** Of a tensor's largest value. */
export const bound = 1e-6;

/** The same numbers in both languages. */
function values(shape: readonly number[], seed: number): Float32Array {
  return Float32Array.from({ length: shape.reduce((n, length) => n * length, 1) }, () => {
    seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff;
    return ((seed >> 16) % 2001 - 1000) / 1024;
  });
}

/** Names in the order of PyTorch's positions: group by group. */
export const namesOf = (name: string): readonly (readonly string[])[] => name === "muon" ? [["k"], ["w"]] : [["k", "w"], ["b"]];

/** Parameters with these values. */
export function paramsOf({ shapes }: Run, data: Run["before"]): Record<string, Tensor<Float32Array>> {
  return Object.fromEntries(Object.entries(shapes).map(([name, shape]) => [name, { data: Float32Array.from(data[name]), shape }]));
}

/** The optimizer of a run, with its schedule. */
export function optimizerOf(name: string, run: Run, params: Record<string, Tensor>): Optimizer {
  const schedules: Record<string, { readonly name: string; readonly options: object } | Schedule> = {
    sgd: { name: "step", options: { stepSize: 2, gamma: 0.5 } },
    adamw_torch: (step) => Math.min(1, (step + 1) / 4),
    adafactor_torch: { name: "cosine_annealing", options: { tMax: 8 } },
    adam: {
      name: "sequence",
      options: {
        schedules: [
          { name: "linear_lr", options: { startFactor: 0.25, endFactor: 1, totalIters: 2 } },
          { name: "exponential", options: { gamma: 0.9 } },
        ],
        milestones: [2],
      },
    },
  };
  const options: Record<string, unknown> = Object.fromEntries(Object.entries(run.options).map(([key, value]) => [camelCase(key), value]));
  // torch.optim.Muon's defaults are not timm's.
  if (name === "muon") Object.assign(options, { nesterov: true, nsCoefficients: "original", adjustLrFn: "original", nsDtype: "bfloat16" });
  const [first, rest] = namesOf(name);
  const decay = name === "rprop" || name === "sparse_adam" ? {} : { options: { weightDecay: 0 } };
  return builtins.createOptimizer(name as "sgd", params, options, {
    backend: "js",
    groups: [{ match: first }, { match: rest, ...decay }],
    ...(Object.hasOwn(schedules, name) && { schedules: { lr: schedules[name] } }),
  }) as Optimizer;
}

/** Step t, from 1. */
export function step(optimizer: Optimizer, { shapes }: Run, t: number): void {
  optimizer.step(Object.fromEntries(
    Object.entries(shapes).map(([name, shape], i) => {
      return [name, name === "w" && t === 1 ? null : { data: values(shape, 1000 * t + i), shape }];
    }),
  ));
}

/** What this side saves for the other: the scheduler's dictionary in the form of the one that is recorded. */
export function savedOf(name: string, optimizer: Optimizer, { scheduler }: Saved): Saved {
  const lrs = (of: "options" | "current"): number[] =>
    optimizer.groups.filter(({ names }) => names.length > 0).map((group) => (group[of] as { lr: number }).lr);
  const schedule = scheduler === null ? null : readScheduler(scheduler).schedule;
  return {
    optimizer: optimizerStateDict(optimizer, { names: namesOf(name).flat(), scheduled: scheduler !== null }),
    scheduler: scheduler === null
      ? null
      : schedulerStateDict({ schedule, steps: optimizer.steps, baseLrs: lrs("options"), lastLrs: lrs("current") }),
  };
}

/** Values by tensor. */
type Values = Readonly<Record<string, { readonly data: ArrayLike<number> }>>;

/** The largest error of a tensor, as a share of its largest value. */
function shareOf({ data }: Values[string], want: readonly number[]): number {
  const error = Math.max(...want.map((value, i) => Math.abs(data[i] - value)));
  return error / Math.max(...want.map(Math.abs));
}

/** The largest of all tensors. */
export function errorOf(got: Values, want: Run["before"]): number {
  return Math.max(...Object.entries(want).map(([name, values]) => shareOf(got[name], values)));
}

/** What differs by more than a share of its tensor's largest value. */
export function differences(got: Values, want: Run["before"], bound: number): string[] {
  return Object.entries(want).flatMap(([name, values]) => {
    const share = shareOf(got[name], values);
    // 0 of 0 is no difference.
    return share <= bound || Number.isNaN(share) && values.every((value, i) => value === got[name].data[i])
      ? []
      : [`${name} is off by ${share.toExponential(2)}`];
  });
}

/** A dictionary as a value that a file of PyTorch's holds. */
export const valueOf = ({ optimizer, scheduler }: Saved): TorchValue => ({ optimizer, scheduler });

/** The parameters as a state, for safetensors. */
export const modelOf = (params: Readonly<Record<string, Tensor>>): StateDict => ({
  tensors: Object.fromEntries(
    Object.entries(params).map(([name, { data, shape }]) => [name, { data: data as Float32Array, shape: shape!, dtype: "float32" }]),
  ),
  metadata: { format: "pt" },
});
