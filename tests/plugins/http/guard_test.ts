/**
 * What guards the service, each part by itself: turns, budgets, limits, bounds of recipes, counters, tokens.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { test } from "node:test";
import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import type { OptimizerPlugin } from "../../../core/plugin/contract.ts";
import type { Recipe, Tensor } from "../../../core/types.ts";
import { builtins } from "../../../mod.ts";
import { createBudget } from "../../../plugins/http/guard/budget.ts";
import { takeLimits } from "../../../plugins/http/guard/limits.ts";
import { bounds, createMetrics } from "../../../plugins/http/guard/metrics.ts";
import { checkTexts } from "../../../plugins/http/guard/recipe.ts";
import { createGate, createMetricsGate } from "../../../plugins/http/guard/tokens.ts";
import { createTurns } from "../../../plugins/http/guard/turns.ts";
import { Problem } from "../../../plugins/http/wire/problem.ts";

const { signal } = new AbortController();

// ---- turns

test("who has had a turn waits no more: forty after one another all have theirs", async () => {
  const turns = createTurns();
  for (let i = 0; i < 40; i++) await turns.take(signal, 1, () => {});
});

test("no two turns come at once: each waits until the one before has ended, and what takes time between its timers too", async () => {
  const turns = createTurns();
  const order: string[] = [];
  await Promise.all(Array.from({ length: 8 }, (_, i) =>
    turns.take(signal, 1, async () => {
      order.push(`${i} begins`);
      for (let j = 0; j < 3; j++) await new Promise((resolve) => setTimeout(resolve, 3));
      order.push(`${i} ends`);
    })));
  assertEquals(order, [0, 1, 2, 3, 4, 5, 6, 7].flatMap((i) => [`${i} begins`, `${i} ends`]));
});

test("between two turns comes what waits for the network, however long each computes", async () => {
  const turns = createTurns();
  const order: string[] = [];
  await Promise.all(Array.from({ length: 4 }, (_, i) =>
    turns.take(signal, 1, () => {
      order.push(`turn ${i}`);
      // Longer than the pause: a timer that was set before this would be over at its end.
      const end = performance.now() + 20;
      while (performance.now() < end);
      setTimeout(() => setTimeout(() => order.push("network"), 0), 0);
    })));
  await new Promise((resolve) => setTimeout(resolve, 10));
  assertEquals(order, [0, 1, 2, 3].flatMap((i) => [`turn ${i}`, "network"]));
});

test("small ones share a turn until it is full, and wait like all others then", async () => {
  const turns = createTurns();
  const order: string[] = [];
  const all = [0.5, 0.5, 0.25, 0.5, 1, 0.25].map((share, i) =>
    turns.take(signal, share, () => {
      order.push(`${i}`);
    })
  );
  assertEquals(order, ["0", "1"]);
  for (let before = 2; before < 6; before = order.length) {
    while (order.length === before) await new Promise((resolve) => setTimeout(resolve, 0));
    order.push("|");
  }
  await Promise.all(all);
  assertEquals(order.join(" "), "0 1 2 3 | 4 | 5");
});

test("work that fails ends its turn, and one whose client has gone is not done", async () => {
  const turns = createTurns();
  const gone = new AbortController();
  const fails = turns.take(signal, 1, () => {
    gone.abort();
    throw new Error("it fails");
  });
  const leaves = turns.take(gone.signal, 0.5, () => "done for nobody");
  const after = turns.take(signal, 0.5, () => "done");
  await assertRejects(() => fails, Error, "it fails");
  await assertRejects(() => leaves, Problem, "has gone");
  assertEquals(await after, "done");
});

// ---- budgets

test("what is released twice is given back once", () => {
  const budget = createBudget(100);
  const [one, other] = [budget.hold("a"), budget.hold("b")];
  one.take(40);
  other.take(30);
  one.release();
  one.release();
  assertEquals([budget.used(), budget.used("a"), budget.used("b")], [30, 0, 30]);
  other.release();
  assertEquals([budget.used(), budget.used("b")], [0, 0]);
});

// ---- limits

test("a limit of large bodies brings room for a body and its answer, unless the room is said too", () => {
  const MiB = 2 ** 20;
  assertEquals(takeLimits({ bodyBytes: 64 * MiB }).bytesInFlight, 128 * MiB);
  assertEquals(takeLimits({ bodyBytes: MiB }).bytesInFlight, 42 * MiB);
  assertEquals(takeLimits({ bodyBytes: 64 * MiB, bytesInFlight: 70 * MiB }).bytesInFlight, 70 * MiB);
});

// ---- recipes

/** An optimizer whose text is its options, the tensor's rank and, with `byName`, nothing more than that it looks at names. */
const teller = (name: string, byName: boolean): OptimizerPlugin =>
  ({
    kind: "optimizer",
    name,
    description: "Tells what it was asked",
    options: {
      lr: { default: 1, description: "" },
      wd: { default: 0, description: "" },
      ...(byName && { names: { default: null, type: ["array", "null"], format: "regex", description: "" } }),
    },
    rule: ({ lr, wd }: { lr: number; wd: number }, { shape }: { shape: readonly number[] }) => ({
      slots: {},
      update: `${name} ${lr} ${wd} of rank ${shape.length}`,
    }),
    scalars: () => ({}),
  }) as unknown as OptimizerPlugin;

