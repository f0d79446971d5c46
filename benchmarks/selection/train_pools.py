"""Train the real pools once and keep their predictions, small enough for the tests.

    python benchmarks/selection/train_pools.py [--data-dir ../shared/data] [--out DIR]

Three pools of 40 multilayer perceptrons of mixed widths (as pruning to different sizes
leaves them), each member with its own seed: digits, MNIST, and MNIST learnt from 400
images only, where members err often. Probabilities are kept in steps of 1/255 and
re-normalised when read.
"""

from __future__ import annotations

import argparse
import warnings
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

HERE = Path(__file__).resolve().parents[2]
WIDTHS = ((40, 40), (24, 24), (16, 16), (12, 10))
MEMBERS = 40


def read_idx(path: Path) -> NDArray[np.uint8]:
    """Return the array in one IDX file of unsigned bytes."""
    raw = path.read_bytes()
    dims = raw[3]
    shape = [int.from_bytes(raw[4 + 4 * d : 8 + 4 * d], "big") for d in range(dims)]
    return np.frombuffer(raw, np.uint8, offset=4 + 4 * dims).reshape(shape)


def digits() -> tuple[NDArray, NDArray, NDArray, NDArray]:
    x, y = load_digits(return_X_y=True)
    return tuple(train_test_split(x / 16, y, train_size=500, stratify=y, random_state=0))


def mnist(data_dir: Path, train: int, held: int) -> tuple[NDArray, NDArray, NDArray, NDArray]:
    raw = data_dir / "MNIST" / "raw"
    x = read_idx(raw / "train-images-idx3-ubyte").reshape(60000, -1) / 255
    y = read_idx(raw / "train-labels-idx1-ubyte").astype(int)
    x, more, y, labels = train_test_split(x, y, train_size=train, stratify=y, random_state=0)
    _, test_x, _, test_y = train_test_split(
        more, labels, test_size=held, stratify=labels, random_state=0
    )
    return x, test_x, y, test_y


def pool(data: tuple[NDArray, NDArray, NDArray, NDArray]) -> tuple[NDArray, NDArray]:
    """Return (M, N, C) uint8 probabilities on the held-out part, and its labels."""
    train_x, held_x, train_y, held_y = data
    rows = []
    for member in range(MEMBERS):
        network = MLPClassifier(
            WIDTHS[member % len(WIDTHS)], max_iter=60, batch_size=32, random_state=member,
            learning_rate_init=2e-3,
        )  # fmt: skip
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            network.fit(train_x, train_y)
        rows.append(np.rint(255 * network.predict_proba(held_x)).astype(np.uint8))
        print(f"  member {member:2d} {(rows[-1].argmax(1) == held_y).mean():.4f}", flush=True)
    return np.stack(rows), held_y.astype(np.uint8)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir", type=Path, default=HERE.parent / "shared" / "data")
    parser.add_argument("--out", type=Path, default=HERE / "tests" / "selection" / "data")
    asked = parser.parse_args()
    jobs = {
        "digits": digits,
        "mnist-400": lambda: mnist(asked.data_dir, 400, 3000),
        "mnist": lambda: mnist(asked.data_dir, 4000, 4000),
    }
    asked.out.mkdir(parents=True, exist_ok=True)
    for name, data in jobs.items():
        print(name)
        p, y = pool(data())
        np.savez_compressed(asked.out / f"{name}.npz", probabilities=p, labels=y)


if __name__ == "__main__":
    main()
