/**
 * All interleavings of a few threads over a shared array: code that uses `Atomics` runs here as it stands, one atomic operation at a time.
 *
 * A thread cannot be stopped between two operations, but it can be run again: it gets the results of the operations that it has done already, does one more
 * for real, and is thrown out at the next. So every state of the shared array and of the threads can be gone on from in every way, and each is looked at
 * once. What a thread does is cut into pieces, each a function of a small state, since a piece is run again for each of its operations.
 *
 * @module
 */

/** What a thread goes on with after a piece; undefined: it has ended. Kept as JSON. */
export type Next<Local> = Local | undefined;

/** A thread: its first state, and one piece of its way. */
export interface Thread<Local> {
  readonly name: string;
  readonly start: Local;
  /** Runs a piece. It may do `Atomics` on the shared array, and `note`, and nothing else that lasts. */
  piece(local: Local): Next<Local>;
}

/** Something that goes on beside the shared array, in one step with the operation before it: it may look at both, and write into `memory`. */
export type Note = <T extends Done["result"]>(what: string, act: (memory: Int32Array, shared: Int32Array) => T) => T;

/** What was found. */
export interface Explored {
  readonly states: number;
  /** What went wrong, with the way to it; undefined where nothing did. */
  readonly fault: string | undefined;
}

/** One operation that a thread has done. */
interface Done {
  readonly what: string;
  readonly result: number | string | boolean | null;
}

interface ThreadState {
  /** JSON of its local state; null: it has ended. */
  readonly local: string | null;
  /** Operations of the piece at hand. */
  readonly done: readonly Done[];
  /** Where it sleeps; -1: it is awake. */
  readonly sleeps: number;
}

interface State {
  readonly shared: Int32Array;
  readonly memory: Int32Array;
  readonly threads: readonly ThreadState[];
}

/** Thrown through a piece at the operation that it may not do yet. Not an Error: code that catches those must not catch this for good. */
const pause = { toString: () => "a pause of the explorer" };

/** An end that is right or wrong: thrown by `note`. */
export class Wrong extends Error {}

/**
 * The same without a last round of a loop in which everything was as in the round before: a loop that waits would otherwise come to a new state each time.
 * A loop that counts its rounds cannot be looked at here.
 */
function withoutRounds(done: Done[]): Done[] {
  for (const length of [2, 3]) {
    const isSame = (back: number): boolean => {
      const [a, b] = [done.at(-back), done.at(-back - length)];
      return b !== undefined && a!.what === b.what && a!.result === b.result;
    };
    if (Array.from({ length }, (_, i) => i + 1).every(isSame)) return done.slice(0, -length);
  }
  return done;
}

