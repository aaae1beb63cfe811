/**
 * Passes: a kernel over elements of 16 bits, cut into loops that follow each other over one block of elements after the other.
 *
 * To round a number takes five to eleven instructions that wait for each other, with up to seven constants. In one loop for everything there are more
 * numbers than registers. V8 then moves some, JavaScriptCore nearly all: it keeps in registers what is the same for all elements, and each result of an
 * instruction goes through the stack. In a loop of few instructions nothing needs to be moved, and its next elements do not wait for these. What lies between
 * two loops waits in memory as float32, of a block that is small enough for a core's nearest cache.
 *
 * ns a parameter at 1 Mi parameters, on an AMD EPYC with AVX-512, in one loop and in passes (`bench/sixteen_bits.ts`), by how often a rule rounds:
 *
 * ```text
 *                   bfloat16: Deno      Bun           float16: Deno      Bun
 * ten times            2.04  1.87    3.51  1.88          4.87  4.83   10.2  4.72
 * eight                2.03  2.01    3.49  2.15          5.01  4.62    8.3  4.40
 * in three stores      1.21  1.14    2.40  1.36          2.90  2.19    6.7  2.14
 * twice                0.97  0.81    4.82  0.81          1.48  1.38    3.1  1.31
 * ```
 *
 * Float16 has been converted by fewer instructions since, which takes another 6 to 12 % off. A bfloat16 rule that does little pays for passes in Deno: three
 * roundings and no root take 0.62 instead of 0.51, in Bun 0.72 instead of 1.13.
 *
 * What was tried besides, at 32 Ki parameters, in place of what is below: all roundings of bfloat16 in passes of their own (ten in Deno 2.4, in Bun the same),
 * none of those that take care of NaN (two in Bun 1.05), its widening too (three stores in Deno 1.27, in Bun 1.22), no new pass after a rounding (ten in Bun
 * 2.8), four vectors side by side (three stores in Deno 1.08, in Bun 1.75), a loop for each number that is widened or rounded (no change). In one loop, vectors
 * two by two one after the other in place of side by side: eight in float16 6.1 instead of 4.3 in Deno.
 *
 * @module
 */
import type { Kernel } from "../../language/kernel.ts";
import type { DType } from "../../types.ts";

/** One loop over a block. */
export interface Pass {
  /** Nodes that it computes or loads, in the order in which it does. */
  readonly nodes: readonly number[];
  /** Nodes that earlier passes have left in memory. */
  readonly reads: readonly number[];
  /** Of its nodes those that later passes read. */
  readonly leaves: readonly number[];
  /** Stores of the kernel, by index. */
  readonly stores: readonly number[];
  /** Reductions of the kernel, by index. */
  readonly reductions: readonly number[];
}

/** A kernel's passes, and the nodes that wait in memory between two of them. */
export interface Passes {
  readonly passes: readonly Pass[];
  readonly waiting: readonly number[];
}

/** Types whose numbers take so long to convert that a loop does nothing else; a bfloat16 is widened by one instruction. */
const isLong: Readonly<Record<DType, boolean>> = { float32: false, bfloat16: false, float16: true };

/** Elements that are rounded to the type that they are stored in, and of no other use: the stores of them round. */
export function roundedByStores({ nodes, pointers, stores, reductions }: Kernel): Set<number> {
  const found = new Set<number>();
  for (const { node, pointer } of stores) {
    if (nodes[node].op === "round" && nodes[node].role === "param" && nodes[node].dtype === pointers[pointer].dtype) found.add(node);
  }
  const used = [...nodes.flatMap(({ args }) => args), ...reductions.map(({ node }) => node)];
  for (const node of used) found.delete(node);
  for (const { node, pointer } of stores) if (nodes[node].dtype !== pointers[pointer].dtype) found.delete(node);
  return found;
}

