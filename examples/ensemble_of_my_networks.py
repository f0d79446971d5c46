"""Networks of one's own, trained anywhere, as one small artefact and one ONNX file.

Run it as ``python examples/ensemble_of_my_networks.py``; it takes a few seconds.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn

import ensemble

SHAPE, CLASSES = (1, 8, 8), 10


class Net(nn.Module):
    """A small network; it answers logits, without a softmax."""

    def __init__(self, hidden: int = 24) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Flatten(), nn.Linear(64, hidden), nn.ReLU(), nn.Linear(hidden, CLASSES)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return (B, 10) logits of (B, 1, 8, 8) images in 0..1."""
        logits: torch.Tensor = self.layers(x)
        return logits


def trained(seed: int, images: NDArray[np.uint8], labels: NDArray[np.int64]) -> Net:
    """Return a network trained as its owner likes."""
    torch.manual_seed(seed)
    net = Net()
    x, y = torch.from_numpy(images) / 255, torch.from_numpy(labels)
    optimizer = torch.optim.Adam(net.parameters(), 0.01)
    for _ in range(60):
        optimizer.zero_grad()
        nn.functional.cross_entropy(net(x), y).backward()
        optimizer.step()
    return net


def main() -> None:
    """Train five networks, keep them as an ensemble, load it in both forms."""
    digits = load_digits()
    images = np.rint(digits.images * 255 / 16).astype(np.uint8)[:, None]  # (N, 1, 8, 8)
    X_train, X_test, y_train, y_test = train_test_split(images, digits.target, random_state=0)
    networks = [trained(seed, X_train, y_train) for seed in range(5)]

    model = ensemble.Ensemble(networks, classes=range(CLASSES), input_shape=SHAPE)
    print(f"{model}: accuracy {model.score(X_test, y_test):.4f}")
    print(f"per sample {model.cost_.flops:,} FLOPs, {model.cost_.params:,} parameters")

    with tempfile.TemporaryDirectory() as folder:
        model.save(Path(folder, "team"))
        # The folder keeps weights, not code: it is loaded with what builds the networks.
        name = model.description.members[0].arch
        again = ensemble.load(Path(folder, "team"), factories={name: lambda c, shape: Net()})
        assert (again.predict_proba(X_test) == model.predict_proba(X_test)).all()
        print(f"{name!r} loaded again: accuracy {again.score(X_test, y_test):.4f}")

        # The ONNX file needs neither code nor torch.
        model.export(Path(folder, "team.onnx"))
        onnx = ensemble.load(Path(folder, "team.onnx"))
        print(f"{onnx}: accuracy {onnx.score(X_test, y_test):.4f}")


if __name__ == "__main__":
    main()
