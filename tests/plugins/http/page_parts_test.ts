import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { builtins, plotSchedule, type SchedulePlugin } from "../../../mod.ts";
import { dashes } from "../../../plugins/http/page/chart.ts";
import { codeOf, codeOfRun, curvesPath, version } from "../../../plugins/http/page/code.ts";
import { compact, curveOf, gridOf, innerChoices, offersOf } from "../../../plugins/http/page/curves.ts";
import {
  anyNumber,
  numberOfSteps,
  readAllowed,
  readNumber,
  readNumbers,
  showNumber,
  showReading,
  wholeNumbers,
} from "../../../plugins/http/page/numbers.ts";
import { allowedOf, controlOf, startOptions } from "../../../plugins/http/page/ranges.ts";
import { recipeOf } from "../../../plugins/http/page/run.ts";
import { type PageState, readState, writeState } from "../../../plugins/http/page/state.ts";
import { listOf } from "../../../plugins/http/page/writing.ts";
import { read, root } from "../../generated.ts";

const span = { steps: 1000, lr: 5e-5 };
const offers = offersOf(builtins);
const stepped = offers.filter(({ returns }) => returns !== "metric");

const start: PageState = {
  curves: [{ name: "linear", options: { numWarmupSteps: 100, numTrainingSteps: 1000 } }],
  to: 1000,
  lr: 5e-5,
  scale: "linear",
  at: 250,
  runs: [
    { optimizer: { name: "adamw", options: { lr: 0.004, betas: [0.9, 0.999] } }, schedule: { name: "constant", options: {} } },
    { optimizer: { name: "adafactor", options: { lr: null } }, schedule: null },
  ],
  updates: 300,
  seed: 1,
};

test("the page's state goes through a URL and comes back whole", () => {
  const states: readonly PageState[] = [
    start,
    { ...start, curves: [] },
    { ...start, curves: offers.slice(0, 8).map((offer) => ({ name: offer.name, options: startOptions(offer, span) })) },
    {
      ...start,
      curves: [{ name: 'a "strange" & #name+%20', options: { text: "ä = &b;\u2028", list: [1, null, { x: true }] } }],
      to: 12345,
      lr: 1e-9,
    },
    { ...start, scale: "log", at: 7, updates: 50, seed: 99, runs: [start.runs[1], start.runs[0]] },
  ];
  for (const state of states) {
    const fragment = new URL(`http://localhost/#${writeState(state, start)}`).hash;
    assertEquals(readState(fragment, start), state);
  }
});

test("a link that means nothing gives the page as it begins", () => {
  for (
    const fragment of [
      "",
      "#",
      "#live",
      "#a=b",
      "#%",
      "#to=",
      "#to=-1&lr=x",
      "#schedule={&to=0",
      "#run=1&to=1e999",
      '#schedule=[1]&schedule={"name":1}',
    ]
  ) {
    const state = readState(fragment, start);
    assertEquals({ ...state, curves: start.curves }, start, fragment);
  }
  assertEquals(readState(`#to=10&${'schedule={"name":"x","options":{}}&'.repeat(20)}`, start).curves.length, 8);
});

test("every schedule of the registry is offered, with a start that makes a curve", () => {
  assertEquals(
    offers.map(({ name }) => name).sort(),
    builtins.plugins.filter(({ kind }) => kind === "schedule").map(({ name }) => name).sort(),
  );
  for (const offer of stepped) {
    const curve = curveOf(builtins, { name: offer.name, options: startOptions(offer, span) }, span.lr);
    assert("lr" in curve, `${offer.name}: ${"error" in curve && curve.error}`);
    assertEquals(curve.returns, offer.returns);
    const values = gridOf(span.steps, 600).map(curve.lr);
    assert(values.every((value) => value >= 0 && value <= span.lr * (1 + 1e-6)), `${offer.name} leaves [0, lr]`);
    const least = offer.name === "constant" ? 1 : offer.name === "constant_lr" ? 2 : 3;
    assert(new Set(values).size >= least, `${offer.name} starts as a flat line`);
  }
});

