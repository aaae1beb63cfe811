"""Makes tests/reference/field: what other libraries' optimizers compute of which golden/ has no case.

    python -m venv a; a/bin/pip install torch==2.7.1 timm==1.0.31 pytorch_optimizer==4.1.0 jax==0.7.1 optax==0.2.8 "numpy<2"
    python -m venv b; b/bin/pip install tensorflow-cpu==2.15.1 keras==2.15.0 numpy==1.26.4
    a/bin/python tests/reference/field.py torch
    b/bin/python tests/reference/field.py tensorflow

The form is golden/README.md's, and golden/scripts does the recording: small banks, every case in float32 and once more in float64. Cases in 16 bits have
the float64 run too: only Kahan's sum and a few others are as good as their bits, so the runner holds them by their distance from the truth.
"""
import json
import os
import sys
from pathlib import Path

os.environ.update({"OMP_NUM_THREADS": "1", "ATEN_CPU_CAPABILITY": "avx2", "TF_CPP_MIN_LOG_LEVEL": "3", "TF_ENABLE_ONEDNN_OPTS": "0", "JAX_PLATFORMS": "cpu"})
HERE = Path(__file__).parent
OUT = HERE / "field"
sys.path.insert(0, str(HERE / "golden" / "scripts"))

import numpy as np  # noqa: E402

from common import Bank, bits16, clean, dumps, f32, measure, nums, round_to, write_json  # noqa: E402

SEED = 1307
SHAPES = {"a": (), "b": (3,), "c": (4, 3), "d": (2, 2, 3, 2)}
STEPS, SNAPS, TRUTHS = 12, [1, 2, 5, 12], [1, 12]


def make_bank(name, shapes, dtype="float32", holes=False):
    rng = np.random.default_rng([SEED, sum(name.encode())])
    tensors = {}
    for n, shape in shapes.items():
        mean = rng.standard_normal(shape) * 0.3
        tensors[n] = {
            "shape": shape,
            "init": round_to(f32(rng.standard_normal(shape)), dtype).reshape(shape),
            "grads": [round_to(f32(mean + rng.standard_normal(shape) * 0.5), dtype).reshape(shape) for _ in range(STEPS)],
        }
    if holes:  # a tensor whose gradients come late, one with gaps, one that never has any
        for n, missing in zip(tensors, [(0, 1, 2), (3, 4, 8), (), range(STEPS)]):
            for t in missing:
                tensors[n]["grads"][t] = None
    return Bank(name, dtype, STEPS, tensors)


BANKS = {b.name: b for b in [
    make_bank("field", SHAPES),
    make_bank("field_holes", SHAPES, holes=True),
    make_bank("field_matrices", {"a": (), "b": (5,), "c": (4, 3), "d": (2, 7)}),
    make_bank("field_bf16", {**SHAPES, "e": (40,)}, "bfloat16"),
    make_bank("field_f16", {**SHAPES, "e": (40,)}, "float16"),
    make_bank("field_matrices_bf16", {"a": (), "b": (5,), "c": (4, 3)}, "bfloat16"),
]}
LOW = {"bfloat16": "field_bf16", "float16": "field_f16"}


class Cases:
    """One data file and its lines of the manifest, beside those of the other environment."""

    def __init__(self, file):
        self.file, self.entries, self.data = file, [], {}

    def add(self, id, system, item, args, data, precision, note=None):
        assert id not in self.data, id
        self.data[id] = clean(data)
        entry = {"id": id, "system": system, "item": item, "args": clean(args), "expects": {"file": self.file, "outputs": list(data), "precision": precision}}
        self.entries.append({**entry, "note": note} if note else entry)

    def write(self):
        write_json(str(OUT / self.file), {"what": "as golden/optim/new.json"}, self.data)
        path = OUT / "manifest.json"
        others = [e for e in json.loads(path.read_text())["cases"] if e["expects"]["file"] != self.file] if path.exists() else []
        entries = sorted(others + self.entries, key=lambda e: e["expects"]["file"])
        path.write_text('{"format":1,"cases":[\n' + ",\n".join(dumps(e) for e in entries) + "\n]}\n")
        for bank in BANKS.values():
            bank.save(str(OUT))
        print(self.file, len(self.entries), "cases")


def values(params):
    return {str(t): {n: nums(a) for n, a in p.items()} for t, p in params.items()}


def low_bits(params, dtype):
    return {"params_bits": {str(t): {n: bits16(a, dtype) for n, a in p.items()} for t, p in params.items()}} if dtype in LOW else {}


