/// <reference lib="dom" />
import { after } from "node:test";
import { assert, assertEquals } from "@std/assert";
import type { Page } from "playwright-core";
import { inChromium } from "../../chromium.ts";
import { read } from "../../generated.ts";
import { close, linear, link, readings, visit } from "./visit.ts";

after(close);

const codes = (page: Page) => page.locator("#findings code").allTextContents();
const paste = async (page: Page, text: string, updates = ""): Promise<void> => {
  await page.locator("#check-updates").fill(updates);
  await page.locator("#paste").fill(text);
};
const told = (page: Page, words: string) =>
  page.waitForFunction((words) => document.querySelector("#check-status")!.textContent!.includes(words), words);

inChromium("the page looks at a recipe that is pasted, and says what is found with its cure", () =>
  visit(async (page) => {
    await page.locator("#check-example").click();
    await told(page, "Read as TrainingArguments of transformers. 1 warning, 1 note for 6,000 updates.");
    assertEquals(await codes(page), ["rises-after-end", "starts-at-zero"]);
    const first = page.locator("#findings li").first();
    assert((await first.textContent())!.includes("Set numTrainingSteps to 6,000"));
    await page.locator("#check-updates").fill("4000");
    await told(page, "1 note for 4,000 updates");
    assertEquals(await codes(page), ["starts-at-zero"]);
    await page.locator("#check-updates").fill("");
    await told(page, "1 note for 4,000 updates"); // max_steps says it
  }));

inChromium("the page shows a pasted configuration as a recipe and as Python, and its curve", () =>
  visit(async (page) => {
    await paste(page, read("examples/recipes/swin_tiny.json"));
    await told(page, "Read as a recipe with its number of updates. Nothing found for 375,300 updates.");
    const code = page.locator("#check-code");
    assertEquals(JSON.parse(await code.textContent() ?? "").optimizer.name, "adamw_torch");
    await page.locator("label[for=view-torch]").click();
    assert((await code.textContent())!.startsWith("# Cannot make a recipe of it as code for torch"), (await code.textContent())!);
    await paste(page, '{"class": "StepLR", "state": {"step_size": 30, "gamma": 0.1, "base_lrs": [0.1]}, "optimizer": "SGD"}', "5000");
    await page.locator("#check-epoch").fill("100");
    await told(page, "Read as a scheduler of torch. ");
    await page.waitForFunction(() => document.querySelector("#check-code")!.textContent!.includes("every 100 updates"));
    assert((await code.textContent())!.includes("torch.optim.lr_scheduler.StepLR(optimizer, step_size=30, gamma=0.1)"));
    await page.locator("#check-add").click();
    await page.locator("#at").fill("2999");
    assertEquals((await readings(page)).values.at(-1), 0.1);
    await page.locator("#at").fill("3000");
    assert(Math.abs((await readings(page)).values.at(-1)! - 0.01) < 1e-12);
    assertEquals(await page.locator("#to-box").inputValue(), "5000");
  }, { hash: link([linear], 1000, 1e-3) }));

inChromium("the page says what it cannot read, and what a configuration cannot say, as text alone", () =>
  visit(async (page) => {
    const evil = `<img src=x onerror=alert(1)>`;
    for (
      const [text, words] of [
        ["{", "This cannot be read"],
        ['{"hello": 1}', "This is nothing that the page knows"],
        [`{"optimizer": {"name": "${evil}"}}`, "Cannot find optimizer"],
        [`{"learning_rate": 1, "optim": "${evil}", "max_steps": 5, "deepspeed": "x"}`, "deepspeed is set"],
        ['{"optimizer": {"name": "sgd"}}', "How many updates does the training have?"],
      ]
    ) {
      await paste(page, text, text.includes("sgd") ? "" : "10");
      await told(page, words);
      assertEquals(await page.locator("#check img").count(), 0);
    }
    await paste(page, `{"optimizer": {"name": "sgd", "options": {"lr": -1}}}`, "10");
    await told(page, "1 error for 10 updates");
    await paste(page, "");
    await page.waitForFunction(() => document.querySelector("#check-status")!.textContent === "");
    assert(await page.locator("#check-result").isHidden());
  }));

inChromium("the look at recipes fits 320 pixels, with long words in what is pasted", () =>
  visit(async (page) => {
    await paste(
      page,
      `{"optimizer": {"name": "adafactor", "options": {"lr": 0.001}}, "schedules": {"lr": {"name": "linear", "options": {"numWarmupSteps": 5, "numTrainingSteps": 10}}}}`,
      "10",
    );
    await told(page, "2 errors");
    const over = () => page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    assertEquals(await over(), 0);
    await paste(page, `{"optimizer": {"name": "${"x".repeat(300)}"}}`, "10");
    await told(page, "Cannot find optimizer");
    assertEquals(await over(), 0);
  }, { viewport: { width: 320, height: 700 } }));
