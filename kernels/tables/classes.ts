/**
 * Classes of values, one row each: how much of a tensor a value differs over.
 *
 * A new class of slots is a name in {@linkcode SlotClass}, a row here, and for one that lies in tensors' memory a loop in `plan/partition.ts` and a
 * role in `language/lower.ts`.
 *
 * @module
 */
import type { Extent, SlotClass } from "../types.ts";

/** How much of a tensor a value differs over; `option`: not even over groups. */
export type Class = "option" | SlotClass;

/** The classes whose values lie in tensors' memory, so that a kernel can loop over them. */
export type Domain = "batch" | "row" | "col" | "param";

/** What a class is. */
export interface ClassRow {
  /** A result takes the highest rank of its arguments; of two classes of one rank, `param`. */
  readonly rank: number;
  /** One float64 number beside the kernels; a vector that is small beside the tensor; as many elements as the tensor has. */
  readonly lies: "number" | "vector" | "elements";
  /** How many values of it a tensor has. */
  count(extent: Extent): number;
}

/** Classes by name, slots' first. */
export const classes: Readonly<Record<Class, ClassRow>> = {
  param: { rank: 5, lies: "elements", count: ({ size }) => size },
  row: { rank: 4, lies: "vector", count: ({ batch, rows }) => batch * rows },
  col: { rank: 4, lies: "vector", count: ({ batch, cols }) => batch * cols },
  batch: { rank: 3, lies: "vector", count: ({ batch }) => batch },
  scalar: { rank: 2, lies: "number", count: () => 1 },
  group: { rank: 1, lies: "number", count: () => 1 },
  option: { rank: 0, lies: "number", count: () => 1 },
};

/** The classes that slots may have. */
export const slotClasses: readonly SlotClass[] = /* @__PURE__ */ slotClassList();

function slotClassList(): SlotClass[] {
  return Object.keys(classes).filter((cls) => cls !== "option") as SlotClass[];
}

/** True for numbers: their arithmetic is float64, and kernels are handed them. */
export const isNumber = (cls: Class): boolean => classes[cls].lies === "number";

/** True where values per row, column or matrix lie in memory. */
export const isVector = (cls: Class): boolean => classes[cls].lies === "vector";

/** The class of numbers as null, otherwise what a kernel loops over. */
export const domainOf = (cls: Class): Domain | null => isNumber(cls) ? null : cls as Domain;

/** True where a slot can hold the value: of its own class, or spread from a coarser one. */
export const fits = (value: Class, slot: Class): boolean => value === slot || classes[value].rank < classes[slot].rank;

/** The class of an operation's result. */
export function wider(a: Class, b: Class): Class {
  if (classes[a].rank === classes[b].rank) return a === b ? a : "param";
  return classes[a].rank > classes[b].rank ? a : b;
}

/** A class in an error: "a value per element". */
export const perWhat = (cls: Class): string => cls === "param" ? "element" : cls;
