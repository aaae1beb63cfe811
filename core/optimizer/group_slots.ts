/**
 * Group slots: numbers that a rule keeps for each group, and numbers that a transform keeps for all of them.
 *
 * A rule's are its group's own. A transform acts on the whole optimizer: a scale of losses, a mean of global norms is one number, also for a group
 * that had no gradient in the steps that moved it. Only what a transform sums over each group apart (`groupnorm`) is the group's.
 *
 * @module
 */

/** The numbers of one group, by key. */
export interface GroupSlots {
  /** A slot's value. */
  get(key: string): number | undefined;
  /** Writes a slot: where it is common, that of all groups. */
  set(key: string, value: number): void;
  /** What tells a slot from others of its key: the slots of all groups, where it is common. */
  ownerOf(key: string): object;
  /** Gives a slot its first value, unless it has one. */
  start(key: string, value: number, isCommon: boolean): void;
}

/** A group's slots, none yet; `common` holds those of all groups. */
export function createGroupSlots(common: Map<string, number>): GroupSlots {
  const own = new Map<string, number>();
  return {
    get: (key) => own.get(key) ?? common.get(key),
    set: (key, value) => void (common.has(key) ? common : own).set(key, value),
    ownerOf: (key) => common.has(key) ? common : own,
    start(key, value, isCommon) {
      const slots = isCommon ? common : own;
      if (!slots.has(key)) slots.set(key, value);
    },
  };
}
