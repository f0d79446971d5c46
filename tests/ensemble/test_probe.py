"""The probe knows a good copy on any processor, and a network that was drawn anew."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import ensemble
from ensemble.member import EnsembleMember
from ensemble.model import Ensemble
from ensemble.onnx.runtime import load_onnx
from ensemble.probe import HALF, SINGLE, Probe, noise
from ensemble.probing import take_probe
from ensemble.storage.sealed import seal
from pruning.core.errors import RequestError
from pruning.samples.scaling import Scaling

Make = Callable[..., Ensemble]


class Net(nn.Module):
    """Two layers; the cases below spoil one thing each."""

    def __init__(self, classes: int, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(math.prod(shape), 16), nn.Linear(16, classes)

    def inner(self, x: Tensor) -> Tensor:
        """Return what the first layer sees."""
        return x.flatten(1)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(torch.tanh(self.first(self.inner(x))))  # type: ignore[no-any-return]


class PlainTensor(Net):
    """The order of the inputs is a plain attribute."""

    def __init__(self, classes: int, shape: tuple[int, ...]) -> None:
        super().__init__(classes, shape)
        self.order = torch.randperm(math.prod(shape))

    def inner(self, x: Tensor) -> Tensor:
        return x.flatten(1)[:, self.order]


class PythonsRandom(PlainTensor):
    """The order is drawn by Python's own generator."""

    def __init__(self, classes: int, shape: tuple[int, ...]) -> None:
        super().__init__(classes, shape)
        self.order = torch.tensor(random.sample(range(math.prod(shape)), math.prod(shape)))


class NotPersistent(Net):
    """A matrix in a buffer that is not stored."""

    def __init__(self, classes: int, shape: tuple[int, ...]) -> None:
        super().__init__(classes, shape)
        size = math.prod(shape)
        self.register_buffer("B", torch.randn(size, size) / size**0.5, persistent=False)

    def inner(self, x: Tensor) -> Tensor:
        return torch.sin(x.flatten(1) @ self.B)


class PlainList(Net):
    """A layer in a Python list."""

    def __init__(self, classes: int, shape: tuple[int, ...]) -> None:
        super().__init__(classes, shape)
        self.hidden = [nn.Linear(math.prod(shape), math.prod(shape))]

    def inner(self, x: Tensor) -> Tensor:
        return torch.tanh(self.hidden[0](x.flatten(1)))


class Ordered(PlainTensor):
    """A plain attribute that is the same each time: nothing is wrong with it."""

    def __init__(self, classes: int, shape: tuple[int, ...]) -> None:
        super().__init__(classes, shape)
        self.order = torch.arange(math.prod(shape) - 1, -1, -1)


class Buffered(PlainTensor):
    """The order in a proper buffer."""

    def __init__(self, classes: int, shape: tuple[int, ...]) -> None:
        super().__init__(classes, shape)
        order = self.order
        del self.order
        self.register_buffer("order", order)


def saved(kind: type[Net], classes: int, shape: tuple[int, ...], folder: Path) -> Ensemble:
    """Return a saved ensemble of two such networks, by the name 'mine:make'."""
    members = [
        EnsembleMember.of(kind(classes, shape).eval(), shape, name, "mine:make") for name in "ab"
    ]
    model = Ensemble(members, range(classes), shape)
    model.save(folder)
    return model


@pytest.mark.parametrize(("classes", "shape"), [(10, (1, 8, 8)), (2, (6,)), (40, (3, 40, 40))])
@pytest.mark.parametrize("kind", [PlainTensor, PythonsRandom, NotPersistent, PlainList])
def test_a_network_drawn_anew_is_refused_in_one_line(
    kind: type[Net], classes: int, shape: tuple[int, ...], tmp_path: Path
) -> None:
    saved(kind, classes, shape, tmp_path / "team")
    for _ in range(3):
        with pytest.raises(RequestError, match=r"'a' .mine:make. answers otherwise") as caught:
            ensemble.load(tmp_path / "team", factories={"mine:make": kind})
        assert "\n" not in str(caught.value) and "verify=False" in str(caught.value)
    loose = ensemble.load(tmp_path / "team", factories={"mine:make": kind}, verify=False)
    assert len(loose.description.members) == 2


@pytest.mark.parametrize("kind", [Net, Ordered, Buffered])
def test_a_network_whose_weights_are_all_of_it_is_loaded(kind: type[Net], tmp_path: Path) -> None:
    model = saved(kind, 10, (1, 8, 8), tmp_path / "team")
    again = ensemble.load(tmp_path / "team", factories={"mine:make": kind})
    x = noise((1, 8, 8), Scaling())
    np.testing.assert_array_equal(again.predict_proba(x), model.predict_proba(x))


