"""Exports models to ONNX with their gradients as outputs, so that they can be trained wherever onnxruntime runs.

The graph's inputs are the batch and the parameters, by their names in PyTorch; its outputs are the loss, what the model says, and `w.grad` for each
parameter w. Nothing of the parameters is in the file: who trains holds them. The optimizer is not in it either: that is Glissade.

    python3 -m venv .venv
    .venv/bin/pip install torch==2.15.0 onnx==1.23.2 onnxscript==0.7.2 onnxruntime==1.32.0 numpy
    .venv/bin/python examples/onnx/export.py digits             # or transformer, convolution, or several; into this folder or that after --out

How: torch.func.grad makes the gradient a function, make_fx writes it down as a graph of plain operations (its decompositions take the operations of
backward passes apart, of which ONNX has none), torch.onnx.export translates that. Each gradient of the exported graph, as onnxruntime computes it, is
held against autograd's on batches of 1, 8 and 33, where it was traced with 13; errors are relative to the tensor's largest
gradient, and beyond BOUND the script fails and leaves no file. What it found goes into gradients.json.

What was tried and lost: torch.export over torch.func.grad ("Cannot access data pointer of Tensor that doesn't have storage"), and tracing linear layers
as they are, which fixes the batch's size where their inputs have three dimensions: see PlainLinear.
"""

import argparse
import json
import os
import warnings
from collections import OrderedDict
from pathlib import Path

import numpy
import onnx
import onnxruntime
import torch
from torch import nn
from torch._decomp import core_aten_decompositions
from torch.func import functional_call, grad_and_value
from torch.fx.experimental.proxy_tensor import make_fx
from torch.overrides import TorchFunctionMode

BOUND = 1e-5
aten = torch.ops.aten


def convolution_backward(grad, x, weight, bias_sizes, stride, padding, dilation, transposed, output_padding, groups, mask):
    """The gradient of a convolution as convolutions: neither PyTorch's decompositions nor ONNX have it as an operation."""
    if transposed or groups != 1 or any(d != 1 for d in dilation):
        raise NotImplementedError("gradients of transposed, grouped or dilated convolutions are not written here")
    dims, kernel = list(range(2, x.dim())), weight.shape[2:]
    # What the stride left over at the end of each side, which belongs to no window.
    left = [(x.shape[d] + 2 * padding[d - 2] - kernel[d - 2]) % stride[d - 2] for d in dims]
    dx = dw = db = None
    if mask[0]:
        dx = aten.convolution(grad, weight, None, stride, padding, dilation, True, left, 1)
    if mask[1]:
        # Images are channels here, and channels images; the stride of the one convolution is the dilation of the other.
        dw = aten.convolution(x.transpose(0, 1), grad.transpose(0, 1), None, [1] * len(dims), padding, stride, False, [0] * len(dims), 1)
        for d in dims:
            dw = dw.narrow(d, 0, kernel[d - 2])
        dw = dw.transpose(0, 1)
    if mask[2]:
        db = grad.sum([0, *dims])
    return dx, dw, db


class PlainLinear(TorchFunctionMode):
    """Linear layers as products and sums: over three dimensions PyTorch's own fixes the batch's size while it is traced."""

    def __torch_function__(self, function, types, args=(), kwargs=None):
        if function is not nn.functional.linear:
            return function(*args, **(kwargs or {}))
        return self.linear(*args, **(kwargs or {}))

    def linear(self, input, weight, bias=None):
        product = input @ weight.t()
        return product if bias is None else product + bias


DECOMPOSITIONS = {**core_aten_decompositions(), aten.convolution_backward.default: convolution_backward}


def export_with_gradients(model, loss, batch, path):
    """Writes the graph of `loss(model(x, …), y)` and of its gradients. `batch` is an example: `{"x": tensor, "y": tensor}`, the last for the loss alone."""
    model.eval()
    parameters = {name: p.detach() for name, p in model.named_parameters()}
    *_, labels = batch

    def run(tensors, values):
        *inputs, y = values
        said = functional_call(model, tensors, tuple(inputs))
        return loss(said, y), said

    def step(*values):
        given, tensors = values[: len(batch)], dict(zip(parameters, values[len(batch) :]))
        grads, (value, said) = grad_and_value(run, has_aux=True)(tensors, given)
        return (value, said, *(grads[name] for name in parameters))

    values = (*batch.values(), *parameters.values())
    with PlainLinear():
        graph = make_fx(step, decomposition_table=DECOMPOSITIONS, tracing_mode="symbolic")(*values).eval()
    size = torch.export.Dim("batch")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            graph,
            values,
            dynamo=True,
            verbose=False,
            input_names=[*batch, *parameters],
            output_names=["loss", "said", *(f"{name}.grad" for name in parameters)],
            dynamic_shapes=[{0: size} if i < len(batch) else None for i in range(len(values))],
        )
    made = program.model_proto
    # Where in PyTorch each operation came from: nine tenths of a small file.
    for node in made.graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
    del made.graph.value_info[:], made.graph.metadata_props[:]
    for value in (*made.graph.input, *made.graph.output):
        del value.metadata_props[:]
    onnx.checker.check_model(made, full_check=True)
    onnx.save(made, path)


