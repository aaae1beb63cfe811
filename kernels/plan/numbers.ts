/**
 * A program's numbers: the float64 arithmetic of options, groups and scalars between its rounds.
 *
 * @module
 */
import type { Program } from "../language/program.ts";
import type { NumberStore, Value } from "../language/values.ts";
import { isNumber } from "../tables/classes.ts";
import { type Op, type Operation, ops, overTensors, type ReductionName, reductions } from "../tables/ops.ts";
import type { Extent, Scalars } from "../types.ts";
import type { Item, NumberSlots } from "./item.ts";

/** One operation over numbers that lie in an array by value's id. */
type Instruction = (numbers: Float64Array) => void;

/** A number that is read from outside. */
interface Read<Key = string> {
  readonly id: number;
  readonly key: Key;
}

/** What a program computes beside its kernels. */
export interface NumberCode {
  readonly program: Program;
  /** One number per value: constants, and zeros. */
  readonly constants: Float64Array;
  readonly inputs: readonly Read[];
  readonly groupReads: readonly Read[];
  readonly tensorReads: readonly Read[];
  readonly dims: readonly Read<keyof Extent>[];
  /** Before round k: what is computed once for all tensors of a group, with the ids of its results. */
  readonly ofGroup: readonly { readonly ids: readonly number[]; readonly run: readonly Instruction[] }[];
  /** Before round k: what is computed for each tensor. */
  readonly ofTensor: readonly (readonly Instruction[])[];
  readonly groupStores: readonly NumberStore[];
  readonly tensorStores: readonly NumberStore[];
  /** Which sums over tensors must be there before round k. */
  readonly needs: readonly (readonly string[])[];
  /** Reductions over tensors, of one number each, which no kernel sums. */
  readonly numberSums: readonly { readonly id: number; readonly arg: number; readonly f: ReductionName }[];
  /** False where every number is the group's: then tensors share one array. */
  readonly perTensor: boolean;
}

/** Numbers that several tensors share: those of one group's text where the values that come with a run are the same object. */
interface Shared {
  readonly numbers: Float64Array;
  values: Scalars;
}

/** One program over tensors of one group. */
export interface GroupNumbers {
  readonly code: NumberCode;
  readonly slots: NumberSlots;
  /** The first is the one whose group slots are kept. */
  readonly shared: Shared[];
  /** How many of them this run uses. */
  used: number;
}

/** An item's numbers. */
export interface ItemNumbers {
  readonly item: Item;
  readonly code: NumberCode;
  readonly group: GroupNumbers;
  shared: Shared;
  /** Its own numbers, or null where it has none but those that it shares. */
  readonly own: Float64Array | null;
  /** `own`, or what it shares. */
  numbers: Float64Array;
  /** By id of an `all…` reduction: this tensor's share of the sum. */
  readonly shares: Float64Array;
}

const codes = new WeakMap<Program, NumberCode>();

/** A program's number code, made once. */
export function numberCode(program: Program): NumberCode {
  let code = codes.get(program);
  if (code === undefined) codes.set(program, code = codeOf(program));
  return code;
}

const leaves: readonly Value["op"][] = ["const", "input", "dim", "slot", "reduce"];

function codeOf(program: Program): NumberCode {
  const { values, rounds, numbers, numberStores } = program;
  const live = numbers.flat().map((id) => values[id]);
  const reads = (op: Value["op"], cls?: Value["cls"]): Read[] =>
    live.filter((v) => v.op === op && (cls === undefined || v.cls === cls)).map(({ id, key }) => ({ id, key }));
  const computed = (ids: readonly number[], tensor: boolean): Value[] =>
    ids.map((id) => values[id]).filter((v) => !leaves.includes(v.op) && (v.cls === "scalar") === tensor);
  const constants = new Float64Array(values.length);
  for (const v of live) if (v.op === "const") constants[v.id] = v.number;
  const reductions = values.filter((v) => v.op === "reduce");
  return {
    program,
    constants,
    inputs: reads("input"),
    groupReads: reads("slot", "group"),
    tensorReads: reads("slot", "scalar"),
    dims: reads("dim") as Read<keyof Extent>[],
    ofGroup: numbers.map((ids) => computed(ids, false)).map((list) => ({ ids: list.map(({ id }) => id), run: list.map(instruction) })),
    ofTensor: numbers.map((ids) => computed(ids, true).map(instruction)),
    groupStores: numberStores.filter(({ cls }) => cls === "group"),
    tensorStores: numberStores.filter(({ cls }) => cls === "scalar"),
    needs: rounds.map((kernels, round) => {
      const read = [
        ...numbers[round].flatMap((id) => values[id].args),
        ...kernels.flatMap(({ scalars }) => scalars).map((id) => values[id]),
      ];
      return [...new Set(read.filter((v) => v.reduce !== null && overTensors(v.reduce.axis)).map((v) => v.reduce!.all))];
    }),
    numberSums: reductions.filter((v) => isNumber(v.args[0].cls)).map((v) => ({ id: v.id, arg: v.args[0].id, f: v.reduce!.f })),
    perTensor: live.some((v) => v.cls === "scalar") || reductions.some((v) => v.cls === "scalar" || overTensors(v.reduce!.axis)),
  };
}

