/**
 * What differs between two states of the page, or two choices: for the history of the browser, where a slider that is dragged is one change and not hundreds.
 *
 * @module
 */
import type { Choice, PageState } from "./state.ts";

/** The paths of all leaves that differ, as one text; `""` where none does. What differs in kind or in number differs as a whole. */
export function whatChanged<T extends Partial<PageState> | Choice>(before: T, after: T): string {
  return paths(before, after, "").join(" ");
}

/** Whether curves or runs, their plugins, or a switch changed: each time that is a change of its own. */
export function isStructural(what: string): boolean {
  return what.split(" ").some((path) => /!$|\.name$|^\.scale$/.test(path));
}

function paths(before: unknown, after: unknown, path: string): string[] {
  if (Object.is(before, after)) return [];
  const [ours, theirs] = [before, after].map((one) => typeof one === "object" && one !== null ? Object.keys(one) : undefined);
  if (ours === undefined || theirs === undefined) {
    // Another number, or a word for another word, at the same place; or something else altogether.
    return [
      typeof before === typeof after && before !== null && typeof before !== "object" && typeof before !== "boolean" ? path : `${path}!`,
    ];
  }
  if (Array.isArray(before) !== Array.isArray(after) || ours.join() !== theirs.join()) return [`${path}!`];
  return ours.flatMap((key) => paths((before as Record<string, unknown>)[key], (after as Record<string, unknown>)[key], `${path}.${key}`));
}
