"""Makes tests/reference/whole_matrices: SOAP, NorMuon, AdaMuon and APOLLO of pytorch_optimizer, of which golden/ has few cases or none.

    pip install torch==2.15.0 pytorch_optimizer==4.1.0
    python tests/reference/whole_matrices.py

The form is golden/README.md's; what field.py makes banks and files with makes these. Newton-Schulz runs in the parameter's dtype, as
in golden/: the library's own bfloat16 leaves two digits. Cases of `NorMuon_bf16` and `AdaMuon_bf16` are the libraries' own; how far PyTorch's plain kernels are
from its AVX2 kernels, which the script finds in a process of its own, says how near a result can be.
"""
import contextlib
import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

import field  # noqa: E402
from importlib.metadata import version  # noqa: E402

import numpy as np  # noqa: E402
import pytorch_optimizer as PO  # noqa: E402
import torch  # noqa: E402

from torch_run import Run, measure, precision  # noqa: E402

field.OUT = HERE / "whole_matrices"
field.STEPS, field.SNAPS, field.TRUTHS = 12, [1, 2, 3, 6, 12], [1, 2, 12]
field.BANKS = {b.name: b for b in [
    field.make_bank("matrices", {"a": (), "b": (5,), "c": (4, 3), "d": (3, 7), "e": (6, 6)}),
    field.make_bank("squares", {"b": (5,), "e": (6, 6), "f": (4, 4), "h": (9, 9)}),
    field.make_bank("folded", {"e": (4, 2, 2), "f": (2, 2, 1, 4)}),
    field.make_bank("squares_bf16", {"b": (5,), "e": (6, 6), "f": (4, 4)}, "bfloat16"),
]}
system = f"pytorch_optimizer-{version('pytorch_optimizer')}"
cases = field.Cases("optim/whole_matrices.json")
PLAIN = "--plain" in sys.argv
plain = {}
if not PLAIN:
    child = [sys.executable, __file__, "--plain"]
    plain = json.loads(subprocess.run(child, env={**os.environ, "ATEN_CPU_CAPABILITY": "default"}, check=True, capture_output=True, text=True).stdout)


@contextlib.contextmanager
def full_precision(*modules):
    """Newton-Schulz in the dtype of what it is given."""
    name = "zero_power_via_newton_schulz_5"
    kept = [getattr(m, name) for m in modules]
    for m, f in zip(modules, kept):
        setattr(m, name, lambda g, *a, f=f, **k: f(g, *a, **{**k, "dtype": g.dtype}))
    try:
        yield
    finally:
        for m, f in zip(modules, kept):
            setattr(m, name, f)


def case(item, nth, cls, options, bank, dtype="float32", groups=None, note=None):
    make = lambda tensors: cls(tensors, **options)  # noqa: E731
    groups = groups or [{"tensors": list(field.BANKS[bank].tensors)}]
    run, truth = (Run(field.BANKS[bank], d, groups, make, field.STEPS, field.SNAPS) for d in (dtype, "float64"))
    data = {**run.data(), "state": run.state, "params64": field.values({t: truth.params[t] for t in field.TRUTHS})}
    defaults = {k: v for k, v in run.opt.defaults.items() if k not in options and isinstance(v, (bool, int, float, str, tuple, list, type(None)))}
    args = {"bank": bank, "dtype": dtype, "steps": field.STEPS, "options": options, "defaults": defaults, "groups": groups}
    cases.add(f"matrices/{item}/{nth}", system, item, args, data, precision(run, truth), note)


def low_case(item, nth, cls, options):
    """A case in which Newton-Schulz iterates in bfloat16. In the other process: its parameters alone."""
    run = Run(field.BANKS["matrices"], "float32", both, lambda tensors: cls(tensors, **options), field.STEPS, field.SNAPS)
    id = f"matrices/{item}_bf16/{nth}"
    params = {str(t): {n: np.asarray(a).ravel().tolist() for n, a in p.items()} for t, p in run.params.items()}
    if PLAIN:
        plain[id] = params
        return
    defaults = {k: v for k, v in run.opt.defaults.items() if k not in options and isinstance(v, (bool, int, float, str, tuple, list, type(None)))}
    args = {"bank": "matrices", "dtype": "float32", "steps": field.STEPS, "options": options, "defaults": defaults, "groups": both}
    lists = lambda p: [np.array(a, dtype=np.float32) for a in p.values()]  # noqa: E731
    spread = {"params": {t: measure(lists(plain[id][t]), lists(p)) for t, p in params.items()}}
    cases.add(id, system, item, args, {**run.data(), "state": run.state}, None, "as the library does it: Newton-Schulz iteration in bfloat16")
    cases.entries[-1]["expects"] = {"file": cases.file, "outputs": ["params", "state"], "spread": spread}


