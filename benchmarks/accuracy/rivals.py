"""What else one could do with the FLOPs of one network, in the same table as the team.

    python benchmarks/accuracy/rivals.py WORK RUN SEED [--epochs 164] [--only packed,mimo]

WORK is where `yardstick.py` left the parts and the run RUN of this seed (``conv-c4``). By the plain
loop's recipe, each for as many epochs as a pruned member has seen, each about as costly in use as
one whole network: one network alone; one distilled from all whole networks of the run (soft
targets of temperature 2, weight 0.9; Hinton et al. 2015); a Packed-Ensemble of 4 (α = 2; Laurent
et al. 2023); a BatchEnsemble of 4 (Wen et al. 2020) and four networks apart, at half of the
widths each; MIMO of 3 (Havasi et al. 2021). Packed and batched layers are torch-uncertainty's,
which wants an environment of its own: ``pip install torch-uncertainty lightning timm``; without
it they are left out. A line for each stands in results/benchmarks/rivals.jsonl, and is not
measured again.
"""

from __future__ import annotations

import argparse
import csv
import functools
import importlib.util
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from plain_loop import SMOOTHING, Loss, accuracies, smoothed_loss, train
from plain_networks import conv_c4
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812
from torch.utils.flop_counter import FlopCounterMode

RESULTS = Path(__file__).resolve().parents[2] / "results" / "benchmarks" / "rivals.jsonl"
LAYERS = ("conv1", "conv2", "conv3", "conv4", "fc", "output")
TEMPERATURE, TAUGHT = 2.0, 0.9
WIDTHS, DENSE = (64, 64, 128, 128), 256
HALF, HALF_DENSE = (32, 32, 64, 64), 128


class Voting(nn.Module):
    """A network whose outputs are several members' answers, voting by their mean shares."""

    def __init__(self, body: nn.Module, members: int, copies: int = 1, stacked: int = 1) -> None:
        super().__init__()
        self.body, self.members = body, members
        self._copies, self._stacked = copies, stacked

    def answers(self, inputs: Tensor) -> Tensor:
        """Return (M, B, C) logits of (B, …) inputs, or of (B, M × 3, H, W) stacked ones."""
        found: Tensor = self.body(inputs.repeat(self._copies, 1, 1, 1))
        if self._stacked > 1:
            return found.unflatten(1, (self.members, -1)).transpose(0, 1)
        return found.unflatten(0, (self.members, -1))

    def forward(self, inputs: Tensor) -> Tensor:
        """Return (B, C) logarithms of the members' mean shares."""
        asked = inputs.repeat(1, self._stacked, 1, 1)
        return self.answers(asked).softmax(-1).mean(0).log()


class Apart(nn.Module):
    """Members that share nothing, their answers one after another."""

    def __init__(self, members: Sequence[nn.Module]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)

    def forward(self, inputs: Tensor) -> Tensor:
        """Return (M × B, C) logits."""
        return torch.cat([member(inputs) for member in self.members])


def each_by_itself(network: nn.Module, inputs: Tensor, labels: Tensor) -> Tensor:
    """Return the members' mean loss on one batch."""
    assert isinstance(network, Voting)
    found = network.answers(inputs).flatten(0, 1)
    return F.cross_entropy(found, labels.repeat(network.members), label_smoothing=SMOOTHING)


def each_on_its_own_images(network: nn.Module, inputs: Tensor, labels: Tensor) -> Tensor:
    """Return the mean loss of MIMO's members, each with the batch in an order of its own."""
    assert isinstance(network, Voting)
    orders = torch.stack([torch.randperm(len(inputs)) for _ in range(network.members)])
    found = network.answers(torch.cat([inputs[order] for order in orders], dim=1))
    return F.cross_entropy(found.flatten(0, 1), labels[orders].flatten(), label_smoothing=SMOOTHING)


