/**
 * What an error says.
 *
 * @module
 */

/** Its message, or whatever was thrown instead of an error as a text. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
