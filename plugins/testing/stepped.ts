/**
 * Steps of an optimizer, or of descent with a transform: over tensors of every kind, on every backend, interrupted and resumed.
 *
 * @module
 */
import type { DType, Grads } from "../../core/plugin/contract.ts";
import type { Optimizer, StateDict } from "../../core/types.ts";
import type { Faults } from "./faults.ts";
import { difference, make, type Named, type Setup, steps, using } from "./runs.ts";
import { gradientsAt, numbersOf, paramsOf, shapes } from "./tensors.ts";

const dtypes: readonly DType[] = ["float32", "bfloat16", "float16"];
const last = 6;
const half = 3;

/** Large enough for several threads to get something, and to add up parts. */
const largeVector = { "large vector": [70_000] };
const largeMatrix = { "large matrix": [130, 260] };

type Gradients = (step: number) => Grads;
const usual: Gradients = (step) => gradientsAt(shapes, step);

/** Takes all those steps. */
export function checkSteps(faults: Faults, setup: Setup, backends: readonly Named[]): void {
  const [first] = backends;
  const fastest = backends.find(({ name }) => name === "wasm") ?? first;
  const before = faults.list.length;
  for (const [name, shape] of Object.entries(shapes)) {
    const alone = { [name]: shape };
    faults.attempt(`stepping a tensor of shape [${shape}] (${name})`, () => {
      using(
        make(setup, paramsOf(alone, "float32"), first.backend),
        (optimizer) => steps(optimizer, 1, 2, (step) => gradientsAt(alone, step)),
      );
    });
  }
  if (faults.list.length > before) return; // the rest would say the same again
  const states = new Map<DType, StateDict>();
  for (const dtype of dtypes) {
    const state = runEverywhere(faults, `a run in ${dtype}`, setup, backends, shapes, dtype, usual);
    if (state === undefined) continue;
    states.set(dtype, state);
    checkUntouched(faults, dtype, state);
  }
  checkFinite(faults, states);
  runEverywhere(faults, "a run over a large vector", setup, backends, largeVector, "float32", (step) => gradientsAt(largeVector, step), 2);
  runEverywhere(faults, "a run over a large matrix", setup, backends, largeMatrix, "float32", (step) => gradientsAt(largeMatrix, step), 1);
  runEverywhere(faults, "a run with NaN and Infinity in gradients", setup, backends, shapes, "float32", broken);
  for (const dtype of ["float32", "bfloat16"] as const) checkResumed(faults, setup, fastest, dtype);
  checkSparse(faults, setup, fastest);
  checkOrder(faults, setup, fastest);
  checkScheduled(faults, setup, fastest);
  checkEntries(faults, setup, fastest);
}

function broken(step: number): Grads {
  const grads = gradientsAt(shapes, step);
  if (step === 2) (grads.vector as Float32Array)[2] = NaN;
  if (step === 3) (grads.matrix as Float32Array)[4] = Infinity;
  return grads;
}

/** The same run on all backends, which must give the same bits; the state of the first one. */
function runEverywhere(
  faults: Faults,
  what: string,
  setup: Setup,
  [first, ...others]: readonly Named[],
  of: Readonly<Record<string, readonly number[]>>,
  dtype: DType,
  gradients: Gradients,
  to = last,
): StateDict | undefined {
  const run = ({ name, backend }: Named): StateDict | undefined =>
    faults.attempt(`${what} on backend ${name}`, () =>
      using(make(setup, paramsOf(of, dtype), backend), (optimizer) => {
        steps(optimizer, 1, to, gradients);
        return optimizer.saveState();
      }));
  const should = run(first);
  if (should === undefined) return undefined;
  for (const other of others) {
    const is = run(other);
    const differs = is === undefined ? undefined : difference(is, should);
    if (differs !== undefined) faults.add(`${what} gives other bits on backend ${other.name} than on ${first.name}: ${differs}`);
  }
  return should;
}

