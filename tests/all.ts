/**
 * The whole suite in every runtime: `npm test`, or `npm test -- bun core/` for one runtime and the files whose path contains a text.
 *
 * One list of files goes to all runtimes. What a runner says on its closing line is not believed: verdicts come from its report, test by test, a
 * file that reports no test counts as failed, and so does a runner that ends badly without saying which test it was.
 *
 * @module
 */
import { build } from "esbuild";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join, relative } from "node:path";
import process from "node:process";
import { fileURLToPath, pathToFileURL } from "node:url";
import { swiftShader } from "./chromium.ts";

/** Tests that Node 20 cannot run, and why. Everything else runs there too. */
const notInNode: Readonly<Record<string, string>> = {};

/** A runner that is silent for so long hangs. */
const patience = 15 * 60_000;

type Runtime = "deno" | "bun" | "node";

interface Outcome {
  readonly file: string;
  readonly name: string;
  readonly verdict: "passed" | "failed" | "skipped";
  readonly why: string;
}

interface Ended {
  readonly code: number;
  readonly output: string;
}

const root = fileURLToPath(new URL("..", import.meta.url));
// One folder a run, so that two runs at once do not disturb each other; below the root, for bundles to find node_modules.
const reports = join(root, ".node-tests", String(process.pid));
const runtimes: readonly Runtime[] = ["deno", "bun", "node"];

// For Node and Bun, beside the drivers that the machine has: tests/dawn.ts says why.
const withSwiftShader: Readonly<Record<string, string>> = swiftShader === undefined ? {} : { VK_ADD_DRIVER_FILES: swiftShader };

/** Every test file below tests/, by its path from the root. */
function testFiles(folder = "tests"): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).sort((a, b) => a.name < b.name ? -1 : 1).flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) return testFiles(path);
    return entry.name.endsWith("_test.ts") ? [path] : [];
  });
}

/** Runs a command to its end, tells each line to `heard`, and gives everything it said. */
async function run(
  command: readonly string[],
  heard: (line: string) => void = () => {},
  env: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  const [program, ...args] = command;
  const child = new Deno.Command(program, {
    args,
    cwd: root,
    env: { NO_COLOR: "1", ...env },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  })
    .spawn();
  const output: string[] = [];
  const hung = () => {
    output.push(`killed: silent for ${patience / 60_000} minutes`);
    child.kill("SIGKILL");
  };
  let timer = setTimeout(hung, patience);
  const listen = async (stream: ReadableStream<Uint8Array<ArrayBuffer>>) => {
    let rest = "";
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      clearTimeout(timer);
      timer = setTimeout(hung, patience);
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        output.push(line);
        heard(line);
      }
    }
    if (rest) output.push(rest);
  };
  await Promise.all([listen(child.stdout), listen(child.stderr)]);
  const { code } = await child.status;
  clearTimeout(timer);
  return { code, output: output.join("\n") };
}

function unescape(text: string): string {
  const named: Record<string, string> = { lt: "<", gt: ">", quot: '"', apos: "'", amp: "&" };
  return text.replace(/&(?:#(\d+)|#x([0-9a-f]+)|(\w+));/gi, (whole, decimal, hex, name) => {
    if (decimal) return String.fromCodePoint(Number(decimal));
    return hex ? String.fromCodePoint(parseInt(hex, 16)) : named[name] ?? whole;
  });
}

/** Outcomes in a JUnit report; Deno and Bun write the same elements. */
function readReport(path: string): Outcome[] {
  if (!existsSync(path)) return [];
  const outcomes: Outcome[] = [];
  let file = "";
  for (
    const [, suite, attributes, end, body] of readFileSync(path, "utf8").matchAll(
      /<testsuite name="([^"]*)"|<testcase ([^>]*?)(\/>|>([^]*?)<\/testcase>)/g,
    )
  ) {
    if (suite !== undefined) {
      file = unescape(suite).replace(/^\.\//, "");
      continue;
    }
    const name = unescape(/name="([^"]*)"/.exec(attributes)?.[1] ?? "");
    const why = end === "/>" ? "" : body;
    const verdict = why.includes("<failure") || why.includes("<error") ? "failed" : why.includes("<skipped") ? "skipped" : "passed";
    outcomes.push({ file, name, verdict, why: verdict === "failed" ? unescape(why.replace(/<[^>]*>/g, "")).trim() : "" });
  }
  return outcomes;
}

