/**
 * What can be wrong between a recipe and its parameters: decay of biases, 16-bit weights, groups that find nothing.
 *
 * @module
 */
import type { DType } from "../../core/types.ts";
import { elementTypes } from "../../kernels/tables/dtypes.ts";
import { type Curve, peakOf } from "./curve.ts";
import { count, type Finding, finding, percent, say } from "./finding.ts";
import type { LintedGroup, LintedTensor, Reading } from "./reading.ts";

/** All of these rules. */
export function lintTensors(reading: Reading, curves: readonly Curve[]): Finding[] {
  return [
    ...lintMatches(reading),
    ...lintDecay(reading),
    ...lintClipping(reading),
    ...reading.groups.flatMap((group) => lintSixteenBits(group, curves)),
  ];
}

/** The decay's option of a group, and its value. */
function decayOf({ options }: LintedGroup): { readonly option: string; readonly value: number } | undefined {
  for (const option of ["weightDecay", "weightDecayRate"]) {
    const value = options[option];
    if (typeof value === "number") return { option, value };
  }
  return undefined;
}

const sparedName =
  /(^|[._/])(bias(es)?|beta|gamma)(:\d+)?$|(^|[._/])((layer_?|batch_?|group_?|instance_?|rms_?)?norm\w*|ln(_\w+|\d*)|bn\d*)([._/]|$)/i;

/** Biases and norms, by their names, and by their dimensions where other tensors have more. */
function sparedOf(tensors: readonly LintedTensor[]): (tensor: LintedTensor) => boolean {
  const hasMatrices = tensors.some(({ shape }) => shape.length >= 2);
  return ({ name, shape }) => sparedName.test(name) || hasMatrices && shape.length <= 1;
}

function lintMatches({ groups, recipe, tensors }: Reading): Finding[] {
  if (tensors === undefined) return [];
  return (recipe.groups ?? []).flatMap((_, i) =>
    groups[i].tensors?.length === 0
      ? [finding(
        "group-matches-nothing",
        "note",
        `/groups/${i}/match`,
        `Group ${i} finds none of ${count(tensors.length, "parameter", "parameters")}, or none that earlier groups leave.`,
        "Correct its match, or leave it for models that have such parameters.",
      )]
      : []
  );
}

function lintDecay({ groups, recipe, tensors }: Reading): Finding[] {
  const cure = "Put them in a group of their own with a decay of 0: match { maxRank: 1 }, or their names.";
  if (tensors === undefined) {
    const main = groups.at(-1)!;
    const decay = decayOf(main);
    if (decay === undefined || decay.value <= 0 || main.options.excludeFromWeightDecay) return [];
    const spares = (recipe.groups ?? []).some((_, i) => (decayOf(groups[i])?.value ?? 0) === 0);
    if (spares) return [];
    return [finding(
      "decay-on-biases",
      "note",
      main.said.get(decay.option) ?? `${main.path}/${decay.option}`,
      `A decay of ${say(decay.value)} applies to every parameter, biases and norms among them, where most recipes spare those.`,
      cure,
    )];
  }
  const isSpared = sparedOf(tensors);
  return groups.flatMap((group) => {
    const decay = decayOf(group);
    if (decay === undefined || decay.value <= 0) return [];
    const decayed = (group.tensors ?? []).filter((tensor) => isSpared(tensor) && decays(group, tensor, decay.option));
    if (decayed.length === 0) return [];
    const names = decayed.slice(0, 3).map(({ name }) => JSON.stringify(name.slice(0, 80))).join(", ");
    return [finding(
      "decay-on-biases",
      "warning",
      group.said.get(decay.option) ?? `${group.path}/${decay.option}`,
      `A decay of ${say(decay.value)} applies to ${count(decayed.length, "bias or norm", "biases and norms")}: ${names}${
        decayed.length > 3 ? " and others" : ""
      }.`,
      cure,
    )];
  });
}

/** Whether a tensor is decayed: an optimizer may look at its name, and then its rule says so. */
function decays({ plugin, options }: LintedGroup, { name, shape, dtype }: LintedTensor, option: string): boolean {
  if (!Object.hasOwn(options, "excludeFromWeightDecay")) return true;
  try {
    const { update } = plugin.rule(options as never, { name, shape, dtype });
    return JSON.stringify(update).includes(option);
  } catch {
    return true;
  }
}

const clipOptions: readonly string[] = ["clipnorm", "globalClipnorm", "clipvalue", "clipThreshold", "maxGradNorm"];

