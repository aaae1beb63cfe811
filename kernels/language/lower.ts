/**
 * Values → kernel: what one loop computes, as nodes in the order in which they run.
 *
 * @module
 */
import { type Class, type Domain, isMatrix, isNumber, isVector, type MatrixClass, type VectorClass } from "../tables/classes.ts";
import { type ElementOp, overTensors } from "../tables/ops.ts";
import type { DType } from "../types.ts";
import type { RoutineName } from "../routines/table.ts";
import type { Kernel, Node, Pointer, Role, RoutineCall } from "./kernel.ts";
import type { Loop } from "./rounds.ts";
import { isMade, type Meaning, type Value } from "./values.ts";

/** The kernel of a loop; `loaded` says which memory holds a value already: a slot's key, or `#id`. */
export function lower(
  { domain, stores, copies, reductions }: Loop,
  { outputs, slotType }: Meaning,
  loaded: (value: Value) => string | undefined,
): Kernel {
  const nodes: Node[] = [];
  const pointers: Pointer[] = [];
  const scalars: number[] = [];
  const indices = new Map<Value, number>();
  const pointer = (key: string, cls: Class, dtype: DType): number => {
    const at = pointers.findIndex((p) => p.key === key);
    return at >= 0 ? at : pointers.push({ key, role: roleOf(cls, domain), dtype }) - 1;
  };
  const node = (v: Value): number => {
    let index = indices.get(v);
    if (index === undefined) {
      const made = nodeOf(v);
      indices.set(v, index = nodes.push(made) - 1);
    }
    return index;
  };
  const nodeOf = (v: Value): Node => {
    const none = { args: [], role: roleOf(v.cls, domain), pointer: -1, scalar: -1, dtype: "float32" } as const;
    if (isNumber(v.cls)) return { ...none, op: "splat", scalar: scalars.push(v.id) - 1 };
    const slot = loaded(v);
    if (slot !== undefined || v.op === "load") {
      const dtype = slot === undefined ? v.dtype : slotType.get(slot)?.dtype ?? "float32";
      return { ...none, op: "load", pointer: pointer(slot ?? v.key, v.cls, dtype), dtype };
    }
    if (isMade(v)) return { ...none, op: "load", pointer: pointer(`#${v.id}`, v.cls, "float32") };
    // What else has a class that lies in memory is an operation on elements: `valuesOf` refuses the others there.
    return { ...none, op: v.op as ElementOp | "as", args: v.args.map(node), dtype: v.dtype };
  };

  const stored = stores.map((key) => ({ key, node: node(outputs.get(key)!) }));
  const reduced = reductions.map((v) => {
    const { f, axis } = v.reduce!;
    return {
      f,
      axis: axis === "full" || overTensors(axis) ? "total" as const : isMatrix(domain) ? axis : "row" as const,
      node: node(v.args[0]),
      value: v.id,
      pointer: isVector(v.cls) ? pointer(`#${v.id}`, v.cls, "float32") : -1,
    };
  });
  const copied = copies.map((v) => ({ v, node: node(v.args[0]) }));
  const written = stored.map(({ key, node }) => {
    const { cls, dtype } = slotType.get(key)!;
    return { pointer: pointer(key, cls, dtype), node };
  });
  for (const { v, node } of copied) written.push({ pointer: pointer(`#${v.id}`, v.cls, "float32"), node });
  const shape = nodes.some((n) => n.role !== "param" && n.role !== "uniform") || reduced.some(({ axis }) => axis !== "total")
    ? "matrix"
    : "flat";
  const signature = JSON.stringify([
    shape,
    nodes.map((n) => [n.op, n.args, n.role, n.pointer, n.scalar, n.dtype]),
    pointers.map((p) => [p.role, p.dtype]),
    written,
    reduced.map((r) => [r.f, r.axis, r.node, r.pointer]),
  ]);
  return { domain, shape, nodes, pointers, scalars, stores: written, reductions: reduced, signature };
}

/** The call of a routine. */
export function lowerRoutine({ id, op, args, cls }: Value): RoutineCall {
  return {
    routine: op as RoutineName,
    args: args.map((v) => ({ key: v.op === "load" ? v.key : `#${v.id}`, cls: v.cls as MatrixClass | VectorClass })),
    into: { key: `#${id}`, cls: cls as MatrixClass | VectorClass },
  };
}

/** A loop over rows sees its rows as elements; the matrix that they belong to is then their row. Likewise columns. */
function roleOf(cls: Class, domain: Domain): Role {
  if (isNumber(cls)) return "uniform";
  if (cls === domain || isMatrix(cls)) return "param";
  return isMatrix(domain) ? cls : "row";
}
