"""Makes recipe_curves.json: the learning rates of the configurations behind examples/recipes, by their own formulas.

    pip install torch==2.15.0 timm==1.0.31 transformers==5.24.0 numpy
    python tests/reference/recipe_curves.py

Where a package can be installed, it computes: timm for Swin's and DeiT's, transformers for T5's and BERT's. The others are projects and not packages; their formulas stand
here once more, each with the file that it is from:

- karpathy/nanoGPT, train.py, get_lr (commit 005475c4cfb8): linear from 0, half a cosine to min_lr, which stays.
- allenai/OLMo, olmo/optim.py, CosWithWarmup and LinearWithWarmup: linear from a tenth; half a cosine, or a line, to alpha_f of the top.
- facebookresearch/fairseq, optim/lr_scheduler/inverse_square_root_schedule.py (commit 07665ac83232), with warmup_init_lr 0.
- microsoft/DeepSpeed, runtime/lr_schedules.py, WarmupDecayLR with warmup_type "log".
"""
import argparse
import json
import math
from pathlib import Path

import torch
from timm.scheduler import create_scheduler
from timm.scheduler.cosine_lr import CosineLRScheduler
from transformers import TrainingArguments, get_constant_schedule_with_warmup, get_scheduler

HERE = Path(__file__).parent
RECIPES = HERE.parent.parent / "examples" / "recipes"


def optimizer(lr):
    return torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=lr)


def nanogpt(it, top=6e-4, least=6e-5, warmup=2000, end=600000):
    if it < warmup:
        return top * it / warmup
    if it > end:
        return least
    ratio = (it - warmup) / (end - warmup)
    return least + 0.5 * (1.0 + math.cos(math.pi * ratio)) * (top - least)


def olmo_warmup(top, step, warmup):
    return top * (0.1 + 0.9 * min(step, warmup) / warmup)


def olmo_1b(step, top=4e-4, warmup=2000, end=739328):
    if step < warmup:
        return olmo_warmup(top, step, warmup)
    least = top * 0.1
    if step >= end:
        return least
    return least + (top - least) * (1 + math.cos(math.pi * (step - warmup) / (end - warmup))) / 2


def olmo_7b(step, top=3e-4, warmup=5000, end=476837):
    if step < warmup:
        return olmo_warmup(top, step, warmup)
    least = top * 0.1
    if step >= end:
        return least
    return top - (top - least) * ((step - warmup) / (end - warmup))


def swin_tiny():
    scheduler = CosineLRScheduler(
        optimizer(1e-3), t_initial=350280, lr_min=1e-5, warmup_lr_init=1e-6, warmup_t=25020, cycle_limit=1, t_in_epochs=False,
        warmup_prefix=True,
    )
    return lambda step: scheduler._get_lr(step)[0]


def fairseq_iwslt14(update, top=5e-4, warmup=4000):
    if update < warmup:
        return update * (top / warmup)
    return top * warmup**0.5 * update**-0.5


def deepspeed_warmup_decay(step, least=0, top=1e-4, warmup=1000, total=100000):
    if step < warmup:
        gamma = 1.0 / math.log(warmup) * math.log(step + 1)
    else:
        gamma = max(0.0, float(total - step) / float(max(1.0, total - warmup)))
    return least + (top - least) * gamma


def t5_adafactor():
    scheduler = get_constant_schedule_with_warmup(optimizer(1e-3), 1000)
    return lambda step: 1e-3 * scheduler.lr_lambdas[0](step)


def deit_small():
    args = argparse.Namespace(
        sched="cosine", epochs=300, min_lr=1e-5, warmup_lr=1e-6, warmup_epochs=5, cooldown_epochs=10, decay_epochs=30, decay_rate=0.1, lr_noise=None
    )
    scheduler, epochs = create_scheduler(args, optimizer(1e-3))
    assert epochs == 310
    return lambda step: scheduler._get_lr(step // 1251)[0]


def bert_mrpc():
    args = TrainingArguments("out", learning_rate=2e-5, report_to=[])
    scheduler = get_scheduler(args.lr_scheduler_type, optimizer(args.learning_rate), args.get_warmup_steps(345), 345)
    return lambda step: args.learning_rate * scheduler.lr_lambdas[0](step)


CURVES = {
    "deit_small": deit_small(),
    "bert_mrpc": bert_mrpc(),
    "nanogpt": nanogpt,
    "olmo_1b": olmo_1b,
    "olmo_7b": olmo_7b,
    "swin_tiny": swin_tiny(),
    "fairseq_iwslt14": fairseq_iwslt14,
    "deepspeed_warmup_decay": deepspeed_warmup_decay,
    "t5_adafactor": t5_adafactor(),
}


def steps_of(updates):
    shares = sorted({int(updates * i / 24) for i in range(24)})
    near = [0, 1, 2, 10, 100, 999, 1000, 1001, 1999, 2000, 2001, 3999, 4000, 4001, 4999, 5000, 25019, 25020, 25021]
    return sorted({*shares, *(s for s in near if s < updates), updates - 1})


record = {}
for name, curve in CURVES.items():
    steps = steps_of(json.loads((RECIPES / f"{name}.json").read_text())["updates"])
    record[name] = {"steps": steps, "lr": [curve(step) for step in steps]}
(HERE / "recipe_curves.json").write_text(json.dumps(record) + "\n")
