/**
 * Statements → program: values, then rounds, then kernels.
 *
 * @module
 */
import { isNumber, isVector } from "../tables/classes.ts";
import { explain } from "./explain.ts";
import type { Kernel } from "./kernel.ts";
import { lower } from "./lower.ts";
import type { Program } from "./program.ts";
import { roundsOf } from "./rounds.ts";
import type { Statement } from "./statement.ts";
import { type Names, valuesOf } from "./values.ts";

/** Compiles statements. Throws a SyntaxError with `line`, `name` and `known`. */
export function compile(statements: readonly Statement[], names: Names): Program {
  const meaning = valuesOf(statements, names);
  const { values, outputs, numberStores } = meaning;
  const { live, loops, count, loaded, sumRound, numberRound } = roundsOf(meaning);

  const rounds: Kernel[][] = Array.from({ length: count }, () => []);
  for (const loop of loops) rounds[loop.round].push(lower(loop, meaning, (value) => loaded(value, loop.round)));
  const numbers: number[][] = Array.from({ length: count + 1 }, () => []);
  for (const v of live) if (isNumber(v.cls) && v.op !== "reduce") numbers[Math.min(count, numberRound(v))].push(v.id);

  const sums = live.filter((v) => v.op === "reduce");
  const keys = rounds.flat().flatMap(({ pointers }) => pointers.map(({ key }) => key));
  return {
    values,
    rounds,
    numbers,
    alls: sums.filter((v) => v.reduce!.axis === "all").map((v) => ({ id: v.id, round: sumRound(v) })),
    results: sums.filter((v) => isVector(v.cls)).map((v) => v.id),
    numberStores,
    tensors: [...new Set(keys.filter((key) => !key.startsWith("#")))],
    writes: [...outputs.keys()],
    explain: () => explain(rounds, values),
  };
}
