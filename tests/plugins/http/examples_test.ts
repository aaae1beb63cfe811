import { execFileSync, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { builtins } from "../../../mod.ts";
import { read, root } from "../../generated.ts";
import { startService } from "./serving.ts";

const deno = join(root, "node_modules/.bin/deno");
const cosine = builtins.createSchedule("cosine", { numWarmupSteps: 10, numTrainingSteps: 100 });

/** A Python with PyTorch: the rivals', if they are set up, or the one on the path. */
const python = [join(homedir(), ".cache/glissade/rivals/bin/python"), "python3"]
  .find((program) => spawnSync(program, ["-c", "import torch"], { stdio: "ignore" }).status === 0);

/** What a program prints while the service runs; its address is the last argument. */
async function printed(program: string, ...args: string[]): Promise<string> {
  const service = await startService("deno");
  try {
    return execFileSync(program, [...args, service.url], { cwd: root, encoding: "utf8", env: { ...process.env, NO_COLOR: "1" } });
  } finally {
    await service.end();
  }
}

test("the typed client's example prints what the library computes", async () => {
  const [curve, params] = (await printed(deno, "run", "--allow-net", "--no-check", "examples/client.ts")).trim().split("\n");
  assertEquals(JSON.parse(curve), [[0, 10, 50, 100].map((step) => 5e-5 * cosine(step))]);
  const w = new Float32Array([1, 2]);
  const trainer = builtins.createTrainer({ w }, { optimizer: { name: "adamw", options: { lr: 0.1 } } });
  trainer.add({ w: new Float32Array([0.5, -0.5]) });
  trainer[Symbol.dispose]();
  assertEquals(JSON.parse(params), [...w]);
});

(python === undefined ? test.skip : test)("the Python example drives each group's lr by the curve", async () => {
  const lines = (await printed(python!, "examples/python/pytorch_lr.py")).trim().split("\n").map((line) => line.split(" ").map(Number));
  assertEquals(lines.map(([step]) => step), [25, 50, 75, 100]);
  for (const [step, weight, bias] of lines) {
    assert(Math.abs(weight - 1e-2 * cosine(step)) <= 1e-17, `${weight} at step ${step}`);
    assert(Math.abs(bias - 1e-3 * cosine(step)) <= 1e-18, `${bias} at step ${step}`);
  }
});

test("a port that is in use is told in a sentence", async () => {
  const service = await startService("deno");
  const { port } = new URL(service.url);
  const { status, stderr } = spawnSync(deno, ["run", "-A", "--no-check", "examples/serve.ts"], {
    cwd: root,
    encoding: "utf8",
    env: { ...process.env, PORT: port, NO_COLOR: "1" },
  });
  await service.end();
  assertEquals([status, stderr.trim()], [
    1,
    `Cannot serve on port ${port}: another program listens there. Choose one with PORT=9000 npm start`,
  ]);
});

const programs = [
  ["deno", ["run", "-A", "--no-check", "examples/serve.ts"]],
  ["bun", ["examples/bun/serve.ts"]],
] as const;
for (const [program, args] of programs) {
  const start = (PORT: string) =>
    spawnSync(join(root, "node_modules/.bin", program), args, {
      cwd: root,
      encoding: "utf8",
      env: { ...process.env, PORT, NO_COLOR: "1" },
    });

  test(`${program}: a port that is taken, and one that is none, are told in one line`, async () => {
    const service = await startService("deno");
    try {
      for (const port of [new URL(service.url).port, "65536", "http", "-1", "80.5", "0x0", "0e3"]) {
        const { status, stderr } = start(port);
        assertEquals([status, stderr.trim().split("\n").length], [1, 1], stderr);
        assert(stderr.includes(port), stderr);
      }
    } finally {
      await service.end();
    }
  });

  for (const PORT of ["", " ", "\t"]) {
    test(`${program}: an empty PORT is none: ${JSON.stringify(PORT)}`, async () => {
      const child = spawn(join(root, "node_modules/.bin", program), args, { cwd: root, env: { ...process.env, PORT } });
      let said = "";
      await new Promise<void>((resolve) => {
        const listen = (text: unknown): void => {
          said += text;
          if (said.includes("\n")) resolve();
        };
        child.stdout.on("data", listen);
        child.stderr.on("data", listen);
        child.once("exit", () => resolve());
      });
      child.kill();
      // Port 8000 may be taken here: it was asked for nevertheless.
      assert(/:8000\/|port 8000|PORT=/.test(said), said);
    });
  }
}

test("npm start is the service itself: a signal to its shell ends it", () => {
  const { start } = JSON.parse(read("package.json")).scripts;
  assert(start.startsWith("exec deno "), start);
});

test("wrangler.jsonc and the Dockerfile name files that are there", () => {
  const settings = JSON.parse(read("examples/cloudflare/wrangler.jsonc").replace(/^\s*\/\/.*$/gm, ""));
  assertEquals(settings.main, "dist/worker.js");
  assert(read("examples/cloudflare/build.ts").includes(`"worker.ts"`));
  for (const [, from] of read("examples/bun/Dockerfile").matchAll(/^COPY (?!--from)(\S+) /gm)) {
    assert(spawnSync("test", ["-e", join(root, from)]).status === 0, from);
  }
});

for (const runtime of ["deno", "bun", "node"] as const) {
  test(`${runtime}: --plugins serves a folder of plugins in JSON`, async () => {
    const service = await startService(runtime, ["--plugins", "examples/json"]);
    try {
      const { plugins } = await (await fetch(`${service.url}/v1/plugins`)).json();
      const names = plugins.map(({ name }: { name: string }) => name);
      for (const name of ["lion_json", "muon_json", "trapezoid"]) assert(names.includes(name), names.join(" "));
      const query = "numWarmupSteps=4&numCooldownSteps=5&numTrainingSteps=20&steps=0,2,10,18";
      const { lr } = await (await fetch(`${service.url}/v1/schedules/trapezoid?${query}`)).json();
      assertEquals(lr, [[0, 0.5, 1, 0.4]]);
      const step = await fetch(`${service.url}/v1/steps`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({
          recipe: { optimizer: { name: "lion_json", options: { lr: 0.5 } } },
          tensors: { w: { shape: [2], data: [1, 1] }, "w.grad": { shape: [2], data: [3, -3] } },
        }),
      });
      assertEquals([step.status, (await step.json()).tensors?.w.data], [200, [0.5, 1.5]]);
    } finally {
      await service.end();
    }
  });
}

test("a file in the folder of --plugins that is no plugin is named, and nothing is served", () => {
  const folder = mkdtempSync(join(tmpdir(), "glissade-plugins-"));
  try {
    writeFileSync(
      join(folder, "wrong.json"),
      JSON.stringify({ kind: "optimizer", name: "x", description: "x", rule: { update: "p -= (" } }),
    );
    for (const [program, args] of programs) {
      const { status, stderr } = spawnSync(join(root, "node_modules/.bin", program), [...args, "--plugins", folder], {
        cwd: root,
        encoding: "utf8",
        env: { ...process.env, PORT: "0", NO_COLOR: "1" },
      });
      assertEquals(status, 1, stderr);
      assert(stderr.includes(`${join(folder, "wrong.json")}: Cannot read the rule, line 1 of /rule/update of plugin "x"`), stderr);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});
