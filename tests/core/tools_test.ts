import { test } from "node:test";
import { assertEquals, assertThrows } from "@std/assert";
import { aboutOf } from "../../core/errors.ts";
import type { AccumulatorPlugin, MetricSchedule, Schedule, SchedulePlugin } from "../../core/plugin/contract.ts";
import { createOptimizer } from "../../core/optimizer/optimizer.ts";
import { createRegistry } from "../../core/registry.ts";
import type { Use } from "../../core/types.ts";
import { linear } from "../../plugins/schedules/linear.ts";
import { polynomial } from "../../plugins/schedules/polynomial.ts";
import { reduceLrOnPlateau } from "../../plugins/schedules/reduce_lr_on_plateau.ts";
import { warmup } from "../../plugins/schedules/warmup.ts";
import { descent, listed } from "./plugins.ts";

/** A third party's: another schedule, so many steps later. */
const delayed: SchedulePlugin<"delayed", { by: number; of: Use }, Schedule> = {
  kind: "schedule",
  name: "delayed",
  description: "Another schedule, later",
  options: {
    by: { type: "number", unit: "steps", description: "Steps that it is late" },
    of: { type: "object", holds: "schedule", description: "The other" },
  },
  create({ by, of }, _maths, base, tools) {
    const other = tools.schedule(of, base) as Schedule;
    return (step) => other(Math.max(0, step - by));
  },
};
const registry = createRegistry([delayed, linear, polynomial, listed, warmup]);
const line = { name: "linear", options: { numWarmupSteps: 0, numTrainingSteps: 10 } };

test("A plugin's nested schedule is found by name, and by plugin where there is no registry", () => {
  assertEquals(registry.createSchedule("delayed", { by: 5, of: line })(10), 0.5);
  assertEquals(registry.createSchedule("delayed", { by: 5, of: { ...line, name: linear } })(10), 0.5);
  assertEquals(registry.createSchedule("delayed", { by: 2, of: { name: "delayed", options: { by: 3, of: line } } })(10), 0.5);
  using optimizer = createOptimizer(descent, { w: new Float32Array(1) }, { lr: 8 }, {
    backend: "js",
    schedules: { lr: { name: delayed, options: { by: 5, of: { ...line, name: linear } } } },
  });
  assertEquals(optimizer.groups[0].current.lr, 8);
});

test("A plugin's nested schedule is made over the base values that it is given", () => {
  const of = { name: "polynomial", options: { numWarmupSteps: 0, numTrainingSteps: 10, lrEnd: 2 } };
  assertEquals(registry.createSchedule("delayed", { by: 0, of }, { value: 4, groups: [4] })(10), 0.5);
  assertThrows(() => registry.createSchedule("delayed", { by: 0, of }), RangeError, "lrEnd");
});

for (
  const [what, of, error, text, plugin] of [
    ["an unknown name", { name: "linaer" }, TypeError, 'did you mean "linear"?', "linaer"],
    ["a name alone", "linear", TypeError, "must be of type object", "delayed"],
    ["an unknown key", { ...line, option: {} }, TypeError, '"options"', "delayed"],
    ["an unknown option", { name: "linear", options: { numWarmupStep: 0 } }, TypeError, '"numWarmupSteps"', "linear"],
    ["a missing option", { name: "linear", options: { numWarmupSteps: 0 } }, TypeError, "numTrainingSteps", "linear"],
    ["an option of another type", { name: "linear", options: { ...line.options, numWarmupSteps: "1" } }, TypeError, "number", "linear"],
    ["no schedule", { name: { ...descent } }, TypeError, "optimizer", "descent"],
  ] as const
) {
  test(`A nested schedule with ${what} is refused, and the error says whose it is`, () => {
    const thrown = assertThrows(() => registry.createSchedule("delayed", { by: 0, of: of as Use }), error, text);
    assertEquals(aboutOf(thrown).plugin, plugin);
  });
}

