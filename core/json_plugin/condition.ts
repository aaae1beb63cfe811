/**
 * Conditions of a plugin in JSON: an expression of numbers, or what some options are.
 *
 * @module
 */
import { known, show } from "../names.ts";
import type { DType } from "../../kernels/types.ts";
import type { AnySpecs, Values } from "../plugin/options.ts";
import { type Expression, type Names, readExpression } from "./expression.ts";
import type { Errors, Json } from "./read_json.ts";

/** What conditions are asked about: numbers under their places, the options themselves, and in a rule the parameter's dtype. */
export interface Case {
  readonly numbers: Float64Array;
  readonly options: Values;
  readonly dtype?: DType;
}

/** True or false in a case. */
export type Condition = (of: Case) => boolean;

/** What conditions may ask. */
export interface Known extends Errors {
  readonly names: Names;
  readonly specs: AnySpecs;
  /** True where there is a parameter, whose dtype may be asked. */
  readonly ofTensor: boolean;
  readonly scopeOf: (pointer: string) => string;
}

/** NaN holds as little as 0 does. */
export const holds = (run: Expression, numbers: Float64Array): boolean => {
  const value = run(numbers);
  return value < 0 || value > 0;
};

/** The condition that stands at a pointer. */
export function readCondition(json: Json, pointer: string, of: Known): Condition {
  if (typeof json === "string") {
    const run = readExpression(json, of.names, of.scopeOf(pointer));
    return ({ numbers }) => holds(run, numbers);
  }
  const names = of.ofTensor ? [...Object.keys(of.specs), "dtype"] : Object.keys(of.specs);
  const wanted = Object.entries(json as { readonly [name: string]: Json }).map(([name, value]): [string, readonly unknown[]] => {
    if (!names.includes(name)) throw of.refuse(`${pointer}/${name}`, `it is no option: ${known(names, name)}`);
    const values: readonly unknown[] = Array.isArray(value) ? value : [value];
    const allowed = of.specs[name]?.enum;
    const stray = values.find((one) => allowed !== undefined && !allowed.includes(one));
    if (stray !== undefined) throw of.refuse(`${pointer}/${name}`, `the option is never ${show(stray)}`);
    return [name, values];
  });
  return ({ options, dtype }) => wanted.every(([name, values]) => values.includes(Object.hasOwn(of.specs, name) ? options[name] : dtype));
}
