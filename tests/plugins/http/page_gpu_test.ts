/// <reference lib="dom" />
/**
 * Where the page's runs take their steps: on WebGPU where the browser has it, in Chromium on SwiftShader, and elsewhere from the same state.
 *
 * @module
 */
import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import type { Page } from "playwright-core";
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import type { OptimizerPlugin } from "../../../core/plugin/contract.ts";
import { type Digits, readDigits } from "../../../examples/digits/data.ts";
import { adamw, builtins } from "../../../mod.ts";
import { createApp } from "../../../plugins/http/mod.ts";
import { createRun, type Run, smooth, type StepsOn } from "../../../plugins/http/page/run.ts";
import type { RunChoice } from "../../../plugins/http/page/state.ts";
import { inChromium, missing } from "../../chromium.ts";
import { root } from "../../generated.ts";
import { listen } from "../../listen.ts";
import { gpuTest, missing as missingGpu, onGpu } from "../../webgpu.ts";
import { axeFindings, close, keep, page as html, visit } from "./visit.ts";

after(close);

if (missing !== undefined) test.skip(missing, () => {});
if (missingGpu !== undefined) test.skip(missingGpu, () => {});

let read: Promise<Digits> | undefined;
const digits = (): Promise<Digits> => read ??= readDigits(new Uint8Array(readFileSync(join(root, "examples/digits/data/digits.csv.gz"))));

const usual = { name: "adamw", options: { lr: 0.003, betas: [0.9, 0.99], weightDecay: 0.1 } };
const choices = {
  "a schedule of its steps": {
    optimizer: usual,
    schedule: { name: "linear", options: { numWarmupSteps: 5, numTrainingSteps: 40 } },
  },
  // Hardly anything counts as better, so that it acts on what it hears.
  "a schedule after the held-out loss": {
    optimizer: usual,
    schedule: { name: "reduce_lr_on_plateau", options: { patience: 0, factor: 0.5, threshold: 0.9 } },
  },
  "a learning rate of its own": { optimizer: { name: "adafactor", options: {} }, schedule: null },
};

/** What came of a run. */
const outcome = ({ losses, lrs, exams }: Run): unknown => ({
  losses: [...losses],
  lrs: [...lrs],
  exams: exams.map(({ number, loss, accuracy }) => [number, loss, accuracy]),
});

for (const [name, choice] of Object.entries(choices)) {
  test(`a run with ${name} that moves to another backend goes on as if it had stayed`, async () => {
    const make = async (backend?: StepsOn): Promise<Run> => createRun(builtins, choice, await digits(), 45, 7, backend);
    const stays = await make("js");
    while (await stays.advance());
    const moves = await make("js");
    for (const [until, to] of [[0, "wasm"], [1, "js"], [20, "wasm"], [43, "js"]] as const) {
      while (moves.losses.length < until) await moves.advance();
      await moves.moveTo(to);
      assertEquals([moves.on, moves.backend], [to, to]);
    }
    while (await moves.advance());
    assertEquals(outcome(moves), outcome(stays));
    assertEquals(await moves.advance(), false);
    if (name === "a schedule after the held-out loss") assert(new Set(stays.lrs).size > 2, "nothing was heard");
    stays.dispose();
    moves.dispose();
  });

  gpuTest(
    `a run with ${name} on the device is near the same run here`,
    onGpu(async (backend) => {
      const make = async (on: StepsOn): Promise<Run> => createRun(builtins, choice, await digits(), 12, 7, on);
      const [here, there] = [await make("js"), await make(backend)];
      while (await here.advance());
      while (await there.advance());
      assertEquals(there.backend, "webgpu");
      assertNear(there, here);
      here.dispose();
      there.dispose();
    }),
  );
}