test("every option of every built-in schedule and optimizer has a control that reaches its start", () => {
  for (const plugin of builtins.plugins.filter(({ kind }) => kind === "schedule" || kind === "optimizer")) {
    const values = startOptions(plugin, span);
    for (const [name, spec] of Object.entries(plugin.options)) {
      const control = controlOf(name, spec, span);
      if (control.kind !== "number" && control.kind !== "numbers") continue;
      for (const value of [values[name]].flat()) {
        if (typeof value !== "number") continue;
        const { range } = control;
        const near = range.value(range.position(value));
        assert(
          Math.abs(near - value) <= Math.max(0.12 * Math.abs(value), 1e-3),
          `${plugin.name}.${name} = ${value} has no place near it: ${near}`,
        );
        for (const end of [0, range.last]) {
          const { minimum = -Infinity, maximum = Infinity, exclusiveMinimum = -Infinity, exclusiveMaximum = Infinity } = spec;
          const reached = range.value(end);
          assert(
            reached >= minimum && reached <= maximum && reached > exclusiveMinimum && reached < exclusiveMaximum,
            `${plugin.name}.${name} slides to ${reached}`,
          );
        }
      }
    }
  }
});

test("an option that is a schedule offers the schedules that fit, and no others", () => {
  const outer = { name: "warmup", options: startOptions(offers.find(({ name }) => name === "warmup")!, span) };
  const inner = innerChoices(builtins, offers, outer, "decaySchedule", span).map(({ name }) => name);
  assertEquals(inner.sort(), [
    "constant_inverse_sqrt",
    "cosine_decay",
    "cosine_decay_restarts",
    "cyclic",
    "exponential_decay",
    "inverse_time_decay",
    "one_cycle",
    "piecewise_constant_decay",
    "piecewise_interpolate",
    "polynomial_decay",
    "warmup_decay",
  ]);
});

test("a stranger's options become controls by their specs alone", () => {
  const specs = {
    hold: { type: "integer", minimum: 1, maximum: 9, description: "" },
    share: { default: 0.25, minimum: 0, maximum: 1, description: "" },
    shape: { default: "flat", enum: ["flat", "steep"], description: "" },
    isOn: { default: true, description: "" },
    limit: { default: null, type: ["number", "null"], description: "" },
    pair: { default: [0.5, 0.75], minimum: 0, exclusiveMaximum: 1, description: "" },
    rest: { type: "array", description: "" },
    wave: { default: "sin", description: "" },
    label: { type: ["string", "null"], description: "" },
    more: { default: { x: 1 }, description: "" },
    any: { default: null, description: "" },
    inner: { type: "object", holds: "schedule", description: "" },
    notedSchedule: { type: "object", description: "" },
  } as const;
  const kinds = Object.fromEntries(Object.entries(specs).map(([name, spec]) => [name, controlOf(name, spec, span).kind]));
  assertEquals(kinds, {
    hold: "number",
    share: "number",
    shape: "choice",
    isOn: "switch",
    limit: "number",
    pair: "numbers",
    rest: "list",
    wave: "text",
    label: "text",
    more: "json",
    any: "json",
    inner: "schedule",
    notedSchedule: "json",
  });
  const hold = controlOf("hold", specs.hold, span);
  assert(hold.kind === "number");
  assertEquals(Array.from({ length: hold.range.last + 1 }, (_, i) => hold.range.value(i)), [1, 2, 3, 4, 5, 6, 7, 8, 9]);
  const stranger: SchedulePlugin = { kind: "schedule", name: "stranger", description: "", options: specs, create: () => () => 1 };
  assertEquals(startOptions(stranger, span), {
    hold: 1,
    share: 0.25,
    shape: "flat",
    isOn: true,
    limit: null,
    pair: [0.5, 0.75],
    rest: [],
    wave: "sin",
    label: "",
    more: { x: 1 },
    any: null,
    inner: {},
    notedSchedule: {},
  });
});

test("numbers are read as they are shown", () => {
  for (const value of [0, 1, -1, 0.1, 5e-5, 1.25e-7, 12345.678, 1e9, 2 ** 53 - 1, 1e300, -3e-12, 0.30000000000000004]) {
    assertEquals(readNumber(showNumber(value, 17)), value);
  }
  assertEquals([5e-5, 0.0025, 1000, 0, 1234567].map((value) => showNumber(value)), ["5e-5", "0.0025", "1000", "0", "1234567"]);
  assertEquals([5e-5, 0.0025, 0, 41.5].map(showReading), ["5.0000e-5", "0.0025000", "0", "41.500"]);
  for (const text of ["", "x", "1e", "0x10", "1 2", "Infinity"]) assertEquals(readNumber(text), undefined);
});

