"""What was tried of training on 2,000 photos, judged on photos that are no test data.

    python benchmarks/accuracy/settling.py WHAT [CIFAR WORK] [--seeds 101,102] [--epochs 20]

WHAT is ``augment`` (unpruned networks, by augmentation), ``average`` (unpruned networks, their last
weights or averages over steps), ``teacher`` or ``metric`` (networks pruned twice by a third of each
layer, by who teaches them or by what is dropped; ``metric`` ends with pools of four metrics, one
for each member, over all ways to hand them out), ``cost`` (networks pruned to a fifth of their
FLOPs, by what is dropped, over all layers or within each), or ``length`` (unpruned, and pruned to a
fifth of their FLOPs by two scores, by how many epochs the recipe has). ``conv-c4`` at half its
widths, four networks, 20 epochs; a pruned one goes on with the schedule after each round. The
photos are those of `photos.py`; 3,000 others of CIFAR-10's training part judge. Without CIFAR it is
eight ``mlp-a`` on the digits, by the recipe and as far as usual, judged on the validation and the
test part of these seeds. A line per seed stands in results/benchmarks/settling.jsonl; what stands
there is not measured again.
"""

from __future__ import annotations

import argparse
import copy
import dataclasses
import itertools
import json
import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from photos import make_new_photos
from torch import Tensor, nn

from pruning import DropNet, Member, Recipe, Split, Splits, Target, Teaching
from pruning.data.load import load_splits
from pruning.dropnet import Runs, dropnet
from pruning.inference import predict_probabilities
from pruning.training.engines.loop import Loop
from pruning.training.engines.trainee import Trainee

RESULTS = Path(__file__).resolve().parents[2] / "results" / "benchmarks" / "settling.jsonl"
ARCH, MEMBERS = "conv-c4:32-32-64-64-128", 4
AUGMENTS = ("photo", "photo-cutout", "photo-mixup", "photo-cutmix", "photo-trivial")
TEACHERS = ("none", "own", "ensemble")
METRICS = ("minimum_layer", "taylor_layer", "l1_layer", "fpgm_layer")
COST, AT_THE_COST = 0.2, ("minimum", "minimum_layer", "random_layer", "taylor_layer", "fpgm_layer")
DECAYS, TAILS = (0.98, 0.995), (0.5, 0.75, 0.9)
LENGTHS = {20: ("fpgm_layer",), 50: ("fpgm_layer", "minimum"), 80: ("fpgm_layer",)}
Found = dict[str, np.ndarray]
"""What was tried → (M, N, C) probabilities of its networks."""


