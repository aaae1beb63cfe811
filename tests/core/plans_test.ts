/**
 * Prepared steps that are used again: the same optimizer over other gradients, other texts, and for a long time.
 *
 * A step over the same tensors, gradients and texts as one before takes the plan of that one. Each test here alternates what a plan depends on, and holds
 * the result against optimizers that are made anew for each step, which have no plan to mistake for another.
 *
 * @module
 */
import { test } from "node:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { createOptimizer } from "../../core/optimizer/optimizer.ts";
import { createState } from "../../core/optimizer/create_state.ts";
import { numbersAt } from "../../core/optimizer/numbers.ts";
import { findNothing } from "../../core/plugin/use.ts";
import type { OptimizerPlugin, TransformPlugin } from "../../core/plugin/contract.ts";
import { createBackend } from "../../kernels/backends/create.ts";
import type { Grads } from "../../core/types.ts";
import { available } from "../../kernels/detect.ts";
import type { KernelBackend } from "../../kernels/backend.ts";

/** Momentum, whose text follows its options: each line is there or not. */
const lines: OptimizerPlugin<"lines", { lr?: number; decay?: boolean; squared?: boolean }> = {
  kind: "optimizer",
  name: "lines",
  description: "Momentum with lines that come and go",
  options: {
    lr: { default: 0.5, description: "Learning rate" },
    decay: { default: false, description: "Decay the parameter" },
    squared: { default: false, description: "Follow the gradient's square" },
  },
  rule: ({ decay, squared }) => ({
    slots: { m: { shape: "param", key: "momentum" } },
    update: [`m = 0.5*m + ${squared ? "g*g" : "g"}`, "u = m", ...decay ? ["p -= 0.25*p"] : [], "p -= lr*u"].join("\n"),
  }),
  scalars: ({ lr }) => ({ lr }),
};

const numbers = (n: number, from: number): Float32Array => Float32Array.from({ length: n }, (_, i) => (from + i) % 7 - 3 + i / 64);

type Options = { readonly lr?: number; readonly decay?: boolean; readonly squared?: boolean };

/** What the steps come to where every one is taken by an optimizer of its own, over ordinary arrays. */
function anew(start: Float32Array, steps: readonly { readonly g: Float32Array; readonly options?: Options }[]): Float32Array {
  const p = start.slice();
  let state: ReturnType<ReturnType<typeof createOptimizer>["saveState"]> | undefined;
  for (const { g, options } of steps) {
    using optimizer = createOptimizer(lines, { p }, options, { backend: "js" });
    if (state !== undefined) optimizer.loadState(state);
    optimizer.step({ p: g });
    state = optimizer.saveState();
  }
  return p;
}

const sizes = [5, 300];

