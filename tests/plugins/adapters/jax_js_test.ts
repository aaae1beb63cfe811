import { buildSync } from "esbuild";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { chromium as playwright } from "playwright-core";
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { readDigits } from "../../../examples/digits/data.ts";
import { createGenerator } from "../../../examples/digits/generator.ts";
import { byGlissade, byJax, type Numbers, train } from "../../../examples/jax-js/train.ts";
import { aboutOf } from "../../../core/errors.ts";
import { createOptimizer, createRegistry, scheduleFreeSgd, sgd } from "../../../mod.ts";
import { bind, type JaxTree } from "../../../plugins/adapters/jax_js.ts";
import { chromium, chromiumFlags, inChromium, webGpuFlags } from "../../chromium.ts";
import { root } from "../../generated.ts";
import { listen } from "../../listen.ts";
import { type JaxModule, losses, ready } from "./jax_js_program.ts";

// A name that no type check looks for: the types are those of what the example uses.
const packageName: string = "@jax-js/jax";
const jax: JaxModule = await import(packageName);
await ready(jax);

const digitsFile = join(root, "examples/digits/data/digits.csv.gz");
const digits = await readDigits(await readFile(digitsFile));

const array = (...values: number[]): Numbers => jax.numpy.array(new Float32Array(values), { shape: [values.length] });
const read = (array: { readonly ref: { dataSync(): unknown } }): number[] => [...array.ref.dataSync() as Float32Array];
const made = { lr: 0.5 };

test("the digits are learnt, with the losses of an Adam in jax-js itself", async () => {
  const [ours, theirs] = await Promise.all([byGlissade, byJax].map((by) => train(jax, digits, createGenerator(1), by, 300)));
  ours.losses.forEach((loss, i) => {
    const other = theirs.losses[i];
    assert(Math.abs(loss - other) < 1e-5 * other, `update ${i}: ${loss}, and ${other}`);
  });
  assert(ours.losses[0] > 2 && ours.losses.slice(-20).every((loss) => loss < 0.5));
  assert(ours.right > 0.95, `${ours.right}`);
});

test("bind() takes the parameters over, step() the gradients, and each step's arrays are let go at the next", () => {
  const w = array(1, 2);
  const bound = bind({ w }, "sgd", made, { jax });
  assertEquals(bound.params.w === w, true);
  assertEquals(w.refCount, 1);
  const g = array(1, -1);
  const kept = g.ref; // the caller's own
  assertEquals(bound.step({ w: g }), { applied: true, step: 1 });
  assertEquals([g.refCount, w.refCount], [1, 1]);
  kept.dispose();
  const next = bound.params.w;
  assertEquals([w.refCount, next.refCount, bound.params.w === next], [0, 1, true]);
  assertEquals(read(next), [0.5, 2.5]);
  bound.step({ w: array(0, 1) });
  assertEquals(read(bound.params.w), [0.5, 2]);
  const last = bound.params.w;
  bound.dispose();
  bound.dispose();
  assertEquals([next.refCount, last.refCount], [0, 0]);
  assertThrows(() => bound.params, TypeError, "disposed");
  assertThrows(() => bound.step({}), TypeError, "disposed");
});

test("a parameter that was given away without a reference is there again after the next step, and dispose() passes it over", () => {
  const bound = bind({ w: array(1, 2), v: array(3) }, "sgd", made, { jax });
  bound.params.w.dispose();
  bound.step({ w: array(1, -1), v: null });
  assertEquals(read(bound.params.w), [0.5, 2.5]);
  const { v, w } = bound.params;
  w.dispose();
  bound.dispose();
  assertEquals([v.refCount, w.refCount], [0, 0]);
});

test("names are paths, through objects and lists, and a tree may be one array", () => {
  const tree = { a: { w: array(1) }, blocks: [{ w: array(2), none: [] }, { w: array(3, 4), none: [] }] };
  const bound = bind(tree, "sgd", made, { jax, groups: [{ match: "^blocks", options: { lr: 1 } }] });
  assertEquals(Object.keys(bound.optimizer.params), ["a.w", "blocks.0.w", "blocks.1.w"]);
  bound.step({ a: { w: array(1) }, blocks: [null, { w: array(1, 1) }] });
  const { a, blocks } = bound.params;
  assertEquals([a.w, blocks[0].w, blocks[1].w].map(read), [[0.5], [2], [2, 3]]);
  assertEquals([Array.isArray(blocks), blocks[1].none], [true, []]);
  bound.dispose();

  const one = bind(array(1), sgd, made, { jax, registry: createRegistry([sgd]) });
  one.step(array(1));
  assertEquals([Object.keys(one.optimizer.params), read(one.params)], [["params"], [0.5]]);
  one.dispose();
});

