/**
 * A rule with its transforms over one tensor that need not be there: what is asked of a text without an optimizer.
 *
 * @module
 */
import { compile } from "../kernels/language/compile.ts";
import type { Program } from "../kernels/language/program.ts";
import type { Condition } from "../kernels/language/statement.ts";
import { dtypes } from "../kernels/tables/dtype_names.ts";
import type { DType, Extent } from "../kernels/types.ts";
import { about } from "./errors.ts";
import { known, refuseUnknownKeys, show } from "./names.ts";
import { type GroupState, splitGroups, startGroup } from "./optimizer/groups.ts";
import { matrixOf } from "./optimizer/matrix.ts";
import { scalarNames } from "./optimizer/numbers.ts";
import { type Part, partsOf } from "./optimizer/parts.ts";
import { compiling } from "./optimizer/programs.ts";
import { splice } from "./optimizer/splice.ts";
import { makeTransforms } from "./optimizer/transforms.ts";
import type { OptimizerPlugin, TensorInfo } from "./plugin/contract.ts";
import type { Values } from "./plugin/options.ts";
import { ask, checkPlugin, findNothing, optionsOf, titleOf } from "./plugin/use.ts";
import type { Use } from "./types.ts";

/** What decides a text beside the plugin and the shape. */
export interface How<Options> {
  readonly options?: Partial<Options>;
  readonly dtype?: DType;
  readonly transforms?: readonly Use[];
}

/** A text, read. */
export interface OneText {
  readonly tensor: TensorInfo;
  /** Of one tensor, with no step taken. */
  readonly group: GroupState;
  readonly parts: readonly Part[];
  readonly extent: Extent;
  readonly conditions: readonly Condition[];
  /** The program of a step in which these parts stand. */
  program(stands: (when: Condition | undefined) => boolean): Program;
}

/** Reads a plugin's text over a tensor of this shape; `verb` is for errors, as is `keys`, what the caller takes in `how`. */
export function oneText<Options>(
  verb: string,
  plugin: OptimizerPlugin<string, Options>,
  shape: readonly number[],
  how: How<Options>,
  keys: readonly string[],
): OneText {
  checkPlugin(plugin);
  if (plugin.kind !== "optimizer") {
    throw about(new TypeError(`Cannot ${verb} ${titleOf(plugin)}: give a plugin of kind "optimizer"`), { plugin: plugin.name });
  }
  refuseUnknownKeys(`what ${verb} takes`, how, keys);
  const { dtype = "float32", transforms = [] } = how;
  if (!dtypes.includes(dtype)) throw new RangeError(`Cannot ${verb} a rule over ${show(dtype)}: ${known(dtypes)}`);
  if (!Array.isArray(shape) || !shape.every((n) => Number.isSafeInteger(n) && n >= 0)) {
    throw new RangeError(`Cannot ${verb} a rule over shape ${show(shape)}: a shape is an array of integers from 0`);
  }
  const tensor: TensorInfo = { name: "w", shape, dtype };
  const [plain] = splitGroups(findNothing, plugin as OptimizerPlugin, new Map([[tensor.name, shape]]));
  const group = startGroup(plain, [], makeTransforms(findNothing, transforms), new Map());
  const parts = settledParts(group, how.options, tensor);
  return compiling(parts, () => {
    const spliced = splice(parts, dtype);
    const { extent } = matrixOf(parts, spliced, tensor); // refuses matrices that do not fit
    const { scopes, update, conditions } = spliced;
    return {
      tensor,
      group,
      parts,
      extent,
      conditions,
      program: (stands) => compiling(parts, () => compile(update.filter(({ when }) => stands(when)), { scopes, p: dtype, g: dtype })),
    };
  });
}

/** Gives a group its options, checked, and asks what its plugins say under them. */
export function settledParts(group: GroupState, given: object | undefined, tensor: TensorInfo): readonly Part[] {
  const options: Values = optionsOf(group.plugin, given);
  ask(group.plugin, () => group.plugin.check?.(options));
  group.current = options;
  group.numbers.clear();
  group.scalars = scalarNames(group, options);
  return partsOf(group, options, group.scalars, tensor);
}
