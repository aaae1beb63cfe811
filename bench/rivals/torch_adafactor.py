"""transformers' Adafactor or PyTorch's as a contestant: torch_adafactor.py THREADS. Variants: NAME:SHAPES as in bench/adafactor.ts."""

import sys

import torch
import transformers
from transformers.optimization import Adafactor

from contestant import gradient_pool_once, values, CHUNK, SLACK, serve

threads = int(sys.argv[1])
torch.set_num_threads(threads)


def shapes(text):
    """`2*64x64,512`: two matrices and a vector."""
    for part in text.split(","):
        count, _, shape = part.rpartition("*")
        for _ in range(int(count or 1)):
            yield tuple(int(n) for n in shape.split("x"))


class Prepared:
    def __init__(self, variant, count, size):
        name, _, layout = variant.partition(":")
        self.pool = torch.from_numpy(gradient_pool_once())
        self.params = []
        for shape in shapes(layout):
            p = torch.from_numpy(values(torch.Size(shape).numel(), 7).copy()).reshape(shape)
            self.params.append(torch.nn.Parameter(p))
            self.params[-1].grad = torch.zeros_like(p)
        self.optimizer = make(name, self.params)

    @torch.no_grad()
    def refill(self, k):
        for p in self.params:
            grad, offset = p.grad.view(-1), (k * 97) % SLACK
            for begin in range(0, grad.numel(), CHUNK):
                length = min(CHUNK, grad.numel() - begin)
                grad[begin : begin + length].copy_(self.pool[offset : offset + length])
                offset = (offset + 31) % SLACK

    def step(self):
        self.optimizer.step()


def make(name, params):
    if name == "transformers":
        return Adafactor(params)
    return torch.optim.Adafactor(params, foreach=name == "foreach")


serve(f"{transformers.__version__}, torch {torch.__version__}, {torch.backends.cpu.get_cpu_capability()}", Prepared)
