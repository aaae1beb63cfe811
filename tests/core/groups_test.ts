import { test } from "node:test";
import { assert, assertEquals, assertLess, assertThrows } from "@std/assert";
import { globMatches, splitNames } from "../../core/optimizer/match.ts";
import { createOptimizer } from "../../core/optimizer/optimizer.ts";
import type { Group, Settings } from "../../core/types.ts";
import { builtins, layerDecay } from "../../mod.ts";
import { adamw } from "../../plugins/optimizers/adamw.ts";
import { descent, listed } from "./plugins.ts";

const names = ["h.0.weight", "h.0.bias", "ln.weight", "bias_table", "__proto__"];
const splits: [what: string, match: Group<unknown>["match"], found: string[]][] = [
  ["a string as an unanchored regular expression", "bias", ["h.0.bias", "bias_table"]],
  ["an anchored string", "bias$", ["h.0.bias"]],
  ["a regular expression", /^(h|ln)\./, ["h.0.weight", "h.0.bias", "ln.weight"]],
  ["a global regular expression, which goes on from its last match", /weight/g, ["h.0.weight", "ln.weight"]],
  ["a sticky regular expression", /h/y, ["h.0.weight", "h.0.bias"]],
  ["a list of exact names", ["ln.weight", "__proto__"], ["ln.weight", "__proto__"]],
  ["a list, whose names are no expressions", ["bias_table"], ["bias_table"]],
  ["a glob", { glob: "h.?.*" }, ["h.0.weight", "h.0.bias"]],
  ["a pattern that finds nothing", "missing", []],
];
for (const [what, match, found] of splits) {
  test(`A group matches by ${what}`, () => {
    const [group, rest] = splitNames(names, [{ match }]);
    assertEquals(group, found);
    assertEquals(rest, names.filter((name) => !found.includes(name)));
  });
}

test("The first match wins, and what no group matches forms the last one", () => {
  assertEquals(splitNames(names, [{ match: "bias" }, { match: "h" }]), [["h.0.bias", "bias_table"], ["h.0.weight", "ln.weight"], [
    "__proto__",
  ]]);
  assertEquals(splitNames(["a", "b"], [{ match: "." }, { match: "a" }]), [["a", "b"], []]);
  assertEquals(splitNames(["a", "b"], []), [["a", "b"]]);
});

const globs: [glob: string, name: string, fits: boolean][] = [
  ["", "", true],
  ["", "a", false],
  ["*", "", true],
  ["*", "a.b", true],
  ["a*", "a", true],
  ["*bias", "h.bias", true],
  ["*bias", "bias.h", false],
  ["h.*.w", "h.1.2.w", true],
  ["h.?.w", "h.12.w", false],
  ["?", "", false],
  ["a.b", "axb", false],
  ["*a*b", "aab", true],
  ["*a*b", "ba", false],
  ["a**b", "acb", true],
];
for (const [glob, name, fits] of globs) {
  test(`The glob "${glob}" ${fits ? "matches" : "does not match"} "${name}"`, () => assertEquals(globMatches(glob, name), fits));
}

test("A group matches tensors of at most so many dimensions, of which an array without a shape has one", () => {
  const shaped = (shape: number[]) => ({ data: new Float32Array(shape.reduce((a, b) => a * b, 1)), shape });
  const tensors = { s: shaped([]), b: new Float32Array(2), w: shaped([2, 3]), k: shaped([2, 3, 1]) };
  const found = (maxRank: number) => {
    using optimizer = createOptimizer(descent, tensors, {}, { backend: "js", groups: [{ match: { maxRank } }] });
    return optimizer.groups[0].names;
  };
  assertEquals([0, 1, 2, 3].map(found), [["s"], ["s", "b"], ["s", "b", "w"], ["s", "b", "w", "k"]]);
  assertThrows(() => found(-1), RangeError, "maxRank -1");
  assertThrows(() => found(0.5), RangeError, "maxRank 0.5");
  const match = { maxRank: 1, glob: "*" } as unknown as { glob: string };
  assertThrows(() => createOptimizer(descent, tensors, {}, { backend: "js", groups: [{ match }] }), TypeError, "{ glob } or { maxRank }");
});

