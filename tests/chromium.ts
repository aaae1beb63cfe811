/**
 * Chromium for tests: where it is, how it is started, and what becomes of the tests where there is none.
 *
 * @module
 */
import { existsSync } from "node:fs";
import process from "node:process";
import { test } from "node:test";

const places = [process.env.CHROMIUM, "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/** The program; undefined where there is none. */
export const chromium: string | undefined = places.find((path) => path !== undefined && existsSync(path));

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

/** A test that needs Chromium. Without one it is skipped, and its name says why: not every runner's report has a place for reasons. */
export function inChromium(name: string, run: () => void | Promise<void>): void {
  if (chromium !== undefined) test(name, run);
  else test.skip(`${name} (skipped: no chromium here; apt-get install chromium, or CHROMIUM=path)`, run);
}
