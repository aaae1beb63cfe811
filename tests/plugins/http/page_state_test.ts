/// <reference lib="dom" />
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { Hono } from "hono";
import type { Page } from "playwright-core";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { builtins, plotSchedule, type SchedulePlugin } from "../../../mod.ts";
import { createApp } from "../../../plugins/http/mod.ts";
import { basesOf } from "../../../plugins/http/page/base.ts";
import { isStructural, whatChanged } from "../../../plugins/http/page/changes.ts";
import { curvesPath, picturePoints, strideOf } from "../../../plugins/http/page/code.ts";
import { curveOf, drawnSteps, isWavy, linked, offersOf } from "../../../plugins/http/page/curves.ts";
import { createFollower, endsOf, fit, moveEnds } from "../../../plugins/http/page/horizons.ts";
import { startOptions } from "../../../plugins/http/page/ranges.ts";
import { lossOf, type PageState, readState, writeState } from "../../../plugins/http/page/state.ts";
import { inChromium } from "../../chromium.ts";
import { root } from "../../generated.ts";
import { listen } from "../../listen.ts";
import { bundlePage } from "../../page.ts";
import { close, cosine, keep, linear, link, page, polynomial, press, readings, serve, settled, values, visit } from "./visit.ts";

after(close);

const offers = offersOf(builtins);
const specsOf = (name: string) => offers.find((offer) => offer.name === name)?.options;
const choiceOf = (name: string, steps: number) => ({
  name,
  options: startOptions(offers.find((offer) => offer.name === name)!, { steps, lr: 1e-3 }),
});

const start: PageState = {
  curves: [],
  to: 1000,
  lr: 5e-5,
  scale: "linear",
  at: 250,
  runs: [{ optimizer: { name: "adamw", options: {} }, schedule: null }, { optimizer: { name: "adafactor", options: {} }, schedule: null }],
  updates: 300,
  seed: 1,
};
const three: PageState = { ...start, curves: [linear, cosine, polynomial].map(([name, options]) => ({ name, options })) };

test("a link that is cut anywhere behind its first curve says so, and one that is whole says nothing", () => {
  const whole = new URL(`http://localhost/#${writeState(three, start)}`).hash;
  assertEquals(lossOf(whole), "");
  assertEquals(readState(whole, start), three);
  const from = whole.indexOf("&");
  assert(from > 0 && from < whole.length / 2);
  for (let length = from + 1; length < whole.length; length++) {
    assert(lossOf(whole.slice(0, length)) !== "", whole.slice(0, length));
  }
  for (
    const [fragment, words] of [
      ["#schedule={&to=10&lr=1", /1 of its curves cannot be read/],
      ['#schedule={"name":1}&schedule={"name":"x","options":{}}&to=10', /1 of its curves cannot be read/],
      [`#${'schedule={"name":"x","options":{}}&'.repeat(20)}to=10`, /of its 20 curves the first 8 are shown/],
      ["#to=10,000&lr=x", /to, lr cannot be read/],
      ["#to=100&updates=99999", /updates cannot be read/],
      ["#to=100&run={}", /the runs cannot be read/],
    ] as const
  ) assertMatch(lossOf(fragment), words);
  // Written by hand, or no link of the page's.
  for (const fragment of ["", "#", "#live", "#a=b", '#schedule={"name":"x","options":{}}', "#schedule=&to=10", "#to=10&lr=1"]) {
    assertEquals(lossOf(fragment), "", fragment);
  }
});

test("what differs between two states is told by its place", () => {
  const curve = (options: object) => ({ ...three, curves: [{ name: "linear", options: { ...options } }] });
  const [a, b] = [curve({ numWarmupSteps: 1, power: null }), curve({ numWarmupSteps: 2, power: null })];
  assertEquals(whatChanged(a, a), "");
  assertEquals(whatChanged(a, b), ".curves.0.options.numWarmupSteps");
  assertEquals(whatChanged(a, { ...b, to: 7 }), ".curves.0.options.numWarmupSteps .to");
  assertEquals(isStructural(whatChanged(a, { ...b, to: 7 })), false);
  for (const other of [three, { ...a, curves: [] }, { ...a, scale: "log" as const }, curve({ numWarmupSteps: 1, power: 2 })]) {
    assert(isStructural(whatChanged(a, other)), whatChanged(a, other));
  }
});

