/// <reference lib="dom" />
import { execFile, execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import type { Page } from "playwright-core";
import { assert, assertEquals } from "@std/assert";
import { adamw, builtins, createRegistry, facts, linear as linearPlugin, type SchedulePlugin } from "../../../mod.ts";
import { createApp } from "../../../plugins/http/mod.ts";
import { page as committed } from "../../../plugins/http/page.ts";
import { version } from "../../../plugins/http/page/code.ts";
import { inChromium, missing } from "../../chromium.ts";
import { root } from "../../generated.ts";
import { listen } from "../../listen.ts";
import { bundlePage } from "../../page.ts";
import { hasPython } from "../../python.ts";
import {
  axeFindings,
  close,
  cosine,
  keep,
  linear,
  link,
  newContext,
  page,
  polynomial,
  press,
  readings,
  saidOfNoAdapter,
  serve,
  service,
  settled,
  values,
  visit,
} from "./visit.ts";

after(close);

/** A schedule that nobody has but the test: a service may have it, the page has not. */
const sawtooth: SchedulePlugin<"sawtooth", { period?: number; depth?: number; tooth?: string; label?: string | null }> = {
  kind: "schedule",
  name: "sawtooth",
  description: "Falls by depth in each period",
  options: {
    period: { default: 100, minimum: 1, description: "Steps of a tooth" },
    depth: { default: 0.5, minimum: 0, maximum: 1, description: "What a tooth takes away" },
    tooth: { default: "straight", description: "straight or 12" },
    label: { default: null, type: ["string", "null"], description: "It counts for nothing" },
  },
  create({ period, depth, tooth, label }) {
    if (tooth !== "straight" && tooth !== "12") throw new RangeError(`There is no tooth ${JSON.stringify(tooth)}`);
    if (label === "null") throw new RangeError("null is a text here");
    return (step) => 1 - depth * ((step % period) / period) ** (tooth === "12" ? 12 : 1);
  },
};

if (missing !== undefined) test.skip(missing, () => {});

inChromium("the page's curve changes when a slider moves", () =>
  visit(async (page) => {
    await page.locator("#at").fill("600");
    const before = await page.locator("#plot").screenshot();
    assertEquals((await readings(page)).values, values([linear], 1e-3, 600));
    await press(page, "curve-0-numTrainingSteps", "ArrowLeft", 50);
    const length = await page.locator("#curve-0-numTrainingSteps-box").inputValue();
    assert(Number(length) < 1000, `The slider stands at ${length}`);
    assertEquals((await readings(page)).values, values([["linear", { numWarmupSteps: 100, numTrainingSteps: Number(length) }]], 1e-3, 600));
    assert(!before.equals(await page.locator("#plot").screenshot()), "The curve stayed as it was");
  }, { hash: link([linear], 1000, 1e-3) }));

inChromium("the page starts where the browser's language is the name of no language, as WebKitGTK's is in the locale C", async () => {
  const context = await newContext();
  try {
    await context.addInitScript(() => Object.defineProperty(navigator, "language", { value: "C", configurable: true }));
    const page = await context.newPage();
    const errors: unknown[] = [];
    page.on("pageerror", (error) => errors.push(error));
    await page.goto((await service()).origin);
    await page.waitForFunction(() => document.querySelector<HTMLButtonElement>("#start")?.disabled === false, null, { timeout: 10_000 })
      .catch(() => {});
    assertEquals([errors, (await readings(page)).values.length], [[], 4]);
  } finally {
    await context.close();
  }
});

inChromium("values under the pointer agree with the library's, bit for bit", () =>
  visit(async (page) => {
    const { x, y, width, height } = (await page.locator("#plot .u-over").boundingBox())!;
    const seen = new Set<number>();
    for (const share of [0, 0.07, 0.31, 0.5, 0.77, 0.999]) {
      await page.mouse.move(x + share * width, y + height / 2);
      const { step, values: read } = await readings(page);
      assert(Math.abs(step - share * 1000) <= 2, `Step ${step} at ${share}`);
      assertEquals(read, values([linear, cosine, polynomial], 3e-4, step));
      seen.add(step);
    }
    assertEquals(seen.size, 6);
    // The same by keyboard, a step at a time.
    await press(page, "scrub", "Home");
    await press(page, "scrub", "ArrowRight", 3);
    assertEquals(await readings(page), { step: 3, values: values([linear, cosine, polynomial], 3e-4, 3) });
    const words = await page.locator("#scrub").getAttribute("aria-valuetext");
    assert(words?.startsWith("step 3: 1 linear"), String(words));
  }, { hash: link([linear, cosine, polynomial], 1000, 3e-4) }));

inChromium("the page goes into a URL and comes back", () =>
  visit(async (first, origin) => {
    await first.locator("#add").selectOption("warmup");
    await press(first, "curve-4-warmupSteps", "ArrowRight", 7);
    await first.locator("#lr-box").fill("0.002");
    await first.locator("label[for=scale-log]").click();
    await first.locator("#at").fill("321");
    await first.locator("#run-1-optimizer").selectOption("adamw_torch");
    await first.locator("#updates-box").fill("120");
    await settled(first);
    const state = (page: Page): Promise<unknown> =>
      page.evaluate(() => [
        [...document.querySelectorAll(".card .short")].map(({ textContent }) => textContent),
        [...document.querySelectorAll<HTMLInputElement>("input[type=text], select")].filter(({ id }) => !/^(add|code)/.test(id)).map((
          { id, value },
        ) => `${id}=${value}`),
        document.querySelector<HTMLInputElement>("#scale-log")!.checked,
        document.querySelector("#values")!.textContent,
      ]);
    await first.waitForFunction(() => location.hash.includes("updates=120"));
    const url = first.url();
    assert(url.startsWith(`${origin}/#schedule=`), url);
    const before = await state(first);
    await visit(async (second) => {
      // Which cards are open is no part of a link.
      assertEquals(await state(second), before);
      // Another link in the same page is taken up too.
      await second.evaluate((hash) => void (location.hash = hash), link([polynomial], 50, 1));
      await second.waitForFunction(() => document.querySelectorAll("#cards > details").length === 1);
      assertEquals((await readings(second)).values, values([polynomial], 1, 50));
    }, { hash: new URL(url).hash });
  }));

inChromium("code copied from the page runs in Deno and in Bun, and prints the page's values", () =>
  visit(async (page) => {
    const folder = mkdtempSync(join(tmpdir(), "glissade-copied-"));
    try {
      const mod = pathToFileURL(join(root, "mod.ts")).href;
      writeFileSync(join(folder, "map.json"), JSON.stringify({ imports: { [`jsr:@glissade/optim@^${version}`]: mod } }));
      writeFileSync(
        join(folder, "tsconfig.json"),
        JSON.stringify({ compilerOptions: { paths: { "@glissade/optim": [join(root, "mod.ts")] } } }),
      );
      const expected = [0, 250, 500, 750, 1000].map((step) => `${step} ${values([polynomial], 3e-4, step)}\n`).join("");
      for (const [runtime, args] of [["deno", ["run", "--no-lock", "--import-map=map.json"]], ["bun", []]] as const) {
        await page.locator(`label[for=code-${runtime}]`).click();
        await page.locator("#copy-code").click();
        await page.waitForFunction(() => document.querySelector("#copied")?.textContent === "Copied.");
        const code = await page.evaluate(() => navigator.clipboard.readText());
        writeFileSync(join(folder, "copied.ts"), code);
        const output = execFileSync(join(root, "node_modules/.bin", runtime), [...args, "copied.ts"], { cwd: folder, encoding: "utf8" });
        assertEquals(output, expected, runtime);
        await page.waitForFunction(() => document.querySelector("#copied")?.textContent === "");
      }
    } finally {
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
    }
  }, { hash: link([polynomial], 1000, 3e-4), permissions: ["clipboard-read", "clipboard-write"] }));

/** As much of PyTorch as the copied code uses; it prints the learning rates that a scheduler sets. */
const torch = `
import sys, types
torch = types.ModuleType("torch")
class AdamW:
    def __init__(self, params, lr): self.lr = lr
class LambdaLR:
    def __init__(self, optimizer, f): print([optimizer.lr * f(step) for step in (0, 250, 500, 1000, 5000)])
torch.nn = types.SimpleNamespace(Linear=lambda a, b: types.SimpleNamespace(parameters=lambda: []))
torch.optim = types.SimpleNamespace(AdamW=AdamW, lr_scheduler=types.SimpleNamespace(LambdaLR=LambdaLR))
sys.modules["torch"] = torch
`;

inChromium(
  `Python code copied from the page drives a learning rate by the very schedule, without the service${
    hasPython ? "" : " (not run: no python3 here)"
  }`,
  () =>
    visit(async (page) => {
      await page.locator("label[for=code-python]").click();
      const code = await page.locator("#code").textContent();
      assert(code?.includes("LambdaLR") && !code.includes("urllib"));
      if (!hasPython) return;
      const { stdout } = await promisify(execFile)("python3", ["-c", `${torch}\n${code}`]);
      const expected = [0, 250, 500, 1000, 5000].map((step) => values([cosine], 3e-4, step)[0]);
      JSON.parse(stdout).forEach((lr: number, i: number) =>
        assert(Math.abs(lr - expected[i]) <= 1e-12 * 3e-4, `${lr} is not ${expected[i]}`)
      );
    }, { hash: link([cosine], 1000, 3e-4) }),
);

inChromium("the page's links lead to the service's picture, numbers and JSON of the same curves", () =>
  visit(async (page, origin) => {
    const [svg, csv, json] = await Promise.all(
      ["svg", "csv", "json"].map(async (format) => {
        const path = await page.locator(`#link-${format}`).getAttribute("href");
        const answer = await fetch(new URL(path!, origin));
        assertEquals(answer.status, 200, `${format}: ${path}`);
        return answer.text();
      }),
    );
    assert(svg.startsWith("<svg"));
    const lines = csv.trim().split("\n");
    assertEquals(lines[0], "step,lr0,lr1");
    assertEquals(lines[401].split(",").map(Number), [400, ...values([linear, polynomial], 3e-4, 400)]);
    const { steps, curves } = JSON.parse(json);
    assertEquals(steps.length, 1001);
    assertEquals(curves.map(({ lr }: { lr: number[][] }) => lr[0][400]), values([linear, polynomial], 3e-4, 400));
    await page.locator("label[for=code-readme]").click();
    const url = /!\[linear\]\((.*)\)/.exec((await page.locator("#code").textContent())!)![1];
    assert((await (await fetch(url)).text()).startsWith("<svg"), url);
  }, { hash: link([linear, polynomial], 1000, 3e-4) }));

inChromium("curves are added up to eight, doubled and removed, and the focus stays with them", () =>
  visit(async (page) => {
    const count = (): Promise<number> => page.locator("#cards > details").count();
    const focused = (): Promise<string> => page.evaluate(() => document.activeElement!.id);
    await page.locator("#curve-0-duplicate").click();
    assertEquals([await count(), await focused()], [2, "curve-1-summary"]);
    for (let n = 2; n < 8; n++) await page.locator("#add").selectOption("inverse_sqrt");
    assertEquals(await count(), 8);
    assert(await page.locator("#add").isDisabled());
    await page.locator("#curve-7-remove").click();
    assertEquals([await count(), await focused()], [7, "curve-6-summary"]);
    for (let n = 7; n > 0; n--) {
      if (await page.locator("#curve-0").getAttribute("open") === null) await page.locator("#curve-0-summary").click();
      await page.locator("#curve-0-remove").click();
    }
    assertEquals([await count(), await focused(), (await readings(page)).values], [0, "add", []]);
    await page.locator("#add").selectOption("piecewise_constant_decay");
    await page.locator("#curve-0-values").fill("1e-3, 1e-4");
    await settled(page);
    assert((await page.locator("#curve-0 .problem").textContent())!.length > 20, "Two values for two boundaries pass without a word");
    await page.locator("#curve-0-boundaries").fill("[500]");
    await page.locator("#at").fill("501");
    await settled(page);
    assertEquals(
      (await readings(page)).values,
      values([["piecewise_constant_decay", { boundaries: [500], values: [1e-3, 1e-4] }]], 1, 501),
    );
    assertEquals(await page.locator("#curve-0 .problem").textContent(), "");
  }, { hash: link([linear], 1000, 3e-4) }));

inChromium("a box says what may stand in it, takes nothing else, and has its value again when it is left", () =>
  visit(async (page) => {
    const ofSteps = "A number of steps, such as 1000 or 2.5: 10.000 might be ten, or ten thousand";
    const cases = [
      ["to-box", ["-5", "0", "1.5", "1e99", ""], "A whole number, 1 or more"],
      ["lr-box", ["0", "-1", "x"], "A number above 0, such as 0.5 or 5e-5"],
      ["updates-box", ["20000", "0", "7.5"], "A whole number from 1 to 10,000"],
      ["seed-box", ["4294967296", "-1"], "A whole number from 0 to 4,294,967,295"],
      ["at", ["1001", "-1", "a"], "A whole number from 0 to 1,000"],
      ["curve-0-numWarmupSteps-box", ["abc", ""], ofSteps],
      ["curve-1-boundaries", ["500, x"], `Numbers with commas between them. Each is: ${ofSteps}`],
    ] as const;
    await page.locator("#curve-1-summary").click();
    const everything = (): Promise<unknown> =>
      page.evaluate(() => [...document.querySelectorAll<HTMLInputElement>("input, #values")].map((one) => one.value ?? one.textContent));
    const before = await everything();
    for (const [id, texts, words] of cases) {
      const box = page.locator(`#${id}`);
      const problem = page.locator(`#${id}-problem`);
      const value = await box.inputValue();
      for (const text of texts) {
        await box.fill(text);
        await settled(page);
        assertEquals([await box.getAttribute("aria-invalid"), await problem.textContent()], ["true", words], `${id}: ${text}`);
        assert(await problem.isVisible());
        assert((await box.getAttribute("aria-describedby"))!.split(" ").includes(`${id}-problem`));
        await box.blur();
        assertEquals([await box.getAttribute("aria-invalid"), await problem.textContent()], [null, ""]);
        assertEquals(await everything(), before, `${id}: ${text} has changed something`);
      }
      // The mark goes as soon as the text is right.
      await box.fill("?");
      await box.fill(value);
      assertEquals([await box.getAttribute("aria-invalid"), await problem.isVisible()], [null, false]);
    }
  }, { hash: link([linear, ["piecewise_constant_decay", { boundaries: [500], values: [1e-3, 1e-4] }]], 1000, 3e-4) }));

inChromium("both runs read over 90 % of the held-out digits, in the page, by keyboard alone", () =>
  visit(async (page) => {
    const readRight = (i: number): Promise<number> =>
      page.locator(`#cell-${i}-accuracy`).textContent().then((text) => Number(text!.replace(" %", "")));
    assert(await readRight(0) < 30 && await readRight(1) < 30, "An untrained network reads digits");
    await page.locator("#start").focus();
    await page.keyboard.press("Enter");
    await page.waitForFunction(() => Number(document.querySelector("#cell-0-update")!.textContent) >= 10);
    // The page stays at hand while it trains.
    await press(page, "scrub", "End");
    assertEquals((await readings(page)).step, 1000);
    await page.locator("#start").focus();
    await page.keyboard.press("Enter");
    assertEquals(await page.locator("#start").textContent(), "Continue");
    const paused = await page.locator("#cell-0-update").textContent();
    await page.waitForTimeout(200);
    assertEquals(await page.locator("#cell-0-update").textContent(), paused);
    const before = await page.locator("#plot-loss").screenshot();
    await page.keyboard.press("Enter");
    await page.waitForFunction(() => /^Done after 150 updates/.test(document.querySelector("#run-status")!.textContent!), undefined, {
      timeout: 120_000,
    });
    for (const i of [0, 1]) {
      assert(await readRight(i) > 90, `${await readRight(i)} %`);
      assert(Number(await page.locator(`#cell-${i}-loss`).textContent()) < 0.5);
      const misread = Number(/^\d+/.exec((await page.locator(`#mosaic-${i}-words`).textContent())!)![0]);
      assertEquals((100 * (1 - misread / 360)).toFixed(1), (await readRight(i)).toFixed(1));
    }
    assert(!before.equals(await page.locator("#plot-loss").screenshot()), "No loss is drawn");
    await page.locator("#reset").focus();
    await page.keyboard.press("Enter");
    assertEquals(await page.locator("#cell-0-update").textContent(), "0");
    // Another schedule, which follows the held-out loss, and options that the library refuses.
    await page.locator("#run-0-schedule").selectOption("reduce_lr_on_plateau");
    await page.locator("#run-0 summary", { hasText: "Code of this run" }).click();
    await page.waitForFunction(() => document.querySelector("#run-0-code")!.textContent!.includes("trainer.update(heldOutLoss)"));
    await page.locator("#run-1-optimizer").selectOption("adamw_torch");
    await page.locator("#run-1-main-lr-box").fill("-1");
    await page.waitForFunction(() => document.querySelector("#run-1-problem")!.textContent !== "");
    assert(await page.locator("#start").isDisabled());
    await page.locator("#run-1-main-lr-box").fill("0.003");
    await page.waitForFunction(() => document.querySelector<HTMLButtonElement>("#start")!.disabled === false);
    assertEquals(await page.locator("#run-1-problem").textContent(), "");
  }, { hash: "#to=1000&lr=1e-3&updates=150" }));

inChromium("an algorithm that finds its own lr says so, and what to do for a schedule", () =>
  visit(async (page) => {
    const none = page.locator("#run-1-schedule option").first();
    const box = page.locator("#run-1-main-lr-box");
    assertEquals([await none.textContent(), await box.inputValue()], ["none: the algorithm finds its own lr", ""]);
    assert(await box.isDisabled());
    await page.locator("#run-1-schedule").selectOption("cosine");
    const problem = page.locator("#run-1-problem");
    await page.waitForFunction(() => document.querySelector("#run-1-problem")!.textContent !== "");
    assert((await problem.textContent())!.endsWith(". Untick null at lr, and switch relativeStep off under All options."));
    // As it is said.
    await page.locator("#run-1-main-lr-none").uncheck();
    assertEquals([await none.textContent(), await box.isDisabled()], ["none: lr stays", false]);
    await box.fill("0.01");
    await page.locator("#run-1-main-lr-none").check();
    assertEquals(await box.inputValue(), "");
    await page.locator("#run-1-main-lr-none").uncheck();
    assertEquals(await box.inputValue(), "0.01");
    await page.locator("#run-1 summary", { hasText: "All options" }).click();
    await page.locator("#run-1-option-relativeStep").uncheck();
    await page.waitForFunction(() => document.querySelector<HTMLButtonElement>("#start")!.disabled === false);
    assertEquals(await problem.textContent(), "");
    // Neither of the two groups of options has undone the other's change.
    await page.locator("#run-1 summary", { hasText: "Code of this run" }).click();
    await page.waitForFunction(() => /lr: 0.01,[^]*relativeStep: false,/.test(document.querySelector("#run-1-code")!.textContent!));
  }));

inChromium("the page's training gives the losses that the same training gives here", async () => {
  const { createRun } = await import("../../../plugins/http/page/run.ts");
  const { readDigits } = await import("../../../examples/digits/data.ts");
  const digits = await readDigits(new Uint8Array(readFileSync(join(root, "examples/digits/data/digits.csv.gz"))));
  const run = {
    optimizer: { name: "adamw", options: { lr: 0.003, betas: [0.9, 0.99] } },
    schedule: { name: "linear", options: { numWarmupSteps: 5, numTrainingSteps: 40 } },
  };
  const here = createRun(builtins, run, digits, 20, 7);
  while (await here.advance());
  here.dispose();
  const text = encodeURIComponent(JSON.stringify(run));
  await visit(async (page) => {
    await page.locator("#start").click();
    await page.waitForFunction(() => /^Done/.test(document.querySelector("#run-status")!.textContent!));
    const { accuracy } = here.exams[here.exams.length - 1];
    for (const i of [0, 1]) {
      assertEquals(await page.locator(`#cell-${i}-accuracy`).textContent(), `${(100 * accuracy).toFixed(1)} %`);
      assertEquals(Number(await page.locator(`#cell-${i}-lr`).textContent()), Number(here.lrs[19].toPrecision(3)));
    }
  }, { hash: `#run=${text}&run=${text}&updates=20&seed=7` });
});

inChromium("the page works by keyboard alone, and shows where the focus is", () =>
  visit(async (page) => {
    const stops: string[] = [];
    for (let i = 0; i < 200; i++) {
      await page.keyboard.press("Tab");
      const stop = await page.evaluate(() => {
        const focused = document.activeElement!;
        if (focused === document.body) return null;
        // A radio button is shown by its label.
        const shown = focused.matches(".switcher input") ? focused.nextElementSibling! : focused;
        const { outlineStyle, outlineWidth, outlineOffset } = getComputedStyle(shown);
        const { width, height, top, bottom, left, right } = shown.getBoundingClientRect();
        const reach = parseFloat(outlineOffset) + parseFloat(outlineWidth);
        // What it may not cover. Above and below a slider's track there is nothing to see.
        const covered = [...document.querySelectorAll("input:not([type=range]), select, button, label")].filter((other) => {
          if (
            !other.checkVisibility() || other === shown || shown.contains(other) || other.contains(shown) ||
            other.closest(".switcher") !== null
          ) return false;
          const box = other.getBoundingClientRect();
          return box.width > 1 && box.left < right + reach && box.right > left - reach && box.top < bottom + reach &&
            box.bottom > top - reach;
        });
        const isSeen = outlineStyle !== "none" && parseFloat(outlineWidth) >= 2 && width > 0 && height > 0 && bottom > 0 &&
          top < innerHeight;
        const name = focused.id || focused.textContent!.trim().slice(0, 20);
        return `${name}${isSeen ? "" : " (not seen)"}${covered.map(({ id, textContent }) => ` (over ${id || textContent})`).join("")}`;
      });
      if (stop === null) break;
      stops.push(stop);
    }
    assertEquals(stops.filter((stop) => stop.endsWith(")")), []);
    for (
      const id of [
        "to",
        "lr-box",
        "scale-linear",
        "scrub",
        "at",
        "curve-0-summary",
        "curve-0-numWarmupSteps",
        "add",
        "code-of",
        "copy-code",
        "start",
        "run-1-optimizer",
      ]
    ) {
      assert(stops.includes(id), `Tab does not come to ${id}: ${stops.join(", ")}`);
    }
    // From the keyboard: another axis, a closed card opened, an option typed.
    await page.locator("#scale-linear").focus();
    await page.keyboard.press("ArrowRight");
    assert(await page.locator("#scale-log").isChecked());
    await page.locator("#curve-1-summary").focus();
    await page.keyboard.press("Enter");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Shift+Tab");
    assertEquals(await page.evaluate(() => document.activeElement!.id), "curve-1-name");
    await page.locator("nav a").first().focus();
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    assertEquals(await page.evaluate(() => document.activeElement!.id), "check-title");
  }));

for (const width of [320, 360, 390, 420, 768, 1024, 1280]) {
  inChromium(`the page fits a screen of ${width} pixels`, () =>
    visit(async (page) => {
      const details = page.locator("summary");
      for (let i = 0; i < await details.count(); i++) {
        const isOpen = await details.nth(i).evaluate((summary) => (summary.parentElement as HTMLDetailsElement).open);
        if (!isOpen && await details.nth(i).isVisible()) await details.nth(i).click();
      }
      await page.locator("label[for=code-python]").click();
      await page.locator("#add").selectOption("piecewise_constant_decay");
      const beyond = await page.evaluate(() => {
        const wide = [...document.body.querySelectorAll("*")].filter((one) =>
          one.getBoundingClientRect().right > innerWidth + 0.5 && one.closest(".scroll, pre, .unseen, [hidden]") === null
        );
        return wide.map(({ tagName, id, className }) => `${tagName}#${id}.${className}`);
      });
      assertEquals(beyond, []);
      // No setting reaches into its neighbour's place, and no name is cut.
      const crowded = await page.evaluate(() =>
        [...document.querySelectorAll<HTMLElement>(".head > *, #values .who")].filter((part) => {
          const place = part.parentElement!.getBoundingClientRect();
          const { left, right } = part.getBoundingClientRect();
          return left < place.left - 0.5 || right > place.right + 0.5 || part.scrollWidth > part.offsetWidth;
        }).map(({ textContent }) => textContent)
      );
      assertEquals(crowded, []);
      assertEquals(await page.evaluate(() => [document.documentElement.scrollWidth, scrollX]), [width, 0]);
    }, { viewport: { width, height: 800 }, isMobile: width < 700, hasTouch: width < 700 }));
}

inChromium("a finger on the chart reads its values", () =>
  visit(async (page) => {
    const { x, y, width, height } = (await page.locator("#plot .u-over").boundingBox())!;
    await page.touchscreen.tap(x + 0.6 * width, y + 0.5 * height);
    const { step, values: read } = await readings(page);
    assert(Math.abs(step - 600) < 5, `Step ${step}`);
    assertEquals(read, values([linear, cosine], 3e-4, step));
  }, { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true, hash: link([linear, cosine], 1000, 3e-4) }));

inChromium("the page is light or dark as the reader's setting is, its charts too", async () => {
  interface Shots {
    readonly paper: string;
    readonly plot: string;
    readonly mosaic: string;
  }
  const shots: Record<string, Shots> = {};
  const shoot = async (page: Page): Promise<Shots> => {
    await settled(page);
    return await page.evaluate(() => ({
      paper: getComputedStyle(document.body).backgroundColor,
      plot: document.querySelector<HTMLCanvasElement>("#plot canvas")!.toDataURL(),
      mosaic: document.querySelector<HTMLCanvasElement>("#mosaic-0")!.toDataURL(),
    }));
  };
  for (const colorScheme of ["light", "dark"] as const) {
    await visit(async (page) => {
      shots[colorScheme] = await shoot(page);
      // Another setting while the page is open.
      await page.emulateMedia({ colorScheme: colorScheme === "light" ? "dark" : "light" });
      shots[`${colorScheme} changed`] = await shoot(page);
    }, { colorScheme });
  }
  assert(shots.light.paper !== shots.dark.paper);
  for (const part of ["plot", "mosaic"] as const) {
    assert(shots.light[part] !== shots.dark[part], `${part} is the same in the dark`);
    assert(shots.light[part] === shots["dark changed"][part], `${part} does not follow a change to light`);
    assert(shots.dark[part] === shots["light changed"][part], `${part} does not follow a change to dark`);
  }
});

inChromium("the page needs no network once it is loaded", () =>
  visit(async (page) => {
    await page.context().setOffline(true);
    await page.locator("#add").selectOption("cosine");
    await press(page, "curve-1-numWarmupSteps", "ArrowRight", 3);
    assertEquals((await readings(page)).values.length, 2);
    await page.locator("#start").click();
    await page.waitForFunction(() => /^Done/.test(document.querySelector("#run-status")!.textContent!));
  }, { hash: `${link([linear], 1000, 3e-4)}&updates=12` }));

inChromium("the page opens from a file too", async () => {
  const folder = mkdtempSync(join(tmpdir(), "glissade-file-"));
  writeFileSync(join(folder, "page.html"), page());
  const context = await newContext();
  try {
    const opened = await context.newPage();
    const said: string[] = [];
    opened.on("console", (message) => message.text() !== saidOfNoAdapter && said.push(message.text()));
    opened.on("pageerror", (error) => said.push(String(error)));
    await opened.goto(`${pathToFileURL(join(folder, "page.html")).href}${link([linear], 100, 1e-3, "&updates=12")}`);
    await opened.waitForFunction(() => document.querySelector<HTMLButtonElement>("#start")?.disabled === false);
    assertEquals((await readings(opened)).values, values([linear], 1e-3, 100));
    await opened.locator("#start").click();
    await opened.waitForFunction(() => /^Done/.test(document.querySelector("#run-status")!.textContent!));
    assertEquals(said, []);
  } finally {
    await context.close();
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
});

inChromium("nothing jumps while the page loads in pieces, and while a step is read", async () => {
  const app = createApp(builtins, { page: page() });
  const cut = page().indexOf("<script ");
  const pieces = async function* (): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    yield new TextEncoder().encode(page().slice(0, cut));
    await new Promise((done) => setTimeout(done, 400));
    yield new TextEncoder().encode(page().slice(cut));
  };
  const from = listen((request) => {
    if (new URL(request.url).pathname !== "/") return app.fetch(request);
    return new Response(ReadableStream.from(pieces()), { headers: { "Content-Type": "text/html" } });
  });
  keep(from);
  await visit(async (page) => {
    const { x, y, width, height } = (await page.locator("#plot .u-over").boundingBox())!;
    for (let share = 0; share < 1; share += 0.1) await page.mouse.move(x + share * width, y + height / 2);
    const shift = await page.evaluate(() =>
      new Promise<number>((done) => {
        let sum = 0;
        new PerformanceObserver((list) => {
          for (const entry of list.getEntries()) sum += (entry as PerformanceEntry & { value: number }).value;
        }).observe({ type: "layout-shift", buffered: true });
        setTimeout(() => done(sum), 200);
      })
    );
    assert(shift < 0.01, `Layout shift ${shift}`);
  }, { from });
});

for (
  const [name, options] of [["light", {}], ["dark", { colorScheme: "dark" }], ["phone", {
    viewport: { width: 390, height: 844 },
    isMobile: true,
  }]] as const
) {
  inChromium(`axe finds nothing serious in the page (${name})`, () =>
    visit(async (page) => {
      const details = page.locator("summary");
      for (let i = 0; i < await details.count(); i++) {
        const isOpen = await details.nth(i).evaluate((summary) => (summary.parentElement as HTMLDetailsElement).open);
        if (!isOpen && await details.nth(i).isVisible()) await details.nth(i).click();
      }
      await page.locator("#start").click();
      await page.waitForFunction(() => /^Done/.test(document.querySelector("#run-status")!.textContent!));
      assertEquals(await axeFindings(page), []);
    }, { ...options, hash: "#to=1000&lr=1e-3&updates=12" }));
}

inChromium("a schedule that the service alone has appears in the page, computed by the service", async () => {
  const from = serve(builtins.with(sawtooth));
  await visit(async (page) => {
    await page.locator("#add option[value=sawtooth]").waitFor({ state: "attached" });
    await page.locator("#add").selectOption("sawtooth");
    await page.locator("#at").fill("150");
    const isRead = (value: number): Promise<unknown> =>
      page.waitForFunction(
        (value) => [...document.querySelectorAll<HTMLDataElement>("#values data")].at(-1)?.value === String(value),
        value,
      );
    await isRead(2e-3 * 0.75);
    await page.locator("#curve-1-depth-box").fill("1");
    await isRead(2e-3 * 0.5);
    // A text is typed as it is, be it like a number.
    await page.locator("#curve-1-tooth").fill("12");
    await isRead(2e-3 * (1 - 0.5 ** 12));
    await page.locator("#curve-1-tooth").fill("straight");
    await page.locator("#curve-1-label").fill("cos");
    await page.locator("#curve-1-label").fill("null");
    await isRead(2e-3 * 0.5);
    assertEquals(await page.locator("#curve-1 .problem").textContent(), "");
    // The library's words come through the service.
    await page.locator("#curve-1-period-box").fill("0");
    await page.waitForFunction(() => document.querySelector("#curve-1 .problem")?.textContent !== "");
    // The browser itself tells of the 400 that was asked for.
  }, { from, hash: link([linear], 1000, 2e-3), expected: /the server responded with a status of 400/ });
});

inChromium("the page of a service whose schedules need a token says so, and its code sends one", async () => {
  const token = "open-sesame";
  const tokens = { reader: createHash("sha256").update(token).digest("hex") };
  const from = serve(builtins, page(), { tokens, schedules: { auth: "all" } });
  await visit(async (page) => {
    assertEquals((await readings(page)).values, values([cosine], 3e-4, 250));
    for (const format of ["svg", "csv", "json"]) {
      assert(await page.locator(`#link-${format}`).isHidden(), `The ${format} link leads to 401`);
    }
    assert(await page.locator("#token-note").isVisible());
    await page.locator("label[for=code-readme]").click();
    const [, url] = /curl -H "Authorization: Bearer \$GLISSADE_TOKEN" .* "(.*)"/.exec((await page.locator("#code").textContent())!)!;
    const picture = await fetch(url, { headers: { Authorization: `Bearer ${token}` } });
    assert((await picture.text()).startsWith("<svg"), url);
    await page.locator("label[for=code-python]").click();
    // It computes the schedule itself, and needs neither the service nor its token.
    const code = (await page.locator("#code").textContent())!;
    assert(!code.includes("Authorization"));
    if (!hasPython) return;
    const { stdout } = await promisify(execFile)("python3", ["-c", `${torch}\n${code}`]);
    assertEquals(JSON.parse(stdout).length, 5);
  }, { from, hash: link([cosine], 1000, 3e-4) });
  // One that is guarded by somebody else: its page learns of it by being refused.
  const open = createApp(builtins, { page: page() });
  const guarded = listen((request) => new URL(request.url).pathname === "/" ? open.fetch(request) : new Response(null, { status: 401 }));
  keep(guarded);
  await visit(async (page) => {
    await page.locator("#token-note").waitFor();
    assert(await page.locator("#link-csv").isHidden());
  }, { from: guarded, expected: /the server responded with a status of 401/ });
});

inChromium("a step of a long curve that the service computes is read at that very step", () =>
  visit(async (page) => {
    const words = (): Promise<string> => page.locator("#values .value").first().textContent().then(String);
    const isRead = (value: number): Promise<unknown> =>
      page.waitForFunction((value) => document.querySelector<HTMLDataElement>("#values data")?.value === String(value), value);
    // Between the steps that the service tells of a curve so long there are ten teeth.
    await isRead(2e-3 * 0.75);
    await page.locator("#at").fill("1234575");
    assert((await words()).startsWith("≈ "), await words());
    await isRead(2e-3 * 0.625);
    assert(!(await words()).includes("≈"));
    await page.locator("#at").fill("9999999");
    await isRead(2e-3 * (1 - 0.5 * 0.99));
    await page.locator("#table > summary").click();
    await page.waitForFunction(() => /^[^≈]*0\.0020000[^≈]*$/.test(document.querySelector("#table-place")!.textContent!));
    const cells = await page.locator("#table-place td").allTextContents();
    assertEquals(cells.map(Number), Array.from({ length: 11 }, (_, i) => 2e-3 * (1 - 0.5 * (Math.round(i * 999_999.9) % 100) / 100)));
  }, { from: serve(builtins.with(sawtooth)), hash: link([["sawtooth", {}]], 9_999_999, 2e-3) }));

inChromium("below the curves stands what they come to, also over more steps than can be asked one by one", () =>
  visit(async (page) => {
    const rows = async (): Promise<string[][]> =>
      (await page.locator("#facts-place tbody tr").all()).reduce(
        async (before, row) => [...await before, await row.locator("td").allTextContents()],
        Promise.resolve<string[][]>([]),
      );
    // The service's curve comes a while after the page.
    await page.waitForFunction(() => !document.querySelector("#facts-place")!.textContent!.includes("no curve"));
    const long = 10_000_000;
    const linear = facts(builtins.createSchedule("linear", { numWarmupSteps: 0, numTrainingSteps: long }), {
      from: 0,
      to: long,
      base: 1e-3,
      share: 0.5,
    });
    assertEquals(await rows(), [
      [
        "5e-4",
        String(Number(linear.sum.toPrecision(5))),
        "0 at 10,000,000",
        "0.001 at 0",
        "none",
        linear.share!.toLocaleString("en"),
        "too many steps",
      ],
      ["0.001", "10000", "0.001 at 0", "0.001 at 0", "none", "5,000,000", "0"],
      ["too many steps to add up without a closed form"],
      ["known to the service alone"],
    ]);
    // What is asked can be changed, and heads say what was asked.
    await page.locator("#facts-decay").fill("1e-5");
    await page.locator("#facts-share").fill("25");
    const [, constant] = await rows();
    const asked = facts(builtins.createSchedule("constant"), { from: 0, to: long, base: 1e-3, weightDecay: 1e-5, share: 0.25 });
    assertEquals(constant.slice(5), [asked.share!.toLocaleString("en"), String(Number(asked.decay!.toPrecision(5)))]);
    assertEquals((await page.locator("#facts-place th").allTextContents()).slice(6, 8), [
      "25 % by step",
      "Decay leaves",
    ]);
    for (const [id, wrong] of [["facts-decay", "-1"], ["facts-share", "101"]]) {
      await page.locator(`#${id}`).fill(wrong);
      assertEquals(await page.locator(`#${id}`).getAttribute("aria-invalid"), "true");
    }
    assertEquals((await rows())[1], constant);
  }, {
    from: serve(builtins.with(sawtooth)),
    hash: link(
      [["linear", { numWarmupSteps: 0, numTrainingSteps: 10_000_000 }], ["constant", {}], ["inverse_sqrt", { numWarmupSteps: 10 }], [
        "sawtooth",
        {},
      ]],
      10_000_000,
      1e-3,
    ),
  }));

inChromium("a page bundled with another registry has that registry's schedules and optimizers", async () => {
  const folder = mkdtempSync(join(tmpdir(), "glissade-own-"));
  try {
    writeFileSync(
      join(folder, "own.ts"),
      `
      import { startPage } from ${JSON.stringify(join(root, "plugins/http/page/start.ts"))};
      import { adamw, createRegistry, linear } from ${JSON.stringify(join(root, "mod.ts"))};
      const sawtooth = {
        kind: "schedule", name: "sawtooth", description: "Falls by depth in each period",
        options: { period: { default: 100, minimum: 1, description: "" }, depth: { default: 0.5, minimum: 0, maximum: 1, description: "" } },
        create: ({ period, depth }) => (step) => 1 - depth * ((step % period) / period),
      };
      const sign = {
        kind: "optimizer", name: "sign", description: "A step of lr against each gradient's sign",
        options: { lr: { default: 0.001, minimum: 0, description: "Learning rate" } },
        rule: () => ({ slots: {}, update: "u = sign(g)\\np -= lr*u" }),
        scalars: ({ lr }) => ({ lr }),
      };
      startPage(createRegistry([adamw, linear, sawtooth, sign]));
    `,
    );
    const own = bundlePage(join(folder, "own.ts"));
    await visit(async (page) => {
      assertEquals(await page.locator("#add option").allTextContents(), ["Add a curve …", "linear", "sawtooth"]);
      await page.locator("#add").selectOption("sawtooth");
      await press(page, "curve-1-depth", "End");
      await page.locator("#at").fill("150");
      assertEquals((await readings(page)).values[1], 2e-3 * 0.5);
      await page.locator("#run-1-optimizer").selectOption("sign");
      await page.locator("#run-1-schedule").selectOption("sawtooth");
      await page.locator("#start").click();
      await page.waitForFunction(() => /^Done/.test(document.querySelector("#run-status")!.textContent!));
      assert(Number(await page.locator("#cell-1-lr").textContent()) > 0);
    }, { from: serve(createRegistry([adamw, linearPlugin]), own), hash: `${link([linear], 1000, 2e-3)}&updates=12` });
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
});

// All of the library is in it, so that it needs nothing else: it grows with every plugin. A part that is loaded when it is needed would be another
// file, which a page that was saved does not have: so backend "webgpu" is in it too, at 28 kB of this.
test("the page stays small enough to open on a train", () => {
  const { length } = gzipSync(committed, { level: 9 });
  assert(length < 300 * 1024, `${length} bytes gzipped`);
});
