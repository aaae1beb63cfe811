/**
 * Layer-wise decay of the learning rate: the deeper a layer lies below the output, the less it moves.
 *
 * Clark et al., "ELECTRA", 2020, https://arxiv.org/abs/2003.10555; Bao et al., "BEiT", 2021, https://arxiv.org/abs/2106.08254. Factors are those of
 * timm 1.0's `param_groups_layer_decay`: `max(minScale, decay ** (last - layer))`, so that the last layer has 1.
 *
 * timm asks the model which layer a parameter is of (its `group_matcher`); here the names say it, or a caller who knows better. What timm's Vision
 * Transformers say of theirs is what {@linkcode layerDecay} finds: one layer for the embeddings, one a block, the norm with the last block, the head.
 *
 * @module
 */
import type { Recipe } from "../../core/types.ts";

/** Options of {@linkcode layerDecay}. */
export interface LayerDecayOptions {
  /** No layer has less; default 0. */
  readonly minScale?: number;
  /** Names of parameters without weight decay, as biases and norms; in each layer they form a group of their own. Default: none. */
  readonly noWeightDecay?: readonly string[];
}

/** One of the groups. */
export type LayerGroup = NonNullable<Recipe["groups"]>[number] & {
  readonly match: readonly string[];
  readonly scale: { readonly lr: number };
};

/**
 * Groups with `scale: { lr }`, a layer each from the first to the last: for `groups` of settings and recipes.
 *
 * From names alone, in the model's order, layers are told so: names with a number between dots, as `blocks.3.attn.weight` or `encoder.layer.3.bias`,
 * are a layer with those that are alike up to the first number. What stands before the first of them is one layer, the embeddings; what stands
 * between them belongs to the layer before, as does a norm (`norm.weight`, `ln_f.bias`) that follows the last; all that comes then is the
 * last layer, the head. Where no name has a number, those that are alike up to the last dot are a layer: `fc1.weight` and `fc1.bias`.
 *
 * @example Usage
 * ```ts
 * import { layerDecay } from "@glissade/optim";
 *
 * console.log(layerDecay(["embed.weight", "blocks.0.weight", "blocks.1.weight", "head.weight"], 0.5).map(({ scale }) => scale.lr)); // [0.125, 0.25, 0.5, 1]
 * ```
 *
 * @param names Names of parameters in the model's order; or a list of such lists, a layer each.
 * @param decay The factor from a layer to the one below, as 0.75.
 * @returns Groups, the layer that is farthest from the output first.
 */
export function layerDecay(
  names: readonly string[] | readonly (readonly string[])[],
  decay: number,
  { minScale = 0, noWeightDecay = [], ...stray }: LayerDecayOptions = {},
): readonly LayerGroup[] {
  const refuse = "Cannot decay the learning rate by layers";
  const [other] = Object.keys(stray);
  if (other !== undefined) throw new TypeError(`${refuse} with option "${other}": known are minScale, noWeightDecay`);
  if (typeof decay !== "number" || typeof minScale !== "number") throw new TypeError(`${refuse}: decay and minScale are numbers`);
  if (!(decay > 0 && decay < Infinity)) throw new RangeError(`${refuse} by ${decay}: it must be finite and above 0`);
  if (!(minScale >= 0 && minScale < Infinity)) {
    throw new RangeError(`${refuse} with minScale = ${minScale}: it must be finite and not negative`);
  }
  const layers = layersOf(refuse, names);
  const seen = new Set(layers.flat());
  if (seen.size < layers.flat().length) throw new RangeError(`${refuse}: a name stands in the list twice`);
  const missing = noWeightDecay.find((name) => !seen.has(name));
  if (missing !== undefined) throw new TypeError(`${refuse}: noWeightDecay has "${missing}", which is not among the names`);
  return layers.flatMap((layer, i) => {
    const scale = { lr: Math.max(minScale, decay ** (layers.length - 1 - i)) };
    const [bare, decayed] = [true, false].map((isBare) => layer.filter((name) => noWeightDecay.includes(name) === isBare));
    return [
      ...decayed.length > 0 ? [{ match: decayed, scale }] : [],
      ...bare.length > 0 ? [{ match: bare, scale, options: { weightDecay: 0 } }] : [],
    ];
  });
}

/** The layers, from the first to the last. */
function layersOf(refuse: string, names: unknown): readonly (readonly string[])[] {
  if (!Array.isArray(names) || names.length === 0) {
    throw new TypeError(`${refuse}: give a list of parameters' names, or a list of such lists`);
  }
  const isName = (name: unknown): name is string => typeof name === "string";
  if (names.every((layer) => Array.isArray(layer) && layer.length > 0 && layer.every(isName))) return names;
  if (!names.every(isName)) throw new TypeError(`${refuse}: all names are texts, or all are lists of texts`);
  const numbered = names.map((name) => /^(?:.*?\.)??\d+(?=\.)/.exec(name)?.[0]);
  const first = numbered.findIndex((layer) => layer !== undefined);
  if (first < 0) return grouped(names, (name) => name.slice(0, Math.max(0, name.lastIndexOf("."))) || name);
  const last = numbered.findLastIndex((layer) => layer !== undefined);
  let layer = "";
  return grouped(names, (name, i) => {
    if (i < first) return "stem";
    if (i > last && !/^(?:.*\.)?(?:norm|ln)[^.]*(?:\.[^.]*)?$/.test(name)) layer = "head";
    return layer = numbered[i] ?? layer;
  });
}

/** Names under their layers, in the order in which these begin. A layer's key has a number, which `stem` and `head` have not. */
function grouped(names: readonly string[], layerOf: (name: string, i: number) => string): string[][] {
  const layers = new Map<string, string[]>();
  names.forEach((name, i) => {
    const layer = layerOf(name, i);
    layers.set(layer, [...layers.get(layer) ?? [], name]);
  });
  return [...layers.values()];
}