function instruction({ id, op, args, dtype }: Value): Instruction {
  const [a, b = a, c = a] = args.map((arg) => arg.id);
  if (op === "as") return (numbers) => void (numbers[id] = numbers[a]);
  const { arity, evaluate } = ops[op as Op] as Operation;
  // Most have two arguments. What an operation does not take would cost the engine a number on the heap.
  if (arity === 2) return (numbers) => void (numbers[id] = (evaluate as (a: number, b: number) => number)(numbers[a], numbers[b]));
  return (numbers) => void (numbers[id] = evaluate(numbers[a], numbers[b], numbers[c], dtype));
}

/** Room for an item's numbers. */
export function itemNumbers(item: Item, group: GroupNumbers): ItemNumbers {
  const { code } = group;
  const length = code.constants.length;
  const own = code.perTensor ? new Float64Array(length) : null;
  const numbers = own ?? new Float64Array(0);
  return { item, code, group, shared: { numbers, values: {} }, own, numbers, shares: new Float64Array(length) };
}

/** Begins a run: finds with whom each item shares its numbers, and reads what the text reads. */
export function readNumbers(items: readonly ItemNumbers[], groups: readonly GroupNumbers[], values: readonly Scalars[]): void {
  for (const group of groups) group.used = 0;
  for (let i = 0; i < items.length; i++) {
    const one = items[i];
    const { code, own, item } = one;
    const shared = sharedOf(one.group, values[i]);
    one.shared = shared;
    if (own === null) {
      one.numbers = shared.numbers;
      continue;
    }
    own.set(shared.numbers);
    for (const { id, key } of code.dims) own[id] = item.extent[key];
    for (const { id, key } of code.tensorReads) own[id] = item.scalarSlots.get(key)!;
  }
}

function sharedOf(group: GroupNumbers, values: Scalars): Shared {
  const { code, slots, shared } = group;
  for (let i = 0; i < group.used; i++) if (shared[i].values === values) return shared[i];
  const one = shared[group.used++] ??= { numbers: Float64Array.from(code.constants), values };
  one.values = values;
  const { numbers } = one;
  for (const { id, key } of code.inputs) numbers[id] = values[key];
  for (const { id, key } of code.groupReads) numbers[id] = slots.get(key)!;
  return one;
}

/** Computes what is needed before a round; with the number of rounds, what follows the last one. */
export function computeNumbers(groups: readonly GroupNumbers[], items: readonly ItemNumbers[], round: number): void {
  for (const { code, shared, used } of groups) {
    const { ids, run } = code.ofGroup[round];
    for (let i = 0; i < used; i++) {
      const { numbers } = shared[i];
      for (let k = 0; k < run.length; k++) {
        // A group has one value of each of its slots, also where its tensors' step counts differ: the first tensor's.
        if (i > 0 && code.program.values[ids[k]].op === "as") numbers[ids[k]] = shared[0].numbers[ids[k]];
        else run[k](numbers);
      }
    }
  }
  for (const { code, own, shared, numbers, shares } of items) {
    if (own !== null) {
      for (const id of code.ofGroup[round].ids) own[id] = shared.numbers[id];
      for (const run of code.ofTensor[round]) run(own);
    }
    for (const { id, arg, f } of code.numberSums) shares[id] = reductions[f].element(numbers[arg]);
  }
}

/**
 * Who holds the run back, as scopes: whose number is not 0, in any group. It is asked before the first round that stores, with the sums over tensors
 * known that it is made of. Their group slots get the values that they have by then, and all else stays.
 */
export function holdBack(groups: readonly GroupNumbers[]): readonly string[] {
  const held = new Set<string>();
  for (const group of groups) {
    const { code: { program: { holds, firstStore } }, shared, used } = group;
    if (holds.length === 0) continue;
    computeNumbers([group], [], firstStore);
    for (let i = 0; i < used; i++) for (const { scope, id } of holds) if (shared[i].numbers[id] !== 0) held.add(scope);
  }
  for (const { code: { program: { holds } }, slots, shared, used } of groups) {
    for (const { scope, stores } of holds) {
      if (used > 0 && held.has(scope)) { for (const { key, id } of stores) slots.set(key, shared[0].numbers[id]); }
    }
  }
  return [...held];
}

/** Ends a run: the slots that are numbers get their last values. */
export function writeNumbers(items: readonly ItemNumbers[], groups: readonly GroupNumbers[]): void {
  for (const { code, slots, shared, used } of groups) {
    if (used > 0) { for (const { key, id } of code.groupStores) slots.set(key, shared[0].numbers[id]); }
  }
  for (const { code, item, numbers } of items) for (const { key, id } of code.tensorStores) item.scalarSlots.set(key, numbers[id]);
}
