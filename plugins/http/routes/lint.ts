/**
 * POST `/v1/lint`: what in a recipe is probably not meant.
 *
 * @module
 */
import { known } from "../../../core/names.ts";
import { dtypes } from "../../../core/kernel_names.ts";
import type { OptimizerPlugin, Plugin } from "../../../core/plugin/contract.ts";
import type { DType, Recipe } from "../../../core/types.ts";
import { lint } from "../../lint/lint.ts";
import type { LintedTensor } from "../../lint/reading.ts";
import { boundRecipe } from "../guard/recipe.ts";
import { readBody } from "../wire/body.ts";
import { parseJsonBytes } from "../wire/json_body.ts";
import { mediaTypeOf } from "../wire/media.ts";
import { isRefusal, pointerTo, refuseBody } from "../wire/problem.ts";
import type { Answer, Service } from "./route.ts";

/** Bytes of a body. */
const largestBody = 2 ** 20;
/** Its keys, and elements of a list: schedules within schedules and parameters are bounded by them. */
const width = { keys: 4096, list: 10_000 };

/** Makes what answers `/v1/lint`. */
export function createLint(plugins: readonly Plugin[]): Service["lint"] {
  const optimizers = new Map(
    plugins.filter((plugin): plugin is OptimizerPlugin => plugin.kind === "optimizer").map((plugin) => [plugin.name, plugin]),
  );
  return async ({ request, tenant }, { limits, rooms: { curves: room }, turns }) => {
    mediaTypeOf(request.headers, ["application/json"]);
    const hold = room.bodies.hold(tenant);
    try {
      const { bytes, free } = await readBody(request, Math.min(limits.jsonBytes, largestBody), limits, room, tenant, hold);
      const body = parseJsonBytes(bytes, width);
      free();
      const { recipe, updates, tensors } = readAsked(body);
      boundRecipe(recipe, tensors?.map(({ name }) => name) ?? [], optimizers);
      const look = (): Answer => {
        try {
          return { body: JSON.stringify({ findings: lint(plugins, recipe as Recipe, updates, tensors) }) };
        } catch (error) {
          if (isRefusal(error)) refuseBody("/recipe", error.message);
          throw error;
        }
      };
      return await turns.take(request.signal, 0.25, look);
    } finally {
      hold.release();
    }
  };
}

interface LintAsked {
  readonly recipe: unknown;
  readonly updates: number;
  readonly tensors: readonly LintedTensor[] | undefined;
}

function readAsked(body: unknown): LintAsked {
  if (typeof body !== "object" || body === null || Array.isArray(body)) return refuseBody("", "The body must be an object");
  refuseOthers(body, "", ["recipe", "updates", "params"]);
  const { recipe, updates, params } = body as Readonly<Record<string, unknown>>;
  if (recipe === undefined) refuseBody("/recipe", "A recipe must be given");
  if (!Number.isSafeInteger(updates) || (updates as number) < 1) {
    refuseBody("/updates", "It must be the number of updates of the training, an integer from 1");
  }
  return { recipe, updates: updates as number, tensors: params === undefined ? undefined : readParams(params) };
}

/** Parameters by name: `{ shape, dtype }`. */
function readParams(params: unknown): LintedTensor[] {
  if (typeof params !== "object" || params === null || Array.isArray(params)) {
    return refuseBody("/params", "It must be an object, name to { shape, dtype }");
  }
  return Object.entries(params).map(([name, given]): LintedTensor => {
    const at = `/params${pointerTo(name)}`;
    if (typeof given !== "object" || given === null || Array.isArray(given)) return refuseBody(at, "A parameter must be { shape, dtype }");
    refuseOthers(given, at, ["shape", "dtype"]);
    const { shape, dtype = "float32" } = given as Readonly<Record<string, unknown>>;
    if (!Array.isArray(shape) || !shape.every((length) => Number.isSafeInteger(length) && length >= 0)) {
      return refuseBody(`${at}/shape`, "It must be a list of lengths, integers from 0");
    }
    if (!dtypes.includes(dtype as DType)) return refuseBody(`${at}/dtype`, `It must be a dtype: ${known(dtypes, dtype)}`, dtypes);
    return { name, shape, dtype: dtype as DType };
  });
}

function refuseOthers(given: object, at: string, names: readonly string[]): void {
  const other = Object.keys(given).find((key) => !names.includes(key));
  if (other !== undefined) refuseBody(`${at}${pointerTo(other)}`, `There is no ${JSON.stringify(other.slice(0, 80))} here`, names);
}
