"""Writes math_truth.json: what pow, exp, log and cos are, from mpmath at 300 bits (1400 for cos, whose arguments go up to 2^1023).

    python3 math_truth.py             writes math_truth.json beside this file
    python3 math_truth.py --tables    prints the constants of kernels/math.ts
    python3 math_truth.py --many N S  prints N times as many points from the seed S, as one JSON, for a sweep that is not kept

A row is [x, result, off] or [x, y, result, off]: the result is the correctly rounded double, and the truth lies at result + off * ulp(result).
Needs mpmath 1.3.
"""

import json
import math
import random
import sys
from pathlib import Path

from mpmath import mp, mpf

mp.prec = 300


def rounded(truth):
    """The double nearest to the truth, and how far off the truth is in units of its last place; None where it overflows."""
    if truth == 0:
        return 0.0, 0.0
    last = max(int(mp.floor(mp.log(abs(truth), 2))), -1022) - 52
    units = int(mp.nint(mp.ldexp(truth, -last)))
    try:
        result = math.ldexp(units, last)
    except OverflowError:
        return None
    # The distance counts in ulp(result), which is twice `last` when rounding went up to a power of two.
    ulp = math.ulp(result)
    return result, round(float((truth - mpf(result)) / mpf(ulp)), 4)


def row(f, *args):
    found = rounded(f(*(mpf(a) for a in args)))
    return None if found is None else [*args, *found]


def beside(x, steps):
    """The double that many steps above x."""
    for _ in range(abs(steps)):
        x = math.nextafter(x, math.inf if steps > 0 else -math.inf)
    return x


def pow_points(rng, n):
    betas = [0.9, 0.95, 0.98, 0.99, 0.995, 0.999, 0.9999, 0.99999, 1 - 2**-20, 0.5, 0.1]
    for beta in betas:
        least = -1075 * math.log(2) / math.log(beta)
        for _ in range(12 * n):
            yield beta, float(round(10 ** rng.uniform(0, 7)))  # beta^t up to t = 1e7, also where it underflows
            yield beta, float(round(rng.uniform(1, min(1e7, least))))
        yield beta, 1e7
        for _ in range(4 * n):
            yield beta, float(round(least * rng.uniform(0.951, 1.001)))  # subnormal results
    for power in [-0.8, -0.5, 0.75, -0.2, -1.0, 0.1, 0.5]:
        for _ in range(25 * n):
            yield float(round(10 ** rng.uniform(0, 7))), power  # t^-0.8
    for _ in range(350 * n):
        x = 10 ** rng.uniform(-300, 6)
        y = rng.uniform(-745, 709.7) / math.log(x)
        if -1e3 <= y <= 1e6:
            yield x, y
    for _ in range(250 * n):
        x = beside(1.0, rng.choice([-1, 1]) * rng.randrange(1, 40)) if rng.random() < 0.2 else 1 + rng.choice([-1, 1]) * 2 ** rng.uniform(-45, -4)
        y = rng.uniform(-745, 709.7) / math.log(x)
        if -1e3 <= y <= 1e6:
            yield x, y
        yield x, 10 ** rng.uniform(0, 6)
    for _ in range(150 * n):
        yield 1 - rng.random(), float(rng.randrange(3, 12))  # small integer powers: progress^3
    for _ in range(50 * n):
        yield rng.uniform(1e-3, 1e6), rng.choice([-1, 1]) * 2 ** rng.uniform(-60, -1)


def exp_points(rng, n):
    for _ in range(350 * n):
        yield rng.uniform(-745.2, 709.8)
    for _ in range(200 * n):
        yield rng.choice([-1, 1]) * 2 ** rng.uniform(-60, 3)
    for _ in range(150 * n):
        yield rng.uniform(-745.2, -708)  # subnormal results
    for _ in range(150 * n):
        yield float(mp.log(2) / 32 * (2 * rng.randrange(-17000, 16000) + 1))  # where the table's rows meet
    for edge in [709.782712893384, 709.78, -708.3964185322641, -745.13, -745.1332191019411, -745.1332191019412, -744.44]:
        for steps in [-1, 0, 1]:
            yield beside(edge, steps)