test("shapes and places stay, arrays of no elements and of one among them", () => {
  const tree = {
    matrix: jax.numpy.array(new Float32Array(200).fill(1), { shape: [10, 20] }),
    number: jax.numpy.array(new Float32Array([1]), { shape: [] }),
    nothing: jax.numpy.array([] as never, { shape: [0, 2] }),
  };
  const bound = bind(tree, "sgd", made, { jax });
  const grads = {
    matrix: jax.numpy.array(new Float32Array(200).fill(2), { shape: [10, 20] }),
    number: jax.numpy.array(new Float32Array([2]), { shape: [] }),
    nothing: null,
  };
  bound.step(grads);
  const { matrix, number, nothing } = bound.params;
  assertEquals([matrix.shape, number.shape, matrix.device, matrix.dtype], [[10, 20], [], "wasm", "float32"]);
  assertEquals([...new Set(read(matrix))], [0]);
  assertEquals([read(number), read(nothing), nothing.shape, nothing.refCount], [[0], [], [0, 2], 1]);
  bound.dispose();
});

/** An array that is not there yet. */
class Late {
  readonly shape = [1];
  readonly dtype = "float32";
  readonly device = "wasm";
  refCount = 1;
  get ref(): this {
    this.refCount++;
    return this;
  }
  dataSync(): unknown {
    throw new Error("cannot read synchronously");
  }
  dispose(): void {
    this.refCount--;
  }
}

test("an error leaves everything as it was, and gradients with the caller; a missing one is an error", async () => {
  const bound = bind({ a: array(1), b: array(1, 1) }, "adam", made, { jax });
  const before = bound.params;
  const grads = { a: array(1), b: array(1, 1, 1) };
  const error = assertThrows(() => bound.step(grads), RangeError);
  assertEquals(aboutOf(error).tensor, "b");
  assertThrows(() => bound.step({ a: grads.a, c: grads.b } as never), TypeError);
  assertEquals([grads.a.refCount, grads.b.refCount, bound.params === before, bound.optimizer.steps], [1, 1, true, 0]);
  const missing = assertThrows(
    () => bound.step({ a: grads.a, b: undefined } as never),
    TypeError,
    'find the gradient of "b": give the whole tree',
  );
  assertEquals(aboutOf(missing).tensor, "b");
  assertThrows(() => bound.run("ascend", {}), TypeError, 'find the gradient of "a"');
  for (const none of [undefined, null]) assertThrows(() => bound.step(none as never), TypeError, `${none} as gradients: give the tree`);
  await assertRejects(() => bound.stepAsync(undefined as never), TypeError, "undefined as gradients");
  assertEquals([grads.a.refCount, bound.optimizer.steps], [1, 0]);
  bound.step({ a: grads.a, b: null });
  assertEquals([grads.a.refCount, grads.b.refCount], [0, 1]);
  // What cannot be read at once, as what a worker still computes: no reference is lost.
  const late = new Late() as never;
  assertThrows(() => bound.step({ a: late, b: null }), Error, "cannot read synchronously");
  assertEquals([(late as Late).refCount, bound.optimizer.steps], [1, 1]);
  grads.b.dispose();
  bound.dispose();
});

test("stepAsync() waits for gradients and takes the same step", async () => {
  const [sync, async] = [0, 1].map(() => bind({ w: array(1, 2) }, "adam", made, { jax }));
  for (let i = 1; i < 4; i++) {
    const g = array(i, -1);
    sync.step({ w: array(i, -1) });
    assertEquals(await async.stepAsync({ w: g }), { applied: true, step: i });
    assertEquals(g.refCount, 0);
  }
  assertEquals(read(async.params.w), read(sync.params.w));
  const g = array(1, 1);
  const coming = async.stepAsync({ w: g });
  async.dispose();
  await assertRejects(() => coming, TypeError, "disposed");
  assertEquals(g.refCount, 1);
  g.dispose();
  sync.dispose();
});

test("parameters that come later stand beside the first, with a group of their own", () => {
  const bound = bind({ body: { w: array(1) } }, "sgd", made, { jax });
  bound.step({ body: { w: array(1) } });
  const head = { w: array(1, 1) };
  const both = bound.add({ head }, { options: { lr: 1 } });
  assertEquals([both.head.w.refCount, read(both.head.w)], [1, [1, 1]]);
  assertEquals(Object.keys(bound.optimizer.params), ["body.w", "head.w"]);
  bound.step({ body: { w: array(1) }, head: { w: array(1, 0) } } as never);
  const { body, head: moved } = bound.params as typeof both;
  assertEquals([read(body.w), read(moved.w)], [[0], [0, 1]]);
  const again = { head: { w: array(1) } };
  assertThrows(() => bound.add(again), TypeError, '"head"');
  assertThrows(() => bound.add(array(1) as never), TypeError, "objects");
  bound.dispose();
});