const optimizers = new Map([teller("plain", false), teller("named", true)].map((plugin) => [plugin.name, plugin]));
const tensor = (shape: readonly number[], dtype: Tensor["dtype"] = "float32"): Tensor => ({ data: new Float32Array(0), shape, dtype });

/** What a recipe has compiled: the rule's text, dtypes and passes, without the JSON around them. */
function textsOf(
  recipe: Recipe,
  params: Readonly<Record<string, Tensor>>,
  grads: Readonly<Record<string, Tensor>> = {},
): [string, number][] {
  return [...checkTexts(recipe, params, grads, optimizers)]
    .map(([text, passes]): [string, number] => [text.replace(/^\[\{\},"(.*?)",null,null\]/, "$1"), passes]).sort();
}

test("tensors of another rank or element type have a text of their own; those alike share one", () => {
  const params = { a: tensor([2]), b: tensor([3]), c: tensor([2, 2]), d: tensor([4], "bfloat16") };
  assertEquals(textsOf({ optimizer: { name: "plain" } }, params, { d: tensor([4]) }), [
    ["plain 1 0 of rank 1 [] bfloat16 float32", 1],
    ["plain 1 0 of rank 1 [] float32 float32", 1],
    ["plain 1 0 of rank 2 [] float32 float32", 1],
  ]);
});

test("a rule that looks at names is counted twice, and each transform makes one pass more", () => {
  const transforms = [{ name: "clip_value" }];
  assertEquals(textsOf({ optimizer: { name: "named" }, transforms }, { a: tensor([2]) }), [
    ['named 1 0 of rank 1 [{"name":"clip_value"}] float32 float32', 4],
  ]);
});

test("a group's text has the optimizer's options, and its own; with an algorithm of its own it has its own alone", () => {
  const groups = [
    { match: ["a"], options: { wd: 2 } },
    { match: ["b"], optimizer: "named", options: { wd: 3 } },
  ];
  assertEquals(textsOf({ optimizer: { name: "plain", options: { lr: 5 } }, groups }, { a: tensor([2]), b: tensor([2]) }), [
    ["named 1 3 of rank 1 [] float32 float32", 2],
    ["plain 5 0 of rank 1 [] float32 float32", 1],
    ["plain 5 2 of rank 1 [] float32 float32", 1],
  ]);
});

test("a recipe is refused by its passes alone, all of them together", () => {
  const groups = (count: number) => Array.from({ length: count }, (_, i) => ({ match: ["a"], options: { wd: i + 1 } }));
  const count = (groupCount: number) => textsOf({ optimizer: { name: "named" }, groups: groups(groupCount) }, { a: tensor([2]) }).length;
  assertEquals(count(17), 18);
  assertThrows(() => count(18), Problem, "has 38 passes");
});

// ---- counters

test("a time is counted in every bucket that it fits into, the bound included", () => {
  const counted = (seconds: number) => {
    const metrics = createMetrics();
    metrics.route("/")("GET", 200, seconds);
    return metrics.routes.get("/")!.buckets;
  };
  assertEquals(bounds, [0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5]);
  assertEquals(counted(0.001), [0, 1, 1, 1, 1, 1, 1, 1, 1]);
  assertEquals(counted(0.0011), [0, 0, 1, 1, 1, 1, 1, 1, 1]);
  assertEquals(counted(0), [1, 1, 1, 1, 1, 1, 1, 1, 1]);
  assertEquals(counted(6), [0, 0, 0, 0, 0, 0, 0, 0, 0]);
});

// ---- tokens

test("a token of 512 letters is compared, and a longer one refused before it is hashed, though it were the tenant's", async () => {
  const hashOf = (text: string) => createHash("sha256").update(text).digest("hex");
  const [long, longer] = ["x".repeat(512), "x".repeat(513)];
  const gate = createGate({ long: hashOf(long), longer: hashOf(longer) });
  const headers = (token: string) => new Headers({ Authorization: `Bearer ${token}` });
  assertEquals(await gate(headers(long)), "long");
  const error = await assertRejects(() => gate(headers(longer)), Problem) as Problem;
  assertEquals(error.status, 401);
  assertThrows(() => createMetricsGate(longer), TypeError, "up to 512");
});

test("the built-in optimizers that look at names are counted twice, the others once", () => {
  const own = new Map(
    builtins.plugins.filter((plugin) => plugin.kind === "optimizer").map((plugin) => [plugin.name, plugin as OptimizerPlugin]),
  );
  const passes = (name: string) => [...checkTexts({ optimizer: { name } }, { w: tensor([2]) }, {}, own).values()];
  assertEquals([passes("adamw"), passes("adam_weight_decay")], [[1], [2]]);
});
