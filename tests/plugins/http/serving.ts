/**
 * The service as a process of its own, in each runtime.
 *
 * @module
 */
import { buildSync } from "esbuild";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { root } from "../../generated.ts";

/** Where the service runs. */
export type Runtime = "deno" | "bun" | "node" | "workerd";

/** A running service. */
export interface Service {
  readonly url: string;
  /** Resident memory in bytes. */
  memory(): number;
  /** Asks it to end, and gives its exit code. */
  end(signal?: "SIGTERM" | "SIGINT"): Promise<number | null>;
}

const binary = (name: string) => join(root, "node_modules/.bin", name);
const scripts = JSON.parse(readFileSync(join(root, "package.json"), "utf8")).scripts;

/** Starts the service on a free port, with `more` on its command line. */
export async function startService(runtime: Runtime, more: readonly string[] = []): Promise<Service> {
  const folder = mkdtempSync(join(tmpdir(), "glissade-serve-"));
  const [program, ...args] = command(runtime, folder);
  const child: ChildProcess = spawn(program, [...args, ...more], {
    cwd: root,
    env: { ...process.env, PORT: "0" },
    stdio: ["pipe", "pipe", "pipe"],
  });
  let said = "";
  const code = new Promise<number | null>((resolve) => child.once("exit", resolve));
  const url = await new Promise<string>((resolve, reject) => {
    const listen = (text: unknown): void => {
      said += text;
      const found = /listens on (http\S+)/.exec(said)?.[1];
      if (found !== undefined) resolve(new URL(found).origin);
    };
    child.stdout!.on("data", listen);
    child.stderr!.on("data", listen);
    child.once("exit", (code) => reject(new Error(`${runtime} ended with ${code}:\n${said}`)));
  });
  return {
    url,
    memory: () => residentBytes(child.pid!),
    async end(signal = "SIGTERM") {
      // workerd has no signals of its own; its host ends with its input.
      if (runtime === "workerd") child.stdin!.end();
      else process.kill(child.pid!, signal); // in Deno, child.kill() hides the exit code
      const ended = await code;
      rmSync(folder, { recursive: true, force: true });
      return ended;
    },
  };
}

function command(runtime: Runtime, folder: string): string[] {
  switch (runtime) {
    case "deno": {
      const [, args] = scripts.start.split("deno ");
      return [binary("deno"), ...args.split(" ")];
    }
    case "bun":
      return [binary("bun"), "examples/bun/serve.ts"];
    case "node": {
      const outfile = join(folder, "serve.mjs");
      buildSync({
        entryPoints: [join(root, "examples/node/serve.ts")],
        bundle: true,
        platform: "node",
        format: "esm",
        target: "node20",
        outfile,
      });
      // The service is for Node 22 and newer; .ci/run installs one where the machine's is older, which serves it too.
      return [process.env.NODE22 ?? "node", outfile];
    }
    case "workerd":
      return [binary("deno"), "run", "-A", "tests/plugins/http/workerd.ts"];
  }
}

function residentBytes(pid: number): number {
  const status = `/proc/${pid}/status`;
  if (existsSync(status)) return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(status, "utf8"))![1]) * 1024;
  return Number(execFileSync("ps", ["-o", "rss=", "-p", String(pid)], { encoding: "utf8" })) * 1024;
}
