"""The last layer at a rate of its own, and alone at first: what trained weights are tuned by."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from pruning_support import blobs
from safetensors.torch import save_file
from torch import nn

from pruning.core.errors import RequestError
from pruning.core.seeds import torch_generator
from pruning.dropnet import Runs, dropnet
from pruning.dropnet.settings import DropNet, Rewinding
from pruning.networks.architecture import build_network
from pruning.training.checkpoint import TrainingState
from pruning.training.device_data import DeviceData
from pruning.training.optimizer import optimizer_of
from pruning.training.recipe import Recipe
from pruning.training.training_loop import Training, train

PHOTOS = {"kind": "other", "shape": (3, 32, 32), "samples": 1600}
RECIPE = Recipe(
    learning_rate=0.01, batch_size=16, max_epochs=5, backbone_rate=0.1, head_epochs=2, warmup=0
)


def _started(arch: str = "conv-b:3-4") -> nn.Module:
    return build_network(arch, 3, (1, 4, 4), 0)


def _tuned(network: nn.Module, recipe: Recipe, **options: object) -> nn.Module:
    training = Training(DeviceData.of(blobs(), "cpu"), recipe, **options)  # type: ignore[arg-type]
    train([network], [torch_generator(0, "batches")], training, name="0")
    return network


@pytest.mark.parametrize("captured", [False, True])
@pytest.mark.parametrize("optimizer", ["adamw", "adam", "sgd"])
def test_steps_are_those_of_torchs_groups(optimizer: str, captured: bool) -> None:
    recipe = Recipe(optimizer=optimizer, backbone_rate=0.1, weight_decay=0.1)  # type: ignore[arg-type]
    network = nn.Sequential(nn.Conv1d(2, 3, 3), nn.BatchNorm1d(3), nn.Linear(4, 2))
    other = copy.deepcopy(network)
    ours = optimizer_of(network, recipe.resolved(**PHOTOS))  # type: ignore[arg-type]
    decay = {p: 0.1 if optimizer != "adamw" or p.ndim > 1 else 0.0 for p in other.parameters()}
    groups = [
        {"params": [p], "weight_decay": decay[p], "lr": 1.0, "own": p in set(other[2].parameters())}
        for p in other.parameters()
    ]
    make: dict[str, Callable[..., torch.optim.Optimizer]] = {
        "adamw": torch.optim.AdamW, "adam": torch.optim.Adam,
        "sgd": lambda groups: torch.optim.SGD(groups, momentum=0.9),
    }  # fmt: skip
    reference = make[optimizer](groups)
    generator = torch.Generator().manual_seed(0)
    for step in range(5):
        rates = (0.1 / (step + 1), 0.01 / (step + 1))
        for group in reference.param_groups:
            group["lr"] = rates[0] if group["own"] else rates[1]
        for mine, theirs in zip(network.parameters(), other.parameters(), strict=True):
            mine.grad = torch.rand(mine.shape, generator=generator)
            theirs.grad = mine.grad.clone()
        ours.step(torch.tensor(rates) if captured else rates)
        reference.step()
        for mine, theirs in zip(network.parameters(), other.parameters(), strict=True):
            torch.testing.assert_close(mine, theirs)


@pytest.mark.parametrize("arch", ["conv-b:3-4", "resnet20"])
def test_at_first_the_last_layer_trains_alone(arch: str) -> None:
    network = build_network(arch, 3, (1, 8, 8), 0)
    before = {name: value.clone() for name, value in network.named_parameters()}
    last = {name for name, _ in [*network.named_parameters()][-2:]}
    training = Training(DeviceData.of(blobs(shape=(1, 8, 8)), "cpu"), RECIPE)
    changed = []
    for first in range(4):
        train([network], [torch_generator(0, "batches")], training, first=first, epochs=first + 1)
        after = dict(network.named_parameters())
        changed.append({name for name in before if not torch.equal(before[name], after[name])})
        before = {name: value.clone() for name, value in after.items()}
    assert changed[:2] == [last, last]
    assert changed[2] > last
    assert changed[3] > last


def test_no_rate_for_the_backbone_leaves_it_as_it_is() -> None:
    network, recipe = _started(), Recipe(max_epochs=2, backbone_rate=0, batch_size=16)
    start = copy.deepcopy(network.state_dict())
    _tuned(network, recipe)
    last = [*start][-2:]
    assert all(torch.equal(v, start[k]) is (k not in last) for k, v in network.state_dict().items())


def test_a_rate_of_one_is_no_second_rate() -> None:
    plain = Recipe(max_epochs=2, batch_size=16)
    one = Recipe(max_epochs=2, batch_size=16, backbone_rate=1)
    assert not one.resolved(**PHOTOS).has_two_rates  # type: ignore[arg-type]
    found = [_tuned(_started(), recipe).state_dict() for recipe in (plain, one)]
    assert all(torch.equal(value, found[1][key]) for key, value in found[0].items())


class _Kept:
    """Keeps the state before each epoch, and stops where it is told."""

    def __init__(self, stop: int) -> None:
        self.state: TrainingState | None = None
        self._left = stop

    def kept(self, name: str) -> TrainingState | None:
        return self.state

    def offer(self, name: str, state: Callable[[], TrainingState | None]) -> None:
        held = state()
        assert held is not None
        self.state = copy.deepcopy(held)
        self._left -= 1
        if self._left == 0:
            raise KeyboardInterrupt

    def finished(self, name: str, state: TrainingState) -> None:
        raise AssertionError(name)


@pytest.mark.parametrize("stop", [1, 2, 3, 4])
def test_a_stopped_tuning_goes_on_to_the_same_bytes(stop: int) -> None:
    whole, kept = _tuned(_started(), RECIPE).state_dict(), _Kept(stop)
    with pytest.raises(KeyboardInterrupt):
        _tuned(_started(), RECIPE, checkpoints=kept)
    going_on = _tuned(_started(), RECIPE, checkpoints=kept).state_dict()
    assert all(torch.equal(value, going_on[key]) for key, value in whole.items())


def test_weights_to_start_from_are_tuned_briefly() -> None:
    settings = DropNet(init="some.safetensors")
    found = settings.starting_recipe.resolved(**PHOTOS)  # type: ignore[arg-type]
    assert (found.max_epochs, found.has_two_rates) == (30, False)
    drawn = DropNet().starting_recipe.resolved(**PHOTOS)  # type: ignore[arg-type]
    assert (drawn.max_epochs, drawn.has_two_rates) == (50, False)
    assert DropNet().starting_recipe == settings.recipe == Recipe()
    anew = DropNet(init="some.safetensors", rewinding=Rewinding("random"))
    assert anew.starting_recipe == Recipe()


def test_rounds_that_start_from_given_weights_are_tuned(tmp_path: Path) -> None:
    splits, file = blobs(shape=(3, 4, 4)), tmp_path / "given.safetensors"
    save_file(build_network("conv-b:3-4", 3, (3, 4, 4), 7).state_dict(), file)
    runs = Runs.of("conv-b:3-4")
    [drawn] = next(dropnet(runs, splits, DropNet(rounds=0)))
    [given] = next(dropnet(runs, splits, DropNet(rounds=0, init=str(file))))
    assert (len(drawn.epochs), len(given.epochs)) == (100, 30)


def test_pruned_rounds_leave_a_backbone_that_has_no_rate(tmp_path: Path) -> None:
    file = tmp_path / "given.safetensors"
    save_file(build_network("conv-b:4-4", 3, (1, 4, 4), 7).state_dict(), file)
    recipe = Recipe(max_epochs=4, batch_size=16, backbone_rate=0)
    settings = DropNet(init=str(file), fraction=0.5, rounds=1, kappa=0.0, keep=0.0, recipe=recipe)
    [whole], [pruned] = dropnet(Runs.of("conv-b:4-4"), blobs(), settings)
    masks = list(pruned.masks.values())
    weights = [dict(member.network.named_parameters()) for member in (whole, pruned)]
    assert torch.equal(weights[0]["conv1.weight"][masks[0]], weights[1]["conv1.weight"])
    last = [*weights[1]][-1]
    assert not torch.equal(weights[0][last], weights[1][last])


def test_without_a_rate_batch_norms_follow_the_data() -> None:
    network = _started("resnet20")
    norms = dict(network.named_buffers())
    before = {name: value.clone() for name, value in norms.items()}
    _tuned(network, Recipe(max_epochs=1, backbone_rate=0, batch_size=16))
    moved = [name for name, value in norms.items() if not torch.equal(value, before[name])]
    assert any(name.endswith("running_mean") for name in moved)


@pytest.mark.parametrize("schedule", ["cosine", "constant", "by-epoch"])
def test_given_weights_of_plain_mlps_train_by_any_schedule(schedule: str) -> None:
    recipe = Recipe(schedule=schedule, max_epochs=10, fine_tuning=True)  # type: ignore[arg-type]
    network = _started("mlp-a:6-5")
    before = [value.clone() for value in network.parameters()]
    _tuned(network, recipe)
    for value, old in zip(network.parameters(), before, strict=True):
        assert not torch.equal(value, old)


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"backbone_rate": 1.5}, r"`backbone_rate` 1.5: allowed 0 to 1"),
        ({"backbone_rate": float("nan")}, r"`backbone_rate` nan: allowed finite numbers, 0 to 1"),
        ({"head_epochs": -1}, r"`head_epochs` -1: allowed 0 and more"),
        ({"head_epochs": 4, "max_epochs": 4}, r"`head_epochs` 4 leaves nothing of `max_epochs` 4"),
    ],
)
def test_what_makes_no_sense_is_refused(asked: dict[str, float], says: str) -> None:
    with pytest.raises(RequestError, match=says):
        Recipe(**asked)  # type: ignore[arg-type]


@pytest.mark.parametrize("asked", [{"backbone_rate": 0.5}, {"head_epochs": 1}])
def test_plain_mlps_have_one_rate(asked: dict[str, float]) -> None:
    [(name, value)] = asked.items()
    with pytest.raises(RequestError, match=f"`{name}` {value} is for other networks"):
        Recipe(**asked).resolved(kind="plain-mlp", shape=(64,), samples=1078)  # type: ignore[arg-type]
