/**
 * The service beside constant answers: `deno run -A bench/http.ts [--json] [--seconds 3] [--rounds 5] [--only REGEX]`.
 *
 * Requests a second of a value and of a curve of 1,000 points (JSON and `.f64`), on one URL and on URLs that do not repeat, beside the same framework in the
 * same runtime answering the same bytes with the same headers as constants; and of stateless steps of 1 Ki parameters (16 connections) and 1 Mi (one
 * connection), beside an echo of as many bytes. Each is the best of some rounds, in turns. The load comes from wrk (`apt-get install wrk`), a program of its
 * own: a client in a runtime would take longer than what it asks for. `--only` takes the rows whose name (`bun: value, one URL`) fits. Loopback only.
 *
 * What a step of 1 Mi parameters costs at least, in a handler without a service (Bun, echo 8.5 ms): 9.6 ms to read the body into plain pieces, bring them to
 * WASM memory and answer with a copy from there; 8.5 ms where the body is read into WASM memory at once, which no other request may use meanwhile; and 1.4 ms
 * for AdamW itself. `arrayBuffer()` in place of the pieces takes 12 ms, a buffer that grows by `resize` 19.
 *
 * @module
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { paths } from "./http_server.ts";
import { stepBody } from "./http_steps.ts";
import { table } from "./measure.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const binary = (name: string) => join(root, "node_modules/.bin", name);
const runtimes = { deno: [binary("deno"), "run", "-A"], bun: [binary("bun"), "run"] };
const { values: given } = parseArgs({
  args: process.argv.slice(2),
  options: {
    json: { type: "boolean", default: false },
    seconds: { type: "string", default: "3" },
    rounds: { type: "string", default: "5" },
    only: { type: "string", default: "" },
  },
});
const rounds = Number(given.rounds);

/** One line of the table: what is asked, in the words of wrk. */
interface Row {
  readonly what: string;
  readonly path: string;
  readonly connections: number;
  /** What makes each request, in Lua; the path alone where there is nothing to say. */
  readonly script?: string;
}

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

/** A script whose requests ask for a training that is a step longer each time, so that no URL comes twice. */
function distinct(path: string): string {
  const [before, after] = path.split(/(?<=numTrainingSteps=)\d+/);
  // Seeded anew by each run: a row that ran twice would find the answers of its first time.
  return `local n = os.time() % 1e6 * 1e6\nrequest = function() n = n + 1; return wrk.format("GET", "${before}" .. n .. "${after}") end\n`;
}

function posting(parameters: number): string {
  const file = join(folder, `${parameters}.safetensors`);
  writeFileSync(file, stepBody(parameters));
  return [
    `wrk.method = "POST"`,
    `wrk.body = io.open("${file}", "rb"):read("*a")`,
    `wrk.headers["Content-Type"] = "application/vnd.safetensors"`,
    `wrk.headers["X-Answer-Bytes"] = "${12 * parameters + 400}"`,
    "",
  ].join("\n");
}

/** Requests a second, by wrk. */
function load(port: number, { path, connections, script }: Row): number {
  const file = join(folder, "script.lua");
  if (script !== undefined) writeFileSync(file, script);
  const said = execFileSync("wrk", [
    ...["-t1", `-c${connections}`, `-d${given.seconds}s`],
    ...(script === undefined ? [] : ["-s", file]),
    `http://127.0.0.1:${port}${path}`,
  ], { encoding: "utf8" });
  if (said.includes("Non-2xx")) throw new Error(said);
  return Number(/Requests\/sec:\s+([\d.]+)/.exec(said)![1]);
}

const folder = mkdtempSync(join(tmpdir(), "glissade-bench-"));
const results: Record<string, unknown>[] = [];
try {
  execFileSync("wrk", ["-v"], { stdio: "ignore" });
} catch (error) {
  // Its version comes with an exit code of 1.
  if ((error as NodeJS.ErrnoException).code === "ENOENT") throw new Error("There is no wrk: Debian has it (apt-get install wrk)");
}
try {
  const rows: readonly Row[] = [
    ...Object.entries(paths).flatMap(([what, path]): Row[] => [
      { what: `${what}, one URL`, path, connections: 16 },
      { what: `${what}, distinct URLs`, path, connections: 16, script: distinct(path) },
    ]),
    { what: "step of 1 Ki parameters", path: "/v1/steps", connections: 16, script: posting(1024) },
    { what: "step of 1 Mi parameters", path: "/v1/steps", connections: 1, script: posting(1024 * 1024) },
  ];
  for (const runtime of Object.keys(runtimes) as (keyof typeof runtimes)[]) {
    const asked = rows.filter(({ what }) => new RegExp(given.only).test(`${runtime}: ${what}`));
    if (asked.length === 0) continue;
    const app = await serve(runtime, "app");
    const constant = await serve(runtime, "constant");
    try {
      for (const row of asked) {
        // In turns, so that a busy moment of the machine hits both.
        const both = Array.from({ length: rounds }, () => [load(app.port, row), load(constant.port, row)]);
        const [ours, theirs] = [0, 1].map((i) => Math.max(...both.map((pair) => pair[i])));
        results.push({ runtime, what: row.what, ours, constant: theirs, ratio: ours / theirs });
      }
    } finally {
      app.stop();
      constant.stop();
    }
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
if (given.json) console.log(JSON.stringify(results));
else {
  const shown = (value: unknown) => (value as number) >= 100 ? (value as number).toFixed(0) : (value as number).toFixed(2);
  const rows = results.map((
    { runtime, what, ours, constant, ratio },
  ) => [`${runtime}: ${what}`, shown(ours), shown(constant), shown(ratio)]);
  console.log(table(["requests a second", "service", "constant, echo", "ratio"], rows));
}
