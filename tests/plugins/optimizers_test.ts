/**
 * What the optimizers of torch's and timm's kind share, over all of them; their numbers are held against the references' in tests/reference.
 *
 * @module
 */
import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import type { OptimizerPlugin } from "../../core/plugin/contract.ts";
import { createOptimizer } from "../../core/optimizer/optimizer.ts";
import { roundBfloat16, roundFloat16, widenFloat16 } from "../../kernels/half.ts";
import type { BackendName, Tensor } from "../../core/types.ts";
import { widen } from "../reference/bits.ts";
import { adabelief } from "../../plugins/optimizers/adabelief.ts";
import { adadelta } from "../../plugins/optimizers/adadelta.ts";
import { adafactorTorch } from "../../plugins/optimizers/adafactor_torch.ts";
import { adagrad } from "../../plugins/optimizers/adagrad.ts";
import { adam } from "../../plugins/optimizers/adam.ts";
import { adamax } from "../../plugins/optimizers/adamax.ts";
import { adan } from "../../plugins/optimizers/adan.ts";
import { adamuon } from "../../plugins/optimizers/adamuon.ts";
import { ademamix } from "../../plugins/optimizers/ademamix.ts";
import { adopt } from "../../plugins/optimizers/adopt.ts";
import { apollo } from "../../plugins/optimizers/apollo.ts";
import { asgd } from "../../plugins/optimizers/asgd.ts";
import { came } from "../../plugins/optimizers/came.ts";
import { dadaptAdam } from "../../plugins/optimizers/dadapt_adam.ts";
import { fromage } from "../../plugins/optimizers/fromage.ts";
import { ftrl } from "../../plugins/optimizers/ftrl.ts";
import { lamb } from "../../plugins/optimizers/lamb.ts";
import { laprop } from "../../plugins/optimizers/laprop.ts";
import { lars } from "../../plugins/optimizers/lars.ts";
import { lion } from "../../plugins/optimizers/lion.ts";
import { mars } from "../../plugins/optimizers/mars.ts";
import { nadam } from "../../plugins/optimizers/nadam.ts";
import { nadamw } from "../../plugins/optimizers/nadamw.ts";
import { normuon } from "../../plugins/optimizers/normuon.ts";
import { novograd } from "../../plugins/optimizers/novograd.ts";
import { optimisticSgd } from "../../plugins/optimizers/optimistic_sgd.ts";
import { prodigy } from "../../plugins/optimizers/prodigy.ts";
import { radam } from "../../plugins/optimizers/radam.ts";
import { rmsprop } from "../../plugins/optimizers/rmsprop.ts";
import { rprop } from "../../plugins/optimizers/rprop.ts";
import { scheduleFreeAdamw } from "../../plugins/optimizers/schedule_free_adamw.ts";
import { scheduleFreeRadam } from "../../plugins/optimizers/schedule_free_radam.ts";
import { scheduleFreeSgd } from "../../plugins/optimizers/schedule_free_sgd.ts";
import { sgd } from "../../plugins/optimizers/sgd.ts";
import { sm3 } from "../../plugins/optimizers/sm3.ts";
import { sparseAdam } from "../../plugins/optimizers/sparse_adam.ts";
import { soap } from "../../plugins/optimizers/soap.ts";
import { sophia } from "../../plugins/optimizers/sophia.ts";
import { stableAdamw } from "../../plugins/optimizers/stable_adamw.ts";
import { tiger } from "../../plugins/optimizers/tiger.ts";
import { yogi } from "../../plugins/optimizers/yogi.ts";

type Any = OptimizerPlugin<string, object>;

