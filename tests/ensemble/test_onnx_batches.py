"""An exported graph takes any number of samples, or is refused before it is written."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

import ensemble
from ensemble.model import Ensemble
from ensemble.onnx.batches import BATCHES, fault
from ensemble.onnx.runtime import load_onnx
from ensemble.probe import noise
from pruning.core.errors import RequestError
from pruning.networks.architecture import build_network
from pruning.samples.scaling import Scaling

SHAPE = (1, 8, 8)
pytestmark = pytest.mark.filterwarnings("ignore:operation")
"""Of the networks below some do what is not in the FLOP count."""


class Base(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Linear(math.prod(SHAPE), 16), nn.Linear(16, 4)
        self.token = nn.Parameter(torch.randn(1, 16))

    def body(self, x: Tensor) -> Tensor:
        return self.b(self.a(x).relu())  # type: ignore[no-any-return]


class ClassToken(Base):
    """As in vision transformers."""

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.a(x.flatten(1)) + self.token.expand(len(x), -1)
        return self.b(hidden.relu())  # type: ignore[no-any-return]


class IntOfShape(Base):
    def forward(self, x: Tensor) -> Tensor:
        return self.body(x.reshape(int(x.shape[0]), -1))


class LenInReshape(Base):
    def forward(self, x: Tensor) -> Tensor:
        return self.body(x.reshape(len(x), -1))


class ZerosOfLen(Base):
    def forward(self, x: Tensor) -> Tensor:
        return self.b((self.a(x.flatten(1)) + torch.zeros(len(x), 16)).relu())  # type: ignore[no-any-return]


class Spectrum(Base):
    """As in networks that mix by Fourier transforms."""

    def forward(self, x: Tensor) -> Tensor:
        return self.body(torch.fft.irfft2(torch.fft.rfft2(x), s=(8, 8)).flatten(1))


class Plain(Base):
    def forward(self, x: Tensor) -> Tensor:
        return self.body(x.flatten(1))


class Loop(Base):
    def forward(self, x: Tensor) -> Tensor:
        return torch.stack([self.body(row.flatten()[None])[0] for row in x])


class NoForm(Base):
    def forward(self, x: Tensor) -> Tensor:
        return self.body(F.adaptive_max_pool2d(x, 3).repeat(1, 1, 3, 3)[..., :8, :8].flatten(1))


def team(kind: type[nn.Module]) -> Ensemble:
    torch.manual_seed(0)
    return Ensemble([kind(), Plain()], range(4), SHAPE)


@pytest.mark.parametrize(
    "kind", [ClassToken, IntOfShape, LenInReshape, ZerosOfLen, Spectrum, Plain]
)
def test_a_batch_size_that_is_read_as_a_number_stays_free(
    kind: type[nn.Module], tmp_path: Path
) -> None:
    model = team(kind)
    model.export(tmp_path / "team.onnx")
    loaded = ensemble.load(tmp_path / "team.onnx")
    for count in (*BATCHES, 2, 257):
        x = noise(SHAPE, Scaling(), count)
        np.testing.assert_allclose(loaded.predict_proba(x), model.predict_proba(x), atol=1e-5)


class Squeezed(Base):
    """A single sample loses its axis."""

    def forward(self, x: Tensor) -> Tensor:
        return self.body(x.flatten(1))[..., None, None].squeeze()


def test_answers_that_a_hook_picks_stay_so_in_the_graph(tmp_path: Path) -> None:
    network = build_network(Squeezed, 4, SHAPE, 0)
    model = Ensemble([network], range(4), SHAPE)
    model.export(tmp_path / "team.onnx")
    x = noise(SHAPE, Scaling(), 1)
    found = ensemble.load(tmp_path / "team.onnx").predict_proba(x)
    np.testing.assert_allclose(found, model.predict_proba(x), atol=1e-5)


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        (Loop, "its graph does not run on 1 sample: .*write x.shape.0. for len"),
        (NoForm, "aten.adaptive_max_pool2d has no ONNX form"),
    ],
)
def test_what_takes_one_batch_size_alone_is_not_written(
    kind: type[nn.Module], says: str, tmp_path: Path
) -> None:
    with pytest.raises(RequestError, match=says) as caught:
        team(kind).export(tmp_path / "team.onnx")
    assert "\n" not in str(caught.value) and not list(tmp_path.iterdir())


def test_a_graph_that_answers_otherwise_is_known(tmp_path: Path) -> None:
    one, other = team(Plain), team(Plain)
    with torch.no_grad():
        other.members[1].network.b.bias += 1  # type: ignore[operator]
        other.members[1].network.b.bias[0] -= 3  # type: ignore[index, operator]
    one.export(tmp_path / "team.onnx")
    graph = load_onnx(tmp_path / "team.onnx")
    assert fault(graph, one.members, one.description) is None
    found = fault(graph, other.members, other.description)
    assert found == "answers 1 sample otherwise than member '01' does"


class Words(Base):
    """Noise is no input for it: numbers of words go up to 5."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(6, 64)

    def forward(self, x: Tensor) -> Tensor:
        return self.body(self.words(x.flatten(1)[:, 0].long()))


def test_given_samples_are_asked_where_noise_is_no_input(tmp_path: Path) -> None:
    model = Ensemble([Words()], range(4), (3,))
    model.export(tmp_path / "a.onnx")
    x = np.arange(6, dtype=np.float32)[:, None].repeat(3, 1)
    model.export(tmp_path / "b.onnx", probe=x)
    for name in "ab":
        found = ensemble.load(tmp_path / f"{name}.onnx").predict_proba(x)
        np.testing.assert_allclose(found, model.predict_proba(x), atol=1e-5)


def test_more_noise_begins_with_the_fewer() -> None:
    for shape in (SHAPE, (7,)):
        scaling = Scaling((0.0,) * 7, (1.0,) * 7) if shape == (7,) else Scaling()
        few, many = noise(shape, scaling), noise(shape, scaling, 41)
        assert len(few) == 4 and len(many) == 41
        np.testing.assert_array_equal(many[:4], few)
