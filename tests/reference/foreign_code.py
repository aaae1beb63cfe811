"""Makes foreign_code.json: the Python that recipes are written as, run with the real packages.

    pip install torch==2.15.0 transformers==5.24.0 accelerate numpy
    deno run -A tests/reference/foreign_code.ts | python tests/reference/foreign_code.py

Each case's code is run as it is, in front of a model with weights and biases; the learning rates and momentums of all groups are recorded at each update.
"""
import json
import sys
import warnings
from pathlib import Path

import torch
from transformers import TrainingArguments, get_scheduler

warnings.filterwarnings("ignore")


def run_torch(case):
    # "yours": two layers, so that groups can be told.
    code = case["code"].replace("model = torch.nn.Linear(8, 8)  # yours", "model = torch.nn.Sequential(torch.nn.Linear(8, 8), torch.nn.Linear(8, 8))")
    assert code != case["code"]
    space = {}
    exec(code, space)
    optimizer, scheduler = space["optimizer"], space.get("scheduler")
    every = case.get("stepsPerEpoch", 1)
    lrs, momentums = [], []
    for update in range(case["updates"]):
        lrs.append([group["lr"] for group in optimizer.param_groups])
        momentums.append([group["momentum"] if "momentum" in group else group.get("betas", [None])[0] for group in optimizer.param_groups])
        optimizer.step()
        if scheduler is not None and (update + 1) % every == 0:
            scheduler.step()
    groups = [
        {"names": [name for name, parameter in space["model"].named_parameters() if any(parameter is p for p in group["params"])],
         **{key: group[key] for key in ("weight_decay", "momentum", "nesterov", "betas") if key in group}}
        for group in optimizer.param_groups
    ]
    return {"lr": lrs, "momentum": momentums, "groups": groups}


def run_arguments(case):
    space = {}
    exec(case["code"], space)
    args = space["args"]
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=args.learning_rate)
    scheduler = get_scheduler(
        args.lr_scheduler_type,
        optimizer,
        num_warmup_steps=args.get_warmup_steps(args.max_steps),
        num_training_steps=args.max_steps,
        scheduler_specific_kwargs=args.lr_scheduler_kwargs,
    )
    lrs = []
    for _ in range(case["updates"]):
        lrs.append([optimizer.param_groups[0]["lr"]])
        optimizer.step()
        scheduler.step()
    kept = ("learning_rate", "weight_decay", "adam_beta1", "adam_beta2", "adam_epsilon", "max_grad_norm", "gradient_accumulation_steps", "max_steps",
            "warmup_steps", "lr_scheduler_type", "lr_scheduler_kwargs", "optim", "optim_args")
    return {"lr": lrs, "args": {key: value for key, value in args.to_dict().items() if key in kept and value is not None}}


records = []
for case in json.load(sys.stdin):
    ran = run_torch(case) if case["kind"] == "torch" else run_arguments(case)
    records.append({"kind": case["kind"], "name": case["name"], "code": case["code"], **ran})
Path(__file__).with_suffix(".json").write_text("[\n" + ",\n".join(json.dumps(record) for record in records) + "\n]\n")
print(len(records), "cases")