test("TensorFlow's warmup takes Keras' decays by name in any registry, and every other name of its own", () => {
  const decaySchedule = { name: "polynomial_decay", options: { initialLearningRate: 1, decaySteps: 10, endLearningRate: 0 } };
  assertEquals(registry.createSchedule("warmup", { initialLearningRate: 1, warmupSteps: 4, decaySchedule })(9), 0.5);
  assertEquals(registry.createSchedule("warmup", { initialLearningRate: 4, warmupSteps: 4, decaySchedule: line })(9), 2);
});

test("A schedule that follows a metric is told the step, so that one of the step can stand in front of it", () => {
  const warming: SchedulePlugin<"warming", { of: Use }, MetricSchedule> = {
    kind: "schedule",
    name: "warming",
    description: "Four steps of warmup in front of another schedule",
    returns: "metric",
    options: { of: { type: "object", holds: "schedule", description: "The other" } },
    create({ of }, _maths, base, tools) {
      const other = tools.schedule(of, base) as MetricSchedule;
      return {
        update: (metric) => other.update(metric),
        factors: (step = 0) => other.factors(step).map((factor) => factor * Math.min(1, step / 4)),
        get state() {
          return other.state;
        },
        set state(state) {
          other.state = state;
        },
      };
    },
  };
  const make = () =>
    createOptimizer(descent, { w: new Float32Array(1) }, { lr: 8 }, {
      backend: "js",
      schedules: { lr: { name: warming, options: { of: { name: reduceLrOnPlateau, options: { patience: 0, factor: 0.5 } } } } },
    });
  using optimizer = make();
  const lrs = [0, 1, 2, 3, 4].map(() => {
    const { lr } = optimizer.groups[0].current;
    optimizer.step({ w: [1] });
    return lr;
  });
  assertEquals(lrs, [0, 2, 4, 6, 8]);
  for (let i = 0; i < 2; i++) optimizer.update(1);
  using second = make();
  second.loadState(optimizer.saveState());
  assertEquals([optimizer.groups[0].current.lr, second.groups[0].current.lr], [4, 4]);
});

test("A plugin's tensors are checked, and errors name it", () => {
  const seen: unknown[] = [];
  const taking: AccumulatorPlugin<"taking", { given: unknown; fit: boolean }> = {
    kind: "accumulator",
    name: "taking",
    description: "Takes a tensor",
    options: { given: { type: ["array", "object", "string"], description: "What" }, fit: { default: true, description: "For w" } },
    create({ given, fit }, like, _backend, tools) {
      seen.push(tools.tensor("a tensor", given, fit ? tools.tensor("w", like.w) : undefined));
      throw new Error("enough");
    },
  };
  const take = (given: unknown, fit = true) => {
    const like = { w: { data: new Float32Array(6), shape: [2, 3] } };
    return createRegistry([taking]).createAccumulator("taking", { given, fit }, like);
  };
  const data = Float32Array.of(1, 2, 3, 4, 5, 6);
  for (const given of [data, { data }, { data, shape: [2, 3] }, [...data], Float64Array.from(data)]) {
    assertThrows(() => take(given), Error, "enough");
    assertEquals(seen.pop(), { data, shape: [2, 3], dtype: "float32" });
  }
  assertThrows(() => take([1, 0.1], false), Error, "enough");
  assertEquals(seen.pop(), { data: Float32Array.of(1, 0.1), shape: [2], dtype: "float32" });
  for (
    const [given, error, text] of [
      [[1, 2, 3], RangeError, "[2, 3], has 6"],
      [{ data, shape: [3, 2] }, RangeError, "[3, 2]"],
      [{ data: new Uint16Array(6), dtype: "float16" }, RangeError, "float16"],
      [{ data: new Uint16Array(6) }, RangeError, "dtype"],
      [{ data: [1, 2, 3, 4, 5, 6] }, TypeError, "Float32Array"],
      ["six", TypeError, '"six"'],
    ] as const
  ) {
    const thrown = assertThrows(() => take(given), error, text);
    assertEquals([aboutOf(thrown).plugin, thrown.message.includes('a tensor in accumulator "taking"')], ["taking", true]);
  }
});
