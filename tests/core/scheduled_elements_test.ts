import { test } from "node:test";
import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { builtins, createBackend } from "../../mod.ts";

const cycle = { maxLr: 0.85, divFactor: 0.85 / 0.95, finalDivFactor: 1, totalSteps: 11, pctStart: 0.5 };

test("an element of an option that is a list follows a schedule of its own, beside one of another option", () => {
  using backend = createBackend("js");
  using optimizer = builtins.createOptimizer("adamw", { w: new Float32Array([1]) }, { lr: 0.1, betas: [0.9, 0.99] }, {
    backend,
    schedules: {
      lr: { name: "one_cycle", options: { maxLr: 0.1, totalSteps: 11, pctStart: 0.5 } },
      "betas[0]": { name: "one_cycle", options: cycle },
    },
  });
  const schedule = builtins.createSchedule("one_cycle", cycle);
  for (let step = 0; step < 11; step++) {
    assertEquals(optimizer.groups[0].current.betas, [schedule(step), 0.99]);
    assertEquals(optimizer.groups[0].options.betas, [0.9, 0.99]);
    optimizer.step({ w: new Float32Array([1]) });
  }
});

test("steps with a scheduled element are those of an optimizer whose option is assigned", () => {
  using backend = createBackend("js");
  const [a, b] = [new Float32Array([1, -2]), new Float32Array([1, -2])];
  const factor = (step: number) => 1 - step / 20;
  using scheduled = builtins.createOptimizer("adamw", { w: a }, { betas: [0.8, 0.9] }, {
    backend,
    schedules: { "betas[0]": () => 0.5, "betas[1]": factor },
  });
  using assigned = builtins.createOptimizer("adamw", { w: b }, { betas: [0.8, 0.9] }, { backend });
  for (let step = 0; step < 5; step++) {
    assigned.groups[0].options.betas = [0.4, 0.9 * factor(step)];
    for (const optimizer of [scheduled, assigned]) optimizer.step({ w: new Float32Array([0.5, step]) });
  }
  assertEquals(a, b);
});

test("each group's own element is the base value, and two elements follow two schedules", () => {
  using backend = createBackend("js");
  using optimizer = builtins.createOptimizer("adamw", { a: new Float32Array(1), b: new Float32Array(1) }, { betas: [0.9, 0.5] }, {
    backend,
    groups: [{ match: ["a"] }, { match: ["b"], options: { betas: [0.6, 0.4] } }],
    schedules: { "betas[0]": () => 0.5, "betas[1]": { name: "cosine_annealing", options: { tMax: 1, etaMin: 0.25, end: "hold" } } },
  });
  assertEquals(optimizer.groups.map(({ current }) => current.betas), [[0.45, 0.5], [0.3, 0.4]]);
  optimizer.step({ a: new Float32Array([1]), b: new Float32Array([1]) });
  for (const { current } of optimizer.groups) assertAlmostEquals(current.betas[1], 0.25, 1e-15);
});

test("a metric schedule of an element goes on from a saved state", () => {
  using backend = createBackend("js");
  const grow = () =>
    builtins.createOptimizer("adamw", { w: new Float32Array([1]) }, { betas: [0.8, 0.9] }, {
      backend,
      schedules: { "betas[0]": { name: "reduce_lr_on_plateau", options: { factor: 0.5, patience: 0 } } },
    });
  using one = grow();
  for (const loss of [1, 1]) one.update(loss);
  using other = grow();
  other.loadState(one.saveState());
  assertEquals(other.groups[0].current.betas, [0.4, 0.9]);
});

test("a schedule of an element is refused where there is none, and where it leaves the option's range", () => {
  using backend = createBackend("js");
  const make = (schedules: object) =>
    builtins.createOptimizer("adamw", { w: new Float32Array([1]) }, {}, { backend, schedules: schedules as Record<string, () => number> });
  assertThrows(() => make({ "betas[2]": () => 1 }), TypeError, "betas[2]");
  assertThrows(() => make({ "lr[0]": () => 1 }), TypeError, "lr[0]");
  assertThrows(() => make({ "gammas[0]": () => 1 }), TypeError, "gammas[0]");
  assertThrows(() => make({ betas: () => 1 }), TypeError, "betas");
  const error = assertThrows(() => make({ "betas[0]": () => 2 }), RangeError, "betas[0] = 1.8") as RangeError & { option?: string };
  assertEquals(error.option, "betas[0]");
});
