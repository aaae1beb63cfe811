"""Makes transforms_record.json: what other libraries' wrappers and gradient transforms do to a few tensors.

    pip install torch==2.7.1 timm==1.0.31 pytorch_optimizer==4.1.0 optax==0.2.8 jax==0.7.1 numpy
    pip install --no-deps zclip==1.0.0
    python tests/reference/transforms_record.py

Each case is a rule of torch.optim with one wrapper around it, in float32 on one thread. Gradients do not depend on the parameters, but for SAM's, which
are `p * c`. In step 3 tensor "a" has none. "scale" cases multiply the gradients by the scaler's scale, and make one infinite where "bad" says so.
"""
import json
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import optax
import torch
from pytorch_optimizer import SAM, Lookahead
from pytorch_optimizer.optimizer.gradient_centralization import centralize_gradient
from timm.optim.lookahead import Lookahead as TimmLookahead
from timm.optim._param_groups import param_groups_layer_decay
from timm.utils import ModelEmaV3, adaptive_clip_grad
from zclip import ZClip

torch.set_num_threads(1)
STEPS = 9
SHAPES = {"a": [4], "b": [3, 4], "c": [2, 3, 2], "d": [2, 2, 2, 3], "e": []}
rng = np.random.default_rng(7)
draw = lambda shape, scale: np.asarray(rng.standard_normal(shape) * scale, np.float32)
INIT = {name: draw(shape, 0.5) for name, shape in SHAPES.items()}
# The norms are uneven, so that what looks for spikes finds some.
GRADS = {
    name: [None if name == "a" and t == 2 else draw(shape, 5 if t in (5, 7) else 0.3 * (1 + t % 3)) for t in range(STEPS)]
    for name, shape in SHAPES.items()
}


class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        for name in SHAPES:
            setattr(self, name, torch.nn.Parameter(torch.tensor(INIT[name])))


def give(model, t, factor=1.0):
    for name, p in model.named_parameters():
        g = GRADS[name][t]
        p.grad = None if g is None else torch.tensor(g) * factor


RULES = {
    "sgd": lambda params: torch.optim.SGD(params, lr=0.1, momentum=0.9, foreach=False),
    "adamw_torch": lambda params: torch.optim.AdamW(params, lr=0.1, foreach=False),
}
OPTIONS = {"sgd": {"lr": 0.1, "momentum": 0.9}, "adamw_torch": {"lr": 0.1}}
short = lambda xs: [float(str(x)) for x in np.asarray(xs, np.float32).ravel()]
numbers = lambda tensor: short(tensor.detach())
params_of = lambda model: {name: numbers(p) for name, p in model.named_parameters()}
cases = []


def case(name, options, rule, run, **more):
    model = Model()
    rows = run(model, RULES[rule](model.parameters()))
    cases.append({"transform": name, "options": options, "optimizer": rule, "optimizerOptions": OPTIONS[rule], "steps": rows, **more})


def before(change):
    """A change of the gradients ahead of each step, which may say what else to record."""

    def run(model, optimizer):
        rows = []
        for t in range(STEPS):
            give(model, t)
            said = change(model) or {}
            optimizer.step()
            rows.append({"params": params_of(model), **said})
        return rows

    return run


def centralized(conv_only):
    def change(model):
        for p in model.parameters():
            if p.grad is not None:
                centralize_gradient(p.grad, gc_conv_only=conv_only)

    return change


case("centralize", {}, "sgd", before(centralized(False)))
case("centralize", {"gcConvOnly": True}, "adamw_torch", before(centralized(True)))
for options, python in [({}, {}), ({"clipFactor": 0.2, "eps": 0.5}, {"clip_factor": 0.2, "eps": 0.5})]:
    case("agc", options, "sgd", before(lambda model, python=python: adaptive_clip_grad(model.parameters(), **python)))


def by_optax(max_norm):
    transform = optax.clip_by_global_norm(max_norm)

    def change(model):
        given = {name: jnp.asarray(p.grad.numpy()) for name, p in model.named_parameters() if p.grad is not None}
        clipped, _ = transform.update(given, transform.init(given))
        for name, g in clipped.items():
            getattr(model, name).grad = torch.tensor(np.asarray(g))
        return {"norm": float(optax.global_norm(given))}

    return change


case("clip_by_global_norm", {"maxNorm": 1.5}, "sgd", before(by_optax(1.5)))

for options in [
    {"warmupSteps": 3},
    {"warmupSteps": 3, "alpha": 0.8, "zThresh": 1.0, "maxGradNorm": None},
    {"warmupSteps": 4, "alpha": 0.8, "zThresh": 0.5, "maxGradNorm": None, "clipFactor": 0.7, "skipUpdateOnSpike": True},
    {"warmupSteps": 1, "alpha": 0.5, "maxGradNorm": None, "clipOption": "mean"},
    {"warmupSteps": 3, "alpha": 0.8, "zThresh": 1.5, "maxGradNorm": None, "mode": "percentile"},
]:
    snake = {"".join("_" + c.lower() if c.isupper() else c for c in key): value for key, value in options.items()}
    clip = ZClip(**snake)

    def change(model, clip=clip):
        norm = clip.step(model)
        return {"norm": norm, "mean": clip.mean}

    case("zclip", options, "sgd", before(change))


