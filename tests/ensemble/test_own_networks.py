"""Networks trained anywhere become an ensemble in a line."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import ensemble
from ensemble import Combination, Ensemble, EnsembleMember
from pipelines.commands.cli import run as command
from pruning.core.errors import RequestError
from pruning.inference.cost import Cost, count_cost
from pruning.networks.architecture import build_network
from pruning.samples.scaling import Scaling


def nets(count: int = 3, classes: int = 4, features: int = 6) -> list[nn.Module]:
    torch.manual_seed(0)
    return [nn.Sequential(nn.Linear(features, 5), nn.ReLU(), nn.Linear(5, classes))
            for _ in range(count)]  # fmt: skip


def test_networks_classes_and_a_shape_are_enough() -> None:
    networks = nets()
    model = Ensemble(networks, classes=["a", "b", "c", "d"], input_shape=(6,))
    x = np.random.default_rng(0).normal(size=(20, 6)).astype(np.float32)
    with torch.no_grad():
        each = torch.stack([n(torch.from_numpy(x)).softmax(-1) for n in networks])
    np.testing.assert_allclose(model.predict_proba(x), each.mean(0), atol=1e-6)
    assert model.predict(x).tolist() == [list("abcd")[i] for i in each.mean(0).argmax(-1)]
    assert [m.name for m in model.description.members] == ["00", "01", "02"]
    assert model.cost_ == Cost.total(count_cost(n, (6,)) for n in networks)
    assert not any(n.training for n in networks)


def test_images_are_scaled_to_one_unless_told_otherwise() -> None:
    net = nn.Sequential(nn.Flatten(), nn.Linear(16, 2))
    x = np.random.default_rng(0).integers(0, 256, (5, 1, 4, 4), dtype=np.uint8)
    for scaling, inputs in ((None, x / 255), (Scaling((10.0,), (2.0,)), (x - 10.0) / 2)):
        model = Ensemble([net], [0, 1], (1, 4, 4), scaling=scaling)
        with torch.no_grad():
            wanted = net(torch.tensor(inputs, dtype=torch.float32)).softmax(-1)
        np.testing.assert_allclose(model.predict_proba(x), wanted, atol=1e-6)


@pytest.mark.parametrize(
    "classes", [range(4), [7, -1, 10**12, 3], np.array([1, 2, 3, 4], np.int8), list("wxyz"),
                np.array(list("wxyz"), object)],
)  # fmt: skip
def test_classes_keep_their_kind(classes: object) -> None:
    model = Ensemble(nets(), classes, (6,))  # type: ignore[arg-type]
    assert model.classes_.tolist() == list(classes)  # type: ignore[call-overload]
    assert model.classes_.dtype.kind in "iU"


def test_saved_loaded_exported_it_answers_the_same(tmp_path: Path) -> None:
    model = Ensemble(nets(), range(4), (6,), combination=Combination("plurality"))
    model.save(tmp_path / "team")
    (arch,) = {member.arch for member in model.description.members}
    assert arch == "torch.nn.modules.container:Sequential"
    with pytest.raises(RequestError, match=r"hand it over: .*factories=\{'torch.nn.modules"):
        ensemble.load(tmp_path / "team")
    again = ensemble.load(str(tmp_path / "team"), factories={arch: lambda c, shape: nets()[0]})
    model.export(str(tmp_path / "team.onnx"))
    x = np.random.default_rng(0).normal(size=(50, 6))
    np.testing.assert_array_equal(again.predict_proba(x), model.predict_proba(x))
    onnx = ensemble.load(tmp_path / "team.onnx")
    np.testing.assert_allclose(onnx.predict_proba(x), model.predict_proba(x), atol=1e-6)
    report = model.export_int8(tmp_path / "int8.onnx", x, model.predict(x), allowed_loss=0.5)
    assert report.int8_bytes == (tmp_path / "int8.onnx").stat().st_size
    ensemble.load(tmp_path / "int8.onnx")


def _make(classes: int, shape: tuple[int, ...]) -> nn.Module:
    return nets(1, classes, shape[0])[0]


def test_a_factory_by_any_name_is_for_the_one_architecture_that_none_is_given_for(
    tmp_path: Path,
) -> None:
    model = Ensemble(nets(), classes=range(4), input_shape=(6,))
    model.save(tmp_path / "team")
    x = np.random.default_rng(0).normal(size=(20, 6)).astype(np.float32)
    copy = ensemble.load(tmp_path / "team", factories={"mynets:make": _make})
    np.testing.assert_allclose(copy.predict_proba(x), model.predict_proba(x), atol=1e-6)
    with pytest.raises(RequestError, match=r"factories=\{'torch.nn.*:Sequential': make\}"):
        ensemble.load(tmp_path / "team", factories={"mynets:make": _make, "mynets:b": _make})


def test_the_command_line_takes_the_factory_that_makes_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Ensemble(nets(), classes=range(4), input_shape=(6,)).save(tmp_path / "team")
    (tmp_path / "hand_made.py").write_text(
        "from torch import nn\n\ndef make(classes, shape):\n"
        "    return nn.Sequential(nn.Linear(shape[0], 5), nn.ReLU(), nn.Linear(5, classes))\n"
    )
    monkeypatch.chdir(tmp_path)
    assert command(["show", "team"]) == 2
    assert "hand it over: --arch module:factory, which makes one" in capsys.readouterr().err
    assert command(["show", "team", "--arch", "hand_made:make"]) == 0


def test_a_name_may_be_given(tmp_path: Path) -> None:
    members = [
        EnsembleMember.of(net, (6,), f"net {i}", "mine:make") for i, net in enumerate(nets())
    ]
    Ensemble(members, range(4), (6,)).save(tmp_path / "team")
    loaded = ensemble.load(tmp_path / "team", factories={"mine:make": lambda c, s: nets()[0]})
    assert [m.name for m in loaded.description.members] == ["net 0", "net 1", "net 2"]


@dataclass(frozen=True)
class Trained:
    """What DropNet yields, as far as it matters here."""

    network: nn.Module
    arch: str


def test_a_registered_architecture_needs_no_factory(tmp_path: Path) -> None:
    trained = [Trained(build_network("mlp-a:5-4", 4, (6,), seed), "mlp-a:5-4") for seed in range(2)]
    model = Ensemble(trained, range(4), (6,))
    model.save(tmp_path / "team")
    x = np.random.default_rng(0).normal(size=(5, 6))
    loaded = ensemble.load(tmp_path / "team")
    np.testing.assert_array_equal(loaded.predict_proba(x), model.predict_proba(x))


class Softmaxed(nn.Sequential):
    """Ends in a softmax."""


@pytest.mark.parametrize(
    ("networks", "classes", "shape", "said"),
    [
        ([], range(4), (6,), "at least one"),
        (nets(), range(3), (6,), r"answers \(4, 4\) to 4 samples; expected logits \(N, 3\)"),
        ([*nets(1), "net"], range(4), (6,), "network 01 is a str"),
        ([Softmaxed(nn.Linear(6, 4), nn.Softmax(-1))], range(4), (6,), "leave its last softmax"),
        ([nets(1)[0].double()], range(4), (6,), r"weights of float64 .* network.float\(\)"),
        ([nets(1)[0].half()], range(4), (6,), "weights of float16"),
        (nets(), [0, 0, 1, 2], (6,), "not distinct"),
        (nets(), [0.5, 1, 2, 3], (6,), "int64 or str"),
        (nets(), range(4), (2, 3), "must be|cannot|mat1"),
    ],
)
def test_what_does_not_fit_is_one_line(
    networks: list[nn.Module], classes: object, shape: tuple[int, ...], said: str
) -> None:
    with pytest.raises(RequestError, match=said) as caught:
        Ensemble(networks, classes, shape)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)


def test_weights_are_checked_with_the_members() -> None:
    with pytest.raises(RequestError, match="must be 3, one for each member"):
        Ensemble(nets(), range(4), (6,), combination=Combination(weights=(0.5, 0.5)))


def test_the_page_loads_nothing_it_is_not_asked_for() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert isinstance(ensemble.__version__, str)
