/**
 * Plugins with one fault each, and the words in which the kit must name it.
 *
 * @module
 */
import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import type {
  Accumulator,
  AccumulatorPlugin,
  Grads,
  MetricSchedule,
  OptimizerPlugin,
  Plugin,
  Schedule,
  SchedulePlugin,
  TransformPlugin,
} from "../../../core/plugin/contract.ts";
import { sum } from "../../../mod.ts";
import { testAccumulator, testOptimizer, testSchedule, testTransform } from "../../../plugins/testing/mod.ts";

interface MomentumOptions {
  lr?: number;
  momentum?: number;
  nesterov?: boolean;
}
type Momentum = OptimizerPlugin<"my_momentum", MomentumOptions>;

const momentum: Momentum = {
  kind: "optimizer",
  name: "my_momentum",
  description: "Gradient descent with momentum (Polyak 1964)",
  options: {
    lr: { default: 0.1, minimum: 0, unit: "rate", description: "Learning rate" },
    momentum: { default: 0.9, minimum: 0, exclusiveMaximum: 1, description: "Decay of the momentum" },
    nesterov: { default: false, description: "Look one step ahead" },
  },
  rule: ({ nesterov }) => ({
    slots: { m: { shape: "param", key: "momentum_buffer" } },
    update: `
      m  = momentum*m + g
      u  = ${nesterov ? "g + momentum*m" : "m"}
      p -= lr*u
    `,
  }),
  scalars: ({ lr, momentum }) => ({ lr, momentum }),
};

interface WaveOptions {
  length: number;
  least?: number;
}
type Wave = SchedulePlugin<"my_wave", WaveOptions>;

const wave: Wave = {
  kind: "schedule",
  name: "my_wave",
  description: "A cosine wave (arXiv 1608.03983)",
  returns: "factor",
  options: {
    length: { type: "number", exclusiveMinimum: 0, unit: "steps", description: "Steps of a wave" },
    least: { default: 0, minimum: 0, maximum: 1, description: "Least factor" },
  },
  create: ({ length, least }, { cos }) => (step) => least + (1 - least) * (1 + cos(2 * Math.PI * step / length)) / 2,
};

interface HalvingOptions {
  patience?: number;
}
type Halving = SchedulePlugin<"my_halving", HalvingOptions, MetricSchedule>;

/** Halves whenever a metric is not the best for longer than `patience`. */
const halving: Halving = {
  kind: "schedule",
  name: "my_halving",
  description: "Halves when a metric stops to fall, as in torch's ReduceLROnPlateau",
  returns: "metric",
  options: { patience: { default: 2, type: "integer", minimum: 0, unit: "count", description: "Metrics to wait" } },
  create({ patience }, _maths, base) {
    let [best, bad, factor] = [1e300, 0, 1];
    return {
      update(metric) {
        bad = metric < best ? 0 : bad + 1;
        best = Math.min(best, metric);
        if (bad > patience) [bad, factor] = [0, factor / 2];
      },
      factors: () => base.groups.map(() => factor),
      get state() {
        return [best, bad, factor];
      },
      set state(state: unknown) {
        [best, bad, factor] = state as [number, number, number];
      },
    };
  },
};

type Scaling = TransformPlugin<"my_scaling", { norm?: number }>;

const scaling: Scaling = {
  kind: "transform",
  name: "my_scaling",
  description: "Divides the gradient by its norm; own work of 2024",
  options: { norm: { default: 1, exclusiveMinimum: 0, description: "Norm afterwards" } },
  rule: () => ({ before: "n  = norm(g)\ng *= norm1/(n + 1e-6)" }),
  scalars: ({ norm }) => ({ norm1: norm }),
};

/** A sum with some of its functions changed. */
function summing(change: (accumulator: Accumulator) => Partial<Accumulator>): AccumulatorPlugin {
  return {
    ...sum as AccumulatorPlugin,
    name: "my_sum",
    create(options, like, backend, tools) {
      const made = sum.create(options as { every: number | null }, like, backend, tools);
      const own = change(made);
      // Getters are handed on as they are.
      return Object.defineProperties(Object.create(made) as Accumulator, Object.getOwnPropertyDescriptors(own));
    },
  };
}

const count = (() => {
  let calls = 0;
  return () => ++calls;
})();