def looking(wrap):
    def run(model, optimizer):
        wrapper = wrap(optimizer)
        rows = []
        for t in range(STEPS):
            give(model, t)
            wrapper.step()
            rows.append({"params": params_of(model)})
        return rows

    return run


case("lookahead", {"k": 2}, "sgd", looking(lambda optimizer: Lookahead(optimizer, k=2, alpha=0.5)))
case("lookahead", {"k": 3, "alpha": 0.8}, "adamw_torch", looking(lambda optimizer: Lookahead(optimizer, k=3, alpha=0.8)))
case("lookahead", {"k": 2, "alpha": 0.3, "start": "first_sync"}, "sgd", looking(lambda optimizer: TimmLookahead(optimizer, alpha=0.3, k=2)))
case("lookahead", {"k": 3, "start": "first_sync"}, "adamw_torch", looking(lambda optimizer: TimmLookahead(optimizer, k=3)))


def sharp(adaptive, rho):
    def run(model, _):
        optimizer = SAM(
            model.parameters(), torch.optim.SGD, rho=rho, adaptive=adaptive, lr=0.1, momentum=0.9, foreach=False
        )
        rows = []
        for t in range(STEPS):
            def give_own():
                for name, p in model.named_parameters():
                    g = GRADS[name][t]
                    p.grad = None if g is None else (p.detach() * torch.tensor(g)).clone()

            give_own()
            optimizer.first_step(zero_grad=True)
            uphill = params_of(model)
            give_own()
            optimizer.second_step(zero_grad=True)
            rows.append({"uphill": uphill, "params": params_of(model)})
        return rows

    return run


case("sam", {}, "sgd", sharp(False, 0.05))
case("sam", {"rho": 0.5, "adaptive": True}, "sgd", sharp(True, 0.5))


def averaged(**options):
    def run(model, optimizer):
        average = ModelEmaV3(model, foreach=False, **options)
        rows = []
        for t in range(STEPS):
            for name, p in model.named_parameters():
                p.grad = torch.tensor(GRADS["b" if name == "b" else name][t if name != "a" or t != 2 else 0])
            optimizer.step()
            average.update(model, step=t + 1)
            rows.append({"params": params_of(model), "point": params_of(average.module)})
        return rows

    return run


# With a gradient for every tensor in every step: timm's average of one that stands still goes on.
case("ema", {"decay": 0.9}, "sgd", averaged(decay=0.9), whole=True)
case("ema", {"decay": 0.6, "useWarmup": True, "warmupPower": 0.75, "minDecay": 0.45}, "adamw_torch",
     averaged(decay=0.6, use_warmup=True, warmup_power=0.75, min_decay=0.45), whole=True)
case("ema", {"decay": 0.8, "useWarmup": True, "updateAfterStep": 2, "warmupGamma": 2.0}, "sgd",
     averaged(decay=0.8, use_warmup=True, update_after_step=2, warmup_gamma=2.0), whole=True)


def scaling(bad, **options):
    def run(model, optimizer):
        scaler = torch.amp.GradScaler("cpu", **options)
        scaler.scale(torch.ones(()))
        taken = []
        step = optimizer.step
        optimizer.step = lambda: taken.append(step())
        rows = []
        for t in range(STEPS):
            give(model, t, scaler.get_scale())
            if t in bad:
                model.b.grad[1, 2] = float("nan" if t % 2 else "inf")
            scaler.step(optimizer)
            scaler.update()
            rows.append({"params": params_of(model), "scale": scaler.get_scale(), "applied": len(taken)})
        return rows

    return run


case("loss_scale", {"growthInterval": 2, "initScale": 16}, "sgd", scaling([3, 4, 6], growth_interval=2, init_scale=16.0), bad=[3, 4, 6])
case("loss_scale", {"initScale": 2.0**126, "growthFactor": 3, "backoffFactor": 0.25, "growthInterval": 1}, "sgd",
     scaling([0, 1, 2, 4], init_scale=2.0**126, growth_factor=3.0, backoff_factor=0.25, growth_interval=1), bad=[0, 1, 2, 4])


def layers():
    import timm

    model = timm.create_model("vit_tiny_patch16_224", pretrained=False, num_classes=10)
    names = [name for name, _ in model.named_parameters()]
    groups = param_groups_layer_decay(model, weight_decay=0.05, layer_decay=0.75)
    name_of = {id(p): name for name, p in model.named_parameters()}
    scales = {name_of[id(p)]: group["lr_scale"] for group in groups for p in group["params"]}
    return {"names": names, "scales": [scales[name] for name in names]}


record = {
    "shapes": SHAPES,
    "init": {name: short(x) for name, x in INIT.items()},
    "grads": {name: [None if g is None else short(g) for g in grads] for name, grads in GRADS.items()},
    "cases": cases,
    "layers": layers(),
}
(Path(__file__).parent / "transforms_record.json").write_text(json.dumps(record, separators=(",", ":")) + "\n")
