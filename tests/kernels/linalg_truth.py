"""Writes linalg_truth.json: Q and eigenvalues of a few matrices, as numpy has them in float64.

    python tests/kernels/linalg_truth.py        numpy 2.4.6
"""
import json
import pathlib

import numpy as np

r = np.random.default_rng(7)


def symmetric(q, values):
    return (q * np.asarray(values)) @ q.T


def orthogonal(n):
    return np.linalg.qr(r.standard_normal((n, n)))[0]


f32 = lambda a: np.asarray(a, np.float32).astype(np.float64)
tall = {
    "square": r.standard_normal((5, 5)),
    "tall": r.standard_normal((9, 4)),
    "a column": r.standard_normal((6, 1)),
    "one number": np.array([[-3.0]]),
    "of side 17": r.standard_normal((17, 17)),
    "upper triangular": np.triu(r.standard_normal((6, 6))),
    "large": r.standard_normal((7, 5)) * 1e30,
    "small": r.standard_normal((7, 5)) * 1e-30,
}
own = {
    "random": symmetric(orthogonal(6), r.standard_normal(6)),
    "of side 19": symmetric(orthogonal(19), r.standard_normal(19)),
    "positive, over six digits": symmetric(orthogonal(8), 10.0 ** -np.arange(8)),
    "of rank 2": symmetric(orthogonal(9), [3, 1] + [0] * 7),
    "with equal eigenvalues": symmetric(orthogonal(8), [2, 2, 2, 5, 5, -1, -1, -1]),
    "a multiple of the identity": 3 * np.eye(5),
    "diagonal": np.diag([3.0, -1, 2, 2, 0, 7]),
    "tridiagonal": np.diag([2.0] * 9) - np.diag([1.0] * 8, 1) - np.diag([1.0] * 8, -1),
    "of two blocks": np.kron(np.eye(2), [[1.0, 2, 0], [2, 1, 1], [0, 1, 3]]),
    "two by two": np.array([[1.0, 2], [2, 1]]),
    "one number": np.array([[-2.0]]),
    "large": symmetric(orthogonal(5), [1, 2, 3, 4, 5]) * 1e30,
    "small": symmetric(orthogonal(5), [1, 2, 3, 4, 5]) * 1e-30,
}
truth = {"qr": [], "eigh": []}
for name, a in tall.items():
    a = f32(a)
    truth["qr"].append({"name": name, "shape": list(a.shape), "a": a.ravel().tolist(), "q": np.linalg.qr(a)[0].ravel().tolist()})
for name, a in own.items():
    a = f32((a + a.T) / 2)
    truth["eigh"].append({"name": name, "n": len(a), "a": a.ravel().tolist(), "values": np.linalg.eigvalsh(a).tolist()})
path = pathlib.Path(__file__).with_name("linalg_truth.json")
path.write_text("{\n" + ",\n".join(f'"{k}": [\n' + ",\n".join(json.dumps(c) for c in v) + "\n]" for k, v in truth.items()) + "\n}\n")