# ------------------------------------------------------------------------------------------------------------------------ torch, timm, pytorch_optimizer
def torch_side():
    from importlib.metadata import version

    import pytorch_optimizer as PO
    import timm
    import timm.optim as TI

    from torch_run import Run, precision

    TS, PS = f"timm-{timm.__version__}", f"pytorch_optimizer-{version('pytorch_optimizer')}"
    cases = Cases("optim/field.json")

    def case(id, system, item, cls, options, bank="field", dtype="float32", groups=None, note=None):
        make = lambda tensors: cls(tensors, **options)  # noqa: E731
        groups = groups or [{"tensors": list(BANKS[bank].tensors)}]
        run, truth = (Run(BANKS[bank], d, groups, make, STEPS, SNAPS) for d in (dtype, "float64"))
        # A 16-bit run's compensations are what the float64 run has none of.
        state = {n: {k: v for k, v in slots.items() if dtype not in LOW or truth.state[n][k] is not None} for n, slots in run.state.items()}
        data = {**run.data(), "state": state, "params64": values({t: truth.params[t] for t in TRUTHS})}
        defaults = {k: v for k, v in run.opt.defaults.items() if k not in options and isinstance(v, (bool, int, float, str, tuple, list, type(None)))}
        args = {"bank": bank, "dtype": dtype, "steps": STEPS, "options": options, "defaults": defaults, "groups": groups}
        cases.add(id, system, item, args, data, precision(run, truth), note)

    def simple(lib, item, cls, variants, lows=("bfloat16", "float16"), bank="field", low_banks=LOW, foreach=True, holes=True):
        system, plain = {"timm": TS, "pytorch_optimizer": PS}[lib], {"foreach": False} if foreach else {}
        for i, options in enumerate(variants):
            case(f"field/{item}/{lib}/{i}", system, item, cls, {**options, **plain}, bank)
        if holes:
            case(f"field/{item}/{lib}/holes", system, item, cls, {**variants[-1], **plain}, "field_holes")
        for dtype in lows:
            case(f"field/{item}/{lib}/{dtype}", system, item, cls, {**variants[-1], **plain}, low_banks[dtype], dtype)

    d = dict
    simple("pytorch_optimizer", "Tiger", PO.Tiger, [d(lr=0.01), d(lr=0.02, beta=0.8, weight_decay=0.1, weight_decouple=False, maximize=True), d(lr=0.01, weight_decay=0.05, fixed_decay=True), d(lr=0.01, beta=0.9, weight_decay=0.1)])
    simple("timm", "AdaBelief", TI.AdaBelief, [d(lr=0.01), d(lr=0.01, rectify=False, amsgrad=True, weight_decay=0.1, decoupled_decay=False), d(lr=0.02, betas=(0.8, 0.9), eps=1e-8, weight_decay=0.01, fixed_decay=True), d(lr=0.01, betas=(0.9, 0.99), degenerated_to_sgd=False, amsgrad=True), d(lr=0.01, betas=(0.8, 0.9), eps=1e-6, weight_decay=0.1)])
    simple("pytorch_optimizer", "AdaBelief", PO.AdaBelief, [d(lr=0.01), d(lr=0.01, weight_decay=0.1, weight_decouple=False, ams_bound=True), d(lr=0.02, betas=(0.8, 0.9), rectify=True, weight_decay=0.1)], lows=(), holes=False)
    simple("timm", "LaProp", TI.LaProp, [d(lr=0.01), d(lr=0.01, caution=True, weight_decay=0.05), d(lr=0.02, betas=(0.8, 0.95), eps=1e-3, weight_decay=0.1)])
    simple("timm", "NvNovoGrad", TI.NvNovoGrad, [d(lr=0.05), d(lr=0.05, weight_decay=0.1, grad_averaging=True, amsgrad=True), d(lr=0.02, betas=(0.8, 0.9), eps=1e-3, weight_decay=0.1, decoupled_decay=True)], foreach=False)
    simple("pytorch_optimizer", "SM3", PO.SM3, [d(lr=0.1), d(lr=0.1, momentum=0.9), d(lr=0.05, momentum=0.8, beta=0.9, eps=1e-8, maximize=True)], bank="field_matrices", lows=("bfloat16",), low_banks={"bfloat16": "field_matrices_bf16"}, holes=False)
    simple("pytorch_optimizer", "StableAdamW", PO.StableAdamW, [d(lr=0.01), d(lr=0.02, betas=(0.8, 0.9), weight_decay=0.1, weight_decouple=False, eps=1e-3), d(lr=0.01, kahan_sum=False, weight_decay=0.0, maximize=True), d(lr=0.01, betas=(0.9, 0.95), weight_decay=0.1)])
    case("field/StableAdamW/pytorch_optimizer/bfloat16_plain", PS, "StableAdamW", PO.StableAdamW, d(lr=0.01, kahan_sum=False, foreach=False), "field_bf16", "bfloat16")
    simple("pytorch_optimizer", "DAdaptAdam", PO.DAdaptAdam, [d(lr=1.0, d0=1e-3), d(lr=0.5, d0=0.01, growth_rate=1.3, weight_decay=0.1), d(lr=1.0, d0=0.01, betas=(0.8, 0.95), bias_correction=True, weight_decay=0.1, weight_decouple=True), d(lr=1.0, d0=0.01, weight_decay=0.05, weight_decouple=True, fixed_decay=True)], lows=("bfloat16",))
    simple("timm", "Mars", TI.Mars, [d(lr=0.01), d(lr=0.01, mars_type="lion", weight_decay=0.1, caution=True), d(lr=0.01, gamma=0.1, optimize_1d=True, caution=True), d(lr=0.01, betas=(0.8, 0.95), weight_decay=0.1, lr_1d_factor=0.5, betas_1d=(0.7, 0.9))], lows=("bfloat16",), foreach=False)
    simple("pytorch_optimizer", "Yogi", PO.Yogi, [d(lr=0.02), d(lr=0.02, betas=(0.8, 0.9), initial_accumulator=0.01, weight_decay=0.1, weight_decouple=False, eps=1e-8), d(lr=0.02, weight_decay=0.1)], lows=("bfloat16",))
    simple("pytorch_optimizer", "Fromage", PO.Fromage, [d(lr=0.05), d(lr=0.1, p_bound=1.05, maximize=True)], lows=("bfloat16",))
    # Algorithms of the same names that are others' here: tests/reference/plugins has them.
    simple("pytorch_optimizer", "LaProp", PO.LaProp, [d(lr=0.01), d(lr=0.01, centered=True, steps_before_using_centered=3, ams_bound=True), d(lr=0.02, betas=(0.8, 0.95), eps=1e-3, weight_decay=0.1)], lows=())
    simple("pytorch_optimizer", "NovoGrad", PO.NovoGrad, [d(lr=0.05), d(lr=0.05, weight_decay=0.1, grad_averaging=True), d(lr=0.02, betas=(0.8, 0.9), eps=1e-3, weight_decay=0.1, weight_decouple=True)], lows=())
    simple("pytorch_optimizer", "MARS", PO.MARS, [d(lr=0.01), d(lr=0.01, mars_type="lion", weight_decay=0.1, cautious=True), d(lr=0.01, gamma=0.1, optimize_1d=True, ams_bound=True), d(lr=0.01, betas=(0.8, 0.95), weight_decay=0.1, lr_1d=0.02, betas_1d=(0.7, 0.9))], lows=())
    simple("pytorch_optimizer", "FTRL", PO.FTRL, [d(lr=0.05), d(lr=0.1, beta=0.5, lambda_1=0.3, lambda_2=0.1)], lows=())
    optax_side(cases)
    cases.write()


