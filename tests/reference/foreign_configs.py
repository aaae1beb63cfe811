"""Makes foreign_configs.json: configurations as the libraries themselves write them, with the learning rates that they then train with.

    pip install torch==2.15.0 transformers==5.24.0 timm==1.0.31 keras==3.15.0 accelerate numpy
    python tests/reference/foreign_configs.py

Each case has what fromTrainingArguments, fromTorch, fromTimm or fromKeras takes, and what the library does with it at every update.
"""
import argparse
import json
import os
import warnings
from pathlib import Path

os.environ["KERAS_BACKEND"] = "torch"
warnings.filterwarnings("ignore")

import keras
import torch
from timm.scheduler import create_scheduler
from torch.optim import lr_scheduler as L
from torch.optim.swa_utils import SWALR
from transformers import TrainingArguments, get_scheduler

HERE = Path(__file__).parent


def parameter():
    return torch.nn.Parameter(torch.zeros(2, 2))


def plain(value):
    return json.loads(json.dumps(value, default=str).replace("-Infinity", '"-Infinity"').replace(": Infinity", ': "Infinity"'))


def run(optimizer, scheduler, steps, step=lambda scheduler, i: scheduler.step()):
    lrs, momentums = [], []
    for i in range(steps):
        group = optimizer.param_groups[0]
        lrs.append([group["lr"] for group in optimizer.param_groups])
        momentums.append(group["momentum"] if "momentum" in group else group.get("betas", [None])[0])
        optimizer.step()
        step(scheduler, i)
    moves = len(set(momentums)) > 1
    return {"lr": [list(of) for of in zip(*lrs)], **({"momentum": momentums} if moves else {})}


# ---- transformers

HF = {
    "the defaults": dict(max_steps=100),
    "cosine with a ratio": dict(max_steps=90, learning_rate=2e-5, weight_decay=0.01, lr_scheduler_type="cosine", warmup_steps=0.1),
    "a least rate": dict(max_steps=80, lr_scheduler_type="cosine_with_min_lr", lr_scheduler_kwargs={"min_lr_rate": 0.1}, warmup_steps=8),
    "warmup from above 0": dict(
        max_steps=80, lr_scheduler_type="cosine_warmup_with_min_lr", lr_scheduler_kwargs={"min_lr": 1e-6, "warmup_lr_rate": 0.2}, warmup_steps=8
    ),
    "warmup, stable, decay": dict(
        max_steps=80, lr_scheduler_type="warmup_stable_decay", lr_scheduler_kwargs={"num_decay_steps": 20, "decay_type": "1-sqrt"}, warmup_steps=8
    ),
    "polynomial": dict(max_steps=60, lr_scheduler_type="polynomial", lr_scheduler_kwargs={"lr_end": 1e-6, "power": 2.0}, warmup_steps=5),
    "restarts": dict(max_steps=60, lr_scheduler_type="cosine_with_restarts", lr_scheduler_kwargs={"num_cycles": 3}, warmup_steps=6),
    "inverse square root": dict(max_steps=60, lr_scheduler_type="inverse_sqrt", warmup_steps=10, adam_beta2=0.98, gradient_accumulation_steps=4),
    "constant": dict(max_steps=20, lr_scheduler_type="constant", max_grad_norm=0),
    "constant with a warmup, for Adafactor": dict(max_steps=40, lr_scheduler_type="constant_with_warmup", warmup_steps=10, optim="adafactor", learning_rate=1e-3),
    "SGD with momentum": dict(max_steps=40, optim="sgd", optim_args="momentum=0.9, nesterov=True", learning_rate=0.1),
}


def hf(kwargs):
    args = TrainingArguments("out", report_to=[], **kwargs)
    config = plain(args.to_dict())
    optimizer = torch.optim.SGD([parameter()], lr=args.learning_rate)
    scheduler = get_scheduler(
        args.lr_scheduler_type,
        optimizer,
        num_warmup_steps=args.get_warmup_steps(args.max_steps),
        num_training_steps=args.max_steps,
        scheduler_specific_kwargs=args.lr_scheduler_kwargs,
    )
    kept = {key: value for key, value in config.items() if value not in (None, False, [], {}, "") and "dir" not in key and "hub" not in key}
    return {"config": kept, **run(optimizer, scheduler, args.max_steps)}