/** True where elements have 16 bits. */
export const isNarrow = ({ pointers }: Kernel): boolean => pointers.some(({ role, dtype }) => role === "param" && dtype !== "float32");

/** True where numbers may be NaN with any fraction: in float32 memory has such. */
export const mayBeAnyNaN = ({ nodes }: Kernel): boolean => nodes.some(({ op, dtype }) => op === "load" && dtype === "float32");

/**
 * The passes of a kernel whose elements lie in a row, of nodes that are given in the order in which one loop would compute them; null for one that has no
 * need of them.
 *
 * A rounding ends a pass: what it gives is used in later ones. One that is long, that takes care of NaN, or that a store does, has a pass of its own, and so has
 * a long widening. All else comes as late as what needs it.
 */
export function passesOf(kernel: Kernel, elements: readonly number[]): Passes | null {
  const { nodes, stores, reductions, shape } = kernel;
  if (shape !== "flat" || !isNarrow(kernel)) return null;
  const own = new Set(elements);
  const byStores = roundedByStores(kernel);
  const takesCare = mayBeAnyNaN(kernel);
  const isLoad = (index: number): boolean => nodes[index].op === "load";
  const isRound = (index: number): boolean => nodes[index].op === "round";
  const isLongLoad = (index: number): boolean => isLoad(index) && isLong[nodes[index].dtype];
  const isApart = (index: number): boolean =>
    isRound(index) && (byStores.has(index) || takesCare || isLong[nodes[index].dtype]) && !isLoad(nodes[index].args[0]);
  const args = (index: number): number[] => nodes[index].args.filter((arg) => own.has(arg));

  // The first pass that can have a node; a node's arguments stand before it.
  const places = new Map<number, number>();
  const inText = elements.toSorted((a, b) => a - b);
  for (const index of inText) {
    const first = Math.max(0, ...args(index).map((arg) => places.get(arg)! + (isLongLoad(arg) || isRound(arg) ? 1 : 0)));
    places.set(index, isApart(index) ? first + 1 : first);
  }
  const users = new Map(inText.map((index) => [index, inText.filter((user) => nodes[user].args.includes(index))]));
  for (const index of inText.toReversed()) {
    const wanted = users.get(index)!.map((user) => places.get(user)! - (isApart(user) ? 1 : 0));
    const isFixed = isLongLoad(index) || isRound(index);
    if (!isFixed && wanted.length > 0) places.set(index, Math.min(...wanted));
  }

  const source = (node: number): number => byStores.has(node) ? nodes[node].args[0] : node;
  // Nothing is stored before what lay in its place has been read.
  const storePlaces = stores.map(({ pointer, node }) => {
    const loads = inText.filter((index) => isLoad(index) && nodes[index].pointer === pointer);
    return Math.max(...[node, ...loads].map((index) => places.get(index) ?? 0));
  });
  const needed = (index: number): number =>
    Math.max(
      ...users.get(index)!.filter((user) => !byStores.has(user)).map((user) => places.get(user)!),
      ...stores.map(({ node }, k) => source(node) === index ? storePlaces[k] : 0),
      0,
    );
  const waiting = inText.filter((index) => needed(index) > places.get(index)!);
  const count = 1 + Math.max(0, ...places.values(), ...storePlaces);
  const passes = Array.from({ length: count }, (_, place): Pass => {
    const here = elements.filter((index) => places.get(index) === place && !byStores.has(index));
    const storesHere = [...stores.keys()].filter((k) => storePlaces[k] === place);
    const uses = [...here.flatMap(args), ...storesHere.map((k) => source(stores[k].node))];
    return {
      nodes: here,
      reads: waiting.filter((index) => uses.includes(index) && places.get(index)! < place),
      leaves: here.filter((index) => waiting.includes(index)),
      stores: storesHere,
      reductions: [...reductions.keys()].filter((k) => (places.get(reductions[k].node) ?? 0) === place),
    };
  });
  return { passes, waiting };
}
