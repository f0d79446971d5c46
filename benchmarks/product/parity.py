"""torch, ONNX Runtime and the cascade with its threshold off: the same probabilities.

    python benchmarks/product/parity.py [inputs]

Over pools that mix architectures and widths, 2 to 200 classes, grey and colour.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np
from teams import heading, noise, random_team

import ensemble
from ensemble.cascade import NEVER, Cascade
from ensemble.combination import Combination
from ensemble.model import Ensemble

POOLS = [
    (("mlp-a", "mlp-a:100-50", "mlp-a:30-30-30"), 2, (1, 28, 28), 0.4),
    (("conv-b:16-24", "mlp-a", "conv-c4:8-8-16-16-32"), 10, (1, 16, 16), 0.5),
    (("conv-c:8-8-12-12-32", "conv-b:12-12"), 100, (3, 20, 12), 0.3),
    (("mlp-a:64", "conv-b:8-16", "conv-c:6-6-8-8-16"), 200, (3, 16, 16), 1.0),
]


def main(inputs: int) -> None:
    """Print the largest difference of each pool."""
    command = f"python benchmarks/product/parity.py {inputs}"
    print(heading("torch, ONNX Runtime and the cascade say the same", command))
    print(f"Largest difference of a probability on {inputs:,} inputs; allowed is 1e-5.\n")
    print("| pool | classes | input | ONNX Runtime | cascade, never stopping | same class |")
    print("|---|--:|---|--:|--:|---|")
    for archs, classes, shape, keep in POOLS:
        plain = random_team(archs, classes, shape, keep)
        order = tuple(range(len(archs)))
        team = Ensemble(
            plain.members,
            plain.classes_,
            shape,
            combination=Combination(temperature=1.3, cascade=Cascade(order, NEVER)),
        )
        x = noise(inputs, shape)
        torch_says = team.predict_proba(x)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "team.onnx")
            team.export(path)
            onnx_says = ensemble.load(path).predict_proba(x)
        cascade_says = team.set_params(cascade=True).predict_proba(x)
        top = np.sort(torch_says, 1)
        clear = top[:, -1] - top[:, -2] > 1e-5
        same = (torch_says.argmax(1) == onnx_says.argmax(1))[clear].all()
        print(
            f"| {', '.join(archs)} | {classes} | {'×'.join(map(str, shape))} "
            f"| {np.abs(torch_says - onnx_says).max():.1e} "
            f"| {np.abs(torch_says - cascade_says).max():.1e} "
            f"| {'all' if same else 'NOT all'} {clear.sum():,} that are clear |",
            flush=True,
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