/** Looks at all states that threads can reach; `words` and `notes` are the sizes of the shared array and of what notes write. */
export function explore<Local>(
  sizes: { readonly words: number; readonly notes: number; readonly most: number },
  make: (shared: Int32Array, note: Note) => readonly Thread<Local>[],
): Explored {
  const view = new Int32Array(new SharedArrayBuffer(4 * sizes.words));
  const memory = new Int32Array(sizes.notes);

  // The thread at work: what it has done, and how far it has come in that.
  let done: Done[] = [];
  let at = 0;
  let mayAct = false;
  let sleeper: number[] = [];
  let sleeps = -1;

  function operation<T extends Done["result"]>(what: string, act: () => T): T {
    if (at < done.length) {
      const { result, what: was } = done[at++];
      if (was !== what) throw new Error(`The thread is not the same each time: it did ${was}, and now ${what}`);
      return result as T;
    }
    if (!mayAct) throw pause;
    mayAct = false;
    const result = act();
    done.push({ what, result });
    at++;
    if (sleeps >= 0) throw pause;
    return result;
  }
  const own = (array: unknown): void => {
    if (array !== view) throw new Error("The threads have one shared array");
  };
  const change = (name: string, f: (was: number, x: number) => number) => (array: Int32Array, i: number, x: number): number => {
    own(array);
    return operation(`${name} ${i} ${x}`, () => {
      const was = view[i];
      view[i] = f(was, x);
      return was;
    });
  };
  const fake = {
    load: (array: Int32Array, i: number): number => (own(array), operation(`load ${i}`, () => view[i])),
    store: (array: Int32Array, i: number, x: number): number => (own(array), operation(`store ${i} ${x}`, () => view[i] = x)),
    add: change("add", (was, x) => was + x),
    sub: change("sub", (was, x) => was - x),
    exchange: change("exchange", (_, x) => x),
    compareExchange(array: Int32Array, i: number, expected: number, x: number): number {
      own(array);
      return operation(`compareExchange ${i} ${expected} ${x}`, () => {
        const was = view[i];
        if (was === expected) view[i] = x;
        return was;
      });
    },
    wait(array: Int32Array, i: number, x: number, timeout?: number): string {
      own(array);
      return operation(`wait ${i} ${x}`, () => {
        if (view[i] !== x) return "not-equal";
        if (timeout !== undefined) return "timed-out"; // it may be so at any time
        sleeps = i;
        return "ok";
      });
    },
    notify(array: Int32Array, i: number): number {
      own(array);
      return operation(`notify ${i}`, () => {
        const woken = sleeper.filter((where) => where === i).length;
        sleeper = sleeper.map((where) => where === i ? -1 : where);
        return woken;
      });
    },
  };
  const note: Note = (what, act) => {
    if (at < done.length) return done[at++].result as ReturnType<typeof act>;
    const result = act(memory, view);
    done.push({ what, result });
    at++;
    return result;
  };
  const threads = make(view, note);

  /** The state after one operation of a thread. */
  function step(state: State, index: number): State {
    const thread = state.threads[index];
    view.set(state.shared);
    memory.set(state.memory);
    done = [...thread.done];
    [at, mayAct, sleeps] = [0, true, -1];
    sleeper = state.threads.map(({ sleeps }) => sleeps);
    let local: string | null = thread.local;
    try {
      // A piece may end without an operation more; then the next one begins.
      while (local !== null && mayAct) {
        const next: Next<Local> = threads[index].piece(JSON.parse(local));
        local = next === undefined ? null : JSON.stringify(next);
        [done, at] = [[], 0];
      }
    } catch (thrown) {
      if (thrown !== pause) throw thrown;
    }
    done = withoutRounds(done);
    const after = state.threads.map((other, i) => i === index ? { local, done, sleeps } : { ...other, sleeps: sleeper[i] });
    return { shared: view.slice(), memory: memory.slice(), threads: after };
  }

  const keyOf = ({ shared, memory, threads }: State): string =>
    `${shared}|${memory}|${
      threads.map(({ local, done, sleeps }) => `${local} ${sleeps} ${done.map(({ what, result }) => `${what}=${result}`)}`)
    }`;

  const begin: State = {
    shared: new Int32Array(sizes.words),
    memory: new Int32Array(sizes.notes),
    threads: threads.map(({ start }) => ({ local: JSON.stringify(start), done: [], sleeps: -1 })),
  };
  const numbers = new Map([[keyOf(begin), 0]]);
  const parents: { readonly from: number; readonly what: string }[] = [{ from: -1, what: "" }];
  const before: number[][] = [[]];
  const ends: number[] = [];
  const wayTo = (state: number, more: readonly string[] = []): string => {
    const way = [...more];
    for (let i = state; parents[i].from >= 0; i = parents[i].from) way.unshift(parents[i].what);
    return way.join("\n");
  };
  const real = globalThis.Atomics;
  globalThis.Atomics = fake as unknown as typeof Atomics;
  try {
    const open: [number, State][] = [[0, begin]];
    for (let one = open.pop(); one !== undefined; one = open.pop()) {
      const [number, state] = one;
      const awake = state.threads.flatMap(({ local, sleeps }, i) => local !== null && sleeps < 0 ? [i] : []);
      if (awake.length === 0) {
        const sleeping = threads.filter((_, i) => state.threads[i].local !== null).map(({ name }) => name);
        if (sleeping.length > 0) return { states: numbers.size, fault: `${sleeping} sleep for ever\n${wayTo(number)}` };
        ends.push(number);
        continue;
      }
      for (const index of awake) {
        const { name } = threads[index];
        let after: State;
        try {
          after = step(state, index);
        } catch (error) {
          if (!(error instanceof Wrong)) throw error;
          return { states: numbers.size, fault: `${error.message}\n${wayTo(number, [`${name}: ${error.message}`])}` };
        }
        const key = keyOf(after);
        let known = numbers.get(key);
        if (known === undefined) {
          if (numbers.size >= sizes.most) throw new Error(`There are more than ${sizes.most} states`);
          numbers.set(key, known = numbers.size);
          const last = after.threads[index].done.at(-1);
          parents.push({ from: number, what: `${name}: ${last === undefined ? "ends a piece" : `${last.what} = ${last.result}`}` });
          before.push([]);
          open.push([known, after]);
        }
        before[known].push(number);
      }
    }
  } finally {
    globalThis.Atomics = real;
  }
  // From everywhere there must be a way to an end: whoever only looks again and again has lost something.
  const good = new Set(ends);
  for (const end of ends) { // grows
    for (const from of before[end]) if (!good.has(from)) good.add(from), ends.push(from);
  }
  const lost = parents.findIndex((_, i) => !good.has(i));
  return { states: numbers.size, fault: lost < 0 ? undefined : `there is no way to the end any more\n${wayTo(lost)}` };
}