/** Sums are rounded otherwise on a device, and each update starts from what the last has left. */
function assertNear(there: Run, here: Run): void {
  assertEquals(there.losses.length, here.losses.length);
  here.losses.forEach((loss, i) => {
    assert(Math.abs(there.losses[i] - loss) <= 1e-4 * loss, `update ${i + 1}: loss ${there.losses[i]} instead of ${loss}`);
    assert(Math.abs(there.lrs[i] - here.lrs[i]) <= 1e-5 * here.lrs[i], `update ${i + 1}: lr ${there.lrs[i]} instead of ${here.lrs[i]}`);
  });
}

for (const updates of [0, 3]) {
  gpuTest(
    `a run whose device is lost after ${updates} updates on it goes on from the last`,
    onGpu(async (backend) => {
      const choice = choices["a schedule after the held-out loss"];
      const make = async (): Promise<Run> => createRun(builtins, choice, await digits(), 40, 7, "js");
      const [stays, moves] = [await make(), await make()];
      while (await stays.advance());
      // After the tenth the schedule hears of an exam.
      while (moves.losses.length < 10 - updates) await moves.advance();
      await moves.moveTo(backend);
      while (moves.losses.length < 10) await moves.advance();
      (backend.device as GPUDevice).destroy();
      await assertRejects(() => moves.advance(), Error, "lost");
      assertEquals([moves.losses.length, moves.backend], [10, "webgpu"]);
      await moves.moveTo("js");
      while (await moves.advance());
      if (updates === 0) assertEquals(outcome(moves), outcome(stays));
      else assertNear(moves, stays);
      stays.dispose();
      moves.dispose();
    }),
  );
}

test("an update that failed is made again from its own images", async () => {
  let steps = 0;
  // It throws when all micro-batches of the sixth update are gathered.
  const fragile: OptimizerPlugin<"fragile", object> = {
    ...adamw as unknown as OptimizerPlugin<"fragile", object>,
    name: "fragile",
    scalars(...given) {
      if (steps++ === 5) throw new Error("The sixth update breaks");
      return (adamw.scalars as NonNullable<OptimizerPlugin["scalars"]>)(...given);
    },
  };
  const registry = builtins.with(fragile);
  const choice = (name: string): RunChoice => ({ optimizer: { name, options: { lr: 0.003 } }, schedule: null });
  const straight = createRun(registry, choice("adamw"), await digits(), 12, 7, "js");
  while (await straight.advance());
  const broken = createRun(registry, choice("fragile"), await digits(), 12, 7, "js");
  for (let i = 0; i < 5; i++) await broken.advance();
  await assertRejects(() => broken.advance(), Error, "The sixth update breaks");
  assertEquals(broken.losses.length, 5);
  while (await broken.advance());
  assertEquals(outcome(broken), outcome(straight));
  straight.dispose();
  broken.dispose();
});

test("a run that ends in the middle of an update says no more, and waits for nothing", async () => {
  const never = (): Promise<never> => new Promise(() => {});
  // As a device that compiles for a minute.
  const silent = Object.create(builtins, {
    createTrainer: {
      value: (...given: Parameters<typeof builtins.createTrainer>) => {
        const trainer = builtins.createTrainer(...given);
        const optimizer = Object.create(trainer.optimizer, { sync: { value: never }, saveStateAsync: { value: never } });
        return Object.create(trainer, { optimizer: { value: optimizer } });
      },
    },
  });
  for (const act of ["advance", "moveTo"] as const) {
    const run = createRun(silent, choices["a learning rate of its own"], await digits(), 12, 7, "js");
    const acting = act === "advance" ? run.advance() : run.moveTo("wasm");
    run.dispose();
    await acting;
    assertEquals([await run.advance(), run.losses.length], [false, 0]);
    await run.moveTo("wasm");
    assertEquals(run.on, "js");
  }
});

/** The page reads its runs so; SwiftShader compiles each kernel for the processor. */
const patience = { timeout: 120_000 };

const wordsAre = (page: Page, pattern: RegExp): Promise<unknown> =>
  page.waitForFunction(
    (source) => new RegExp(source).test(document.querySelector("#place-words")!.textContent!),
    pattern.source,
    patience,
  );