def taught(
    teachers: Sequence[nn.Module], network: nn.Module, inputs: Tensor, labels: Tensor
) -> Tensor:
    """Return the mean loss of who learns from labels and from the teachers' mean shares."""
    with torch.no_grad():
        shares = [(teacher(inputs) / TEMPERATURE).softmax(1) for teacher in teachers]
    logits = network(inputs)
    by_labels = F.cross_entropy(logits, labels, label_smoothing=SMOOTHING)
    by_teachers = F.cross_entropy(logits / TEMPERATURE, torch.stack(shares).mean(0))
    return (1 - TAUGHT) * by_labels + TAUGHT * TEMPERATURE**2 * by_teachers


def convolutions(
    conv: Callable[..., nn.Module],
    dense: Callable[..., nn.Module],
    classes: int,
    widths: Sequence[int] = WIDTHS,
    hidden: int = DENSE,
) -> nn.Sequential:
    """Return conv-c4 of such layers; the first and the last are told that they are."""
    layers: list[nn.Module] = []
    before = 3
    for index, width in enumerate(widths):
        layers += [conv(before, width, index == 0), nn.ReLU(), nn.MaxPool2d(2)]
        before = width
    layers += [nn.Flatten(), dense(before * 4, hidden, False), nn.ReLU()]
    return nn.Sequential(*layers, dense(hidden, classes, True))


def packed(classes: int) -> nn.Module:
    """Return a Packed-Ensemble of four."""
    from torch_uncertainty.layers import PackedConv2d, PackedLinear

    def conv(a: int, b: int, first: bool) -> nn.Module:
        return PackedConv2d(a, b, 3, alpha=2, num_estimators=4, padding=1, first=first)  # type: ignore[no-any-return]

    def dense(a: int, b: int, last: bool) -> nn.Module:
        return PackedLinear(a, b, alpha=2, num_estimators=4, last=last)  # type: ignore[no-any-return]

    return Voting(convolutions(conv, dense, classes), 4)


def batched(classes: int) -> nn.Module:
    """Return a BatchEnsemble of four at half of the widths, which take four passes."""
    from torch_uncertainty.layers import BatchConv2d, BatchLinear

    body = convolutions(
        lambda a, b, _: BatchConv2d(a, b, 3, num_estimators=4, padding=1),
        lambda a, b, _: BatchLinear(a, b, num_estimators=4), classes, HALF, HALF_DENSE,
    )  # fmt: skip
    return Voting(body, 4, copies=4)


def apart(classes: int) -> nn.Module:
    """Return four networks at half of the widths."""

    def one() -> nn.Module:
        return drawn(convolutions(
            lambda a, b, _: nn.Conv2d(a, b, 3, padding=1), lambda a, b, _: nn.Linear(a, b),
            classes, HALF, HALF_DENSE,
        ))  # fmt: skip

    return Voting(Apart([one() for _ in range(4)]), 4)


def mimo(classes: int) -> nn.Module:
    """Return three members in one network: three images in, three answers out."""

    def conv(a: int, b: int, first: bool) -> nn.Module:
        return nn.Conv2d(3 * a if first else a, b, 3, padding=1)

    def dense(a: int, b: int, last: bool) -> nn.Module:
        return nn.Linear(a, 3 * b if last else b)

    return Voting(drawn(convolutions(conv, dense, classes)), 3, stacked=3)


def drawn(network: nn.Module) -> nn.Module:
    """Draw weights as the plain conv-c4 does."""
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)
    return network


def teachers_of(run: Path, classes: int) -> list[nn.Module]:
    """Return the whole networks of a run."""
    found = []
    for file in sorted(run.glob("members/*/round-0.safetensors")):
        stored, network = load_file(file), conv_c4(classes)
        layers = [one for one in network.modules() if isinstance(one, nn.Conv2d | nn.Linear)]
        for name, layer in zip(LAYERS, layers, strict=True):
            layer.weight.data.copy_(stored[f"weights/{name}.weight"])
            layer.bias.data.copy_(stored[f"weights/{name}.bias"])
        found.append(network.eval().to(memory_format=torch.channels_last))  # type: ignore[call-overload]
    return found


