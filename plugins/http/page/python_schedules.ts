/**
 * The built-in schedules in Python: what a page's curve is copied as.
 *
 * @module
 */

/** A schedule in Python: a function of its options, in the order of its text, that gives a function of the step. */
export interface Written {
  /** What that function gives; `"inner"`: what the schedules give that it is made of, values where some do. */
  readonly returns: "factor" | "value" | "inner";
  /** Modules that it uses. */
  readonly imports?: readonly string[];
  /** TensorFlow computes in float32, and so does the schedule. */
  readonly isSingle?: boolean;
  /** Whether it takes the base value as its first argument. */
  readonly takesBase?: boolean;
  /** Its definition, with all parameters in the first line. */
  readonly text: string;
}

const warmup = `        if step < num_warmup_steps:
            return min(1.0, (step + warmup_offset) / max(1, num_warmup_steps))`;

/** By name. The maths is that of the file of this name in plugins/schedules/, in its order; a test runs each at every step. */
export const schedules: Readonly<Record<string, Written>> = {
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
  cosine_with_min_lr: {
    returns: "factor",
    imports: ["math"],
    takesBase: true,
    text:
      `def cosine_with_min_lr(base, num_warmup_steps, num_training_steps, num_cycles=0.5, min_lr=None, min_lr_rate=None, end="continue"):
    rate = min_lr_rate if min_lr is None else min_lr / base

    def factor(step):
        if end == "hold":
            step = min(step, num_training_steps)
        if step < num_warmup_steps:
            return step / max(1, num_warmup_steps)
        progress = (step - num_warmup_steps) / max(1, num_training_steps - num_warmup_steps)
        return max(0.0, 0.5 * (1 + math.cos(math.pi * num_cycles * 2 * progress)) * (1 - rate) + rate)
    return factor`,
  },
  cosine_warmup_with_min_lr: {
    returns: "factor",
    imports: ["math"],
    takesBase: true,
    text:
      `def cosine_warmup_with_min_lr(base, num_warmup_steps, num_training_steps, num_cycles=0.5, min_lr=None, min_lr_rate=None, warmup_lr_rate=None, end="continue"):
    rate = min_lr_rate if min_lr is None else min_lr / base

    def factor(step):
        if end == "hold":
            step = min(step, max(0, num_training_steps - 1))
        if step < num_warmup_steps:
            if warmup_lr_rate is None:
                return (step + 1) / max(1, num_warmup_steps)
            return warmup_lr_rate + (1 - warmup_lr_rate) * step / max(1, num_warmup_steps - 1)
        progress = (step - num_warmup_steps + 1) / max(1, num_training_steps - num_warmup_steps)
        return max(0.0, 0.5 * (1 + math.cos(math.pi * num_cycles * 2 * progress)) * (1 - rate) + rate)
    return factor`,
  },
  warmup_stable_decay: {
    returns: "factor",
    imports: ["math"],
    text:
      `def warmup_stable_decay(num_warmup_steps, num_decay_steps, num_training_steps=None, num_stable_steps=None, warmup_type="linear", decay_type="cosine", min_lr_ratio=0, num_cycles=0.5):
    stable = num_training_steps - num_warmup_steps - num_decay_steps if num_stable_steps is None else num_stable_steps
    stable_end = num_warmup_steps + stable
    end = stable_end + num_decay_steps

    def factor(step):
        if step < num_warmup_steps:
            p = step / max(1, num_warmup_steps)
            part = {"linear": p, "cosine": 0.5 * (1 - math.cos(math.pi * p)), "1-sqrt": 1 - math.sqrt(1 - p)}[warmup_type]
        elif step < stable_end:
            return 1.0
        elif step < end:
            p = (step - stable_end) / max(1, num_decay_steps)
            part = {"linear": 1 - p, "cosine": 0.5 * (1 + math.cos(math.pi * num_cycles * 2 * p)), "1-sqrt": 1 - math.sqrt(p)}[decay_type]
        else:
            return min_lr_ratio
        return max(0.0, part * (1 - min_lr_ratio) + min_lr_ratio)
    return factor`,
  },
  step: {
    returns: "factor",
    text: `def step(step_size, gamma=0.1):
    return lambda step: gamma ** (step // step_size)`,
  },
  multistep: {
    returns: "factor",
    imports: ["bisect"],
    text: `def multistep(milestones, gamma=0.1):
    ordered = sorted(milestones)
    return lambda step: gamma ** bisect.bisect_right(ordered, step)`,
  },
  exponential: {
    returns: "factor",
    text: `def exponential(gamma):
    return lambda step: gamma ** step`,
  },
  constant_lr: {
    returns: "factor",
    text: `def constant_lr(factor=1 / 3, total_iters=5):
    return lambda step: factor if step < total_iters else 1.0`,
  },
  linear_lr: {
    returns: "factor",
    text: `def linear_lr(start_factor=1 / 3, end_factor=1, total_iters=5):
    return lambda step: start_factor + (end_factor - start_factor) * min(total_iters, step) / total_iters`,
  },
  polynomial_lr: {
    returns: "factor",
    text: `def polynomial_lr(total_iters=5, power=1):
    return lambda step: (1 - min(total_iters, step) / total_iters) ** power`,
  },
  cosine_annealing: {
    returns: "factor",
    imports: ["math"],
    takesBase: true,
    text: `def cosine_annealing(base, t_max, eta_min=0, end="continue"):
    def factor(step):
        wave = (1 + math.cos(math.pi * (min(step, t_max) if end == "hold" else step) / t_max)) / 2
        return wave if eta_min == 0 else (eta_min + (base - eta_min) * wave) / base
    return factor`,
  },
  cosine_annealing_warm_restarts: {
    returns: "factor",
    imports: ["math"],
    takesBase: true,
    text: `def cosine_annealing_warm_restarts(base, t0, t_mult=1, eta_min=0):
    def factor(step):
        length, at = t0, step
        if t_mult == 1:
            at %= t0
        while at >= length:
            at -= length
            length *= t_mult
        wave = (1 + math.cos(math.pi * at / length)) / 2
        return wave if eta_min == 0 else (eta_min + (base - eta_min) * wave) / base
    return factor`,
  },
  one_cycle: {
    returns: "value",
    imports: ["math"],
    text:
      `def one_cycle(max_lr, total_steps=None, epochs=None, steps_per_epoch=None, pct_start=0.3, anneal_strategy="cos", div_factor=25, final_div_factor=1e4, three_phase=False, end="error"):
    total = epochs * steps_per_epoch if total_steps is None else total_steps
    first = max_lr / div_factor
    last = first / final_div_factor
    up = pct_start * total - 1
    ends = [0, up, 2 * pct_start * total - 2, total - 1] if three_phase else [0, up, total - 1]
    values = [first, max_lr, first, last] if three_phase else [first, max_lr, last]

    def value(step):
        s = min(step, total - 1) if end == "hold" else step
        if s > total:
            raise ValueError(f"the cycle has {total} steps")
        phase = 1
        while phase < len(ends) - 1 and s > ends[phase]:
            phase += 1
        length = ends[phase] - ends[phase - 1]
        pct = 0 if length == 0 else (s - ends[phase - 1]) / length
        a, b = values[phase - 1], values[phase]
        return b + (a - b) / 2 * (math.cos(math.pi * pct) + 1) if anneal_strategy == "cos" else (b - a) * pct + a
    return value`,
  },
  cyclic: {
    returns: "value",
    imports: ["math"],
    text: `def cyclic(base_lr, max_lr, step_size_up=2000, step_size_down=None, mode="triangular", gamma=1):
    total = step_size_up + (step_size_up if step_size_down is None else step_size_down)
    ratio = step_size_up / total

    def value(step):
        cycle = math.floor(1 + step / total)
        x = 1 + step / total - cycle
        height = (max_lr - base_lr) * (x / ratio if x <= ratio else (x - 1) / (ratio - 1))
        return base_lr + height * (gamma ** step if mode == "exp_range" else 0.5 ** (cycle - 1) if mode == "triangular2" else 1)
    return value`,
  },
  swalr: {
    returns: "factor",
    imports: ["math"],
    takesBase: true,
    text: `def swalr(base, swa_lr, anneal_epochs=10, anneal_strategy="cos"):
    def factor(step):
        t = 1 if anneal_epochs == 0 else min(1, step / max(1, anneal_epochs))
        alpha = (1 - math.cos(math.pi * t)) / 2 if anneal_strategy == "cos" else t
        return 1 - alpha if swa_lr == 0 else (swa_lr * alpha + base * (1 - alpha)) / base
    return factor`,
  },
  rex: {
    returns: "factor",
    text: `def rex(total_steps, min_lr_rate=0):
    def factor(step):
        rest = 1 - min(step, total_steps) / total_steps
        return rest / (0.5 + 0.5 * rest) * (1 - min_lr_rate) + min_lr_rate
    return factor`,
  },
  warmup_decay: {
    returns: "value",
    imports: ["math"],
    text: `def warmup_decay(total_num_steps, warmup_min_lr=0, warmup_max_lr=1e-3, warmup_num_steps=1000, warmup_type="log"):
    warmup = max(2, warmup_num_steps)

    def value(step):
        if step < warmup:
            gamma = math.log(step + 1) / math.log(warmup) if warmup_type == "log" else step / warmup
        else:
            gamma = max(0, (total_num_steps - step) / max(1, total_num_steps - warmup))
        return warmup_min_lr + (warmup_max_lr - warmup_min_lr) * gamma
    return value`,
  },
  cosine_timm: {
    returns: "factor",
    imports: ["math"],
    takesBase: true,
    text:
      `def cosine_timm(base, t_initial, lr_min=0, cycle_mul=1, cycle_decay=1, cycle_limit=1, warmup_t=0, warmup_lr_init=0, warmup_prefix=False, k_decay=1):
    def factor(step):
        if step < warmup_t:
            return (warmup_lr_init + step * ((base - warmup_lr_init) / warmup_t)) / base
        at, length, i = step - warmup_t if warmup_prefix else step, t_initial, 0
        while i < cycle_limit and at >= length:
            at, length, i = at - length, length * cycle_mul, i + 1
        if i == cycle_limit:
            return lr_min / base
        wave = 1 + math.cos(math.pi * at ** k_decay / length ** k_decay)
        return (lr_min + 0.5 * (base * cycle_decay ** i - lr_min) * wave) / base
    return factor`,
  },
  constant_inverse_sqrt: {
    returns: "value",
    imports: ["math"],
    text: `def constant_inverse_sqrt(num_constant_steps=10_000, factor=1):
    return lambda step: factor / math.sqrt(max(step, num_constant_steps))`,
  },
  piecewise_interpolate: {
    returns: "value",
    imports: ["bisect", "math"],
    text: `def piecewise_interpolate(interpolate_type, init_value, boundaries_and_scales):
    steps, values = [0], [init_value]
    for step, scale in sorted((int(step), scale) for step, scale in boundaries_and_scales.items()):
        steps.append(step)
        values.append(values[-1] * scale)

    def value(step):
        i = bisect.bisect_right(steps, step)
        if i == len(steps):
            return values[-1]
        a, b, pct = values[i - 1], values[i], (step - steps[i - 1]) / (steps[i] - steps[i - 1])
        return (b - a) * pct + a if interpolate_type == "linear" else b + (a - b) / 2 * (math.cos(math.pi * pct) + 1)
    return value`,
  },
  sequence: {
    returns: "inner",
    imports: ["bisect"],
    text: `def sequence(schedules, milestones):
    def value(step):
        i = bisect.bisect_right(milestones, step)
        return schedules[i](step - milestones[i - 1] if i else step)
    return value`,
  },
  product: {
    returns: "inner",
    text: `def product(schedules):
    def value(step):
        result = 1
        for schedule in schedules:
            result *= schedule(step)
        return result
    return value`,
  },
  sum: {
    returns: "inner",
    text: `def sum(schedules):
    def value(step):
        result = 0
        for schedule in schedules:
            result += schedule(step)
        return result
    return value`,
  },
  clamp: {
    returns: "inner",
    imports: ["math"],
    text: `def clamp(schedule, min=None, max=None):
    least, most = -math.inf if min is None else min, math.inf if max is None else max

    def value(step):
        x = schedule(step)
        return most if x > most else least if x < least else x
    return value`,
  },
  scale: {
    returns: "inner",
    text: `def scale(schedule, factor):
    return lambda step: factor * schedule(step)`,
  },
  shift: {
    returns: "inner",
    text: `def shift(schedule, steps):
    return lambda step: schedule(step + steps)`,
  },
  delay: {
    returns: "inner",
    text: `def delay(schedule, steps):
    return lambda step: schedule(max(0, step - steps))`,
  },
  repeat: {
    returns: "inner",
    text: `def repeat(schedule, every):
    return lambda step: schedule(step % every)`,
  },
  by_epoch: {
    returns: "inner",
    text: `def by_epoch(schedule, steps_per_epoch):
    return lambda step: schedule(int(step // steps_per_epoch))`,
  },
  warm: {
    returns: "inner",
    text: `def warm(schedule, num_warmup_steps, start_factor=0):
    def value(step):
        if step >= num_warmup_steps:
            return schedule(step - num_warmup_steps)
        return (start_factor + (1 - start_factor) * step / num_warmup_steps) * schedule(0)
    return value`,
  },
  cosine_decay: {
    returns: "value",
    imports: ["math"],
    isSingle: true,
    text: `def cosine_decay(initial_learning_rate, decay_steps, alpha=0, warmup_target=None, warmup_steps=0, exponent=1):
    initial, decay = f(initial_learning_rate), f(decay_steps)
    warmup = 0.0 if warmup_target is None else f(warmup_steps)
    top = initial if warmup_target is None else f(warmup_target)
    last, share, rest = f(decay + warmup), f(alpha), f(1 - alpha)

    def value(step):
        s = min(f(step), last)
        if warmup_target is not None and s < warmup:
            return f(f(f(top - initial) * f(s / warmup)) + initial)
        wave = f(0.5 * f(1 + f(math.cos(f(f(math.pi) * f(f(s - warmup) / decay))))))
        return f(top * f(f(rest * (wave if exponent == 1 else f(wave ** f(exponent)))) + share))
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