/** Errors outside of any test, which no report has: thrown at a file's top level, or by something that a test left behind. */
function readStrays(output: string): Outcome[] {
  const inDeno = /^\.\/(\S+) \(uncaught error\)\n(error: [^]*?)\n\n/gm;
  const inBun = /^(\S+_test\.ts):\n(?:(?!\S+_test\.ts:\n)[^\n]*\n)*?# Unhandled error between tests\n-+\n([^]*?)\n-{10}/gm;
  return [...output.matchAll(inDeno), ...output.matchAll(inBun)].map(([, file, why]) => ({
    file,
    name: "(outside of tests)",
    verdict: "failed",
    why,
  }));
}

/** Says which file runs, once a file. */
function progress(runtime: Runtime, files: readonly string[]): (file: string) => void {
  const seen = new Set<string>();
  return (file) => {
    if (seen.has(file) || !files.includes(file)) return;
    seen.add(file);
    console.log(`${runtime} ${String(seen.size).padStart(3)}/${files.length} ${file}`);
  };
}

async function inDeno(files: readonly string[]): Promise<[Ended, Outcome[]]> {
  const report = join(reports, "deno.xml");
  const show = progress("deno", files);
  const ended = await run(["deno", "test", "-A", "--no-check", `--junit-path=${report}`, ...files], (line) => {
    const file = /^running \d+ tests? from \.\/(.*)$/.exec(line)?.[1];
    if (file) show(file);
  });
  return [ended, [...readReport(report), ...readStrays(ended.output)]];
}

async function inBun(files: readonly string[]): Promise<[Ended, Outcome[]]> {
  const report = join(reports, "bun.xml");
  const show = progress("bun", files);
  // Bun alone limits each test to 5 s by default; the limit here is for a runner that hangs.
  const limits = [`--timeout=${patience}`, "--reporter=junit", `--reporter-outfile=${report}`];
  const ended = await run(
    ["bun", "test", ...limits, ...files.map((file) => `./${file}`)],
    (line) => show(line.replace(/:$/, "")),
    withSwiftShader,
  );
  return [ended, [...readReport(report), ...readStrays(ended.output)]];
}

