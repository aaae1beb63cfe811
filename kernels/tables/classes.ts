/**
 * Classes of values, one row each: how much of a tensor a value differs over.
 *
 * A new class of slots is a name in {@linkcode SlotClass}. The compiler then asks for a row here, for its shape in core's `param_state.ts`, and for one that
 * lies in tensors' memory for a loop in `plan/partition.ts` and a role in `language/lower.ts`; one that is a number is a {@linkcode NumberSlotClass} too.
 *
 * @module
 */
import type { Side, Sides } from "../routines/table.ts";
import type { Extent, SlotClass } from "../types.ts";

/** Matrices of other sides than the tensor's, that matrix lines make: `colsRows` has as many rows as the tensor has columns. */
export type MadeClass = "colsRows" | "rowsRows" | "colsCols";

/** Matrices: one number for each element. */
export type MatrixClass = "param" | MadeClass;

/** How much of a tensor a value differs over; `option`: not even over groups. */
export type Class = "option" | SlotClass | MadeClass;

/** The classes of numbers: whose number it is, an option's, a tensor's or a group's. */
export type NumberClass = "option" | NumberSlotClass;

/** The classes of slots that are numbers: one of each tensor, or one of each group. */
export type NumberSlotClass = "scalar" | "group";

/** The classes whose values lie in tensors' memory, so that a kernel can loop over them: all others. */
export type Domain = Exclude<Class, NumberClass>;

/** What a class is. */
export interface ClassRow {
  /** A result takes the highest rank of its arguments; of row and col, `param`; of two matrices of different sides, the first. */
  readonly rank: number;
  /** One float64 number beside the kernels; a vector that is small beside the tensor; a matrix, as many elements as the tensor has or so. */
  readonly lies: "number" | "vector" | "elements";
  /** How many values of it a tensor has. */
  count(extent: Extent): number;
}

/** Classes by name. */
export const classes:
  & Readonly<Record<NumberClass, ClassRow & { readonly lies: "number" }>>
  & Readonly<Record<Domain, ClassRow & { readonly lies: "vector" | "elements" }>> = {
    param: { rank: 5, lies: "elements", count: ({ size }) => size },
    colsRows: { rank: 5, lies: "elements", count: ({ size }) => size },
    rowsRows: { rank: 5, lies: "elements", count: ({ batch, rows }) => batch * rows * rows },
    colsCols: { rank: 5, lies: "elements", count: ({ batch, cols }) => batch * cols * cols },
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
  const made: readonly Class[] = ["option", "colsRows", "rowsRows", "colsCols"];
  return (Object.keys(classes) as Class[]).filter((cls): cls is SlotClass => !made.includes(cls));
}

/** The sides of matrices. */
export const matrixSides: Readonly<Record<MatrixClass, Sides>> = {
  param: ["rows", "cols"],
  colsRows: ["cols", "rows"],
  rowsRows: ["rows", "rows"],
  colsCols: ["cols", "cols"],
};

/** The matrix of these sides. */
export function matrixOf([height, width]: Sides): MatrixClass {
  return height === width ? squares[height] : height === "rows" ? "param" : "colsRows";
}

const squares: Readonly<Record<Side, MadeClass>> = { rows: "rowsRows", cols: "colsCols" };

/** A matrix' dimensions for a tensor. */
export function matrixExtent(cls: MatrixClass, tensor: Extent): Extent {
  const [height, width] = matrixSides[cls];
  return { size: classes[cls].count(tensor), batch: tensor.batch, rows: tensor[height], cols: tensor[width] };
}

/** True for numbers: their arithmetic is float64, and kernels are handed them. */
export const isNumber = (cls: Class): cls is NumberClass => classes[cls].lies === "number";

/** True for matrices: one number for each element. */
export const isMatrix = (cls: Class): cls is MatrixClass => classes[cls].lies === "elements";

/** True where values per row, column or matrix lie in memory. */
export const isVector = (cls: Class): boolean => classes[cls].lies === "vector";

/** The class of numbers as null, otherwise what a kernel loops over. */
export const domainOf = (cls: Class): Domain | null => isNumber(cls) ? null : cls;

/** True where a slot can hold the value: of its own class, or spread from a coarser one. Matrices of other sides fit where the tensor is square. */
export const fits = (value: Class, slot: Class): boolean =>
  value === slot || classes[value].rank < classes[slot].rank || isMatrix(value) && isMatrix(slot);

/** The class of an operation's result. */
export function wider(a: Class, b: Class): Class {
  if (classes[a].rank === classes[b].rank) return a === b || isMatrix(a) ? a : "param";
  return classes[a].rank > classes[b].rank ? a : b;
}

/** A class in an error: "a value per element". */
export const perWhat = (cls: Class): string => isMatrix(cls) ? "element" : cls;
