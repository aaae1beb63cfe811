/**
 * Classes of values, one row each: how much of a tensor a value differs over.
 *
 * A new class of slots is a name in {@linkcode SlotClass}. The compiler then asks for a row here, for its shape in core's `param_state.ts`, and for one that
 * lies in tensors' memory for a loop in `plan/partition.ts` and a role in `language/lower.ts`; one that is a number is a {@linkcode NumberSlotClass} too.
 *
 * @module
 */
import type { Shape, Side, Sides } from "../routines/table.ts";
import type { Extent, MadeClass, SlotClass, SlotType } from "../types.ts";

/** Matrices: one number for each element. */
export type MatrixClass = "param" | MadeClass;

/** Vectors that belong to a side of a matrix. */
export type VectorClass = "row" | "col";

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

/** The classes that slots may name. */
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

/** The matrix of these sides, or the vector of this length. */
export function classOf([height, width]: Shape): MatrixClass | VectorClass {
  if (width === undefined) return vectors[height];
  return height === width ? squares[height] : height === "rows" ? "param" : "colsRows";
}

const squares: Readonly<Record<Side, MadeClass>> = { rows: "rowsRows", cols: "colsCols" };
const vectors: Readonly<Record<Side, VectorClass>> = { rows: "row", cols: "col" };

/** The sides of a matrix, or the length of a vector, as routines see them. */
export function shapeOf(cls: MatrixClass | VectorClass): Shape {
  return cls === "row" ? ["rows"] : cls === "col" ? ["cols"] : matrixSides[cls];
}

/** The vector that a reduction along the rows, or the columns, of a matrix gives: as long as the matrix is high, or wide. */
export function vectorOf(cls: MatrixClass, axis: "row" | "col"): VectorClass {
  const [height, width] = matrixSides[cls];
  return vectors[axis === "row" ? height : width];
}

/** The class of a slot of these dimensions, for tensors that are cut like this; undefined: of none. A square tensor's matrices are all its own. */
export function slotClassOf(shape: readonly number[], extent: Extent): SlotType["shape"] | undefined {
  const { batch, rows, cols } = extent;
  const dims: readonly (readonly [SlotType["shape"], readonly number[]])[] = [
    ["param", [rows, cols]],
    ["rowsRows", [rows, rows]],
    ["colsCols", [cols, cols]],
    ["colsRows", [cols, rows]],
    ["row", [rows]],
    ["col", [cols]],
  ];
  if (shape.length === 1 && shape[0] === extent.size) return "param"; // flat
  const same = (of: readonly number[]): boolean => of.length === shape.length && of.every((length, i) => length === shape[i]);
  return dims.find(([, of]) => same([batch, ...of]) || batch === 1 && same(of))?.[0];
}

/** A matrix' dimensions for a tensor; a vector is one row of each matrix. */
export function matrixExtent(cls: MatrixClass | VectorClass, tensor: Extent): Extent {
  const [height, width] = shapeOf(cls);
  const size = classes[cls].count(tensor);
  if (width === undefined) return { size, batch: tensor.batch, rows: 1, cols: tensor[height] };
  return { size, batch: tensor.batch, rows: tensor[height], cols: tensor[width] };
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
