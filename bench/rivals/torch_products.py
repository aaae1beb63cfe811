"""The chain of products of products.ts in PyTorch, as a contestant: torch_products.py THREADS CHAIN."""

import sys

import torch

from contestant import serve

threads, chain = int(sys.argv[1]), int(sys.argv[2])
torch.set_num_threads(threads)
torch.set_grad_enabled(False)


class Prepared:
    def __init__(self, _variant, shapes):
        (rows, cols) = shapes[0]
        self.x = torch.sin(torch.arange(rows * cols, dtype=torch.float64)).float().reshape(rows, cols) / 64

    def refill(self, _k):
        pass

    def step(self):
        b = self.x.T.contiguous() @ self.x
        x = 0.5 * self.x
        for _ in range(chain):
            x = x @ b
        self.x = self.x + 0 * x


serve(f"torch {torch.__version__}, {torch.backends.cpu.get_cpu_capability()}", Prepared)
