import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { builtins } from "../../../mod.ts";
import { codeOf, codeOfRun, commentOf } from "../../../plugins/http/page/code.ts";
import type { CodeOf, Language } from "../../../plugins/http/page/code_of.ts";
import { compact, curveOf, offersOf } from "../../../plugins/http/page/curves.ts";
import { startOptions } from "../../../plugins/http/page/ranges.ts";
import { hasPython } from "../../python.ts";

const offers = offersOf(builtins).filter(({ returns }) => returns !== "metric");
const lr = 3e-4;

/** The schedules that are tried beside each one's start. */
const more: readonly (readonly [name: string, options: Readonly<Record<string, unknown>>])[] = [
  ["constant_with_warmup", { numWarmupSteps: 7.5, warmupOffset: 1 }],
  ["linear", { numWarmupSteps: 0, numTrainingSteps: 500 }],
  ["linear", { numWarmupSteps: 100, numTrainingSteps: 1000, warmupOffset: 1 }],
  ["cosine", { numWarmupSteps: 10, numTrainingSteps: 700, numCycles: 2, end: "hold" }],
  ["cosine", { numWarmupSteps: 10, numTrainingSteps: 700, numCycles: 0.5, end: "continue" }],
  ["cosine_with_restarts", { numWarmupSteps: 3, numTrainingSteps: 900, numCycles: 2.5 }],
  ["polynomial", { numWarmupSteps: 5, numTrainingSteps: 800, power: 2.5, lrEnd: 1e-6 }],
  ["polynomial", { numWarmupSteps: 5, numTrainingSteps: 800, power: 1, lrEnd: 1e-6, lrInit: 1e-3 }],
  ["inverse_sqrt", { numWarmupSteps: 0 }],
  ["inverse_sqrt", { numWarmupSteps: 30, timescale: 400 }],
  ["cosine_decay", { initialLearningRate: 1e-4, decaySteps: 600, alpha: 0.1, warmupTarget: 1e-3, warmupSteps: 50 }],
  ["cosine_decay_restarts", { initialLearningRate: 1e-3, firstDecaySteps: 50, tMul: 1, mMul: 0.9, alpha: 0.05 }],
  ["cosine_decay_restarts", { initialLearningRate: 1e-3, firstDecaySteps: 50, tMul: 1.5, mMul: 0.8 }],
  ["exponential_decay", { initialLearningRate: 1e-3, decaySteps: 100, decayRate: 0.96, staircase: true }],
  ["inverse_time_decay", { initialLearningRate: 1e-3, decaySteps: 100, decayRate: 0.5, staircase: true }],
  ["polynomial_decay", { initialLearningRate: 1e-3, decaySteps: 300, power: 0.5, cycle: true }],
  ["cosine_with_min_lr", { numWarmupSteps: 10, numTrainingSteps: 700, minLr: 1e-5, numCycles: 1.5, end: "hold" }],
  ["cosine_warmup_with_min_lr", { numWarmupSteps: 10, numTrainingSteps: 700, minLr: 1e-5, warmupLrRate: 0.3, end: "hold" }],
  ["warmup_stable_decay", {
    numWarmupSteps: 40,
    numDecaySteps: 300,
    numStableSteps: 50,
    warmupType: "1-sqrt",
    decayType: "1-sqrt",
    minLrRatio: 0.1,
  }],
  ["warmup_stable_decay", { numWarmupSteps: 40, numDecaySteps: 300, numTrainingSteps: 900, warmupType: "cosine", decayType: "linear" }],
  ["multistep", { milestones: [800, 100, 100], gamma: 0.3 }],
  ["constant_lr", { factor: 0.2, totalIters: 100 }],
  ["linear_lr", { startFactor: 1, endFactor: 0.1, totalIters: 700 }],
  ["cosine_annealing", { tMax: 300, etaMin: 1e-5 }],
  ["cosine_annealing", { tMax: 300, etaMin: 1e-5, end: "hold" }],
  ["cosine_annealing_warm_restarts", { t0: 30, tMult: 3, etaMin: 1e-5 }],
  ["cosine_annealing_warm_restarts", { t0: 30 }],
  ["one_cycle", { maxLr: 1e-3, epochs: 4, stepsPerEpoch: 500, annealStrategy: "linear", threePhase: true }],
  ["one_cycle", { maxLr: 1e-3, totalSteps: 900, pctStart: 0.5, divFactor: 0.5, finalDivFactor: 3, end: "hold" }],
  ["cyclic", { baseLr: 1e-4, maxLr: 1e-3, stepSizeUp: 30, stepSizeDown: 80, mode: "triangular2" }],
  ["cyclic", { baseLr: 1e-4, maxLr: 1e-3, stepSizeUp: 30, mode: "exp_range", gamma: 0.999 }],
  ["cosine_decay", { initialLearningRate: 1e-4, decaySteps: 600, exponent: 2 }],
  ["rex", { totalSteps: 700, minLrRate: 0.1 }],
  ["warmup_decay", { totalNumSteps: 700, warmupMinLr: 1e-5, warmupNumSteps: 90, warmupType: "linear" }],
  ["cosine_timm", {
    tInitial: 100,
    lrMin: 1e-5,
    cycleMul: 2,
    cycleDecay: 0.5,
    cycleLimit: 3,
    warmupT: 20,
    warmupPrefix: true,
    kDecay: 1.5,
  }],
  ["piecewise_interpolate", { interpolateType: "linear", initValue: 1e-3, boundariesAndScales: { "300": 0.5, "20": 2 } }],
  // Values and factors.
  ["sequence", {
    schedules: [
      { name: "linear_lr", options: { startFactor: 0.1, totalIters: 30 } },
      { name: "one_cycle", options: { maxLr: 1e-3, totalSteps: 400, end: "hold" } },
      { name: "product", options: { schedules: [{ name: "exponential", options: { gamma: 0.99 } }, { name: "constant", options: {} }] } },
    ],
    milestones: [30, 500],
  }],
  ["sum", {
    schedules: [
      {
        name: "product",
        options: {
          schedules: [{ name: "cyclic", options: { baseLr: 1e-4, maxLr: 1e-3, stepSizeUp: 50 } }, {
            name: "step",
            options: { stepSize: 300 },
          }],
        },
      },
      { name: "clamp", options: { schedule: { name: "cosine_annealing", options: { tMax: 400, etaMin: 1e-6 } }, min: 0.2, max: 0.9 } },
    ],
  }],
  ["swalr", { swaLr: 1e-5, annealEpochs: 300, annealStrategy: "linear" }],
  ["warmup", {
    initialLearningRate: 1e-3,
    warmupSteps: 20,
    power: 2,
    decaySchedule: { name: "cosine_decay", options: { initialLearningRate: 1e-3, decaySteps: 400 } },
  }],
  ["warmup", {
    initialLearningRate: 1e-3,
    warmupSteps: 20,
    decaySchedule: {
      name: "warmup",
      options: {
        initialLearningRate: 1e-3,
        warmupSteps: 20,
        decaySchedule: { name: "piecewise_constant_decay", options: { boundaries: [100, 200], values: [1e-3, 5e-4, 1e-4] } },
      },
    },
  }],
];

