/**
 * A plugin's functions asked twice: the same question has the same answer, and what is asked with stays as it was.
 *
 * @module
 */
import type { Values } from "../../core/plugin/options.ts";
import type { Faults } from "./faults.ts";
import { copyOf, textOf } from "./option_values.ts";

/** The answer to a question, asked twice with equal options; undefined with a fault where it throws. `what` names the call: `scalars() at t = 3`. */
export function askTwice<T>(faults: Faults, what: string, options: Values, ask: (options: Values) => T): T | undefined {
  const [first, second] = [copyOf(options), copyOf(options)];
  const answer = faults.attempt(what, () => ({ value: ask(first), text: "" }));
  if (answer === undefined) return undefined;
  if (typeof (answer.value as { then?: unknown } | null | undefined)?.then === "function") {
    faults.add(`${what} gives a promise: a step cannot wait, the answer must be there at once`);
    return undefined;
  }
  answer.text = textOf(answer.value); // before the second question, which may write into the first answer
  const again = faults.attempt(`${what}, asked again,`, () => ({ text: textOf(ask(second)) }));
  if (again !== undefined && again.text !== answer.text) {
    faults.add(
      `${what} gives ${shorten(again.text, answer.text)} when it is asked again, and gave ${shorten(answer.text, again.text)}: ${pure}`,
    );
  }
  const changed = Object.keys({ ...options, ...first }).find((name) => textOf(first[name]) !== textOf(options[name]));
  if (changed !== undefined) {
    const message = `${what} changes the options that it is given: ${changed} was ${textOf(options[changed])} and is ${
      textOf(first[changed])
    }`;
    faults.add(`${message}; they are the caller's`, { option: changed });
  }
  return answer.value;
}

/** Why an answer may not change. */
export const pure = "the answer must depend on what it is given alone";

const shown = 100;

/** The part of a text that differs from another. */
export function shorten(text: string, other: string): string {
  let start = 0;
  while (start < text.length && text[start] === other[start]) start++;
  const from = text.length <= shown ? 0 : Math.max(0, start - shown / 2);
  return `${from > 0 ? "…" : ""}${text.slice(from, from + shown)}${from + shown < text.length ? "…" : ""}`;
}