const withOption = (name: string, spec: object): OptimizerPlugin => ({
  ...momentum as OptimizerPlugin,
  options: { ...momentum.options, [name]: spec },
});
const withRule = (rule: Momentum["rule"]): Momentum => ({ ...momentum, rule });
const withScalars = (scalars: Momentum["scalars"]): Momentum => ({ ...momentum, scalars });
const withCheck = (check: NonNullable<Momentum["check"]>): Momentum => ({ ...momentum, check });
const withCreate = (create: Wave["create"]): Wave => ({ ...wave, create });
const withFollowing = (create: Halving["create"]): Halving => ({ ...halving, create });
const withText = (update: string): Momentum => withRule(() => ({ slots: { m: { shape: "param", key: "m" } }, update }));
const withCurve = (curve: (step: number, length: number) => number): Wave => ({
  ...wave,
  create: ({ length, least }) => (step) => least + curve(step, length),
});
const unknown = <P>(plugin: object): P => plugin as unknown as P;

/** What is broken, the plugin, and words of the fault. */
const broken: readonly (readonly [what: string, plugin: Plugin | null, words: RegExp])[] = [
  ["no object", null, /null is no plugin/],
  ["another kind", unknown<OptimizerPlugin>({ ...momentum, kind: "optimiser" }), /kind is "optimiser"/],
  ["a name with blanks", unknown<OptimizerPlugin>({ ...momentum, name: "My momentum!" }), /name is "My momentum!"/],
  ["an empty description", { ...momentum, description: "" }, /its description is empty/],
  ["a description of two lines", { ...momentum, description: "Momentum\nof Polyak 1964" }, /description has several lines/],
  ["no source", { ...momentum, description: "Momentum" }, /names no source/],
  ["an empty source", { ...momentum, source: " " }, /its source is empty/],
  ["no rule", unknown<OptimizerPlugin>({ ...momentum, rule: undefined }), /no function rule\(\)/],
  ["no scalars", unknown<OptimizerPlugin>({ ...momentum, scalars: undefined }), /no function scalars\(\)/],
  ["a misspelt member", unknown<OptimizerPlugin>({ ...momentum, chek: () => {} }), /member "chek".*did you mean "check"/],
  ["a member that means nothing", unknown<OptimizerPlugin>({ ...momentum, version: 1 }), /member "version"/],
  ["a default out of its own range", withOption("lr", { default: -1, minimum: 0, description: "Rate" }), /lr = -1/],
  ["an option without a description", withOption("lr", { default: 0.1 }), /description of option "lr"/],
  ["an option of no known type", withOption("lr", { description: "Rate" }), /type of option "lr" is not known/],
  ["a type that is none", withOption("lr", { default: 0.1, type: "float", description: "Rate" }), /type of option "lr" is "float"/],
  ["a spec with an unknown key", withOption("lr", { default: 0.1, min: 0, description: "Rate" }), /no "min"/],
  ["an unknown unit", withOption("lr", { default: 0.1, unit: "meters", description: "Rate" }), /unit of option "lr".*"meters"/],
  ["a default that is no JSON", withOption("lr", { default: Infinity, description: "Rate" }), /default of option "lr" is Infinity.*JSON/],
  ["an empty range", withOption("lr", { type: "number", minimum: 2, maximum: 1, description: "Rate" }), /range of option "lr" is empty/],
  ["bounds on a boolean", withOption("nesterov", { default: false, minimum: 0, description: "Ahead" }), /"nesterov" has bounds/],
  ["a default that its enum leaves out", withOption("lr", { default: 0.1, enum: [1, 2], description: "Rate" }), /lr = 0.1.*one of 1, 2/],
  ["an option without effect", withOption("dampening", { default: 0, description: "Of the gradient" }), /"dampening" changes nothing/],
  [
    "a null default that its type leaves out",
    withOption("x", { default: null, type: "number", description: "X" }),
    /default of option "x" is null/,
  ],
  [
    "defaults that check refuses",
    withCheck(() => {
      throw new RangeError("Cannot use these");
    }),
    /refuses its own defaults: RangeError: Cannot use these/,
  ],
  [
    "a check that throws a text",
    withCheck(({ nesterov }) => {
      if (nesterov) throw "no"; // deno-lint-ignore-line no-throw-literal -- the fault
    }),
    /check\(\) with nesterov = true throws no, which is no Error/,
  ],
  [
    "a rule that changes options",
    withRule((options, info) => {
      (options as { lr: number }).lr /= 2;
      return momentum.rule(options, info);
    }),
    /rule\(\).*changes the options.*lr was 0.1 and is 0.05/,
  ],
  [
    "scalars that change options",
    withScalars((options) => {
      const { lr, momentum } = options;
      (options as { lr: number }).lr = 0;
      return { lr, momentum };
    }),
    /scalars\(\).*changes the options/,
  ],
  ["a text that does not parse", withText("p -= lr*"), /compiling the rule.*SyntaxError/],
  ["a name that is not known in the text", withText("u = g\np -= rate*u"), /SyntaxError.*rate/],
  [
    "a text that is wrong under an option",
    withRule((options, info) => ({
      ...momentum.rule(options, info),
      ...options.nesterov && { update: "p -= speed*g" },
    })),
    /with nesterov = true.*speed/,
  ],
  [
    "a rule that fails for vectors",
    withRule((options, info) => {
      const cols = info.shape.length === 1 ? info.shape[1].toFixed() : "0";
      return { ...momentum.rule(options, info), ...cols === "" && { update: "" } };
    }),
    /rule\(\) for a float32 tensor of shape \[7\] .*throws/,
  ],
  [
    "a rule that counts its calls",
    withRule((options, info) => ({
      ...momentum.rule(options, info),
      update: `u = g + ${count()}\np -= lr*u + 0*momentum`,
    })),
    /rule\(\).*asked again/,
  ],
  ["a rule without a text", withText(""), /update text has no line/],
  ["an unknown key in a rule", withRule(() => unknown({ slots: {}, update: "p -= lr*g", latest: "" })), /no "latest"/],
  [
    "two slots under one key",
    withRule(() => ({
      slots: { m: { shape: "param", key: "buffer" }, v: { shape: "param", key: "buffer" } },
      update: "m = momentum*m + g\nv = m\nu = v\np -= lr*u",
    })),
    /slots "m" and "v" are both saved as "buffer"/,
  ],
  [
    "a slot that is saved as the count",
    withRule(() => ({
      slots: { m: { shape: "param", key: "step" } },
      update: "m = momentum*m + g\nu = m\np -= lr*u",
    })),
    /saved as "step"/,
  ],
  [
    "a slot that is not saved",
    withRule(() => ({
      slots: { m: { shape: "param", key: null } },
      update: "m = momentum*m + g\nu = m\np -= lr*u",
    })),
    /saved after step 3 and resumed/,
  ],
  ["scalars with a counter", withScalars(({ lr, momentum }) => ({ lr: lr / count(), momentum })), /scalars\(\) at t = 1.*asked again/],
  ["scalars that keep the greatest step", keepingSteps(), /scalars\(\) at t = 2 gives .* when later steps were asked, and before gave/],
  ["scalars that are no numbers", withScalars(({ lr, momentum }) => unknown({ lr: String(lr), momentum })), /gives lr = "0.1"/],
  [
    "scalars whose names change",
    withScalars(({ lr, momentum }, t) => ({ lr, momentum, ...t > 2 && { more: 1 } })),
    /names must stay/,
  ],
  [
    "scalars that throw",
    withScalars(() => {
      throw new Error("broken");
    }),
    /scalars\(\) at t = 1 throws Error: broken/,
  ],
  ["powers of the engine", withScalars(({ lr, momentum }, t) => ({ lr: lr / Math.pow(t, 0.5), momentum })), /Math\.pow/],
  ["powers of the engine, by their sign", withScalars(({ lr, momentum }, t) => ({ lr: lr / t ** 0.5, momentum })), /\*\*/],
  ["random numbers", withScalars(({ lr, momentum }) => ({ lr: lr * Math.random(), momentum })), /Math\.random/],
  [
    "the value of a rate in the text",
    withRule(({ lr }) => ({
      slots: { m: { shape: "param", key: "m" } },
      update: `m = momentum*m + g\nu = m\np -= ${lr}*u`,
    })),
    /text holds the value of lr/,
  ],
  ["a division of 0 by 0", withText("m = momentum*m + g\nu = m/sqrt(m*m)\np -= lr*u"), /after 6 steps whose gradient is 0.*NaN/],
  ["an overflow", withText("m = 1e30*m + 1e30*g\nu = momentum*m\np -= lr*u"), /steps with ordinary gradients/],
  ["steps uphill", withText("m = momentum*m + g\nu = m\np += lr*u"), /lead uphill/],
  ["no step at all", withText("m = momentum*m + lr*g"), /move no parameter/],
  [
    "a rate that is kept from the first call",
    (() => {
      let first: number | undefined;
      return withScalars(({ lr, momentum }) => ({ lr: first ??= lr, momentum }));
    })(),
    /scheduled lr|schedule of lr/,
  ],
  ["a reading that is no number", { ...momentum, reading: () => "much" as unknown as number }, /reading\(\) gives "much"/],
  ["a point that does not compile", withRule((options, info) => ({ ...momentum.rule(options, info), points: { eval: "p = q" } })), /q/],
  [
    "a schedule with a counter",
    (() => {
      let calls = 0;
      return { ...wave, create: ({ length, least }) => () => least + ++calls / length } satisfies Wave;
    })(),
    /asked backwards/,
  ],
  [
    "a schedule that follows its own last value",
    withCreate(({ length, least }) => {
      let value = 1;
      return () => least + (value *= 1 - 1 / length);
    }),
    /asked backwards/,
  ],
  ["a schedule that gives NaN", withCurve((step, length) => step / (step - length) * 0), /at step 10 it gives NaN/],
  ["a schedule that gives Infinity", withCurve((step, length) => length / Math.max(0, 100 - step)), /at step 100 it gives Infinity/],
  [
    "a schedule that gives texts",
    withCreate(({ length, least }) => unknown<Schedule>((step: number) => `${length - step - least}`)),
    /it must be a number/,
  ],
  ["a schedule that gives nothing", withCreate(unknown<Wave["create"]>(() => undefined)), /what schedule "my_wave" makes/],
  ["a schedule that is no schedule", withCreate(unknown<Wave["create"]>(() => ({ at: () => 1 }))), /what schedule "my_wave" makes/],
  ["a schedule of another kind than it says", { ...wave, returns: "value" }, /returns "factor", where its plugin says "value"/],
  [
    "a schedule that refuses its beginning",
    withCurve((step, length) => {
      if (step < 1) throw new RangeError("Cannot be asked for step 0");
      return length / step;
    }),
    /at step 0 it throws RangeError/,
  ],
  [
    "a schedule that refuses a step in its middle",
    withCurve((step, length) => {
      if (step === length) throw new RangeError("Cannot be asked for its peak");
      return length / (step + 1);
    }),
    /at step 10 it throws RangeError.*later steps have values/,
  ],
  [
    "a schedule that throws another error past its end",
    withCurve((step, length) => {
      if (step > length) throw new Error("done");
      return step / length;
    }),
    /throws Error: done.*RangeError says so/,
  ],
  [
    "a schedule that changes its options",
    withCreate((options) => {
      const { length, least } = options;
      (options as { length: number }).length = 0;
      return (step) => least + 1 / (1 + step / length);
    }),
    /changes the options.*length was 10 and is 0/,
  ],
  [
    "a schedule that changes its base",
    withCreate(({ length, least }, _maths, base) => {
      (base.groups as number[]).push(1);
      return (step) => least + 1 / (1 + step / length);
    }),
    /changes the base values/,
  ],
  [
    "a schedule whose options are those of the last that was made",
    (() => {
      let last = 0;
      return withCreate(({ length, least }) => {
        last = length;
        return (step) => least + 1 / (1 + step / last);
      });
    })(),
    /once another one with length = \S+ was made.*each schedule is its own/,
  ],
  [
    "a simpler form that is another schedule",
    { ...wave, simplify: ({ least }) => least === 0 ? { name: "constant" } : undefined } as Wave,
    /simplify\(\) gives \{.*constant.*whose values are others/,
  ],
  [
    "a rebase that forgets a length",
    { ...wave, rebase: ({ length }) => ({ length }) } as Wave,
    /rebase\(\) from 120 to 1200 updates gives \{.*whose value at step \d+ is .*a share keeps its value/,
  ],
  [
    "a rebase whose options are refused",
    { ...wave, rebase: () => ({ length: -1 }) } as Wave,
    /rebase\(\) from 120 to 1200 updates.*length/,
  ],
  [
    "a transform that holds every step back",
    { ...scaling, rule: () => ({ before: "n  = allnorm(g)\nb  = n*norm1 > 0", hold: "b" }) },
    /10 steps with ordinary gradients are all held back/,
  ],
  ["cosines of the engine", withCreate(({ length, least }) => (step) => least + Math.cos(step / length)), /Math\.cos/],
  [
    "groups that cannot be told",
    withCreate(({ length, least }) => (...asked: [step: number, group?: number]) => least + ((asked[1] ?? 0) + asked[0]) / length),
    /groups get different values/,
  ],
  [
    "groups that it denies",
    withCreate(({ length, least }) =>
      Object.assign((step: number, group?: number) => least + (group ?? 0) + step / length, { perGroup: false })
    ),
    /perGroup says that they do not/,
  ],
  [
    "a slip in create",
    withCreate(({ length, least }) => {
      const table = least > 0 ? undefined : [1];
      return (step) => table!.length * length / (step + length) + least;
    }),
    /asking it for step 0 with least = 1.*slip in the plugin/,
  ],
  [
    "a metric schedule without a state",
    withFollowing((...asked) => {
      const { update, factors } = halving.create(...asked);
      return { update, factors };
    }),
    /has no state/,
  ],
  [
    "a metric schedule whose state leaves something out",
    withFollowing((...asked) => {
      const made = halving.create(...asked);
      return {
        update: (metric) => made.update(metric),
        factors: () => made.factors(),
        get state() {
          return made.state;
        },
        set state(state: unknown) {
          made.state = [1e300, 0, (state as number[])[2]];
        },
      };
    }),
    /resumed from its state/,
  ],
  [
    "a metric schedule with a factor for one group",
    withFollowing((...asked) => {
      const made = halving.create(...asked);
      return Object.assign(Object.create(made), { factors: () => made.factors().slice(0, 1) });
    }),
    /a number for each group/,
  ],
  [
    "metric schedules that share",
    (() => {
      let bad = 0;
      return {
        ...halving,
        create: ({ patience }, _maths, base) => ({
          update: () => void bad++,
          factors: () => base.groups.map(() => 1 / (1 + bad * patience)),
          state: 0,
        }),
      } satisfies Halving;
    })(),
    /two schedules differ/,
  ],
  [
    "a metric schedule that changes when asked",
    withFollowing((...asked) => {
      const made = halving.create(...asked);
      let calls = 0;
      return Object.assign(Object.create(made), { factors: () => made.factors().map((factor) => factor / ++calls) });
    }),
    /asked twice/,
  ],
  ["a transform without a text", { ...scaling, rule: () => ({}) }, /has no text/],
  ["a transform that divides by 0", { ...scaling, rule: () => ({ before: "g *= norm1/norm(g)" }) }, /gradient is 0.*NaN/],
  ["a transform with an unknown name", { ...scaling, rule: () => ({ before: "g *= norm2" }) }, /norm2/],
  ["a transform with a counter", { ...scaling, scalars: () => ({ norm1: count() }) }, /scalars\(\).*asked again/],
  ["a transform with an unknown key", { ...scaling, rule: () => unknown({ update: "g = 0*g" }) }, /no "update"/],
  ["a transform whose memory is not saved", {
    ...scaling,
    rule: () => ({
      slots: { s: { shape: "param", key: null } },
      before: "s = 0.5*s + g\ng = norm1*s",
    }),
  }, /saved after step 3 and resumed/],
  ["a transform whose memory is saved under another's key", {
    ...scaling,
    rule: () => ({ slots: { s: { shape: "param", key: "exp_avg" } }, before: "s = 0.5*s + norm1*g\ng = s" }),
  }, /a step of optimizer "adamw" with it throws TypeError.*exp_avg/],
  ["an accumulator without merge", summing(() => ({ merge: undefined })), /no function merge\(\)/],
  [
    "an accumulator that keeps the caller's arrays",
    { ...sum as AccumulatorPlugin, name: "my_sum", create: keeping },
    /follow arrays that the caller changed/,
  ],
  ["an accumulator that ignores weights", summing((made) => ({ add: (grads) => made.add(grads) })), /weight 2/],
  [
    "an accumulator that says nothing",
    summing((made) => ({ add: (grads, weight) => void made.add(grads, weight) as unknown as boolean })),
    /add\(\) gives undefined/,
  ],
  [
    "an accumulator that counts wrongly",
    summing((made) => ({
      get count() {
        return 2 * made.count;
      },
    })),
    /after one add its count is 2/,
  ],
  [
    "an accumulator whose reset keeps the sums",
    summing((made) => {
      let taken = 0;
      return {
        get count() {
          return made.count - taken;
        },
        get weight() {
          return made.weight - taken;
        },
        reset() {
          taken = made.count;
        },
      };
    }),
    /reset\(\)/,
  ],
  [
    "an accumulator that takes negative weights",
    summing((made) => ({ add: (grads, weight = 1) => made.add(grads, weight < 0 ? 1 : weight) })),
    /the weight -1 is taken/,
  ],
  [
    "an accumulator that adds before it checks",
    summing((made) => ({
      add(grads, weight) {
        if ("vector" in (grads ?? {}) && Object.keys(grads).length > 1) made.add({ vector: grads.vector }, 0);
        return made.add(grads, weight);
      },
    })),
    /an error must add nothing/,
  ],
  [
    "an accumulator that writes into gradients",
    summing((made) => ({
      add(grads, weight) {
        const due = made.add(grads, weight);
        if (grads.vector instanceof Float32Array) grads.vector.fill(0);
        return due;
      },
    })),
    /writes into the gradients/,
  ],
  [
    "an accumulator whose merge forgets the weight",
    summing((made) => ({
      merge: (other) =>
        made.add(
          Object.fromEntries(Object.entries(other.gradients).map(([name, { data }]) => [name, data as Float32Array])),
        ) as unknown as void,
    })),
    /after merge\(\) its weight/,
  ],
  ["an accumulator that is never due", summing((made) => ({ add: (grads, weight) => (made.add(grads, weight), false) })), /with every = 2/],
  ["an accumulator with half a state", summing(() => ({ loadState: undefined })), /one of saveState\(\) and loadState\(\)/],
  [
    "an accumulator whose state is not copied",
    summing((made) => ({
      saveState: () => ({ ...made.saveState!(), tensors: { ...made.gradients } }),
    })),
    /a state changes when more is added/,
  ],
  [
    "an accumulator whose gradients are no tensors",
    summing((made) => ({
      get gradients() {
        return unknown<Accumulator["gradients"]>(
          Object.fromEntries(Object.entries(made.gradients).map(([name, { data }]) => [name, data])),
        );
      },
    })),
    /gathering on backend js throws TypeError: its gradients have .* for "vector": each is a tensor/,
  ],
  [
    "an accumulator whose gradients lack a tensor",
    summing((made) => ({
      get gradients() {
        return Object.fromEntries(Object.entries(made.gradients).filter(([name]) => name !== "vector"));
      },
    })),
    /gathering on backend js throws TypeError: its gradients have undefined for "vector"/,
  ],
  [
    "an accumulator that gives zeros for all",
    summing((made) => ({
      get gradients() {
        return { ...made.gradients, "no gradient": { data: new Float32Array(3), shape: [3] } };
      },
    })),
    /a tensor without a gradient has none|after one add of weight 1/,
  ],
];

/** Right as long as steps come in order. */
function keepingSteps(): Momentum {
  let greatest = 0;
  return withScalars(({ lr, momentum }, t) => {
    greatest = Math.max(greatest, t);
    return { lr: lr / greatest, momentum };
  });
}

/** An accumulator that does not copy. */
function keeping(): Accumulator {
  const kept: Record<string, { data: Float32Array; shape: number[] }> = {};
  let [count, weight] = [0, 0];
  return {
    add(grads: Grads, w = 1) {
      for (const [name, data] of Object.entries(grads)) kept[name] = { data: data as Float32Array, shape: [(data as Float32Array).length] };
      [count, weight] = [count + 1, weight + w];
      return false;
    },
    get count() {
      return count;
    },
    get weight() {
      return weight;
    },
    get gradients() {
      if (count === 0) throw new RangeError("Cannot give gradients: none was added");
      return kept;
    },
    merge() {},
    reset() {},
  };
}

const kindOf = (plugin: Plugin | null): Plugin["kind"] => plugin === null || !(plugin.kind in testOf) ? "optimizer" : plugin.kind;
const testOf = { optimizer: testOptimizer, schedule: testSchedule, accumulator: testAccumulator, transform: testTransform };

/** The faults of a plugin. */
async function faultsOf(plugin: Plugin | null): Promise<readonly string[]> {
  try {
    await (testOf[kindOf(plugin)] as (plugin: Plugin | null) => Promise<void>)(plugin);
    return [];
  } catch (error) {
    assert(error instanceof AggregateError, `it must reject with an AggregateError, and threw ${String(error)}`);
    return error.errors.map((fault) => (fault as Error).message);
  }
}

for (const [what, plugin, words] of broken) {
  test(`A plugin with ${what} fails, and a fault says so`, async () => {
    const faults = await faultsOf(plugin);
    assert(faults.some((fault) => words.test(fault)), `${words} is in none of\n${faults.join("\n")}`);
  });
}

for (const plugin of [momentum, wave, halving, scaling, summing(() => ({}))] as readonly Plugin[]) {
  test(`${plugin.kind} ${plugin.name}, which the broken ones are made of, has no fault`, async () =>
    assertEquals(await faultsOf(plugin), []));
}
