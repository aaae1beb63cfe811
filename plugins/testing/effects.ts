/**
 * Whether every option does something.
 *
 * @module
 */
import type { AnySpecs, Values } from "../../core/plugin/options.ts";
import type { Faults } from "./faults.ts";
import { otherValues } from "./option_values.ts";

/** Looks for options whose values change no answer, alone or beside another one that is changed. `answer` may throw for values that are refused. */
export function checkEffects(faults: Faults, specs: AnySpecs, options: Values, answer: (options: Values) => string): void {
  const ask = (changed: Values): string | undefined => {
    try {
      return answer(changed);
    } catch {
      return undefined;
    }
  };
  // Undefined where no value could be tried.
  const matters = (name: string, base: Values): boolean | undefined => {
    const values = [base[name], ...otherValues(name, specs[name], base[name])];
    const answers = values.map((value) => ask({ ...base, [name]: value })).filter((one) => one !== undefined);
    return answers.length < 2 ? undefined : new Set(answers).size > 1;
  };
  for (const name of Object.keys(specs)) {
    if (matters(name, options) !== false) continue;
    let tries = 0;
    let found = false;
    for (const base of basesBeside(name, specs, options)) {
      if (++tries > mostBases || (found = matters(name, base) === true)) break;
    }
    if (!found) faults.add(`option "${name}" changes nothing, whatever its value: use it, or leave it out of the specs`, { option: name });
  }
}

const mostBases = 300;

/** Options with one other option changed, then with two. */
function* basesBeside(name: string, specs: AnySpecs, options: Values): Generator<Values> {
  const others = Object.keys(specs).filter((other) => other !== name);
  const values = new Map(others.map((other) => [other, otherValues(other, specs[other], options[other])]));
  for (const other of others) for (const value of values.get(other)!) yield { ...options, [other]: value };
  for (const [i, a] of others.entries()) {
    for (const b of others.slice(i + 1)) {
      for (const x of values.get(a)!.slice(0, 2)) for (const y of values.get(b)!.slice(0, 2)) yield { ...options, [a]: x, [b]: y };
    }
  }
}