test("points are trees of the caller's, states are loaded into params, and entries run", () => {
  const bound = bind({ w: array(1) }, scheduleFreeSgd, { lr: 0.5 }, { jax });
  const plain = createOptimizer(scheduleFreeSgd, { w: new Float32Array([1]) }, { lr: 0.5 });
  for (const g of [1, 2]) {
    bound.step({ w: array(g) });
    plain.step({ w: [g] });
  }
  const there = bound.point("eval");
  assertEquals([read(there.w), there.w.refCount], [[...plain.point("eval").w.data], 1]);
  there.w.dispose();
  const saved = bound.optimizer.saveState();
  const other = bind({ w: array(9) }, scheduleFreeSgd, { lr: 0.5 }, { jax });
  const before = other.params.w;
  assertEquals(other.loadState(saved).taken.includes("w"), true);
  assertEquals([read(other.params.w), before.refCount], [[...plain.params.w.data], 0]);
  for (const one of [bound, other, plain]) one.dispose();

  const sam = bind({ w: array(1) }, "sgd", made, { jax, transforms: [{ name: "sam", options: { rho: 0.25 } }] });
  sam.run("ascend", { w: array(2) });
  assertEquals(read(sam.params.w), [1.25]);
  sam.step({ w: array(1) });
  assertEquals(read(sam.params.w), [0.5]);
  sam.dispose();
});

const integers = (): JaxTree => jax.numpy.array(new Int32Array([1, 2]));
const freed = (): JaxTree => {
  const one = array(1, 2);
  one.dispose();
  return one;
};
const shared = array(1);
const refused: readonly (readonly [what: string, tree: () => JaxTree, error: typeof TypeError | typeof RangeError, message: RegExp])[] = [
  ["a typed array", () => ({ w: new Float32Array(2) as never }), TypeError, /a Float32Array at "w": it is no array of jax-js/],
  ["a number", () => ({ a: { b: [1 as never] } }), TypeError, /1 at "a.b.0"/],
  ["integers", () => ({ w: integers() }), TypeError, /"w": its dtype is int32/],
  ["what is freed", () => ({ w: freed() }), TypeError, /"w": it is freed.*\.ref/],
  ["two arrays of one path", () => ({ "a.b": array(1), a: { b: array(2) } }), RangeError, /two arrays of the path "a.b"/],
  ["one array in two places", () => ({ a: shared, b: shared }), RangeError, /one array as "a" and as "b"/],
  ["no parameters", () => ({}), RangeError, /parameter/],
];
for (const [what, tree, kind, message] of refused) {
  test(`bind() refuses ${what}`, () => {
    const error = assertThrows(() => bind(tree(), "sgd", made, { jax }), kind);
    assert(message.test((error as Error).message), (error as Error).message);
  });
}

test("bind() refuses settings without jax, and names and options that it does not know, and leaves the arrays to the caller", () => {
  const w = array(1, 3);
  assertThrows(() => bind({ w }, "sgd", made, {} as never), TypeError, "{ jax }");
  assertThrows(() => bind({ w }, "sgd", made, undefined as never), TypeError, "{ jax }");
  // @ts-expect-error: no optimizer has this name
  assertThrows(() => bind({ w }, "adamww", made, { jax }), TypeError, "adamw");
  // @ts-expect-error: the option is called lr
  assertThrows(() => bind({ w }, "sgd", { learningRate: 1 }, { jax }), TypeError, "learningRate");
  assertThrows(() => bind({ w }, "sgd", made, { jax, schedule: {} } as never), TypeError, "schedule");
  assertEquals(w.refCount, 1);
  w.dispose();
});

for (
  const [device, updates, flags] of [
    ["wasm", 40, chromiumFlags],
    // SwiftShader takes its time.
    ["webgpu", 5, webGpuFlags],
  ] as const
) {
  inChromium(`a page computes the same losses with jax-js on ${device}`, async () => {
    const contents =
      `import * as jax from "@jax-js/jax"; import { inPage } from "./tests/plugins/adapters/jax_js_program.ts"; inPage(jax);`;
    const { outputFiles: [{ text: program }] } = buildSync({
      stdin: { contents, resolveDir: root },
      bundle: true,
      write: false,
      format: "esm",
      target: "es2022",
    });
    const server = await listen(async (request) => {
      const { pathname } = new URL(request.url);
      if (pathname === "/program.js") return new Response(program, { headers: { "Content-Type": "text/javascript" } });
      if (pathname === "/digits.csv.gz") return new Response(await readFile(digitsFile));
      const html = '<!doctype html><link rel="icon" href="data:,"><body><script type="module" src="/program.js"></script>';
      return new Response(html, { headers: { "Content-Type": "text/html" } });
    });
    const browser = await playwright.launch({ executablePath: chromium, args: [...flags] });
    try {
      const page = await browser.newPage();
      const faults: string[] = [];
      page.on("pageerror", (error) => faults.push(String(error)));
      page.on("console", (message) => faults.push(message.text()));
      await page.goto(`${server.origin}/?device=${device}&updates=${updates}`);
      await page.locator("body", { hasText: "[" }).waitFor({ timeout: 120_000 });
      const found: number[] = JSON.parse(await page.locator("body").textContent() ?? "");
      assertEquals(faults, []);
      const here = await losses(jax, digits, updates);
      assertEquals(found.length, here.length);
      found.forEach((loss, i) => assert(Math.abs(loss - here[i]) < 2e-5 * here[i], `update ${i}: ${loss}, here ${here[i]}`));
    } finally {
      await browser.close();
      await server.close();
    }
  });
}
