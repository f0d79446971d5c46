"""What a user would write instead: one network, plain PyTorch, as many epochs as the time holds.

    python benchmarks/accuracy/plain_loop.py OUT ARCH SEED EPOCHS|SECONDSs

Nothing of this project is used but the network's architecture. Settings as most tutorials of
today give them: AdamW 2e-3 with warm-up and cosine to the end, decay 0.05, crops, mirror
images and changes of light, label smoothing 0.1. It trains on four photos of five and leaves
the fifth alone, as whoever wants to know how good it is would.
"""

from __future__ import annotations

import json
import math
import sys
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from pruning.networks.architecture import build_network

BATCH, RATE, DECAY, SMOOTHING, WARM_UP, PAD = 64, 2e-3, 0.05, 0.1, 0.1, 4


def read(folder: Path) -> tuple[Tensor, Tensor]:
    """Return (N, 3, H, W) float32 in 0..1 and (N,) class indices."""
    names = sorted(path.name for path in folder.iterdir())
    files = [sorted((folder / name).iterdir()) for name in names]
    pixels = np.stack([np.asarray(Image.open(file)) for each in files for file in each])
    labels = torch.tensor([k for k, each in enumerate(files) for _ in each])
    return torch.tensor(pixels).permute(0, 3, 1, 2).float() / 255, labels


def augmented(x: Tensor) -> Tensor:
    """Return the images mirrored, shifted and lit at random."""
    x = torch.where(torch.rand(len(x), 1, 1, 1) < 0.5, x.flip(3), x)
    padded, side = F.pad(x, (PAD,) * 4, mode="reflect"), x.shape[-1]
    corners = torch.randint(0, 2 * PAD + 1, (len(x), 2)).tolist()
    x = torch.stack([padded[i, :, a : a + side, b : b + side] for i, (a, b) in enumerate(corners)])
    return x * torch.empty(len(x), 1, 1, 1).uniform_(0.8, 1.2)


def train(network: nn.Module, x: Tensor, y: Tensor, epochs: int) -> None:
    """Train in place; the rate comes down to zero at the end."""
    mean, deviation = x.mean((0, 2, 3), keepdim=True), x.std((0, 2, 3), keepdim=True)
    optimizer = torch.optim.AdamW(network.parameters(), RATE, weight_decay=DECAY)
    steps, step = epochs * math.ceil(len(x) / BATCH), 0
    network.train()
    for _ in range(epochs):
        for index in torch.randperm(len(x)).split(BATCH):
            done = step / steps
            turn = math.pi * (done - WARM_UP) / (1 - WARM_UP)
            share = done / WARM_UP if done < WARM_UP else (1 + math.cos(turn)) / 2
            optimizer.param_groups[0]["lr"] = RATE * share
            inputs = ((augmented(x[index]) - mean) / deviation).contiguous(
                memory_format=torch.channels_last
            )
            loss = F.cross_entropy(network(inputs), y[index], label_smoothing=SMOOTHING)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            step += 1


@torch.inference_mode()
def accuracy(network: nn.Module, x: Tensor, y: Tensor, trained_on: Tensor) -> float:
    """Return the share of (N, 3, H, W) images that are classified right."""
    mean = trained_on.mean((0, 2, 3), keepdim=True)
    deviation = trained_on.std((0, 2, 3), keepdim=True)
    logits = torch.cat([network.eval()((part - mean) / deviation) for part in x.split(250)])
    return float((logits.argmax(1) == y).float().mean())


def main(out: Path, arch: str, seed: int, length: str) -> None:
    """Train one network and print its accuracy on the new photos, and its processor time."""
    torch.set_num_threads(1)
    (x, y), (new, true) = read(out / "photos"), read(out / "new")
    kept = torch.randperm(len(x), generator=torch.Generator().manual_seed(0))[: len(x) * 4 // 5]
    x, y = x[kept], y[kept]
    begun = time.process_time()
    epochs = _epochs(arch, x, y, seed, length)
    network = build_network(arch, int(y.max()) + 1, tuple(x.shape[1:]), seed)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    torch.manual_seed(seed)
    train(network, x, y, epochs)
    seconds = time.process_time() - begun
    found = accuracy(network, new, true, x)
    print(json.dumps({"seed": seed, "arch": arch, "epochs": epochs, "seconds": round(seconds, 1),
                      "accuracy": round(found, 4)}), flush=True)  # fmt: skip


def _epochs(arch: str, x: Tensor, y: Tensor, seed: int, length: str) -> int:
    """Return the epochs asked for, or as many as the seconds hold."""
    if not length.endswith("s"):
        return int(length)
    network = build_network(arch, int(y.max()) + 1, tuple(x.shape[1:]), seed)
    begun = time.process_time()
    train(network.to(memory_format=torch.channels_last), x, y, 1)  # type: ignore[call-overload]
    return max(2, int(float(length[:-1]) / (time.process_time() - begun)))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4])
