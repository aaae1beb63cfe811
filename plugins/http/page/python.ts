/**
 * A curve as Python for PyTorch. The built-in schedules are written out as functions of the step, so that the code needs neither this service nor a
 * table of values, which would be wrong between its steps and behind its end. Any other schedule is asked of the service, at the very steps.
 *
 * @module
 */
import { type CodeOf, tokenName } from "./code_of.ts";
import { plainUrl, pythonLiteral, quote } from "./literal.ts";
import { schedules } from "./python_schedules.ts";
import type { Choice } from "./state.ts";

const single = `def f(x):
    """Rounds to float32, in which TensorFlow computes."""
    return ctypes.c_float(x).value`;

/** The code of a curve for PyTorch, whose LambdaLR multiplies lr by what its function says; over 1 a value stands for itself. */
export function pythonOf(curve: CodeOf): string {
  const { choice, returns, lr, isBuiltin } = curve;
  const { imports, definitions, call } = isBuiltin && isWritten(choice) ? writtenOut(choice, lr) : asked(curve);
  const function_ = returns === "factor" ? "factor" : "value";
  return [
    ...imports.map((name) => `import ${name}`),
    "",
    "import torch",
    "",
    "",
    ...definitions.flatMap((text) => [text, "", ""]),
    ...(call === undefined ? [] : [`${function_} = ${call}`, ""]),
    "model = torch.nn.Linear(8, 8)  # yours",
    returns === "factor"
      ? `optimizer = torch.optim.AdamW(model.parameters(), lr=${pythonLiteral(lr)})`
      : "optimizer = torch.optim.AdamW(model.parameters(), lr=1)  # times the schedule's value",
    `scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, ${function_})`,
    "# after each optimizer.step(): scheduler.step()",
    "",
  ].join("\n").replace(/^\n+/, "");
}

interface Parts {
  readonly imports: readonly string[];
  readonly definitions: readonly string[];
  readonly call?: string;
}

/** Whether a choice, and what its options hold, is written out above, with these options. */
function isWritten({ name, options }: Choice): boolean {
  if (!Object.hasOwn(schedules, name)) return false;
  const parameters = /\((.*)\)/.exec(schedules[name].text)![1].split(", ").map((parameter) => parameter.replace(/=.*/, ""));
  return Object.entries(options).every(([option, value]) => {
    return parameters.includes(snakeCase(option)) && choicesIn(value).every(isWritten);
  });
}

/** The names of a schedule and of those in its options. */
function namesIn({ name, options }: Choice): string[] {
  return [name, ...Object.values(options).flatMap(choicesIn).flatMap(namesIn)];
}

/** The schedules that an option holds: one, a list, or none. */
function choicesIn(value: unknown): readonly Choice[] {
  const list = Array.isArray(value) ? value : [value];
  return list.filter(isChoice).map(({ name, options }) => ({ name, options: options ?? {} }));
}

/** What a schedule gives: where it composes others, values if one of them does. */
function returnsOf({ name, options }: Choice): "factor" | "value" {
  const { returns } = schedules[name];
  if (returns !== "inner") return returns;
  return Object.values(options).flatMap(choicesIn).some((inner) => returnsOf(inner) === "value") ? "value" : "factor";
}

function snakeCase(option: string): string {
  return option.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function isChoice(value: unknown): value is { readonly name: string; readonly options?: Choice["options"] } {
  return typeof value === "object" && value !== null && typeof (value as Partial<Choice>).name === "string";
}

function writtenOut(choice: Choice, lr: number): Parts {
  const used = [...new Set(namesIn(choice))].map((name) => schedules[name]);
  const isSingle = used.some((one) => one.isSingle === true);
  const imports = new Set(used.flatMap(({ imports = [] }) => imports));
  if (isSingle) imports.add("ctypes");
  return {
    imports: [...imports].sort(),
    definitions: [...(isSingle ? [single] : []), ...used.map(({ text }) => text).reverse()],
    call: callOf(choice, lr),
  };
}

/** The function of a choice over a base value. */
function callOf(choice: Choice, base: number): string {
  const { name, options } = choice;
  const { takesBase } = schedules[name];
  const set = Object.entries(options).map(([option, value]) => {
    const calls = choicesIn(value).map((inner) => innerCall(inner, choice, base));
    const text = calls.length === 0 ? pythonLiteral(value) : Array.isArray(value) ? `[${calls.join(", ")}]` : calls[0];
    return `${snakeCase(option)}=${text}`;
  });
  const flat = `${name}(${[...(takesBase === true ? [pythonLiteral(base)] : []), ...set].join(", ")})`;
  if (flat.length <= 100) return flat;
  return `${name}(\n${
    [...(takesBase === true ? [pythonLiteral(base)] : []), ...set].map((part) => `    ${part.replaceAll("\n", "\n    ")},\n`).join("")
  })`;
}

/** A schedule in another one's option: of values, or of factors of a base value where the outer one gives values. */
function innerCall(inner: Choice, outer: Choice, own: number): string {
  // Factors in TensorFlow's warmup are of its own first value.
  const base = schedules[outer.name].returns === "inner" ? own : Number(outer.options.initialLearningRate ?? 1);
  const call = callOf(inner, base);
  if (returnsOf(inner) === "value" || returnsOf(outer) === "factor" || outer.name === "product") return call;
  return `(lambda factor: lambda step: ${pythonLiteral(base)} * factor(step))(${call})`;
}

/** Steps that are asked of the service at once. */
const atOnce = 5000;

function asked({ choice, returns, lr, service, needsToken }: CodeOf): Parts {
  const query = new URLSearchParams({ schedule: JSON.stringify(choice), lr: String(lr), every: "1" });
  const url = plainUrl(`${service}v1/curves?${query.toString().replaceAll("+", "%20")}`);
  const request = needsToken
    ? [
      `    request = urllib.request.Request(url, headers={"Authorization": "Bearer " + os.environ["${tokenName}"]})`,
      "    answer = json.load(urllib.request.urlopen(request))",
    ]
    : ["    answer = json.load(urllib.request.urlopen(url))"];
  const over = returns === "factor" ? ` / ${pythonLiteral(lr)}` : "";
  return {
    imports: ["functools", "json", ...(needsToken ? ["os"] : []), "urllib.request"],
    definitions: [
      [
        `# ${atOnce} steps at once, as the service computes ${quote(choice.name)}.`,
        "@functools.lru_cache",
        "def values(nth):",
        `    url = (${quote(url)}`,
        `           + f"&from={nth * ${atOnce}}&to={nth * ${atOnce} + ${atOnce - 1}}")`,
        ...request,
        `    return answer["curves"][0]["lr"][0]`,
      ].join("\n"),
      [
        `def ${returns}(step):`,
        `    return values(step // ${atOnce})[step % ${atOnce}]${over}`,
      ].join("\n"),
    ],
  };
}