test("a number that someone types is read as it is meant, or not at all", () => {
  const cases: readonly (readonly [text: string, value: number | undefined])[] = [
    ["10,000", 10_000],
    ["1,000", 1000],
    ["1,234,567", 1_234_567],
    ["-10,000.5", -10_000.5],
    ["1,000e3", 1e6],
    ["1 000", 1000],
    ["12\u00a0345", 12_345],
    ["12\u202f345,5", 12_345.5],
    ["1'000'000", 1e6],
    ["1_000", 1000],
    ["1e3", 1000],
    ["1E-3", 1e-3],
    [" 5 ", 5],
    ["５", 5],
    ["１０，０００", 10_000],
    ["−５．５", -5.5],
    ["0,5", 0.5],
    ["0,001", 0.001],
    ["1,5", 1.5],
    ["3,1416", 3.1416],
    ["1,5e-3", 1.5e-3],
    [",5", 0.5],
    [".5", 0.5],
    ["5.", 5],
    ["+5", 5],
    // Nobody can tell, or nothing was said.
    ...[
      "1.000,5",
      "1.000.000",
      "1,00,000",
      "10,000,5",
      "1 00",
      "12 34",
      "1,000 000",
      "0,000,001x",
      "",
      " ",
      "NaN",
      "Infinity",
      "-",
      "e3",
      "1e",
      "10²",
      "½",
      "0x10",
      "1n",
      "1/2",
      "١٠",
      "1;2",
      "null",
    ].map((text) => [text, undefined] as const),
  ];
  for (const [text, value] of cases) assertEquals([text, readNumber(text)], [text, value]);
});

test("a list of numbers that someone types is read as it is meant, or not at all", () => {
  const cases: readonly (readonly [text: string, values: readonly number[] | undefined])[] = [
    ["500, 800", [500, 800]],
    ["[500,800]", [500, 800]],
    ["[500, 800]", [500, 800]],
    ["0.5,0.25", [0.5, 0.25]],
    ["1e-3,1e-4", [1e-3, 1e-4]],
    ["10,000, 20,000", undefined],
    ["10,000; 20,000", [10_000, 20_000]],
    ["0,5; 0,25", [0.5, 0.25]],
    ["1 2 3", [1, 2, 3]],
    ["５, ６", [5, 6]],
    ["500,", [500]],
    ["", []],
    ["[]", []],
    ["500,800", undefined],
    ["1 000", undefined],
    ["1,000,000", undefined],
    ["500, x", undefined],
    ["[1, [2]]", undefined],
  ];
  for (const [text, values] of cases) assertEquals([text, readNumbers(text)], [text, values]);
});

test("a box for whole numbers takes no fraction, and one for steps none that may be thousands", () => {
  const boxOf = (schedule: string, option: string) => allowedOf(option, stepped.find(({ name }) => name === schedule)!.options[option]);
  const whole = [wholeNumbers(1), wholeNumbers(0, 1e12), boxOf("cosine_annealing_warm_restarts", "t0")];
  const ofSteps = [numberOfSteps, boxOf("cosine", "numTrainingSteps"), boxOf("linear", "numWarmupSteps")];
  for (const allowed of [...whole, ...ofSteps]) {
    for (
      const text of [
        "10.000",
        "1.0",
        "1,0000",
        "10,00",
        "1.500",
        "1.000.000",
        "10.000,0",
        "10,000.0",
        "10 000,00",
        "1.",
        "1.000e3",
        "１．０",
      ]
    ) {
      assertEquals([text, readAllowed(text, allowed)], [text, undefined]);
    }
    const read = [["10,000", 1e4], ["10000", 1e4], ["10 000", 1e4], ["1e3", 1e3], ["1.5e3", 1500], ["1.2345e9", 1.2345e9], [
      "7",
      7,
    ]] as const;
    for (const [text, value] of read) assertEquals([text, readAllowed(text, allowed)], [text, value]);
    for (const value of [1, 12_345, 1e9, 1.5e9, 123_456_789_012]) assertEquals(readAllowed(showNumber(value, 12), allowed), value);
  }
  for (const allowed of whole) {
    for (const text of ["2.5", "2,5", "0.25"]) assertEquals([text, readAllowed(text, allowed)], [text, undefined]);
  }
  for (const allowed of ofSteps) {
    for (const [text, value] of [["2.5", 2.5], ["0,25", 0.25], ["0.125", 0.125]] as const) {
      assertEquals([text, readAllowed(text, allowed)], [text, value]);
    }
  }
  assertEquals(["1.0", "10.000"].map((text) => readAllowed(text, anyNumber)), [1, 10]);
  assertEquals(["10.000, 20.000", "10000, 20000"].map((text) => readNumbers(text, numberOfSteps)), [undefined, [10_000, 20_000]]);
  const milestones = listOf(boxOf("multistep", "milestones"));
  assertEquals(["1.000; 2.000", "100, 200"].map(milestones.read), [undefined, [100, 200]]);
});

