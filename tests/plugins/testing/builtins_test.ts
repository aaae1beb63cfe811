import { test } from "node:test";
import type { Plugin } from "../../../core/plugin/contract.ts";
import { builtins } from "../../../mod.ts";
import { testAccumulator, testOptimizer, testSchedule, testTransform } from "../../../plugins/testing/mod.ts";

const testOf = { optimizer: testOptimizer, schedule: testSchedule, accumulator: testAccumulator, transform: testTransform };

for (const plugin of builtins.plugins as readonly Plugin[]) {
  test(`${plugin.kind} ${plugin.name} has no fault`, () => (testOf[plugin.kind] as (plugin: Plugin) => Promise<void>)(plugin));
}
