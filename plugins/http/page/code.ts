/**
 * A curve, or a run, as code to take away.
 *
 * @module
 */
import type { Recipe } from "../../../core/plugin/contract.ts";
import { examEvery } from "./run.ts";
import type { Choice } from "./state.ts";

/** Where code is to run. */
export type Language = "deno" | "bun" | "python" | "readme";

/** What code needs to know of a curve. */
export interface CodeOf {
  /** The schedule and its options. */
  readonly choice: Choice;
  /** Whether it gives a factor of the base lr or the value itself. */
  readonly returns: "factor" | "value";
  /** The base lr. */
  readonly lr: number;
  /** Last step shown. */
  readonly to: number;
  /** The service's address, with a slash at the end. */
  readonly service: string;
  /** Whether the service answers only to a token. */
  readonly needsToken: boolean;
  /** Whether the page's registry has the schedule; code cannot import what only a service has. */
  readonly isBuiltin: boolean;
}

/** The package's version that the code asks for. */
export const version = "0.1.0";

/** The code of a curve in a language. */
export function codeOf(language: Language, curve: CodeOf): string {
  if (language === "readme") return readmeOf(curve);
  if (language === "python") return pythonOf(curve);
  if (!curve.isBuiltin) {
    return `// "${curve.choice.name}" is registered with this service alone: fetch its curve, as the Python code does.\n`;
  }
  const { choice: { name, options }, returns, lr, to } = curve;
  const made = `builtins.createSchedule(${JSON.stringify(name)}, ${literal(options)}`;
  return [
    ...importOf(language),
    "",
    // Some factors depend on what they multiply.
    ...returns === "factor"
      ? [
        `const base = ${lr};`,
        `const schedule = ${made}, { value: base, groups: [base] });`,
        "const lr = (step: number): number => base * schedule(step);",
      ]
      : [`const lr = ${made});`],
    "",
    `for (const step of [${[0, 0.25, 0.5, 0.75, 1].map((share) => Math.round(share * to)).join(", ")}]) console.log(step, lr(step));`,
    "",
  ].join("\n");
}

/** The code that trains by a recipe; `metric` names a schedule in it that follows a metric, not the step. */
export function codeOfRun(recipe: Recipe, metric?: string): string {
  return [
    ...importOf("deno"),
    "",
    "const params = { weight: new Float32Array(64), bias: new Float32Array(8) }; // your model's",
    `using trainer = builtins.createTrainer(params, ${literal(recipe)});`,
    "// for each micro-batch: trainer.add({ weight: …, bias: … });",
    // Nothing else tells it, and lr would stay for ever.
    ...(metric === undefined ? [] : [`// every ${examEvery} updates, for ${metric} follows it: trainer.update(heldOutLoss);`]),
    "",
  ].join("\n");
}

function importOf(language: "deno" | "bun"): string[] {
  if (language === "deno") return [`import { builtins } from "jsr:@glissade/optim@^${version}";`];
  return [`// bunx jsr add @glissade/optim@^${version}`, `import { builtins } from "@glissade/optim";`];
}

function readmeOf({ choice, lr, to, service, needsToken }: CodeOf): string {
  const url = `${service}${curvesPath(".svg", [choice], to, lr)}`;
  if (!needsToken) return `![${choice.name}](${url})\n`;
  return [
    `![${choice.name}](curve.svg)`,
    "<!-- The picture's service needs a token:",
    `curl -H "Authorization: Bearer $${tokenName}" -o curve.svg "${url}"`,
    "-->",
    "",
  ].join("\n");
}

/** The environment variable with the service's token. */
const tokenName = "GLISSADE_TOKEN";

// PyTorch's LambdaLR multiplies lr by what its function says; over 1 a value stands for itself.
function pythonOf({ choice, returns, lr, to, service, needsToken }: CodeOf): string {
  const every = Math.ceil(to / mostPoints);
  const query = new URLSearchParams({ schedule: JSON.stringify(choice), from: "0", to: String(to), every: String(every) });
  // The schedule may depend on the base value: it is asked for with it, and divided by it.
  if (returns === "factor") query.set("lr", String(lr));
  const scale = returns === "factor" ? lr : 1;
  return [
    "import json",
    ...(needsToken ? ["import os"] : []),
    "import urllib.request",
    "",
    "import torch",
    "",
    `url = (${pythonString(`${service}v1/curves?`)}`,
    ...[...query].map(([key, value], i) => `       ${pythonString(`${i > 0 ? "&" : ""}${key}=${encodeURIComponent(value)}`)}`),
    "       )",
    ...needsToken
      ? [
        `request = urllib.request.Request(url, headers={"Authorization": "Bearer " + os.environ["${tokenName}"]})`,
        "answer = json.load(urllib.request.urlopen(request))",
      ]
      : ["answer = json.load(urllib.request.urlopen(url))"],
    `curve = answer["curves"][0]["lr"][0]  # ${every === 1 ? "one value a step" : `one value every ${every} steps`}`,
    "",
    "model = torch.nn.Linear(8, 8)  # yours",
    `optimizer = torch.optim.AdamW(model.parameters(), lr=${scale})`,
    "scheduler = torch.optim.lr_scheduler.LambdaLR(",
    `    optimizer, lambda step: curve[min(step${every === 1 ? "" : ` // ${every}`}, len(curve) - 1)]${scale === 1 ? "" : ` / ${scale}`})`,
    "# after each optimizer.step(): scheduler.step()",
    "",
  ].join("\n");
}

function pythonString(text: string): string {
  return JSON.stringify(text);
}

/** The most points that the service gives in one answer. */
export const mostPoints = 9_999;

/** The service's path, relative to the page, for curves in a format. A picture has no more points than it can show. */
export function curvesPath(format: "" | ".csv" | ".svg", choices: readonly Choice[], to: number, lr: number): string {
  const every = Math.max(1, Math.ceil(to / (format === ".svg" ? 1000 : mostPoints)));
  return pathOf(format, choices, { from: "0", to: String(to), every: String(every) }, lr);
}

/** The same for the values of one curve at some steps. */
export function valuesPath(choice: Choice, steps: readonly number[], lr: number): string {
  return pathOf("", [choice], { steps: steps.join() }, lr);
}

function pathOf(format: string, choices: readonly Choice[], points: Readonly<Record<string, string>>, lr: number): string {
  const schedules = choices.map((choice) => ["schedule", JSON.stringify(choice)]);
  const query = new URLSearchParams([...schedules, ...Object.entries(points), ["lr", String(lr)]]);
  return `v1/curves${format}?${query.toString().replaceAll("+", "%20")}`;
}

/** A value as TypeScript, with short things on one line. */
function literal(value: unknown, indent = ""): string {
  if (Array.isArray(value)) {
    const items = value.map((item) => literal(item, `${indent}  `));
    return broken("[", items, "]", indent) ?? `[${items.join(", ")}]`;
  }
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const entries = Object.entries(value).filter(([, item]) => item !== undefined)
    .map(([key, item]) => `${/^[A-Za-z_$][\w$]*$/.test(key) ? key : JSON.stringify(key)}: ${literal(item, `${indent}  `)}`);
  if (entries.length === 0) return "{}";
  return broken("{", entries, "}", indent) ?? `{ ${entries.join(", ")} }`;
}

function broken(open: string, items: readonly string[], close: string, indent: string): string | undefined {
  const long = items.some((item) => item.includes("\n")) || items.join(", ").length > 90;
  return long ? `${open}\n${items.map((item) => `${indent}  ${item},\n`).join("")}${indent}${close}` : undefined;
}
