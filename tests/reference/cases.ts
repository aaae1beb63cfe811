/**
 * Which kind of case an entry of the manifest is, by what it gives and what it expects, and how it went.
 *
 * @module
 */
import { runAccumulator, unsupportedAccumulator } from "./accumulators.ts";
import type { Fault } from "./compare.ts";
import { runConfig, unsupportedConfig } from "./configs.ts";
import type { Context } from "./context.ts";
import { runError, unsupportedError } from "./error_cases.ts";
import type { Case } from "./golden.ts";
import { INTENDED, type Intended } from "./intended.ts";
import { runMechanics, unsupportedMechanics } from "./mechanics.ts";
import { runNewtonSchulz } from "./newton_schulz.ts";
import { runOptimizer, unsupportedOptimizer } from "./optimizers.ts";
import { runReadings, unsupportedReadings } from "./readings.ts";
import { runMetricSchedule, runNames, runSchedule, unsupportedNames, unsupportedSchedule } from "./schedules.ts";
import {
  runCreateOptimizerSchedule,
  runDecayedNames,
  runTfOptimizer,
  unsupportedCreateOptimizer,
  unsupportedTfOptimizer,
} from "./tf_optimizers.ts";
import { runStateDict, unsupportedStateDict } from "./state_dicts.ts";
import { runTensorFile, unsupportedTensorFile } from "./tensor_files.ts";
import { runTfSchedule, unsupportedSpec } from "./tf_schedules.ts";
import { missing } from "./context.ts";

/** How a case went. */
export interface Outcome {
  readonly verdict: "passed" | "failed" | "intended" | "unsupported";
  /** Why it is not passed. */
  readonly why?: string;
  /** The row that says why the difference is intended. */
  readonly row?: Intended;
}

/** One kind of case. */
interface Form {
  /** Whether an entry is of this kind. */
  fits(entry: Case): boolean;
  /** Why it cannot run, if so. */
  unsupported(context: Context, entry: Case): string | undefined;
  /** What differs from the reference, if anything. */
  run(context: Context, entry: Case): Fault;
}

function gives(entry: Case, ...keys: readonly string[]): boolean {
  return keys.every((key) => Object.hasOwn(entry.args, key));
}

function expects(entry: Case, ...outputs: readonly string[]): boolean {
  return outputs.every((output) => entry.expects.outputs.includes(output));
}

/** Nothing is missing, and nothing can be run either: what exists in Python alone. */
const pythonAlone: Pick<Form, "unsupported" | "run"> = { unsupported: () => undefined, run: () => "is about what exists in Python alone" };

/** The first that fits is taken. */
const FORMS: readonly Form[] = [
  { fits: (entry) => entry.system.startsWith("safetensors"), unsupported: unsupportedTensorFile, run: runTensorFile },
  { fits: (entry) => expects(entry, "lrs") && gives(entry, "metrics"), unsupported: unsupportedSchedule, run: runMetricSchedule },
  {
    fits: (entry) => expects(entry, "state_dict") || expects(entry, "optimizer", "scheduler") || expects(entry, "scheduler"),
    unsupported: unsupportedStateDict,
    run: runStateDict,
  },
  { fits: (entry) => expects(entry, "lrs") && gives(entry, "kwargs", "optimizer"), unsupported: unsupportedSchedule, run: runSchedule },
  {
    fits: (entry) => expects(entry, "lrs") && gives(entry, "schedule"),
    unsupported: (context, entry) => unsupportedSpec(context, entry.args.schedule),
    run: runTfSchedule,
  },
  {
    fits: (entry) => expects(entry, "lrs") && entry.item === "create_optimizer",
    unsupported: unsupportedCreateOptimizer,
    run: runCreateOptimizerSchedule,
  },
  { fits: (entry) => entry.item === "LambdaLR", unsupported: unsupportedMechanics, run: runMechanics },
  { fits: (entry) => expects(entry, "members"), unsupported: unsupportedNames, run: runNames },
  { fits: (entry) => expects(entry, "error") && !expects(entry, "valid"), unsupported: unsupportedError, run: runError },
  { fits: (entry) => expects(entry, "params") && gives(entry, "bank", "groups"), unsupported: unsupportedOptimizer, run: runOptimizer },
  {
    fits: (entry) => expects(entry, "params") && gives(entry, "bank", "variables"),
    unsupported: unsupportedTfOptimizer,
    run: runTfOptimizer,
  },
  { fits: (entry) => expects(entry, "rows") && gives(entry, "initial_lr"), unsupported: unsupportedReadings, run: runReadings },
  {
    fits: (entry) => expects(entry, "rows") && gives(entry, "names"),
    unsupported: (context) => missing(context, "optimizer", "adam_weight_decay"),
    run: runDecayedNames,
  },
  { fits: (entry) => entry.item === "GradientAccumulator", unsupported: unsupportedAccumulator, run: runAccumulator },
  { fits: (entry) => expects(entry, "config") || expects(entry, "config_before_use"), unsupported: unsupportedConfig, run: runConfig },
  { fits: (entry) => entry.item === "zeropower_via_newtonschulz", unsupported: () => undefined, run: runNewtonSchulz },
  { fits: (entry) => expects(entry, "warnings") || gives(entry, "closure"), ...pythonAlone },
];

function formOf(entry: Case): Form | undefined {
  return FORMS.find((form) => form.fits(entry));
}

/** Why a case cannot run with these plugins, if so. */
export function unsupported(context: Context, entry: Case): string | undefined {
  const form = formOf(entry);
  return form === undefined ? "nothing here has this form" : form.unsupported(context, entry);
}

/** What differs from the reference, if anything; an exception is a difference too. */
function faultOf(run: () => Fault): Fault {
  try {
    return run();
  } catch (error) {
    return `threw ${error instanceof Error ? `${error.name}: ${error.message}` : error}`;
  }
}

/** Runs a case. A difference is intended where a row of the table fits and what it says happens instead. */
export function runCase(context: Context, entry: Case): Outcome {
  const form = formOf(entry);
  const absent = unsupported(context, entry);
  if (form === undefined || absent !== undefined) return { verdict: "unsupported", why: absent };
  const fault = faultOf(() => form.run(context, entry));
  if (fault === undefined) return { verdict: "passed" };
  const row = INTENDED.find((row) =>
    row.system.test(entry.system) && row.item.test(entry.item) && row.when(entry.args, context.golden.want(entry))
  );
  if (row === undefined) return { verdict: "failed", why: fault };
  const other = faultOf(() => row.instead?.(context, entry));
  if (other !== undefined) return { verdict: "failed", why: `${fault}; and not what is intended instead: ${other}` };
  return { verdict: "intended", why: row.reason, row };
}
