"""A network goes the whole way once before training; what cannot be taken is refused by name."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations

from pipelines.build import rehearsal as rehearsing
from pipelines.build.outside_state import outside_state
from pipelines.build.rehearsal import Rehearsal, noisy_splits, rehearse
from pipelines.run.config import BuildConfig
from pruning.core.errors import RequestError
from pruning.dropnet.settings import DropNet
from pruning.training.recipe import Recipe

SHAPE = (1, 4, 4)
Change = Callable[[nn.Module], object]


@pytest.fixture
def no_export(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the extra away: an export takes seconds."""
    monkeypatch.setattr(rehearsing, "EXTRA", ("no_such_package",))


class Net(nn.Module):
    def __init__(self, classes: int, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.a, self.b = nn.Linear(math.prod(shape), 8), nn.Linear(8, classes)

    def before(self, x: Tensor) -> Tensor:
        return x.flatten(1)

    def forward(self, x: Tensor) -> Any:
        return self.b(self.a(self.before(x)).tanh())


class PlainTensor(Net):
    def __init__(self, classes: int, shape: tuple[int, ...]) -> None:
        super().__init__(classes, shape)
        self.order = torch.randperm(math.prod(shape))

    def before(self, x: Tensor) -> Tensor:
        return x.flatten(1)[:, self.order]


class NotStored(Net):
    def __init__(self, classes: int, shape: tuple[int, ...]) -> None:
        super().__init__(classes, shape)
        self.register_buffer("matrix", torch.randn(16, 16), persistent=False)

    def before(self, x: Tensor) -> Tensor:
        return x.flatten(1) @ self.matrix


class InAList(Net):
    def __init__(self, classes: int, shape: tuple[int, ...]) -> None:
        super().__init__(classes, shape)
        self.hidden = [nn.Linear(16, 16, bias=False)]

    def before(self, x: Tensor) -> Tensor:
        return self.hidden[0](x.flatten(1))  # type: ignore[no-any-return]


class DrawnByTheClock(PlainTensor):
    def __init__(self, classes: int, shape: tuple[int, ...]) -> None:
        super().__init__(classes, shape)
        self.order = torch.tensor(np.random.default_rng().permutation(math.prod(shape)))


class Softmax(Net):
    def forward(self, x: Tensor) -> Any:
        return super().forward(x).softmax(-1)


class NoStatistics(Net):
    def __init__(self, classes: int, shape: tuple[int, ...]) -> None:
        super().__init__(classes, shape)
        self.norm = nn.BatchNorm2d(shape[0], track_running_stats=False)

    def before(self, x: Tensor) -> Tensor:
        return self.norm(x).flatten(1)  # type: ignore[no-any-return]


class FailsInTraining(Net):
    def before(self, x: Tensor) -> Tensor:
        if self.training:
            raise KeyError("no such\nlayer")
        return x.flatten(1)


class ChangesWhatItNeeds(Net):
    """torch refuses the gradient of a value that was changed in place."""

    def forward(self, x: Tensor) -> Any:
        hidden = self.a(self.before(x)).sigmoid()
        return self.b(hidden.mul_(2))


class Uncopyable(Net):
    def __deepcopy__(self, memo: object) -> Any:
        raise TypeError("holds a lock")


def frozen(classes: int, shape: tuple[int, ...]) -> nn.Module:
    return Net(classes, shape).requires_grad_(False)


@pytest.mark.usefixtures("no_export")
@pytest.mark.parametrize(
    ("make", "says"),
    [
        (PlainTensor, "computes with 'order', which is not in its state dict"),
        (NotStored, "computes with 'matrix', which"),
        (InAList, r"computes with 'hidden\[0\]\.weight', which"),
        (DrawnByTheClock, "another network each time it is made from one seed"),
        (Softmax, "answers probabilities; expected logits"),
        (NoStatistics, "otherwise alone than among others"),
        (FailsInTraining, "cannot be trained and pruned: KeyError: 'no such"),
        (ChangesWhatItNeeds, "cannot be trained and pruned: RuntimeError: one of the variables"),
        (Uncopyable, "TypeError: holds a lock"),
        (frozen, r"all weights of 'frozen' are frozen .requires_grad=False."),
    ],
)
def test_what_cannot_be_taken_is_refused_in_one_line_by_name(
    make: Callable[..., nn.Module], says: str
) -> None:
    with pytest.raises(RequestError, match=says) as caught:
        rehearse(make, noisy_splits(SHAPE, 3))
    assert "\n" not in str(caught.value) and repr(make.__qualname__) in str(caught.value)


def spectral(classes: int, shape: tuple[int, ...]) -> nn.Module:
    layer = parametrizations.spectral_norm(nn.Linear(math.prod(shape), 8))
    return nn.Sequential(nn.Flatten(), layer, nn.ReLU(), nn.Linear(8, 8), nn.ReLU(),
                         nn.Linear(8, classes))  # fmt: skip


def normed(classes: int, shape: tuple[int, ...]) -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(math.prod(shape), 8), nn.BatchNorm1d(8),
                         nn.ReLU(), nn.Linear(8, classes))  # fmt: skip