test("an end that stands at the last step goes with it, and nothing else does", () => {
  const moved: Record<string, unknown> = {};
  for (const offer of offers.filter(({ returns }) => returns !== "metric")) {
    const before = choiceOf(offer.name, 1000);
    const after = moveEnds(before, specsOf, 10_000, 1000);
    const differs = whatChanged(before, after);
    if (differs !== "") moved[offer.name] = differs;
    assert(endsOf(after, specsOf).every((end) => end === 10_000), offer.name);
  }
  assertEquals(moved, {
    linear: ".options.numTrainingSteps",
    cosine: ".options.numTrainingSteps",
    cosine_with_restarts: ".options.numTrainingSteps",
    polynomial: ".options.numTrainingSteps",
    cosine_with_min_lr: ".options.numTrainingSteps",
    cosine_warmup_with_min_lr: ".options.numTrainingSteps",
    warmup_stable_decay: ".options.numTrainingSteps",
    cosine_annealing: ".options.tMax",
    polynomial_lr: ".options.totalIters",
    one_cycle: ".options.totalSteps",
    rex: ".options.totalSteps",
    warmup_decay: ".options.totalNumSteps",
    cosine_timm: ".options.tInitial",
    ...Object.fromEntries(["clamp", "by_epoch", "delay", "scale", "warm"].map((name) => [name, ".options.schedule.options.tMax"])),
    product: ".options.schedules.1.options.tMax",
    // Behind a milestone; of those before it none has its end there.
    sequence: ".options.schedules.1.options.tMax",
    sum: ".options.schedules.0.options.schedule.options.tMax",
    cosine_decay: ".options.decaySteps",
    polynomial_decay: ".options.decaySteps",
    // 100 steps of warmup, and 900 behind them.
    warmup: ".options.decaySchedule.options.decaySteps",
  });
  const short = { name: "cosine", options: { numWarmupSteps: 1000, numTrainingSteps: 900 } };
  assertEquals(moveEnds(short, specsOf, 10_000, 1000), short);
  assertEquals(moveEnds(short, specsOf, 10_000).options.numTrainingSteps, 10_000);
  assertEquals(moveEnds({ name: "stranger", options: { numTrainingSteps: 1000 } }, specsOf, 10, 1000).options.numTrainingSteps, 1000);
});

test("a curve that is fitted is rebased, and says what did not come along", () => {
  const steps = { numWarmupSteps: 100, numTrainingSteps: 1000, warmupOffset: 0 };
  const fitted = (name: string, options: object, to = 2500) => fit({ name, options: { ...options } }, specsOf, builtins.plugins, to);
  assertEquals(fitted("linear", steps), {
    choice: { name: "linear", options: { ...steps, numWarmupSteps: 250, numTrainingSteps: 2500 } },
    notes: [],
  });
  const schedule = { name: "cosine_annealing", options: { tMax: 10 } };
  const { choice, notes } = fitted("by_epoch", { schedule, stepsPerEpoch: 100 });
  assertEquals([choice.options, notes.length], [{ schedule, stepsPerEpoch: 250 }, 1]);
  assertEquals(endsOf(choice, specsOf), [2500]);
  // What the library refuses has its end moved at least, and what the service alone has goes by its units.
  assertEquals(fitted("linear", { ...steps, numWarmupSteps: "x" }).choice.options.numTrainingSteps, 2500);
  const strange = (name: string) => name === "strange" ? specsOf("rex") : specsOf(name);
  assertEquals(fit({ name: "strange", options: { totalSteps: 1000 } }, strange, builtins.plugins, 10).choice.options, { totalSteps: 10 });
});

test("the end of what is moved, begins again or has a warmup in front is where its curve ends", () => {
  const linear = (numTrainingSteps: number) => ({ name: "linear", options: { numWarmupSteps: 0, numTrainingSteps } });
  const within = (name: string, option: string, steps: number, end: number) => ({
    name,
    options: { schedule: linear(end), [option]: steps },
  });
  const decay = (warmupSteps: number, decaySteps: number, warmupTarget: number | null = 1) => ({
    name: "cosine_decay",
    options: { initialLearningRate: 1, decaySteps, warmupTarget, warmupSteps },
  });
  const timm = (warmupT: number, tInitial: number, warmupPrefix: boolean) => ({
    name: "cosine_timm",
    options: { tInitial, warmupT, warmupPrefix },
  });
  const cases = [
    [within("shift", "steps", 50, 1050), within("shift", "steps", 50, 5050), within("shift", "steps", 250, 5250)],
    [within("delay", "steps", 50, 950), within("delay", "steps", 50, 4950), within("delay", "steps", 250, 4750)],
    [decay(100, 900), decay(100, 4900), decay(500, 4500)],
    [decay(100, 1000, null), decay(100, 5000, null), decay(500, 5000, null)],
    [timm(100, 900, true), timm(100, 4900, true), timm(500, 4500, true)],
    [timm(100, 1000, false), timm(100, 5000, false), timm(500, 5000, false)],
  ];
  for (const [before, moved, fitted] of cases) {
    assertEquals(endsOf(before, specsOf), [1000], JSON.stringify(before));
    assertEquals(moveEnds(before, specsOf, 5000, 1000), moved);
    assertEquals(fit(before, specsOf, builtins.plugins, 5000).choice, fitted);
  }
  // Rounds that are as long as the whole are rounds still.
  assertEquals(endsOf(within("repeat", "every", 500, 500), specsOf), []);
  for (
    const [name, once, again] of [
      ["cosine_timm", { tInitial: 1000, cycleLimit: 1 }, { tInitial: 1000, cycleLimit: 3 }],
      ["polynomial_decay", { decaySteps: 1000, cycle: false }, { decaySteps: 1000, cycle: true }],
    ] as const
  ) {
    assertEquals([endsOf({ name, options: once }, specsOf), endsOf({ name, options: again }, specsOf)], [[1000], []]);
    assertEquals(moveEnds({ name, options: again }, specsOf, 5000, 1000).options, again);
  }
});

