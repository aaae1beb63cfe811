import { test } from "node:test";
import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { explain } from "../../core/explain.ts";
import { createOptimizer } from "../../core/optimizer/optimizer.ts";
import type { OptimizerPlugin, Rule, TransformPlugin } from "../../core/plugin/contract.ts";
import { available } from "../../kernels/detect.ts";

const withUpdate = (update: Rule["update"], slots: Rule["slots"] = {}): OptimizerPlugin<"parted", { every?: number }> => ({
  kind: "optimizer",
  name: "parted",
  description: "A rule with parts",
  options: { every: { default: 3, description: "How often the part stands" } },
  rule: () => ({ slots, update }),
  scalars: ({ every }) => ({ every }),
});

const held = { m: { shape: "param", key: "m" } } as const;
const third = withUpdate(["p += 1 + 0*g", { when: "t % every == 0", text: "m = p\np += 100" }, "p += 0*m"], held);

test("A part stands in the steps in which its condition is not 0, and slots keep what it made", () => {
  for (const backend of available()) {
    const w = new Float32Array(2);
    using optimizer = createOptimizer(third, { w }, {}, { backend });
    const seen: number[] = [];
    for (let step = 0; step < 7; step++) {
      optimizer.step({ w: new Float32Array(2) });
      seen.push(w[0]);
    }
    assertEquals(seen, [1, 2, 103, 104, 105, 206, 207], backend);
    assertEquals([...optimizer.saveState().tensors["w.m"].data], [106, 106], backend);
  }
});

test("Tensors of one group whose step counts differ each have the parts of their own step", () => {
  for (const backend of available()) {
    const [a, b] = [new Float32Array(1), new Float32Array(1)];
    using optimizer = createOptimizer(third, { a, b }, {}, { backend });
    const g = new Float32Array(1);
    optimizer.step({ a: g, b: null });
    optimizer.step({ a: g, b: g });
    optimizer.step({ a: g, b: g });
    assertEquals([a[0], b[0]], [103, 2], backend);
    optimizer.step({ a: g, b: g });
    assertEquals([a[0], b[0]], [104, 103], backend);
  }
});

test("A condition follows an option that changes, and may name the tensor's dimensions", () => {
  const plugin = withUpdate(["p += 0*g", { when: "every > 2", text: "p += 1" }, { when: "rows < cols", text: "p += 10" }]);
  const [tall, wide] = [new Float32Array(6), new Float32Array(6)];
  using optimizer = createOptimizer(plugin, { tall: { data: tall, shape: [3, 2] }, wide: { data: wide, shape: [2, 3] } });
  const step = () => optimizer.step({ tall: new Float32Array(6), wide: new Float32Array(6) });
  step();
  assertEquals([tall[0], wide[0]], [1, 11]);
  optimizer.options.every = 2;
  step();
  assertEquals([tall[0], wide[0]], [1, 21]);
});

test("A step in which a rule does nothing at all counts like any other", () => {
  const w = new Float32Array(1);
  using optimizer = createOptimizer(withUpdate([{ when: "t % 2 == 0", text: "p += 1 + 0*g" }]), { w });
  for (let step = 0; step < 5; step++) optimizer.step({ w: new Float32Array(1) });
  assertEquals([w[0], optimizer.steps], [2, 5]);
});

test("A condition that is NaN leaves its part out, as where does", () => {
  const w = new Float32Array(1);
  using optimizer = createOptimizer(withUpdate(["p += 0*g", { when: "every", text: "p += 1" }]), { w }, { every: 1 });
  optimizer.options.every = -0.5;
  optimizer.step({ w: new Float32Array(1) });
  assertEquals(w[0], 1);
  using other = createOptimizer(withUpdate(["p += 0*g", { when: "every / 0 - every / 0", text: "p += 1" }]), { w });
  other.step({ w: new Float32Array(1) });
  assertEquals(w[0], 1);
});

test("A local of a part that may be left out is refused when it is used outside, with the part and the name", () => {
  const make = (update: Rule["update"]) => createOptimizer(withUpdate(update, held), { w: new Float32Array(2) });
  const error = assertThrows(
    () => make(["p += g", { when: "t % 2 == 0", text: "x = g\np += x" }, "p -= x"]),
    SyntaxError,
    'line 4 of parted: "x" has no value here',
  ) as SyntaxError & { line: number; name: string };
  assertStringIncludes(error.message, 'leaves out the part when "t % 2 == 0"');
  assertEquals([error.line, error.name], [4, "x"]);
  // Two parts of one condition stand together; what is assigned before has a value without the part.
  make([{ when: "t % 2 == 0", text: "x = g" }, "p += g", { when: " t % 2 == 0", text: "p -= x" }]).dispose();
  make(["x = g", { when: "t % 2 == 0", text: "x = 2*g" }, "p -= x"]).dispose();
});

test("Wrong parts are refused when the optimizer is made", () => {
  const make = (update: unknown) => createOptimizer(withUpdate(update as Rule["update"], held), { w: new Float32Array(2) });
  assertThrows(() => make([{ when: "m == 0", text: "p -= g" }]), SyntaxError, '"m" is not known before a step');
  assertThrows(() => make([{ when: "norm(t) > 0", text: "p -= g" }]), SyntaxError, "norm takes tensors");
  assertThrows(() => make([{ when: "x = 1", text: "p -= g" }]), SyntaxError, "a part's condition is one expression");
  assertThrows(() => make([{ when: "", text: "p -= g" }]), SyntaxError, "a part's condition is one expression");
  assertThrows(() => make([{ when: 1, text: "p -= g" }]), TypeError, "its when is 1");
  assertThrows(() => make([{ when: "1" }]), TypeError, "its text is undefined");
  assertThrows(() => make([{ when: "1", text: "p -= g", else: "" }]), TypeError, '"else"');
  assertThrows(() => make([1]), TypeError);
  assertThrows(() => make([]), TypeError, "no line");
  const many = Array.from({ length: 7 }, (_, i) => ({ when: `t % ${i + 2} == 0`, text: "p -= g" }));
  assertThrows(() => make(many), SyntaxError, "7 different conditions, at most 6");
});

test("What follows the direction stands where the direction does", () => {
  const double: TransformPlugin = {
    kind: "transform",
    name: "double",
    description: "Twice u",
    options: {},
    rule: () => ({ after: "u *= 2" }),
  };
  const run = (update: Rule["update"]): number => {
    const w = new Float32Array(1);
    using optimizer = createOptimizer(withUpdate(update), { w }, {}, { transforms: [{ name: double }] });
    for (let step = 0; step < 2; step++) optimizer.step({ w: new Float32Array([1]) });
    return w[0];
  };
  assertEquals(run([{ when: "t > 1", text: "u = g\np += u" }]), 2);
  assertEquals(run(["u = g", { when: "t > 1", text: "u = 5*u" }, "p += u"]), 2 + 10);
});

test("explain shows the passes with and without each part", () => {
  const text = explain(third, [2]);
  assertEquals(text.split("\n").filter((line) => !line.startsWith("pass")), ["without its parts:", "with the part when t % every == 0:"]);
  const [without, withPart] = text.split("with the part");
  assert(!/write.*\bm\b/.test(without) && /write.*\bm\b/.test(withPart), text);
});