/** Each with options that use all of its text. */
const plugins: readonly (readonly [plugin: Any, options: object])[] = [
  [sgd, { lr: 0.1, momentum: 0.9, nesterov: true, weightDecay: 0.1 }],
  [adam, { amsgrad: true, weightDecay: 0.1 }],
  [rmsprop, { momentum: 0.9, centered: true, weightDecay: 0.1 }],
  [adagrad, { lrDecay: 0.1, initialAccumulatorValue: 0.1, weightDecay: 0.1 }],
  [adadelta, { weightDecay: 0.1 }],
  [adamax, { weightDecay: 0.1 }],
  [nadam, { weightDecay: 0.1 }],
  [radam, { betas: [0.9, 0.9], weightDecay: 0.1 }],
  [rprop, {}],
  [asgd, { weightDecay: 0.1, t0: 2 }],
  [adafactorTorch, { weightDecay: 0.1 }],
  [nadamw, { weightDecay: 0.1 }],
  [lion, { weightDecay: 0.1 }],
  [lamb, { weightDecay: 0.1 }],
  [lars, { momentum: 0.9, weightDecay: 0.1, trustClip: true }],
  [adan, { weightDecay: 0.1, caution: true }],
  [adopt, { weightDecay: 0.1 }],
  [ademamix, { weightDecay: 0.1, tAlphaBeta3: 5 }],
  [came, { weightDecay: 0.1, amsBound: true }],
  [prodigy, { d0: 1e-3, weightDecay: 0.1, growthRate: 2 }],
  [scheduleFreeAdamw, { weightDecay: 0.1, warmupSteps: 2 }],
  [scheduleFreeSgd, { weightDecay: 0.1, warmupSteps: 2 }],
  [scheduleFreeRadam, { betas: [0.9, 0.9], weightDecay: 0.1 }],
  [sophia, { weightDecay: 0.1 }],
  [tiger, { weightDecay: 0.1 }],
  [adabelief, { rectify: false, amsgrad: true, weightDecay: 0.1 }],
  [laprop, { weightDecay: 0.1 }],
  [novograd, { weightDecay: 0.1, amsgrad: true, gradAveraging: true }],
  [sm3, { momentum: 0.9, beta: 0.9 }],
  [stableAdamw, { weightDecay: 0.1 }],
  [dadaptAdam, { d0: 1e-3, weightDecay: 0.1, growthRate: 2 }],
  [mars, { weightDecay: 0.1, caution: true }],
  [yogi, { weightDecay: 0.1 }],
  [soap, { preconditionFrequency: 2 }],
  [normuon, { weightDecay: 0.1 }],
  [adamuon, { weightDecay: 0.1 }],
  [apollo, { weightDecay: 0.1 }],
  [sparseAdam, {}],
  [fromage, { pBound: 2 }],
  [optimisticSgd, { lr: 0.1 }],
  [ftrl, { lr: 0.1, learningRatePower: -0.625, l1RegularizationStrength: 0.01, l2ShrinkageRegularizationStrength: 0.1, beta: 0.1 }],
];

const shape = [4, 3];
const gradient = (t: number, sign = 1): Float32Array =>
  Float32Array.from({ length: 12 }, (_, i) => sign * (((i * 7 + t * 5) % 11) / 11 - 0.45));

/** The parameter after some steps. */
function after(plugin: Any, options: object, steps: number, sign = 1): Float32Array {
  const data = new Float32Array(12).fill(1);
  using optimizer = createOptimizer(plugin, { w: { data, shape } }, options, { backend: "js" });
  for (let t = 1; t <= steps; t++) optimizer.step({ w: { data: gradient(t, sign), shape } });
  return data;
}