test("the end of schedules in a list is found, moved and fitted", () => {
  const rise = { name: "linear_lr", options: { totalIters: 100 } };
  const wave = (tMax: number) => ({ name: "cosine_annealing", options: { tMax } });
  const sequence = (milestone: number, tMax: number, totalIters = 100) => ({
    name: "sequence",
    options: { schedules: [{ name: "linear_lr", options: { totalIters } }, wave(tMax)], milestones: [milestone] },
  });
  assertEquals(endsOf(sequence(100, 900), specsOf), [1000]);
  assertEquals(moveEnds(sequence(100, 900), specsOf, 5000, 1000), sequence(100, 4900));
  assertEquals(moveEnds(sequence(100, 900), specsOf, 5000, 900), sequence(100, 900));
  assertEquals(fit(sequence(100, 900), specsOf, builtins.plugins, 5000).choice, sequence(500, 4500, 500));
  const product = (tMax: number) => ({ name: "product", options: { schedules: [rise, wave(tMax), { name: "constant" }] } });
  assertEquals(endsOf(product(1000), specsOf), [1000]);
  assertEquals(moveEnds(product(1000), specsOf, 5000), product(5000));
  const warm = { name: "warm", options: { numWarmupSteps: 50, schedule: sequence(100, 850) } };
  assertEquals(endsOf(warm, specsOf), [1000]);
  for (const milestones of [undefined, "x", ["x"]]) {
    assertEquals(endsOf({ name: "sequence", options: { schedules: [rise, wave(9)], milestones } }, specsOf), []);
  }
});

test("curves that are the same have the same link", () => {
  const text = (choice: { readonly name: string; readonly options: object }): string => JSON.stringify(linked(choice as never, specsOf));
  const one = { name: "linear", options: { numWarmupSteps: 10, numTrainingSteps: 100, warmupOffset: 0 } };
  assertEquals(text(one), '{"name":"linear","options":{"numTrainingSteps":100,"numWarmupSteps":10}}');
  assertEquals(text({ name: "linear", options: { numTrainingSteps: 100, numWarmupSteps: 10 } }), text(one));
  // Of a schedule within it all is said: nobody fills that in.
  const within = (schedule: object) => ({ name: "clamp", options: { min: 0.1, schedule, max: null } });
  assertEquals(text(within({ name: "linear", options: { numTrainingSteps: 100, numWarmupSteps: 10 } })), text(within(one)));
  assertEquals(
    text(within(one)),
    '{"name":"clamp","options":{"min":0.1,"schedule":{"name":"linear","options":{"numTrainingSteps":100,"numWarmupSteps":10,"warmupOffset":0}}}}',
  );
  const list = (schedules: readonly object[]) => ({ name: "sum", options: { schedules } });
  assertEquals(text(list([{ name: "constant" }, within(one)])), text(list([{ name: "constant", options: {} }, within(one)])));
  // It is the same curve: nothing is simplified, so that Back comes to the card that was left.
  const scaled = { name: "scale", options: { factor: 1, schedule: one } };
  assertEquals(linked(scaled, specsOf).name, "scale");
});

test("on its way, the number of steps takes no other ends along", () => {
  const follow = createFollower(specsOf);
  const ends = (choices: readonly { readonly options: object }[]) =>
    choices.map(({ options }) => (options as { numTrainingSteps: number }).numTrainingSteps);
  let choices: ReturnType<typeof follow> = [1000, 500].map((numTrainingSteps) => ({
    name: "linear",
    options: { numWarmupSteps: 1, numTrainingSteps },
  }));
  let to = 1000;
  for (const next of [700, 500, 300, 10, 10_000]) {
    choices = follow(choices, to, next);
    assertEquals(ends(choices), [next, 500]);
    to = next;
  }
});

