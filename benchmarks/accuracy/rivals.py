"""What else one could do with the FLOPs of one network, in the same table as the team.

    python benchmarks/accuracy/rivals.py WORK RUN SEED [--epochs 164] [--only packed,mimo]

WORK is where `yardstick.py` left the parts and the run RUN of this seed (``conv-c4``). By the plain
loop's recipe, each for as many epochs as a pruned member has seen, each about as costly in use as
one whole network: one network alone; one distilled from all whole networks of the run (soft
targets of temperature 2, weight 0.9; Hinton et al. 2015); a Packed-Ensemble of 4 (α = 2; Laurent
et al. 2023); a BatchEnsemble of 4 (Wen et al. 2020) and four networks apart, at half of the
widths each; MIMO of 3 (Havasi et al. 2021). Packed and batched layers are torch-uncertainty's,
which wants an environment of its own: ``pip install torch-uncertainty lightning timm``; without
it they are left out.

Two soups (Wortsman et al. 2022; Zimmer et al. 2024 of pruned ones): five copies of one trained
network, each trained on for 50 epochs in an order of its own, whose weights are averaged: ``soup``
of a whole network, which takes the last 50 of the epochs, and ``pruned-soup`` of the run's first
pruned one, which is a fifth as costly, and goes on beyond them. Each at the loop's rate and at a
quarter of it; what one of the five has by itself, and what they have as voters, stands beside it.

A line for each stands in results/benchmarks/rivals.jsonl, and is not measured again.
"""

from __future__ import annotations

import argparse
import copy
import csv
import functools
import importlib.util
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from json_lines import FOLDER, Row, keep, rows_of
from plain_loop import RATE, SMOOTHING, Loss, accuracies, smoothed_loss, train
from plain_networks import conv_c4
from rival_networks import Apart, Voting, apart, batched, mimo, packed, stored
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812
from torch.utils.flop_counter import FlopCounterMode

RESULTS = FOLDER / "rivals.jsonl"
TEMPERATURE, TAUGHT = 2.0, 0.9
BRANCHES, BRANCH_EPOCHS = 5, 50
BRANCH_RATES = (RATE, RATE / 4)

Parts = dict[str, Tensor]
"""Images (N, 3, H, W) from 0 to 1 and labels, to learn from and new ones."""


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


def taught_by(teachers: Sequence[nn.Module]) -> Loss:
    """Return the mean loss of who learns from labels and from the teachers' mean shares."""

    def taught(network: nn.Module, inputs: Tensor, labels: Tensor) -> Tensor:
        with torch.no_grad():
            shares = [(teacher(inputs) / TEMPERATURE).softmax(1) for teacher in teachers]
        logits = network(inputs)
        by_labels = F.cross_entropy(logits, labels, label_smoothing=SMOOTHING)
        by_teachers = F.cross_entropy(logits / TEMPERATURE, torch.stack(shares).mean(0))
        return (1 - TAUGHT) * by_labels + TAUGHT * TEMPERATURE**2 * by_teachers

    return taught


def averaged(networks: Sequence[nn.Module]) -> nn.Module:
    """Return a network whose weights are the mean of several of the same widths."""
    states = [network.state_dict() for network in networks]
    found = copy.deepcopy(networks[0])
    found.load_state_dict({
        name: torch.stack([state[name] for state in states]).mean(0) for name in states[0]
    })  # fmt: skip
    return found


def soups(trunk: nn.Module, parts: Parts, seen: int) -> Iterator[Row]:
    """Yield what the mean of a trained network's branches is worth, at each of the rates.

    Parameters
    ----------
    seen
        Epochs that the network was trained for.
    """
    x, y = parts["x_train"], parts["y_train"]
    before = _judged(trunk, parts)["accuracy"]
    for rate in BRANCH_RATES:
        branches = [copy.deepcopy(trunk) for _ in range(BRANCHES)]
        begun = time.process_time()
        for branch in branches:
            train(branch, x, y, BRANCH_EPOCHS, rate=rate)
        seconds = time.process_time() - begun
        alone = [_judged(branch, parts)["accuracy"] for branch in branches]
        voting = _judged(Voting(Apart(branches), BRANCHES), parts)["accuracy"]
        yield {
            "rate": rate, "epochs_seen": seen + BRANCH_EPOCHS, "seconds": round(seconds, 1),
            **_judged(averaged(branches), parts), "before": before,
            "one_branch": round(float(np.mean(alone)), 4), "branches_voting": voting,
        }  # fmt: skip


