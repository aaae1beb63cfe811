/**
 * Statements → program: values, then rounds, then kernels and calls of routines.
 *
 * @module
 */
import { type Class, isNumber, isVector } from "../tables/classes.ts";
import { explain } from "./explain.ts";
import type { Kernel, RoutineCall } from "./kernel.ts";
import { lower, lowerRoutine } from "./lower.ts";
import type { Program } from "./program.ts";
import { type Loop, roundsOf } from "./rounds.ts";
import { overTensors } from "../tables/ops.ts";
import type { Statement } from "./statement.ts";
import { isMade, type Names, type Value, valuesOf } from "./values.ts";

/** Compiles statements. Throws a SyntaxError with `line`, `name` and `known`. */
export function compile(statements: readonly Statement[], names: Names): Program {
  const meaning = valuesOf(statements, names);
  const { values, outputs, numberStores, holds, labels, square, tall } = meaning;
  const { live, loops, count, loaded, sumRound, numberRound, firstStore } = roundsOf(meaning);

  const rounds: Kernel[][] = Array.from({ length: count }, () => []);
  const routines: RoutineCall[][] = Array.from({ length: count }, () => []);
  for (const loop of loops) {
    if (loop.routine !== null) routines[loop.round].push(lowerRoutine(loop.routine));
    else rounds[loop.round].push(lower(loop, meaning, (value) => loaded(value, loop.round)));
  }
  const numbers: number[][] = Array.from({ length: count + 1 }, () => []);
  for (const v of live) if (isNumber(v.cls) && v.op !== "reduce") numbers[Math.min(count, numberRound(v))].push(v.id);

  const sums = live.filter((v) => v.op === "reduce");
  const matrices = live.filter((v) => isMade(v) && v.op !== "reduce");
  const keys = [
    ...rounds.flat().flatMap(({ pointers }) => pointers.map(({ key }) => key)),
    ...routines.flat().flatMap(({ args }) => args.map(({ key }) => key)),
  ];
  return {
    values,
    rounds,
    routines,
    numbers,
    alls: sums.filter((v) => overTensors(v.reduce!.axis)).map((v) => ({ id: v.id, round: sumRound(v) })),
    results: sums.filter((v) => isVector(v.cls)).map((v) => v.id),
    ...buffersOf(matrices, loops, sumRound),
    square,
    tall,
    holds,
    firstStore: Math.min(count, firstStore),
    numberStores,
    tensors: [...new Set(keys.filter((key) => !key.startsWith("#")))],
    writes: [...outputs.keys()],
    explain: () => explain(rounds, routines, values, labels),
  };
}

/** Memory for matrices: one that nobody reads any more makes room for another of its class that is made in a later round. */
function buffersOf(
  matrices: readonly Value[],
  loops: readonly Loop[],
  madeIn: (matrix: Value) => number,
): Pick<Program, "matrices" | "buffers"> {
  const lastRead = new Map<string, number>();
  for (const { round, fresh } of loops) {
    for (const key of fresh.keys()) lastRead.set(key, Math.max(round, lastRead.get(key) ?? 0));
  }
  const buffers: { readonly cls: Class; until: number }[] = [];
  const placed = [...matrices].sort((a, b) => madeIn(a) - madeIn(b)).map((v) => {
    const until = lastRead.get(`#${v.id}`) ?? madeIn(v);
    const free = buffers.findIndex((one) => one.cls === v.cls && one.until < madeIn(v));
    if (free < 0) return { id: v.id, buffer: buffers.push({ cls: v.cls, until }) - 1 };
    buffers[free].until = until;
    return { id: v.id, buffer: free };
  });
  return { matrices: placed, buffers: buffers.map(({ cls }) => cls) };
}
