"""Makes digits_record.json: the training run of examples/digits, in PyTorch.

    pip install torch==2.2.2 transformers==4.37.2 numpy==1.26.4
    python tests/reference/digits_record.py

The same network, initial weights, data order and recipe as examples/digits/train.ts, in float32 on one thread: transformers' AdamW and
get_linear_schedule_with_warmup, torch's clip_grad_norm_, gradients accumulated over micro-batches. Settings come from
examples/digits/training.json; what the two share beside it is the generator, which examples/digits/generator.ts puts in words.
"""
import gzip
import json
import math
import re
from pathlib import Path

import torch
import transformers
from torch.nn.functional import cross_entropy, linear
from transformers import AdamW, get_linear_schedule_with_warmup

HERE = Path(__file__).parent
EXAMPLE = HERE.parent.parent / "examples" / "digits"
RECORDED = 200
M32 = 2**32


class Generator:
    def __init__(self, seed):
        self.counter = seed % M32

    def next(self):
        self.counter = (self.counter + 0x9E3779B9) % M32
        x = self.counter
        x = (x ^ (x >> 16)) * 0x85EBCA6B % M32
        x = (x ^ (x >> 13)) * 0xC2B2AE35 % M32
        return x ^ (x >> 16)

    def below(self, n):
        return self.next() * n >> 32

    def within(self, bound):
        return (self.next() / M32 * 2 - 1) * bound


def read_digits():
    with gzip.open(EXAMPLE / "data" / "digits.csv.gz", "rt") as file:
        rows = torch.tensor([[int(value) for value in line.split(",")] for line in file])
    held_out = torch.arange(len(rows)) % 5 == 0
    pixels, labels = rows[:, :64].to(torch.float32) / 16, rows[:, 64]
    return (pixels[~held_out], labels[~held_out]), (pixels[held_out], labels[held_out])


def create_params(sizes, generator):
    params = {}
    for layer, (inputs, outputs) in enumerate(zip(sizes, sizes[1:]), start=1):
        bound = math.sqrt(6 / (inputs + outputs))
        weight = [[generator.within(bound) for _ in range(inputs)] for _ in range(outputs)]
        params[f"layer{layer}.weight"] = torch.tensor(weight, dtype=torch.float64).to(torch.float32).requires_grad_()
        params[f"layer{layer}.bias"] = torch.zeros(outputs, requires_grad=True)
    return params


def forward(params, x):
    layers = len(params) // 2
    for layer in range(1, layers + 1):
        x = linear(x, params[f"layer{layer}.weight"], params[f"layer{layer}.bias"])
        if layer < layers:
            x = torch.tanh(x)
    return x


def shuffled(count, generator):
    while True:
        order = list(range(count))
        for i in range(count - 1, 0, -1):
            j = generator.below(i + 1)
            order[i], order[j] = order[j], order[i]
        yield from order


def main():
    torch.set_num_threads(1)
    settings = json.loads((EXAMPLE / "training.json").read_text())
    recipe, updates, count = settings["recipe"], settings["updates"], settings["microBatch"]
    base = recipe["optimizer"]["options"]
    [no_decay] = recipe["groups"]
    every = recipe["accumulate"]["options"]["every"]
    [clip] = recipe["transforms"]

    (pixels, labels), (held_out_pixels, held_out_labels) = read_digits()
    generator = Generator(settings["seed"])
    params = create_params(settings["layers"], generator)
    order = shuffled(len(labels), generator)

    matched = [name for name in params if re.search(no_decay["match"], name)]
    optimizer = AdamW(
        [
            {"params": [params[name] for name in matched], "weight_decay": no_decay["options"]["weightDecay"]},
            {"params": [params[name] for name in params if name not in matched]},
        ],
        lr=base["lr"],
        betas=tuple(base["betas"]),
        eps=base["eps"],
        weight_decay=base["weightDecay"],
        no_deprecation_warning=True,
    )
    schedule = recipe["schedules"]["lr"]["options"]
    scheduler = get_linear_schedule_with_warmup(optimizer, schedule["numWarmupSteps"], schedule["numTrainingSteps"])

    losses, norms = [], []
    for _ in range(updates):
        optimizer.zero_grad()
        total = 0.0
        for _ in range(every):
            batch = torch.tensor([next(order) for _ in range(count)])
            loss = cross_entropy(forward(params, pixels[batch]), labels[batch])
            (loss / every).backward()
            total += loss.item()
        norms.append(torch.nn.utils.clip_grad_norm_(params.values(), clip["options"]["maxNorm"]).item())
        optimizer.step()
        scheduler.step()
        losses.append(total / every)

    with torch.no_grad():
        correct = (forward(params, held_out_pixels).argmax(1) == held_out_labels).sum().item()
    record = {
        "torch": torch.__version__.split("+")[0],
        "transformers": transformers.__version__,
        "settings": settings,
        "heldOutAccuracy": correct / len(held_out_labels),
        "clippedUpdates": sum(norm > clip["options"]["maxNorm"] for norm in norms[:RECORDED]),
        "losses": losses[:RECORDED],
    }
    (HERE / "digits_record.json").write_text(json.dumps(record, indent=2) + "\n")
    print(f"{record['clippedUpdates']} of {RECORDED} updates clipped, last loss {losses[-1]:.4f}")
    print(f"held-out accuracy {100 * record['heldOutAccuracy']:.2f} %")


main()