class WithAMask(Net):
    """An attention mask is made with -inf."""

    def __init__(self, classes: int, shape: tuple[int, ...]) -> None:
        super().__init__(classes, shape)
        self.register_buffer("mask", torch.triu(torch.full((16, 16), -math.inf), 1))

    def before(self, x: Tensor) -> Tensor:
        return x.flatten(1) @ self.mask.softmax(-1)  # type: ignore[operator]


class WithTwoNames(Net):
    def __init__(self, classes: int, shape: tuple[int, ...]) -> None:
        super().__init__(classes, shape)
        self.again = nn.Sequential(self.a)


class ByKeyword(Net):
    def forward(self, x: Tensor) -> Any:
        return self.b(input=self.a(input=x.flatten(1)).tanh())


class WithExtraState(Net):
    def get_extra_state(self) -> dict[str, int]:
        return {"version": 2}

    def set_extra_state(self, state: object) -> None:
        pass


@pytest.mark.usefixtures("no_export")
@pytest.mark.parametrize(
    "make", [Net, spectral, normed, WithAMask, WithTwoNames, ByKeyword, WithExtraState]
)
@pytest.mark.parametrize("config", [
    BuildConfig(), BuildConfig(pruner="datafree"), BuildConfig.of(rewind="random"),
])  # fmt: skip
def test_what_can_be_taken_passes(make: Callable[..., nn.Module], config: BuildConfig) -> None:
    if config.pruner == "datafree" and make is not Net:
        pytest.skip("data-free pruning merges plain layers alone")
    found = rehearse(make, noisy_splits(SHAPE, 3), config)
    assert found.told == () and "no_such_package is not installed" in found.not_exported


@pytest.mark.usefixtures("no_export")
def test_epochs_of_the_last_layer_alone_are_rehearsed() -> None:
    config = BuildConfig(dropnet=DropNet(recipe=Recipe(head_epochs=5, backbone_rate=0.1)))
    assert rehearse(normed, noisy_splits(SHAPE, 3), config).told == ()


@pytest.mark.usefixtures("no_export")
def test_a_batch_norm_with_batches_of_one_is_refused_before_training() -> None:
    config = BuildConfig(dropnet=DropNet(recipe=Recipe(batch_size=1)))
    with pytest.raises(RequestError, match="'normed' cannot be trained and pruned: ValueError"):
        rehearse(normed, noisy_splits(SHAPE, 3), config)


def test_an_export_is_tried_and_a_failing_one_told(monkeypatch: pytest.MonkeyPatch) -> None:
    assert rehearse(Net, noisy_splits(SHAPE, 3)) == Rehearsal("Net", (), "")

    def fails(*_: object, **__: object) -> None:
        raise RequestError("the ensemble cannot be exported to ONNX: aten.x has no ONNX form")

    monkeypatch.setattr("ensemble.model.Ensemble.export", fails)
    found = rehearse(Net, noisy_splits(SHAPE, 3))
    assert found.lines == (
        "Net: cannot be exported to ONNX, all else works: aten.x has no ONNX form",
    )


def test_a_network_that_is_given_keeps_its_weights() -> None:
    network = Net(3, SHAPE)
    before = {key: value.clone() for key, value in network.state_dict().items()}
    rehearse(network, noisy_splits(SHAPE, 3))
    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())


def test_what_is_not_stored_is_named() -> None:
    torch.manual_seed(0)
    one, other = PlainTensor(3, SHAPE), PlainTensor(3, SHAPE)
    one.fixed = other.fixed = torch.ones(2)  # type: ignore[assignment]
    one.table, other.table = {"k": torch.zeros(1)}, {"k": torch.ones(1)}  # type: ignore[assignment]
    assert outside_state(one, other) == ["order", "table['k']"]
    assert outside_state(one, one) == []


def test_a_refused_network_leaves_no_run_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from pipelines.commands.cli import run

    (tmp_path / "clocked.py").write_text(
        "import torch\nfrom torch import nn\n"
        "class Net(nn.Module):\n"
        "    def __init__(self, classes, shape):\n"
        "        super().__init__()\n"
        "        self.order = torch.randperm(64)\n"
        "        self.a, self.b = nn.Linear(64, 8), nn.Linear(8, classes)\n"
        "    def forward(self, x):\n"
        "        return self.b(self.a(x.flatten(1)[:, self.order]).tanh())\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    build = ["build", "--arch", "clocked:Net", "--m", "1", "--s", "1", "--out", "run"]
    for words in (["check", "clocked:Net", "--input", "1x8x8"], build):
        assert run(words) == 2
        assert "'clocked:Net' computes with 'order'" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