for (const [plugin, options] of plugins) {
  if (Object.hasOwn(plugin.options, "maximize")) {
    test(`${plugin.name} goes up a gradient as it goes down its negative`, () => {
      const down = after(plugin, options, 8);
      assertEquals(after(plugin, { ...options, maximize: true }, 8, -1), down);
      assertNotEquals(after(plugin, { ...options, maximize: true }, 8), down);
    });
  }

  test(`${plugin.name} gives the same bits as JavaScript and as WASM, in every dtype`, () => {
    const run = (backend: BackendName): Readonly<Record<string, Tensor>> => {
      const params = {
        a: { data: new Float32Array(12).fill(1), shape, dtype: "float32" as const },
        b: { data: new Uint16Array(12).fill(roundBfloat16(1)), shape, dtype: "bfloat16" as const },
        c: { data: new Uint16Array(12).fill(roundFloat16(1)), shape, dtype: "float16" as const },
        d: { data: new Float32Array([1, -2, 0]), shape: [3], dtype: "float32" as const },
      };
      using optimizer = createOptimizer(plugin, params, options, { backend });
      for (let t = 1; t <= 6; t++) {
        const data = gradient(t);
        optimizer.step({ a: { data, shape }, b: { data, shape }, c: t === 3 ? null : { data, shape }, d: data.slice(0, 3) });
      }
      return { ...params, ...structuredClone(optimizer.saveState().tensors) };
    };
    const [js, wasm] = [run("js"), run("wasm")];
    assertEquals(wasm, js);
    assert(Object.values(js).every(({ data, dtype }) => Array.from(widen(data, dtype)).every(Number.isFinite)));
  });

  test(`${plugin.name} moves against the gradient`, () => {
    const data = new Float32Array(12).fill(1);
    using optimizer = createOptimizer(plugin, { w: { data, shape } }, options, { backend: "js" });
    for (let t = 1; t <= 8; t++) optimizer.step({ w: { data: new Float32Array(12).fill(0.05), shape } });
    assert(data.every((value) => value < 1 && value > -1), `${data}`);
  });

  if (!Object.hasOwn(plugin.options, "stateDtype")) continue;
  test(`${plugin.name} keeps float32 moments of float16 parameters, which small gradients leave finite`, () => {
    const low = { data: new Uint16Array(12).fill(roundFloat16(1)), shape, dtype: "float16" as const };
    using optimizer = createOptimizer(plugin, { low }, options, { backend: "js" });
    for (let t = 1; t <= 3; t++) optimizer.step({ low: { data: new Float32Array(12).fill(1e-5), shape } });
    assert(Array.from(low.data, widenFloat16).every((value) => value > 0.5 && value < 1.01), `${Array.from(low.data, widenFloat16)}`);
    // Prodigy's p0 is the parameter itself, at the start; Kahan's sum holds what the parameter lost.
    const dtypes = Object.entries(optimizer.saveState().tensors).filter(([key]) => /^low\.(?!p0$|kahan_comp$)/.test(key)).map((
      [, { dtype }],
    ) => dtype);
    assertEquals(dtypes.filter((dtype) => dtype === "float16"), []);
    const reference = createOptimizer(plugin, { low }, { ...options, stateDtype: "param" }, { backend: "js" });
    assert(Object.values(reference.saveState().tensors).some(({ dtype }) => dtype === "float16"));
    reference[Symbol.dispose]();
  });
}

test("every optimizer that follows pytorch_optimizer can maximize, as each of them can there", () => {
  const followers = plugins.map(([plugin]) => plugin).filter(({ source }) => source?.includes("of pytorch_optimizer"));
  assert(followers.length > 10);
  assertEquals(followers.filter(({ options }) => !Object.hasOwn(options, "maximize")).map(({ name }) => name), []);
});

test("radam is gradient descent with momentum until its second moment is trusted", () => {
  // 1 - 0.999 is known too little for five steps: the first is lr times the gradient.
  const down = after(radam, { lr: 0.1 }, 1);
  assert(down.every((value, i) => Math.abs(value - (1 - 0.1 * gradient(1)[i])) < 1e-6), `${down}`);
});

test("rprop takes its first step's length from lr, and leaves it at that", () => {
  const data = new Float32Array(2);
  using optimizer = createOptimizer(rprop, { w: data }, { lr: 0.5 }, { backend: "js", schedules: { lr: (step) => 1 / (step + 1) } });
  optimizer.step({ w: Float32Array.of(3, -3) });
  optimizer.step({ w: Float32Array.of(3, -3) });
  assertEquals(Array.from(data, (value) => Math.round(value * 1e6) / 1e6), [-1.1, 1.1]);
  optimizer.step({ w: Float32Array.of(-3, -3) });
  assertEquals(Array.from(data, (value) => Math.round(value * 1e6) / 1e6), [-1.1, 1.82]);
});

test("asgd gives the average of its iterates as a point", () => {
  const data = Float32Array.of(0);
  using optimizer = createOptimizer(asgd, { w: data }, { lr: 1, lambd: 0, t0: 0 }, { backend: "js" });
  const places: number[] = [];
  for (const g of [-1, -1, -4]) {
    optimizer.step({ w: Float32Array.of(g) });
    places.push(data[0]);
  }
  assertEquals(places, [1, 2, 6]);
  // PyTorch's weight is 1 twice: the average begins at the second iterate.
  assertEquals(Array.from(optimizer.point("average").w.data), [4]);
});

