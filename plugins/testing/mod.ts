/**
 * The kit for authors of plugins: tests that say all that is wrong with a plugin, in plain words and at once. They need no assertion library and run
 * under any runner, in any runtime: a plugin without a fault resolves, another one rejects with an AggregateError whose message lists the faults.
 *
 * @example In a test
 * ```ts ignore
 * import { test } from "node:test";
 * import { lion } from "@glissade/optim";
 * import { testOptimizer } from "@glissade/optim/testing";
 *
 * test("lion is a sound plugin", () => testOptimizer(lion));
 * ```
 *
 * @module
 */
export { testAccumulator } from "./accumulator.ts";
export { testOptimizer } from "./optimizer.ts";
export { testSchedule } from "./schedule.ts";
export type * from "./test_settings.ts";
export { testTransform } from "./transform.ts";
