/**
 * Whether Python is here, and which of its packages.
 *
 * @module
 */
import { execFileSync } from "node:child_process";
import { env } from "node:process";
import { fileURLToPath } from "node:url";

/** Whether `python3` runs. */
export const hasPython: boolean = (() => {
  try {
    execFileSync("python3", ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
})();

/**
 * A Python that has these modules: the one that `GLISSADE_PYTHON` names, the one that `.ci/run` makes, or the path's; undefined where none of them has.
 */
export function pythonWith(...modules: readonly string[]): string | undefined {
  const made = fileURLToPath(new URL("../.cache/python/bin/python", import.meta.url));
  return [env.GLISSADE_PYTHON, made, "python3"].find((python) => {
    if (python === undefined) return false;
    try {
      execFileSync(python, ["-c", modules.map((name) => `import ${name}`).join("; ")], { stdio: "ignore" });
      return true;
    } catch {
      return false;
    }
  });
}
