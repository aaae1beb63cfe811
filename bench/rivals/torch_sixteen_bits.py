"""PyTorch's AdamW in float32, bfloat16 and float16 on one thread, as a contestant: variants single-DTYPE and fused-DTYPE."""

import torch

from contestant import gradient_pool_once, refill, serve, values

torch.set_num_threads(1)
VARIANTS = {"fused": dict(fused=True), "single": dict(foreach=False)}


class Prepared:
    def __init__(self, variant, shapes):
        how, dtype = variant.split("-")
        self.pool = torch.from_numpy(gradient_pool_once()).to(getattr(torch, dtype))
        self.params = [torch.nn.Parameter(torch.from_numpy(values(shape, 7)).to(self.pool.dtype)) for shape in shapes]
        for p in self.params:
            p.grad = torch.zeros_like(p)
        self.optimizer = torch.optim.AdamW(self.params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01, **VARIANTS[how])

    @torch.no_grad()
    def refill(self, k):
        refill(self.params, self.pool, k)

    def step(self):
        self.optimizer.step()


serve(f"torch {torch.__version__}, {torch.backends.cpu.get_cpu_capability()}", Prepared)