for (const name of available()) {
  test(`Backend ${name}: gradients that lie where kernels reach them may take turns`, () => {
    for (const size of sizes) {
      using backend = createBackend(name) as KernelBackend;
      const p = backend.allocate(size).data as Float32Array;
      p.set(numbers(size, 1));
      const start = p.slice();
      // Three arrays: more than are used where they lie.
      const gradients = [1, 2, 3].map((k) => {
        const g = backend.allocate(size).data as Float32Array;
        g.set(numbers(size, 10 * k));
        return g;
      });
      using optimizer = createOptimizer(lines, { p }, {}, { backend });
      const order = [0, 1, 0, 1, 1, 0, 2, 0, 1, 2, 2, 0];
      for (const k of order) optimizer.step({ p: gradients[k] });
      assertEquals(p, anew(start, order.map((k) => ({ g: gradients[k] }))));
    }
  });

  test(`Backend ${name}: a gradient of its own, one in place and one that is copied may take turns`, () => {
    using backend = createBackend(name) as KernelBackend;
    const p = backend.allocate(40).data as Float32Array;
    p.set(numbers(40, 1));
    const start = p.slice();
    const [lying, foreign] = [backend.allocate(40).data as Float32Array, numbers(40, 7)];
    lying.set(numbers(40, 3));
    using optimizer = createOptimizer(lines, { p }, {}, { backend });
    const own = numbers(40, 5);
    const ways = [
      () => optimizer.step({ p: lying }),
      () => optimizer.step({ p: foreign }),
      () => {
        (optimizer.grads.p.data as Float32Array).set(own);
        return optimizer.step();
      },
    ];
    const order = [0, 1, 2, 0, 2, 1, 0, 0, 2];
    for (const k of order) ways[k]();
    assertEquals(p, anew(start, order.map((k) => ({ g: [lying, foreign, own][k] }))));
  });

  test(`Backend ${name}: a step follows the rule's text as options change it, to and fro, over gradients that take turns`, () => {
    using backend = createBackend(name) as KernelBackend;
    const p = backend.allocate(40).data as Float32Array;
    p.set(numbers(40, 1));
    const start = p.slice();
    const gradients = [1, 2].map((k) => {
      const g = backend.allocate(40).data as Float32Array;
      g.set(numbers(40, 10 * k));
      return g;
    });
    using optimizer = createOptimizer(lines, { p }, {}, { backend });
    const steps: { g: Float32Array; options: Options }[] = [];
    for (let k = 0; k < 16; k++) {
      const options = { decay: k % 2 === 1, squared: k % 4 > 1, lr: k % 3 === 2 ? 0.25 : 0.5 };
      optimizer.options.decay = options.decay;
      optimizer.options.squared = options.squared;
      optimizer.options.lr = options.lr;
      const g = gradients[k % 5 < 2 ? 0 : 1];
      optimizer.step({ p: g });
      steps.push({ g, options });
    }
    assertEquals(p, anew(start, steps));
  });

  test(`Backend ${name}: tensors that take turns with their gradients are each stepped with their own`, () => {
    using backend = createBackend(name) as KernelBackend;
    const [a, b] = [numbers(9, 1), numbers(9, 2)];
    const [wantA, wantB] = [a.slice(), b.slice()];
    const g = [numbers(9, 3), numbers(9, 4)];
    {
      using optimizer = createOptimizer(lines, { a, b }, {}, { backend });
      const turns: Grads[] = [{ a: g[0] }, { b: g[1] }, { a: g[0], b: g[1] }, { a: g[1], b: g[0] }, { b: g[0] }, { a: g[1] }];
      for (const grads of turns) optimizer.step(grads);
    }
    assertEquals(a, anew(wantA, [g[0], g[0], g[1], g[1]].map((g) => ({ g }))));
    assertEquals(b, anew(wantB, [g[1], g[1], g[0], g[0]].map((g) => ({ g }))));
  });

  test(`Backend ${name}: plans that nobody will use again are given back, so that memory stays flat`, () => {
    using backend = createBackend(name) as KernelBackend;
    const tensors = ["a", "b", "c", "d"].map((name) => [name, backend.allocate(200)] as const);
    const lying = tensors.map(() => backend.allocate(200));
    const train = (): number[] => {
      using optimizer = createOptimizer(lines, Object.fromEntries(tensors), {}, { backend });
      const used: number[] = [];
      for (let round = 0; round < 4; round++) {
        // Many more plans than are kept: choices of tensors, of gradients' memory and of texts.
        for (let k = 0; k < 60; k++) {
          optimizer.options.decay = k % 2 === 0;
          optimizer.options.squared = k % 3 === 0;
          const chosen = tensors.map(([name], i) => [name, k % 4 < 2 ? lying[i] : numbers(200, k)] as const).filter((_, i) =>
            (k % 15 + 1) >> i & 1
          );
          optimizer.step(Object.fromEntries(chosen));
        }
        const { allocated, scratch } = backend.usage();
        used.push(allocated + scratch);
      }
      return used;
    };
    const [first, ...rest] = train();
    assertEquals(rest, [first, first, first]);
    const before = backend.usage(); // kernels may stay, plans and slots may not
    train();
    assertEquals(backend.usage(), before);
  });
}

// ---- numbers by t, groups and sums

test("A changed option acts also on a tensor at a t that others have had before the change", () => {
  const [a, b] = [new Float32Array(2), new Float32Array(2)];
  using optimizer = createOptimizer(lines, { a, b }, { lr: 0.5 }, { backend: "js" });
  const g = Float32Array.of(1, 2);
  for (let t = 1; t <= 3; t++) optimizer.step({ a: g });
  optimizer.options.lr = 0.25;
  optimizer.step({ b: g });
  assertEquals(b, anew(new Float32Array(2), [{ g, options: { lr: 0.25 } }]));
});

test("A group's number is its first tensor's, also where its tensors' steps differ", () => {
  const counting: OptimizerPlugin<"counting", object> = {
    kind: "optimizer",
    name: "counting",
    description: "Adds the group's t to the parameter",
    options: {},
    rule: () => ({ slots: { k: { shape: "group", key: "count" } }, update: "k = t\np += k + 0*g" }),
    scalars: () => ({}),
  };
  const [a, b] = [new Float32Array(1), new Float32Array(1)];
  using optimizer = createOptimizer(counting, { a, b }, {}, { backend: "js" });
  const g = Float32Array.of(1);
  optimizer.step({ a: g });
  optimizer.step({ a: g });
  optimizer.step({ a: g, b: g });
  assertEquals([a[0], b[0], optimizer.saveState().tensors["group.0.count"].data[0]], [1 + 2 + 3, 3, 3]);
});

