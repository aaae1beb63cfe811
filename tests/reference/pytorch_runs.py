"""Runs of PyTorch's optimizers that are handed over in the middle: `python pytorch_runs.py FOLDER`, with torch 2.15 and transformers 5.24.

Of each run: the parameters before, after 3 and after 6 steps (runs.json), and what torch.save wrote after 3: <name>.pt, a dictionary of optimizer.state_dict()
and scheduler.state_dict(). The gradients are a formula, so that the other side needs no record of them.

`python pytorch_runs.py FOLDER NAME…` goes on with what the other side saved there after 3 steps, and prints the parameters after 6.
"""
import collections
import json
import sys
from pathlib import Path

import torch
from transformers.optimization import Adafactor

SHAPES = {"w": (6, 4), "k": (4, 5), "b": (4,)}
RUNS = {
    "sgd": (torch.optim.SGD, {"lr": 0.05, "momentum": 0.9, "nesterov": True}),
    "adam": (torch.optim.Adam, {"lr": 0.01, "weight_decay": 0.01, "amsgrad": True}),
    "adamw_torch": (torch.optim.AdamW, {"lr": 0.01, "weight_decay": 0.1}),
    "adamax": (torch.optim.Adamax, {"lr": 0.01}),
    "nadam": (torch.optim.NAdam, {"lr": 0.01}),
    "radam": (torch.optim.RAdam, {"lr": 0.01, "betas": (0.9, 0.9)}),
    "rmsprop": (torch.optim.RMSprop, {"lr": 0.01, "momentum": 0.9, "centered": True}),
    "rprop": (torch.optim.Rprop, {"lr": 0.01}),
    "asgd": (torch.optim.ASGD, {"lr": 0.01, "t0": 2}),
    "adagrad": (torch.optim.Adagrad, {"lr": 0.1, "lr_decay": 0.01}),
    "adadelta": (torch.optim.Adadelta, {"lr": 0.5}),
    "adafactor_torch": (torch.optim.Adafactor, {"lr": 0.05, "weight_decay": 0.01}),
    "adafactor": (Adafactor, {"lr": 0.02, "scale_parameter": False, "relative_step": False, "beta1": 0.9}),
    "sparse_adam": (torch.optim.SparseAdam, {"lr": 0.01}),
    "muon": (torch.optim.Muon, {"lr": 0.02, "weight_decay": 0.1}),
}
SCHEDULERS = {
    "sgd": lambda o: torch.optim.lr_scheduler.StepLR(o, 2, 0.5),
    "adamw_torch": lambda o: torch.optim.lr_scheduler.LambdaLR(o, lambda step: min(1.0, (step + 1) / 4)),
    "adafactor_torch": lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, 8),
    "adam": lambda o: torch.optim.lr_scheduler.SequentialLR(o, [torch.optim.lr_scheduler.LinearLR(o, 0.25, 1.0, 2), torch.optim.lr_scheduler.ExponentialLR(o, 0.9)], [2]),
}


def values(shape, seed):
    """The same numbers in both languages: quarters from a linear congruence, exact in float32."""
    size = torch.Size(shape).numel()
    out = []
    for i in range(size):
        seed = (seed * 1103515245 + 12345) % 2**31
        out.append(((seed >> 16) % 2001 - 1000) / 1024)
    return torch.tensor(out, dtype=torch.float32).reshape(shape)


def parameters(name):
    shapes = {k: s for k, s in SHAPES.items() if name != "muon" or len(s) == 2}
    return {k: torch.nn.Parameter(values(s, 7 + i)) for i, (k, s) in enumerate(shapes.items())}


def groups(params):
    """Two groups, in an order that is not that of the names."""
    first = [params["k"]] if "b" not in params else [params["k"], params["w"]]
    rest = [p for p in params.values() if all(p is not q for q in first)]
    return [{"params": first}, {"params": rest, "weight_decay": 0.0}] if rest else [{"params": first}]


