"""Records torch's fused Adam and AdamW on CPU: `python fused_adam.py > fused_adam.json`. Made with torch 2.15.0, ATEN_CPU_CAPABILITY=avx2, one thread."""
import itertools, json, os, sys
os.environ["ATEN_CPU_CAPABILITY"] = "avx2"
import torch

torch.set_num_threads(1)
dtypes = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
options = [
    {},
    {"lr": 0.05, "betas": [0.5, 0.75], "eps": 1e-3, "weight_decay": 0.1},
    {"lr": 0.01, "betas": [0.3, 0.9], "weight_decay": 0.02, "amsgrad": True},
    {"lr": 0.02, "weight_decay": 0.3, "maximize": True},
]
steps, size = 6, 48  # whole vectors: what is left over goes through scalar code there, which rounds otherwise in its last bit


def bits(tensor):
    raw = tensor.detach().view(torch.int32 if tensor.dtype == torch.float32 else torch.int16)
    return [x & (0xFFFFFFFF if tensor.dtype == torch.float32 else 0xFFFF) for x in raw.tolist()]


def run(name, dtype, given):
    torch.manual_seed(7)
    w = torch.nn.Parameter((torch.rand(size) * 4 - 2).to(dtypes[dtype]))
    grads = [((torch.rand(size) * 2 - 1) * 10 ** (k % 3 - 1)).to(dtypes[dtype]) for k in range(steps)]
    start = bits(w)
    optimizer = getattr(torch.optim, name)([w], fused=True, **given)
    params = []
    for grad in grads:
        w.grad = grad.clone()
        optimizer.step()
        params.append(bits(w))
    state = optimizer.state[w]
    return {
        "optimizer": name, "dtype": dtype, "options": given, "init": start, "grads": [bits(g) for g in grads], "params": params,
        "state": {key: bits(value) for key, value in state.items() if key != "step"},
    }


cases = [run(*case) for case in itertools.product(["AdamW", "Adam"], dtypes, options)]
json.dump({"torch": torch.__version__, "cases": cases}, sys.stdout, separators=(",", ":"))
