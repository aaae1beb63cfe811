/// <reference lib="dom" />
/**
 * The page, served and opened in Chromium, for tests.
 *
 * @module
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium as playwright, type Page } from "playwright-core";
import { assert, assertEquals } from "@std/assert";
import { builtins } from "../../../mod.ts";
import { type AppOptions, createApp } from "../../../plugins/http/mod.ts";
import { curveOf } from "../../../plugins/http/page/curves.ts";
import { chromium, chromiumFlags, webGpuFlags } from "../../chromium.ts";
import { root } from "../../generated.ts";
import { listen, type Listening } from "../../listen.ts";
import { bundlePage } from "../../page.ts";

/** The page as it would be built from the sources now: what is committed is compared elsewhere. */
let built: string | undefined;
/** It. */
export const page = (): string => built ??= bundlePage();
const flags: Readonly<Record<"with" | "without", readonly string[]>> = { without: chromiumFlags, with: webGpuFlags };
let browsers: Partial<Record<keyof typeof flags, Promise<Browser>>> = {};

/** A browser of its own state, to be closed by whoever asks for it. */
export async function newContext(options: BrowserContextOptions = {}, webGpu: keyof typeof flags = "without"): Promise<BrowserContext> {
  browsers[webGpu] ??= playwright.launch({ executablePath: chromium, args: [...flags[webGpu]] });
  return await (await browsers[webGpu]).newContext(options);
}

const servers: Promise<Listening>[] = [];

/** A service with the page. */
export function serve(
  registry: Parameters<typeof createApp>[0] = builtins,
  html: string = page(),
  options: AppOptions = {},
): Promise<Listening> {
  return keep(listen(createApp(registry, { page: html, ...options }).fetch));
}

let usual: Promise<Listening> | undefined;
/** The service with the built-in plugins. */
export const service = (): Promise<Listening> => usual ??= serve();

/** Closes the browser and all servers: each test file has it called after its tests. In Bun all files share this module, and begin anew. */
export async function close(): Promise<void> {
  for (const browser of Object.values(browsers)) await (await browser).close();
  browsers = {};
  usual = undefined;
  for (const server of servers.splice(0)) await (await server).close();
}

/** How somebody comes. */
export interface Visit {
  /** The fragment to come with. */
  readonly hash?: string;
  /** The service; default: one with the built-in plugins. */
  readonly from?: Promise<Listening>;
  /** What may stand in the console. */
  readonly expected?: RegExp;
  /** Where the page is served; default: `/`. */
  readonly at?: string;
  /** Comes with a browser that has WebGPU, by a software adapter. */
  readonly webGpu?: "with" | "without";
  /** What the page finds before any of its own scripts has run. */
  readonly before?: () => void;
}

/** What Chromium itself writes when the page asks for a GPU and there is none. */
export const saidOfNoAdapter = "No available adapters.";

/** Opens the page, lets `use` do what it does, and holds that the console stayed empty and that nothing was asked of anybody else. */
export async function visit(
  use: (page: Page, origin: string) => Promise<void>,
  { hash = "", from = service(), expected, at = "/", webGpu, before, ...options }: BrowserContextOptions & Visit = {},
): Promise<void> {
  const { origin } = await from;
  const context = await newContext({ viewport: { width: 1280, height: 900 }, ...options }, webGpu);
  const said: string[] = [];
  const asked: string[] = [];
  try {
    const page = await context.newPage();
    if (before !== undefined) await page.addInitScript(before);
    page.on("console", (message) => message.text() !== saidOfNoAdapter && said.push(`${message.type()}: ${message.text()}`));
    page.on("pageerror", (error) => said.push(String(error.stack)));
    page.on("request", (request) => asked.push(request.url()));
    await page.goto(`${origin}${at}${hash}`);
    await page.waitForFunction(() => document.querySelector<HTMLButtonElement>("#start")?.disabled === false);
    await use(page, origin);
    assertEquals(said.filter((line) => expected?.test(line) !== true), []);
    assertEquals(asked.filter((url) => !/^(?:blob:)?$/.test(url.split(`${origin}/`)[0]) && !url.startsWith("data:")), []);
  } catch (error) {
    // What the page said may be why.
    throw said.length === 0 ? error : new Error(`${error}\n${said.join("\n")}`);
  } finally {
    await context.close();
  }
}

/** What the page reads at its step: values by curve. */
export function readings(page: Page): Promise<{ readonly step: number; readonly values: number[] }> {
  return page.evaluate(() => ({
    step: Number(document.querySelector<HTMLInputElement>("#at")!.value),
    values: [...document.querySelectorAll<HTMLDataElement>("#values data")].map(({ value }) => Number(value)),
  }));
}

/** What the library says. */
export function values(choices: readonly (readonly [name: string, options: object])[], lr: number, step: number): number[] {
  return choices.map(([name, options]) => {
    const curve = curveOf(builtins, { name, options: { ...options } }, lr);
    assert("lr" in curve);
    return curve.lr(step);
  });
}

/** A link to curves. */
export function link(choices: readonly (readonly [name: string, options: object])[], to: number, lr: number, more = ""): string {
  return `#${
    choices.map(([name, options]) => `schedule=${encodeURIComponent(JSON.stringify({ name, options }))}`).join("&")
  }&to=${to}&lr=${lr}${more}`;
}

/** What axe finds wrong in the page as it is. */
export async function axeFindings(page: Page): Promise<string[]> {
  await page.evaluate(readFileSync(join(root, "node_modules/axe-core/axe.min.js"), "utf8"));
  return await page.evaluate(async () => {
    const { violations } = await (globalThis as unknown as { axe: { run(): Promise<{ violations: Finding[] }> } }).axe.run();
    interface Finding {
      readonly id: string;
      readonly impact: string;
      readonly nodes: readonly { readonly html: string }[];
    }
    return violations.map(({ id, impact, nodes }) =>
      `${impact}: ${id}: ${nodes.slice(0, 3).map(({ html }) => html.slice(0, 120)).join(" | ")}`
    );
  });
}

/** Moves a slider, as an arrow key does. */
export async function press(page: Page, id: string, key: string, times = 1): Promise<void> {
  await page.locator(`#${id}`).focus();
  for (let i = 0; i < times; i++) await page.keyboard.press(key);
  await settled(page);
}

/** After the next frame, where the page draws. */
export function settled(page: Page): Promise<unknown> {
  return page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
}

/** Choices that tests begin with. */
export const linear = ["linear", { numWarmupSteps: 100, numTrainingSteps: 1000 }] as const;
/** The same. */
export const cosine = ["cosine", { numWarmupSteps: 50, numTrainingSteps: 900 }] as const;
/** The same. */
export const polynomial = ["polynomial", { numWarmupSteps: 0, numTrainingSteps: 800, power: 2.5, lrEnd: 1e-6 }] as const;

/** Serves what answers for the page, until the tests are over. */
export function keep(server: Promise<Listening>): Promise<Listening> {
  servers.push(server);
  return server;
}
