/**
 * Runs schemathesis against the service: `npm run schemathesis`. Sets it up outside the repository the first time, in the user's cache.
 *
 * @module
 */
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { startService } from "../plugins/http/serving.ts";

const release = "schemathesis==4.32.5";
const here = fileURLToPath(new URL(".", import.meta.url));
const folder = join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "glissade", "schemathesis");
const mark = join(folder, release);

if (!existsSync(mark)) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(dirname(folder), { recursive: true });
  execFileSync("python3", ["-m", "venv", folder], { stdio: "inherit" });
  execFileSync(join(folder, "bin/pip"), ["install", "--quiet", "--disable-pip-version-check", release], { stdio: "inherit" });
  writeFileSync(mark, "");
}

const service = await startService("deno");
const args = ["--config-file", join(here, "schemathesis.toml"), "run", `${service.url}/openapi.json`, ...process.argv.slice(2)];
// Hooks are imported by name, from the folder that they are in; nothing is written there.
const env = { ...process.env, SCHEMATHESIS_HOOKS: "hooks", PYTHONPATH: here, PYTHONDONTWRITEBYTECODE: "1" };
const { status } = spawnSync(join(folder, "bin/schemathesis"), args, { cwd: folder, env, stdio: ["ignore", "inherit", "inherit"] });
await service.end();
process.exit(status ?? 1);