function codeFor(name: string, options: Readonly<Record<string, unknown>>, to: number): Omit<CodeOf, "choice"> & Pick<CodeOf, "choice"> {
  const offer = offers.find((offer) => offer.name === name)!;
  return {
    choice: compact({ name, options }, offer.options),
    returns: (curveOf(builtins, { name, options }, lr) as { returns: "factor" | "value" }).returns,
    lr,
    to,
    service: "http://localhost/",
    needsToken: false,
    isBuiltin: true,
  };
}

/** As much of PyTorch as the code uses; it keeps what a scheduler was given. */
const stub = `
import json, struct, sys, types
torch = types.ModuleType("torch")
class AdamW:
    def __init__(self, params, lr): self.lr = lr
given = []
torch.nn = types.SimpleNamespace(Linear=lambda a, b: types.SimpleNamespace(parameters=lambda: []))
torch.optim = types.SimpleNamespace(AdamW=AdamW, lr_scheduler=types.SimpleNamespace(LambdaLR=lambda optimizer, f: given.append((optimizer.lr, f))))
sys.modules["torch"] = torch
for program, ranges in json.load(sys.stdin):
    exec(program, {})
    lr, f = given.pop()
    for first, last in ranges:
        sys.stdout.buffer.write(struct.pack(f"<{last - first + 1}d", *[lr * f(step) for step in range(first, last + 1)]))
`;

type Range = readonly [first: number, last: number];

/** What each program gives at the steps of its ranges. */
function runPython(programs: readonly (readonly [program: string, ranges: readonly Range[]])[]): Float64Array[] {
  const input = JSON.stringify(programs);
  const output = execFileSync("python3", ["-c", stub], { input, maxBuffer: 2 ** 28 });
  const all = new Float64Array(new Uint8Array(output).buffer);
  let at = 0;
  return programs.map(([, ranges]) => all.subarray(at, at += ranges.reduce((sum, [first, last]) => sum + last - first + 1, 0)));
}

const why = hasPython ? "" : " (not run: no python3 here)";