test("A glob of many stars takes no exponential time", () => {
  const start = performance.now();
  assertEquals(globMatches("*a".repeat(40) + "b", "a".repeat(5000)), false);
  assertLess(performance.now() - start, 1000);
});

const params = () => ({ w: new Float32Array([1, 1]), bias: new Float32Array([1]) });
const ones = { w: new Float32Array([1, 1]), bias: new Float32Array([1]) };

test("A group's options are its own where it set them and follow the optimizer's where it did not", () => {
  using optimizer = createOptimizer(adamw, params(), { lr: 0.1 }, {
    backend: "js",
    groups: [{ match: "bias", options: { weightDecay: 0.5 } }],
  });
  const [bias, rest] = optimizer.groups;
  assertEquals(optimizer.groups.map(({ names }) => names), [["bias"], ["w"]]);
  assertEquals(bias.options, { ...optimizer.options, weightDecay: 0.5 });
  assertEquals([optimizer.options.lr, optimizer.options.betas, optimizer.options.weightDecay], [0.1, [0.9, 0.999], 0]);
  optimizer.options.lr = 0.2;
  optimizer.options.weightDecay = 0.3;
  assertEquals([bias.options.lr, bias.options.weightDecay], [0.2, 0.5]);
  assertEquals([rest.options.lr, rest.options.weightDecay], [0.2, 0.3]);
  rest.options.lr = 7;
  optimizer.options.lr = 0.1;
  assertEquals([bias.options.lr, rest.options.lr, optimizer.options.lr], [0.1, 7, 0.1]);
});

test("A changed option acts at the next step", () => {
  const p = params();
  using optimizer = createOptimizer(descent, p, { lr: 1 }, { backend: "js", groups: [{ match: "bias" }] });
  optimizer.step(ones);
  assertEquals([p.w[0], p.bias[0]], [0, 0]);
  optimizer.options.lr = 0.5;
  optimizer.step(ones);
  assertEquals([p.w[0], p.bias[0]], [-0.5, -0.5]);
  optimizer.groups[0].options.lr = 2;
  optimizer.step(ones);
  assertEquals([p.w[0], p.bias[0]], [-1, -2.5]);
});

test("A changed option acts also where it changes the rule's text", () => {
  const run = (change: boolean): number => {
    const p = params();
    using optimizer = createOptimizer(adamw, p, { weightDecay: change ? 0 : 0.1 }, { backend: "js" });
    if (change) optimizer.options.weightDecay = 0.1;
    optimizer.step(ones);
    return p.w[0];
  };
  assertEquals(run(true), run(false));
});

test("An assigned option is checked at once", () => {
  using optimizer = createOptimizer(adamw, params(), { lr: 0.1 }, { backend: "js", groups: [{ match: "bias" }] });
  for (const { options } of [optimizer, optimizer.groups[0]]) {
    assertThrows(() => options.lr = -1, RangeError, "lr = -1");
    assertThrows(() => options.lr = NaN, RangeError);
    assertThrows(() => options.lr = "0.1" as unknown as number, TypeError);
    assertThrows(() => options.betas = [0.9, 1], RangeError);
    assertThrows(() => (options as unknown as Record<string, number>).weight_decay = 1, TypeError);
    assertEquals(options.lr, 0.1);
  }
  assertThrows(() => (optimizer.groups[0].current as { lr: number }).lr = 1, TypeError);
});

test("A group may have another algorithm, with that one's defaults", () => {
  const p = params();
  using optimizer = createOptimizer(adamw, p, { lr: 0.25 }, { backend: "js", groups: [{ match: "bias", optimizer: descent }] });
  assertEquals(optimizer.groups[0].options as unknown, { lr: 0.5 });
  optimizer.options.lr = 0.125;
  optimizer.step(ones);
  assertEquals(p.bias[0], 0.5);
  assert(Math.abs(p.w[0] - 0.875) < 1e-5, `${p.w[0]}`);
  assertEquals(Object.keys(optimizer.saveState().tensors), ["w", "w.exp_avg", "w.exp_avg_sq", "w.step", "bias", "bias.step"]);
});