# ---- torch

SGD = lambda **more: torch.optim.SGD([parameter()], **{"lr": 0.1, "momentum": 0.9, **more})
ADAMW = lambda **more: torch.optim.AdamW([parameter()], **{"lr": 1e-3, **more})
TORCH = {
    "StepLR": (SGD, lambda o: L.StepLR(o, 30), 100),
    "MultiStepLR": (SGD, lambda o: L.MultiStepLR(o, [30, 80, 80], gamma=0.3), 100),
    "ConstantLR": (SGD, lambda o: L.ConstantLR(o, 0.5, 10), 30),
    "LinearLR": (ADAMW, lambda o: L.LinearLR(o, 0.1, 1.0, 20), 40),
    "ExponentialLR": (ADAMW, lambda o: L.ExponentialLR(o, 0.97), 100),
    "PolynomialLR": (ADAMW, lambda o: L.PolynomialLR(o, 50, 2.0), 80),
    "CosineAnnealingLR": (ADAMW, lambda o: L.CosineAnnealingLR(o, 60, 1e-5), 60),
    "CosineAnnealingWarmRestarts": (ADAMW, lambda o: L.CosineAnnealingWarmRestarts(o, 10, 2, 1e-6), 100),
    "OneCycleLR": (SGD, lambda o: L.OneCycleLR(o, 0.5, total_steps=100), 100),
    "OneCycleLR in three phases, of Adam": (
        ADAMW,
        lambda o: L.OneCycleLR(o, 0.01, total_steps=90, three_phase=True, anneal_strategy="linear", div_factor=10, final_div_factor=100),
        90,
    ),
    "OneCycleLR without momentum": (lambda: SGD(momentum=0), lambda o: L.OneCycleLR(o, 0.5, total_steps=50, cycle_momentum=False), 50),
    "CyclicLR": (SGD, lambda o: L.CyclicLR(o, 0.01, 0.1, step_size_up=8, step_size_down=12, mode="triangular2"), 80),
    "CyclicLR in exp_range": (SGD, lambda o: L.CyclicLR(o, 0.01, 0.1, step_size_up=8, mode="exp_range", gamma=0.99, cycle_momentum=False), 60),
    "SWALR": (SGD, lambda o: SWALR(o, swa_lr=0.02, anneal_epochs=8), 20),
    "SequentialLR": (
        ADAMW,
        lambda o: L.SequentialLR(o, [L.LinearLR(o, 0.01, 1.0, 10), L.CosineAnnealingLR(o, 50)], [10]),
        60,
    ),
    "ChainedScheduler": (SGD, lambda o: L.ChainedScheduler([L.ConstantLR(o, 0.1, 10), L.ExponentialLR(o, 0.95)]), 60),
}


def torch_case(make, schedule, steps):
    optimizer = make()
    scheduler = schedule(optimizer)
    groups = plain([{key: value for key, value in group.items() if key != "params"} for group in optimizer.param_groups])
    config = {"class": type(scheduler).__name__, "state": plain(scheduler.state_dict()), "optimizer": type(optimizer).__name__, "groups": groups}
    return {"config": config, **run(optimizer, scheduler, steps)}


# ---- timm