def test_the_onnx_file_holds_what_the_weights_do_not(tmp_path: Path) -> None:
    model = saved(PlainTensor, 10, (1, 8, 8), tmp_path / "team")
    model.export(tmp_path / "team.onnx")
    x = noise((1, 8, 8), Scaling())
    found = ensemble.load(tmp_path / "team.onnx").predict_proba(x)
    np.testing.assert_allclose(found, model.predict_proba(x), atol=1e-5)


def test_a_graph_that_answers_otherwise_is_not_written(
    make_ensemble: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = make_ensemble(archs=("mlp-a:5",))
    other = make_ensemble(archs=("mlp-a:6",))
    monkeypatch.setattr(model, "_probe", lambda given: take_probe(other.members, other.description))
    with pytest.raises(RequestError, match="was not written: member '00-r3' answers otherwise"):
        model.export(tmp_path / "team.onnx")
    assert not (tmp_path / "team.onnx").exists()


def forge(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    root = folder / "ensemble.json"
    content = json.loads(root.read_text())
    change(content)
    root.write_text(json.dumps(seal(content)))


def test_the_tolerance_is_where_it_is_said_to_be() -> None:
    kept = np.log(np.array([[[0.5, 0.25, 0.25]]], np.float32))
    probe = Probe.of(np.exp(kept).astype(np.float32), SINGLE)
    for share, strays in ((0.99, False), (1.01, True), (-0.99, False), (-1.01, True)):
        moved = probe.answers + share * SINGLE * (1 + np.abs(probe.answers)) * [1, 0, 0]
        assert probe.strays(0, np.exp(moved[0]).astype(np.float32)) == strays


@pytest.mark.parametrize("bits", [10, 13])
def test_a_processor_that_rounds_to_tf32_or_worse_is_no_stranger(
    make_ensemble: Make, tmp_path: Path, bits: int
) -> None:
    """Weights rounded to so many bits answer as a coarse processor does."""
    model = make_ensemble()
    model.save(tmp_path / "team")
    probe = take_probe(model.members, model.description)
    assert probe is not None and probe.tolerance == SINGLE
    for member in model.members:
        for value in member.network.parameters():
            mantissa, exponent = torch.frexp(value.detach())
            value.data = torch.ldexp((mantissa * 2**bits).round() / 2**bits, exponent)
    x = probe.inputs((1, 8, 8), Scaling())
    probe.check([m.info.name for m in model.members], model.predict_members(x), "team")


def test_a_copy_that_was_changed_a_little_too_much_is_found(make_ensemble: Make) -> None:
    model = make_ensemble()
    probe = take_probe(model.members, model.description)
    assert probe is not None
    with torch.no_grad():
        model.members[1].network.get_parameter("output.bias")[0] += 0.1
    x = probe.inputs((1, 8, 8), Scaling())
    found = model.predict_members(x)
    assert [probe.strays(row, found[row]) for row in range(3)] == [False, True, False]
    with pytest.raises(RequestError, match="team: member '01-r3' answers otherwise"):
        probe.check([m.info.name for m in model.members], found, "team")


def test_noise_is_the_same_everywhere_and_fits_the_input() -> None:
    images, rows = noise((3, 4, 4), Scaling()), noise((5,), Scaling((7.0,) * 5, (2.0,) * 5))
    assert images.shape == (4, 3, 4, 4) and images.dtype == np.uint8
    assert images[0, 0, 0].tolist() == [99, 62, 10, 86]
    assert rows.shape == (4, 5) and rows.dtype == np.float32
    assert np.abs((rows - 7) / 2).max() <= 3**0.5 + 1e-6
    assert noise((3, 224, 224), Scaling()).shape == (1, 3, 224, 224)
    wide = noise((4096,), Scaling((0.0,), (1.0,)))
    assert abs(wide.mean()) < 0.03 and abs(wide.std() - 1) < 0.03


def test_samples_handed_in_are_kept(make_ensemble: Make, tmp_path: Path) -> None:
    model = make_ensemble()
    x = np.random.default_rng(0).integers(0, 256, (9, 1, 8, 8), dtype=np.uint8)
    model.save(tmp_path / "a", probe=x)
    model.export(tmp_path / "a.onnx", probe=x / 255)
    probe = ensemble_probe(tmp_path / "a")
    assert probe["samples"] is not None and len(probe["answers"]) == 3 * 4 * 10
    assert ensemble.load(tmp_path / "a").cost_ == model.cost_
    assert load_onnx(tmp_path / "a.onnx").description == model.description
    forge(tmp_path / "a", lambda c: c["probe"].update(samples="AAAA"))
    with pytest.raises(RequestError, match=r"probe\.samples"):
        ensemble.load(tmp_path / "a")


def ensemble_probe(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / "ensemble.json").read_text())["probe"]
    return content


def test_feature_rows_handed_in_are_kept(rows_team: Ensemble, tmp_path: Path) -> None:
    rows = np.random.default_rng(0).normal(size=(3, 4))
    rows_team.save(tmp_path / "a", probe=rows)
    assert ensemble_probe(tmp_path / "a")["samples"] is not None
    assert ensemble.load(tmp_path / "a").cost_ == rows_team.cost_


def test_a_probe_is_small(tmp_path: Path) -> None:
    shape = (3, 64, 64)
    networks = [nn.Sequential(nn.Flatten(), nn.Linear(math.prod(shape), 1000)) for _ in range(5)]
    probe = take_probe(*parts(Ensemble(networks, range(1000), shape)))
    assert probe is not None and len(json.dumps(probe.to_json())) < 2000


def parts(model: Ensemble) -> tuple[tuple[EnsembleMember, ...], Any]:
    return model.members, model.description


class Codes(nn.Module):
    """Reads its input as the numbers of words: noise is no input for it."""

    def __init__(self) -> None:
        super().__init__()
        self.words, self.last = nn.Embedding(5, 4), nn.Linear(4, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.words(x.long()).mean(1))  # type: ignore[no-any-return]


class Dice(nn.Module):
    """Answers differently each time."""

    def __init__(self) -> None:
        super().__init__()
        self.last = nn.Linear(3, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(x + torch.randn_like(x))  # type: ignore[no-any-return]


class Logarithm(Dice):
    """Answers no number to what is negative."""

    def forward(self, x: Tensor) -> Tensor:
        return self.last(torch.log(x))  # type: ignore[no-any-return]


UNCOUNTED = pytest.mark.filterwarnings("ignore:operation .* is not in the FLOP count")


@UNCOUNTED
@pytest.mark.parametrize("kind", [Codes, Dice, Logarithm])
def test_where_no_copy_could_be_held_to_it_there_is_no_probe(
    kind: Callable[[], nn.Module], tmp_path: Path
) -> None:
    before = torch.random.get_rng_state()
    model = Ensemble([EnsembleMember.of(kind(), (3,), "a", "mine:make")], ["x", "y"], (3,))
    state = torch.random.get_rng_state()
    model.save(tmp_path / "a")
    assert torch.equal(state, torch.random.get_rng_state()) and not torch.equal(state, before)
    assert ensemble_probe(tmp_path / "a") is None
    make = {"mine:make": lambda classes, shape: kind()}
    assert ensemble.load(tmp_path / "a", factories=make).predict(np.ones((2, 3))).shape == (2,)


@UNCOUNTED
def test_codes_have_a_probe_where_samples_are_handed_in(tmp_path: Path) -> None:
    model = Ensemble([EnsembleMember.of(Codes(), (3,), "a", "mine:make")], ["x", "y"], (3,))
    model.save(tmp_path / "a", probe=[[0, 1, 2], [4, 4, 0]])
    assert ensemble_probe(tmp_path / "a")["samples"] is not None
    make = {"mine:make": lambda classes, shape: Codes()}
    ensemble.load(tmp_path / "a", factories=make)
    with pytest.raises((RequestError, IndexError)):
        model.save(tmp_path / "b", probe=[[0, 1, 99]])


def test_half_precision_is_given_more_room(make_ensemble: Make) -> None:
    model = make_ensemble(archs=("mlp-a:5",))
    model.members[0].network.register_buffer("coarse", torch.zeros(1, dtype=torch.bfloat16))
    probe = take_probe(model.members, model.description)
    assert probe is not None and probe.tolerance == HALF


@pytest.mark.parametrize(
    "change",
    [
        lambda c: c.pop("probe"),
        lambda c: c["probe"].pop("answers"),
        lambda c: c["probe"].update(answers=[0.0]),
        lambda c: c["probe"]["answers"].append(0.0),
        lambda c: c["probe"]["answers"].__setitem__(0, 0.5),
        lambda c: c["probe"]["answers"].__setitem__(0, "a"),
        lambda c: c["probe"]["answers"].__setitem__(0, -9.0),
        lambda c: c["probe"].update(tolerance=-1),
        lambda c: c["probe"].update(samples=7),
        lambda c: c["probe"].update(samples="%%%"),
        lambda c: c["probe"].update(samples=""),
        lambda c: c["probe"].update(samples="A" * 10_000),
        lambda c: c.update(probe=[]),
    ],
)
def test_a_forged_probe_is_refused_in_one_line(
    make_ensemble: Make, tmp_path: Path, change: Callable[[dict[str, Any]], object]
) -> None:
    make_ensemble(archs=("mlp-a:5",)).save(tmp_path / "a")
    forge(tmp_path / "a", change)
    with pytest.raises(RequestError) as caught:
        ensemble.load(tmp_path / "a")
    assert "\n" not in str(caught.value)


def test_a_probe_may_be_left_out_of_a_file(make_ensemble: Make, tmp_path: Path) -> None:
    make_ensemble(archs=("mlp-a:5",)).save(tmp_path / "a")
    forge(tmp_path / "a", lambda content: content.update(probe=None))
    ensemble.load(tmp_path / "a")