test("curves are drawn at steps that show the reach of each in every pixel", () => {
  const saw = (step: number): number => (step % 2000) / 2000;
  const steps = drawnSteps([{ returns: "factor", lr: saw }, { returns: "factor", lr: (step) => 1 - step / 1e6 }, { error: "x" }], 1e6, 600);
  assert(steps.length < 4 * 2 * 600 && steps.every((step, i) => i === 0 || step > steps[i - 1]));
  for (let pixel = 0; pixel < 600; pixel += 7) {
    const heights = steps.filter((step) => Math.abs(step / 1e6 * 600 - pixel - 0.5) < 1.5).map(saw);
    assert(Math.max(...heights) > 0.97 && Math.min(...heights) < 0.03, `pixel ${pixel}`);
  }
  // Of a curve that the service computes there is no more than it has told.
  const known = Array.from({ length: 10_000 }, (_, i) => 100 * i);
  const told = drawnSteps([{ returns: "factor", lr: saw, steps: known }], 1e6, 600);
  assert(told.every((step) => step % 100 === 0) && told.length < 4 * 600 + 2);
});

test("a picture of waves is left to the service, which finds their reach", async () => {
  const waves = { name: "cosine_with_restarts" as const, options: { numWarmupSteps: 0, numTrainingSteps: 1e6, numCycles: 500 } };
  const wavy = (choice: { readonly name: string; readonly options: Readonly<Record<string, unknown>> }, to: number): boolean => {
    const curve = curveOf(builtins, choice, 1);
    return isWavy(curve, drawnSteps([curve], to, 600), to, strideOf(to, picturePoints));
  };
  assertEquals([wavy(waves, 1e6), wavy(waves, 1000), wavy(choiceOf("cosine", 1e6), 1e6), wavy(choiceOf("linear", 100_000), 100_000)], [
    true,
    false,
    false,
    false,
  ]);
  const path = curvesPath(".svg", [waves], 1e6, 1, "linear", true);
  assert(!path.includes("every"));
  const svg = await (await createApp(builtins).request(`/${path}`)).text();
  assertEquals(svg, plotSchedule([builtins.createSchedule(waves.name, waves.options)], { names: [waves.name], lr: [1], to: 1e6 }));
});

test("the service is looked for where the page is, and beside it", () => {
  for (
    const [address, bases] of [
      ["http://localhost/", ["http://localhost/"]],
      ["http://localhost/optim/", ["http://localhost/optim/"]],
      ["http://localhost/optim", ["http://localhost/optim/", "http://localhost/"]],
      ["http://localhost/optim?x=/y#schedule={a/b}", ["http://localhost/optim/", "http://localhost/"]],
      ["http://localhost/a/v1.2", ["http://localhost/a/v1.2/", "http://localhost/a/"]],
      ["http://localhost/a/index.html#x", ["http://localhost/a/"]],
      ["file:///tmp/page.html", ["file:///tmp/"]],
    ] as const
  ) assertEquals(basesOf(address), [...bases]);
});

for (const [at, mount] of [["/optim", "/optim"], ["/optim/", "/optim"], ["/a/b/optim", "/a/b/optim"], ["/view", "/"]] as const) {
  inChromium(`the page asks the right paths at ${at}, with the service at ${mount}`, async () => {
    const outer = new Hono();
    const app = createApp(builtins, { page: page() });
    if (at === "/view") outer.get("/view", () => app.request("/"));
    outer.mount(mount, app.fetch);
    const asked: string[] = [];
    const from = keep(listen((request) => {
      asked.push(new URL(request.url).pathname);
      return outer.fetch(request);
    }));
    await visit(async (page, origin) => {
      await page.waitForFunction(() => document.querySelector<HTMLAnchorElement>("#api")!.href.endsWith("/openapi.json"));
      const base = `${origin}${mount === "/" ? "" : mount}/`;
      await page.waitForFunction((base) => document.querySelector<HTMLAnchorElement>("#api")!.href === `${base}openapi.json`, base);
      for (const format of ["svg", "csv", "json"]) {
        const href = await page.locator(`#link-${format}`).evaluate((link: HTMLAnchorElement) => link.href);
        assertEquals([new URL(href).href.startsWith(`${base}v1/curves`), (await fetch(href)).status], [true, 200], href);
      }
      await page.locator("label[for=code-readme]").click();
      assert((await page.locator("#code").textContent())!.includes(`(${base}v1/curves.svg?`));
      assertEquals((await fetch(`${base}openapi.json`)).status, 200);
      if (at !== "/view") assertEquals(asked.filter((path) => !path.startsWith(mount) && path !== "/favicon.ico"), []);
      // The page beside the service looks at its own place first.
    }, { from, at, hash: link([linear], 1000, 1e-3), ...(at === "/view" && { expected: /status of 404/ }) });
  });
}

/** What the page shows, as a reader sees it. */
function shown(page: Page): Promise<unknown> {
  return page.evaluate(() => [
    [...document.querySelectorAll(".card .short")].map(({ textContent }) => textContent),
    [...document.querySelectorAll<HTMLInputElement>("#to-box, #lr-box, #updates-box, #seed-box, .run select")].map(({ id, value }) =>
      `${id}=${value}`
    ),
    document.querySelector<HTMLInputElement>("#scale-log")!.checked,
  ]);
}

