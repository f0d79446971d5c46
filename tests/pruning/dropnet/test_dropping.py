from __future__ import annotations

from pathlib import Path

import pytest
import torch
from pruning_support import blobs
from safetensors.torch import save_file

from pruning.core.errors import RequestError
from pruning.dropnet import DropNet, Runs, dropnet
from pruning.dropnet.masks import round_down
from pruning.dropnet.oracle import oracle_drop
from pruning.networks.architecture import build_network
from pruning.samples.stored import StoredSamples
from pruning.surgery import find_groups, full_masks
from pruning.surgery.groups import PrunedNetwork
from pruning.training.recipe import Recipe

RECIPE = Recipe(batch_size=16, max_epochs=1, learning_rate=0.01)


def _two_rounds(settings: DropNet, arch: str) -> tuple[object, object]:
    first, second = list(dropnet(Runs(arch, (0,), (3,)), blobs(), settings))
    return first[0], second[0]


def test_counts_are_brought_down_to_a_multiple() -> None:
    settings = DropNet(kappa=0.0, keep=0.0, rounds=1, round_to=4, recipe=RECIPE)
    _, pruned = _two_rounds(settings, "mlp-a:17-9")
    assert [int(mask.sum()) % 4 for mask in pruned.masks.values()] == [0, 0]  # type: ignore[attr-defined]


def test_a_layer_smaller_than_the_multiple_is_left() -> None:
    masks = {"a": torch.ones(3, dtype=torch.bool), "b": torch.ones(4, dtype=torch.bool)}
    importance = {name: torch.arange(len(mask)).double() for name, mask in masks.items()}
    new = round_down(importance, masks, 4, generator=torch.Generator())
    assert all(torch.equal(new[name], masks[name]) for name in masks)


def test_the_oracle_drops_what_the_training_loss_misses_least() -> None:
    settings = DropNet(metric="oracle", kappa=0.0, keep=0.0, rounds=1, recipe=RECIPE)
    first, second = _two_rounds(settings, "mlp-a:6-4")
    splits = blobs()
    groups = find_groups(first.network, splits.input_shape)  # type: ignore[attr-defined]
    samples = StoredSamples(
        torch.tensor(splits.train.images), splits.scaling, torch.tensor(splits.train.labels)
    )
    whole = PrunedNetwork(first.network, groups, full_masks(groups))  # type: ignore[attr-defined]
    expected = oracle_drop(whole, samples, 2)  # type: ignore[attr-defined]
    assert all(torch.equal(second.masks[name], mask) for name, mask in expected.items())  # type: ignore[attr-defined]


def test_given_weights_are_theta0(tmp_path: Path) -> None:
    splits = blobs()
    classes = len(splits.classes)
    given = build_network("mlp-a:6-4", classes, splits.input_shape, 99)
    save_file(given.state_dict(), tmp_path / "given.safetensors")
    still = Recipe(batch_size=16, max_epochs=1, learning_rate=1e-12, weight_decay=0.0)
    settings = DropNet(rounds=0, init=str(tmp_path / "given.safetensors"), recipe=still)
    (member,) = next(iter(dropnet(Runs("mlp-a:6-4", (0,), (1,)), splits, settings)))
    for name, value in given.state_dict().items():
        torch.testing.assert_close(member.network.state_dict()[name], value, rtol=0, atol=1e-6)
    with pytest.raises(
        RequestError, match=r"do not fit the architecture: fc1.bias is \(6,\), expected \(7,\)"
    ):
        list(dropnet(Runs("mlp-a:7-4", (0,), (1,)), splits, settings))


@pytest.mark.parametrize("content", [None, b"no safetensors"])
def test_a_file_that_cannot_be_read_is_said(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "w.safetensors"
    if content is not None:
        path.write_bytes(content)
    settings = DropNet(rounds=0, init=str(path), recipe=RECIPE)
    with pytest.raises(RequestError, match=r"initial weights '.*w\.safetensors' cannot be read"):
        list(dropnet(Runs("mlp-a:7-4", (0,), (1,)), blobs(), settings))


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"metric": "oracel"}, "unknown metric 'oracel'"),
        ({"score_mode": "publishd"}, "unknown score mode 'publishd'; did you mean 'published'"),
        ({"round_to": 0}, "`round_to` 0: allowed 1 and more"),
    ],
)
def test_settings_that_do_not_exist_are_said(settings: dict[str, object], says: str) -> None:
    with pytest.raises(RequestError, match=says):
        DropNet(**settings)  # type: ignore[arg-type]


def test_a_metric_that_does_not_fit_is_refused_before_training() -> None:
    trained = []
    with pytest.raises(RequestError, match="'bn_scale' needs a batch norm"):
        list(
            dropnet(
                Runs("mlp-a:6-4", (0,), (1,)), blobs(), DropNet(metric="bn_scale", recipe=RECIPE),
                on_epoch=lambda *args: trained.append(args),
            )
        )  # fmt: skip
    assert not trained
