/**
 * Agreement with numbers of the reference.
 *
 * @module
 */
import { refuseUnknownKeys, show } from "../../core/names.ts";
import { fullTensor } from "../../core/tensors.ts";
import type { Tensor } from "../../core/plugin/contract.ts";
import type { Faults } from "./faults.ts";
import type { Nested, Numbers } from "./test_settings.ts";
import { numbersOf } from "./tensors.ts";

const usualTolerance = 1e-6;

/** Nested lists as a tensor. */
export function tensorFrom(what: string, given: Numbers[string]): Tensor {
  if (typeof given !== "number" && !Array.isArray(given)) return fullTensor(what, given);
  const shape: number[] = [];
  for (let inner: Nested = given as Nested; Array.isArray(inner); inner = inner[0] as Nested) {
    shape.push(inner.length);
    if (inner.length === 0) break;
  }
  const data = Float32Array.from([given].flat(Infinity) as number[]);
  return { data, shape };
}

/** Tensors by name, copied, since a run writes them. */
export function tensorsFrom(what: string, given: Numbers): Record<string, Tensor> {
  return Object.fromEntries(
    Object.entries(given).map(([name, one]) => {
      const { data, ...rest } = tensorFrom(`${what} "${name}"`, one);
      return [name, { data: data.slice(), ...rest }];
    }),
  );
}

/** Refuses what the reference gave where a part is missing or misspelt, and where all would agree with it, as it holds no number that is expected. */
export function checkReference(
  what: string,
  given: { readonly tolerance?: number },
  needed: readonly string[],
  others: readonly string[],
  expected: readonly unknown[],
): void {
  refuseUnknownKeys(what, given, [...needed, ...others]);
  for (const key of needed) {
    const value: unknown = given[key as never];
    if (typeof value !== "object" || value === null) throw new TypeError(`Cannot read ${what}: its ${key} is ${show(value)}`);
  }
  if (expected.every((one) => one === null || one === undefined || Object.keys(one).length === 0)) {
    throw new RangeError(`Cannot read ${what}: it has no number to hold the plugin against`);
  }
  const { tolerance = usualTolerance } = given;
  if (!(tolerance >= 0 && tolerance < Infinity)) {
    throw new RangeError(`Cannot use tolerance ${show(tolerance)} in ${what}: it must be in [0, Infinity)`);
  }
}

/** Holds numbers against the reference's. */
export function compare(
  faults: Faults,
  what: string,
  is: ArrayLike<number>,
  should: ArrayLike<number>,
  tolerance: number = usualTolerance,
): void {
  if (is.length !== should.length) return faults.add(`${what} has ${is.length} numbers, and the reference's has ${should.length}`);
  let largest = 0;
  for (let i = 0; i < should.length; i++) if (Math.abs(should[i]) < Infinity) largest = Math.max(largest, Math.abs(should[i]));
  for (let i = 0; i < should.length; i++) {
    const isNear = Math.abs(is[i] - should[i]) <= tolerance * largest || Object.is(is[i], should[i]) || is[i] === should[i];
    if (isNear) continue;
    const off = largest === 0 ? "" : `, off by ${(Math.abs(is[i] - should[i]) / largest).toPrecision(2)} of the largest number`;
    return faults.add(`${what}[${i}] is ${is[i]}, and the reference's is ${should[i]}${off}, where ${tolerance} is allowed`);
  }
}

/** The same of tensors by name. */
export function compareTensors(
  faults: Faults,
  what: string,
  is: Readonly<Record<string, Tensor>>,
  should: Numbers,
  tolerance?: number,
): void {
  for (const [name, given] of Object.entries(should)) {
    const expected = faults.attempt(`reading the reference's "${name}"`, () => tensorFrom(`the reference's "${name}"`, given));
    if (expected === undefined) continue;
    if (!Object.hasOwn(is, name)) faults.add(`${what} has no "${name}", and the reference's has`);
    else compare(faults, `${what}, "${name}"`, numbersOf(is[name]), numbersOf(expected), tolerance);
  }
}
