"""Runs are made once, go on where they stopped, and are never mixed with others."""

import dataclasses
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from pipelines.reproduction.accuracy import one_answer
from pipelines.reproduction.agreement import CurveVerdict
from pipelines.reproduction.budget import Budget
from pipelines.reproduction.claim import OURS_SUFFIX, Claim, CurveWork, Figure, Run
from pipelines.reproduction.claims import CLAIMS
from pipelines.reproduction.dropnet_curve import PAPER, DropNetCurve
from pipelines.reproduction.found import found_figures
from pipelines.reproduction.reading import curves_held, page, table_of_claims, write_page
from pipelines.reproduction.row_files import read_rows
from pipelines.reproduction.running import Source, nine_tenths_train, reproduce
from pruning.core.errors import RequestError
from pruning.dropnet import dropnet
from pruning.dropnet.population import Runs
from pruning.inference.probabilities import predict_probabilities

MINIMUM = dataclasses.replace(PAPER, metric="minimum")
TINY = Figure(
    "mlp", "FC20, FC20", "figure 15", "mlp-a:20-20", "mnist",
    (
        DropNetCurve("minimum", "minimum", MINIMUM),
        DropNetCurve("redrawn", "redrawn", MINIMUM, "redrawn"),
    ),
)  # fmt: skip
CLAIM = Claim("a title", "a paper, 2020", (TINY,), (("minimum", "redrawn"),))


def make(folder: Path, seeds: int, **budget: object) -> list[str]:
    told: list[str] = []
    reproduce(CLAIM, folder, Budget(True, seeds, **budget), tell=told.append)  # type: ignore[arg-type]
    return told


def read_runs(path: Path) -> list[Run]:
    return [Run(**row) for row in read_rows(path)]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    make(folder, 3)
    return folder


def test_a_runs_accuracies_are_those_of_its_networks(made: Path) -> None:
    splits = nine_tenths_train(Source().splits("mnist", Budget(quick=True)))
    curve = DropNetCurve("minimum", "minimum", MINIMUM).asked([1.0] * 4, quick=True)
    expected = [
        np.mean(
            predict_probabilities(m.network, splits.test.images, splits.scaling).argmax(1)
            == splits.test.labels
        )
        for (m,) in dropnet(Runs(TINY.arch, (0,), (1,)), splits, curve.settings)
    ]

    run = read_runs(made / "mlp" / "minimum.jsonl")[1]

    assert run.seed == 1
    assert run.accuracy == pytest.approx(expected, abs=1e-5)
    assert run.remaining == [1.0, 0.8, 0.65, 0.525]


def test_nothing_is_made_twice_and_more_seeds_are_added(made: Path, tmp_path: Path) -> None:
    first = (made / "mlp" / "minimum.jsonl").read_text()
    make(tmp_path, 2)
    make(tmp_path, 3)

    assert (tmp_path / "mlp" / "minimum.jsonl").read_text() == first
    assert make(tmp_path, 3) == ["mlp minimum: 3 of 3 are there", "mlp redrawn: 3 of 3 are there"]


def test_blocks_of_seeds_are_the_runs_of_one_population(made: Path, tmp_path: Path) -> None:
    make(tmp_path, 3, block=1)

    whole, parts = (read_runs(at / "mlp" / "redrawn.jsonl") for at in (made, tmp_path))
    assert [run.remaining for run in whole] == [run.remaining for run in parts]
    # Populations of other sizes sum in another order.
    for a, b in zip(whole, parts, strict=True):
        assert a.accuracy == pytest.approx(b.accuracy, abs=0.02)


def test_without_time_nothing_is_begun(tmp_path: Path) -> None:
    told = make(tmp_path, 2, time_limit=0.0)

    assert all("2 are left for another time" in line for line in told)
    assert not list(tmp_path.rglob("*.jsonl"))


def test_masks_are_trained_from_fresh_weights(made: Path) -> None:
    own, redrawn = (
        read_runs(made / "mlp" / f"{name}.jsonl") for name in ("minimum", "redrawn")
    )  # fmt: skip

    for a, b in zip(own, redrawn, strict=True):
        assert a.remaining == b.remaining
        assert a.accuracy[0] == b.accuracy[0]  # round 0 is the run's own
    assert [run.accuracy[1:] for run in own] != [run.accuracy[1:] for run in redrawn]


def test_runs_that_were_made_otherwise_are_refused(made: Path) -> None:
    other = dataclasses.replace(
        TINY,
        curves=(DropNetCurve("minimum", "minimum", dataclasses.replace(MINIMUM, fraction=0.3)),),
    )
    before = (made / "mlp" / "minimum.jsonl").read_bytes()

    with pytest.raises(RequestError, match="made with other settings"):
        reproduce(dataclasses.replace(CLAIM, figures=(other,)), made, Budget(True, 4))
    assert (made / "mlp" / "minimum.jsonl").read_bytes() == before


def test_runs_from_before_a_setting_existed_are_kept(made: Path, tmp_path: Path) -> None:
    path = tmp_path / "mlp" / "minimum.jsonl"
    path.parent.mkdir()
    first, *rows = (made / "mlp" / "minimum.jsonl").read_text().splitlines()
    header = json.loads(first)
    del header["settings"]["teaching"], header["settings"]["recipe"]["class_weights"]
    path.write_text("\n".join([json.dumps(header), *rows]) + "\n")

    reproduce(CLAIM, tmp_path, Budget(True, 4))

    assert path.read_text().splitlines()[1 : len(rows) + 1] == rows