/** What is not finite after a run: a place for each tensor that has one. */
function notFinite({ tensors }: StateDict): readonly (readonly [name: string, place: string])[] {
  return Object.keys(shapes).flatMap((name) => {
    const numbers = numbersOf(tensors[name]);
    const at = numbers.findIndex((x) => !Number.isFinite(x));
    return at < 0 ? [] : [[name, `"${name}"[${at}] is ${numbers[at]}`] as const];
  });
}

const gradientOf: Readonly<Record<string, string>> = {
  "zero gradient": "steps whose gradient is 0 (a division of 0 by 0?)",
  "sparse gradient": "steps whose gradient has rows of 0",
};

function checkFinite(faults: Faults, states: ReadonlyMap<DType, StateDict>): void {
  const found = new Map<string, { readonly place: string; readonly dtypes: DType[] }>();
  for (const [dtype, state] of states) {
    for (const [name, place] of notFinite(state)) {
      const known = found.get(name);
      if (known === undefined) found.set(name, { place, dtypes: [dtype] });
      else known.dtypes.push(dtype);
    }
  }
  for (const [name, { place, dtypes }] of found) {
    const after = `after ${last} ${gradientOf[name] ?? "steps with ordinary gradients"}`;
    faults.add(`${after} ${place}, in ${dtypes.join(", ")}: a parameter must stay finite`, { tensor: name });
  }
}

function checkUntouched(faults: Faults, dtype: DType, { tensors }: StateDict): void {
  const [is, should] = [tensors["no gradient"], paramsOf(shapes, dtype)["no gradient"]].map(numbersOf);
  const at = should.findIndex((x, i) => !Object.is(x, is[i]));
  if (at >= 0) faults.add(`a tensor that never had a gradient is changed: element ${at} was ${should[at]} and is ${is[at]}`);
}

function checkResumed(faults: Faults, setup: Setup, { name, backend }: Named, dtype: DType): void {
  const what = `a run in ${dtype} that is saved after step ${half} and resumed`;
  faults.attempt(`${what}, on backend ${name},`, () => {
    const zeros = Object.fromEntries(
      Object.entries(paramsOf(shapes, dtype)).map(([name, tensor]) => [name, { ...tensor, data: tensor.data.slice().fill(0) }]),
    );
    const [saved, should] = using(make(setup, paramsOf(shapes, dtype), backend), (optimizer) => {
      steps(optimizer, 1, half, usual);
      const state = optimizer.saveState();
      steps(optimizer, half + 1, last, usual);
      return [state, optimizer.saveState()];
    });
    const is = using(make(setup, zeros, backend), (optimizer) => {
      optimizer.loadState(saved);
      steps(optimizer, half + 1, last, usual);
      return optimizer.saveState();
    });
    const differs = difference(is, should);
    if (differs === undefined) return;
    faults.add(
      `${what} ends elsewhere than one that is not interrupted: ${differs}; a slot that must last needs a key under which it is saved`,
    );
  });
}

function end(setup: Setup, { backend }: Named, params: ReturnType<typeof paramsOf>, gradients: Gradients): StateDict {
  return using(make(setup, params, backend), (optimizer) => {
    steps(optimizer, 1, last, gradients);
    return optimizer.saveState();
  });
}

/** Rows that come twice add up, and the order of rows is nothing. */
function checkSparse(faults: Faults, setup: Setup, named: Named): void {
  const rows = { rows: [4, 2] };
  const states = [
    { indices: Int32Array.of(2, 0, 2), values: Float32Array.of(0.5, 1, -1, 0.25, 0.25, 0.5) },
    { indices: Int32Array.of(0, 2), values: Float32Array.of(-1, 0.25, 0.75, 1.5) },
  ].map((rowsOf) =>
    faults.attempt("a run with sparse gradients", () => end(setup, named, paramsOf(rows, "float32"), () => ({ rows: rowsOf })))
  );
  const [is, should] = states;
  const differs = is === undefined || should === undefined ? undefined : difference(is, should);
  if (differs !== undefined) faults.add(`sparse gradients with a row given twice end elsewhere than with its sum given once: ${differs}`);
}

