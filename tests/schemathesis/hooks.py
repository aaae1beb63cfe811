"""What schemathesis cannot know of the service: tensors in files, and that points are asked for in exactly one way."""

import json
import struct

import schemathesis
from hypothesis import strategies as st

RECIPES = [
    {"optimizer": {"name": "adamw"}},
    {"optimizer": {"name": "adafactor"}, "transforms": [{"name": "clip_global_norm", "options": {"maxNorm": 1}}]},
    {"optimizer": {"name": "adamw_torch", "options": {"lr": 0.1}}, "groups": [{"match": {"glob": "b*"}, "options": {"lr": 1}}]},
    {"optimizer": {"name": "nobody"}},
]


def file(tensors, metadata):
    """A safetensors file of float32 tensors, given as (shape, values)."""
    header, data = {"__metadata__": metadata}, b""
    for name, (shape, values) in tensors.items():
        packed = struct.pack(f"<{len(values)}f", *values)
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [len(data), len(data) + len(packed)]}
        data += packed
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + data


@st.composite
def files(draw):
    tensors = {}
    for name in draw(st.lists(st.sampled_from(["a", "b", "b.c", "__proto__"]), min_size=1, unique=True)):
        rows, columns = draw(st.integers(0, 3)), draw(st.integers(1, 3))
        values = st.lists(st.floats(width=32), min_size=rows * columns, max_size=rows * columns)
        tensors[name] = ([rows, columns], draw(values))
        tensors[f"{name}.grad"] = ([rows, columns], draw(values))
    return file(tensors, {"recipe": json.dumps(draw(st.sampled_from(RECIPES)))})


broken = files().flatmap(lambda whole: st.integers(0, len(whole)).map(lambda end: whole[:end]))
schemathesis.openapi.media_type("application/vnd.safetensors", st.one_of(files(), broken))

FORMS = (("step",), ("steps",), ("from", "to", "every"))


@schemathesis.hook
def filter_query(ctx, query):
    """An empty object leaves nothing in a query: what is sent is then valid, though it was generated as wrong."""
    return {} not in (query or {}).values()


@schemathesis.hook
def map_query(ctx, query):
    """Keeps one way to ask for points where several were generated, all of them with valid values; adds one where there is none."""
    path = ctx.operation.path
    if not path.startswith(("/v1/schedules/", "/v1/curves")) or path.endswith("/facts") or ctx.operation.method.upper() != "GET":
        return query
    query = dict(query or {})
    given = [name for form in FORMS for name in form if name in query]
    if not all(valid(query[name]) for name in given):
        return query
    form = next((form for form in FORMS if all(name in query for name in form if name != "every")), None)
    kept = {name: value for name, value in query.items() if name not in given or form and name in form}
    if form is None:
        kept["step"] = 1
    if form == FORMS[2]:
        first, last = sorted((int(kept["from"]), int(kept["to"])))
        kept.update({"from": first, "to": min(last, first + 100)})
        if "every" in kept:
            kept["every"] = min(int(kept["every"]), 50)
    return kept


def valid(value):
    values = value if isinstance(value, list) else [value]
    return bool(values) and all(isinstance(one, (int, float)) and not isinstance(one, bool) and one == int(one) and 0 <= one < 2**53 for one in values)