test(`Python code computes every built-in schedule itself, at every step and over long horizons${why}`, () => {
  const cases = [1234, 100_003, 10_000_000].flatMap((to) => {
    const chosen = [
      ...offers.map((offer) => [offer.name, startOptions(offer, { steps: to, lr })] as const),
      ...(to === 1234 ? more : []),
    ];
    // At every step; of ten millions the first, those around the middle, and the last and some behind them.
    const ranges: readonly Range[] = to <= 200_000 ? [[0, to + 300]] : [[0, 3000], [to / 2 - 1000, to / 2 + 1000], [to - 1000, to + 1000]];
    return chosen.map(([name, options]) => ({ name, options, to, ranges }));
  });
  assertEquals(new Set(cases.map(({ name }) => name)).size, offers.length);
  const programs = cases.map(({ name, options, to }) => codeOf("python", codeFor(name, options, to)));
  for (const program of programs) assert(!/urllib|http/.test(program), program);
  if (!hasPython) return;
  const found = runPython(programs.map((program, i) => [program, cases[i].ranges]));
  cases.forEach(({ name, options, to, ranges }, i) => {
    const curve = curveOf(builtins, { name, options }, lr);
    assert("lr" in curve);
    const steps = ranges.flatMap(([first, last]) => Array.from({ length: last - first + 1 }, (_, k) => first + k));
    // Computed in float64 both times, but for TensorFlow's values, which are in float32.
    const isSingle = curve.returns === "value" &&
      !["one_cycle", "cyclic", "warmup_decay", "constant_inverse_sqrt", "piecewise_interpolate", "sequence", "sum"].includes(name);
    const slack = !isSingle ? 1e-12 * lr : 1.3e-7 * curve.lr(0) + 1e-10;
    let others = 0;
    steps.forEach((step, k) => {
      const expected = curve.lr(step);
      if (found[i][k] !== expected) others += 1;
      assert(Math.abs(found[i][k] - expected) <= slack, `${name} over ${to} steps: ${found[i][k]} at step ${step}, not ${expected}`);
    });
    if (isSingle) assert(others <= steps.length / 1000, `${name} over ${to} steps: ${others} of ${steps.length} differ`);
  });
});

// What comes with somebody's link: names and keys that would be code of their own if they were written as they are.
const evil: readonly string[] = [
  "x\nEVIL()\n//",
  "x\r\nEVIL()\r\n#",
  "x\u2028EVIL()\u2029//",
  '"); EVIL(); ("',
  "`${EVIL()}`",
  "$(EVIL)",
  "*/ EVIL() /*",
  "--> <script>EVIL()</script> <!--",
  "](javascript:EVIL()) ![x",
  '"""\nEVIL()\n"""',
  "\\\nEVIL()",
  "\u202eEVIL()\u2066",
  "__proto__",
  "\ud800",
];
const languages: readonly Language[] = ["deno", "bun", "python", "readme"];

/** A language's text without its strings and comments: what would be run. */
function runOf(language: Language, text: string): string {
  const strings = /"(?:[^"\\\n]|\\.)*"/g;
  if (language === "readme") return text.replace(/<!--[^]*?-->/g, "").replace(/!\[(?:[^\]\\]|\\.)*\]/g, "");
  return text.replace(strings, '""').split("\n").map((line) => line.replace(language === "python" ? /#.*/ : /\/\/.*/, "")).join("\n");
}

/** Whether a sign shows itself, ends a line as code does, and turns nothing around. */
function isSeen(sign: string): boolean {
  const code = sign.codePointAt(0)!;
  const isHidden = code < 32 || code >= 0x7f && code < 0xa0 || code >= 0x2028 && code <= 0x202e || code >= 0x2066 && code <= 0x2069;
  return sign === "\n" || !isHidden && !(code >= 0xd800 && code < 0xe000);
}

test("nothing that comes with a link is code in the code that is copied", () => {
  for (const text of evil) {
    for (const language of languages) {
      const usual = { returns: "factor", lr, to: 100, service: "http://localhost/a$(b)`c`/", needsToken: true } as const;
      const choices = [
        { name: text, options: {} },
        { name: "linear", options: { [text]: 1 } },
        { name: "linear", options: { a: text, b: [text], c: { [text]: text, name: text, options: { [text]: text } } } },
      ];
      for (const choice of choices) {
        for (const isBuiltin of [true, false]) {
          const made = codeOf(language, { ...usual, choice, isBuiltin });
          assert(!/EVIL|\$\(|`/.test(runOf(language, made)), `${language}: ${made}`);
          assert([...made].every(isSeen), JSON.stringify(made));
        }
      }
      const comment = commentOf(language, `Cannot create schedule ${text}: it is unknown`);
      assertEquals(comment.split(/[\n\r\u2028\u2029]/).length, 2, comment);
      assert(!/EVIL/.test(runOf(language, comment)), comment);
    }
    const run = codeOfRun({ optimizer: { name: text, options: { [text]: text } }, schedules: { lr: { name: text, options: {} } } }, text);
    assert(!/EVIL/.test(runOf("deno", run)), run);
  }
});

test(`Python code with a stranger's name in it runs nothing of it${why}`, () => {
  if (!hasPython) return;
  const programs = evil.flatMap((text) =>
    [true, false].map((needsToken) =>
      codeOf("python", {
        choice: { name: text, options: { [text]: text } },
        returns: "factor",
        lr,
        to: 100,
        service: "http://localhost/",
        needsToken,
        isBuiltin: false,
      })
    )
  );
  // Defined, not called: the service is not there. EVIL would be a NameError.
  runPython(programs.map((program) => [program, []]));
});