test("sgd without momentum keeps nothing", () => {
  using optimizer = createOptimizer(sgd, { w: new Float32Array(2) }, {}, { backend: "js" });
  optimizer.step({ w: Float32Array.of(1, 2) });
  assertEquals(Object.keys(optimizer.saveState().tensors).sort(), ["w", "w.step"]);
});

test("adafactor_torch steps by the lesser of lr and 1/sqrt(t), times the parameter's size", () => {
  const w = Float32Array.of(1);
  using optimizer = createOptimizer(adafactorTorch, { w }, { lr: 1 }, { backend: "js" });
  optimizer.step({ w: Float32Array.of(1) });
  assertEquals(w[0], 0);
  optimizer.step({ w: Float32Array.of(1) });
  assert(Math.abs(w[0] + 1e-3 / Math.sqrt(2)) < 1e-9, `${w}`);
});

test("lion steps by the sign alone", () => {
  const data = Float32Array.of(1, 1, 1);
  using optimizer = createOptimizer(lion, { w: data }, { lr: 0.25 }, { backend: "js" });
  optimizer.step({ w: Float32Array.of(1e-6, -3, 0) });
  assertEquals(Array.from(data), [0.75, 1.25, 1]);
});

test("adopt's first step moves nothing, and its second does", () => {
  assertEquals(after(adopt, {}, 1), new Float32Array(12).fill(1));
  assertNotEquals(after(adopt, {}, 2), new Float32Array(12).fill(1));
});

test("adan takes a tensor whose gradients come later as it took the others", () => {
  const [early, late] = [new Float32Array(12).fill(1), new Float32Array(12).fill(1)];
  using optimizer = createOptimizer(adan, { early, late }, {}, { backend: "js" });
  for (let t = 1; t <= 6; t++) optimizer.step({ early: t <= 4 ? gradient(t) : null, late: t > 2 ? gradient(t - 2) : null });
  assertEquals(late, early);
});

test("stable_adamw moves 16-bit parameters by steps that are below their spacing, unless Kahan's sum is left out", () => {
  const after = (kahanSum: boolean): number => {
    const w = { data: new Uint16Array([roundBfloat16(1)]), shape: [1], dtype: "bfloat16" as const };
    using optimizer = createOptimizer(stableAdamw, { w }, { lr: 1e-3, weightDecay: 0, kahanSum }, { backend: "js" });
    for (let t = 1; t <= 40; t++) optimizer.step({ w: Float32Array.of(1) });
    return widen(w.data, w.dtype)[0];
  };
  assertEquals(after(false), 1);
  assert(Math.abs(after(true) - 0.96) < 2 ** -8, `${after(true)}`);
});

test("sm3 takes a tensor of rank 4 as a matrix of its first dimension and the others", () => {
  const data = Float32Array.from({ length: 24 }, (_, i) => Math.sin(i));
  const [deep, flat] = [{ data, shape: [2, 2, 3, 2] }, { data: data.slice(), shape: [2, 12] }];
  using optimizer = createOptimizer(sm3, { deep, flat }, { momentum: 0.9 }, { backend: "js" });
  for (let t = 1; t <= 5; t++) {
    const grad = data.map((_, i) => Math.cos(i * t));
    optimizer.step({ deep: { data: grad, shape: deep.shape }, flat: { data: grad, shape: flat.shape } });
  }
  assertEquals(deep.data, flat.data);
  assertEquals(optimizer.saveState().tensors["deep.accumulator_1"].data.length, 12);
});

test("laprop's first step after a change of lr is as long as the new lr says", () => {
  const w = Float32Array.of(0);
  using optimizer = createOptimizer(laprop, { w }, { lr: 1, betas: [0.5, 0.9] }, {
    backend: "js",
    schedules: { lr: (step) => [1, 0.25, 0][step] },
  });
  const places = [1, 2, 3].map(() => {
    optimizer.step({ w: Float32Array.of(2) });
    return Math.round(w[0] * 1e6) / 1e6;
  });
  assertEquals(places, [-1, -1.25, -1.25]);
});

