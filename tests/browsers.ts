/**
 * Browsers for tests that need no more than a page in each: started at an address, told nothing, ended. What such a page finds it sends to the server
 * that it came from. (`chromium.ts` is for tests that click and read.)
 *
 * @module
 */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { chromium, chromiumFlags, missing, webGpuFlags } from "./chromium.ts";

/** A browser of this machine, or one that it lacks. */
export interface Browser {
  readonly name: string;
  /** Why its tests are skipped; undefined where it is there. */
  readonly missing: string | undefined;
  /** Opens an address, without any state of its user's. */
  open(url: string): Promise<Opened>;
}

/** A browser that runs. */
export interface Opened {
  /** What it has written so far, for those who wonder why nothing comes. */
  said(): string;
  /** Ends it, with all that was started for it. */
  close(): Promise<void>;
}

/** Milliseconds that a browser has to end by itself. */
const patience = 5_000;

const found = (variable: string, ...places: string[]): string | undefined =>
  [process.env[variable], ...places].find((path) => path !== undefined && existsSync(path));

const firefox = found("FIREFOX", "/usr/bin/firefox-esr", "/usr/bin/firefox");
const webkit = found(
  "WEBKIT",
  ...["x86_64", "aarch64"].flatMap((machine) =>
    ["4.1", "4.0"].map((version) => `/usr/lib/${machine}-linux-gnu/webkit2gtk-${version}/MiniBrowser`)
  ),
);
const xvfb = found("XVFB", "/usr/bin/Xvfb");

/** Firefox asks nobody for anything, and shows no page of its own beside ours. */
const firefoxSettings = [
  'user_pref("app.update.enabled", false);',
  'user_pref("browser.aboutwelcome.enabled", false);',
  'user_pref("browser.shell.checkDefaultBrowser", false);',
  'user_pref("datareporting.policy.dataSubmissionEnabled", false);',
  'user_pref("network.captive-portal-service.enabled", false);',
  'user_pref("network.connectivity-service.enabled", false);',
  'user_pref("toolkit.telemetry.reportingpolicy.firstRun", false);',
  'user_pref("services.settings.server", "data:,#remote-settings-dummy/v1");',
];

function openChromium(url: string, flags: readonly string[]): Promise<Opened> {
  return start((profile) => [chromium!, ["--headless", ...flags, `--user-data-dir=${profile}`, url]]);
}

function openFirefox(url: string): Promise<Opened> {
  return start((profile) => {
    writeFileSync(join(profile, "user.js"), firefoxSettings.join("\n"));
    return [firefox!, ["--headless", "--no-remote", "--profile", profile, url]];
  });
}

/** WebKitGTK needs a screen, which Xvfb feigns. */
async function openWebKit(url: string, env: Readonly<Record<string, string>>): Promise<Opened> {
  const screen = spawn(xvfb!, ["-displayfd", "1", "-screen", "0", "1280x1024x24", "-nolisten", "tcp"], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  try {
    const display = await new Promise<string>((done, fail) => {
      screen.stdout!.once("data", (number) => done(`:${String(number).trim()}`));
      screen.once("error", fail);
      screen.once("exit", () => fail(new Error("Xvfb ended before it had a screen")));
    });
    const { said, close } = await start(() => [webkit!, [url]], { ...env, DISPLAY: display });
    return { said, close: () => close().finally(() => end(screen)) };
  } catch (error) {
    await end(screen);
    throw error;
  }
}

/** Starts a program whose home is a folder that goes when it ends. */
async function start(
  command: (folder: string) => readonly [program: string, args: readonly string[]],
  env: Readonly<Record<string, string>> = {},
): Promise<Opened> {
  const folder = mkdtempSync(join(tmpdir(), "browser-"));
  const [program, args] = command(folder);
  const child = spawn(program, args, {
    // No session's bus either: GTK would start one and leave it.
    env: { ...process.env, HOME: folder, DBUS_SESSION_BUS_ADDRESS: "disabled:", NO_AT_BRIDGE: "1", GSETTINGS_BACKEND: "memory", ...env },
    stdio: ["ignore", "ignore", "pipe"],
  });
  let said = "";
  child.stderr!.on("data", (text) => said += text);
  await new Promise((done, fail) => {
    child.once("spawn", done);
    child.once("error", fail);
  });
  return {
    said: () => said,
    async close() {
      await end(child);
      await remove(folder);
    },
  };
}

/** Removes a browser's folder, in which what it had started may go on writing for a while. (Deno's `rmSync` gave up in spite of `maxRetries`.) */
async function remove(folder: string): Promise<void> {
  for (let left = 50;; left--) {
    try {
      return rmSync(folder, { recursive: true, force: true });
    } catch (error) {
      if (left === 0) throw error;
      await new Promise((done) => setTimeout(done, 100));
    }
  }
}

/** Ends a process that was started here, and waits for it. */
async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((done) => child.once("exit", done));
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), patience);
  await ended;
  clearTimeout(timer);
}

const noFirefox = firefox === undefined ? "Firefox is missing: apt-get install firefox-esr, or FIREFOX=path" : undefined;
const noWebKit = webkit === undefined || xvfb === undefined
  ? "WebKitGTK's MiniBrowser or Xvfb is missing: apt-get install webkit2gtk-driver xvfb, or WEBKIT=path XVFB=path"
  : undefined;

/** All that tests know of. WebKitGTK comes twice: it keeps `SharedArrayBuffer` to itself even in isolated pages, which Safari does not. */
export const browsers: readonly Browser[] = [
  { name: "Chromium", missing, open: (url) => openChromium(url, chromiumFlags) },
  { name: "Firefox", missing: noFirefox, open: openFirefox },
  { name: "WebKitGTK", missing: noWebKit, open: (url) => openWebKit(url, {}) },
  { name: "WebKitGTK with SharedArrayBuffer", missing: noWebKit, open: (url) => openWebKit(url, { JSC_useSharedArrayBuffer: "1" }) },
];

/** Chromium with a software adapter for WebGPU, which the other has not. */
export const chromiumWithWebGpu: Browser = { name: "Chromium with WebGPU", missing, open: (url) => openChromium(url, webGpuFlags) };
