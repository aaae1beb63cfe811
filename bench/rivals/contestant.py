"""A contestant in Python: the protocol of contestant.ts."""

import math
import sys
import time

import numpy as np

CHUNK, SLACK = 65536, 4096


def gradient_pool():
    """Values of both signs, 0.5 to 1.5 in size: as in gradients.ts."""
    random = np.random.default_rng(1)
    magnitude = random.uniform(0.5, 1.5, CHUNK + SLACK)
    return np.where(random.random(CHUNK + SLACK) < 0.5, -magnitude, magnitude).astype(np.float32)


def values(shape, k):
    """A tensor's values for step `k`, in a new array."""
    size = math.prod(shape)
    pool, out, offset = gradient_pool_once(), np.empty(size, np.float32), (k * 97) % SLACK
    for begin in range(0, size, CHUNK):
        length = min(CHUNK, size - begin)
        out[begin : begin + length] = pool[offset : offset + length]
        offset = (offset + 31) % SLACK
    return out.reshape(shape)


_pool = None


def gradient_pool_once():
    global _pool
    if _pool is None:
        _pool = gradient_pool()
    return _pool


def refill(params, pool, k):
    """The gradients of PyTorch's parameters for step `k`, from a tensor that holds the pool: those of `values`, in place."""
    for p in params:
        grad, offset = p.grad.view(-1), (k * 97) % SLACK
        for begin in range(0, grad.numel(), CHUNK):
            length = min(CHUNK, grad.numel() - begin)
            grad[begin : begin + length].copy_(pool[offset : offset + length])
            offset = (offset + 31) % SLACK


def read_shapes(text):
    """`2*64x64,512`: two matrices and a vector, as in layouts.ts."""
    for part in text.split(","):
        count, _, shape = part.rpartition("*")
        for _ in range(int(count or 1)):
            yield tuple(int(n) for n in shape.split("x"))


def serve(hello, prepare):
    """`prepare(variant, shapes)` gives an object with `refill(k)` and `step()`; dropping it releases its memory."""
    prepared, steps = None, 0
    print("hello", hello, flush=True)
    for line in sys.stdin:
        command, *words = line.split()
        try:
            if command == "quit":
                break
            if command == "prepare":
                prepared = prepare(words[0], list(read_shapes(words[1])))
                steps = 0
                print("ready", flush=True)
            elif command == "round":
                ms, least, most = float(words[0]), int(words[1]), int(words[2])
                times, end = [], time.perf_counter() + ms / 1e3
                while len(times) < least or (len(times) < most and time.perf_counter() < end):
                    prepared.refill(steps + len(times))
                    begin = time.perf_counter_ns()
                    prepared.step()
                    times.append(time.perf_counter_ns() - begin)
                steps += len(times)
                print("times", *times, flush=True)
            elif command == "release":
                prepared = None
                print("released", flush=True)
            else:
                raise ValueError(f"unknown command {command}")
        except Exception as error:
            print("error", f"{type(error).__name__}: {error}".replace("\n", " "), flush=True)
