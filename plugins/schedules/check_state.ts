/**
 * What is wrong with a state that a schedule shall go on from.
 *
 * @module
 */

/** Refuses a state, by an error that says whose it was to be. */
export function refuseState(name: string, what: string, Wrong: ErrorConstructor = RangeError as ErrorConstructor): never {
  throw Object.assign(new Wrong(`Cannot take a state ${what}, in schedule "${name}"`), { plugin: name });
}

/** What is left of each group's base value: finite, and never below 0, where training would go uphill. */
export function checkFactors(name: string, factors: readonly unknown[], groups: number): asserts factors is readonly number[] {
  if (factors.length !== groups) refuseState(name, `of ${factors.length} groups: there are ${groups}`);
  if (factors.every((factor) => Number.isFinite(factor) && (factor as number) >= 0)) return;
  refuseState(name, `with factors ${factors}: they must be finite and not negative`);
}
