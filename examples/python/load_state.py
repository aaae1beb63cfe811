# A state that Glissade saved, writeSafetensors(optimizer.saveState()), in a model and an optimizer of PyTorch's: `load(model, optimizer, "state.safetensors")`.
import torch
from safetensors.torch import load_file


def load(model, optimizer, path):
    tensors, names, state = load_file(path), {p: name for name, p in model.named_parameters()}, {}
    with torch.no_grad():
        for i, parameter in enumerate(p for group in optimizer.param_groups for p in group["params"]):
            own = {key.rpartition(".")[2]: value for key, value in tensors.items() if key.rpartition(".")[0] == names[parameter]}
            parameter.copy_(tensors[names[parameter]])
            # Our counts and numbers are float64, PyTorch's float32; a parameter that has had no step has no state there.
            state[i] = {key: value.float() if value.dtype == torch.float64 else value for key, value in own.items()}
    started = {i: own for i, own in state.items() if own["step"] > 0}
    optimizer.load_state_dict({"state": started, "param_groups": optimizer.state_dict()["param_groups"]})
