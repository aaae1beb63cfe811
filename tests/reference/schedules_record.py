"""Makes schedules_record.json: values of schedules whose originals the golden cases do not hold.

    pip install numpy optax==0.2.8
    pip download --no-deps timm==1.0.31 pytorch_optimizer==4.1.0 deepspeed==0.19.8 mesh-tensorflow==0.1.21 torch==2.7.1
    python tests/reference/schedules_record.py FOLDER      # in which these are unpacked

optax runs as it is, in float64. Of the others the files with the schedules run as they are, but without the rest of torch and TensorFlow, of which
they use little: an optimizer is its list of groups, and T5's four functions of TensorFlow are numpy's, in float32 as there.

Names and keyword arguments are the originals'; tests/plugins/recorded_schedules_test.ts says which of our options they are.
"""
import importlib.util
import json
import math
import sys
import types
from pathlib import Path

import jax

jax.config.update("jax_enable_x64", True)
import numpy as np
import optax

SOURCES = Path(sys.argv[1])
HERE = Path(__file__).parent


def module(name, **members):
    made = types.ModuleType(name)
    made.__dict__.update(members)
    sys.modules[name] = made
    return made


class Optimizer:
    def __init__(self, lrs):
        self.param_groups = [{"lr": lr, "params": []} for lr in lrs]

    def step(self):
        pass


def identity(*_, **__):
    return lambda function: function


torch = module("torch", inf=math.inf, Tensor=type("Tensor", (), {}), no_grad=identity, device=object, is_tensor=lambda _: False)
torch.__path__ = []
torch.optim = module("torch.optim", Optimizer=Optimizer)
torch.optim.__path__ = []
module("torch.optim.optimizer", Optimizer=Optimizer)
torch.nn = module("torch.nn", Module=object)
module("torch.utils").__path__ = []
module(
    "torch.utils._foreach_utils",
    _get_foreach_kernels_supported_devices=None,
    _group_tensors_by_device_and_dtype=None,
)


def load(name, path):
    spec = importlib.util.spec_from_file_location(name, next(SOURCES.glob(path)))
    made = importlib.util.module_from_spec(spec)
    sys.modules[name] = made
    spec.loader.exec_module(made)
    return made


def values(scheduler, steps, read):
    """Each group's lr at steps 0, 1, 2, ..., where `read` goes a step on."""
    rows = []
    for step in range(steps):
        read(scheduler, step)
        rows.append([group["lr"] for group in scheduler.optimizer.param_groups])
    return [list(column) for column in zip(*rows)]


cases = []


def record(name, kwargs, lrs, out):
    cases.append({"of": name, "kwargs": kwargs, "base": lrs, "lrs": out})


# torch: SWALR goes on from where it is.
load("torch.optim.lr_scheduler", "torch/optim/lr_scheduler.py")
swa_utils = load("torch.optim.swa_utils", "torch/optim/swa_utils.py")
for kwargs in [
    {"swa_lr": 0.05},
    {"swa_lr": [0.05, 0.002], "anneal_epochs": 7, "anneal_strategy": "linear"},
    {"swa_lr": 0.3, "anneal_epochs": 5, "anneal_strategy": "cos"},
    {"swa_lr": 0.01, "anneal_epochs": 1, "anneal_strategy": "linear"},
]:
    lrs = [0.1, 0.02]
    go = lambda scheduler, step: (scheduler.optimizer.step(), scheduler.step()) if step > 0 else None
    record("torch.optim.swa_utils.SWALR", kwargs, lrs, values(swa_utils.SWALR(Optimizer(lrs), **kwargs), 16, go))

# pytorch_optimizer: REX gives values, from step 1 on, since torch's constructor takes step 0.
rex = load("rex", "pytorch_optimizer/lr_scheduler/rex.py")
for kwargs in [{"total_steps": 20}, {"total_steps": 13, "max_lr": 0.3, "min_lr": 0.01}]:
    go = lambda scheduler, step: scheduler.step()
    scheduler = rex.REXScheduler(Optimizer([1.0]), **kwargs)
    record("pytorch_optimizer.REXScheduler", kwargs, [1.0], values(scheduler, 24, go))
    cases[-1]["steps"] = list(range(1, 25))

