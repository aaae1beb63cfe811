/**
 * The service beside constant answers: `deno run -A bench/http.ts [--json] [--seconds 3]`.
 *
 * Requests a second of a value and of a curve of 1,000 points, on one URL and on URLs that do not repeat, beside the same framework answering
 * constant JSON with the same headers; and the time of a stateless step of 1 Mi parameters beside an echo of as many bytes. Each is the best of
 * five, in turns. The load comes from a second process: wrk (`apt-get install wrk`) for requests, a client in Deno for steps. Loopback only.
 *
 * @module
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { paths } from "./http_server.ts";
import { median, table } from "./measure.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const binary = (name: string) => join(root, "node_modules/.bin", name);
const runtimes = { deno: [binary("deno"), "run", "-A"], bun: [binary("bun"), "run"] };
const seconds = Number(process.argv[process.argv.indexOf("--seconds") + 1]) || 3;
const rounds = 5;
const parameters = 1024 * 1024;

interface Server {
  readonly port: number;
  stop(): void;
}

async function serve(runtime: keyof typeof runtimes, which: "app" | "constant"): Promise<Server> {
  const [program, ...args] = runtimes[runtime];
  const child: ChildProcess = spawn(program, [...args, "bench/http_server.ts", which], { cwd: root, stdio: ["pipe", "pipe", "inherit"] });
  const port = await new Promise<number>((resolve, reject) => {
    child.stdout!.once("data", (text) => resolve(Number(String(text))));
    child.once("exit", () => reject(new Error(`${runtime} ended before it served`)));
  });
  return { port, stop: () => child.kill() };
}

/** Requests a second, by wrk. With `distinct`, the length of the training grows with each request, so that no URL comes twice. */
function load(port: number, path: string, distinct: boolean, folder: string): number {
  const script = join(folder, "distinct.lua");
  const [before, after] = path.split(/(?<=numTrainingSteps=)\d+/);
  const from = Date.now() % 1e6 * 1e4;
  writeFileSync(
    script,
    `local n = ${from}\nrequest = function() n = n + 1; return wrk.format("GET", "${before}" .. n .. "${after}") end\n`,
  );
  const said = execFileSync("wrk", [
    ...["-t1", "-c16", `-d${seconds}s`],
    ...(distinct ? ["-s", script] : []),
    `http://127.0.0.1:${port}${path}`,
  ], { encoding: "utf8" });
  if (said.includes("Non-2xx")) throw new Error(said);
  return Number(/Requests\/sec:\s+([\d.]+)/.exec(said)![1]);
}

function steps(port: number): number {
  const [program, ...args] = runtimes.deno;
  const said = execFileSync(program, [...args, "bench/http_steps.ts", String(port), String(parameters), "15"], {
    cwd: root,
    encoding: "utf8",
  });
  return median(JSON.parse(said));
}

const results: Record<string, unknown>[] = [];
const folder = mkdtempSync(join(tmpdir(), "glissade-bench-"));
try {
  for (const runtime of Object.keys(runtimes) as (keyof typeof runtimes)[]) {
    const app = await serve(runtime, "app");
    const constant = await serve(runtime, "constant");
    try {
      for (const [what, path] of Object.entries(paths)) {
        for (const distinct of [false, true]) {
          // In turns, so that a busy moment of the machine hits both.
          const both = Array.from(
            { length: rounds },
            () => [load(app.port, path, distinct, folder), load(constant.port, path, distinct, folder)],
          );
          const [ours, theirs] = [0, 1].map((i) => Math.max(...both.map((pair) => pair[i])));
          results.push({
            runtime,
            what: `${what}, ${distinct ? "distinct URLs" : "one URL"}`,
            unit: "requests/s",
            ours,
            constant: theirs,
            ratio: ours / theirs,
          });
        }
      }
      const both = Array.from({ length: rounds }, () => [steps(app.port), steps(constant.port)]);
      const [ours, theirs] = [0, 1].map((i) => Math.min(...both.map((pair) => pair[i])));
      results.push({ runtime, what: "step of 1 Mi parameters, echo", unit: "ms", ours, constant: theirs, ratio: ours / theirs });
    } finally {
      app.stop();
      constant.stop();
    }
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
if (process.argv.includes("--json")) console.log(JSON.stringify(results));
else {
  const shown = (value: unknown) => (value as number) >= 100 ? (value as number).toFixed(0) : (value as number).toFixed(2);
  const rows = results.map((
    { runtime, what, unit, ours, constant, ratio },
  ) => [`${runtime}: ${what}`, shown(ours), shown(constant), String(unit), shown(ratio)]);
  console.log(table(["", "service", "constant", "unit", "ratio"], rows));
}
