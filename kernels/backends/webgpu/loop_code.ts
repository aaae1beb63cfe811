/**
 * What all modules of a kernel have in common: the loop's head, the values that it computes, and the memory that it reaches.
 *
 * @module
 */
import type { Kernel, Node, Role } from "../../language/kernel.ts";
import { elementCode, functionsFor, halfCode, zeroCode } from "./expressions.ts";
import { domainCode, opening, type RecordLayout, recordWord, recordWords } from "./records.ts";
import { lanes, negativeInfinity, threads } from "./sums_code.ts";

/** How a module reaches memory: the name of what is bound for a key. It is asked once for each mention. */
export type Reach = (key: string, writes: boolean) => string;

/** A module before its bindings are known. */
export interface Module {
  /** What it does, for labels. */
  readonly title: string;
  /** Functions and the entry point; what is bound is declared by others. */
  readonly code: string;
  readonly workgroups: number;
}

/** What a kernel loops over. */
export interface Extent {
  readonly batch: number;
  readonly rows: number;
  readonly cols: number;
}

/** What a module is made of. */
export interface Frame {
  readonly kernel: Kernel;
  readonly layout: RecordLayout;
  readonly reach: Reach;
}

/** Sums of one axis. */
export type Reductions = Kernel["reductions"];

/** The head of an entry point: `lane`, `workgroup`, and the dimensions of the loop. */
export function entry({ kernel: { domain } }: Frame, body: string): string {
  const { batch, rows, cols } = domainCode[domain];
  return `@compute @workgroup_size(${threads})
fn main(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) id: vec3<u32>, @builtin(num_workgroups) all: vec3<u32>) {
${opening}  if (${recordWord(recordWords.live)} == 0u) { return; }
${zeroCode(body, recordWord(recordWords.live))}  let tensorBatch = ${recordWord(recordWords.batch)};
  let tensorRows = ${recordWord(recordWords.rows)};
  let tensorCols = ${recordWord(recordWords.cols)};
  let batches = ${batch};
  let rows = ${rows};
  let cols = ${cols};
${body}
}`;
}

/** A module of an entry point, with what that uses. */
export function moduleOf(title: string, main: string, workgroups: number): Module {
  const shared = main.includes("lanes[") ? `${lanes}\n` : "";
  const infinity = main.includes("negativeInfinity(") ? `${negativeInfinity}\n` : "";
  const functions = functionsFor(main);
  return { title, code: `${shared}${infinity}${functions}${functions === "" ? "" : "\n"}${main}\n`, workgroups };
}

/** Where elements of a role are counted from. */
const placeOf: Readonly<Record<Role, string>> = { uniform: "0u", batch: "batch", row: "row", col: "matrixCol", param: "i" };

/** The lines that compute these nodes and those that they are made of, as `n0`, `n1`, … */
export function nodeLines(
  { kernel: { nodes, pointers, scalars }, layout, reach }: Frame,
  wanted: readonly number[],
  indent: string,
): string {
  const needed = new Set<number>();
  const visit = (index: number): void => {
    if (needed.has(index)) return;
    needed.add(index);
    nodes[index].args.forEach(visit);
  };
  wanted.forEach(visit);
  const valueOf = ({ op, args, role, pointer, scalar, dtype }: Node): string => {
    if (op === "splat") return `bitcast<f32>(${recordWord(layout.numbers.get(scalars[scalar])!)})`;
    if (op === "as") return `n${args[0]}`;
    if (op !== "load") return elementCode[op](args.map((arg) => `n${arg}`), dtype);
    const { key } = pointers[pointer];
    const begin = recordWord(layout.begins.get(key)!);
    const name = reach(key, false);
    const place = placeOf[role];
    if (dtype === "float32") return `bitcast<f32>(${name}[${begin} + ${place}])`;
    return halfCode[dtype].widen(`((${name}[${begin} + (${place} >> 1u)] >> (16u * (${place} & 1u))) & 0xffffu)`);
  };
  return [...needed].sort((a, b) => a - b).map((index) => `${indent}let n${index} = ${valueOf(nodes[index])};`).join("\n");
}

/** Where a store or a result goes. */
export function memoryOf({ kernel: { pointers }, layout, reach }: Frame, pointer: number): { name: string; begin: string } {
  const { key } = pointers[pointer];
  return { name: reach(key, true), begin: recordWord(layout.begins.get(key)!) };
}