def largest_errors(model, loss, batch, path):
    """The largest error of each output, relative to its largest element; the graph by onnxruntime, the truth by autograd."""
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    feeds = {name: value.detach().numpy() for name, value in (*batch.items(), *model.named_parameters())}
    got = dict(zip((output.name for output in session.get_outputs()), session.run(None, feeds)))
    *inputs, y = batch.values()
    said = model(*inputs)
    value = loss(said, y)
    model.zero_grad()
    value.backward()
    want = {"loss": value, "said": said, **{f"{name}.grad": p.grad for name, p in model.named_parameters()}}
    assert list(got) == list(want), f"outputs are {list(got)}"
    errors = {}
    for name, tensor in want.items():
        expected = tensor.detach().numpy()
        assert got[name].shape == expected.shape and got[name].dtype == expected.dtype, name
        errors[name] = float(numpy.abs(got[name] - expected).max() / max(numpy.abs(expected).max(), 1e-30))
    return errors


def cross_entropy(said, y):
    """Labels come as int32, whose array in JavaScript is of plain numbers."""
    return nn.functional.cross_entropy(said.flatten(0, -2), y.flatten().long())


class Transformer(nn.Module):
    """Tokens in, the next token out: one block with four heads."""

    def __init__(self, tokens=29, width=32, length=16):
        super().__init__()
        self.tokens = nn.Embedding(tokens, width)
        self.places = nn.Parameter(torch.randn(length, width) * 0.02)
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.wide, self.narrow = nn.Linear(width, 2 * width), nn.Linear(2 * width, width)
        self.head = nn.Linear(width, tokens)

    def forward(self, x):
        h = self.tokens(x.long()) + self.places
        q, k, v = (part.unflatten(-1, (4, -1)).transpose(1, 2) for part in self.qkv(self.norm1(h)).chunk(3, -1))
        weights = (q @ k.transpose(-1, -2) * q.shape[-1] ** -0.5).masked_fill(torch.ones(16, 16, dtype=torch.bool).triu(1), -1e9).softmax(-1)
        h = h + self.out((weights @ v).transpose(1, 2).flatten(-2))
        h = h + self.narrow(nn.functional.gelu(self.wide(self.norm2(h))))
        return self.head(h)


def digits():
    """The network of examples/digits, with one hidden layer."""
    layers = [("layer1", nn.Linear(64, 256)), ("tanh", nn.Tanh()), ("layer2", nn.Linear(256, 10))]
    batch = lambda n: {"x": torch.rand(n, 64), "y": torch.randint(0, 10, (n,), dtype=torch.int32)}
    return nn.Sequential(OrderedDict(layers)), batch


def transformer():
    batch = lambda n: {name: torch.randint(0, 29, (n, 16), dtype=torch.int32) for name in "xy"}
    return Transformer(), batch


def convolution():
    """Images of 8 x 8; the second layer halves them, and its stride leaves a row over."""
    layers = [nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 16, 3, stride=2), nn.ReLU(), nn.Flatten(), nn.Linear(16 * 9, 10)]
    batch = lambda n: {"x": torch.rand(n, 1, 8, 8), "y": torch.randint(0, 10, (n,), dtype=torch.int32)}
    return nn.Sequential(*layers), batch


MODELS = {"digits": digits, "transformer": transformer, "convolution": convolution}


def main():
    here = Path(__file__).parent
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("models", nargs="+", choices=MODELS)
    arguments.add_argument("--out", type=Path, default=here, help="a folder for the files")
    given = arguments.parse_args()
    record = given.out / "gradients.json"
    found = json.loads(record.read_text()) if record.exists() else {}
    for name in given.models:
        torch.manual_seed(0)
        model, batch = MODELS[name]()
        path = given.out / f"{name}.onnx"
        export_with_gradients(model, cross_entropy, batch(13), path)
        runs = [largest_errors(model, cross_entropy, batch(n), path) for n in (1, 8, 33)]
        worst = {output: max(run[output] for run in runs) for output in runs[0]}
        print(f"{name}: {os.path.getsize(path)} bytes, largest relative error {max(worst.values()):.1e}")
        if max(worst.values()) > BOUND:
            path.unlink()
            raise SystemExit(f"{name}: beyond {BOUND}: {worst}")
        versions = {package.__name__: package.__version__.split("+")[0] for package in (torch, onnx, onnxruntime)}
        found[name] = {"versions": versions, "bound": BOUND, "errors": {output: float(f"{error:.1e}") for output, error in worst.items()}}
    record.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
