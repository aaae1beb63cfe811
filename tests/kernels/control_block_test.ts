/**
 * The protocol of the control block in all interleavings of a caller and its workers over small tables: the order of its stores is what makes it right, and
 * a run on a real machine meets the wrong moment once in a million.
 *
 * @module
 */
import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import * as controlBlock from "../../kernels/backends/threads/control_block.ts";
import { explore, type Note, type Thread, Wrong } from "./interleavings.ts";

const { claim, closed, DIRECTORY, finish, NEXT, openTable, stop, stopped, tableOf, unitBits, untilFinished, untilOpened } = controlBlock;

/** Where a thread stands. */
type Local =
  | { readonly at: "open" | "finished"; readonly table: number }
  | { readonly at: "claim"; readonly table: number }
  | { readonly at: "run"; readonly table: number; readonly unit: number }
  | { readonly at: "stop" };
type WorkerLocal =
  | { readonly at: "wait" | "look" | "claim"; readonly seen: number }
  | { readonly at: "run"; readonly seen: number; readonly unit: number };

/** Who keeps account of the tables: the first word is the table that is open, from 1, or 0; then a word for each unit. */
function account(tables: readonly number[], note: Note) {
  const place = (table: number, unit: number): number => 1 + tables.slice(0, table).reduce((sum, units) => sum + units, 0) + unit;
  const addressOf = (table: number): number => 4096 * (table + 1);
  return {
    addressOf,
    words: place(tables.length, 0),
    opens: (table: number) => note(`table ${table} opens`, (memory) => memory[0] = table + 1),
    // A unit takes no time here. Whoever may be late is late before it or behind it.
    runs: (address: number, unit: number) =>
      note(`unit ${unit} of the table at ${address} runs`, (memory) => {
        const table = tables.findIndex((_, table) => addressOf(table) === address);
        if (table < 0) throw new Wrong(`a unit was claimed where there is no table: ${address}`);
        if (memory[0] !== table + 1) throw new Wrong(`a unit of table ${table} runs, and table ${memory[0] - 1} is the one that is open`);
        if (unit >= tables[table]) throw new Wrong(`unit ${unit} of table ${table} runs, which has ${tables[table]}`);
        if (memory[place(table, unit)] === 1) throw new Wrong(`unit ${unit} of table ${table} runs twice`);
        return memory[place(table, unit)] = 1;
      }),
    finished: (table: number) =>
      note(`table ${table} is finished`, (memory) => {
        for (let unit = 0; unit < tables[table]; unit++) {
          if (memory[place(table, unit)] === 0) throw new Wrong(`the caller goes on before unit ${unit} of table ${table} has run`);
        }
        return memory[0] = 0;
      }),
    announced: (generation: number) =>
      note(`generation ${generation} is seen`, (_, control) => {
        const mask = (1 << 32 - unitBits) - 1;
        const isClosed = (control[NEXT] & closed) === closed;
        if (isClosed && (control[NEXT] >>> unitBits & mask) === (generation & mask)) {
          throw new Wrong(`a worker is told of table ${generation} before it is open, and would sleep through it`);
        }
        return true;
      }),
  };
}

/** The caller as in threads.ts: every table in its turn. */
function caller(control: Int32Array, tables: readonly number[], book: ReturnType<typeof account>): Thread<Local> {
  return {
    name: "caller",
    start: { at: "open", table: 0 },
    piece(local) {
      switch (local.at) {
        case "open":
          book.opens(local.table);
          openTable(control, book.addressOf(local.table), tables[local.table]);
          return { ...local, at: "claim" };
        case "claim": {
          const unit = claim(control);
          return unit < 0 ? { ...local, at: "finished" } : { ...local, at: "run", unit };
        }
        case "run":
          book.runs(book.addressOf(local.table), local.unit);
          finish(control);
          return { at: "claim", table: local.table };
        case "finished":
          untilFinished(control, tables[local.table], 1);
          book.finished(local.table);
          return local.table + 1 < tables.length ? { at: "open", table: local.table + 1 } : { at: "stop" };
        case "stop":
          stop(control);
      }
    },
  };
}

/** A worker as in worker.ts. */
function worker(control: Int32Array, index: number, book: ReturnType<typeof account>): Thread<WorkerLocal> {
  return {
    name: `worker ${index}`,
    start: { at: "wait", seen: 0 },
    piece(local) {
      switch (local.at) {
        case "wait":
          return { at: "look", seen: untilOpened(control, local.seen, 1) };
        case "look":
          if (stopped(control)) return undefined;
          book.announced(local.seen);
          return { ...local, at: "claim" };
        case "claim": {
          const unit = claim(control);
          return unit < 0 ? { ...local, at: "wait" } : { ...local, at: "run", unit };
        }
        case "run":
          book.runs(tableOf(control), local.unit);
          finish(control);
          return { at: "claim", seen: local.seen };
      }
    },
  };
}

const cases: readonly (readonly [tables: readonly number[], workers: number])[] = [
  [[1], 1],
  [[3], 1],
  [[1, 2], 1],
  [[2, 1], 1],
  [[1, 1, 2], 1],
  [[2], 2],
];

for (const [tables, workers] of cases) {
  test(`Units of tables of ${tables.join(", ")} are run once each by a caller and ${workers === 1 ? "a worker" : `${workers} workers`}, in every interleaving`, () => {
    const { states, fault } = explore<Local | WorkerLocal>(
      { words: DIRECTORY, notes: 1 + tables.reduce((sum, units) => sum + units, 0), most: 2_000_000 },
      (control, note) => {
        const book = account(tables, note);
        return [caller(control, tables, book), ...Array.from({ length: workers }, (_, i) => worker(control, i + 1, book))] as Thread<
          Local | WorkerLocal
        >[];
      },
    );
    assertEquals(fault, undefined);
    assert(states > 50, `only ${states} states were looked at`);
  });
}
