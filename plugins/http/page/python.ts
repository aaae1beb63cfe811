/**
 * A curve as Python for PyTorch. The built-in schedules are written out as functions of the step, so that the code needs neither this service nor a
 * table of values, which would be wrong between its steps and behind its end. Any other schedule is asked of the service, at the very steps.
 *
 * @module
 */
import { type CodeOf, tokenName } from "./code_of.ts";
import { plainUrl, pythonLiteral, quote } from "./literal.ts";
import type { Choice } from "./state.ts";

/** A schedule in Python: a function of its options, in the order of its text, that gives a function of the step. */
interface Written {
  readonly returns: "factor" | "value";
  /** Modules that it uses. */
  readonly imports?: readonly string[];
  /** TensorFlow computes in float32, and so does the schedule. */
  readonly isSingle?: boolean;
  /** Whether it takes the base value as its first argument. */
  readonly takesBase?: boolean;
  readonly text: string;
}

const warmup = `        if step < num_warmup_steps:
            return min(1.0, (step + warmup_offset) / max(1, num_warmup_steps))`;

/** By name. The maths is that of the file of this name in plugins/schedules/, in its order; a test runs each at every step. */
const schedules: Readonly<Record<string, Written>> = {
  constant: {
    returns: "factor",
    text: `def constant():
    return lambda step: 1.0`,
  },
  constant_with_warmup: {
    returns: "factor",
    text: `def constant_with_warmup(num_warmup_steps, warmup_offset=0):
    def factor(step):
${warmup}
        return 1.0
    return factor`,
  },
  linear: {
    returns: "factor",
    text: `def linear(num_warmup_steps, num_training_steps, warmup_offset=0):
    def factor(step):
${warmup}
        return max(0.0, (num_training_steps - step) / max(1, num_training_steps - num_warmup_steps))
    return factor`,
  },
  cosine: {
    returns: "factor",
    imports: ["math"],
    text: `def cosine(num_warmup_steps, num_training_steps, num_cycles=0.5, end="continue", warmup_offset=0):
    def factor(step):
        if end == "hold":
            step = min(step, num_training_steps)
${warmup}
        progress = (step - num_warmup_steps) / max(1, num_training_steps - num_warmup_steps)
        return max(0.0, 0.5 * (1 + math.cos(math.pi * num_cycles * 2 * progress)))
    return factor`,
  },
  cosine_with_restarts: {
    returns: "factor",
    imports: ["math"],
    text: `def cosine_with_restarts(num_warmup_steps, num_training_steps, num_cycles=1, warmup_offset=0):
    def factor(step):
${warmup}
        progress = (step - num_warmup_steps) / max(1, num_training_steps - num_warmup_steps)
        if progress >= 1:
            return 0.0
        cycles = num_cycles * progress
        return max(0.0, 0.5 * (1 + math.cos(math.pi * (cycles - math.floor(cycles)))))
    return factor`,
  },
  polynomial: {
    returns: "factor",
    takesBase: true,
    text: `def polynomial(base, num_warmup_steps, num_training_steps, lr_end=1e-7, power=1, lr_init=None, warmup_offset=0):
    init = base if lr_init is None else lr_init

    def factor(step):
${warmup}
        if step > num_training_steps:
            return lr_end / init
        remaining = 1 - (step - num_warmup_steps) / (num_training_steps - num_warmup_steps)
        return ((init - lr_end) * remaining ** power + lr_end) / init
    return factor`,
  },
  inverse_sqrt: {
    returns: "factor",
    imports: ["math"],
    text: `def inverse_sqrt(num_warmup_steps, timescale=None, warmup_offset=0):
    scale = (num_warmup_steps or 10_000) if timescale is None else timescale
    shift = scale - num_warmup_steps

    def factor(step):
${warmup}
        return 1 / math.sqrt((step + shift) / scale)
    return factor`,
  },
  cosine_decay: {
    returns: "value",
    imports: ["math"],
    isSingle: true,
    text: `def cosine_decay(initial_learning_rate, decay_steps, alpha=0, warmup_target=None, warmup_steps=0):
    initial, decay = f(initial_learning_rate), f(decay_steps)
    warmup = 0.0 if warmup_target is None else f(warmup_steps)
    top = initial if warmup_target is None else f(warmup_target)
    last, share, rest = f(decay + warmup), f(alpha), f(1 - alpha)

    def value(step):
        s = min(f(step), last)
        if warmup_target is not None and s < warmup:
            return f(f(f(top - initial) * f(s / warmup)) + initial)
        wave = f(0.5 * f(1 + f(math.cos(f(f(math.pi) * f(f(s - warmup) / decay))))))
        return f(top * f(f(rest * wave) + share))
    return value`,
  },
  cosine_decay_restarts: {
    returns: "value",
    imports: ["math"],
    isSingle: true,
    text: `def cosine_decay_restarts(initial_learning_rate, first_decay_steps, t_mul=2, m_mul=1, alpha=0):
    initial, first = f(initial_learning_rate), f(first_decay_steps)
    longer, lower, share = f(t_mul), f(m_mul), f(alpha)
    rest, shrink = f(1 - share), f(1 - longer)

    def value(step):
        s = f(f(step) / first)
        # The waves are a geometric series.
        if longer == 1:
            wave = math.floor(s)
            length, start = 1.0, float(wave)
        else:
            wave = math.floor(f(f(math.log(f(1 - f(s * shrink)))) / f(math.log(longer))))
            length = f(longer ** wave)
            start = f(f(1 - length) / shrink)
        height = f(0.5 * f(lower ** wave))
        decayed = f(height * f(1 + f(math.cos(f(f(math.pi) * f(f(s - start) / length))))))
        return f(initial * f(f(rest * decayed) + share))
    return value`,
  },
  exponential_decay: {
    returns: "value",
    imports: ["math"],
    isSingle: true,
    text: `def exponential_decay(initial_learning_rate, decay_steps, decay_rate, staircase=False):
    initial, decay, rate = f(initial_learning_rate), f(decay_steps), f(decay_rate)

    def value(step):
        q = f(f(step) / decay)
        p = math.floor(q) if staircase else q
        return f(initial * f(math.exp(p * math.log(rate)) if rate > 0 else rate ** p))
    return value`,
  },
  inverse_time_decay: {
    returns: "value",
    imports: ["math"],
    isSingle: true,
    text: `def inverse_time_decay(initial_learning_rate, decay_steps, decay_rate, staircase=False):
    initial, decay, rate = f(initial_learning_rate), f(decay_steps), f(decay_rate)

    def value(step):
        p = f(f(step) / decay)
        return f(initial / f(1 + f(rate * (math.floor(p) if staircase else p))))
    return value`,
  },
  piecewise_constant_decay: {
    returns: "value",
    imports: ["bisect"],
    isSingle: true,
    text: `def piecewise_constant_decay(boundaries, values):
    table = [f(value) for value in values]
    return lambda step: table[bisect.bisect_left(boundaries, step)]`,
  },
  polynomial_decay: {
    returns: "value",
    imports: ["math"],
    isSingle: true,
    text: `def polynomial_decay(initial_learning_rate, decay_steps, end_learning_rate=1e-4, power=1, cycle=False):
    decay, end = f(decay_steps), f(end_learning_rate)
    span, exponent = f(f(initial_learning_rate) - end), f(power)

    def value(step):
        s = f(step) if cycle else min(f(step), decay)
        steps = f(decay * math.ceil(f(s / decay))) if cycle and s != 0 else decay
        rest = f(1 - f(s / steps))
        return f(f(span * (rest if exponent == 1 else f(rest ** exponent))) + end)
    return value`,
  },
  warmup: {
    returns: "value",
    isSingle: true,
    text: `def warmup(initial_learning_rate, decay_schedule, warmup_steps, power=1):
    initial, steps, exponent = f(initial_learning_rate), f(warmup_steps), f(power)

    def value(step):
        if f(step) < steps:
            return f(initial * f(f(f(step) / steps) ** exponent))
        return decay_schedule(step - warmup_steps)
    return value`,
  },
};

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
    return parameters.includes(snakeCase(option)) && (!isChoice(value) || isWritten({ name: value.name, options: value.options ?? {} }));
  });
}

