/**
 * Which tensor has which options.
 *
 * A group takes the tensors that its `match` finds and no earlier group took; what no group matches forms a last one. A pattern may find nothing
 * (a recipe serves many models); a name in a list must be there.
 *
 * @module
 */
import { about, allAbout } from "../errors.ts";
import { known, refuseUnknownKeys, show } from "../names.ts";
import type { Group } from "../types.ts";

/** How many dimensions a tensor has, by its name. */
export type RankOf = (name: string) => number;

/** The names of each group, in the tensors' order; the last one holds the rest, and is there only if there is a rest or no group. */
export function splitNames(
  names: readonly string[],
  groups: readonly Pick<Group<unknown>, "match">[],
  rankOf: RankOf = () => Infinity,
): string[][] {
  refuseNamedTwice(groups);
  const finders = groups.map(({ match }, i) => allAbout({ group: i }, () => finder(match, names, rankOf, `group ${i}`)));
  const split: string[][] = [...groups.map(() => []), []];
  for (const name of names) {
    const i = finders.findIndex((finds) => finds(name));
    split[i < 0 ? groups.length : i].push(name);
  }
  if (groups.length > 0 && split[groups.length].length === 0) split.pop();
  return split;
}

/** True where `*` stands for any text and `?` for one character; in time proportional to the lengths' product, whatever the pattern. */
export function globMatches(glob: string, name: string): boolean {
  let [i, j, star, from] = [0, 0, -1, 0];
  while (j < name.length) {
    if (i < glob.length && glob[i] === "*") [star, from, i] = [i, j, i + 1];
    else if (i < glob.length && (glob[i] === "?" || glob[i] === name[j])) [i, j] = [i + 1, j + 1];
    else if (star >= 0) [i, from, j] = [star + 1, from + 1, from + 1]; // the last star takes one character more
    else return false;
  }
  while (glob[i] === "*") i++;
  return i === glob.length;
}

/** Refuses an exact name in two groups' lists: the second one would never have it. */
function refuseNamedTwice(groups: readonly Pick<Group<unknown>, "match">[]): void {
  const first = new Map<unknown, number>();
  groups.forEach(({ match }, i) => {
    if (!Array.isArray(match)) return;
    for (const name of match) {
      const other = first.get(name) ?? i;
      if (other !== i) {
        const message = `Cannot match parameter ${show(name)} in group ${i}: group ${other} lists it too, and would keep it`;
        throw about(new RangeError(message), { tensor: name, group: i });
      }
      first.set(name, i);
    }
  });
}

function finder(match: unknown, names: readonly string[], rankOf: RankOf, where: string): (name: string) => boolean {
  if (match instanceof RegExp) return matches(new RegExp(match.source, match.flags));
  if (typeof match === "string") {
    try {
      return matches(new RegExp(match));
    } catch (error) {
      throw new RangeError(`Cannot match the tensors of ${where}: ${show(match)} is no regular expression (${(error as Error).message})`);
    }
  }
  if (Array.isArray(match)) {
    for (const name of match) {
      if (names.includes(name)) continue;
      throw about(new TypeError(`Cannot find parameter ${show(name)} of ${where}: ${known(names, name)}`), { tensor: name });
    }
    return (name) => match.includes(name);
  }
  if (typeof match === "object" && match !== null) {
    refuseUnknownKeys(`the match of ${where}`, match, ["glob", "maxRank"]);
    const { glob, maxRank } = match as { glob?: unknown; maxRank?: unknown };
    if (typeof glob === "string" && maxRank === undefined) return (name) => globMatches(glob, name);
    if (typeof maxRank === "number" && glob === undefined) {
      if (!(Number.isSafeInteger(maxRank) && maxRank >= 0)) {
        throw new RangeError(`Cannot match the tensors of ${where} by maxRank ${maxRank}: it is a number of dimensions, an integer from 0`);
      }
      return (name) => rankOf(name) <= maxRank;
    }
  }
  throw new TypeError(
    `Cannot match the tensors of ${where} by ${show(match)}: give a regular expression, a list of names, { glob } or { maxRank }`,
  );
}

function matches(pattern: RegExp): (name: string) => boolean {
  return (name) => {
    pattern.lastIndex = 0; // a global or sticky expression would go on from its last match
    return pattern.test(name);
  };
}
