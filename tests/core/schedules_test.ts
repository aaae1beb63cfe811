/**
 * Schedules at work in an optimizer: several at once, in several groups, and their part of a state that is refused.
 *
 * @module
 */
import { test } from "node:test";
import { assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { createOptimizer } from "../../core/optimizer/optimizer.ts";
import type { OptimizerPlugin } from "../../core/plugin/contract.ts";
import type { MetricSchedule, Settings } from "../../core/types.ts";
import { builtins } from "../../mod.ts";
import { adamw, type AdamWOptions } from "../../plugins/optimizers/adamw.ts";

const numbers = (n: number, from: number): Float32Array => Float32Array.from({ length: n }, (_, i) => (from + i) % 7 - 3 + i / 64);
const params = (): Record<string, Float32Array> => ({ a: numbers(6, 1), b: numbers(9, 4), c: numbers(3, 5) });
const gradsAt = (t: number): Record<string, Float32Array> => ({ a: numbers(6, t), b: numbers(9, 2 * t), c: numbers(3, 5 + t) });

const schedules = {
  lr: (step: number) => 1 / (1 + step),
  weightDecay: (step: number) => step % 3,
  eps: (step: number) => 1 + step,
};
const base = { lr: 0.1, weightDecay: 0.25, eps: 1e-3 };

for (const order of [["lr", "weightDecay", "eps"], ["eps", "lr", "weightDecay"], ["weightDecay", "eps", "lr"]] as const) {
  test(`Schedules of ${order.join(", ")} act together, as if each value were assigned before its step`, () => {
    const [scheduled, assigned] = [params(), params()];
    const own = { weightDecay: 0.5, eps: 0.25 };
    using first = createOptimizer(adamw, scheduled, base, {
      backend: "js",
      groups: [{ match: "b", options: own }],
      schedules: Object.fromEntries(order.map((option) => [option, schedules[option]])),
    });
    using second = createOptimizer(adamw, assigned, base, { backend: "js", groups: [{ match: "b", options: own }] });
    for (let step = 0; step < 7; step++) {
      for (const option of order) {
        second.options[option] = base[option] * schedules[option](step);
        if (option !== "lr") second.groups[0].options[option] = own[option] * schedules[option](step);
      }
      assertEquals(first.groups.map(({ current }) => ({ ...current })), second.groups.map(({ current }) => ({ ...current })));
      first.step(gradsAt(step + 1));
      second.step(gradsAt(step + 1));
      assertEquals(scheduled, assigned, `step ${step}`);
    }
  });
}

test("Schedules of a step and of a metric act together, the metric's with a factor for each group", () => {
  let factors = [1, 1, 1];
  const plateau: MetricSchedule = { update: (metric) => void (factors = [metric, metric / 2, metric / 4]), factors: () => factors };
  const [scheduled, assigned] = [params(), params()];
  const groups = [{ match: "a", options: { lr: 0.5 } }, { match: "c" }];
  using first = createOptimizer(adamw, scheduled, base, {
    backend: "js",
    groups,
    schedules: { weightDecay: schedules.weightDecay, lr: plateau },
  });
  using second = createOptimizer(adamw, assigned, base, { backend: "js", groups });
  for (let step = 0; step < 5; step++) {
    if (step > 1) first.update(step);
    second.options.weightDecay = base.weightDecay * schedules.weightDecay(step);
    second.groups.forEach(({ options }, i) => options.lr = [0.5, base.lr, base.lr][i] * factors[i]);
    first.step(gradsAt(step + 1));
    second.step(gradsAt(step + 1));
    assertEquals(first.groups.map(({ current }) => current.lr), second.groups.map(({ options }) => options.lr));
    assertEquals(scheduled, assigned, `step ${step}`);
  }
});

// ---- a state that is refused for its schedules

const plateau = { name: "reduce_lr_on_plateau", options: { patience: 0, factor: 0.5 } };
const plateaus: Settings<object> = {
  backend: "js",
  groups: [{ match: "b" }],
  schedules: { lr: plateau, weightDecay: plateau, eps: plateau },
} as Settings<object>;

for (const refused of ["lr", "weightDecay", "eps"]) {
  for (const [what, text] of [["is no JSON", "{"], ["is another schedule's", "{}"], ["is of other groups", undefined]] as const) {
    test(`A state whose schedule of ${refused} ${what} leaves tensors, counts and all schedules as they were`, () => {
      const train = (steps: number, settings = plateaus, p = params()) => {
        const optimizer = builtins.createOptimizer("adamw", p, base, settings as never);
        for (let t = 1; t <= steps; t++) {
          optimizer.step(gradsAt(t));
          optimizer.update(t);
        }
        return optimizer;
      };
      using other = train(5);
      using apart = train(5, { ...plateaus, groups: [{ match: "b" }, { match: "c" }] });
      const { tensors, metadata } = other.saveState();
      const key = `schedule.${refused}`;
      const wrong = text ?? apart.saveState().metadata[key];
      const p = params();
      using optimizer = train(2, plateaus, p);
      const [before, values, steps] = [optimizer.saveState(), structuredClone(p), optimizer.steps];
      const current = optimizer.groups.map(({ current }) => ({ ...current }));
      assertNotEquals(metadata, before.metadata);
      assertThrows(() => optimizer.loadState({ tensors, metadata: { ...metadata, [key]: wrong } }));
      assertEquals(optimizer.saveState(), before);
      assertEquals([p, optimizer.steps], [values, steps]);
      assertEquals(optimizer.groups.map(({ current }) => ({ ...current })), current);
      // And the same state, whole, is taken.
      optimizer.loadState({ tensors, metadata });
      assertEquals(optimizer.saveState(), other.saveState());
    });
  }
}

test("A state whose schedule is refused leaves the count of a group as it was", () => {
  const counting: OptimizerPlugin<"counting", { lr?: number }> = {
    kind: "optimizer",
    name: "counting",
    description: "Adds t to the parameter",
    counts: "group",
    options: { lr: { default: 1, description: "Learning rate" } },
    rule: () => ({ slots: {}, update: "p += lr*t + 0*g" }),
    scalars: ({ lr }) => ({ lr }),
  };
  const make = (p: Record<string, Float32Array>) =>
    builtins.with(counting).createOptimizer("counting", p, {}, {
      backend: "js",
      schedules: { lr: { name: "reduce_lr_on_plateau", options: {} } },
    });
  const p = params();
  using optimizer = make(p);
  using other = make(params());
  for (let t = 1; t <= 9; t++) other.step(gradsAt(t));
  optimizer.step(gradsAt(1));
  const { tensors, metadata } = other.saveState();
  assertThrows(() => optimizer.loadState({ tensors, metadata: { ...metadata, "schedule.lr": "{}" } }));
  const before = p.a.slice();
  optimizer.step(gradsAt(2));
  assertEquals(p.a, before.map((x) => x + 2)); // t is 2, and not 10
});

// ---- options that are arrays

test("An array option that is assigned anew acts at the next step", () => {
  const [changed, made] = [params(), params()];
  using first = createOptimizer(adamw, changed, { ...base, betas: [0.9, 0.999] }, { backend: "js", groups: [{ match: "b" }] });
  first.step(gradsAt(1));
  const state = first.saveState();
  first.options.betas = [0.5, 0.75];
  assertEquals(first.groups.map(({ current }) => current.betas), [[0.5, 0.75], [0.5, 0.75]]);
  first.step(gradsAt(2));
  using second = createOptimizer(adamw, made, { ...base, betas: [0.5, 0.75] }, { backend: "js", groups: [{ match: "b" }] });
  second.loadState(state);
  second.step(gradsAt(2));
  assertEquals(changed, made);
  // Only the second element differs, and only in one group.
  const again = first.saveState();
  first.groups[0].options.betas = [0.5, 0.25];
  first.step(gradsAt(3));
  using third = createOptimizer(adamw, made, { ...base, betas: [0.5, 0.75] }, {
    backend: "js",
    groups: [{ match: "b", options: { betas: [0.5, 0.25] } }],
  });
  third.loadState(again);
  third.step(gradsAt(3));
  assertEquals(changed, made);
});

test("An array option that is assigned anew acts beside a schedule whose value stays", () => {
  const [changed, made] = [params(), params()];
  const settings: Settings<AdamWOptions> = { backend: "js", schedules: { lr: () => 1 } };
  using first = createOptimizer(adamw, changed, { ...base, betas: [0.9, 0.999] }, settings);
  let state = first.saveState();
  for (const betas of [[0.9, 0.5], [0.25, 0.5], [0.25, 0.999]] as const) {
    first.options.betas = betas;
    first.step(gradsAt(1));
    using second = createOptimizer(adamw, made, { ...base, betas }, settings);
    second.loadState(state);
    second.step(gradsAt(1));
    assertEquals(changed, made, `betas ${betas}`);
    state = first.saveState();
  }
});

test("An array option that the rule's text is made of may change in any element", () => {
  const powers: OptimizerPlugin<"powers", { factors?: readonly [number, number] }> = {
    kind: "optimizer",
    name: "powers",
    description: "Gradient descent by numbers in the text",
    options: { factors: { default: [1, 1], description: "Of the gradient, of the parameter" } },
    rule: ({ factors: [ofG, ofP] }) => ({ slots: {}, update: `p -= ${ofG}*g + ${ofP}*p` }),
    scalars: () => ({}),
  };
  const w = Float32Array.of(8);
  using optimizer = createOptimizer(powers, { w }, {}, { backend: "js" });
  const seen: number[] = [];
  for (const factors of [[1, 1], [1, 0.5], [2, 0.5], [2, 0]] as const) {
    optimizer.options.factors = factors;
    optimizer.step({ w: Float32Array.of(1) });
    seen.push(w[0]);
  }
  assertEquals(seen, [-1, -1.5, -2.75, -4.75]);
});

test("An array that was given as an option and is changed later changes no option", () => {
  const [kept, changed] = [params(), params()];
  const betas: [number, number] = [0.9, 0.999];
  const own: [number, number] = [0.8, 0.99];
  using first = createOptimizer(adamw, kept, { betas: [0.9, 0.999] }, {
    backend: "js",
    groups: [{ match: "b", options: { betas: [0.8, 0.99] } }],
  });
  using second = createOptimizer(adamw, changed, { betas }, { backend: "js", groups: [{ match: "b", options: { betas: own } }] });
  betas[0] = own[0] = 0;
  const stepBoth = (t: number): void => {
    first.step(gradsAt(t));
    second.step(gradsAt(t));
    assertEquals(changed, kept);
  };
  stepBoth(1);
  const assigned: [number, number] = [0.5, 0.5];
  first.options.betas = [0.5, 0.5];
  second.options.betas = assigned;
  assigned[1] = 0;
  stepBoth(2);
  second.options.lr = first.options.lr = 0.5; // all options are read anew
  stepBoth(3);
  assertEquals(second.options.betas, [0.5, 0.5]);
});

// ---- a schedule of values and a base value of the same option

const values = Object.assign((step: number) => 1 + step, { returns: "value" as const });
const byGroup = {
  "by its second parameter": Object.assign((step: number, group: number) => group + step, { returns: "value" as const }),
  "by a second parameter with a default": Object.assign((step: number, group = 0) => 2 * group + step, { returns: "value" as const }),
};
const built = (settings: Settings<AdamWOptions>) => createOptimizer(adamw, params(), base, { backend: "js", ...settings });

test("A schedule of values refuses a group that sets its option, whichever way it is made, with a TypeError that names the group", () => {
  const named = { name: "cosine_decay", options: { initialLearningRate: 0.1, decaySteps: 9 } };
  for (const weightDecay of [values, named]) {
    const groups = [{ match: "a" }, { match: "b", options: { weightDecay: 0 } }];
    const thrown = assertThrows(
      () => builtins.createOptimizer("adamw", params(), base, { backend: "js", groups, schedules: { weightDecay } }),
      TypeError,
      "group 1 sets it",
    );
    assertEquals({ ...thrown }, { plugin: "adamw", option: "weightDecay", group: 1 } as unknown as typeof thrown);
  }
  built({ groups: [{ match: "b", options: { weightDecay: undefined, lr: 1 } }], schedules: { weightDecay: values } })[Symbol.dispose]();
});

test("A schedule of values refuses that its option is assigned later, in the optimizer and in a group, and nothing has changed", () => {
  using optimizer = built({ groups: [{ match: "b" }], schedules: { weightDecay: values } });
  for (const { options } of [optimizer, ...optimizer.groups]) {
    assertThrows(() => options.weightDecay = 0.5, TypeError, "its schedule gives values");
    options.lr = 0.5;
  }
  assertEquals(optimizer.options.weightDecay, base.weightDecay);
  assertEquals(optimizer.groups[0].current.weightDecay, 1);
});

for (const [how, schedule] of Object.entries(byGroup)) {
  test(`A schedule of values that knows groups ${how} may meet a group's own value, and gives each group its own`, () => {
    using optimizer = built({ groups: [{ match: "b", options: { eps: 1 } }, { match: "c" }], schedules: { eps: schedule } });
    const before = optimizer.groups.map(({ current }) => current.eps);
    assertEquals(before, [0, 1, 2].map((group) => schedule(0, group)));
    optimizer.step(gradsAt(1));
    assertEquals(optimizer.groups.map(({ current }) => current.eps), [0, 1, 2].map((group) => schedule(1, group)));
    // What is assigned later it never hears of.
    for (const [group, { options }] of [optimizer.groups[0], optimizer].entries()) {
      const thrown = assertThrows(() => options.eps = 3, TypeError, "its schedule gives values");
      const of = { plugin: "adamw", option: "eps", ...group === 0 && { group } };
      assertEquals({ ...thrown }, of as unknown as typeof thrown);
    }
  });
}

test("A schedule of values that says whether it knows groups is believed, and is not tried at steps that have not come", () => {
  const asked: number[] = [];
  const say = (perGroup: boolean) =>
    Object.assign((step: number, group = 0) => (asked.push(step), group + step), { returns: "value" as const, perGroup });
  const groups = [{ match: "b", options: { eps: 1 } }];
  using optimizer = built({ groups, schedules: { eps: say(true) } });
  assertEquals(optimizer.groups.map(({ current }) => current.eps), [0, 1]);
  assertThrows(() => built({ groups, schedules: { eps: say(false) } }), TypeError, "group 0 sets it");
  assertEquals(asked.filter((step) => step !== 0), []);
});

test("A schedule of factors goes with a group's own value and with later ones", () => {
  using optimizer = built({ groups: [{ match: "b", options: { eps: 1 } }], schedules: { eps: (step) => 1 + step } });
  optimizer.step(gradsAt(1));
  optimizer.groups[0].options.eps = 3;
  optimizer.options.eps = 5;
  assertEquals(optimizer.groups.map(({ current }) => current.eps), [6, 10]);
});

test("A schedule that is undefined is none", () => {
  using optimizer = built({ schedules: { lr: undefined } });
  assertEquals(optimizer.groups[0].current.lr, base.lr);
});

test("A schedule refuses an option that has no number in one group, and names that group's algorithm", () => {
  const groups = [{ match: "b", optimizer: "adafactor" }];
  const thrown = assertThrows(
    () => builtins.createOptimizer("adamw", params(), base, { backend: "js", groups, schedules: { lr: { name: "constant" } } }),
    RangeError,
    `optimizer "adafactor" in group 0`,
  );
  assertEquals({ ...thrown }, { plugin: "adafactor", option: "lr", group: 0 } as unknown as typeof thrown);
});