def make(name, params):
    cls, options = RUNS[name]
    given = groups(params)
    if name in ("rprop", "sparse_adam"):
        given = [{"params": g["params"]} for g in given]
    optimizer = cls(given, **options)
    return optimizer, SCHEDULERS[name](optimizer) if name in SCHEDULERS else None


def step(params, optimizer, scheduler, t):
    for i, (k, p) in enumerate(params.items()):
        # One tensor has its first gradient in step 2.
        grad = None if k == "w" and t == 1 else values(p.shape, 1000 * t + i)
        p.grad = grad.to_sparse(1) if grad is not None and isinstance(optimizer, torch.optim.SparseAdam) else grad
    optimizer.step()
    if scheduler is not None:
        scheduler.step()


def listed(params):
    return {k: p.detach().flatten().tolist() for k, p in params.items()}


def variety():
    """A value of every kind that a file may hold."""
    base = torch.arange(6, dtype=torch.float32).reshape(2, 3)
    dtypes = "bfloat16 float16 float64 int64 int32 int16 int8 uint8 bool uint16 uint32 uint64 float8_e4m3fn float8_e5m2 complex64".split()
    model = torch.nn.Sequential(torch.nn.BatchNorm1d(2))
    return {
        "base": base, "transposed": base.t(), "sliced": base[:, 1:], "expanded": base[:1].expand(2, 3), "scalar": torch.tensor(3.0), "empty": torch.empty(0, 3),
        "types": {name: base.to(getattr(torch, name)) for name in dtypes},
        "parameter": torch.nn.Parameter(torch.ones(2)), "size": torch.Size([2, 3]), "ordered": collections.OrderedDict(a=1, b=[1, (2, 3)]),
        "counter": collections.Counter([2, 4, 4]), "model": model.state_dict(),
        "numbers": [2**70, -2**40, 0.1, float("-inf"), True, None], "word": "é😀", "integers": {5: "a", -1: "b"},
    }


def goes_on(name, folder):
    """Steps 4 to 6 after what the other side saved: <name>.pt, and the parameters in <name>.safetensors."""
    from safetensors.torch import load_file

    params = parameters(name)
    optimizer, scheduler = make(name, params)
    saved = torch.load(folder / f"{name}.pt", weights_only=True)
    optimizer.load_state_dict(saved["optimizer"])
    if scheduler is not None:
        scheduler.load_state_dict(saved["scheduler"])
    with torch.no_grad():
        for k, value in load_file(folder / f"{name}.safetensors").items():
            params[k].copy_(value)
    for t in range(4, 7):
        step(params, optimizer, scheduler, t)
    return {"at6": listed(params), "lr": [group["lr"] for group in optimizer.param_groups]}


if __name__ == "__main__" and len(sys.argv) > 2:
    torch.set_num_threads(1)
    print(json.dumps({name: goes_on(name, Path(sys.argv[1])) for name in sys.argv[2:]}))
elif __name__ == "__main__":
    folder = Path(sys.argv[1])
    torch.set_num_threads(1)
    runs = {}
    for name in RUNS:
        params = parameters(name)
        optimizer, scheduler = make(name, params)
        run = {"options": RUNS[name][1], "shapes": {k: list(p.shape) for k, p in params.items()}, "before": listed(params)}
        for t in range(1, 7):
            step(params, optimizer, scheduler, t)
            if t == 3:
                run["at3"] = listed(params)
                saved = {"optimizer": optimizer.state_dict(), "scheduler": None if scheduler is None else scheduler.state_dict()}
                torch.save(saved, folder / f"{name}.pt")
        run["at6"] = listed(params)
        run["lr"] = [group["lr"] for group in optimizer.param_groups]
        runs[name] = run
    torch.save(variety(), folder / "variety.pt")
    torch.save(variety(), folder / "variety_protocol_4.pt", pickle_protocol=4)
    torch.save(torch.ones(1, dtype=torch.complex64).conj(), folder / "conj.pt")
    text = {"torch": torch.__version__, "runs": runs}
    (folder / "runs.json").write_text(json.dumps(text) + "\n")
