"""A checkpoint of transformers' Trainer: `python pytorch_trainer.py FOLDER`, with torch 2.15, transformers 5.24 and accelerate.

A tiny BERT learns for 3 steps; FOLDER gets checkpoint-3, without the pickles that nobody reads, and trainer.json: the parameters' names in the model's order, the
learning rates of the steps to come, and the parameters after 3 more steps with gradients of a formula.
"""
import json
import sys
from pathlib import Path

import torch
from transformers import BertConfig, BertForSequenceClassification, Trainer, TrainingArguments

folder = Path(sys.argv[1])
torch.set_num_threads(1)
torch.manual_seed(0)
config = BertConfig(vocab_size=8, hidden_size=4, num_hidden_layers=1, num_attention_heads=1, intermediate_size=6, max_position_embeddings=6, num_labels=2)
model = BertForSequenceClassification(config)
data = [{"input_ids": torch.tensor([1, 2 + i % 5, 3]), "labels": torch.tensor(i % 2)} for i in range(12)]
args = TrainingArguments(output_dir=str(folder), per_device_train_batch_size=4, max_steps=10, save_steps=3, learning_rate=0.01, weight_decay=0.1, warmup_steps=5,
                         report_to=[], use_cpu=True, seed=0, logging_steps=1, disable_tqdm=True)


class Stop(Exception):
    pass


class Short(Trainer):
    def _save_checkpoint(self, *given, **named):
        super()._save_checkpoint(*given, **named)
        raise Stop


trainer = Short(model=model, args=args, train_dataset=data)
try:
    trainer.train()
except Stop:
    pass
checkpoint = folder / "checkpoint-3"
for path in checkpoint.iterdir():
    if path.name not in ("model.safetensors", "optimizer.pt", "scheduler.pt", "trainer_state.json"):
        path.unlink()

# Three more steps from what was saved.
names = [name for name, parameter in model.named_parameters() if parameter.requires_grad]
parameters = dict(model.named_parameters())
optimizer, scheduler = trainer.optimizer, trainer.lr_scheduler
lrs = []
for t in range(4, 7):
    for i, name in enumerate(names):
        p = parameters[name]
        p.grad = ((torch.arange(p.numel()) * 7 + 3 * i + t) % 11 - 5).to(torch.float32).reshape(p.shape) / 64
    lrs.append([group["lr"] for group in optimizer.param_groups])
    optimizer.step()
    scheduler.step()
(folder / "trainer.json").write_text(json.dumps({"names": names, "lrs": lrs, "after": {name: parameters[name].detach().flatten().tolist() for name in names}}) + "\n")
