/**
 * Errors that say what they are about, also to programs: the built-in classes, with own fields beside the message.
 *
 * @module
 */

/**
 * What an error is about. A service, an editor or a test reads these fields, never the message.
 *
 * Two kinds of errors carry more: a mistake in a rule's text says `line`, `name`, `known` and `scope` (the plugin's name, or `<index>:<transform>`, whose
 * text it is), and an error of memory says `memory: true`. A new field that is about any error is a row here.
 */
export interface About {
  /** Name of the plugin that was asked for, or whose option or text it is. */
  readonly plugin?: string;
  /** Name of the option. */
  readonly option?: string;
  /** Name of the tensor: a parameter, or the key of a state. */
  readonly tensor?: string;
  /** Index of the group. */
  readonly group?: number;
}

export { isMemoryError } from "../kernels/memory_error.ts";

/** Puts on an error what it is about; fields that it has already stay, since who threw it knew better. */
export function about<E extends Error>(error: E, of: About): E {
  // A plugin may throw an error that nothing can be put on; it is passed on as it is.
  if (!Object.isExtensible(error)) return error;
  for (const [field, value] of Object.entries(of)) {
    if (value !== undefined && !Object.hasOwn(error, field)) Object.assign(error, { [field]: value });
  }
  return error;
}

/** What an error says it is about. */
export function aboutOf(error: unknown): About {
  return error instanceof Error ? error as About : {};
}

/** Runs code whose errors are all about the same thing. */
export function allAbout<T>(of: About, run: () => T): T {
  try {
    return run();
  } catch (error) {
    throw error instanceof Error ? about(error, of) : error;
  }
}
