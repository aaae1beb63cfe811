/**
 * The driver's end of the protocol that contestant.ts describes.
 *
 * @module
 */
import { spawn } from "node:child_process";
import process from "node:process";
import { createInterface } from "node:readline";
import type { Command } from "./commands.ts";

/** A running contestant. */
export interface Running {
  /** Name and version, as it says itself. */
  readonly hello: string;
  /** Sends a line and gives the answer without its first word. Throws on `error WHY` and when the process ends. */
  ask(line: string): Promise<string>;
  /** Ends the process. */
  end(): Promise<void>;
}

/** The last lines of a process' complaints, without Deno's empty stack. */
function lastWords(complaints: string): string {
  const lines = complaints.split("\n").map((line) => line.trim()).filter((line) =>
    line !== "" && !/^Stack backtrace:|<unknown>$/.test(line)
  );
  return lines.slice(-3).join(" | ");
}

/** Starts a contestant and waits for its hello. */
export async function start({ command, args, env }: Command): Promise<Running> {
  const child = spawn(command, args, { env: { ...process.env, NO_COLOR: "1", ...env }, stdio: ["pipe", "pipe", "pipe"] });
  let complaints = "";
  child.stderr.on("data", (chunk) => complaints = `${complaints}${chunk}`.slice(-2000));
  child.stdin.on("error", () => {}); // told by the end of the output
  const failed = new Promise<string>((resolve) => child.on("error", (error) => resolve(error.message)));
  const ended = new Promise<void>((resolve) => {
    child.on("close", () => resolve());
    child.on("error", () => resolve());
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();

  const answer = async (wanted: string): Promise<string> => {
    const line = await Promise.race([lines.next(), failed.then((reason) => ({ done: true as const, value: reason }))]);
    if (line.done) {
      await ended;
      throw new Error(line.value || lastWords(complaints) || "it ended without a word");
    }
    const [word] = line.value.split(" ", 1);
    const rest = line.value.slice(word.length + 1);
    if (word !== wanted) throw new Error(word === "error" ? rest : `it said "${line.value.slice(0, 100)}" instead of "${wanted}"`);
    return rest;
  };

  return {
    hello: await answer("hello"),
    ask(line) {
      child.stdin.write(`${line}\n`);
      const wanted = { prepare: "ready", round: "times", release: "released" }[line.split(" ", 1)[0]];
      return answer(wanted!);
    },
    async end() {
      child.stdin.end("quit\n");
      const timer = setTimeout(() => child.kill("SIGKILL"), 3000);
      await ended;
      clearTimeout(timer);
    },
  };
}
