/**
 * The arithmetic of numbers that depend on sums, as WGSL: a thread for each tensor, between the kernels of two rounds.
 *
 * @module
 */
import type { Program } from "../../language/program.ts";
import type { Value } from "../../language/values.ts";
import { type ElementOp, elementOps, type NumberOp, overTensors, reductions } from "../../tables/ops.ts";
import { elementCode, functionsFor, numberCode, zeroCode } from "./expressions.ts";
import { type RecordLayout, recordWords } from "./records.ts";

/** The module for what is known before a round (with the number of rounds: after the last one), or null where the device computes nothing there. */
export function numberModule(program: Program, layout: RecordLayout, round: number): string | null {
  const { values, numbers, alls, rounds } = program;
  const here = numbers[round].map((id) => values[id]).filter((v) => layout.isDevice(v.id) && v.op !== "slot");
  // A sum over numbers, which no kernel computes: what this tensor adds to it.
  const shared = alls.filter(({ id, round: at }) => at === Math.min(round, rounds.length - 1) && isOfNumbers(values[id]));
  if (here.length === 0 && shared.length === 0) return null;
  const lines: string[] = [];
  const made = new Set<string>();
  // A group has one value of each of its slots, also where its tensors' step counts differ: the first tensor's. So `first` has all that such a value is made of.
  const name = (v: Value, base: "own" | "first"): string => {
    if (!here.includes(v)) return `bitcast<f32>(records[${base} + ${layout.numbers.get(v.id)!}u])`;
    const from = v.op === "as" && v.cls === "group" ? "first" : base;
    const called = `${from}${v.id}`;
    if (made.has(called)) return called;
    made.add(called);
    const args = v.args.map((arg) => name(arg, from));
    const code = v.op === "as"
      ? args[0]
      : Object.hasOwn(elementOps, v.op)
      ? elementCode[v.op as ElementOp](args, v.dtype)
      : numberCode[v.op as NumberOp](args, v.dtype);
    lines.push(`  let ${called} = ${code};`);
    return called;
  };
  const stores = here.map((v) => `  records[own + ${layout.numbers.get(v.id)!}u] = bitcast<u32>(${name(v, "own")});`);
  for (const { id } of shared) {
    const { reduce, args: [arg] } = values[id];
    const called = name(arg, "own");
    const share = reductions[reduce!.f].squares ? `${called} * ${called}` : called;
    stores.push(`  records[own + ${layout.shares.get(id)!}u] = bitcast<u32>(${share});`);
  }
  const body = [...lines, ...stores].join("\n");
  const main = `@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  if (id.x >= arrayLength(&items)) { return; }
  let own = items[id.x].x;
  let first = items[id.x].y;
  if (records[own + ${recordWords.live}u] == 0u) { return; }
${zeroCode(body, `records[own + ${recordWords.live}u]`)}${body}
}`;
  return `@group(0) @binding(0) var<storage, read_write> records: array<u32>;
@group(0) @binding(1) var<storage, read> items: array<vec2<u32>>;
${functionsFor(main)}
${main}
`;
}

const isOfNumbers = ({ reduce, args: [arg] }: Value): boolean =>
  overTensors(reduce!.axis) && ["option", "group", "scalar"].includes(arg.cls);
