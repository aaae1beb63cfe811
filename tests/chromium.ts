/**
 * Chromium for tests: where it is, how it is started, and what becomes of the tests where there is none.
 *
 * @module
 */
import { existsSync, realpathSync } from "node:fs";
import { dirname, join } from "node:path";
import process from "node:process";
import { test } from "node:test";

const places = [process.env.CHROMIUM, "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/** The program; undefined where there is none. */
export const chromium: string | undefined = places.find((path) => path !== undefined && existsSync(path));

/** The description of SwiftShader, Chromium's adapter in software, by which any program on Vulkan finds it; undefined where there is none. */
export const swiftShader: string | undefined = [chromium, "/usr/lib/chromium/chromium"].flatMap((path) =>
  path === undefined || !existsSync(path) ? [] : [join(dirname(realpathSync(path)), "vk_swiftshader_icd.json")]
).find(existsSync);

/** Nothing that is not asked for goes over the network. */
export const chromiumFlags: readonly string[] = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** With WebGPU, without a GPU: by SwiftShader, which Chromium brings along. */
export const webGpuFlags: readonly string[] = [
  ...chromiumFlags.filter((flag) => flag !== "--disable-gpu"),
  "--enable-unsafe-webgpu",
  "--use-webgpu-adapter=swiftshader",
  "--enable-features=Vulkan",
  "--disable-vulkan-surface",
];

/** Why tests in Chromium are skipped; undefined where they run. A test of this name says it, since not every runner's report has a place for reasons. */
export const missing: string | undefined = chromium === undefined
  ? "Chromium is missing: apt-get install chromium, or CHROMIUM=path"
  : undefined;

/** `test` where there is Chromium. Not a function of its own: reports would say that the tests stand in this file. */
export const inChromium: (name: string, run: () => void | Promise<void>) => unknown = chromium === undefined ? test.skip : test;