/** The order in which parameters are given must not matter: names are what tells them apart. */
function checkOrder(faults: Faults, setup: Setup, named: Named): void {
  faults.attempt("a run with the parameters in another order", () => {
    const params = paramsOf(shapes, "float32");
    const backwards = Object.fromEntries(Object.entries(paramsOf(shapes, "float32")).reverse());
    const differs = difference(end(setup, named, backwards, usual), end(setup, named, params, usual));
    if (differs !== undefined) faults.add(`a run depends on the order in which parameters are given: ${differs}`);
  });
}

/** A schedule gives at each step what assigning the option gives: a plugin that keeps what it was told first would miss both, or one. */
function checkScheduled(faults: Faults, setup: Setup, { backend }: Named): void {
  const { lr } = setup.options;
  if (typeof lr !== "number" || lr === 0 || setup.transforms.length > 0) return;
  const factors = [0.5, 1, 0.25, 0.125, 0.0625, 0.03125]; // not 1 at first: what acts in the first step alone is seen
  faults.attempt("a run with a scheduled lr", () => {
    const params = () => paramsOf({ matrix: shapes.matrix, vector: shapes.vector }, "float32");
    const schedule = { lr: (step: number) => factors[Math.min(step, last - 1)] };
    const is = using(make(setup, params(), backend, { schedules: schedule }), (optimizer) => stepAll(optimizer));
    const should = using(make(setup, params(), backend), (optimizer) => {
      return stepAll(optimizer, (step) => (optimizer.options as Record<string, unknown>).lr = lr * factors[step - 1]);
    });
    const differs = difference(is, should);
    if (differs !== undefined) {
      faults.add(`a run with a scheduled lr ends elsewhere than one whose lr is assigned before each step: ${differs}`);
    }
    const constant = using(make(setup, params(), backend), (optimizer) => stepAll(optimizer));
    if (difference(is, constant) === undefined) {
      faults.add("a schedule of lr changes nothing: lr is to be read each time from the options that are given");
    }
  });
}

function stepAll(optimizer: Optimizer, before: (step: number) => void = () => {}): StateDict {
  const of = { matrix: shapes.matrix, vector: shapes.vector };
  for (let step = 1; step <= last; step++) {
    before(step);
    optimizer.step(gradientsAt(of, step));
  }
  return optimizer.saveState();
}

/** Further entries, other points, readings. */
function checkEntries(faults: Faults, setup: Setup, { backend }: Named): void {
  const { plugin, options, transforms } = setup;
  const info = { name: "matrix", shape: shapes.matrix, dtype: "float32" } as const;
  const asked = [plugin, ...transforms.map(({ name }) => name as typeof plugin)];
  const rules = asked.map((one, i) => one.rule(i === 0 ? options : transforms[i - 1].options as typeof options, info));
  faults.attempt("a run with entries, points and readings", () =>
    using(make(setup, paramsOf(shapes, "float32"), backend), (optimizer) => {
      steps(optimizer, 1, 2, usual);
      for (
        const entry of rules.flatMap(({ also }) => Object.entries(also ?? {})).flatMap(([name, text]) => text === undefined ? [] : name)
      ) {
        faults.attempt(`run(${JSON.stringify(entry)})`, () => optimizer.run(entry, usual(3)));
      }
      const before = optimizer.saveState();
      for (
        const point of rules.flatMap(({ points }) => Object.entries(points ?? {})).flatMap(([name, text]) => text === undefined ? [] : name)
      ) {
        faults.attempt(`point(${JSON.stringify(point)})`, () => optimizer.point(point));
      }
      const readings = faults.attempt("readings()", () => optimizer.readings()) ?? [];
      for (const reading of readings) {
        if (reading !== null && typeof reading !== "number") faults.add(`reading() gives ${String(reading)}: it must be a number`);
      }
      const differs = difference(optimizer.saveState(), before);
      if (differs !== undefined) faults.add(`asking for points and readings changes the state: ${differs}`);
    }));
}
