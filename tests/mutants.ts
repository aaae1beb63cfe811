/**
 * Asks the suite whether it would notice: `npm run mutants` makes the wrong changes of mutants_table.ts, one at a time, in a copy of the repository, and runs
 * the tests that should catch each. A change that no test notices survives, and is told at the end.
 *
 * `--only REGEX` takes the rows whose name or file fits, `--some 10 --seed TEXT` ten that a hash of the text chooses, `--list` only names them, `--jobs N`
 * sets how many run at a time. The exit code is 1 where a change survived or a row is wrong: its text does not stand in its file exactly once, the changed
 * file is no program, or its tests fail without the change.
 *
 * @module
 */
import { transform } from "esbuild";
import { createHash } from "node:crypto";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join, relative } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { root } from "./generated.ts";
import { type Mutant, mutants } from "./mutants_table.ts";

/** What became of a row. */
interface Outcome {
  readonly mutant: Mutant;
  readonly verdict: "caught" | "survived" | "wrong row";
  /** The test that caught it, or what is wrong with the row. */
  readonly why: string;
  readonly seconds: number;
}

/** How a run of tests ended. */
interface Ended {
  readonly ok: boolean;
  readonly timedOut: boolean;
  readonly output: string;
  readonly seconds: number;
}

/** Folders that no test reads. */
const left = [".git", "node_modules", "dist", ".node-tests", ".cache"];

/** A test that takes so many times longer than without the change hangs. */
const patience = { least: 30, factor: 10 };

/** A copy of the repository in a folder of its own. */
function copyRepository(): string {
  const copy = mkdtempSync(join(tmpdir(), "mutants-"));
  cpSync(root, copy, { recursive: true, filter: (path) => !left.includes(relative(root, path)) });
  symlinkSync(join(root, "node_modules"), join(copy, "node_modules"), "dir");
  return copy;
}

/** Runs a row's tests in a copy until the first that fails, for so many seconds at most. */
async function runTests(copy: string, { tests, named }: Mutant, seconds: number): Promise<Ended> {
  const args = ["test", "-A", "--no-check", "--fail-fast", ...named === undefined ? [] : [`--filter=/${named}/`], ...tests];
  const begin = performance.now();
  const child = new Deno.Command(Deno.execPath(), {
    args,
    cwd: copy,
    env: { NO_COLOR: "1" },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    child.kill("SIGKILL");
  }, 1000 * seconds);
  const { success, stdout, stderr } = await child.output();
  clearTimeout(timer);
  const output = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  return { ok: success, timedOut, output, seconds: (performance.now() - begin) / 1000 };
}

const testsOf = ({ tests, named }: Mutant): string => [...tests, named ?? ""].join(" ");

/** The changed text; throws what is wrong with the row. */
async function change({ file, text, replacement }: Mutant): Promise<string> {
  const source = readFileSync(join(root, file), "utf8");
  const places = source.split(text).length - 1;
  if (places !== 1) throw new Error(`its text stands in ${file} ${places} times, not once: ${JSON.stringify(text.slice(0, 80))}`);
  // A function, since a text may hold $, which a replacement's text would take for a sign.
  const changed = source.replace(text, () => replacement);
  if (changed === source) throw new Error("it changes nothing");
  await transform(changed, { loader: "ts", logLevel: "silent" });
  return changed;
}

/** What the first test that failed is called; undefined where it was no test that failed. */
function failedTest(output: string): string | undefined {
  return /^(.+?) \.\.\. FAILED/m.exec(output)?.[1];
}