# ---------------------------------------------------------------------------------------------------------------------------------------------- optax
def optax_side(cases):
    import jax

    jax.config.update("jax_enable_x64", True)
    import jax.numpy as jnp
    import optax

    def run(bank, dtype, make):
        cast = lambda a: jnp.asarray(np.asarray(a), dtype)  # noqa: E731
        widen = lambda a: np.asarray(a, np.float64 if dtype == "float64" else np.float32)  # noqa: E731
        params = {n: cast(t["init"]) for n, t in bank.tensors.items()}
        optimizer = make()
        state, snaps = optimizer.init(params), {}
        for t in range(1, STEPS + 1):
            grads = {n: cast(b["grads"][t - 1]) for n, b in bank.tensors.items()}
            updates, state = optimizer.update(grads, state, params)
            params = optax.apply_updates(params, updates)
            if t in SNAPS:
                snaps[t] = {n: widen(p) for n, p in params.items()}
        return snaps, state, widen

    def slots_of(item, state):
        if item == "optax.yogi":
            return {"exp_avg": state[0].mu, "exp_avg_sq": state[0].nu}
        return {"previous_gradient": state[0].previous_gradient} if item == "optax.optimistic_gradient_descent" else {}

    def case(id, item, options, bank="field", dtype="float32"):
        make = lambda: getattr(optax, item.removeprefix("optax."))(**options)  # noqa: E731
        b = BANKS[bank]
        (snaps, state, widen), (truth, state64, widen64) = run(b, dtype, make), run(b, "float64", make)
        slots, slots64 = slots_of(item, state), slots_of(item, state64)
        saved = {n: {} for n in b.tensors}
        for key, tree in slots.items():
            for n, a in tree.items():
                a = widen(a)
                low = {"dtype": dtype, "bits": bits16(a, dtype)} if dtype in LOW else {}
                saved[n][key] = float(a) if a.ndim == 0 and not low else {"shape": list(a.shape), "data": nums(a), **low}
        precision = {"params": {str(t): measure(list(snaps[t].values()), list(truth[t].values())) for t in snaps}}
        if slots:
            pairs = [(widen(slots[k][n]), widen64(slots64[k][n])) for k in slots for n in b.tensors]
            precision["state"] = measure([x for x, _ in pairs], [y for _, y in pairs])
        args = {"bank": bank, "dtype": dtype, "steps": STEPS, "options": options, "defaults": {}, "groups": [{"tensors": list(b.tensors)}]}
        data = {"params": values(snaps), **low_bits(snaps, dtype), "state": saved, "params64": values({t: truth[t] for t in TRUTHS})}
        cases.add(id, f"optax-{optax.__version__}", item, args, data, precision)

    d = dict
    for item, variants in {
        "optax.yogi": [d(learning_rate=0.02), d(learning_rate=0.05, b1=0.8, b2=0.9, eps=1e-8)],
        "optax.fromage": [d(learning_rate=0.05), d(learning_rate=0.1, min_norm=1.5)],
        "optax.optimistic_gradient_descent": [d(learning_rate=0.1), d(learning_rate=0.05, alpha=0.7, beta=1.5)],
    }.items():
        name = item.removeprefix("optax.")
        for i, options in enumerate(variants):
            case(f"field/{name}/optax/{i}", item, options)
        case(f"field/{name}/optax/bfloat16", item, variants[-1], "field_bf16", "bfloat16")