test("Two plugins of one name cannot share an optimizer", () => {
  const other = { ...descent, description: "Another" };
  assertThrows(
    () => createOptimizer(descent, params(), {}, { backend: "js", groups: [{ match: "bias", optimizer: other }] }),
    TypeError,
    "descent",
  );
});

// ---- schedules

test("A schedule multiplies each group's base value and never overwrites it", () => {
  const p = params();
  using optimizer = createOptimizer(descent, p, { lr: 1 }, {
    backend: "js",
    groups: [{ match: "bias", options: { lr: 4 } }],
    schedules: { lr: { name: listed, options: { values: [0, 0.5, 0.25] } } },
  });
  const seen: number[][] = [];
  for (let step = 0; step < 3; step++) {
    seen.push(optimizer.groups.map(({ current }) => current.lr));
    if (step < 2) optimizer.step(ones);
  }
  assertEquals(seen, [[0, 0], [2, 0.5], [1, 0.25]]);
  assertEquals(optimizer.groups.map(({ options }) => options.lr), [4, 1]);
  assertEquals([p.w[0], p.bias[0]], [0.5, -1]);
  optimizer.options.lr = 8;
  assertEquals(optimizer.groups[1].current.lr, 2);
});

test("A schedule that returns values stands in the base value's place", () => {
  using optimizer = createOptimizer(descent, params(), { lr: 3 }, {
    backend: "js",
    schedules: { lr: { name: listed, options: { values: [0.125], returns: "value" } } },
  });
  assertEquals(optimizer.groups[0].current.lr, 0.125);
});

test("A schedule may be a function, of any numeric option", () => {
  using optimizer = createOptimizer(adamw, params(), { weightDecay: 0.5 }, {
    backend: "js",
    schedules: { weightDecay: (step) => step + 2, eps: () => 3 },
  });
  assertEquals(optimizer.groups[0].current.weightDecay, 1);
  optimizer.step(ones);
  assertEquals(optimizer.groups[0].current.weightDecay, 1.5);
  assertEquals(optimizer.groups[0].current.eps, 3e-6);
});

test("A schedule may switch a line of the rule off and on", () => {
  const schedule = (step: number): number => step % 2;
  const scheduled = params(), plain = params();
  using a = createOptimizer(adamw, scheduled, { weightDecay: 0.1 }, { backend: "js", schedules: { weightDecay: schedule } });
  using b = createOptimizer(adamw, plain, {}, { backend: "js" });
  for (let step = 0; step < 4; step++) {
    b.options.weightDecay = 0.1 * schedule(step);
    a.step(ones);
    b.step(ones);
  }
  assertEquals(scheduled, plain);
});

test("A schedule's create gets the base values of the optimizer and of each group", () => {
  const bases: unknown[] = [];
  const spy = {
    ...listed,
    create: (...given: Parameters<typeof listed.create>) => (bases.push(given[2]), listed.create(...given)),
  };
  using _optimizer = createOptimizer(descent, params(), { lr: 3 }, {
    backend: "js",
    groups: [{ match: "bias", options: { lr: 4 } }],
    schedules: { lr: { name: spy, options: { values: [1] } } },
  });
  assertEquals(bases, [{ value: 3, groups: [4, 3] }]);
});

test("A schedule reaches only the groups whose algorithm has its option", () => {
  const p = params();
  using optimizer = createOptimizer(adamw, p, { weightDecay: 0.5 }, {
    backend: "js",
    groups: [{ match: "bias", optimizer: descent }],
    schedules: { weightDecay: () => 0.5, lr: () => 2 },
  });
  assertEquals(optimizer.groups.map(({ current }) => current as object), [{ lr: 1 }, {
    ...optimizer.options,
    lr: 2e-3,
    weightDecay: 0.25,
  }]);
});

