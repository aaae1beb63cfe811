/**
 * The test of an accumulator plugin.
 *
 * @module
 */
import type { Accumulator, AccumulatorPlugin, AccumulatorState, Grads, Tensor } from "../../core/plugin/contract.ts";
import { makeAccumulator } from "../../core/training/accumulators.ts";
import { sizeOf } from "../../core/tensors.ts";
import { refuseUnknownKeys, show } from "../../core/names.ts";
import type { AnySpecs, Values } from "../../core/plugin/options.ts";
import type { Backend } from "../../core/types.ts";
import { checkDescribed, checkEngines, isJson } from "./described.ts";
import { type Faults, noFaults, report, wordsOf } from "./faults.ts";
import { find } from "./known_plugins.ts";
import { copyOf, startingOptions, textOf } from "./option_values.ts";
import { checkReference, compareTensors, tensorsFrom } from "./reference.ts";
import { makeBackends, type Named } from "./runs.ts";
import { gradientsAt, numbersOf, paramsOf, tensorOf } from "./tensors.ts";
import type { ReferenceSum, SumSettings } from "./test_settings.ts";

/**
 * Tests an accumulator plugin, with these options in place of its defaults. Rejects with an AggregateError of all faults.
 *
 * However the same gradients are split, ordered, weighted or gathered in two accumulators and merged, the result is the same; errors add nothing; what
 * is saved goes on. With `reference` it compares with what the reference gathers.
 *
 * @example Usage
 * ```ts
 * import { mean } from "@glissade/optim";
 * import { testAccumulator } from "@glissade/optim/testing";
 *
 * await testAccumulator(mean, {}, {
 *   reference: [{ batches: [{ grads: { w: [1, 2] }, weight: 3 }, { grads: { w: [5, 6] } }], expected: { w: [2, 3] } }],
 * });
 * ```
 */
// deno-lint-ignore require-await -- what a test throws is a rejection
export async function testAccumulator(plugin: AccumulatorPlugin, options?: object, settings: SumSettings = {}): Promise<void> {
  const faults = noFaults((plugin as AccumulatorPlugin | undefined)?.name);
  faults.attempt("reading the settings of the test", () => refuseUnknownKeys("the settings", settings, ["reference"]));
  if (checkDescribed(faults, "accumulator", plugin)) checkAccumulator(faults, plugin, options, settings);
  report(`accumulator ${JSON.stringify((plugin as AccumulatorPlugin | undefined)?.name)}`, faults);
}

const shapes: Readonly<Record<string, readonly number[]>> = {
  scalar: [],
  vector: [7],
  matrix: [4, 3],
  "rank 4": [2, 1, 3, 2],
  empty: [0],
  "sparse gradient": [5, 2],
  "no gradient": [3],
};

/** One accumulator's making: over these shapes, or others, in float32 or another element type. */
type Fresh = (
  options?: Values,
  of?: Readonly<Record<string, readonly number[]>>,
  dtype?: "float32" | "bfloat16" | "float16",
) => Accumulator;

function checkAccumulator(faults: Faults, plugin: AccumulatorPlugin, given: object | undefined, { reference = [] }: SumSettings): void {
  const specs = textOf(plugin.options);
  checkEngines(faults, plugin, ["create"]);
  const backends = makeBackends();
  try {
    const freshOn = (backend: Backend, options: Values): Fresh => (more = {}, of = shapes, dtype = "float32") =>
      makeAccumulator(plugin, { ...copyOf(options), ...more }, paramsOf(of, dtype), backend, find);
    const options = startingOptions(faults, plugin, given, [], (options) => freshOn(backends[0].backend, options)());
    if (options === undefined) return;
    const fresh = freshOn(backends[0].backend, options);
    checkCreate(faults, plugin, options, backends[0].backend);
    if (!checkMembers(faults, fresh)) return;
    for (const [what, check] of checks) faults.attempt(what, () => check(faults, fresh, plugin));
    checkBackends(faults, backends, options, freshOn);
    for (const [i, one] of reference.entries()) compareSum(faults, plugin, options, backends[0], one, `sum ${i} of the reference`);
    if (textOf(plugin.options) !== specs) faults.add("its specs are changed by its own functions: they are the same for all who use it");
  } finally {
    for (const { backend } of backends) backend.dispose();
  }
}