const words = (page: Page): Promise<string> => page.locator("#place-words").textContent().then(String);

const isDone = (page: Page): Promise<unknown> =>
  page.waitForFunction(() => /^Done/.test(document.querySelector("#run-status")!.textContent!), undefined, patience);

const isAt = (page: Page, update: number): Promise<unknown> =>
  page.waitForFunction((update) => Number(document.querySelector("#cell-0-update")!.textContent) >= update, update, patience);

/** Stops the runs at an update or soon after it: from within the page, since runs on this host may be over before it hears of a click. */
async function stopAt(page: Page, update: number): Promise<void> {
  const stop = (update: number): boolean => {
    const isThere = Number(document.querySelector("#cell-0-update")!.textContent) >= update;
    if (isThere) document.querySelector<HTMLButtonElement>("#start")!.click();
    return isThere;
  };
  await page.waitForFunction(stop, update, patience);
  await page.waitForFunction(() => document.querySelector("#start")!.textContent === "Continue", undefined, patience);
}

const places = (page: Page): Promise<string[]> => page.locator("#places label").allTextContents();

const chosen = (page: Page): Promise<string | null> => page.locator("#places input:checked").getAttribute("id");

/** The updates, losses and shares that the page tells of both runs. */
const numbers = (page: Page): Promise<number[][]> =>
  page.evaluate(() =>
    [0, 1].map((side) =>
      ["update", "loss", "accuracy"].map((name) => parseFloat(document.querySelector(`#cell-${side}-${name}`)!.textContent!))
    )
  );

/** What the page should tell after so many updates, of both runs the same. */
async function expected(choice: RunChoice, updates: number): Promise<number[]> {
  const run = createRun(builtins, choice, await digits(), updates, 7, "js");
  while (await run.advance());
  run.dispose();
  return [updates, smooth(run.losses).at(-1)!, 100 * run.exams.at(-1)!.accuracy];
}

function assertShown(shown: readonly number[][], [updates, loss, accuracy]: readonly number[]): void {
  for (const [shownUpdates, shownLoss, shownAccuracy] of shown) {
    assertEquals(shownUpdates, updates);
    // Written with three digits; one of 360 images may be read otherwise.
    assert(Math.abs(shownLoss - loss) <= 0.002, `loss ${shownLoss} instead of ${loss}`);
    assert(Math.abs(shownAccuracy - accuracy) <= 0.4, `${shownAccuracy} % instead of ${accuracy} %`);
  }
}

const linear = choices["a schedule of its steps"];
const hashOf = (updates: number, ...runs: readonly RunChoice[]): string =>
  `#${runs.map((run) => `run=${encodeURIComponent(JSON.stringify(run))}`).join("&")}&updates=${updates}&seed=7`;

/** Keeps the devices that the page opens, for a test to end them. */
const keepDevices = (): void => {
  const request = GPUAdapter.prototype.requestDevice;
  const devices: GPUDevice[] = [];
  Object.assign(globalThis, { devices });
  GPUAdapter.prototype.requestDevice = async function (...given) {
    const device = await request.apply(this, given);
    devices.push(device);
    return device;
  };
};

const loseDevice = (page: Page): Promise<void> =>
  page.evaluate(() => (globalThis as unknown as { readonly devices: GPUDevice[] }).devices.at(-1)!.destroy());

inChromium(
  "where the browser has WebGPU the runs are trained on it, which the page says, and read what they read elsewhere",
  () =>
    visit(async (page) => {
      await wordsAre(page, /^Runs on a GPU \(WebGPU: .*swiftshader.*\)\. .*feigns it with the processor/);
      assertEquals([await places(page), await chosen(page)], [["GPU", "WebAssembly", "JavaScript"], "place-webgpu"]);
      await page.locator("#start").click();
      await isDone(page);
      assertMatch(await words(page), /^Runs on a GPU/);
      assertEquals(await page.evaluate(() => (globalThis as unknown as { readonly devices: unknown[] }).devices.length), 1);
      assertShown(await numbers(page), await expected(linear, 12));
    }, { webGpu: "with", before: keepDevices, hash: hashOf(12, linear, linear) }),
);

