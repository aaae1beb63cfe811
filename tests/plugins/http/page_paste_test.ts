import { test } from "node:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { longestPaste, readPasted } from "../../../plugins/http/page/pasted.ts";
import { recognize } from "../../../plugins/http/page/recognized.ts";
import { read } from "../../generated.ts";

test("readPasted() reads JSON as JSON.parse() does", () => {
  const values = [
    JSON.parse(read("examples/recipes/olmo_1b.json")),
    { a: [1, -2.5e-3, 'x\n"y\\ü\u2028', null, true, false, { "": [] }], __proto__: 1, "b c": {} },
    ...JSON.parse(read("tests/reference/foreign_configs.json")).slice(0, 20),
  ];
  for (const value of values) {
    assertEquals(readPasted(JSON.stringify(value)), value);
    assertEquals(readPasted(JSON.stringify(value, null, 2)), value);
  }
  const own = readPasted('{"__proto__": {"a": 1}}') as object;
  assertEquals([Object.keys(own), Object.getPrototypeOf(own)], [["__proto__"], Object.prototype]);
});

test("readPasted() reads what Python prints", () => {
  const cases: readonly (readonly [string, unknown])[] = [
    ["{'lr': 1e-3, 'betas': (0.9, 0.999), 'amsgrad': False, 'foreach': None, 'a': [1, 2,],}", {
      lr: 1e-3,
      betas: [0.9, 0.999],
      amsgrad: false,
      foreach: null,
      a: [1, 2],
    }],
    ["{'best': inf, 'worse': -Infinity, 'nan': nan, 1: 2}", { best: Infinity, worse: -Infinity, nan: NaN, 1: 2 }],
    [
      "TrainingArguments(\n  learning_rate=5e-05,\n  lr_scheduler_type=<SchedulerType.LINEAR: 'linear'>,\n  save_strategy=IntervalStrategy.STEPS,\n)",
      {
        learning_rate: 5e-5,
        lr_scheduler_type: "linear",
        save_strategy: "IntervalStrategy.STEPS",
      },
    ],
    ["Namespace(sched='cosine', epochs=300, opt_betas=None)", { sched: "cosine", epochs: 300, opt_betas: null }],
    ["{'milestones': Counter({30: 1, 80: 2}), 'gamma': 0.1}", { milestones: { 30: 1, 80: 2 }, gamma: 0.1 }],
    ["# a comment\n{\n  'a': 1_000, # one\n  'b': 'it\\'s'\n}", { a: 1000, b: "it's" }],
  ];
  for (const [text, value] of cases) assertEquals(readPasted(text), value, text);
});

test("readPasted() reads lines, as args.yaml and command lines have them", () => {
  const yaml =
    "sched: cosine\nlr: 0.001  # scaled\nopt_betas: null\nsched_on_updates: true\ndecay_milestones:\n- 90\n- 180\nmodel: vit_tiny\n";
  assertEquals(readPasted(yaml), {
    sched: "cosine",
    lr: 0.001,
    opt_betas: null,
    sched_on_updates: true,
    decay_milestones: [90, 180],
    model: "vit_tiny",
  });
  assertEquals(readPasted("--lr 5e-4\n--warmup-epochs 5\n"), { lr: 5e-4, warmup_epochs: 5 });
  assertEquals(readPasted("learning_rate=2e-5,\nmax_steps=10"), { learning_rate: 2e-5, max_steps: 10 });
});

test("readPasted() refuses what is broken, long, deep, wide, or more than values", () => {
  const texts = [
    "",
    "{",
    "{'a' 1}",
    "[1 2]",
    "{'a': 1} x",
    "{'a': tensor(1)}",
    "{'a': lambda: 1}",
    "{'a': __import__('os').system('x')}",
    "'abc",
    "[".repeat(40) + "]".repeat(40),
    `[${"1,".repeat(30_000)}]`,
    "x".repeat(longestPaste + 1),
    "hello world, this\nis no: thing:\n!",
  ];
  for (const text of texts) assertThrows(() => readPasted(text), SyntaxError, undefined, text.slice(0, 40));
});

test("readPasted() takes time in proportion to the text, whatever it is", () => {
  const start = performance.now();
  for (const part of ["'\\", "{", "[1,", " ", "a=", "(", "#", "9", "-", "\n- a: ", "<a:"]) {
    try {
      readPasted(part.repeat(longestPaste / part.length));
    } catch (error) {
      assert(error instanceof SyntaxError, String(error));
    }
  }
  assert(performance.now() - start < 3000, `${performance.now() - start} ms`);
});

test("recognize() tells configurations apart, each as its library writes it", () => {
  const kinds: Readonly<Record<string, string>> = {
    TrainingArguments: "TrainingArguments of transformers",
    torch: "a scheduler of torch",
    timm: "arguments of timm",
    keras: "a configuration of Keras",
  };
  for (const { from, name, config } of JSON.parse(read("tests/reference/foreign_configs.json"))) {
    const { what, recipe } = recognize(config, { updates: 100, perEpoch: 7 });
    assertEquals(what, kinds[from], name);
    assert(typeof recipe.optimizer.name === "string");
  }
  const nanogpt = JSON.parse(read("examples/recipes/nanogpt.json"));
  assertEquals(recognize(nanogpt, {}), { what: "a recipe with its number of updates", recipe: nanogpt.recipe, updates: 600000 });
  assertEquals(recognize(nanogpt.recipe, {}).what, "a recipe");
  assertEquals(recognize({ name: "linear", options: { numWarmupSteps: 1, numTrainingSteps: 2 } }, {}).what, "a schedule");
  assertEquals(recognize({ step_size: 3, gamma: 0.1, base_lrs: [0.1] }, { perEpoch: 10 }).recipe.schedules?.lr.name, "by_epoch");
  assertEquals(recognize({ learning_rate: 1e-4, max_steps: 70 }, {}).updates, 70);
  assertEquals(recognize({ sched: "cosine", lr: 1, epochs: 3 }, { perEpoch: 5 }).updates, 15);
});

test("recognize() says what it knows where it knows nothing, and what is missing", () => {
  assertThrows(() => recognize({ hello: 1 }, {}), TypeError, "a recipe");
  assertThrows(() => recognize([1], {}), TypeError, "a recipe");
  assertThrows(() => recognize({ sched: "cosine", lr: 1 }, {}), TypeError, "updates of an epoch");
  assertThrows(() => recognize({ learning_rate: 1e-4 }, {}), TypeError, "give updates");
});