const checks: readonly (readonly [what: string, check: (faults: Faults, fresh: Fresh, plugin: AccumulatorPlugin) => void])[] = [
  ["adding one set of gradients", checkOne],
  ["adding the same gradients in several ways", checkSplits],
  ["adding after reset()", checkReset],
  ["refusing what is no gradient", checkRefusals],
  ["adding gradients of some tensors alone", checkNames],
  ["adding gradients of 16 bits", checkSixteenBits],
  ["counting until a step is due", checkDue],
  ["saving and going on", checkState],
];

function checkCreate(faults: Faults, plugin: AccumulatorPlugin, options: Values, backend: Backend): void {
  const given = copyOf(options);
  const like = paramsOf(shapes, "float32");
  const before = textOf(like);
  faults.attempt(
    "create()",
    () =>
      makeAccumulator(
        { ...plugin, create: (_, __, backend, tools) => plugin.create(given, like, backend, tools) },
        options,
        like,
        backend,
        find,
      ),
  );
  const changed = Object.keys({ ...options, ...given }).find((name) => textOf(given[name]) !== textOf(options[name]));
  if (changed !== undefined) {
    faults.add(`create() changes the options that it is given: ${changed}; they are the caller's`, { option: changed });
  }
  if (textOf(like) !== before) faults.add("create() changes the tensors that it is to be like: they are the parameters");
}

function checkMembers(faults: Faults, fresh: Fresh): boolean {
  const made: unknown = faults.attempt("create()", () => fresh());
  if (typeof made !== "object" || made === null) {
    faults.add(`create() gives ${show(made)}: it gives an accumulator`);
    return false;
  }
  const missing = ["add", "merge", "reset"].filter((name) => typeof (made as Record<string, unknown>)[name] !== "function");
  for (const name of missing) faults.add(`what create() gives has no function ${name}()`);
  const { count, weight } = made as Accumulator;
  for (const [name, value] of Object.entries({ count, weight })) {
    if (value !== 0) faults.add(`a new accumulator's ${name} is ${show(value)}: it must be 0`);
  }
  const { saveState, loadState } = made as Accumulator;
  if ((saveState === undefined) !== (loadState === undefined)) {
    faults.add("it has one of saveState() and loadState(): it needs both, or neither");
  }
  const early = thrownBy(() => (made as Accumulator).gradients);
  if (early === undefined || !(early instanceof RangeError)) {
    faults.add(
      `before the first add its gradients are ${
        early === undefined ? "given" : `refused by ${wordsOf(early)}`
      }: there are none, which a RangeError says`,
    );
  }
  return missing.length === 0;
}

function thrownBy(run: () => unknown): unknown {
  try {
    run();
    return undefined;
  } catch (error) {
    return error ?? "nothing";
  }
}

/** Whole numbers, whose sums are exact in any order. */
function whole(seed: number): Record<string, Float32Array> {
  const dense = Object.entries(shapes).filter(([name]) => name !== "no gradient");
  return Object.fromEntries(
    dense.map(([name, shape], i) => [name, Float32Array.from({ length: sizeOf(shape) }, (_, j) => ((seed * 5 + i * 3 + j * 7) % 17) - 8)]),
  );
}

/** What has been gathered, as text; of these tensors, or of all. */
function gathered({ gradients }: Accumulator, names?: readonly string[]): string {
  const entries = (names ?? Object.keys(gradients).sort()).map((
    name,
  ) => [name, gradients[name] === undefined ? "nothing" : [...numbersOf(gradients[name])].map((x) => x + 0)]);
  return textOf(Object.fromEntries(entries));
}

/** Tells where one way to gather gives another result than the other. */
function same(faults: Faults, one: string, is: Accumulator, other: string, should: Accumulator): void {
  const names = Object.keys(should.gradients);
  for (const name of names) {
    const [x, y] = [is, should].map(({ gradients }) =>
      gradients[name] === undefined ? "nothing" : textOf([...numbersOf(gradients[name])].map((x) => x + 0))
    );
    if (x !== y) return faults.add(`${one} gives ${x} for "${name}", and ${other} gives ${y}: it must be the same`);
  }
  const more = Object.keys(is.gradients).find((name) => !names.includes(name));
  if (more !== undefined) faults.add(`${one} gives a gradient of "${more}", and ${other} gives none`);
}