# DeepSpeed
log = types.SimpleNamespace(warning=lambda *_: None)
module("deepspeed").__path__ = []
module("deepspeed.utils", logger=log)
deepspeed = load("deepspeed_schedules", "deepspeed*/deepspeed/runtime/lr_schedules.py")
for kwargs in [
    {"total_num_steps": 50, "warmup_num_steps": 10},
    {"total_num_steps": 50, "warmup_num_steps": 10, "warmup_min_lr": 1e-4, "warmup_max_lr": 0.01},
    {"total_num_steps": 40, "warmup_num_steps": 12, "warmup_min_lr": 1e-4, "warmup_max_lr": 0.01, "warmup_type": "linear"},
    {"total_num_steps": 40, "warmup_num_steps": 1, "warmup_max_lr": 0.01},
    {"total_num_steps": 30, "warmup_num_steps": 12, "warmup_min_lr": [1e-4, 0.0], "warmup_max_lr": [0.01, 0.002]},
    {"total_num_steps": 8, "warmup_num_steps": 12, "warmup_max_lr": 0.01},
]:
    lrs = [0.1, 0.02]
    go = lambda scheduler, step: scheduler.step(step)
    record("deepspeed.WarmupDecayLR", kwargs, lrs, values(deepspeed.WarmupDecayLR(Optimizer(lrs), **kwargs), 60, go))

# timm
module("timm").__path__ = []
module("timm.scheduler").__path__ = []
load("timm.scheduler.scheduler", "timm/scheduler/scheduler.py")
timm = load("timm.scheduler.cosine_lr", "timm/scheduler/cosine_lr.py")
for kwargs in [
    {"t_initial": 20},
    {"t_initial": 20, "lr_min": 1e-3, "warmup_t": 5, "warmup_lr_init": 1e-4},
    {"t_initial": 20, "lr_min": 1e-3, "warmup_t": 5, "warmup_lr_init": 1e-4, "warmup_prefix": True},
    {"t_initial": 10, "lr_min": 1e-3, "cycle_limit": 3, "cycle_decay": 0.5},
    {"t_initial": 7, "cycle_limit": 3, "cycle_mul": 2.0, "cycle_decay": 0.5, "warmup_t": 3, "warmup_lr_init": 0.2, "warmup_prefix": True},
    {"t_initial": 20, "lr_min": 1e-3, "k_decay": 1.5},
]:
    lrs = [0.1, 0.02]
    go = lambda scheduler, step: scheduler.step(step)
    record("timm.CosineLRScheduler", kwargs, lrs, values(timm.CosineLRScheduler(Optimizer(lrs), **kwargs), 60, go))

# T5, as mesh-tensorflow has it
tf = types.SimpleNamespace(
    float32=np.float32,
    cast=lambda x, dtype: dtype(x),
    maximum=lambda a, b: np.maximum(np.float32(a), np.float32(b)),
    minimum=np.minimum,
    Tensor=object,
    math=types.SimpleNamespace(rsqrt=lambda x: np.float32(1) / np.sqrt(x)),
)
module("gin", configurable=lambda *a, **k: a[0] if a and callable(a[0]) else (lambda f: f), REQUIRED=None)
module("tensorflow").__path__ = []
module("tensorflow.compat").__path__ = []
sys.modules["tensorflow.compat"].v1 = tf
sys.modules["tensorflow.compat.v1"] = tf
t5 = load("t5_schedules", "mesh*/mesh_tensorflow/transformer/learning_rate_schedules.py")
for kwargs in [{}, {"warmup_steps": 100}, {"warmup_steps": 7}]:
    steps = [0, 1, 2, 6, 7, 8, 50, 99, 100, 101, 5000, 9999, 10000, 10001, 40000, 1000000]
    out = [float(t5.truncated_rsqrt(step, 1000, **kwargs)) for step in steps]
    cases.append({"of": "mesh_tensorflow.truncated_rsqrt", "kwargs": kwargs, "base": [1.0], "steps": steps, "lrs": [out]})

# optax, in float64
for kwargs in [
    {"interpolate_type": "linear", "init_value": 0.3, "boundaries_and_scales": {"10": 2.0, "25": 0.1}},
    {"interpolate_type": "cosine", "init_value": 0.3, "boundaries_and_scales": {"10": 2.0, "25": 0.1, "31": 0.5}},
    {"interpolate_type": "cosine", "init_value": 1.5, "boundaries_and_scales": {"1": 0.0}},
]:
    bounds = {int(step): scale for step, scale in kwargs["boundaries_and_scales"].items()}
    schedule = optax.piecewise_interpolate_schedule(kwargs["interpolate_type"], kwargs["init_value"], bounds)
    record("optax.piecewise_interpolate_schedule", kwargs, [1.0], [[float(schedule(step)) for step in range(40)]])
for kwargs in [
    {"init_value": 0.3, "decay_steps": 30, "exponent": 2.5},
    {"init_value": 0.3, "decay_steps": 30, "alpha": 0.1, "exponent": 0.5},
    {"init_value": 0.3, "decay_steps": 30, "alpha": 0.2},
]:
    schedule = optax.cosine_decay_schedule(**kwargs)
    record("optax.cosine_decay_schedule", kwargs, [1.0], [[float(schedule(step)) for step in range(40)]])

with open(HERE / "schedules_record.json", "w") as file:
    file.write("[\n" + ",\n".join(json.dumps(case) for case in cases) + "\n]\n")
print(len(cases), "cases")
