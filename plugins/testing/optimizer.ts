/**
 * The test of an optimizer plugin.
 *
 * @module
 */
import { refuseUnknownKeys } from "../../core/names.ts";
import type { OptimizerPlugin } from "../../core/plugin/contract.ts";
import type { Values } from "../../core/plugin/options.ts";
import { checkDescribed, checkEngines } from "./described.ts";
import { checkDownhill, checkSeen } from "./downhill.ts";
import { type Faults, noFaults, report } from "./faults.ts";
import { find } from "./known_plugins.ts";
import { copyOf, startingOptions, textOf } from "./option_values.ts";
import { checkReference, compareTensors, tensorsFrom } from "./reference.ts";
import { checkRules } from "./rules.ts";
import { make, makeBackends, type Named, type Setup, steps, using } from "./runs.ts";
import { checkSteps } from "./stepped.ts";
import { gradientsAt, paramsOf, shapes } from "./tensors.ts";
import type { ReferenceRun, RunSettings } from "./test_settings.ts";

/**
 * Tests an optimizer plugin, with these options in place of its defaults. Rejects with an AggregateError of all faults; each says what was tried, what
 * came and what should have.
 *
 * It looks at what the plugin says of itself, asks its functions for every kind of tensor, option and step, and takes steps: on all backends, in all
 * element types, without gradients, with zeros, NaN and rows, interrupted and resumed. With `reference` it compares with what the reference gave.
 *
 * @example Usage
 * ```ts
 * import { lion } from "@glissade/optim";
 * import { testOptimizer } from "@glissade/optim/testing";
 *
 * await testOptimizer(lion, {}, {
 *   reference: [{ options: { lr: 0.5 }, params: { w: [1, 2] }, grads: [{ w: [0.1, -3] }], expected: [{ w: [0.5, 2.5] }] }],
 * });
 * ```
 */
// deno-lint-ignore require-await -- what a test throws is a rejection
export async function testOptimizer(plugin: OptimizerPlugin, options?: object, settings: RunSettings = {}): Promise<void> {
  const faults = noFaults((plugin as OptimizerPlugin | undefined)?.name);
  faults.attempt("reading the settings of the test", () => refuseUnknownKeys("the settings", settings, ["reference"]));
  if (checkDescribed(faults, "optimizer", plugin)) checkOptimizer(faults, plugin, options, settings);
  report(`optimizer ${JSON.stringify((plugin as OptimizerPlugin | undefined)?.name)}`, faults);
}

function checkOptimizer(faults: Faults, plugin: OptimizerPlugin, given: object | undefined, { reference = [] }: RunSettings): void {
  const specs = textOf(plugin.options);
  checkEngines(faults, plugin, ["rule", "scalars", "reading", "check"]);
  const options = startingOptions(faults, plugin, given, [], (options) => plugin.check?.(options));
  if (options === undefined) return;
  const setup: Setup = { plugin, options, transforms: [], find };
  const runs = checkRules(faults, plugin, options);
  if (runs) checkOnBackends(faults, setup, reference);
  if (textOf(plugin.options) !== specs) faults.add("its specs are changed by its own functions: they are the same for all who use it");
}

/** Takes steps, and the reference's. */
export function checkOnBackends(faults: Faults, setup: Setup, reference: readonly ReferenceRun[]): void {
  const backends = makeBackends();
  try {
    checkSteps(faults, setup, backends);
    if (setup.transforms.length === 0) {
      checkDownhill(faults, setup, backends[0]);
      checkSeen(faults, setup, backends[0]);
    } else {
      checkApplied(faults, setup, backends[0]);
      checkHosts(faults, setup, backends[0]);
    }
    for (const [i, run] of reference.entries()) compareRun(faults, setup, backends[0], run, `run ${i} of the reference`);
  } finally {
    for (const { backend } of backends) backend.dispose();
  }
}

/** A transform may hold steps back, but not every one. */
function checkApplied(faults: Faults, setup: Setup, { backend }: Named): void {
  const of = { vector: shapes.vector, matrix: shapes.matrix };
  const some = Array.from({ length: 10 }, (_, i) => i + 1);
  const applied = faults.attempt(
    `${some.length} steps with ordinary gradients`,
    () => using(make(setup, paramsOf(of, "float32"), backend), (o) => some.some((step) => o.step(gradientsAt(of, step)).applied)),
  );
  if (applied === false) {
    faults.add(
      `${some.length} steps with ordinary gradients are all held back: what its \`hold\` names must be 0 for a step that is to be taken`,
    );
  }
}

/** Optimizers with the slots of PyTorch's names, with factors, with matrix lines. */
const hosts = ["adamw", "adafactor", "lion", "muon", "rmsprop", "schedule_free_adamw", "sgd"];

/** A transform before built-in optimizers: its slots' keys and its names must not clash with theirs. */
function checkHosts(faults: Faults, { transforms, find }: Setup, { backend }: Named): void {
  const of = { vector: shapes.vector, matrix: shapes.matrix };
  for (const name of hosts) {
    faults.attempt(`a step of optimizer "${name}" with it`, () => {
      const plugin = find("optimizer", name);
      using(
        make({ plugin, options: {}, transforms, find }, paramsOf(of, "float32"), backend),
        (optimizer) => steps(optimizer, 1, 1, (step) => gradientsAt(of, step)),
      );
    });
  }
}

function compareRun(faults: Faults, setup: Setup, { backend }: Named, run: ReferenceRun, what: string): void {
  faults.attempt(what, () => {
    checkReference(what, run, ["params", "grads", "expected"], ["options", "optimizer", "tolerance"], Object.values(run.expected ?? {}));
    const [use] = setup.transforms;
    const own = use === undefined
      ? { ...setup, options: { ...setup.options, ...copyOf(run.options as Values) } }
      : { ...setup, ...optimizerOf(setup, run), transforms: [{ ...use, options: { ...use.options, ...run.options } }] };
    using(make(own, tensorsFrom("parameter", run.params), backend), (optimizer) => {
      for (const [i, grads] of run.grads.entries()) {
        const given = Object.entries(grads).map((
          [name, one],
        ) => [name, one === null ? null : tensorsFrom("gradient", { [name]: one })[name]]);
        optimizer.step(Object.fromEntries(given));
        const expected = run.expected[i];
        if (expected) compareTensors(faults, `${what}, step ${i + 1}`, optimizer.params, expected, run.tolerance);
      }
    });
    if (run.expected.length !== run.grads.length) {
      faults.add(
        `${what} has gradients of ${run.grads.length} steps and parameters after ${run.expected.length}: each step needs both, null for parameters that are not known`,
      );
    }
  });
}

function optimizerOf({ plugin, options, find }: Setup, { optimizer }: ReferenceRun): Pick<Setup, "plugin" | "options"> {
  if (optimizer === undefined) return { plugin, options };
  const { name, options: own = {} } = optimizer;
  return { plugin: typeof name === "string" ? find("optimizer", name) : name as OptimizerPlugin, options: own as Values };
}
