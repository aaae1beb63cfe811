/**
 * Holds the plugin against all that Glissade asks of one, and against numbers: `deno test`, `bun test`, or `node --test` with Node 22.18 or newer.
 *
 * @module
 */
import { test } from "node:test";
import { testOptimizer } from "@glissade/optim/testing";
import { lion } from "./lion.ts";

// Two steps worked out by hand from the paper's algorithm 2: the second follows the momentum, against its own gradient.
const reference = [{
  options: { lr: 0.5 },
  params: { w: [1, 2] },
  grads: [{ w: [0.1, -3] }, { w: [-0.001, 0] }],
  expected: [{ w: [0.5, 2.5] }, { w: [0, 3] }],
}];

test("my_lion is a sound plugin and gives the numbers of its reference", () => testOptimizer(lion, {}, { reference }));