inChromium("another place is chosen by keyboard while the runs train, which go on there", () =>
  visit(async (page) => {
    await wordsAre(page, /^Runs on a GPU/);
    await page.locator("#start").click();
    await isAt(page, 2);
    await page.locator("#place-webgpu").focus();
    await page.keyboard.press("ArrowRight");
    await wordsAre(page, /^Runs on WebAssembly, (?:up to \d+ threads|1 thread)\.$/);
    assertEquals(await page.evaluate(() => document.activeElement!.id), "place-wasm");
    await page.keyboard.press("ArrowRight");
    await wordsAre(page, /^Runs in plain JavaScript\.$/);
    await isDone(page);
    assertShown(await numbers(page), await expected(linear, 60));
  }, { webGpu: "with", hash: hashOf(60, linear, linear) }));

/** Answers of the device wait as long as a test wants. */
const holdAnswers = (): void => {
  const map = GPUBuffer.prototype.mapAsync;
  const gate = { opened: Promise.resolve(), open: () => {} };
  Object.assign(globalThis, { gate, close: () => void (gate.opened = new Promise((open) => gate.open = open)) });
  GPUBuffer.prototype.mapAsync = async function (...given) {
    await gate.opened;
    return await map.apply(this, given);
  };
};

inChromium("a place that is chosen while the GPU is at an update is said to be the next update's", () =>
  visit(async (page) => {
    await wordsAre(page, /^Runs on a GPU/);
    await page.locator("#start").click();
    await isAt(page, 1);
    await page.evaluate(() => (globalThis as unknown as { close(): void }).close());
    await page.locator("label[for=place-js]").click();
    assertEquals(await words(page), "The next update runs in plain JavaScript.");
    await page.evaluate(() => (globalThis as unknown as { readonly gate: { open(): void } }).gate.open());
    await wordsAre(page, /^Runs in plain JavaScript\.$/);
    await isDone(page);
    assertShown(await numbers(page), await expected(linear, 60));
  }, { webGpu: "with", before: holdAnswers, hash: hashOf(60, linear, linear) }));

