"""What every engine must hold; a new one is tested unasked, on what it can run here."""

from __future__ import annotations

import copy
from typing import NamedTuple

import pytest
import torch
from pruning_support import blobs
from torch import Tensor, nn

from pruning.core.errors import RequestError
from pruning.networks.architecture import build_network
from pruning.training.device_data import DeviceData
from pruning.training.engines.choosing import choose_engine
from pruning.training.engines.engine import ENGINES, Engine
from pruning.training.recipe import Recipe

SHAPE = (1, 4, 4)
ARCHS = ("mlp-a:9-7", "conv-b:6-5")
DEVICES = ("cpu", "cuda") if torch.cuda.is_available() else ("cpu",)
MEMBERS, SAMPLES = 3, 96
RATE, RATES = 0.01, [0.01] * 6
RECIPE = Recipe(
    optimizer="adam", learning_rate=RATE, weight_decay=0.0, batch_size=16, max_epochs=6, patience=6
)
FITTING = [
    pytest.param(name, arch, device, id=f"{name}-{arch}-{device}")
    for name in ENGINES
    for device in DEVICES
    for arch in ARCHS
    if ENGINES[name].obstacle(build_network(arch, 3, SHAPE, 0), device) is None
]


class Case(NamedTuple):
    """An engine, a network it can run, and the data."""

    kind: type[Engine]
    arch: str
    data: DeviceData

    def networks(self) -> list[nn.Module]:
        device = self.data.train_images.device
        return [build_network(self.arch, 3, SHAPE, seed).to(device) for seed in range(MEMBERS)]

    def orders(self) -> Tensor:
        generator = torch.Generator().manual_seed(0)
        drawn = [torch.randperm(SAMPLES, generator=generator) for _ in range(MEMBERS)]
        return torch.stack(drawn).to(self.data.train_images.device)

    def made(self) -> Engine:
        return self.kind(self.networks(), self.data, RECIPE)


@pytest.fixture
def case(request: pytest.FixtureRequest) -> Case:
    name, arch, device = request.param
    return Case(ENGINES[name], arch, DeviceData.of(blobs(), device))


EVERY = pytest.mark.parametrize("case", [pytest.param(p.values, id=p.id) for p in FITTING],
                                indirect=True)  # fmt: skip


def _plain(case: Case, state: dict[str, Tensor]) -> tuple[float, float]:
    """Return mean loss and accuracy on the validation part, by the network itself."""
    network, data = case.networks()[0].eval(), case.data
    network.load_state_dict(state)
    with torch.no_grad():
        logits = network(data.scaling(data.val_images))
    loss = nn.functional.cross_entropy(logits, data.val_labels)
    return loss.item(), (logits.argmax(1) == data.val_labels).double().mean().item()


@pytest.mark.parametrize("name", ENGINES.names())
def test_an_engine_says_what_it_is(name: str) -> None:
    kind = ENGINES[name]
    assert kind.summary
    assert "\n" not in kind.summary
    assert all(kind.group_size(device) >= 1 for device in ("cpu", "cuda"))


@pytest.mark.parametrize("name", ENGINES.names())
@pytest.mark.parametrize("arch", ARCHS)
def test_what_an_engine_cannot_run_is_refused_in_its_words(name: str, arch: str) -> None:
    network = build_network(arch, 3, SHAPE, 0)
    obstacle = ENGINES[name].obstacle(network, "cpu")
    if obstacle is None:
        assert choose_engine(name, network, "cpu") == name
        return
    with pytest.raises(RequestError) as refused:
        choose_engine(name, network, "cpu")
    assert f"`engine` '{name}' {obstacle}" in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("arch", ARCHS)
def test_auto_is_never_undecided(arch: str, device: str) -> None:
    network = build_network(arch, 3, SHAPE, 0)
    able = [kind for kind in map(ENGINES.__getitem__, ENGINES)
            if kind.obstacle(network, device) is None]  # fmt: skip
    ranks = [rank for kind in able if (rank := kind.auto_rank(network, device, 0)) is not None]
    assert ranks.count(max(ranks)) == 1


@EVERY
def test_it_learns_and_shows_what_its_weights_show(case: Case) -> None:
    engine = case.made()
    losses = [engine.epoch(case.orders(), RATES) for _ in range(RECIPE.max_epochs or 0)]
    assert all(len(loss) == MEMBERS for loss in losses)
    assert all(last < first for first, last in zip(losses[0], losses[-1], strict=True))
    seen = engine.evaluate()
    for row in range(MEMBERS):
        state = engine.weights(row)
        assert all(v.dtype == torch.float32 for v in state.values() if v.is_floating_point())
        loss, accuracy = _plain(case, state)
        # A card's convolutions multiply in tf32 unless they are told not to.
        rel = 5e-3 if case.data.train_images.is_cuda else 1e-4
        assert seen.losses[row] == pytest.approx(loss, rel=rel)
        assert seen.accuracies[row] == pytest.approx(accuracy, abs=1e-9)


@EVERY
def test_its_first_epoch_is_that_of_the_loop(case: Case) -> None:
    plain = ENGINES["loop"](case.networks(), case.data, RECIPE)
    engine = case.made()
    assert engine.epoch(case.orders(), RATES) == pytest.approx(
        plain.epoch(case.orders(), RATES), rel=0.05
    )
    start, ours, theirs = case.networks()[1].state_dict(), engine.weights(1), plain.weights(1)
    # Adam takes a whole step wherever a gradient is near 0, to whichever side it was rounded.
    moved = sum(float((theirs[key] - start[key]).abs().sum()) for key in start)
    assert sum(float((ours[key] - theirs[key]).abs().sum()) for key in start) < 0.15 * moved


@EVERY
def test_company_changes_nothing(case: Case) -> None:
    orders = case.orders()
    together, alone = case.made(), case.kind([case.networks()[1]], case.data, RECIPE)
    for _ in range(2):
        together.epoch(orders, RATES)
        alone.epoch(orders[1:2], RATES)
    for key, value in alone.weights(0).items():
        torch.testing.assert_close(together.weights(1)[key], value, rtol=1e-3, atol=1e-4)


@EVERY
def test_those_that_stay_go_on_as_they_would_have(case: Case) -> None:
    orders = case.orders()
    whole, cut = case.made(), case.made()
    for engine in (whole, cut):
        engine.epoch(orders, RATES)
    cut.narrow([0, 2])
    expected = whole.epoch(orders, RATES)
    assert cut.epoch(orders[[0, 2]], RATES) == pytest.approx([expected[0], expected[2]], rel=1e-3)
    assert len(cut.evaluate().losses) == 2


@EVERY
def test_weights_are_a_copy(case: Case) -> None:
    engine = case.made()
    held = engine.weights(0)
    before = copy.deepcopy(held)
    engine.epoch(case.orders(), RATES)
    assert all(torch.equal(held[key], value) for key, value in before.items())
    trained = engine.evaluate()
    for value in engine.weights(0).values():
        value.zero_()
    assert engine.evaluate() == trained
