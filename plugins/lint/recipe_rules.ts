/**
 * What can be wrong with a recipe whatever its parameters are: accumulation, metric schedules, Adafactor's settings.
 *
 * @module
 */
import type { Recipe } from "../../core/types.ts";
import { lrSchedules } from "./curve.ts";
import { type Finding, finding, say } from "./finding.ts";
import { nodesOf } from "./horizons.ts";
import { escaped, type LintedGroup, type PlacedUse, type Reading } from "./reading.ts";

/** All of these rules. */
export function lintSettings(reading: Reading): Finding[] {
  return [...lintAccumulate(reading), ...lintPlateaus(reading), ...lintAdafactor(reading)];
}

function lintAccumulate({ recipe: { accumulate } }: Reading): Finding[] {
  if (accumulate?.name !== "sum") return [];
  const { every } = (accumulate.options ?? {}) as { readonly every?: unknown };
  if (every === 1) return [];
  const times = typeof every === "number" ? `${say(every)} times as large` : "larger the more micro-batches there are";
  return [finding(
    "accumulate-sum",
    "warning",
    "/accumulate/name",
    `Gradients are added up over the micro-batches of an update and divided by nothing, so that they are ${times}: SGD takes longer steps, and clipping cuts more.`,
    'Take accumulator "mean", which divides by the number of micro-batches or by their weights, unless each loss is divided already.',
  )];
}

const followers: readonly string[] = ["reduce_lr_on_plateau", "greedy"];

function lintPlateaus({ recipe, find, updates }: Reading): Finding[] {
  const placed = (schedules: Recipe["schedules"] = {}, path: string): PlacedUse[] =>
    Object.entries(schedules).map(([option, { name, options }]) => ({ path: `${path}/schedules/${escaped(option)}`, name, options }));
  const uses = [...placed(recipe.schedules, ""), ...(recipe.groups ?? []).flatMap(({ schedules }, i) => placed(schedules, `/groups/${i}`))];
  return uses.flatMap((use) => safely(() => nodesOf(find, use, 0, updates))).flatMap(({ name, options, path }) => {
    if (!followers.includes(name) || options.thresholdMode !== "rel" || options.threshold === 0) return [];
    const example = options.mode === "max" ? "a log-likelihood or a reward" : "the negative of a score or the log-likelihood of a density";
    return [finding(
      "plateau-negative-metric",
      "note",
      `${path}/options/thresholdMode`,
      `A relative threshold multiplies the best metric so far: of one below 0, as ${example} can be, a slightly worse metric counts as better, and no plateau is found.`,
      name === "reduce_lr_on_plateau"
        ? 'For such a metric set thresholdMode to "abs", or to "rel_size", which goes by its size.'
        : 'For such a metric set thresholdMode to "abs".',
    )];
  });
}

/** Schedules that cannot be read are found elsewhere. */
function safely<T>(run: () => readonly T[]): readonly T[] {
  try {
    return run();
  } catch {
    return [];
  }
}

/**
 * The settings of Adafactor that the transformers page "Optimization" recommends for T5 are two, and they do not mix: a fixed lr without scaling and
 * relative steps, or neither lr nor schedule with both.
 */
function lintAdafactor(reading: Reading): Finding[] {
  const { recipe, groups } = reading;
  const own = groups.filter(({ plugin }) => plugin.name === "adafactor");
  if (own.length === 0) return [];
  const main = own.at(-1)!;
  const clips = (recipe.transforms ?? []).findIndex(({ name }) => /clip|agc/.test(name));
  return [
    ...lintAdafactorOptions(main),
    ...lintAdafactorLr(reading, main),
    ...(clips < 0 ? [] : [finding(
      "adafactor-clipping",
      "note",
      `/transforms/${clips}`,
      `Transform "${
        recipe.transforms![clips].name
      }" clips gradients whose size Adafactor divides out again, and Adafactor clips its updates itself, by clipThreshold.`,
      "Leave the transform out, as the T5 settings do.",
    )]),
  ];
}

function lintAdafactorOptions({ options, said, path }: LintedGroup): Finding[] {
  const { lr, relativeStep, warmupInit } = options;
  const at = (option: string): string => said.get(option) ?? `${path}/${option}`;
  if (relativeStep === true && lr !== null) {
    return [finding(
      "adafactor-lr-and-relative-step",
      "error",
      at("lr"),
      `Adafactor is given lr = ${lr}, and relativeStep (its default) finds a learning rate of its own: the two settings exclude each other, and no trainer is made.`,
      "Set relativeStep and scaleParameter to false to use lr, or leave lr out.",
    )];
  }
  if (relativeStep === false && lr === null) {
    return [finding(
      "adafactor-no-lr",
      "error",
      at("relativeStep"),
      "Adafactor has no lr, and without relativeStep it finds none: no trainer is made.",
      "Give lr, 1e-3 for T5, or leave relativeStep at true.",
    )];
  }
  if (relativeStep === false && warmupInit === true) {
    return [finding(
      "adafactor-warmup-init",
      "error",
      at("warmupInit"),
      "warmupInit is the warmup of relative steps, and relativeStep is false: no trainer is made.",
      "Leave warmupInit out, and warm up by a schedule of lr, constant_with_warmup for instance.",
    )];
  }
  return [];
}

function lintAdafactorLr(reading: Reading, { options, said, path }: LintedGroup): Finding[] {
  const { lr, relativeStep, scaleParameter } = options;
  const [scheduled] = lrSchedules(reading);
  if (relativeStep === true) {
    if (scheduled === undefined) return [];
    return [finding(
      "adafactor-schedule-on-relative-step",
      "error",
      scheduled.use.path,
      `Schedule "${scheduled.use.name}" steers lr, which Adafactor with relativeStep does not use: no trainer is made.`,
      "Leave the schedule out, and set warmupInit for a slow start; or set relativeStep and scaleParameter to false and give lr.",
    )];
  }
  if (typeof lr !== "number") return [];
  return [
    ...(scaleParameter === true
      ? [finding(
        "adafactor-scaled-fixed-lr",
        "warning",
        said.get("scaleParameter") ?? `${path}/scaleParameter`,
        `scaleParameter (true by default) multiplies lr = ${
          say(lr)
        } by the root mean square of each parameter: weights of size 0.02 move by ${say(lr * 0.02)} a step.`,
        "Set scaleParameter to false, as the setting with a fixed lr has it.",
      )]
      : []),
    ...(scheduled === undefined
      ? [finding(
        "adafactor-without-warmup",
        "note",
        said.get("lr") ?? `${path}/lr`,
        "A fixed learning rate without warmup is not recommended for Adafactor: its first second moments are of one gradient alone.",
        "Add a schedule of lr, constant_with_warmup for instance.",
      )]
      : []),
  ];
}