def measured(
    network: nn.Module, parts: dict[str, Tensor], epochs: int, loss_of: Loss
) -> dict[str, Any]:
    """Train a network; return what it costs, and its accuracy on the new photos."""
    x, new = parts["x_train"], parts["x_new"]
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    begun = time.process_time()
    train(network, x, parts["y_train"], epochs, loss_of)
    seconds = time.process_time() - begun
    accuracy, mirrored = accuracies(network, new, parts["y_new"], x)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(new[:1])
    return {
        "epochs": epochs, "seconds": round(seconds, 1), "flops": counter.get_total_flops(),
        "bytes": sum(4 * p.numel() for p in network.parameters()),
        "accuracy": round(accuracy, 4), "mirrored": round(mirrored, 4),
    }  # fmt: skip


RIVALS: dict[str, tuple[Callable[[int], nn.Module], Callable[..., Tensor]]] = {
    "single": (conv_c4, smoothed_loss),
    "packed": (packed, each_by_itself),
    "apart": (apart, each_by_itself),
    "batched": (batched, each_by_itself),
    "mimo": (mimo, each_on_its_own_images),
    "distilled": (conv_c4, taught),
}
NEEDS_LAYERS = ("packed", "batched")


def main() -> None:
    """Measure what is not there yet, then report."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("work", type=Path)
    parser.add_argument("run", help="the yardstick's, in WORK")
    parser.add_argument("seed", type=int, help="its seed")
    parser.add_argument("--epochs", type=int, default=164)
    parser.add_argument("--only", default=",".join(RIVALS))
    asked = parser.parse_args()
    torch.set_num_threads(1)
    run = asked.work / asked.run
    with np.load(asked.work / f"parts-{asked.seed}.npz", allow_pickle=False) as stored:
        parts = {name: torch.tensor(stored[name]) for name in stored}
    for name in ("x_train", "x_new"):
        parts[name] = parts[name].float() / 255
    classes = int(parts["y_train"].max()) + 1
    for name in asked.only.split(","):
        key = {
            "arch": "conv-c4", "run": asked.run, "seed": asked.seed, "rival": name,
            "epochs": asked.epochs,
        }  # fmt: skip
        if any(key.items() <= row.items() for row in rows()):
            continue
        if name in NEEDS_LAYERS and importlib.util.find_spec("torch_uncertainty") is None:
            print(f"{name}: needs torch-uncertainty, which is not here")
            continue
        torch.manual_seed(asked.seed)
        make, loss = RIVALS[name]
        network = make(classes)
        if loss is taught:
            loss = functools.partial(taught, teachers_of(run, classes))
        line = key | measured(network, parts, asked.epochs, loss)
        print(json.dumps(line), flush=True)
        with RESULTS.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
    report(run, asked.epochs)


def rows() -> list[dict[str, Any]]:
    """Return what has been measured."""
    if not RESULTS.is_file():
        return []
    return [json.loads(line) for line in RESULTS.read_text(encoding="utf-8").splitlines()]


def report(run: Path, epochs: int) -> None:
    """Print a run's rivals beside its team."""
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        conv_c4(6)(torch.zeros(1, 3, 32, 32))
    whole = counter.get_total_flops()
    table = run / "comparison.csv"
    if table.is_file():  # most rivals need the parts alone
        for row in csv.DictReader(table.read_text(encoding="utf-8").splitlines()):
            if row["contender"] in ("single_mean_unpruned", "control", "all_unpruned", "selected"):
                print(f"{row['contender']:24} {100 * float(row['accuracy']):.2f} %")
    for row in rows():
        if row["run"] == run.name and row["epochs"] == epochs:
            print(f"{row['rival']:24} {100 * row['accuracy']:.2f} %  {row['flops'] / whole:.2f}")


if __name__ == "__main__":
    main()
