import { assertEquals, assertMatch } from "@std/assert";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { builtins } from "../../mod.ts";
import type { OptimizerPlugin } from "../../core/plugin/contract.ts";
import { runCase } from "./cases.ts";
import type { Context, Makers } from "./context.ts";
import type { Case, Json } from "./golden.ts";
import { contextOf } from "./registry.ts";
import type { Report } from "./report.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const golden = fileURLToPath(new URL("golden", import.meta.url));
const context = contextOf(golden);

function caseOf(id: string): Case {
  return context.golden.cases.find((entry) => entry.id === id)!;
}

/** The same context, in which the golden cases have another adamw. */
function withAdamw(change: (plugin: OptimizerPlugin) => OptimizerPlugin): Context {
  const plugin = builtins.plugins.find(({ kind, name }) => kind === "optimizer" && name === "adamw") as OptimizerPlugin;
  const changed = change(plugin);
  const registry: Makers = {
    ...context.registry,
    plugins: [changed],
    createOptimizer: (_, params, options, settings) =>
      context.registry.createOptimizer("adamw", params, options, {
        ...settings,
        groups: settings?.groups?.map((group) => ({ ...group, optimizer: changed })),
      }),
  };
  return { ...context, registry };
}

/** Wrong in one place each: the runner has to see all of them. */
const mistakes: Readonly<Record<string, (update: string) => string>> = {
  "eps under the root": (update) => update.replace(/sqrt\(v\) \+ eps/, "sqrt(v + eps)"),
  "a first moment without its weight": (update) => update.replace("(1 - beta1)*g", "g"),
  "the sign of the step": (update) => update.replace("p -= u", "p += u"),
};

for (const [what, mistake] of Object.entries(mistakes)) {
  test(`runCase() fails on ${what}`, () => {
    const wrong = withAdamw((plugin) => ({
      ...plugin,
      name: "wrong",
      rule: (options, tensor) => {
        const rule = plugin.rule(options, tensor);
        const update = mistake(rule.update as string);
        if (update === rule.update) throw new Error(`the rule of adamw has no place for ${what}`);
        return { ...rule, update };
      },
    }));
    const renamed = { ...wrong, registry: { ...wrong.registry, plugins: builtins.plugins } };
    assertEquals(runCase(renamed, caseOf("adamw/eps_big")).verdict, "failed");
  });
}

test("runCase() is unsupported without the plugin", () => {
  const bare = { ...context, registry: { ...context.registry, plugins: [] } };
  const { verdict, why } = runCase(bare, caseOf("adamw/default"));
  assertEquals([verdict, why], ["unsupported", 'optimizer "adamw" is not registered']);
});

test("runCase() takes a difference for intended only where what is intended instead happens", () => {
  const entry = caseOf("error/AdamW/lr_nan");
  assertEquals(runCase(context, entry).verdict, "intended");
  const lenient = {
    ...context,
    registry: {
      ...context.registry,
      createOptimizer: () => {
        throw new TypeError("another error");
      },
    },
  };
  assertEquals(runCase(lenient, entry).verdict, "failed");
});

interface Ended {
  readonly status: number | null;
  readonly lines: readonly string[];
}

function run(runtime: "deno" | "bun", ...words: readonly string[]): Ended {
  const start = runtime === "deno" ? ["run", "-A", "--no-check"] : ["run"];
  const { status, stdout } = spawnSync(
    join(root, "node_modules/.bin", runtime),
    [...start, join(root, "tests/reference/run.ts"), ...words],
    { encoding: "utf8" },
  );
  return { status, lines: stdout.trim().split("\n") };
}

/** A folder with these cases of the golden one, whose results are changed. */
function folderOf(ids: readonly string[], change: (want: Json) => Json): string {
  const folder = mkdtempSync(join(tmpdir(), "glissade-"));
  const cases = ids.map(caseOf).map((entry) => ({ ...entry, expects: { ...entry.expects, file: "data.json" } }));
  writeFileSync(join(folder, "manifest.json"), JSON.stringify({ cases }));
  writeFileSync(
    join(folder, "data.json"),
    JSON.stringify({ cases: Object.fromEntries(ids.map((id) => [id, change(context.golden.want(caseOf(id)))])) }),
  );
  return folder;
}

const linear = "sched/get_linear_schedule_with_warmup/w3_t12";
const python = "error/plateau/get_last_lr_before_step";

for (const runtime of ["deno", "bun"] as const) {
  test(`run.ts ends with 0 where all cases pass, and writes the report, in ${runtime}`, () => {
    const folder = folderOf([linear, python], (want) => want);
    try {
      const { status, lines } = run("deno", folder, "--runtime", runtime, "--json", join(folder, "report.json"));
      assertEquals(lines, [
        "get_linear_schedule_with_warmup: 1 cases, 1 passed, 0 failed",
        "get_reduce_on_plateau_schedule: 1 cases, 0 passed, 0 failed, 1 intended",
        "All: 2 cases, 1 passed, 0 failed, 1 intended",
      ]);
      assertEquals(status, 0);
      const { cases, ...counts } = JSON.parse(readFileSync(join(folder, "report.json"), "utf8")) as Report;
      assertEquals(counts, { passed: 1, failed: 0, intended: 1, unsupported: 0 });
      assertEquals(cases.map(({ id, verdict }) => [id, verdict]), [[linear, "passed"], [python, "intended"]]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
}

test("run.ts ends with 1 where a case fails, and says what differs", () => {
  const folder = folderOf([linear], () => ({ lrs: [[0, 1]] }));
  try {
    const { status, lines } = run("deno", folder);
    assertEquals(status, 1);
    assertMatch(lines.join("\n"), /^failed sched\/get_linear_schedule_with_warmup\/w3_t12: lr of group 0 at step 1: \S+ instead of 1$/m);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("run.ts ends with 2 where it cannot start", () => {
  for (
    const words of [[], ["no-such-folder"], [golden, "--runtime", "node"], [golden, "--only", "^no such case$"], [golden, "--only", "("]]
  ) {
    assertEquals(run("deno", ...words).status, 2, words.join(" "));
  }
});