/** Node 20 does not strip types: esbuild bundles each test, `import.meta.url` still naming the source. */
async function inNode(all: readonly string[]): Promise<[Ended, Outcome[]]> {
  const files = all.filter((file) => !(file in notInNode));
  const bundle = (file: string) => join(reports, file.replace(/\.ts$/, ".mjs"));
  try {
    await build({
      entryPoints: [...files],
      absWorkingDir: root,
      outbase: root,
      outdir: reports,
      outExtension: { ".js": ".mjs" },
      bundle: true,
      format: "esm",
      platform: "node",
      target: "node20",
      sourcemap: "inline",
      external: ["esbuild", "playwright-core", "@tensorflow/*"],
      logLevel: "silent",
      plugins: [{
        name: "source urls",
        setup({ onLoad }) {
          onLoad({ filter: /\.ts$/ }, async ({ path }) => {
            const contents = (await readFile(path, "utf8")).replaceAll("import.meta.url", JSON.stringify(pathToFileURL(path).href));
            return { contents, loader: "ts" };
          });
        },
      }],
    });
  } catch (error) {
    return [{ code: 1, output: String(error) }, []];
  }
  const show = progress("node", files);
  const outcomes: Outcome[] = Object.entries(notInNode).map(([file, why]) => ({ file, name: "every test", verdict: "skipped", why }));
  const node = [
    "node",
    "--enable-source-maps",
    "--test",
    "--test-reporter=./tests/node_reporter.mjs",
    "--test-reporter-destination=stdout",
  ];
  const ended = await run([...node, ...files.map(bundle)], (line) => {
    if (!line.startsWith('{"file":')) return;
    const outcome: Outcome = JSON.parse(line);
    // With source maps Node names the source, but for a file that failed as a whole.
    const file = relative(root, outcome.file).replace(/^\.node-tests\/\d+\//, "").replace(/\.mjs$/, ".ts");
    show(file);
    outcomes.push({ ...outcome, file });
  }, withSwiftShader);
  return [{ ...ended, output: ended.output.replace(/^\{"file":.*\n?/gm, "") }, outcomes];
}

/** One line about each runner, and what went wrong. */
function tell(runtime: Runtime, files: readonly string[], [ended, outcomes]: [Ended, Outcome[]]): { passed: number; failed: number } {
  const failures = outcomes.filter((outcome) => outcome.verdict === "failed");
  const known = new Set(outcomes.map((outcome) => outcome.file));
  const silent = files.filter((file) => !known.has(file));
  for (const { file, name, why } of failures) console.log(`\n${runtime}: FAILED ${file}: ${name}\n${why.replace(/^/gm, "    ")}`);
  for (const file of silent) console.log(`\n${runtime}: FAILED ${file}: no test of this file ran`);
  // Seen once with Mesa's software adapter: a crash while the process ends, when the report of all tests is written and the closing line is out.
  const after = ended.code > 128 && /^ok \| \d+ passed \| 0 failed/m.test(ended.output);
  if (after) console.log(`\n${runtime}: the process ended by signal ${ended.code - 128}, after its last test`);
  const unexplained = ended.code !== 0 && !after && failures.length === 0 && silent.length === 0;
  if (unexplained) console.log(`\n${runtime}: FAILED the runner ended with code ${ended.code}`);
  if (unexplained || silent.length > 0 || runtime === "node" && failures.length > 0) {
    console.log(ended.output.split("\n").slice(-60).join("\n").replace(/^/gm, "    "));
  }
  for (const { file, name, why } of outcomes.filter((outcome) => outcome.verdict === "skipped")) {
    console.log(`${runtime}: skipped ${file}: ${name}${why ? ` (${why})` : ""}`);
  }
  for (const adapter of new Set(ended.output.match(/^WebGPU: .*/gm))) console.log(`${runtime}: ${adapter}`);
  const passed = outcomes.filter((outcome) => outcome.verdict === "passed").length;
  const failed = failures.length + silent.length + (unexplained || outcomes.length === 0 && silent.length === 0 ? 1 : 0);
  return { passed, failed };
}

const asked = runtimes.filter((runtime) => process.argv.slice(2).includes(runtime));
const fragments = process.argv.slice(2).filter((word) => !(runtimes as readonly string[]).includes(word));
const files = testFiles().filter((file) => fragments.length === 0 || fragments.some((fragment) => file.includes(fragment)));

mkdirSync(reports, { recursive: true });

// The types are checked once, apart from the tests, so that one wrong type does not keep a whole suite from running.
const types = await run(["deno", "check", ...files]);
if (types.code !== 0) console.log(`FAILED deno check\n${types.output}\n`);

const total = { passed: 0, failed: types.code === 0 ? 0 : 1 };
const lines: string[] = [];
const legs = { deno: inDeno, bun: inBun, node: inNode };
for (const runtime of asked.length > 0 ? asked : runtimes) {
  const { passed, failed } = tell(runtime, files, await legs[runtime](files));
  total.passed += passed;
  total.failed += failed;
  lines.push(`${runtime}: ${passed} passed, ${failed} failed`);
}
if (types.code !== 0) lines.push("types: 1 failed");

rmSync(reports, { recursive: true, force: true });
console.log(`\n${lines.join("\n")}\n${total.passed} passed, ${total.failed} failed`);
process.exit(total.failed > 0 ? 1 : 0);