test("A sum over all tensors waits for the texts that come to it in a later round", () => {
  // Matrices are brought to a norm of 1 first, vectors are taken as they are; then all go by their common norm.
  const common: TransformPlugin<"common", object> = {
    kind: "transform",
    name: "common",
    description: "Gradients over their common norm",
    options: {},
    rule: (_, { shape }) => ({ before: `${shape.length > 1 ? "r = norm(g)\ng /= r\n" : ""}n = allnorm(g)\ng /= n` }),
  };
  const descent: OptimizerPlugin<"descent", object> = {
    kind: "optimizer",
    name: "descent",
    description: "Gradient descent",
    options: {},
    rule: () => ({ slots: {}, update: "p -= g" }),
    scalars: () => ({}),
  };
  for (const names of [["matrix", "vector"], ["a_vector", "matrix"]]) {
    const [matrix, vector] = [names.find((name) => name === "matrix")!, names.find((name) => name !== "matrix")!];
    const params = { [matrix]: { data: new Float32Array(4), shape: [2, 2] }, [vector]: new Float32Array(2) };
    using optimizer = createOptimizer(descent, params, {}, { backend: "js", transforms: [{ name: common }] });
    optimizer.step({ [matrix]: { data: Float32Array.of(3, 0, 4, 0), shape: [2, 2] }, [vector]: Float32Array.of(2, 2) });
    // norm(matrix) = 5, so it counts as 1; 1 + 4 + 4 = 9.
    const { [matrix]: m, [vector]: v } = optimizer.params;
    assertEquals([...m.data], [3, 0, 4, 0].map((x) => 0 - Math.fround(Math.fround(x / 5) / 3)));
    assertEquals([...v.data], [2, 2].map((x) => -Math.fround(x / 3)));
  }
});

// ---- texts and numbers that are kept

test("Optimizers of one backend take each other's compiled texts only where all that a text depends on is equal", () => {
  using backend = createBackend("js") as KernelBackend;
  const make = (rule: ReturnType<TransformPlugin["rule"]>, scalars: Record<string, number> = {}): number[] => {
    const plugin: TransformPlugin<"some", object> = {
      kind: "transform",
      name: "some",
      description: "Some text",
      options: {},
      rule: () => rule,
      scalars: () => scalars,
    };
    const p = Float32Array.of(1, 1);
    using optimizer = createOptimizer(lines, { p }, { lr: 1 }, { backend, transforms: [{ name: plugin }] });
    optimizer.step({ p: Float32Array.of(1 / 3, 0) });
    return [...p];
  };
  const rest = Math.fround(1 - Math.fround(1 / 3));
  assertEquals([2, 3].map((times) => make({ last: `p *= ${times}` })), [2, 3].map((times) => [Math.fround(times * rest), times]));
  assertEquals(
    [2, 4].map((times) => make({ before: `g *= ${times}` })[0]),
    [2, 4].map((times) => Math.fround(1 - times * Math.fround(1 / 3))),
  );
  assertEquals(
    [2, 4].map((times) => make({ after: `u *= ${times}` })[0]),
    [2, 4].map((times) => Math.fround(1 - times * Math.fround(1 / 3))),
  );
  const kept = (["float32", "bfloat16"] as const).map((dtype) =>
    make({ slots: { k: { shape: "param", key: "kept", dtype } }, after: "k = u\nu = k" })[0]
  );
  assertEquals(kept, [rest, 1 - 171 / 512]);
  assertEquals(make({ after: "u *= factor" }, { factor: 0 }), [1, 1]);
  assertThrows(() => make({ after: "u *= factor" }), SyntaxError, "factor");
});

test("A group keeps its numbers for as many steps as tensors of one step may differ in, and no more", () => {
  const { groups: [group] } = createState(findNothing, lines, { p: numbers(5, 1) }, {}, { backend: "js" });
  for (let t = 1; t <= 200; t++) {
    assertEquals(numbersAt(group, t).t, t);
    assert(group.numbers.size <= 64);
  }
});

test("Of gradients that take turns two are read where they lie, and the others are copied: a plan for each is not made", () => {
  for (const name of available()) {
    using backend = createBackend(name) as KernelBackend;
    let made = 0;
    const counting: KernelBackend = { ...backend, disposed: false, plan: (items) => (made++, backend.plan(items)) };
    const p = backend.allocate(300);
    const lying = Array.from({ length: 5 }, () => backend.allocate(300));
    using optimizer = createOptimizer(lines, { p }, {}, { backend: counting });
    for (let k = 0; k < 20; k++) optimizer.step({ p: lying[k % 5] });
    assert(made <= 3, `backend ${name} made ${made} plans`);
  }
});
