/**
 * What was found wrong with a plugin, gathered: a run of the kit ends with all of it at once.
 *
 * @module
 */
import { type About, about } from "../../core/errors.ts";

/** Faults found so far. */
export interface Faults {
  /** The faults, in the order in which they were found. */
  readonly list: readonly Error[];
  /** Adds one: what was tried, what came, what should have. The same words are said once. */
  add(message: string, of?: About, cause?: unknown): void;
  /** Runs what must not throw. Of an error the fault says while what it came; the answer is then undefined. */
  attempt<T>(what: string, run: () => T, of?: About): T | undefined;
}

/** What an error of the library says it is about, its plugin left out, which is the one under test. */
const aboutOf = (error: unknown): About => {
  const { option, tensor, group } = error instanceof Error ? error as About : {};
  return { option, tensor, group };
};

/** The words of what was thrown, which need not be an error. */
export function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return `${String(error)}, which is no Error`;
  const { name } = Object.getPrototypeOf(error) as Error; // a mistake in a rule's text has an own field \`name\`, the name that is wrong
  return `${name}: ${error.message}`;
}

/** No faults yet, of this plugin. */
export function noFaults(plugin: string | undefined): Faults {
  const list: Error[] = [];
  const add: Faults["add"] = (message, of, cause) => {
    if (list.some((fault) => fault.message === message)) return;
    list.push(about(new Error(message, cause === undefined ? undefined : { cause }), { plugin, ...of }));
  };
  return {
    list,
    add,
    attempt(what, run, of) {
      try {
        return run();
      } catch (error) {
        add(`${what} throws ${wordsOf(error)}`, { ...aboutOf(error), ...of }, error);
        return undefined;
      }
    },
  };
}

/** Throws all faults as one error, whose message has them too; nothing where there are none. */
export function report(title: string, { list }: Faults): void {
  if (list.length === 0) return;
  const heading = `${title} has ${list.length === 1 ? "a fault" : `${list.length} faults`}:`;
  throw new AggregateError(list, [heading, ...list.map(({ message }) => `- ${message}`)].join("\n"));
}