function checkOne(faults: Faults, fresh: Fresh): void {
  const accumulator = fresh();
  const a = whole(1);
  const before = textOf(a);
  const due: unknown = accumulator.add(a);
  if (typeof due !== "boolean") faults.add(`add() gives ${show(due)}: it gives true where a step is due, else false`);
  if (textOf(a) !== before) faults.add("add() writes into the gradients that it is given: they are the caller's");
  const { count, weight, gradients } = accumulator;
  if (count !== 1) faults.add(`after one add its count is ${count}, not 1`);
  if (weight !== 1) faults.add(`after one add without a weight its weight is ${weight}, not 1`);
  for (const [name, { data, shape, dtype }] of Object.entries(gradients)) {
    if (!(data instanceof Float32Array) || (dtype !== undefined && dtype !== "float32")) {
      faults.add(`the gradient of "${name}" that it gives is ${show(data)}: it must be a Float32Array`);
    }
    if (textOf(shape ?? [data.length]) !== textOf(shapes[name])) {
      faults.add(`the gradient of "${name}" that it gives has the shape [${shape}]: the parameter's is [${shapes[name]}]`);
    }
  }
  const should = textOf(
    Object.fromEntries(Object.entries(a).sort(([x], [y]) => x < y ? -1 : 1).map(([name, data]) => [name, [...data].map((x) => x + 0)])),
  );
  const is = gathered(accumulator);
  if (is !== should) faults.add(`after one add of weight 1 its gradients are ${is}, and ${should} were added: they must be the same`);
  for (const data of Object.values(a)) data.fill(99);
  if (gathered(accumulator) !== is) faults.add("its gradients follow arrays that the caller changed after add(): it must have copied them");
  const other = fresh();
  other.add(whole(2));
  if (gathered(accumulator) !== is) {
    faults.add("a second accumulator of the plugin changes what the first one has gathered: each has memory of its own");
  }
}

function checkSplits(faults: Faults, fresh: Fresh): void {
  const [a, b, c] = [1, 2, 3].map(whole);
  const addAll = (...batches: readonly (readonly [Grads, number?])[]): Accumulator => {
    const accumulator = fresh();
    for (const [grads, weight] of batches) accumulator.add(grads, weight);
    return accumulator;
  };
  const all = addAll([a], [b], [c]);
  if (all.count !== 3 || all.weight !== 3) {
    faults.add(`after three adds its count is ${all.count} and its weight ${all.weight}: both must be 3`);
  }
  same(faults, "adding three gradients in another order", addAll([c], [a], [b]), "in order", all);
  const twice = addAll([a, 2]);
  if (twice.weight !== 2) faults.add(`after an add of weight 2 its weight is ${twice.weight}`);
  same(faults, "adding a gradient with weight 2", twice, "adding it twice", addAll([a], [a]));
  const middle = Object.fromEntries(Object.entries(a).map(([name, data]) => [name, data.map((x, i) => (x + b[name][i]) / 2)]));
  same(faults, "adding the mean of two gradients with weight 2", addAll([middle, 2]), "adding both", addAll([a], [b]));
  same(faults, "adding a gradient of weight 0 beside another", addAll([a], [b, 0]), "adding the other alone", addAll([a]));
  const [left, right] = [addAll([a], [b, 2]), addAll([c, 4])];
  const before = gathered(right);
  left.merge(right);
  const merged = addAll([a], [b, 2], [c, 4]);
  same(faults, "merging two accumulators", left, "adding all to one", merged);
  if (left.count !== merged.count) faults.add(`after merge() its count is ${left.count}: both had ${merged.count}`);
  if (left.weight !== merged.weight) faults.add(`after merge() its weight is ${left.weight}: both had ${merged.weight}`);
  if (gathered(right) !== before || right.count !== 1 || right.weight !== 4) {
    faults.add("merge() changes the accumulator that it takes in: it must stay as it was");
  }
  const itself = thrownBy(() => left.merge(left));
  if (!(itself instanceof TypeError)) {
    faults.add(`merging it into itself ${itself === undefined ? "is taken" : `throws ${wordsOf(itself)}`}: a TypeError must refuse it`);
  }
}

function checkReset(faults: Faults, fresh: Fresh): void {
  const [used, unused] = [fresh(), fresh()];
  used.add(whole(1), 3);
  used.reset();
  if (used.count !== 0 || used.weight !== 0) {
    faults.add(`after reset() its count is ${used.count} and its weight ${used.weight}: both must be 0`);
  }
  for (const accumulator of [used, unused]) accumulator.add(whole(2));
  same(faults, "adding after reset()", used, "adding to a new one", unused);
}