test("ftrl holds parameters at 0 whose gradients L1 outweighs", () => {
  const w = Float32Array.of(0, 0);
  using optimizer = createOptimizer(ftrl, { w }, { lr: 0.1, l1RegularizationStrength: 1 }, { backend: "js" });
  optimizer.step({ w: Float32Array.of(0.5, 3) });
  assert(w[0] === 0 && w[1] < -0.01, `${w}`);
});

test("fromage's tensors stay within their bound", () => {
  const w = Float32Array.of(3, 4);
  using optimizer = createOptimizer(fromage, { w }, { lr: 0.5, pBound: 1.25 }, { backend: "js" });
  for (let t = 1; t <= 20; t++) optimizer.step({ w: Float32Array.of(-3, -4) });
  assert(Math.abs(Math.hypot(...w) - 1.25 * 5) < 1e-5, `${w}`);
});

test("sophia divides by the diagonal that it was given, and clips where there is none", () => {
  const w = Float32Array.of(0, 0);
  using optimizer = createOptimizer(sophia, { w }, { lr: 1, betas: [0, 0.5], p: 0.5 }, { backend: "js" });
  optimizer.inputs.hessian.w.data.set([8, 0]);
  optimizer.run("hessian");
  optimizer.step({ w: Float32Array.of(1, 1) });
  assertEquals(Array.from(w), [-0.25, -0.5]);
});

test("a schedule-free optimizer's parameters and its average agree after a first step, and differ later", () => {
  for (const [plugin, options] of [[scheduleFreeAdamw, {}], [scheduleFreeSgd, { lr: 0.1 }]] as const) {
    const w = Float32Array.of(1);
    using optimizer = createOptimizer<string, object>(plugin, { w }, options, { backend: "js" });
    optimizer.step({ w: Float32Array.of(1) });
    assertEquals(Array.from(optimizer.point("eval").w.data), Array.from(w));
    optimizer.step({ w: Float32Array.of(1) });
    assert(Math.abs((optimizer.point("eval").w.data as Float32Array)[0] - w[0]) > 1e-5);
  }
});

test("The references' combinations are refused, each with its numbers", () => {
  const refused: readonly (readonly [Any, object, string])[] = [
    [sgd, { nesterov: true }, "momentum = 0"],
    [sgd, { nesterov: true, momentum: 0.9, dampening: 0.1 }, "dampening = 0.1"],
    [rprop, { etas: [1.1, 1.2] }, "etas = [1.1, 1.2]"],
    [rprop, { etas: [0.5, 1] }, "etas = [0.5, 1]"],
    [adafactorTorch, { eps: [null] }, "eps = [null]"],
    [adafactorTorch, { eps: ["0", 1e-3] }, "eps"],
    [adafactorTorch, { eps: [1e-30, null] }, "eps"],
    [adafactorTorch, { beta2Decay: 0.5 }, "beta2Decay"],
    [adafactorTorch, { d: 0.5 }, "d = 0.5"],
    [adadelta, { rho: 1.5 }, "rho"],
    [lars, { nesterov: true }, "momentum = 0"],
    [ademamix, { betas: [0.9, 0.999, 0], tAlphaBeta3: 10 }, "betas[2] = 0"],
    [scheduleFreeAdamw, { betas: [0, 0.999] }, "betas[0] = 0"],
    [scheduleFreeRadam, { betas: [0, 0.999] }, "betas[0] = 0"],
    [scheduleFreeSgd, { momentum: 0 }, "momentum = 0"],
    [ftrl, { learningRatePower: -0.3 }, "learningRatePower = -0.3"],
    [ftrl, { learningRatePower: 0.5 }, "learningRatePower"],
    [ftrl, { lr: 0 }, "lr"],
    [mars, { betas1d: [0.9, 1] }, "betas1d"],
  ];
  for (const [plugin, options, message] of refused) {
    assertThrows(() => createOptimizer(plugin, { w: new Float32Array(1) }, options, { backend: "js" }), RangeError, message);
  }
});