/** Every built-in algorithm runs on a device, so that this one has to be made to refuse: what Lion takes its steps by. */
const refuseSigns = (): void => {
  const create = GPUDevice.prototype.createShaderModule;
  const asked: string[] = [];
  Object.assign(globalThis, { asked });
  GPUDevice.prototype.createShaderModule = function (given) {
    if (/\bsign\w*\(/.test(given.code)) {
      asked.push(given.code);
      throw new TypeError("the driver knows no signs");
    }
    return create.call(this, given);
  };
};

const lion = { optimizer: { name: "lion", options: { lr: 0.001 } }, schedule: null };

inChromium("an algorithm that the GPU refuses is trained beside it, with the reason", () =>
  visit(async (page) => {
    await wordsAre(page, /^Runs on a GPU/);
    await page.locator("#start").click();
    await isDone(page);
    assertMatch(
      await words(page),
      /^Run A runs on WebAssembly, (?:up to \d+ threads|1 thread): the GPU does not take steps of lion \(the driver knows no signs\)\. Run B runs on a GPU \(WebGPU: .*\)\./,
    );
    assertEquals(await page.locator("#run-0-problem").textContent(), "");
    // It was asked once, not for each update.
    assertEquals(await page.evaluate(() => (globalThis as unknown as { readonly asked: readonly string[] }).asked.length), 1);
    const [ofLion, other] = await numbers(page);
    assertShown([ofLion], await expected(lion, 12));
    assertShown([other], await expected(linear, 12));
  }, { webGpu: "with", before: refuseSigns, hash: hashOf(12, lion, linear) }));

inChromium("a GPU that is lost in the middle costs no update, and can be chosen again", () =>
  visit(async (page) => {
    await wordsAre(page, /^Runs on a GPU/);
    await page.locator("#start").click();
    await isAt(page, 3);
    await loseDevice(page);
    await wordsAre(
      page,
      /^Runs on WebAssembly, (?:up to \d+ threads|1 thread)\. The GPU was lost \(.+\)\. The runs go on from where they were\.$/,
    );
    assertEquals(await chosen(page), "place-wasm");
    await isDone(page);
    const whole = await expected(linear, 60);
    assertShown(await numbers(page), whole);
    // Again, and lost before it has told anything of the new runs' updates.
    await page.locator("label[for=place-webgpu]").click();
    await wordsAre(page, /^Runs on a GPU/);
    await page.locator("#start").click();
    await stopAt(page, 1);
    await loseDevice(page);
    await wordsAre(page, /The GPU was lost/);
    await page.locator("#start").click();
    await isDone(page);
    assertShown(await numbers(page), whole);
  }, { webGpu: "with", before: keepDevices, hash: hashOf(60, linear, linear) }));

inChromium(
  "a GPU that is lost when the runs have left it leaves them where they are, and can be chosen again",
  () =>
    visit(async (page) => {
      await wordsAre(page, /^Runs on a GPU/);
      await page.locator("#start").click();
      await isAt(page, 2);
      await page.locator("label[for=place-js]").click();
      await stopAt(page, 10);
      await loseDevice(page);
      await page.evaluate(() => (globalThis as unknown as { readonly devices: GPUDevice[] }).devices.at(-1)!.lost);
      await page.waitForTimeout(100);
      assertEquals([await words(page), await chosen(page)], ["Runs in plain JavaScript.", "place-js"]);
      await page.locator("label[for=place-webgpu]").click();
      await page.locator("#start").click();
      await isDone(page);
      assertMatch(await words(page), /^Runs on a GPU/);
      assertEquals(await page.evaluate(() => (globalThis as unknown as { readonly devices: unknown[] }).devices.length), 2);
      assertShown(await numbers(page), await expected(linear, 60));
    }, { webGpu: "with", before: keepDevices, hash: hashOf(60, linear, linear) }),
);

inChromium("runs on a GPU can be stopped, begun anew and changed at any time", () =>
  visit(async (page) => {
    await wordsAre(page, /^Runs on a GPU/);
    // All of it between two answers of the device.
    for (let i = 0; i < 5; i++) {
      await page.evaluate(() => {
        const press = (id: string): void => document.querySelector<HTMLButtonElement>(`#${id}`)!.click();
        for (const id of ["start", "start", "start", "reset", "start"]) press(id);
      });
      await page.waitForTimeout(40 * i);
    }
    // From within the page: the runs may be over before it hears of what is typed.
    const reseed = (update: number): boolean => {
      const [box, cell] = ["#seed-box", "#cell-0-update"].map((id) => document.querySelector<HTMLInputElement>(id)!);
      const isThere = Number(cell.textContent) >= update;
      if (isThere) {
        box.value = "7";
        box.dispatchEvent(new Event("input", { bubbles: true }));
      }
      return isThere;
    };
    await page.waitForFunction(reseed, 2, patience);
    await isDone(page);
    assertShown(await numbers(page), await expected(linear, 12));
    assertMatch(await words(page), /^Runs on a GPU/);
  }, { webGpu: "with", hash: hashOf(12, linear, linear).replace("seed=7", "seed=8") }));

for (const [name, width, colorScheme] of [["light", 1280, "light"], ["dark, narrow", 320, "dark"]] as const) {
  inChromium(`the choice of places fits, and axe finds nothing wrong with it (${name})`, () =>
    visit(async (page) => {
      await wordsAre(page, /^Runs on a GPU/);
      const beyond = await page.evaluate(() => {
        const { right } = document.querySelector(".places")!.getBoundingClientRect();
        const labels = [...document.querySelectorAll("#places label")];
        const isWide = labels.some((label) => label.getBoundingClientRect().right > right + 0.5);
        return {
          isWide,
          lines: new Set(labels.map((label) => label.getBoundingClientRect().top)).size,
          page: document.documentElement.scrollWidth,
        };
      });
      assertEquals(beyond, { isWide: false, lines: 1, page: width });
      assertEquals(await axeFindings(page), []);
    }, { webGpu: "with", colorScheme, viewport: { width, height: 800 }, isMobile: width < 700, hasTouch: width < 700 }));
}

const withoutGpu: readonly (readonly [name: string, before: () => void, ready: RegExp, done: RegExp])[] = [
  [
    "has no WebGPU",
    () => Object.defineProperty(Navigator.prototype, "gpu", { value: undefined }),
    /^Runs on WebAssembly, (?:up to \d+ threads|1 thread)\. No GPU: this browser has no WebGPU\.$/,
    /^Runs on WebAssembly, (?:up to \d+ threads|1 thread)\. No GPU: this browser has no WebGPU\.$/,
  ],
  [
    "has no adapter",
    () => GPU.prototype.requestAdapter = () => Promise.resolve(null),
    /^Runs on WebAssembly, (?:up to \d+ threads|1 thread)\. No GPU: this browser has WebGPU, but no GPU for it\.$/,
    /^Runs on WebAssembly, (?:up to \d+ threads|1 thread)\. No GPU:/,
  ],
  [
    "fails when it is asked for an adapter",
    () => GPU.prototype.requestAdapter = () => Promise.reject(new Error("the driver is broken")),
    /^Runs on WebAssembly, (?:up to \d+ threads|1 thread)\. No GPU: the driver is broken\.$/,
    /^Runs on WebAssembly, (?:up to \d+ threads|1 thread)\. No GPU:/,
  ],
  [
    "has an adapter that gives no device",
    () => GPUAdapter.prototype.requestDevice = () => Promise.reject(new Error("the driver is broken")),
    /^Runs on a GPU/,
    /^Runs on WebAssembly, (?:up to \d+ threads|1 thread)\. The GPU cannot be used: the adapter gives no device: the driver is broken\.$/,
  ],
];

for (const [name, before, ready, done] of withoutGpu) {
  inChromium(`where the browser ${name} the page says so, and trains without`, () =>
    visit(async (page) => {
      await wordsAre(page, ready);
      await page.locator("#start").click();
      await isDone(page);
      await wordsAre(page, done);
      assertEquals(await chosen(page), "place-wasm");
      assertShown(await numbers(page), await expected(linear, 12));
    }, { webGpu: "with", before, hash: hashOf(12, linear, linear) }));
}

inChromium("a page that is not isolated trains all the same on one thread, an isolated one shares work out", async () => {
  const plain = listen(() => new Response(html(), { headers: { "Content-Type": "text/html" } }));
  keep(plain);
  const isolated = listen(createApp(builtins, { page: html() }).fetch);
  keep(isolated);
  const soap = { optimizer: { name: "soap", options: { lr: 0.003 } }, schedule: null };
  for (const [from, threads] of [[plain, 1], [isolated, availableParallelism()]] as const) {
    await visit(async (page) => {
      assertEquals(await page.evaluate(() => crossOriginIsolated), from === isolated);
      await wordsAre(page, /^Runs on a GPU/);
      await page.locator("label[for=place-wasm]").click();
      await wordsAre(
        page,
        threads > 1 ? new RegExp(`^Runs on WebAssembly, up to ${threads} threads\\.$`) : /^Runs on WebAssembly, 1 thread\.$/,
      );
      await page.locator("#start").click();
      await isDone(page);
      // Of the first run; AdamW's steps have nothing to share.
      assertEquals(page.workers().length, threads - 1);
      const [ofSoap, other] = await numbers(page);
      assertShown([other], await expected(linear, 20));
      assertShown([ofSoap], await expected(soap, 20));
    }, { webGpu: "with", from, hash: hashOf(20, soap, linear) });
  }
});
