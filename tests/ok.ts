/**
 * The gate, `deno task ok`: everything that must hold before a change goes in. It stops at the first step that fails and says which one.
 * `--skip STEP` leaves one out, by name; `--from STEP` begins later.
 *
 * @module
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { read, root } from "./generated.ts";

interface Ended {
  readonly ok: boolean;
  readonly output: string;
}

const deno = join(root, "node_modules/.bin/deno");

/** Findings of `deno doc --lint` that stay. Users mount a real Hono app, and Hono's types are Hono's to document. */
const allowedFindings: readonly RegExp[] = [/^private-type-ref\]: public type '\w+' references private type 'Hono\w*'/];

async function run(args: readonly string[], aloud = false): Promise<Ended> {
  const child = new Deno.Command(deno, {
    args: [...args],
    cwd: root,
    env: { NO_COLOR: "1" },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let output = "";
  const listen = async (stream: ReadableStream<Uint8Array<ArrayBuffer>>) => {
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      output += text;
      if (aloud) process.stdout.write(text);
    }
  };
  await Promise.all([listen(child.stdout), listen(child.stderr)]);
  return { ok: (await child.status).success, output };
}

async function docLint(): Promise<Ended> {
  const entryPoints = Object.values<string>(JSON.parse(read("deno.json")).exports);
  const { ok, output } = await run(["doc", "--lint", ...entryPoints]);
  if (ok) return { ok, output };
  const findings = output.split(/^error\[/m).slice(1);
  const left = findings.filter((finding) => !allowedFindings.some((allowed) => allowed.test(finding)));
  return { ok: findings.length > 0 && left.length === 0, output: left.map((finding) => `error[${finding}`).join("") || output };
}

const documented = ["mod.ts", "core", "kernels", "plugins", "README.md"].filter((path) => existsSync(join(root, path)));

const steps: readonly (readonly [name: string, run: () => Promise<Ended>])[] = [
  ["fmt", () => run(["fmt", "--check"])],
  ["lint", () => run(["lint"])],
  ["check", () => run(["check"])],
  ["doc-lint", docLint],
  ["doc-examples", () => run(["test", "--doc", "-A", "--permit-no-files", ...documented])],
  ["publish", () => run(["publish", "--dry-run", "--allow-dirty"])],
  ["pack", () => run(["run", "-A", "tests/pack.ts"])],
  // Both suites and Node's; among the tests are the layer table, the public names and the generated files.
  ["tests", () => run(["run", "-A", "tests/all.ts"], true)],
];

const names = steps.map(([name]) => name);
const words = process.argv.slice(2);
const asked = (flag: string) => words.flatMap((word, i) => words[i - 1] === flag ? [word] : []);
const unknown = words.filter((word) => !["--skip", "--from", ...names].includes(word));
if (unknown.length > 0) {
  console.error(`Cannot run the gate with ${unknown.join(" ")}: known are --skip and --from with one of ${names.join(", ")}`);
  process.exit(2);
}

const start = Math.max(0, ...asked("--from").map((name) => names.indexOf(name)));
let closing = "";
for (const [name, perform] of steps.slice(start).filter(([name]) => !asked("--skip").includes(name))) {
  const since = performance.now();
  const { ok, output } = await perform();
  if (name === "tests") closing = /(\d+ passed, \d+ failed)\s*$/.exec(output)?.[1] ?? "";
  if (!ok) {
    if (name !== "tests") console.log(output);
    console.log(`\nThe gate stopped at: ${name} (again: deno task ok --from ${name})\n${closing || "0 passed, 1 failed"}`);
    process.exit(1);
  }
  console.log(`ok: ${name} (${((performance.now() - since) / 1000).toFixed(1)} s)`);
}
if (closing) console.log(closing);
