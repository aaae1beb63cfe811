/**
 * A contestant in JavaScript: a process that prepares, times and releases when told to on standard input, and sleeps in between.
 *
 * The protocol, a line each way (contestant.py and adamw.c speak it too):
 *
 *     (start)                          hello NAME AND VERSION
 *     prepare VARIANT SHAPES           ready               float32 tensors, `readShapes` reads their shapes; moments at zero
 *     round MS LEAST MOST              times NS NS …       steps for MS milliseconds, at least LEAST, at most MOST
 *     release                          released
 *     quit                             (end)
 *
 * Any of them may answer `error WHY`. A round refills the gradients before each step, outside the timing.
 *
 * @module
 */
import process from "node:process";
import { createInterface } from "node:readline";
import { readShapes } from "../layouts.ts";
import { type Timed, timeSteps } from "../measure.ts";

/** A prepared optimizer. */
export interface Prepared extends Timed {
  /** Gives its memory back. */
  release(): void;
}

/** Serves the protocol until `quit` or the end of the input. */
export async function serve(
  hello: string,
  prepare: (variant: string, shapes: readonly (readonly number[])[]) => Prepared | Promise<Prepared>,
): Promise<void> {
  let prepared: Prepared | null = null;
  let steps = 0;
  console.log(`hello ${hello}`);
  for await (const line of createInterface({ input: process.stdin })) {
    const [command, ...words] = line.trim().split(" ");
    if (command === "quit") break;
    try {
      if (command === "prepare") {
        prepared = await prepare(words[0], readShapes(words[1]));
        steps = 0;
        console.log("ready");
      } else if (command === "round") {
        const [ms, least, most] = words.map(Number);
        const times = await timeSteps(prepared!, { ms, least, most }, steps);
        steps += times.length;
        console.log(`times ${times.map((ns) => ns.toFixed(0)).join(" ")}`);
      } else if (command === "release") {
        prepared?.release();
        prepared = null;
        (globalThis as { gc?: () => void }).gc?.();
        console.log("released");
      } else {
        throw new Error(`unknown command ${command}`);
      }
    } catch (error) {
      console.log(`error ${String(error).replaceAll("\n", " ")}`);
    }
  }
  process.exit(0);
}
