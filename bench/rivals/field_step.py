"""Any optimizer of torch, timm, pytorch_optimizer, schedulefree or transformers as a contestant: field_step.py THREADS PACKAGE.

A variant is a class with its arguments: `Lion:{"weight_decay":0.1}`. Where a class has `foreach`, it is on.
"""

import importlib
import inspect
import json
import sys
import warnings

import torch

from contestant import gradient_pool_once, refill, serve, values

threads, package = int(sys.argv[1]), sys.argv[2]
torch.set_num_threads(threads)
warnings.simplefilter("ignore")
MODULES = {"torch": "torch.optim", "timm": "timm.optim", "transformers": "transformers.optimization"}
module = importlib.import_module(MODULES.get(package, package))
own = "" if package == "torch" else f"{package} {importlib.import_module('importlib.metadata').version(package)}, "


class Prepared:
    def __init__(self, variant, shapes):
        name, _, arguments = variant.partition(":")
        cls, options = getattr(module, name), json.loads(arguments or "{}")
        if "foreach" in inspect.signature(cls.__init__).parameters:
            options["foreach"] = True
        self.pool = torch.from_numpy(gradient_pool_once())
        # The copy decides what malloc has freed before the first step, and with that what it keeps.
        self.params = [torch.nn.Parameter(torch.from_numpy(values(shape, 7).copy())) for shape in shapes]
        for p in self.params:
            p.grad = torch.zeros_like(p)
        # pytorch_optimizer's Muons ask each group which way it goes.
        groups = [{"params": self.params, "use_muon": True}] if package == "pytorch_optimizer" and name.endswith("Muon") else self.params
        self.optimizer = cls(groups, **{k: tuple(v) if isinstance(v, list) else v for k, v in options.items()})
        if hasattr(self.optimizer, "train"):
            self.optimizer.train()
        # Sophia's diagonal is given once; the steps that are timed draw none, as ours take what they were given.
        self.first = {"hessian": [torch.ones_like(p) for p in self.params]} if name.startswith("Sophia") else {}

    @torch.no_grad()
    def refill(self, k):
        refill(self.params, self.pool, k)

    def step(self):
        self.optimizer.step(**self.first)
        self.first = {}


serve(f"{own}torch {torch.__version__}", Prepared)