function lintClipping({ groups, recipe, tensors }: Reading): Finding[] {
  const half = tensors?.filter(({ dtype }) => dtype === "float16").length ?? 0;
  if (half === 0) return [];
  // What holds back a step that overflows does as well.
  const isClipped = (recipe.transforms ?? []).some(({ name }) => /clip|agc|skip_nonfinite|loss_scale/.test(name)) ||
    groups.some(({ options }) => clipOptions.some((option) => typeof options[option] === "number"));
  if (isClipped) return [];
  return [finding(
    "float16-without-clipping",
    "warning",
    "/transforms",
    `${
      say(half)
    } parameters are float16, whose gradients overflow above 65,504, and nothing clips them: one bad batch can undo the training.`,
    'Add transform "clip_global_norm", with maxNorm 1 to begin with.',
  )];
}

/** Optimizers whose updates are about as long as lr, whatever the gradient's size. */
const unitSteps: readonly string[] = [
  "adam",
  "adamw",
  "adamw_torch",
  "adam_keras",
  "adam_weight_decay",
  "adamax",
  "nadam",
  "nadamw",
  "radam",
  "lion",
  "adan",
  "adopt",
  "laprop",
  "sparse_adam",
  "stable_adamw",
  "tiger",
];
/** Those that take their decay from the parameter itself, in an operation of its own. */
const decoupled: readonly string[] = ["adamw", "adamw_torch", "adam_weight_decay", "nadamw", "lion", "muon", "stable_adamw", "tiger"];

/** The size that weights have where nobody knows better: the standard deviation with which GPT-2, BERT and T5's relatives begin. */
const usualSize = 0.02;
/** Elements of a tensor that are looked at. */
const mostElements = 4096;

function lintSixteenBits(group: LintedGroup, curves: readonly Curve[]): Finding[] {
  const { plugin, options, tensors = [], said, path } = group;
  const curve = curves.find((curve) => curve.group === group) ?? curves.find(({ use }) => use.path === "/schedules/lr");
  const own = typeof options.lr === "number" ? options.lr : NaN;
  const lr = curve === undefined || curve.values.length === 0
    ? own
    : curve.returns === "value"
    ? peakOf(curve).value
    : own * peakOf(curve).value / curve.base;
  if (!(lr > 0)) return [];
  return (["bfloat16", "float16"] as const).flatMap((dtype) => {
    const held = tensors.filter((tensor) => tensor.dtype === dtype);
    if (held.length === 0) return [];
    const isGuess = held.every(({ raw }) => raw === undefined);
    const weights = `${dtype} weights${isGuess ? `, taken to be of size ${usualSize}` : ""}`;
    const cure = "Keep the parameters in float32, and hand a copy in 16 bits to the model.";
    const findings: Finding[] = [];
    const decay = decayOf(group);
    if (decay !== undefined && decay.value > 0 && decoupled.includes(plugin.name)) {
      const shrinks = lr * decay.value;
      const share = stuckShare(held, (x) => [x - shrinks * x]);
      if (share > 0.5) {
        findings.push(finding(
          "decay-lost",
          "warning",
          said.get(decay.option) ?? `${path}/${decay.option}`,
          `In a step weights shrink by at most lr * ${decay.option} = ${say(shrinks)} of their size, which rounds away for ${
            percent(share)
          } of the ${weights}.`,
          cure,
        ));
      }
    }
    if (unitSteps.includes(plugin.name)) {
      const share = stuckShare(held, (x) => [x - lr, x + lr]);
      if (share > 0.5) {
        findings.push(finding(
          "updates-lost",
          "warning",
          said.get("lr") ?? `${path}/lr`,
          `Updates of "${plugin.name}" are about lr = ${say(lr)} at most, which rounds away for ${
            percent(share)
          } of the ${weights}: those stay where they are.`,
          cure,
        ));
      }
    }
    return findings;
  });
}

/** The share of weights that stay where they are whichever of the changes comes. */
function stuckShare(tensors: readonly LintedTensor[], changes: (x: number) => readonly number[]): number {
  let stuck = 0;
  let all = 0;
  const look = (dtype: DType, raw: number): void => {
    const { narrow, widen } = elementTypes[dtype];
    const x = widen(raw);
    if (x === 0) return; // nothing to shrink, and any update moves it
    all++;
    if (changes(x).every((changed) => narrow(changed) === raw)) stuck++;
  };
  for (const { dtype, raw } of tensors) {
    if (raw === undefined) {
      look(dtype, elementTypes[dtype].narrow(usualSize));
      continue;
    }
    const stride = Math.max(1, Math.floor(raw.length / mostElements));
    for (let i = 0; i < raw.length; i += stride) look(dtype, raw[i]);
  }
  return all === 0 ? 0 : stuck / all;
}