function pageColours(): Readonly<Record<"light" | "dark", readonly string[]>> {
  const parts = read("plugins/http/page/style.css").split("@media (prefers-color-scheme: dark)");
  const [light, dark] = parts.map((part) => [...part.matchAll(/--c\d: (#\w{6});/g)].map(([, colour]) => colour));
  return { light, dark };
}

test("the page's colours are those of plotSchedule's pictures", () => {
  const flat = Array.from({ length: 8 }, () => () => 1);
  const { light, dark } = pageColours();
  for (const [colours, theme] of [[light, "light"], [dark, "dark"]] as const) {
    const drawn = [...plotSchedule(flat, { theme }).matchAll(/class="c\d" d="M[^h"]*h22" fill="none" stroke="(#\w{6})"/g)].map((
      [, colour],
    ) => colour);
    assertEquals(drawn.length, 8);
    assertEquals(colours, drawn);
  }
});

// Machado, Oliveira & Fernandes, "A Physiologically-based Model for Simulation of Color Vision Deficiency", 2009: complete deficiencies, linear RGB.
const sights = {
  "all cones": [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
  protanopia: [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
  deuteranopia: [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
  tritanopia: [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
};

/** CIELAB of a colour as somebody sees it. */
function labOf(hex: string, sight: readonly (readonly number[])[]): readonly number[] {
  const linear = [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16) / 255).map((c) =>
    c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4
  );
  const [r, g, b] = sight.map((row) => Math.min(1, Math.max(0, row.reduce((sum, weight, i) => sum + weight * linear[i], 0))));
  const [x, y, z] = [
    (0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.9505,
    0.2126 * r + 0.7152 * g + 0.0722 * b,
    (0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.089,
  ].map((t) => t > 0.008856 ? Math.cbrt(t) : 7.787 * t + 16 / 116);
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
}

test("no two of the page's lines look alike, to colour-blind readers either", () => {
  for (const [theme, colours] of Object.entries(pageColours())) {
    for (const [name, sight] of Object.entries(sights)) {
      const labs = colours.map((colour) => labOf(colour, sight));
      for (let i = 0; i < labs.length; i++) {
        for (let j = 0; j < i; j++) {
          // About 2 can just be told apart side by side.
          const difference = Math.hypot(...labs[i].map((value, k) => value - labs[j][k]));
          const isSameDash = JSON.stringify(dashes[i]) === JSON.stringify(dashes[j]);
          assert(!isSameDash || difference > 12, `${theme}, ${name}: lines ${j + 1} and ${i + 1} differ by ${difference}`);
        }
      }
    }
  }
});

test("the code asks for the version that there is", () => {
  assertEquals(version, JSON.parse(read("deno.json")).version);
});

/** What each program prints, run in one process of a runtime. */
function runAll(runtime: "deno" | "bun", programs: readonly string[]): string[] {
  const folder = mkdtempSync(join(tmpdir(), "glissade-page-"));
  try {
    programs.forEach((program, i) => writeFileSync(join(folder, `program${i}.ts`), program));
    const main = `for (let i = 0; i < ${programs.length}; i++) { await import(\`./program\${i}.ts\`); console.log("----"); }`;
    writeFileSync(join(folder, "main.ts"), main);
    const mod = pathToFileURL(join(root, "mod.ts")).href;
    writeFileSync(join(folder, "map.json"), JSON.stringify({ imports: { [`jsr:@glissade/optim@^${version}`]: mod } }));
    const installed = join(folder, "node_modules/@glissade/optim");
    mkdirSync(installed, { recursive: true });
    writeFileSync(join(installed, "package.json"), JSON.stringify({ name: "@glissade/optim", type: "module", exports: "./mod.ts" }));
    writeFileSync(join(installed, "mod.ts"), `export * from ${JSON.stringify(mod.replace("file://", ""))};`);
    const args = { deno: ["run", "-A", "--no-lock", "--import-map=map.json", "main.ts"], bun: ["main.ts"] }[runtime];
    const output = execFileSync(join(root, "node_modules/.bin", runtime), args, {
      cwd: folder,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
    });
    return output.split("----\n").slice(0, -1);
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

for (const runtime of ["deno", "bun"] as const) {
  test(`the code for ${runtime} prints the library's values, for every schedule`, () => {
    const to = 1234;
    const choices = stepped.map((offer) => ({ name: offer.name, options: startOptions(offer, { steps: to, lr: 3e-4 }) }));
    const programs = choices.map((choice, i) =>
      codeOf(runtime, {
        choice: compact(choice, stepped[i].options),
        returns: stepped[i].returns as "factor" | "value",
        lr: 3e-4,
        to,
        service: "http://localhost/",
        needsToken: false,
        isBuiltin: true,
      })
    );
    const expected = choices.map((choice) => {
      const curve = curveOf(builtins, choice, 3e-4);
      assert("lr" in curve);
      return [0, 0.25, 0.5, 0.75, 1].map((share) => Math.round(share * to)).map((step) => `${step} ${curve.lr(step)}\n`).join("");
    });
    assertEquals(runAll(runtime, programs), expected);
  });
}

test("the code of a run makes a trainer", () => {
  const programs = ["adamw", "adafactor", "adam_weight_decay"].map((name) => {
    const plugin = builtins.plugins.find((plugin) => plugin.kind === "optimizer" && plugin.name === name)!;
    const options = startOptions(plugin, span);
    const isScheduled = typeof options.lr === "number";
    const schedule = isScheduled ? { name: "cosine", options: { numWarmupSteps: 1, numTrainingSteps: 9 } } : null;
    return `${
      codeOfRun(
        recipeOf(builtins, { optimizer: { name, options: { ...options, weightDecay: name === "adamw" ? 0.1 : undefined } }, schedule }),
      )
    }
      console.log(trainer.recipe.optimizer.name, trainer.steps);`;
  });
  assertEquals(runAll("deno", programs), ["adamw 0\n", "adafactor 0\n", "adam_weight_decay 0\n"]);
});

test("the code of a run tells a schedule that follows the held-out loss of it", () => {
  const plateau = { name: "reduce_lr_on_plateau", options: { factor: 0.5, patience: 2 } };
  const recipe = recipeOf(builtins, { optimizer: { name: "adamw", options: { lr: 0.004 } }, schedule: plateau });
  const code = codeOfRun(recipe, plateau.name);
  const [update] = /trainer\.update\(heldOutLoss\);/.exec(code) ?? [];
  const program = `${code}
    const heldOutLoss = 1;
    for (let exam = 0; exam < 4; exam++) { ${update} }
    console.log(trainer.optimizer.groups[0].current.lr);`;
  assertEquals(runAll("deno", [program]), ["0.002\n"]);
  assert(!codeOfRun(recipe).includes("heldOutLoss"));
});

test("the service's path has the points that a picture or a table needs, and no more than the service gives", () => {
  const choice = { name: "linear", options: { numWarmupSteps: 1, numTrainingSteps: 9 } };
  for (
    const [format, to, every] of [["", 1000, 1], ["", 9999, 1], ["", 10_000, 2], [".csv", 1e6, 101], [".svg", 1000, 1], [
      ".svg",
      100_000,
      100,
    ]] as const
  ) {
    const path = curvesPath(format, [choice, choice], to, 1e-3);
    const query = new URL(path, "http://localhost/").searchParams;
    assertMatch(path, /^v1\/curves(\.\w+)?\?/);
    assertEquals([query.getAll("schedule").length, query.get("to"), query.get("every"), query.get("lr")], [
      2,
      String(to),
      String(every),
      "0.001",
    ]);
  }
});
