"""What a user would write instead: one network, plain PyTorch, as many epochs as the time holds.

    python benchmarks/accuracy/plain_loop.py PARTS.npz ARCH SEED EPOCHS|SECONDSs [adamw|sgd]

Nothing of this project is imported. PARTS holds ``x_train``, ``y_train``, ``x_new`` and
``y_new`` (uint8 photos (N, 3, H, W), class indices), as `yardstick.py` writes them. Settings as
tutorials of today give them: AdamW 2e-3 with warm-up and cosine to the end, decay 0.05, crops,
mirror images and changes of light, label smoothing 0.1; with ``sgd`` a rate of 0.2, momentum 0.9
and decay 5e-4, which suits networks with batch norms better. Accuracy with and without mirrored
voting.
"""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from plain_networks import made
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

Loss = Callable[[nn.Module, Tensor, Tensor], Tensor]
"""Mean loss of a network on a batch of inputs and labels."""

BATCH, RATE, SMOOTHING, WARM_UP, PAD = 64, 2e-3, 0.1, 0.1, 4
RATES, DECAYS = {"adamw": RATE, "sgd": 0.2}, {"adamw": 0.05, "sgd": 5e-4}


def augmented(x: Tensor) -> Tensor:
    """Return the images mirrored, shifted and lit at random."""
    x = torch.where(torch.rand(len(x), 1, 1, 1) < 0.5, x.flip(3), x)
    padded, side = F.pad(x, (PAD,) * 4, mode="reflect"), x.shape[-1]
    corners = torch.randint(0, 2 * PAD + 1, (len(x), 2)).tolist()
    x = torch.stack([padded[i, :, a : a + side, b : b + side] for i, (a, b) in enumerate(corners)])
    return x * torch.empty(len(x), 1, 1, 1).uniform_(0.8, 1.2)


def smoothed_loss(network: nn.Module, inputs: Tensor, labels: Tensor) -> Tensor:
    """Return the mean loss of a batch."""
    return F.cross_entropy(network(inputs), labels, label_smoothing=SMOOTHING)


def train(
    network: nn.Module,
    x: Tensor,
    y: Tensor,
    epochs: int,
    loss_of: Loss = smoothed_loss,
    rate: float | None = None,
    by: str = "adamw",
) -> None:
    """Train in place; the rate comes down to zero at the end."""
    rate = RATES[by] if rate is None else rate
    mean, deviation = x.mean((0, 2, 3), keepdim=True), x.std((0, 2, 3), keepdim=True)
    optimizer = optimizer_of(network, rate, by)
    steps, step = epochs * math.ceil(len(x) / BATCH), 0
    network.train()
    for _ in range(epochs):
        for index in torch.randperm(len(x)).split(BATCH):
            done = step / steps
            turn = math.pi * (done - WARM_UP) / (1 - WARM_UP)
            share = done / WARM_UP if done < WARM_UP else (1 + math.cos(turn)) / 2
            optimizer.param_groups[0]["lr"] = rate * share
            inputs = ((augmented(x[index]) - mean) / deviation).contiguous(
                memory_format=torch.channels_last
            )
            loss = loss_of(network, inputs, y[index])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            step += 1


def optimizer_of(network: nn.Module, rate: float, by: str) -> torch.optim.Optimizer:
    """Return the optimizer of this name."""
    if by == "sgd":
        return torch.optim.SGD(network.parameters(), rate, momentum=0.9, weight_decay=DECAYS[by])
    return torch.optim.AdamW(network.parameters(), rate, weight_decay=DECAYS[by])


@torch.inference_mode()
def accuracies(network: nn.Module, x: Tensor, y: Tensor, trained_on: Tensor) -> tuple[float, float]:
    """Return the share of (N, 3, H, W) images classified right, and that with mirrored voting."""
    mean = trained_on.mean((0, 2, 3), keepdim=True)
    deviation = trained_on.std((0, 2, 3), keepdim=True)
    network.eval()
    plain, voted = [], []
    for part in x.split(250):
        inputs = (part - mean) / deviation
        shares = network(inputs).softmax(1)
        plain.append(shares.argmax(1))
        voted.append((shares + network(inputs.flip(3)).softmax(1)).argmax(1))
    hits = [float((torch.cat(found) == y).float().mean()) for found in (plain, voted)]
    return hits[0], hits[1]


def main(parts: Path, arch: str, seed: int, length: str, by: str = "adamw") -> None:
    """Train one network and print its accuracy on the new photos, and its processor time."""
    torch.set_num_threads(1)
    with np.load(parts, allow_pickle=False) as stored:
        x, new = (torch.tensor(stored[name]).float() / 255 for name in ("x_train", "x_new"))
        y, true = (torch.tensor(stored[name]) for name in ("y_train", "y_new"))
    begun = time.process_time()
    epochs = _epochs(arch, x, y, seed, length, by)
    network = made(arch, int(y.max()) + 1, seed)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    train(network, x, y, epochs, by=by)
    seconds = time.process_time() - begun
    plain, voted = accuracies(network, new, true, x)
    print(json.dumps({"seed": seed, "arch": arch, "epochs": epochs, "seconds": round(seconds, 1),
                      "accuracy": round(plain, 4), "mirrored": round(voted, 4)}),
          flush=True)  # fmt: skip


def _epochs(arch: str, x: Tensor, y: Tensor, seed: int, length: str, by: str) -> int:
    """Return the epochs asked for, or as many as the seconds hold, by the time of one warm one."""
    if not length.endswith("s"):
        return int(length)
    network = made(arch, int(y.max()) + 1, seed)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    train(network, x[:BATCH], y[:BATCH], 1, by=by)
    begun = time.process_time()
    train(network, x, y, 1, by=by)
    return max(2, round(float(length[:-1]) / (time.process_time() - begun)))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), *sys.argv[4:])
