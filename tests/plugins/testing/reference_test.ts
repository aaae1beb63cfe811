import { test } from "node:test";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { clipValue, greedy, linear, mean, piecewiseConstantDecay, sgd } from "../../../mod.ts";
import { testAccumulator, testOptimizer, testSchedule, testTransform } from "../../../plugins/testing/mod.ts";
import type { ReferenceRun } from "../../../plugins/testing/mod.ts";

/** The faults that a test rejects with. */
async function faultsOf(tested: Promise<void>): Promise<readonly string[]> {
  try {
    await tested;
    return [];
  } catch (error) {
    assert(error instanceof AggregateError, String(error));
    return error.errors.map(({ message }) => message);
  }
}

const run: ReferenceRun = {
  options: { lr: 0.5, momentum: 0.5 },
  params: { w: [[1, 2]], b: 3 },
  grads: [{ w: [[1, -1]], b: null }, { w: [[1, -1]], b: 2 }],
  expected: [{ w: [[0.5, 2.5]] }, { w: [[-0.25, 3.25]], b: 2 }],
};

test("testOptimizer() holds an optimizer against what its reference gave, nested lists as tensors", async () => {
  assertEquals(await faultsOf(testOptimizer(sgd, {}, { reference: [run] })), []);
  const [, second] = run.expected;
  const wrong = { ...run, expected: [null, { ...second, w: [[-0.25, 3.26]] }] };
  assertEquals(await faultsOf(testOptimizer(sgd, {}, { reference: [run, wrong] })), [
    'run 1 of the reference, step 2, "w"[1] is 3.25, and the reference\'s is 3.259999990463257, off by 0.0031 of the largest number, ' +
    "where 0.000001 is allowed",
  ]);
  assertEquals(await faultsOf(testOptimizer(sgd, {}, { reference: [{ ...wrong, tolerance: 0.01 }] })), []);
  // The tolerance is of the tensor's largest number: one near 0 is not held by its own size.
  const small = { options: { lr: 1 }, params: { w: [4, 0] }, grads: [{ w: [0, 1e-9] }], expected: [{ w: [4, 0] }] };
  assertEquals(await faultsOf(testOptimizer(sgd, {}, { reference: [small] })), []);
  const [first] = await faultsOf(testOptimizer(sgd, {}, { reference: [{ ...run, expected: [{ w: [[1]], v: [1] }] }] }));
  assert(first.includes("has 2 numbers, and the reference's has 1"), first);
});

test("testOptimizer() says what a reference holds that cannot be run", async () => {
  const [fault] = await faultsOf(testOptimizer(sgd, {}, { reference: [{ ...run, grads: [{ u: [1] }] }] }));
  assert(fault.includes("run 0 of the reference throws TypeError") && fault.includes('"u"'), fault);
});

test("the kit refuses a reference that is misspelt, or that anything would agree with", async () => {
  const without = async (change: object): Promise<string> => {
    const [fault = "none"] = await faultsOf(testOptimizer(sgd, {}, { reference: [{ ...run, ...change }] }));
    return fault;
  };
  const faults = [
    [await without({ expectd: [] }), 'it has no "expectd"'],
    [await without({ params: undefined }), "its params is undefined"],
    [await without({ expected: [] }), "no number to hold the plugin against"],
    [await without({ expected: [null, {}] }), "no number to hold the plugin against"],
    [await without({ expected: run.expected.slice(0, 1) }), "gradients of 2 steps and parameters after 1"],
    [await without({ tolerance: Infinity }), "Cannot use tolerance Infinity"],
    ...await Promise.all([
      faultsOf(testSchedule(linear, { numWarmupSteps: 2, numTrainingSteps: 6 }, { reference: [{ values: [] }] })),
      faultsOf(testAccumulator(mean, {}, { reference: [{ batches: [{ grads: { w: [1] } }], expected: {} }] })),
    ]).then((lists) => lists.map(([fault = "none"]) => [fault, "no number to hold the plugin against"])),
  ];
  for (const [fault, words] of faults) assert(fault.includes(words), `${words} is not in ${fault}`);
});

