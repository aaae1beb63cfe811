"""An optimizer of PyTorch or transformers as a contestant: torch_step.py THREADS AdamW|Adafactor torch|transformers.

Variants: fused (AdamW), foreach, single; transformers, which needs that word as the last argument too."""

import sys
import warnings

import torch

from contestant import gradient_pool_once, refill, serve, values

threads, algorithm, package = int(sys.argv[1]), sys.argv[2], sys.argv[3]
torch.set_num_threads(threads)
warnings.simplefilter("ignore")
OPTIONS = {"AdamW": dict(lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01), "Adafactor": {}}[algorithm]
VARIANTS = {"fused": dict(fused=True), "foreach": dict(foreach=True), "single": dict(foreach=False)}
hello = f"torch {torch.__version__}, {torch.backends.cpu.get_cpu_capability()}"
if package == "transformers":
    import transformers.optimization

    hello = f"{transformers.__version__}, {hello}"


class Prepared:
    def __init__(self, variant, shapes):
        self.pool = torch.from_numpy(gradient_pool_once())
        # The copy decides what malloc has freed before the first step, and with that what it keeps.
        self.params = [torch.nn.Parameter(torch.from_numpy(values(shape, 7).copy())) for shape in shapes]
        for p in self.params:
            p.grad = torch.zeros_like(p)
        self.optimizer = make(variant, self.params)

    @torch.no_grad()
    def refill(self, k):
        refill(self.params, self.pool, k)

    def step(self):
        self.optimizer.step()


def make(variant, params):
    if variant == "transformers":
        return getattr(transformers.optimization, algorithm)(params, **OPTIONS)
    return getattr(torch.optim, algorithm)(params, **OPTIONS, **VARIANTS[variant])


serve(hello, Prepared)