def main() -> None:
    """Measure what is not there yet, then report."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("what", choices=[*TRIED])
    parser.add_argument("cifar", type=Path, nargs="?", help="holds train/<class>/")
    parser.add_argument("work", type=Path, nargs="?", help="photos go here")
    parser.add_argument("--seeds", default="101,102")
    parser.add_argument("--epochs", type=int, default=20)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    data = "digits" if asked.work is None else "photos"
    if data == "digits" and asked.what == "average":
        parser.error("averages are those of photos: say where CIFAR is, and where photos go")
    for seed in map(int, asked.seeds.split(",")):
        key = {"what": asked.what, "data": data, "seed": seed, "epochs": asked.epochs}
        if any(key.items() <= row.items() for row in _rows()):
            continue
        if data == "digits":
            runs, splits, settings = digits(seed)
        else:
            photos = asked.work / "settling-photos"
            make_new_photos(asked.cifar, photos)
            splits = load_splits(str(photos), seed=seed).splits
            runs, settings = Runs.of(ARCH, MEMBERS, seed=seed), of_photos(asked.epochs)
        found = TRIED[asked.what](runs, splits, settings)
        scores = {name: scored(answers, splits.test.labels) for name, answers in found.items()}
        if asked.what == "metric":
            scores["one metric each"] = handed_out(found, splits.test.labels)
        _keep(key | {"scores": scores})
    alike = {"what": asked.what, "data": data, "epochs": asked.epochs}
    report(f"{asked.what}, {data}", [row for row in _rows() if alike.items() <= row.items()])


def of_photos(epochs: int) -> DropNet:
    """Return what photos are trained and pruned by."""
    recipe = Recipe(max_epochs=epochs)
    return DropNet(
        fraction=0.33, kappa=0.0, keep=0.45, rounds=2, metric="minimum_layer", recipe=recipe
    )


def digits(seed: int) -> tuple[Runs, Splits, DropNet]:
    """Return eight runs, the digits with the validation part among those that judge, settings."""
    splits = load_splits("digits", seed=seed).splits
    both = Split(
        *(np.concatenate([getattr(part, name) for part in (splits.val, splits.test)])
          for name in ("images", "labels"))
    )  # fmt: skip
    runs = Runs.of("mlp-a", 8, seed=seed)
    return runs, dataclasses.replace(splits, test=both), DropNet(kappa=0.0, metric="minimum_layer")


def augments(runs: Runs, splits: Splits, settings: DropNet) -> Found:
    """Try augmentations on unpruned networks."""
    found = {}
    for augment in AUGMENTS:
        recipe = dataclasses.replace(settings.recipe, augment=augment)
        unpruned = dataclasses.replace(settings, recipe=recipe, rounds=0)
        found[augment] = probabilities(next(dropnet(runs, splits, unpruned)), splits)
    return found


def teachers(runs: Runs, splits: Splits, settings: DropNet) -> Found:
    """Try who teaches."""
    unpruned = next(dropnet(runs, splits, settings))
    found = {"unpruned": probabilities(unpruned, splits)}
    for teacher in TEACHERS:
        taught = dataclasses.replace(settings, teaching=Teaching(teacher))  # type: ignore[arg-type]
        *_, pruned = dropnet(runs, splits, taught, start=unpruned)
        found[teacher] = probabilities(pruned, splits)
    return found


def metrics(runs: Runs, splits: Splits, settings: DropNet) -> Found:
    """Try what is dropped."""
    unpruned, found = next(dropnet(runs, splits, settings)), {}
    for metric in METRICS:
        by = dataclasses.replace(settings, metric=metric)
        *_, pruned = dropnet(runs, splits, by, start=unpruned)
        found[metric] = probabilities(pruned, splits)
    return found


def at_equal_cost(runs: Runs, splits: Splits, settings: DropNet) -> Found:
    """Try what is dropped until as many FLOPs are left."""
    unpruned = next(dropnet(runs, splits, settings))
    return {
        metric: probabilities(at_the_cost(runs, splits, settings, metric, unpruned), splits)
        for metric in AT_THE_COST
    }


def at_the_cost(
    runs: Runs, splits: Splits, settings: DropNet, metric: str, unpruned: Sequence[Member]
) -> list[Member]:
    """Return the networks pruned by a metric until `COST` of their FLOPs are left."""
    to_the_cost = dataclasses.replace(
        settings, metric=metric, target=Target(flops=COST), keep=0.0, rounds=None
    )
    last = {member.run: member for member in unpruned}
    for standing in dropnet(runs, splits, to_the_cost, start=unpruned):
        last |= {member.run: member for member in standing}
    return list(last.values())


def lengths(runs: Runs, splits: Splits, settings: DropNet) -> Found:
    """Try how long each round trains, unpruned and pruned."""
    found = {}
    for epochs, by in LENGTHS.items():
        recipe = dataclasses.replace(settings.recipe, max_epochs=epochs)
        long = dataclasses.replace(settings, recipe=recipe)
        unpruned = next(dropnet(runs, splits, long))
        found[f"{epochs}, unpruned"] = probabilities(unpruned, splits)
        for metric in by:
            pruned = at_the_cost(runs, splits, long, metric, unpruned)
            found[f"{epochs}, {metric}"] = probabilities(pruned, splits)
    return found


def averages(runs: Runs, splits: Splits, settings: DropNet) -> Found:
    """Try averages of the weights over the steps of unpruned networks; they have no batch norms."""
    steps = math.ceil(len(splits.train) / 64) * (settings.recipe.max_epochs or 0)
    engines: list[Averaging] = []
    init = Loop.__init__

    def noted(self: Loop, *given: Any) -> None:
        init(self, *given)
        engines.append(Averaging(self.members, steps))

    Loop.__init__ = noted  # type: ignore[method-assign]
    try:
        unpruned = next(dropnet(runs, splits, dataclasses.replace(settings, rounds=0)))
    finally:
        Loop.__init__ = init  # type: ignore[method-assign]
    found = {"last": probabilities(unpruned, splits)}
    for name, networks in engines[0].networks():
        found[name] = np.stack([_of(network, splits) for network in networks])
    return found


class Averaging:
    """Averages of trainees' weights, kept while they train.

    Parameters
    ----------
    members
        Whose steps are watched.
    steps
        How many they take.
    """

    def __init__(self, members: Sequence[Trainee], steps: int) -> None:
        self._members, self._steps = members, steps
        self._taken = [0] * len(members)
        self._means: list[dict[str, list[Tensor]]] = [{} for _ in members]
        for row, member in enumerate(members):
            member.descend = self._watched(row, member.descend)  # type: ignore[method-assign]

    def _watched(self, row: int, descend: Callable[..., Tensor]) -> Callable[..., Tensor]:
        def step(loss: Tensor, rate: float | Tensor) -> Tensor:
            value = descend(loss, rate)
            self._taken[row] += 1
            self._add(row, self._taken[row])
            return value

        return step

    def _add(self, row: int, taken: int) -> None:
        weights = [p.detach() for p in self._members[row].network.parameters()]
        shares = {f"decay {d}": 1 - min(d, (1 + taken) / (10 + taken)) for d in DECAYS}
        for tail in TAILS:
            if taken > (begun := int(tail * self._steps)):
                shares[f"from {tail} on"] = 1 / (taken - begun)
        for name, share in shares.items():
            mean = self._means[row].setdefault(name, [w.clone() for w in weights])
            torch._foreach_lerp_(mean, weights, share)

    def networks(self) -> Iterator[tuple[str, list[nn.Module]]]:
        """Yield each average's name, with its networks."""
        for name in self._means[0]:
            made = [copy.deepcopy(member.network).eval() for member in self._members]
            for network, means in zip(made, self._means, strict=True):
                for parameter, mean in zip(network.parameters(), means[name], strict=True):
                    parameter.data.copy_(mean)
            yield name, made


