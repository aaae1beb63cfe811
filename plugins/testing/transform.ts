/**
 * The test of a transform plugin.
 *
 * @module
 */
import { refuseUnknownKeys } from "../../core/names.ts";
import type { TransformPlugin } from "../../core/plugin/contract.ts";
import { descent } from "./descent.ts";
import { checkDescribed, checkEngines } from "./described.ts";
import { type Faults, noFaults, report } from "./faults.ts";
import { find } from "./known_plugins.ts";
import { startingOptions, textOf } from "./option_values.ts";
import { checkOnBackends } from "./optimizer.ts";
import { checkRules } from "./rules.ts";
import type { RunSettings } from "./test_settings.ts";

/**
 * Tests a transform plugin, with these options in place of its defaults; those that must be given and are not are chosen by their specs. Rejects with
 * an AggregateError of all faults.
 *
 * It does to gradient descent with the transform what `testOptimizer` does to an optimizer. Numbers of a reference are parameters after steps of
 * `p -= g`, or of another optimizer that the run names.
 *
 * @example Usage
 * ```ts
 * import { clipValue } from "@glissade/optim";
 * import { testTransform } from "@glissade/optim/testing";
 *
 * await testTransform(clipValue, { value: 2 }, {
 *   reference: [{ params: { w: [0, 0] }, grads: [{ w: [1, -5] }], expected: [{ w: [-1, 2] }] }],
 * });
 * ```
 */
// deno-lint-ignore require-await -- what a test throws is a rejection
export async function testTransform(plugin: TransformPlugin, options?: object, settings: RunSettings = {}): Promise<void> {
  const faults = noFaults((plugin as TransformPlugin | undefined)?.name);
  faults.attempt("reading the settings of the test", () => refuseUnknownKeys("the settings", settings, ["reference"]));
  if (checkDescribed(faults, "transform", plugin)) checkTransform(faults, plugin, options, settings);
  report(`transform ${JSON.stringify((plugin as TransformPlugin | undefined)?.name)}`, faults);
}

function checkTransform(faults: Faults, plugin: TransformPlugin, given: object | undefined, { reference = [] }: RunSettings): void {
  const specs = textOf(plugin.options);
  checkEngines(faults, plugin, ["rule", "scalars", "reading", "held", "check"]);
  const options = startingOptions(faults, plugin, given, [], (options) => plugin.check?.(options));
  if (options === undefined) return;
  const runs = checkRules(faults, plugin, options);
  if (runs) checkOnBackends(faults, { plugin: descent, options: {}, transforms: [{ name: plugin, options }], find }, reference);
  if (textOf(plugin.options) !== specs) faults.add("its specs are changed by its own functions: they are the same for all who use it");
}