const historyLength = (page: Page): Promise<number> => page.evaluate(() => history.length);

/** Goes back or forth, and waits for the page to be where it came to. */
async function go(page: Page, way: "goBack" | "goForward"): Promise<void> {
  const before = page.url();
  await page[way]();
  await page.waitForFunction((before) => location.href !== before, before);
  await settled(page);
}

inChromium("Back undoes the last change, one by one, and forth does them again", () =>
  visit(async (page) => {
    const states = [await shown(page)];
    const changes: readonly (() => Promise<unknown>)[] = [
      () => page.locator("#curve-0-numWarmupSteps-box").fill("300"),
      () => page.locator("#add").selectOption("inverse_sqrt"),
      () => page.locator("label[for=scale-log]").click(),
      () => page.locator("#to-box").fill("2000"),
      () => page.locator("#run-1-optimizer").selectOption("adamw_torch"),
      () => page.locator("#curve-2-remove").click(),
      () =>
        page.locator("#curve-0-name").evaluate((select: HTMLSelectElement) => {
          select.value = "cosine";
          select.dispatchEvent(new Event("change"));
        }),
    ];
    const length = await historyLength(page);
    for (const change of changes) {
      await change();
      await settled(page);
      states.push(await shown(page));
    }
    assertEquals(await historyLength(page), length + changes.length);
    for (let i = states.length - 2; i >= 0; i--) {
      await go(page, "goBack");
      assertEquals(await shown(page), states[i], `state ${i}, back`);
    }
    for (let i = 1; i < states.length; i++) {
      await go(page, "goForward");
      assertEquals(await shown(page), states[i], `state ${i}, forth`);
    }
    assertEquals((await readings(page)).values, values([["cosine", { numWarmupSteps: 200, numTrainingSteps: 2000 }], cosine], 1e-3, 250));
  }, { hash: link([linear, cosine], 1000, 1e-3, "&updates=12") }));

inChromium("keystrokes, the way of a slider and of the pointer are one entry of the history each, or none", () =>
  visit(async (page) => {
    const before = await historyLength(page);
    await page.locator("#lr-box").fill("");
    await page.locator("#lr-box").pressSequentially("0.0025", { delay: 30 });
    assertEquals(await historyLength(page), before + 1);
    // However slowly somebody types.
    await page.waitForTimeout(1200);
    await page.locator("#lr-box").pressSequentially("1");
    assertEquals(await historyLength(page), before + 1);
    await press(page, "curve-0-numWarmupSteps", "ArrowRight", 20);
    assertEquals(await historyLength(page), before + 2);
    const { x, y, width, height } = (await page.locator("#plot .u-over").boundingBox())!;
    for (let share = 0; share < 1; share += 0.1) await page.mouse.move(x + share * width, y + height / 2);
    await press(page, "scrub", "ArrowRight", 5);
    await page.locator("#at").fill("77");
    await page.waitForFunction(() => location.hash.includes("at=77"));
    assertEquals(await historyLength(page), before + 2);
    await go(page, "goBack");
    assertEquals(await page.locator("#curve-0-numWarmupSteps-box").inputValue(), "100");
    assertEquals(await page.locator("#lr-box").inputValue(), "0.00251");
    await go(page, "goBack");
    assertEquals(await page.locator("#lr-box").inputValue(), "0.001");
    assert((await page.title()).includes("Glissade"));
  }, { hash: link([linear], 1000, 1e-3) }));

inChromium("Back keeps what was trained, and the cards that are open", () =>
  visit(async (page) => {
    await page.locator("#start").click();
    await page.waitForFunction(() => /^Done/.test(document.querySelector("#run-status")!.textContent!));
    const numbers = await page.locator(".numbers").textContent();
    await page.locator("#curve-1-summary").click();
    await page.locator("#curve-1-numWarmupSteps-box").fill("10");
    await settled(page);
    await go(page, "goBack");
    assertEquals(await page.locator("#curve-1-numWarmupSteps-box").inputValue(), "50");
    assert(await page.locator("#curve-1-numWarmupSteps-box").isVisible());
    await page.waitForTimeout(300);
    assertEquals(await page.locator(".numbers").textContent(), numbers);
    assertMatch((await page.locator("#run-status").textContent())!, /^Done/);
  }, { hash: link([linear, cosine], 1000, 1e-3, "&updates=12") }));

