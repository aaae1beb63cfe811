/**
 * Transforms at work. Their options do not change.
 *
 * @module
 */
import { maths } from "../../kernels/math.ts";
import { show } from "../names.ts";
import { namesOf, type ScalarNames } from "./scalar_names.ts";
import type { TransformPlugin } from "../plugin/contract.ts";
import type { Values } from "../plugin/options.ts";
import { ask, type Find, optionsOf, takeUse, titleOf } from "../plugin/use.ts";
import type { Use } from "../types.ts";

/** A transform at work. */
export interface TransformState {
  readonly plugin: TransformPlugin;
  readonly title: string;
  /** Whose names its text uses: two of one plugin are told apart by their place. */
  readonly scope: string;
  readonly options: Values;
  readonly scalars: ScalarNames;
}

/** Transforms of an optimizer. */
export function makeTransforms(find: Find, uses: readonly Use[] = []): TransformState[] {
  if (!Array.isArray(uses)) throw new TypeError(`Cannot use transforms ${show(uses)}: they must be an array`);
  return uses.map((use, index) => {
    const { plugin, options: given } = takeUse(find, "transform", use);
    const title = titleOf(plugin);
    const scope = `${index}:${plugin.name}`;
    const options = Object.freeze(optionsOf(plugin, given));
    return ask(plugin, () => {
      plugin.check?.(options);
      const scalars = plugin.scalars === undefined ? { names: [], keys: [] } : namesOf(scope, title, plugin.scalars(options, 1, maths));
      return { plugin, title, scope, options, scalars };
    });
  });
}
