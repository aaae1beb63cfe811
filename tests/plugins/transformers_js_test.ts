import { existsSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { chromium as playwright } from "playwright-core";
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { most, trainHead } from "../../examples/transformers-js/head.ts";
import { answering } from "../../examples/transformers-js/serve.ts";
import { chromium, chromiumFlags } from "../chromium.ts";
import { read, root } from "../generated.ts";
import { listen } from "../listen.ts";

interface Sentences {
  readonly training: readonly (readonly [string, number])[];
  readonly heldOut: readonly (readonly [string, number])[];
}
const { training, heldOut }: Sentences = JSON.parse(read("examples/transformers-js/sentences.json"));

/** What transformers.js gave in a page, for the training's sentences and then for the held-out ones. */
function recorded(): Float32Array[] {
  const { width, int16 }: { width: number; int16: string } = JSON.parse(read("tests/plugins/sentence_embeddings.json"));
  const bytes = new DataView(Uint8Array.from(atob(int16), (letter) => letter.charCodeAt(0)).buffer);
  return Array.from(
    { length: bytes.byteLength / 2 / width },
    (_, i) => Float32Array.from({ length: width }, (_, j) => bytes.getInt16(2 * (i * width + j), true) / 32767),
  );
}

const labels = (rows: Sentences["training"]): number[] => rows.map(([, label]) => label);

test("a head over the embeddings of transformers.js knows sentences that it has not seen", () => {
  const embeddings = recorded();
  assertEquals(embeddings.length, training.length + heldOut.length);
  for (const embedding of embeddings) assertAlmostEquals(Math.hypot(...embedding), 1, 1e-3);
  const losses: number[] = [];
  const seen = embeddings.slice(0, training.length);
  const head = trainHead({ embeddings: seen, labels: labels(training) }, 3, 100, (_, loss) => losses.push(loss));
  assertEquals(losses.length, 100);
  assertAlmostEquals(losses[0], Math.log(3), 1e-6); // a head of zeros says each with the same probability
  assert(losses.every((loss, i) => i === 0 || loss < losses[i - 1]), "the loss rises");
  assert(losses[99] < 0.1, `${losses[99]}`);
  const answers = embeddings.map((embedding) => most(head(embedding)));
  assertEquals(answers.slice(0, training.length), labels(training));
  assertEquals(answers.slice(training.length), labels(heldOut));
});

const folder = join(root, ".cache/transformers-js");
const isThere = chromium !== undefined && existsSync(join(folder, "node_modules")) && existsSync(join(folder, "models/encoder"));
const why = isThere ? "" : " (examples/transformers-js/README.md says what it needs in .cache/transformers-js)";

(isThere ? test : test.skip)(`a page trains a head over embeddings that it computes${why}`, async () => {
  const server = await listen(answering(folder));
  const browser = await playwright.launch({ executablePath: chromium, args: [...chromiumFlags] });
  try {
    const page = await browser.newPage();
    const faults: string[] = [];
    page.on("pageerror", (error) => faults.push(String(error)));
    await page.goto(server.origin);
    await page.locator("output", { hasText: /right|failed/ }).waitFor({ timeout: 180_000 });
    assertEquals([faults, await page.locator("output").textContent()], [[], "12 of 12 sentences that it has not seen right"]);
    await page.locator("input").fill("Will there be hail?");
    await page.locator("input").press("Enter");
    await page.locator("output", { hasText: /weather, at \d\d %/ }).waitFor({ timeout: 60_000 });
  } finally {
    await browser.close();
    await server.close();
  }
});