def soup(run: Path, parts: Parts, epochs: int) -> Iterator[Row]:
    """Yield the soups of a whole network that shares all but the last epochs."""
    trunk = conv_c4(_classes(parts)).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    train(trunk, parts["x_train"], parts["y_train"], epochs - BRANCH_EPOCHS)
    yield from soups(trunk, parts, epochs - BRANCH_EPOCHS)


def pruned_soup(run: Path, parts: Parts, epochs: int) -> Iterator[Row]:
    """Yield the soups of the run's first network, as it was after the last round."""
    rounds = (run / "members" / "000").glob("round-*.safetensors")
    last = max(rounds, key=lambda file: int(file.stem.removeprefix("round-")))
    yield from soups(stored(last), parts, epochs)


def trained(name: str, run: Path, parts: Parts, epochs: int) -> Iterator[Row]:
    """Yield what a network is worth that is trained from the start."""
    make, loss = NETWORKS[name]
    network = make(_classes(parts)).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    if loss is None:
        whole = sorted(run.glob("members/*/round-0.safetensors"))
        loss = taught_by([stored(file) for file in whole])
    begun = time.process_time()
    train(network, parts["x_train"], parts["y_train"], epochs, loss)
    seconds = time.process_time() - begun
    yield {"seconds": round(seconds, 1), **_judged(network, parts)}


def _judged(network: nn.Module, parts: Parts) -> Row:
    """Return what a network costs, and its accuracy on the new photos."""
    accuracy, mirrored = accuracies(network, parts["x_new"], parts["y_new"], parts["x_train"])
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(parts["x_new"][:1])
    return {
        "flops": counter.get_total_flops(),
        "bytes": sum(4 * p.numel() for p in network.parameters()),
        "accuracy": round(accuracy, 4), "mirrored": round(mirrored, 4),
    }  # fmt: skip


def _classes(parts: Parts) -> int:
    return int(parts["y_train"].max()) + 1


NETWORKS: dict[str, tuple[Callable[[int], nn.Module], Loss | None]] = {
    "single": (conv_c4, smoothed_loss),
    "packed": (packed, each_by_itself),
    "apart": (apart, each_by_itself),
    "batched": (batched, each_by_itself),
    "mimo": (mimo, each_on_its_own_images),
    "distilled": (conv_c4, None),
}
"""Name → what makes the network, and its loss; None is that of the run's whole networks' pupil."""
RIVALS: dict[str, Callable[[Path, Parts, int], Iterator[Row]]] = {
    **{name: functools.partial(trained, name) for name in NETWORKS},
    "soup": soup,
    "pruned-soup": pruned_soup,
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
    with np.load(asked.work / f"parts-{asked.seed}.npz", allow_pickle=False) as stored_parts:
        parts = {name: torch.tensor(stored_parts[name]) for name in stored_parts}
    for name in ("x_train", "x_new"):
        parts[name] = parts[name].float() / 255
    for name in asked.only.split(","):
        key = {
            "arch": "conv-c4", "run": asked.run, "seed": asked.seed, "rival": name,
            "epochs": asked.epochs,
        }  # fmt: skip
        if rows_of(RESULTS, key):
            continue
        if name in NEEDS_LAYERS and importlib.util.find_spec("torch_uncertainty") is None:
            print(f"{name}: needs torch-uncertainty, which is not here")
            continue
        torch.manual_seed(asked.seed)
        for found in RIVALS[name](run, parts, asked.epochs):
            keep(RESULTS, key | found)
            print(key | found, flush=True)
    report(run, asked.epochs)


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
    for row in rows_of(RESULTS, {"run": run.name, "epochs": epochs}):
        name = f"{row['rival']}, rate {row['rate']}" if "rate" in row else row["rival"]
        print(f"{name:24} {100 * row['accuracy']:.2f} %  {row['flops'] / whole:.2f}")


if __name__ == "__main__":
    main()