inChromium("a link that was cut says what is missing, until another one is opened", async () => {
  const whole = link([linear, cosine, polynomial], 1000, 1e-3);
  await visit(async (page) => {
    assertEquals(await page.locator("#cards > details").count(), 2);
    assertMatch((await page.locator("#loss").textContent())!, /cut off or damaged on its way: 1 of its curves cannot be read/);
    assert(await page.locator("#loss").isVisible());
    await page.evaluate((hash) => void (location.hash = hash), whole);
    await page.waitForFunction(() => document.querySelectorAll("#cards > details").length === 3);
    assert(!await page.locator("#loss").isVisible());
    // The page's own link, cut.
    await page.locator("#lr-box").fill("0.002");
    await page.waitForFunction(() => location.hash.endsWith("&end"));
    const own = await page.evaluate(() => location.hash);
    await page.evaluate((hash) => void (location.hash = hash), own.slice(0, own.indexOf("&to=")));
    await page.waitForFunction(() => /its end is missing/.test(document.querySelector("#loss")!.textContent!));
  }, { hash: whole.slice(0, whole.indexOf("polynomial") + 30) });
});

inChromium("a long link, and curves too long for one, are said to be so", () =>
  visit(async (page) => {
    assertEquals(await page.locator("#link-note").textContent(), "");
    await page.locator("#add").selectOption("piecewise_constant_decay");
    const many = (count: number): string => JSON.stringify(Array.from({ length: count }, (_, i) => i + 1));
    await page.locator("#curve-1-boundaries").fill(many(700));
    await settled(page);
    assertMatch((await page.locator("#link-note").textContent())!, /characters long, and some programs cut such links/);
    assert(await page.locator("#link-svg").isVisible());
    await page.locator("#curve-1-boundaries").fill(many(3000));
    await settled(page);
    assert(!await page.locator("#link-svg").isVisible());
    assert(await page.locator("#long-note").isVisible());
  }, { hash: link([linear], 1000, 1e-3) }));

inChromium("more steps take the curves' ends along, and a button fits an end that stands elsewhere", () =>
  visit(async (page) => {
    const length = (i: number): Promise<string> => page.locator(`#curve-${i}-numTrainingSteps-box`).inputValue();
    await page.locator("#to-box").fill("10,000");
    await settled(page);
    assertEquals([await length(0), await length(1)], ["10000", "900"]);
    assert(await page.locator("#curve-0-fit").isHidden());
    await page.locator("#curve-1-summary").click();
    assertMatch((await page.locator("#curve-1-fit").textContent())!, /^Fit to 10,000 steps/);
    await page.locator("#curve-1-fit").click();
    await settled(page);
    assertEquals(await length(1), "10000");
    // All of it goes along: 50 of 900 steps are as long a warmup.
    assertEquals(await page.locator("#curve-1-numWarmupSteps-box").inputValue(), "556");
    assertEquals(await page.locator("#curve-1 .fitted").textContent(), "");
    assert(await page.locator("#curve-1-fit").isHidden());
    // It does not bounce.
    await page.locator("#at").fill("9999");
    const { values: read } = await readings(page);
    assert(read[1] < 1e-9, String(read));
    // The runs' schedules go with their updates.
    await page.locator("#updates-box").fill("40");
    await page.locator("#run-0 summary", { hasText: "Schedule's options" }).click();
    assertEquals(await page.locator("#run-0-schedule-numTrainingSteps-box").inputValue(), "40");
  }, { hash: link([linear, cosine], 1000, 1e-3) }));

inChromium("a schedule for an algorithm without an lr wipes nothing, stops nothing, and is told to wait", () =>
  visit(async (page) => {
    await page.locator("#start").click();
    await page.waitForFunction(() => /^Done/.test(document.querySelector("#run-status")!.textContent!));
    const numbers = await page.locator(".numbers").textContent();
    const problem = page.locator("#run-1-problem");
    await page.locator("#run-1-schedule").selectOption("cosine");
    await page.waitForTimeout(400);
    assertMatch((await problem.textContent())!, /^cosine waits for an lr .* Untick null at lr/);
    assertEquals(await page.locator(".numbers").textContent(), numbers);
    assertMatch((await page.locator("#run-status").textContent())!, /^Done/);
    assert(await page.locator("#start").isEnabled());
    // The code of the run is code that runs.
    await page.locator("#run-1 summary", { hasText: "Code of this run" }).click();
    assert(!(await page.locator("#run-1-code").textContent())!.includes("cosine"));
    // It trains meanwhile, and what is refused later leaves what was trained.
    await page.locator("#start").click();
    await page.waitForFunction(() => document.querySelector("#start")!.textContent === "Run again");
    await page.locator("#run-1-main-lr-none").uncheck();
    await page.waitForFunction(() => document.querySelector<HTMLButtonElement>("#start")!.disabled);
    assertEquals(await page.locator(".numbers").textContent(), numbers);
    assertMatch((await page.locator("#run-status").textContent())!, /What is shown was trained before them/);
    await page.locator("#run-1-main-lr-none").check();
    await page.waitForFunction(() => !document.querySelector<HTMLButtonElement>("#start")!.disabled);
    assertEquals(await page.locator(".numbers").textContent(), numbers);
    assertMatch((await page.locator("#run-status").textContent())!, /^Done/);
  }, { hash: "#to=1000&lr=1e-3&updates=12" }));