/** Makes the change in a copy, runs its tests, and puts the copy back. */
async function tryMutant(mutant: Mutant, copy: string, baselines: Map<string, Promise<Ended>>): Promise<Outcome> {
  const outcome = (verdict: Outcome["verdict"], why: string, seconds = 0): Outcome => ({ mutant, verdict, why, seconds });
  let changed: string;
  try {
    changed = await change(mutant);
  } catch (error) {
    return outcome("wrong row", (error as Error).message.split("\n").slice(0, 2).join(" "));
  }
  const key = testsOf(mutant);
  if (!baselines.has(key)) baselines.set(key, runTests(copy, mutant, 300));
  const before = await baselines.get(key)!;
  if (!before.ok) return outcome("wrong row", `its tests fail without the change too: ${before.output.slice(-600)}`);
  if (!/\| [1-9]\d* passed/.test(before.output)) return outcome("wrong row", `no test ran: ${key}`);
  const path = join(copy, mutant.file);
  const original = readFileSync(path, "utf8");
  writeFileSync(path, changed);
  try {
    const { ok, timedOut, output, seconds } = await runTests(copy, mutant, Math.max(patience.least, patience.factor * before.seconds));
    if (ok) return outcome("survived", "", seconds);
    if (timedOut) return outcome("caught", `hung: stopped after ${seconds.toFixed(0)} s`, seconds);
    // A change that only breaks the program says nothing about the tests.
    const broken = /ReferenceError: .* is not defined|SyntaxError: The requested module .*/.exec(output)?.[0];
    if (broken !== undefined) return outcome("wrong row", broken, seconds);
    const test = failedTest(output);
    if (test === undefined) return outcome("wrong row", `no test failed, and yet the run did: ${output.slice(-600)}`, seconds);
    return outcome("caught", test, seconds);
  } finally {
    writeFileSync(path, original);
  }
}

/** So many rows, chosen by a hash of the seed and each row's name: the same for the same seed, whatever the table's order. */
function choose(rows: readonly Mutant[], count: number, seed: string): Mutant[] {
  const keyed = rows.map((row) => ({ row, key: createHash("sha256").update(`${seed}\n${row.name}`).digest("hex") }));
  return keyed.sort((a, b) => a.key < b.key ? -1 : 1).slice(0, count).map(({ row }) => row);
}

const { values: asked } = parseArgs({
  options: {
    only: { type: "string" },
    some: { type: "string" },
    seed: { type: "string", default: "" },
    jobs: { type: "string", default: String(availableParallelism()) },
    list: { type: "boolean", default: false },
  },
});
const [some, jobs] = [asked.some === undefined ? Infinity : Number(asked.some), Number(asked.jobs)];
if (!(some >= 1 && jobs >= 1)) throw new RangeError("Cannot run mutants: --some and --jobs are numbers from 1");
const wanted = asked.only === undefined ? undefined : new RegExp(asked.only);
const fitting = mutants.filter(({ name, file }) => wanted === undefined || wanted.test(name) || wanted.test(file));
const rows = some < fitting.length ? choose(fitting, some, asked.seed) : fitting;
const twice = mutants.find(({ name }, i) => mutants.findIndex((other) => other.name === name) !== i);
if (twice !== undefined) throw new Error(`Cannot run mutants: two rows are called "${twice.name}"`);
if (rows.length === 0) throw new RangeError("Cannot run mutants: no row fits");

if (asked.list) {
  for (const { name, file, ...row } of rows) console.log(`${file}: ${name} (${testsOf({ name, file, ...row }).trim()})`);
} else {
  const begin = performance.now();
  const outcomes: Outcome[] = [];
  const queue = [...rows];
  const baselines = new Map<string, Promise<Ended>>();
  const work = async (): Promise<void> => {
    const copy = copyRepository();
    try {
      for (let row = queue.shift(); row !== undefined; row = queue.shift()) {
        const outcome = await tryMutant(row, copy, baselines);
        outcomes.push(outcome);
        const { verdict, why, seconds } = outcome;
        console.log(
          `${verdict.padEnd(9)} ${seconds.toFixed(1).padStart(5)} s  ${row.file}: ${row.name}${why && `\n                   ${why}`}`,
        );
      }
    } finally {
      rmSync(copy, { recursive: true, force: true });
    }
  };
  await Promise.all(Array.from({ length: Math.min(jobs, rows.length) }, work));
  const of = (verdict: Outcome["verdict"]): Outcome[] => outcomes.filter((one) => one.verdict === verdict);
  for (const { mutant } of of("survived")) {
    console.log(`\nSURVIVED ${mutant.file}: ${mutant.name}\n- ${mutant.text}\n+ ${mutant.replacement}\n  ${testsOf(mutant)}`);
  }
  for (const { mutant, why } of of("wrong row")) console.log(`\nWRONG ROW ${mutant.file}: ${mutant.name}\n  ${why}`);
  const seconds = ((performance.now() - begin) / 1000).toFixed(0);
  console.log(
    `\n${rows.length} wrong changes in ${seconds} s: ${
      (["caught", "survived", "wrong row"] as const).map((v) => `${of(v).length} ${v}`).join(", ")
    }`,
  );
  process.exitCode = of("caught").length === rows.length ? 0 : 1;
}