d = dict
mats, vecs = ["c", "d", "e"], ["a", "b"]
both = [{"tensors": mats, "use_muon": True}, {"tensors": vecs, "use_muon": False}]
for i, options in enumerate([d(lr=0.02), d(lr=0.02, momentum=0.4, nesterov=False, use_adjusted_lr=True), d(lr=0.01, update_scale="match_rms", ns_coeffs="quintic")]):
    low_case("NorMuon", i, PO.NorMuon, {**options, "foreach": False})
for i, options in enumerate([d(lr=0.02), d(lr=0.02, betas=(0.4, 0.8), use_adjusted_lr=False), d(lr=0.01, ns_coeffs="polar_express")]):
    low_case("AdaMuon", i, PO.AdaMuon, {**options, "foreach": False})
if PLAIN:
    print(json.dumps(plain))
    sys.exit()
signs = "eigenvectors are unique only up to sign: compare params, GG and exp_avg_sq, not Q; QR is done in float32 also in the float64 run"
for i, (options, bank) in enumerate([
    (d(lr=0.01), "squares"),
    (d(lr=0.01, precondition_frequency=1, weight_decay=0.0), "squares"),
    (d(lr=0.02, precondition_frequency=2, maximize=True, normalize_gradient=True, betas=(0.9, 0.8)), "squares"),
    (d(lr=0.01, precondition_frequency=3, max_precondition_dim=4, betas=(0.4, 0.3), shampoo_beta=0.45), "matrices"),
    (d(lr=0.01, precondition_frequency=3, max_precondition_dim=4, merge_dims=True), "folded"),
    (d(lr=0.01, precondition_frequency=2, max_precondition_dim=1), "matrices"),
]):
    case("SOAP", i, PO.SOAP, options, bank, note=signs)
normuon, adamuon = (importlib.import_module(f"pytorch_optimizer.optimizer.muon.{n}") for n in ("normuon", "adamuon"))
with full_precision(normuon, adamuon):
    for i, options in enumerate([
        d(lr=0.02),
        d(lr=0.02, momentum=0.4, beta2=0.3, nesterov=False, weight_decay=0.1, use_adjusted_lr=True, adamw_wd=0.05),
        d(lr=0.01, momentum=0.8, update_scale="match_rms", ns_coeffs="quintic", weight_decay=0.1, weight_decouple=False, maximize=True, adamw_lr=0.01, adamw_betas=(0.8, 0.9)),
        d(lr=0.02, momentum=0.3, ns_steps=3, ns_coeffs="polar_express", eps=1e-4, adamw_eps=1e-3),
    ]):
        case("NorMuon", i, PO.NorMuon, {**options, "foreach": False}, "matrices", groups=both)
    for i, options in enumerate([
        d(lr=0.02),
        d(lr=0.02, betas=(0.4, 0.8), weight_decay=0.1, use_adjusted_lr=False, adamw_wd=0.05, adamw_betas=(0.3, 0.4)),
        d(lr=0.01, ns_coeffs="quintic", weight_decay=0.1, weight_decouple=False, maximize=True, adamw_lr=0.01, eps=1e-4),
    ]):
        case("AdaMuon", i, PO.AdaMuon, {**options, "foreach": False}, "matrices", groups=both)
for i, options in enumerate([
    d(lr=0.01),
    d(lr=0.01, betas=(0.4, 0.9), weight_decay=0.1, eps=1e-3),
    d(lr=0.01, weight_decay=0.1, weight_decouple=False, correct_bias=False, maximize=True),
    d(lr=0.01, weight_decay=0.01, fixed_decay=True),
]):
    case("APOLLO", i, PO.APOLLO, {**options, "foreach": False}, "matrices")
case("APOLLO", "bfloat16", PO.APOLLO, d(lr=0.01, weight_decay=0.1, foreach=False), "squares_bf16", "bfloat16")
cases.write()
