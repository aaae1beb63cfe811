/**
 * Rounds of one layout: contestants that are started take turns, so that a busy moment of the machine meets all alike.
 *
 * @module
 */
import process from "node:process";
import type { Disturbance } from "../disturbance.ts";
import { median } from "../measure.ts";
import type { Running } from "./talk.ts";

/** How the rounds go. */
export interface Rounds {
  readonly rounds: number;
  /** Milliseconds of warm-up: compilers, allocators, page tables. */
  readonly warm: number;
  /** So many milliseconds a turn, and `least` steps; its `cold` first ones find the caches full of the others' numbers and do not count. */
  readonly turn: { readonly ms: number; readonly least: number; readonly cold: number };
  /** What measures how busy the machine is meanwhile. */
  readonly disturbance: Disturbance;
}

/** One that went through all rounds. */
export interface Finished<Contestant> {
  readonly contestant: Contestant;
  readonly running: Running;
  /** Nanoseconds a step: the median of each round. */
  readonly medians: readonly number[];
  /** Steps measured in all. */
  readonly steps: number;
}

/**
 * Twice so many milliseconds of rest before a turn: OpenMP's threads spin for up to 10 ms after their last work before they sleep. Making them sleep at once
 * (OMP_WAIT_POLICY=passive) would be unfair: it costs PyTorch's fused AdamW on two threads half as much again at 1 Mi, and ten times at 200 x 4096.
 */
const REST = 20;

/** All rounds over tensors of these shapes, as `readShapes` reads them. `fail` is told of each that leaves; the others go on. */
export async function compete<Contestant extends { readonly variant: string }>(
  name: string,
  shapes: string,
  taking: readonly (readonly [Contestant, Running])[],
  { rounds, warm, turn: { ms, least, cold }, disturbance }: Rounds,
  fail: (contestant: Contestant, error: unknown) => void,
): Promise<readonly Finished<Contestant>[]> {
  const competing: { readonly contestant: Contestant; readonly running: Running; readonly medians: number[]; steps: number }[] = [];
  const leave = (contestant: Contestant, error: unknown): void => {
    fail(contestant, error);
    const at = competing.findIndex((one) => one.contestant === contestant);
    if (at >= 0) competing.splice(at, 1);
  };
  for (const [contestant, running] of taking) {
    try {
      await running.ask(`prepare ${contestant.variant} ${shapes}`);
      await running.ask(`round ${warm} 3 100000`);
      competing.push({ contestant, running, medians: [], steps: 0 });
    } catch (error) {
      leave(contestant, error);
    }
  }
  for (let round = 0; round < rounds; round++) {
    if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${name}: round ${round + 1} of ${rounds}`);
    const first = round % competing.length;
    for (const one of [...competing.slice(first), ...competing.slice(0, first)]) {
      try {
        // The last one's threads may still spin for a while; then only others keep the machine busy.
        await new Promise((resolve) => setTimeout(resolve, REST));
        await disturbance.rest(REST);
        const times = (await one.running.ask(`round ${ms} ${least} 20000`)).split(" ").map(Number).slice(cold);
        one.medians.push(median(times));
        one.steps += times.length;
      } catch (error) {
        leave(one.contestant, error);
      }
    }
  }
  if (process.stderr.isTTY) process.stderr.write("\r\x1b[K");
  for (const { contestant, running } of [...competing]) await running.ask("release").catch((error) => leave(contestant, error));
  return competing;
}
