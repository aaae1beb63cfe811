"""Writes sparse_adam.json: steps of torch.optim.SparseAdam over sparse gradients, rows of some twice.

    pip install torch==2.15.0
    python tests/reference/sparse_adam.py
"""
import json
from pathlib import Path

import torch

torch.manual_seed(3)
cases = []
for shape, options in [((6, 3), {}), ((5, 2, 2), dict(lr=0.01, betas=(0.8, 0.9), eps=1e-3)), ((7,), dict(lr=0.02, maximize=True))]:
    p = torch.nn.Parameter(torch.randn(shape))
    truth = torch.nn.Parameter(p.detach().double())
    case = {"shape": shape, "options": options, "init": p.detach().flatten().tolist(), "steps": []}
    optimizers = [(q, torch.optim.SparseAdam([q], **options)) for q in (p, truth)]
    for indices in [[0, 2], [2, 4, 2], [], [1], [0, 1, 4, 4], [2]]:
        values = torch.randn((len(indices), *shape[1:]))
        for q, optimizer in optimizers:
            q.grad = torch.sparse_coo_tensor(torch.tensor([indices], dtype=torch.long), values.to(q.dtype), shape)
            optimizer.step()
        state = optimizers[1][1].state[truth]
        case["steps"].append({
            "indices": indices,
            "values": values.flatten().tolist(),
            "params": truth.detach().flatten().tolist(),
            "exp_avg": state["exp_avg"].flatten().tolist(),
            "exp_avg_sq": state["exp_avg_sq"].flatten().tolist(),
            "error": (p.detach().double() - truth.detach()).abs().max().item(),
        })
    cases.append(case)
Path(__file__).with_name("sparse_adam.json").write_text("[\n" + ",\n".join(json.dumps(c) for c in cases) + "\n]\n")