test("testTransform() goes by descent, or by the optimizer that the reference names", async () => {
  const plain: ReferenceRun = { params: { w: [0, 0] }, grads: [{ w: [1, -5] }], expected: [{ w: [-1, 2] }] };
  const named: ReferenceRun = { ...plain, optimizer: { name: "sgd", options: { lr: 0.5 } }, expected: [{ w: [-0.5, 1] }] };
  assertEquals(await faultsOf(testTransform(clipValue, { value: 2 }, { reference: [plain, named] })), []);
  const faults = await faultsOf(testTransform(clipValue, { value: 2 }, { reference: [{ ...named, options: { value: 1 } }] }));
  assertEquals(faults.length, 1);
  assert(faults[0].includes('step 1, "w"[1] is 0.5'), faults[0]);
});

test("testSchedule() holds a schedule against values by step, times a base value, or told metrics", async () => {
  const options = { numWarmupSteps: 2, numTrainingSteps: 6 };
  const good = [{ values: [0, 0.5, 1, 0.75, 0.5, 0.25, 0] }, { base: 4, values: { 1: 2, 2: 4, 6: 0 } }];
  assertEquals(await faultsOf(testSchedule(linear, options, { reference: good })), []);
  const faults = await faultsOf(testSchedule(linear, options, { reference: [{ values: [0, 0.5, 1, 0.8] }] }));
  assertEquals(faults.length, 1);
  assert(faults[0].includes("[3] is 0.75, and the reference's is 0.8"), faults[0]);
  const values = { reference: [{ options: { boundaries: [1], values: [3, 2] }, values: [3, 3, 2] }] };
  assertEquals(await faultsOf(testSchedule(piecewiseConstantDecay, {}, values)), []);
  const followed = {
    reference: [{ options: { patience: 0, minLr: 0, factor: 0.5 }, metrics: [1, 2, 3], values: [1, 1, 1], tolerance: 1 }],
  };
  assertEquals(await faultsOf(testSchedule(greedy, {}, followed)), []);
});

test("testAccumulator() holds an accumulator against what its reference gathers", async () => {
  const batches = [{ grads: { w: [1, 2] }, weight: 3 }, { grads: { w: [5, 6] } }];
  assertEquals(await faultsOf(testAccumulator(mean, {}, { reference: [{ batches, expected: { w: [2, 3] } }] })), []);
  const faults = await faultsOf(testAccumulator(mean, {}, { reference: [{ batches, expected: { w: [2, 4] } }] }));
  assertEquals(faults.length, 1);
  assert(faults[0].startsWith('sum 0 of the reference, "w"[1] is 3'), faults[0]);
});

test("The kit's error has all faults, what they are about, and a message that lists them", async () => {
  const broken = { ...sgd, name: "my_sgd", description: "", source: "", options: { ...sgd.options, lr: { default: 0.1 } } };
  const error = await assertRejects(() => testOptimizer(broken as unknown as typeof sgd), AggregateError) as AggregateError;
  assertEquals(error.errors.length, 3);
  assert(error.message.startsWith('optimizer "my_sgd" has 3 faults:\n- its description is empty'), error.message);
  assertEquals(error.errors.map(({ plugin, option }) => [plugin, option]), [["my_sgd", undefined], ["my_sgd", undefined], [
    "my_sgd",
    "lr",
  ]]);
});

test("The kit says which options it was given that the plugin does not take", async () => {
  const [fault] = await faultsOf(testOptimizer(sgd, { learningRate: 1 }));
  assert(fault.includes('"learningRate"') && fault.includes("lr"), fault);
  const [refused] = await faultsOf(testSchedule(linear, { numWarmupSteps: -1, numTrainingSteps: 3 }));
  assert(refused.includes("numWarmupSteps = -1"), refused);
});

test("The kit refuses what is no setting of its own", async () => {
  const [fault] = await faultsOf(testOptimizer(sgd, {}, { references: [] } as object));
  assert(fault.includes('"references"') && fault.includes('did you mean "reference"'), fault);
});
