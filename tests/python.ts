/**
 * Whether Python is here.
 *
 * @module
 */
import { execFileSync } from "node:child_process";

/** Whether `python3` runs. */
export const hasPython: boolean = (() => {
  try {
    execFileSync("python3", ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
})();