def log_points(rng, n):
    for _ in range(300 * n):
        yield math.ldexp(1 + rng.random(), rng.randrange(-1074, 1024))
    for _ in range(250 * n):
        yield 1 + rng.choice([-1, 1]) * 2 ** rng.uniform(-52, -1)  # near 1
    for steps in range(-30, 31):
        if steps:
            yield beside(1.0, steps)
    for _ in range(150 * n):
        yield beside((2 * rng.randrange(22, 46) + 1) / 64, rng.randrange(-3, 4)) * rng.choice([1, 1, 2, 0.5])  # where the table's rows meet
    for _ in range(100 * n):
        yield float(rng.randrange(2, 10**7))
    for x in [5e-324, 2**-1022, beside(2**-1022, -1), sys.float_info.max, 2.0, 0.5, 10.0]:
        yield x


def cos_points(rng, n):
    for _ in range(200 * n):
        yield rng.uniform(-10, 10)
    for _ in range(150 * n):
        yield math.pi * 2 * rng.choice([0.5, 1, 2, 7.5, 100, 15000]) * rng.random()  # cosine schedules
    for _ in range(150 * n):
        yield rng.choice([-1, 1]) * 2 ** rng.uniform(-30, 31)
    for _ in range(120 * n):
        yield 2 ** rng.uniform(31, 1023.9)
    for k in range(1, 60):
        yield float(mp.pi / 2 * k)
    for k in range(1, 40):
        yield float(mp.pi / 4 * k)
    for _ in range(250 * n):
        yield beside(float(mp.pi / 2 * round(2 ** rng.uniform(1, 31))), rng.randrange(-1, 2))  # near multiples of pi/2
    for _ in range(60 * n):
        yield beside(float(mp.pi / 4 * (2 * round(2 ** rng.uniform(1, 30)) + 1)), rng.randrange(-1, 2))  # where the quadrants meet
    yield 6381956970095103 * 2.0**797  # the double nearest to a multiple of pi/2 (Muller, "Elementary Functions", chapter 11)
    yield 1e22
    yield sys.float_info.max


def points(n, seed):
    rng = random.Random(seed)
    rows = {
        "pow": [row(mp.power, x, y) for x, y in pow_points(rng, n)],
        "exp": [row(mp.exp, x) for x in exp_points(rng, n)],
        "log": [row(mp.log, x) for x in log_points(rng, n)],
    }
    mp.prec = 1400
    rows["cos"] = [row(mp.cos, x) for x in cos_points(rng, n)]
    return {name: [r for r in found if r] for name, found in rows.items()}


def tables():
    """Every high part is a multiple of 2^-42, so that k*LN2 + LOG[i] is exact; ln 2 / 16 has 38 bits, so that n times it is."""

    def parts(value, bits):
        high = mp.ldexp(mp.nint(mp.ldexp(value, bits)), -bits)
        return float(high), float(value - high)

    print("ln 2:", parts(mp.log(2), 42))
    print("ln 2 / 16:", parts(mp.log(2) / 16, 42))
    print("16 / ln 2:", float(16 / mp.log(2)))
    print("pi / 2:", float(mp.pi / 2), float(mp.pi / 2 - mpf(float(mp.pi / 2))))
    first = mp.ldexp(mp.floor(mp.ldexp(mp.pi / 2, 32)), -32)
    second = mp.ldexp(mp.floor(mp.ldexp(mp.pi / 2 - first, 66)), -66)
    print("pi / 2 in three parts:", float(first), float(second), float(mp.pi / 2 - first - second))
    for i in range(11, 23):
        print(f"  log({i}/16):", parts(mp.log(mpf(i) / 16), 42))
    for j in range(16):
        power = mp.power(2, mpf(j) / 16)
        print(f"  2^({j}/16):", (float(power), float(power - mpf(float(power)))))
    mp.prec = 1400
    left = 2 / mp.pi
    digits = []
    for _ in range(49):
        left *= 2**24
        digits.append(int(left))
        left -= digits[-1]
    print("2 / pi in base 2^24:", ", ".join(f"0x{d:06x}" for d in digits))


if "--tables" in sys.argv:
    tables()
elif "--many" in sys.argv:
    print(json.dumps(points(*map(int, sys.argv[-2:]))))
else:
    found = points(1, 4)
    lines = [f'  "{name}": [\n' + ",\n".join("    " + json.dumps(r) for r in rows) + "\n  ]" for name, rows in found.items()]
    Path(__file__).with_suffix(".json").write_text("{\n" + ",\n".join(lines) + "\n}\n")
    print({name: len(rows) for name, rows in found.items()})
