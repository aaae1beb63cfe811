/**
 * This process' memory as the operating system counts it.
 *
 * @module
 */
import { readFileSync, writeFileSync } from "node:fs";
import process from "node:process";

/** Bytes of resident memory now, and the most that it ever was. */
export function resident(): { readonly now: number; readonly peak: number } {
  try {
    const status = readFileSync("/proc/self/status", "utf8");
    const field = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(status)![1]) * 1024;
    return { now: field("VmRSS"), peak: field("VmHWM") };
  } catch {
    return { now: process.memoryUsage().rss, peak: process.resourceUsage().maxRSS * 1024 };
  }
}

/** Forgets the peak so far, where the system can (Linux); elsewhere the peak stays the process'. */
export function resetPeak(): void {
  try {
    writeFileSync("/proc/self/clear_refs", "5");
  } catch {
    // The peak then holds the start of the runtime too.
  }
}