@pytest.mark.parametrize("content", ["no JSON\n", '{}\n{"nonsense": 2}\n', "{}\n3\n", ""])
def test_a_file_that_is_none_of_ours_is_refused_in_a_line(tmp_path: Path, content: str) -> None:
    path = tmp_path / "minimum.jsonl"
    path.write_text(content)

    with pytest.raises(RequestError, match=r"minimum\.jsonl: is not a file of runs"):
        read_rows(path)


def test_a_run_whose_layer_is_emptied_gives_one_answer_from_there_on() -> None:
    splits = nine_tenths_train(Source().splits("mnist", Budget(quick=True)))
    settings = dataclasses.replace(MINIMUM, metric="maximum_layer")
    shares = (1.0, 33 / 42, 0.6, 0.5)
    curve = DropNetCurve("maximum_layer", "", settings).asked(shares, quick=True)
    *_, (run,) = curve.runs(CurveWork("mlp-a:2-40", (0,), splits, "cpu", shares))

    assert len(run.remaining) == 2  # 2 units, 1, none
    run.fill(shares, one_answer(splits))
    assert run.epochs[2:] == [0, 0]
    assert run.accuracy[2:] == [round(one_answer(splits), 5)] * 2
    assert run.remaining[2:] == [0.6, 0.5]


def test_one_answer_is_the_commonest_training_class() -> None:
    splits = nine_tenths_train(Source().splits("mnist", Budget(quick=True)))
    counts = np.bincount(splits.train.labels)

    assert one_answer(splits) == np.mean(splits.test.labels == counts.argmax())


def test_a_page_holds_every_curve_its_picture_and_the_notes(made: Path, tmp_path: Path) -> None:
    (tmp_path / "mlp").mkdir()
    for path in (made / "mlp").glob("*.jsonl"):
        (tmp_path / "mlp" / path.name).write_bytes(path.read_bytes())
    (tmp_path / "notes.md").write_text("What we make of it.\n")

    (found,) = write_page("tiny", CLAIM, tmp_path)

    text = (tmp_path / "README.md").read_text()
    assert "What we make of it." in text
    assert "![FC20, FC20](mlp.svg)" in text
    assert "| minimum | redrawn | the paper's |" in text
    assert text.count("\n| minimum |") == 2  # its row, and its pair
    drawing = ET.fromstring((tmp_path / "mlp.svg").read_text())
    words = {element.text for element in drawing.iter("{http://www.w3.org/2000/svg}text")}
    assert {"minimum", "redrawn", "published", "here", "FC20, FC20"} <= words
    assert found.curves["minimum"].agreement is None  # a quick look has too few points


def test_a_quick_look_says_that_it_is_one(made: Path, tmp_path: Path) -> None:
    (tmp_path / "mlp").mkdir()
    for path in (made / "mlp").glob("*.jsonl"):
        (tmp_path / "mlp" / path.name).write_bytes(path.read_bytes())
    write_page("tiny", CLAIM, tmp_path, quick=True)
    text = (tmp_path / "README.md").read_text()
    assert text.startswith("# tiny, a quick look\n\n**A quick look:**")
    assert "ensemble reproduce tiny --budget quick" in text
    assert "read from digits" in text


def test_a_claim_without_runs_is_open_in_the_table(made: Path) -> None:
    table = table_of_claims({"made": CLAIM}, made.parent)

    assert "| open |" in table_of_claims({"none": CLAIM}, made.parent)
    assert table.splitlines()[2].startswith("| a title: FC20, FC20 |")
    assert page("tiny", CLAIM, found_figures(CLAIM, made.parent / "none")).startswith("# tiny")


@pytest.mark.slow
@pytest.mark.parametrize("name", CLAIMS.names())
def test_a_quick_look_runs_every_part_of_every_claim(name: str, tmp_path: Path) -> None:
    claim = CLAIMS[name]
    reproduce(claim, tmp_path, Budget(quick=True, seeds=3))
    found = write_page(name, claim, tmp_path)

    assert len(found) == len(claim.figures)
    for figure in found:
        assert set(figure.curves) == {curve.name for curve in figure.figure.curves}
        ours = [name for name in figure.curves if name.endswith(OURS_SUFFIX)]
        assert all(figure.curves[name].published is None for name in ours)
    text = (tmp_path / "README.md").read_text()
    assert all(part.title in text for part in (*claim.figures, *claim.studies))
    header = json.loads(next(tmp_path.rglob("*.jsonl")).read_text().splitlines()[0])
    assert header["data"] == "digits"


def test_a_published_curve_counts_once_and_what_another_of_ours_explains_is_said() -> None:
    agrees, differs = CurveVerdict.AGREES, CurveVerdict.DIFFERS
    verdicts = {
        "a": differs,
        "a_shuffled": agrees,
        "b": differs,
        "b_shuffled": differs,
        "c": agrees,
    }
    names = [DropNetCurve(name, name.removesuffix("_shuffled")) for name in verdicts]
    curves: Any = {
        name: SimpleNamespace(agreement=SimpleNamespace(verdict=verdict))
        for name, verdict in verdicts.items()
    }
    made = dataclasses.replace(CLAIM.figures[0], curves=tuple(names))
    found: Any = SimpleNamespace(figure=made, curves=curves)
    assert curves_held(found) == "1 × agrees, 2 × differs, 1 of these for a named cause"
    del curves["a_shuffled"]
    assert curves_held(found) == "1 × agrees, 2 × differs"