inChromium("10,000 in a box is ten thousand, and what cannot be read is said to be so", () =>
  visit(async (page) => {
    const box = page.locator("#to-box");
    for (const [text, value] of [["10,000", 10_000], ["1e3", 1000], ["2 000", 2000], ["５０", 50]] as const) {
      await box.fill(text);
      await settled(page);
      assertEquals([await box.getAttribute("aria-invalid"), await page.locator("#scrub").getAttribute("max")], [null, String(value)], text);
    }
    for (const text of ["1.000,5", "NaN", "", "1,00,000"]) {
      await box.fill(text);
      await settled(page);
      assertEquals([await box.getAttribute("aria-invalid"), await page.locator("#scrub").getAttribute("max")], ["true", "50"], text);
    }
    await box.blur();
    assertEquals(await box.inputValue(), "50");
    await page.locator("#curve-0-boundaries").fill("10,000, 20,000");
    await settled(page);
    assertMatch((await page.locator("#curve-0-boundaries-problem").textContent())!, /10,000 may be one or two/);
    await page.locator("#curve-0-boundaries").fill("10000, 20000");
    assertEquals(await page.locator("#curve-0-boundaries-problem").textContent(), "");
  }, { hash: link([["piecewise_constant_decay", { boundaries: [1, 2], values: [3, 2, 1] }]], 1000, 1) }));

const evil = "x\nEVIL()\n//";

inChromium("a name that would be code stands as a name in every box", () =>
  visit(async (page) => {
    for (const language of ["deno", "bun", "python", "readme"]) {
      await page.locator(`label[for=code-${language}]`).click();
      const code = (await page.locator("#code").textContent())!;
      assertEquals(code.trimEnd().split("\n").length, 1, code);
      assertMatch(code, language === "python" ? /^#/ : language === "readme" ? /^<!--.*-->$/m : /^\/\//);
    }
    await page.locator("#run-0 summary", { hasText: "Code of this run" }).click();
    const code = (await page.locator("#run-0-code").textContent())!;
    assert(code.split("\n").every((line) => !line.trimStart().startsWith("EVIL")), code);
  }, {
    hash: `${link([[evil, {}]], 1000, 1)}&run=${
      encodeURIComponent(
        JSON.stringify({
          optimizer: { name: "adamw", options: { lr: 1e-3 } },
          schedule: { name: "linear", options: { numWarmupSteps: 1, numTrainingSteps: 9 } },
        }),
      ).repeat(1)
    }&run=${encodeURIComponent(JSON.stringify({ optimizer: { name: "adamw", options: { lr: 1e-3 } }, schedule: null }))}&updates=12`,
  }));

for (const width of [320, 360]) {
  inChromium(`the page fits a screen of ${width} pixels while it trains`, () =>
    visit(async (page) => {
      const isWide = (): Promise<unknown> =>
        page.evaluate(() => [
          document.documentElement.scrollWidth,
          innerWidth,
          [...document.body.querySelectorAll("*")].filter((one) =>
            one.getBoundingClientRect().right > innerWidth + 0.5 && one.closest("pre, .unseen, [hidden]") === null
          ).map(({ tagName, id, className }) => `${tagName}#${id}.${className}`),
        ]);
      await page.locator("#start").click();
      for (let i = 0; i < 12; i++) {
        assertEquals(await isWide(), [width, width, []]);
        await page.waitForTimeout(60);
      }
      await page.waitForFunction(() => /^Done/.test(document.querySelector("#run-status")!.textContent!));
      assertEquals(await isWide(), [width, width, []]);
      assert(
        await page.locator(".numbers").evaluate((table) => table.scrollWidth <= table.parentElement!.clientWidth),
        "the numbers are cut",
      );
    }, { viewport: { width, height: 800 }, isMobile: true, hasTouch: true, hash: "#to=1000&lr=1e-3&updates=60" }));
}

inChromium("names without an end, from somebody's link, break where they must", () =>
  visit(async (page) => {
    const beyond = await page.evaluate(() => {
      const within = (part: Element): number => part.closest(".card, .panel, .readout, .loss")?.getBoundingClientRect().right ?? innerWidth;
      return [...document.body.querySelectorAll("main *")].filter((one) =>
        one.getBoundingClientRect().right > within(one) + 0.5 && one.closest("pre, .unseen, [hidden]") === null
      ).map(({ tagName, id, className }) => `${tagName}#${id}.${className}`);
    });
    assertEquals(beyond, []);
    assertEquals(await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]), [320, 320]);
  }, {
    viewport: { width: 320, height: 800 },
    isMobile: true,
    hasTouch: true,
    hash: link([["name".repeat(60), { ["option".repeat(30)]: "x".repeat(200) }], cosine], 1000, 1e-3),
  }));

