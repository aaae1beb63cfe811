"""PyTorch's AdamW as a contestant, or transformers' own: torch_adamw.py THREADS [transformers]. Variants: fused, foreach, single, transformers."""

import sys
import warnings

import torch

from contestant import gradient_pool_once, values, CHUNK, SLACK, serve

threads = int(sys.argv[1])
torch.set_num_threads(threads)
warnings.simplefilter("ignore")
OPTIONS = dict(lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01)


class Prepared:
    def __init__(self, variant, count, size):
        self.pool = torch.from_numpy(gradient_pool_once())
        self.params = [torch.nn.Parameter(torch.from_numpy(values(size, 7).copy())) for _ in range(count)]
        for p in self.params:
            p.grad = torch.zeros_like(p)
        self.optimizer = make(variant, self.params)

    @torch.no_grad()
    def refill(self, k):
        for p in self.params:
            offset = (k * 97) % SLACK
            for begin in range(0, p.numel(), CHUNK):
                length = min(CHUNK, p.numel() - begin)
                p.grad[begin : begin + length].copy_(self.pool[offset : offset + length])
                offset = (offset + 31) % SLACK

    def step(self):
        self.optimizer.step()


def make(variant, params):
    if variant == "transformers":
        from transformers.optimization import AdamW

        return AdamW(params, **OPTIONS, no_deprecation_warning=True)
    return torch.optim.AdamW(params, **OPTIONS, fused=variant == "fused", foreach=variant == "foreach")


hello = f"torch {torch.__version__}, {torch.backends.cpu.get_cpu_capability()}"
if "transformers" in sys.argv:
    import transformers

    hello = f"{transformers.__version__}, {hello}"
serve(hello, Prepared)