# ----------------------------------------------------------------------------------------------------------------------------------------- TensorFlow
def tensorflow_side():
    import keras
    import tensorflow as tf

    cases = Cases("optim/ftrl.json")

    def run(bank, dtype, options):
        variables = {n: tf.Variable(t["init"], name=n, dtype=dtype) for n, t in bank.tensors.items()}
        optimizer = tf.keras.optimizers.Ftrl(**options, jit_compile=False)
        snaps, lrs = {}, []
        for t in range(1, STEPS + 1):
            lrs.append(np.float32(optimizer.learning_rate.numpy()))
            pairs = [(tf.constant(bank.tensors[n]["grads"][t - 1], dtype), v) for n, v in variables.items() if bank.tensors[n]["grads"][t - 1] is not None]
            optimizer.build(list(variables.values()))
            optimizer.apply_gradients(pairs)
            if t in SNAPS:
                snaps[t] = {n: v.numpy().copy() for n, v in variables.items()}
        order = list(variables)
        state = {n: {"accumulator": optimizer._accumulators[i].numpy(), "linear": optimizer._linears[i].numpy()} for i, n in enumerate(order)}
        return snaps, state, lrs

    def case(id, options, bank="field"):
        b = BANKS[bank]
        (snaps, state, lrs), (truth, state64, _) = run(b, tf.float32, options), run(b, tf.float64, options)
        flat = lambda s: [a for slots in s.values() for a in slots.values()]  # noqa: E731
        precision = {"params": {str(t): measure(list(snaps[t].values()), list(truth[t].values())) for t in snaps}, "state": measure(flat(state), flat(state64))}
        saved = {n: {k: {"shape": list(a.shape), "data": nums(a)} for k, a in slots.items()} for n, slots in state.items()}
        data = {"params": values(snaps), "state": saved, "params64": values({t: truth[t] for t in TRUTHS}), "lr": nums(np.array(lrs)), "iterations": STEPS}
        cases.add(id, f"keras-{keras.__version__}", "tf.keras.optimizers.Ftrl", {"bank": bank, "variables": list(b.tensors), "options": options, "steps": STEPS}, data, precision)

    d = dict
    for i, options in enumerate([
        d(learning_rate=0.05), d(learning_rate=0.1, l1_regularization_strength=0.3), d(learning_rate=0.1, learning_rate_power=0.0, l2_regularization_strength=0.1),
        d(learning_rate=0.05, learning_rate_power=-0.75, initial_accumulator_value=0.5, l2_shrinkage_regularization_strength=0.05),
        d(learning_rate=0.05, learning_rate_power=-1.0, beta=0.3, l1_regularization_strength=0.1, l2_regularization_strength=0.01),
        d(learning_rate=0.1, weight_decay=0.1, clipnorm=0.8), d(learning_rate=0.1, global_clipnorm=1.5), d(learning_rate=0.1, clipvalue=0.4, beta=0.5),
    ]):
        case(f"field/Ftrl/keras/{i}", options)
    case("field/Ftrl/keras/holes", d(learning_rate=0.1, l1_regularization_strength=0.1), "field_holes")
    cases.write()


if __name__ == "__main__":
    {"torch": torch_side, "tensorflow": tensorflow_side}[sys.argv[1]]()