inChromium("a plugin that throws while it trains is named, and the page goes on", async () => {
  const folder = mkdtempSync(join(tmpdir(), "glissade-throws-"));
  try {
    writeFileSync(
      join(folder, "own.ts"),
      `
      import { startPage } from ${JSON.stringify(join(root, "plugins/http/page/start.ts"))};
      import { adamw, createRegistry, linear } from ${JSON.stringify(join(root, "mod.ts"))};
      const fragile = {
        kind: "schedule", name: "fragile", description: "Breaks at step 5", options: {},
        create: () => (step) => { if (step === 5) throw new Error("The fifth step breaks"); return 1; },
      };
      startPage(createRegistry([adamw, linear, fragile]));
    `,
    );
    await visit(async (page) => {
      await page.locator("#run-1-schedule").selectOption("fragile");
      await page.waitForTimeout(300);
      await page.locator("#start").click();
      await page.waitForFunction(() => /The fifth step breaks/.test(document.querySelector("#run-1-problem")!.textContent!));
      const isPaused = (): Promise<unknown> =>
        page.waitForFunction(() => /^Paused at update/.test(document.querySelector("#run-status")!.textContent!));
      await isPaused();
      // Whoever continues is told again.
      await page.locator("#start").click();
      await isPaused();
      assertMatch((await page.locator("#run-1-problem").textContent())!, /The fifth step breaks/);
      // A curve of it has a gap there.
      await page.locator("#add").selectOption("fragile");
      await page.locator("#at").fill("5");
      assertEquals((await readings(page)).values.length, 1);
    }, { from: serve(builtins, bundlePage(join(folder, "own.ts"))), hash: link([linear], 1000, 1e-3, "&updates=12") });
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
});

inChromium("the picture's link draws on the axis of the page", () =>
  visit(async (page) => {
    const href = (): Promise<string> => page.locator("#link-svg").evaluate((link: HTMLAnchorElement) => link.href);
    assert(!(await href()).includes("scale"));
    await page.locator("label[for=scale-log]").click();
    await settled(page);
    const svg = await (await fetch(await href())).text();
    assert(svg.includes("on a logarithmic axis"), svg.slice(0, 400));
    await page.locator("label[for=code-readme]").click();
    assert((await page.locator("#code").textContent())!.includes("scale=log"));
    assert(!await page.locator("#link-csv").evaluate((link: HTMLAnchorElement) => link.href.includes("scale")));
  }, { hash: link([linear], 1000, 1e-3) }));

/** The columns of the chart's own pixels that have no colour at a height, as shares of all. */
function emptyColumns(page: Page, ...heights: readonly number[]): Promise<number[]> {
  return page.evaluate((heights) => {
    const canvas = document.querySelector<HTMLCanvasElement>("#plot canvas")!;
    const over = document.querySelector("#plot .u-over")!.getBoundingClientRect();
    const box = canvas.getBoundingClientRect();
    const ratio = canvas.width / box.width;
    const { data, width } = canvas.getContext("2d")!.getImageData(0, 0, canvas.width, canvas.height);
    const isBlue = (x: number, y: number): boolean => {
      const at = 4 * (Math.round((over.top - box.top + y) * ratio) * width + Math.round((over.left - box.left + x) * ratio));
      return data[at + 3] > 60 && data[at + 2] > data[at] + 60;
    };
    const columns = Array.from({ length: Math.floor(over.width) - 10 }, (_, i) => i + 5);
    // The axis reaches a little beyond the greatest value.
    const y = (height: number): number => over.height * (1 - height / 1.06);
    return heights.map((height) => columns.filter((x) => !isBlue(x, y(height))).length / columns.length);
  }, heights);
}

inChromium("a curve of 500 waves fills its reach in the chart", () =>
  visit(async (page) => {
    const empty = await emptyColumns(page, 0.97, 0.5, 0.03);
    assert(empty.every((share) => share <= 0.02), String(empty));
  }, { hash: link([["cosine_with_restarts", { numWarmupSteps: 0, numTrainingSteps: 100_000, numCycles: 500 }]], 100_000, 1e-3) }));

inChromium("a long curve that the service computes shows no waves that it does not have", async () => {
  const saw: SchedulePlugin<"saw", { period?: number }> = {
    kind: "schedule",
    name: "saw",
    description: "Falls to 0 in each period",
    options: { period: { default: 100, minimum: 1, description: "Steps of a tooth" } },
    create: ({ period }) => (step) => 1 - (step % period) / period,
  };
  await visit(async (page) => {
    await page.waitForFunction(() => document.querySelectorAll("#values data").length === 1);
    await settled(page);
    // Every 1001 steps there would be 100 slow teeth, whose lines leave most columns empty at any height. A pixel has some 14 values.
    const empty = await emptyColumns(page, 0.8, 0.5, 0.2);
    assert(empty.every((share) => share <= 0.2), String(empty));
  }, { from: serve(builtins.with(saw)), hash: link([["saw", {}]], 10_000_000, 1e-3) });
});