test("A metric schedule gives a factor for each group and is fed by update", () => {
  const fed: number[] = [];
  const metric = { update: (x: number) => void fed.push(x), factors: () => fed.length === 0 ? [1, 1] : [0.5, 0.25] };
  using optimizer = createOptimizer(descent, params(), { lr: 8 }, {
    backend: "js",
    groups: [{ match: "bias" }],
    schedules: { lr: metric },
  });
  assertEquals(optimizer.groups.map(({ current }) => current.lr), [8, 8]);
  optimizer.update(3);
  optimizer.update(NaN);
  assertEquals(fed, [3, NaN]);
  assertEquals(optimizer.groups.map(({ current }) => current.lr), [4, 2]);
  assertThrows(() => optimizer.update("3" as unknown as number), TypeError);
});

test("Groups refuse a parameter that two of them list, and say which; a pattern may find what a list names", () => {
  const params = { a: new Float32Array(1), b: new Float32Array(1) };
  const make = (groups: Settings<object>["groups"]) => createOptimizer(adamw, params, {}, { backend: "js", groups });
  const thrown = assertThrows(() => make([{ match: ["a"] }, { match: ["b"] }, { match: ["b", "a"] }]), RangeError, "group 1 lists it too");
  assertEquals({ ...thrown }, { tensor: "b", group: 2 } as unknown as typeof thrown);
  using optimizer = make([{ match: "a" }, { match: ["a", "b", "b"] }]);
  assertEquals(optimizer.groups.map(({ names }) => names), [["a"], ["b"]]);
});

const scaledBy = (schedules: Settings<unknown>["schedules"]) =>
  createOptimizer(adamw, params(), { lr: 0.5 }, { backend: "js", groups: [{ match: "bias", scale: { lr: 0.5 } }], schedules });

test("A group's scale is a factor of the optimizer's value, through schedules of factors, of values and of a metric", () => {
  for (
    const [schedules, lrs] of [
      [{}, [0.5, 0.5]],
      [{ lr: (step: number) => 0.5 ** step }, [0.5, 0.25]],
      [{ lr: Object.assign((step: number) => 8 + step, { returns: "value" as const }) }, [8, 9]],
      [{ lr: { factors: () => [0.25, 0.25], update: () => {} } }, [0.125, 0.125]],
    ] as const
  ) {
    using optimizer = scaledBy(schedules);
    for (const lr of lrs) {
      const [bias, rest] = optimizer.groups;
      assertEquals([bias.current.lr, rest.current.lr], [lr / 2, lr]);
      assertEquals(bias.options.lr, 0.25);
      optimizer.step(ones);
    }
  }
});

test("A scaled group steps by its share, and follows the optimizer until a value of its own is assigned to it", () => {
  const tensors = { a: new Float32Array([1]), b: new Float32Array([1]) };
  using optimizer = createOptimizer(descent, tensors, { lr: 0.5 }, { backend: "js", groups: [{ match: ["b"], scale: { lr: 0.25 } }] });
  const one = { a: new Float32Array([1]), b: new Float32Array([1]) };
  optimizer.step(one);
  assertEquals([tensors.a[0], tensors.b[0]], [0.5, 0.875]);
  optimizer.options.lr = 1;
  assertEquals(optimizer.groups[0].options.lr, 0.25);
  optimizer.groups[0].options.lr = 2;
  assertEquals([optimizer.groups[0].options.lr, optimizer.groups[0].current.lr], [2, 2]);
  optimizer.step(one);
  assertEquals([tensors.a[0], tensors.b[0]], [-0.5, -1.125]);
});

test("A schedule with an absolute end is made over the optimizer's value, so that a scaled group ends at its share of it", () => {
  using optimizer = builtins.createOptimizer("adamw", params(), { lr: 0.5 }, {
    backend: "js",
    groups: [{ match: "bias", scale: { lr: 0.5 } }],
    schedules: { lr: { name: "polynomial", options: { numWarmupSteps: 0, numTrainingSteps: 1, lrEnd: 0.1 } } },
  });
  optimizer.step(ones);
  assertEquals(optimizer.groups.map(({ current }) => (current as { lr: number }).lr), [0.05, 0.1]);
});