TRIED: dict[str, Callable[[Runs, Splits, DropNet], Found]] = {
    "augment": augments,
    "average": averages,
    "teacher": teachers,
    "metric": metrics,
    "cost": at_equal_cost,
    "length": lengths,
}


def probabilities(members: Sequence[Member], splits: Splits) -> np.ndarray:
    """Return (M, N, C) of the photos that judge."""
    return np.stack([_of(member.network, splits) for member in members])


def _of(network: nn.Module, splits: Splits) -> np.ndarray:
    return predict_probabilities(network, splits.test.images, splits.scaling)


def scored(answers: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """Return the mean accuracy of one, that of all together, and how often two disagree."""
    predicted = answers.argmax(-1)
    pairs = itertools.combinations(predicted, 2)
    return {
        "single": float((predicted == labels).mean()),
        "all": float((answers.mean(0).argmax(-1) == labels).mean()),
        "disagreement": float(np.mean([(one != other).mean() for one, other in pairs])),
    }


def handed_out(found: Found, labels: np.ndarray) -> dict[str, float]:
    """Return mean scores of pools whose members have a metric each, over all ways to do it."""
    members = len(next(iter(found.values())))
    pools = [
        scored(np.stack([found[names[i % len(names)]][i] for i in range(members)]), labels)
        for names in itertools.permutations(found)
    ]
    return {name: float(np.mean([pool[name] for pool in pools])) for name in pools[0]}


def report(title: str, rows: list[dict[str, Any]]) -> None:
    """Print means over the seeds."""
    if not rows:
        return
    print(f"{title}, seeds {[row['seed'] for row in rows]}: one, all, disagreement")
    for name in rows[0]["scores"]:
        single, team, disagreement = (
            np.mean([row["scores"][name][score] for row in rows])
            for score in ("single", "all", "disagreement")
        )
        print(f"{name:34} {100 * single:6.2f} %  {100 * team:6.2f} %  {disagreement:.3f}")


def _rows() -> list[dict[str, Any]]:
    if not RESULTS.is_file():
        return []
    return [json.loads(line) for line in RESULTS.read_text(encoding="utf-8").splitlines()]


def _keep(row: dict[str, Any]) -> None:
    print(json.dumps(row), flush=True)
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    with RESULTS.open("a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")


if __name__ == "__main__":
    main()