/** The names of a schedule and of those in its options. */
function namesIn({ name, options }: Choice): string[] {
  return [name, ...Object.values(options).filter(isChoice).flatMap((inner) => namesIn({ name: inner.name, options: inner.options ?? {} }))];
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
function callOf({ name, options }: Choice, base: number): string {
  const { takesBase } = schedules[name];
  const set = Object.entries(options).map(([option, value]) => {
    return `${snakeCase(option)}=${isChoice(value) ? innerCall(value, options) : pythonLiteral(value)}`;
  });
  const flat = `${name}(${[...(takesBase === true ? [pythonLiteral(base)] : []), ...set].join(", ")})`;
  if (flat.length <= 100) return flat;
  return `${name}(\n${
    [...(takesBase === true ? [pythonLiteral(base)] : []), ...set].map((part) => `    ${part.replaceAll("\n", "\n    ")},\n`).join("")
  })`;
}

/** A schedule in another one's option: of values, or of factors of the outer one's first value. */
function innerCall(inner: { readonly name: string; readonly options?: Choice["options"] }, outer: Choice["options"]): string {
  const base = Number(outer.initialLearningRate ?? 1);
  const call = callOf({ name: inner.name, options: inner.options ?? {} }, base);
  if (schedules[inner.name].returns === "value") return call;
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