TIMM = {
    "DeiT": dict(opt="adamw", lr=1e-3, weight_decay=0.05, sched="cosine", epochs=30, warmup_epochs=5, warmup_lr=1e-6, min_lr=1e-5, clip_grad=None),
    "on updates": dict(opt="lamb", lr=5e-3, weight_decay=0.01, sched="cosine", epochs=10, warmup_epochs=2, warmup_lr=1e-4, sched_on_updates=True),
    "a warmup in front": dict(opt="sgd", lr=0.5, sched="cosine", epochs=10, warmup_epochs=2, warmup_lr=0.01, warmup_prefix=True, min_lr=1e-3),
    "cycles": dict(opt="sgd", lr=0.5, sched="cosine", epochs=5, warmup_epochs=0, lr_cycle_limit=3, lr_cycle_mul=2.0, lr_cycle_decay=0.5),
    "steps": dict(opt="momentum", lr=0.1, sched="step", epochs=20, warmup_epochs=3, warmup_lr=1e-3, decay_epochs=6, decay_rate=0.2),
    "steps behind a warmup": dict(opt="momentum", lr=0.1, sched="step", epochs=12, warmup_epochs=3, warmup_lr=0.0, decay_epochs=4, warmup_prefix=True),
    "milestones": dict(opt="rmsprop", lr=0.1, sched="multistep", epochs=20, warmup_epochs=2, warmup_lr=1e-3, decay_milestones=[8, 14], decay_rate=0.1),
    "a power": dict(opt="adamw", lr=0.1, sched="poly", epochs=20, warmup_epochs=0, decay_rate=0.9, min_lr=1e-4),
    "warmup, stable, decay": dict(opt="adamw", lr=1e-3, sched="wsd", epochs=20, warmup_epochs=2, warmup_lr=1e-5, decay_epochs=5, min_lr=1e-5),
    "constant": dict(opt="adamw", lr=1e-3, sched="constant", epochs=6, warmup_epochs=2, warmup_lr=1e-5),
}
PER_EPOCH = 7


def timm_case(config):
    optimizer = torch.optim.SGD([parameter()], lr=config["lr"])
    scheduler, epochs = create_scheduler(argparse.Namespace(**config), optimizer, updates_per_epoch=PER_EPOCH)

    # As train.py does: step_update after each update, step after each epoch.
    def step(scheduler, i):
        scheduler.step_update(num_updates=i + 1)
        if (i + 1) % PER_EPOCH == 0:
            scheduler.step((i + 1) // PER_EPOCH)

    return {"config": config, "updatesPerEpoch": PER_EPOCH, **run(optimizer, scheduler, int(epochs) * PER_EPOCH, step)}


# ---- Keras

S = keras.optimizers.schedules
KERAS = {
    "CosineDecay": S.CosineDecay(1e-3, 40),
    "CosineDecay with a warmup": S.CosineDecay(0.0, 40, warmup_target=1e-3, warmup_steps=10),
    "CosineDecayRestarts": S.CosineDecayRestarts(1e-3, 10),
    "ExponentialDecay": S.ExponentialDecay(1e-3, 10, 0.9, staircase=True),
    "InverseTimeDecay": S.InverseTimeDecay(1e-3, 10, 0.5),
    "PiecewiseConstantDecay": S.PiecewiseConstantDecay([20, 40], [1e-3, 1e-4, 1e-5]),
    "PolynomialDecay": S.PolynomialDecay(1e-3, 40, 1e-5, power=2.0),
}


def keras_cases():
    for name, schedule in KERAS.items():
        lrs = [[float(schedule(step)) for step in range(60)]]
        serialized = plain(S.serialize(schedule))
        yield name, {"config": serialized, "lr": lrs}
        yield f"{name}, as older versions have it", {"config": {"class_name": serialized["class_name"], "config": serialized["config"]}, "lr": lrs}
        yield f"{name}, its configuration alone", {"config": {**serialized["config"], "name": type(schedule).__name__}, "lr": lrs}
    optimizer = keras.optimizers.Adam(KERAS["CosineDecay"], beta_2=0.98)
    lrs = [[float(KERAS["CosineDecay"](step)) for step in range(60)]]
    yield "Adam with CosineDecay", {"config": plain(keras.optimizers.serialize(optimizer)), "lr": lrs}


cases = [
    *({"from": "TrainingArguments", "name": name, **hf(kwargs)} for name, kwargs in HF.items()),
    *({"from": "torch", "name": name, **torch_case(*of)} for name, of in TORCH.items()),
    *({"from": "timm", "name": name, **timm_case(config)} for name, config in TIMM.items()),
    *({"from": "keras", "name": name, **case} for name, case in keras_cases()),
]
(HERE / "foreign_configs.json").write_text("[\n" + ",\n".join(json.dumps(case) for case in cases) + "\n]\n")
print(len(cases), "cases")