function checkRefusals(faults: Faults, fresh: Fresh): void {
  const accumulator = fresh();
  accumulator.add(whole(1));
  const before = [gathered(accumulator), accumulator.count, accumulator.weight];
  const good = whole(2);
  const wrong: readonly (readonly [string, unknown, unknown, typeof TypeError | typeof RangeError])[] = [
    ["gradients of an unknown name", { ...good, unknown: new Float32Array(1) }, 1, TypeError],
    ["a gradient of another length", { ...good, matrix: new Float32Array(5) }, 1, RangeError],
    ["a gradient that is a text", { ...good, matrix: "0" }, 1, TypeError],
    ["no gradients at all", {}, 1, RangeError],
    ["null as gradients", null, 1, TypeError],
    ["the weight -1", good, -1, RangeError],
    ["the weight NaN", good, NaN, RangeError],
    ["the weight Infinity", good, Infinity, RangeError],
    ["a weight that is a text", good, "1", TypeError],
    ["rows that are not there", { ...good, "sparse gradient": { indices: Int32Array.of(5), values: new Float32Array(2) } }, 1, RangeError],
  ];
  for (const [what, grads, weight, Wanted] of wrong) {
    const error = thrownBy(() => accumulator.add(grads as Grads, weight as number));
    if (!(error instanceof Wanted)) {
      faults.add(`add() of ${what} ${error === undefined ? "is taken" : `throws ${wordsOf(error)}`}: a ${Wanted.name} must refuse it`);
    }
    const after = [gathered(accumulator), accumulator.count, accumulator.weight];
    if (textOf(after) === textOf(before)) continue;
    faults.add(`add() of ${what} changes what was gathered: an error must add nothing`);
    return;
  }
}

function checkNames(faults: Faults, fresh: Fresh): void {
  const some = fresh();
  some.add({ vector: whole(1).vector, matrix: null, scalar: null });
  const names = Object.keys(some.gradients).join(", ");
  if (names !== "vector") {
    faults.add(
      `of gradients of "vector" alone, others being null, it gives those of ${names || "none"}: a tensor without a gradient has none`,
    );
  }
  const [rows, dense] = [fresh(), fresh()];
  rows.add({ "sparse gradient": { indices: Int32Array.of(3, 0, 3), values: Float32Array.of(1, 2, 3, 4, 5, 6) } });
  dense.add({ "sparse gradient": Float32Array.of(3, 4, 0, 0, 0, 0, 6, 8, 0, 0) });
  same(faults, "adding rows of a sparse gradient", rows, "adding them as a dense one", dense);
  const late = fresh();
  late.add({ vector: whole(1).vector });
  late.add({ matrix: whole(1).matrix });
  const kept = Object.keys(late.gradients).sort().join(", ");
  if (kept !== "matrix, vector") {
    faults.add(`of gradients of "vector", then of "matrix", it gives those of ${kept || "none"}: a gradient that comes late counts`);
  }
  const nan = fresh();
  nan.add({ vector: whole(1).vector.map((x, i) => i === 2 ? NaN : x) });
  if (!Number.isNaN(nan.gradients.vector.data[2])) {
    faults.add(`of a gradient with NaN it gives ${nan.gradients.vector.data[2]}: a NaN must be seen`);
  }
}

function checkSixteenBits(faults: Faults, fresh: Fresh): void {
  for (const dtype of ["bfloat16", "float16"] as const) {
    const [narrow, wide] = [fresh({}, { vector: [7] }, dtype), fresh({}, { vector: [7] })];
    for (const seed of [1, 2]) {
      const { vector } = whole(seed);
      narrow.add({ vector: tensorOf(vector, [7], dtype) });
      wide.add({ vector });
    }
    same(faults, `adding gradients in ${dtype}`, narrow, "adding the same in float32", wide);
  }
}

function checkDue(faults: Faults, fresh: Fresh, { options }: AccumulatorPlugin): void {
  if (!Object.hasOwn(options as AnySpecs, "every")) return;
  const accumulator = fresh({ every: 2 });
  for (let round = 1; round <= 2; round++) {
    const due = [1, 2].map((seed) => accumulator.add(whole(seed)));
    if (textOf(due) !== "[false,true]") {
      faults.add(`with every = 2, add() says ${due.join(", ")} in round ${round}: it must say false, then true`, { option: "every" });
    }
    accumulator.reset();
  }
}