test("A scale that cannot be meant is refused", () => {
  const make = (scale: object, options = {}) =>
    createOptimizer(adamw, params(), {}, { backend: "js", groups: [{ match: "bias", options, scale: scale as Record<string, number> }] });
  assertThrows(() => make({ rate: 0.5 }), TypeError, "known are");
  assertThrows(() => make({ lr: 0.5 }, { lr: 1 }), TypeError, "the group sets it too");
  assertThrows(() => make({ lr: "0.5" }), TypeError, "a factor is a number");
  assertThrows(() => make({ lr: NaN }), RangeError, "finite");
  assertThrows(() => make({ betas: 0.5 }), TypeError, "is not a number");
  assertThrows(() => make({ correctBias: 0.5 }), TypeError, "is not a number");
  assertThrows(() => make({ lr: -1 }), RangeError, "lr = -0.001");
  const error = assertThrows(() => make({ lr: Infinity })) as Error & { group?: number; option?: string };
  assertEquals([error.group, error.option], [0, "lr"]);
});

const vit = [
  ...["cls_token", "pos_embed", "patch_embed.proj.weight"],
  ...["blocks.0.attn.weight", "blocks.0.mlp.0.bias", "blocks.1.attn.weight", "norm.weight", "fc_norm.weight", "head.weight"],
];

test("layerDecay() finds the layers that timm's Vision Transformers say of theirs, and gives groups that recipes hold", () => {
  const groups = layerDecay(vit, 0.5);
  assertEquals(groups.map(({ match, scale: { lr } }) => [lr, ...match]), [
    [0.125, "cls_token", "pos_embed", "patch_embed.proj.weight"],
    [0.25, "blocks.0.attn.weight", "blocks.0.mlp.0.bias"],
    [0.5, "blocks.1.attn.weight", "norm.weight"],
    [1, "fc_norm.weight", "head.weight"],
  ]);
  const tensors = Object.fromEntries(vit.map((name) => [name, new Float32Array(1)]));
  using trainer = builtins.createTrainer(tensors, { optimizer: { name: "adamw", options: { lr: 8 } }, groups });
  assertEquals(trainer.optimizer.groups.map(({ current }) => current.lr), [1, 2, 4, 8]);
});

test("layerDecay() takes layers as lists, modules where no name has a number, a least factor, and names without weight decay", () => {
  const factors = (...of: Parameters<typeof layerDecay>) => layerDecay(...of).map(({ scale, match }) => [scale.lr, ...match]);
  assertEquals(factors([["a", "b"], ["c"]], 0.5), [[0.5, "a", "b"], [1, "c"]]);
  assertEquals(factors(["embed", "fc.weight", "fc.bias", "head"], 0.5), [[0.25, "embed"], [0.5, "fc.weight", "fc.bias"], [1, "head"]]);
  assertEquals(factors(["encoder.block.0.w", "encoder.norm.w", "decoder.block.0.w"], 0.5), [
    [0.5, "encoder.block.0.w", "encoder.norm.w"],
    [1, "decoder.block.0.w"],
  ]);
  assertEquals(factors(["a", "b", "c"], 0.1, { minScale: 0.5 }), [[0.5, "a"], [0.5, "b"], [1, "c"]]);
  assertEquals(layerDecay(["fc.weight", "fc.bias"], 0.5, { noWeightDecay: ["fc.bias"] }), [
    { match: ["fc.weight"], scale: { lr: 1 } },
    { match: ["fc.bias"], scale: { lr: 1 }, options: { weightDecay: 0 } },
  ]);
});

test("layerDecay() refuses what it cannot mean", () => {
  assertThrows(() => layerDecay([], 0.5), TypeError, "a list");
  assertThrows(() => layerDecay(["a", "a"], 0.5), RangeError, "twice");
  assertThrows(() => layerDecay(["a", ["b"]] as unknown as string[], 0.5), TypeError, "all names");
  assertThrows(() => layerDecay(["a"], 0), RangeError, "above 0");
  assertThrows(() => layerDecay(["a"], "1" as unknown as number), TypeError, "numbers");
  assertThrows(() => layerDecay(["a"], 0.5, { minScale: NaN }), RangeError, "minScale");
  assertThrows(() => layerDecay(["a"], 0.5, { noWeightDecay: ["b"] }), TypeError, '"b"');
  assertThrows(() => layerDecay(["a"], 0.5, { min: 1 } as object), TypeError, "known are minScale");
});
