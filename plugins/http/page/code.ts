/**
 * A curve, or a run, as code to take away.
 *
 * @module
 */
import type { Recipe } from "../../../core/types.ts";
import { examEvery } from "./run.ts";
import { literal, markdown, oneLine, plainUrl, quote } from "./literal.ts";
import { type CodeOf, type Language, tokenName } from "./code_of.ts";
import { pythonOf } from "./python.ts";
import type { Choice } from "./state.ts";

/** The package's version that the code asks for. */
export const version = "0.1.0";

/** The code of a curve in a language. */
export function codeOf(language: Language, curve: CodeOf): string {
  if (language === "readme") return readmeOf(curve);
  if (language === "python") return pythonOf(curve);
  if (!curve.isBuiltin) {
    return `// ${oneLine(quote(curve.choice.name))} is registered with this service alone: fetch its curve, as the Python code does.\n`;
  }
  const { choice: { name, options }, returns, lr, to } = curve;
  const made = `builtins.createSchedule(${quote(name)}, ${literal(options)}`;
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

/** A sentence as a comment of a language. */
export function commentOf(language: Language, sentence: string): string {
  const text = oneLine(sentence);
  // Two hyphens might end an HTML comment.
  if (language === "readme") return `<!-- ${text.replace(/-(?=-)/g, "- ")} -->\n`;
  return `${language === "python" ? "#" : "//"} ${text}\n`;
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
    ...(metric === undefined ? [] : [`// every ${examEvery} updates, for ${oneLine(metric)} follows it: trainer.update(heldOutLoss);`]),
    "",
  ].join("\n");
}

function importOf(language: "deno" | "bun"): string[] {
  if (language === "deno") return [`import { builtins } from "jsr:@glissade/optim@^${version}";`];
  return [`// bunx jsr add @glissade/optim@^${version}`, `import { builtins } from "@glissade/optim";`];
}

function readmeOf({ choice, lr, to, scale, isWavy, service, needsToken }: CodeOf): string {
  const url = plainUrl(`${service}${curvesPath(".svg", [choice], to, lr, scale, isWavy)}`);
  if (!needsToken) return `![${markdown(choice.name)}](${url})\n`;
  return [
    `![${markdown(choice.name)}](curve.svg)`,
    "<!-- The picture's service needs a token:",
    `curl -H "Authorization: Bearer $${tokenName}" -o curve.svg "${url}"`,
    "-->",
    "",
  ].join("\n");
}

/** The most points that the service gives in one answer. */
export const mostPoints = 9_999;
/** The points that a picture can show. */
export const picturePoints = 1000;

/** Steps between two points, so that there are no more of them. */
export function strideOf(to: number, points: number): number {
  return Math.max(1, Math.ceil(to / points));
}

/**
 * The service's path, relative to its base, for curves in a format. A picture has no more points than it can show; where curves are `wavy`, the service
 * finds those that show their reach.
 */
export function curvesPath(
  format: "" | ".csv" | ".svg",
  choices: readonly Choice[],
  to: number,
  lr: number,
  scale: "linear" | "log" = "linear",
  isWavy = false,
): string {
  const range = { from: "0", to: String(to) };
  if (format !== ".svg") return pathOf(format, choices, { ...range, every: String(strideOf(to, mostPoints)) }, lr);
  const points = isWavy ? range : { ...range, every: String(strideOf(to, picturePoints)) };
  return pathOf(format, choices, scale === "log" ? { ...points, scale } : points, lr);
}

/** The same for the values of one curve every so many steps. */
export function rangePath(choice: Choice, to: number, every: number, lr: number): string {
  return pathOf("", [choice], { from: "0", to: String(to), every: String(every) }, lr);
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