function checkState(faults: Faults, fresh: Fresh): void {
  const going = fresh();
  if (going.saveState === undefined || going.loadState === undefined) return;
  going.add({ vector: whole(1).vector, matrix: whole(1).matrix }, 2);
  const state: AccumulatorState = going.saveState();
  if (state.more !== undefined && !isJson(state.more)) {
    faults.add(`the state's \`more\` is ${textOf(state.more)}, which JSON does not hold`);
  }
  const before = textOf(state);
  going.add(whole(2));
  if (textOf(state) !== before) faults.add("a state changes when more is added: it must hold copies");
  const resumed = fresh();
  resumed.add(whole(5), 3);
  resumed.loadState!({ ...state, ...state.more === undefined ? {} : { more: JSON.parse(JSON.stringify(state.more)) } });
  resumed.add(whole(2));
  same(faults, "adding after loadState()", resumed, "adding without a break", going);
  for (const name of ["count", "weight"] as const) {
    if (resumed[name] !== going[name]) {
      faults.add(`after loadState() and an add its ${name} is ${resumed[name]}, and without a break ${going[name]}`);
    }
  }
  const kept = gathered(resumed);
  const broken: AccumulatorState = {
    ...state,
    tensors: Object.fromEntries(
      Object.keys(state.tensors).map((name): [string, Tensor] => [name, { data: new Float32Array(1), shape: [1] }]),
    ),
  };
  const error = thrownBy(() => resumed.loadState!(broken));
  if (error === undefined && Object.keys(state.tensors).length > 0) {
    faults.add("loadState() takes tensors of other shapes: a state comes from outside and must be checked");
  } else if (gathered(resumed) !== kept) {
    faults.add("loadState() of a state that it refuses changes what was gathered: an error must leave everything as it was");
  }
}

function checkBackends(
  faults: Faults,
  backends: readonly Named[],
  options: Values,
  freshOn: (backend: Backend, options: Values) => Fresh,
): void {
  const of = { vector: [7], large: [70_000], "sparse gradient": [5, 2] };
  const [should, ...others] = backends.map(({ name, backend }) =>
    faults.attempt(`gathering on backend ${name}`, () => {
      const accumulator = freshOn(backend, options)({}, of);
      for (const [i, weight] of [1, 0.3, 7].entries()) accumulator.add(gradientsAt(of, i + 1), weight);
      // Read in here: a getter may throw, and what it gives may be no tensors.
      const { gradients } = accumulator;
      const numbers: Record<string, ArrayLike<number>> = {};
      for (const tensor of Object.keys(of)) {
        const gradient = (gradients as Readonly<Record<string, Tensor | undefined>>)[tensor];
        if (gradient?.data === undefined) {
          throw new TypeError(`its gradients have ${show(gradient)} for "${tensor}": each is a tensor, { data, shape }`);
        }
        numbers[tensor] = numbersOf(gradient);
      }
      return { numbers, name };
    })
  );
  if (should === undefined) return;
  for (const other of others) {
    if (other === undefined) continue;
    for (const name of Object.keys(of)) {
      const [x, y] = [other.numbers[name], should.numbers[name]].map((numbers) => Array.from(numbers));
      const at = y.findIndex((value, i) => !Object.is(value, x[i]));
      if (at < 0) continue;
      faults.add(`gathering on backend ${other.name} gives other bits than on ${should.name}: "${name}"[${at}] is ${x[at]}, not ${y[at]}`);
      break;
    }
  }
}

function compareSum(faults: Faults, plugin: AccumulatorPlugin, options: Values, { backend }: Named, sum: ReferenceSum, what: string): void {
  faults.attempt(what, () => {
    checkReference(what, sum, ["batches", "expected"], ["options", "tolerance"], [sum.expected]);
    const like = Object.assign({}, ...sum.batches.map(({ grads }) => tensorsFrom("gradient", grads)));
    const accumulator = makeAccumulator(plugin, { ...options, ...sum.options }, like, backend, find);
    for (const { grads, weight } of sum.batches) accumulator.add(tensorsFrom("gradient", grads), weight);
    compareTensors(faults, what, accumulator.gradients, sum.expected, sum.tolerance);
  });
}
