"""``ensemble select FILE.npz --out``: what the folder says, and what ``compare`` makes of it."""

from __future__ import annotations

import csv
import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pipeline_support import fails

from pipelines.commands.cli import run

NAMES = ["a net", "b", "c", "d, e", "f"]
SAMPLES, CLASSES = 400, ("cat", "dog", "eel")


def arrays(**more: Any) -> dict[str, Any]:
    """Return five members' predictions; the second half of the samples is for a test."""
    rng = np.random.default_rng(0)
    labels = np.arange(SAMPLES) % 3
    skill = np.array([1.0, 2.0, 1.5, 0.5, 1.2])[:, None, None]
    raw = np.exp(rng.normal(size=(5, SAMPLES, 3)) + skill * np.eye(3)[labels])
    p = (raw / raw.sum(-1, keepdims=True)).astype(np.float32)
    return {"p": p, "y": np.array(CLASSES)[labels], "latency": np.arange(1, 6) / 1000, **more}


def part(half: slice) -> dict[str, Any]:
    given = arrays()
    return {"probabilities": given["p"][:, half], "labels": given["y"][half], "names": NAMES}


FIRST, SECOND = slice(SAMPLES // 2), slice(SAMPLES // 2, None)


def select(folder: Path, out: str = "chosen", **content: Any) -> Path:
    np.savez(folder / f"{out}.npz", **content)
    assert run(["select", str(folder / f"{out}.npz"), "--s", "3", "--out", str(folder / out)]) == 0
    return folder / out


@pytest.fixture
def chosen(tmp_path: Path) -> Path:
    return select(tmp_path, **part(FIRST), latency=arrays()["latency"])


@pytest.fixture
def test_file(tmp_path: Path) -> Path:
    """The members in another order: their names say which is which."""
    order = [3, 0, 4, 2, 1]
    held_out = part(SECOND)
    held_out["probabilities"] = held_out["probabilities"][order]
    held_out["names"] = [NAMES[row] for row in order]
    np.savez(tmp_path / "test.npz", **held_out)
    return tmp_path / "test.npz"


def rows(folder: Path) -> dict[str, dict[str, str]]:
    text = (folder / "comparison.csv").read_text()
    return {row["contender"]: row for row in csv.DictReader(text.splitlines())}


def test_candidates_name_their_members_and_sum_their_seconds(chosen: Path) -> None:
    table = list(csv.DictReader((chosen / "candidates.csv").read_text().splitlines()))
    assert len(table) == 10
    for row in table:
        team = [int(member) for member in row["team"].split()]
        assert row["members"].split("; ") == [NAMES[member] for member in team]
        assert float(row["latency"]) == pytest.approx(sum(member + 1 for member in team) / 1000)


@pytest.mark.parametrize(
    ("method", "limit", "said"),
    [
        ("soft", "12", ""),
        ("exhaustive", "5", "no team of 3 fits the budget\n"),
        ("exhaustive", "11", "9 of the 10 teams of 3 fit the budget, and a smaller one scored "),
        ("kappa", "6", "1 of the 10 teams of 3 fit the budget, and kappa came to a smaller one"),
    ],
)
def test_a_team_smaller_than_asked_says_how_many_full_ones_fit(
    method: str, limit: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Five members cost 1 to 5 ms, three of them 6 to 12; of exhaustive's three are wrong."""
    content = part(FIRST)
    if method == "exhaustive":
        labels = np.arange(SAMPLES // 2) % 3
        right, wrong = 0.2 + 0.4 * np.eye(3)[labels], 0.05 + 0.85 * np.eye(3)[labels - 1]
        content |= {"probabilities": np.array([right, right, wrong, wrong, wrong])}
    np.savez(tmp_path / "p.npz", **content, latency=arrays()["latency"])
    words = ["--s", "3", "--method", method, "--max-latency", limit]
    assert run(["select", str(tmp_path / "p.npz"), *words]) == 0
    out = capsys.readouterr().out
    assert f"fewer than the 3 asked for: {said}" in out if said else "fewer than" not in out


def test_columns_in_another_order_than_the_labels_are_suspected(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content = part(FIRST)
    np.savez(tmp_path / "p.npz", **content)
    assert run(["select", str(tmp_path / "p.npz"), "--s", "3"]) == 0
    assert "by chance" not in capsys.readouterr().err
    content["probabilities"] = np.roll(content["probabilities"], 1, -1)
    np.savez(tmp_path / "p.npz", **content)
    assert run(["select", str(tmp_path / "p.npz"), "--s", "3"]) == 0
    [line] = [line for line in capsys.readouterr().err.splitlines() if "by chance" in line]
    assert line.startswith("a net, b, c")
    assert "(33.3 %): are the columns of the probabilities in another order" in line


@pytest.mark.parametrize("command", ["select", "compare", "log"])
@pytest.mark.parametrize("name", ["p.csv", "p.npy"])
def test_a_file_that_is_no_npz_is_told_what_is_expected(
    command: str, name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / name).write_text("0.5,0.5")
    words = ["--tensorboard", str(tmp_path / "logs")] if command == "log" else []
    assert run([command, str(tmp_path / name), *words]) == 2
    err = capsys.readouterr().err
    said = {"select": "np.savez('predictions.npz', probabilities=p, labels=y)"}
    assert said.get(command, "is a file; expected the folder of a run") in err
    assert err.count("\n") == 1


def test_costs_that_are_missing_are_told_how_to_be_given(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.savez(tmp_path / "p.npz", **part(FIRST))
    for words, said in (
        (["--max-bytes", "9"], "costs=PoolCosts.of(bytes=…), or an array bytes (M,) in the file"),
        (["--thrifty"], "costs=PoolCosts.of(flops=…), or an array flops (M,) in the file"),
    ):
        assert run(["select", str(tmp_path / "p.npz"), "--s", "3", *words]) == 2
        assert said in capsys.readouterr().err


def test_without_unseen_samples_there_is_an_estimate_and_no_comparison(
    chosen: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert run(["compare", str(chosen)]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert "no comparison on unseen samples is possible" in err
    assert "--test" in err
    assert "overstated by about" in err
    assert not (chosen / "comparison.csv").exists()


def test_the_numbers_are_those_of_the_test_part(chosen: Path, test_file: Path) -> None:
    assert run(["compare", str(chosen), "--test", str(test_file)]) == 0
    held_out, found = part(SECOND), rows(chosen)
    truth = np.searchsorted(np.array(CLASSES), held_out["labels"])

    def accuracy(team: list[int]) -> float:
        return float((held_out["probabilities"][team].mean(0).argmax(-1) == truth).mean())

    seen = part(FIRST)
    on_select = (seen["probabilities"].argmax(-1) == np.arange(SAMPLES // 2) % 3).mean(1)
    best_first = np.argsort(-on_select, kind="stable").tolist()
    table = list(csv.DictReader((chosen / "candidates.csv").read_text().splitlines()))
    team = [int(k) for k in next(row["team"] for row in table if row["chosen"] == "True").split()]
    expected = {
        "single_best": accuracy(best_first[:1]),
        "single_mean": float(np.mean([accuracy([row]) for row in range(5)])),
        "top_s": accuracy(sorted(best_first[:3])),
        "all": accuracy([0, 1, 2, 3, 4]),
        "selected": accuracy(team),
    }
    for name, value in expected.items():
        assert float(found[name]["accuracy"]) == pytest.approx(value)
        assert float(found[name]["accuracy_low"]) <= value <= float(found[name]["accuracy_high"])
    assert list(found) == [*list(expected)[:4], "random_s", "selected"]
    gap = expected["all"] - expected["selected"]
    assert float(found["all"]["difference_to_selected"]) == pytest.approx(gap)
    assert float(found["all"]["latency_ms"]) == pytest.approx(15)
    assert float(found["selected"]["latency_ms"]) == pytest.approx(sum(k + 1 for k in team))
    assert "flops" not in found["all"]
    assert "bytes" not in found["all"]


def test_a_test_part_in_the_file_gives_the_same_comparison(
    chosen: Path, test_file: Path, tmp_path: Path
) -> None:
    held_out = part(SECOND)
    both = select(
        tmp_path, "both", **part(FIRST), latency=arrays()["latency"],
        test_probabilities=held_out["probabilities"], test_labels=held_out["labels"],
    )  # fmt: skip
    assert run(["compare", str(both)]) == 0
    assert run(["compare", str(chosen), "--test", str(test_file)]) == 0
    first = (chosen / "comparison.csv").read_bytes()
    assert first == (both / "comparison.csv").read_bytes()
    assert run(["compare", str(chosen)]) == 0  # the test predictions were kept
    assert first == (chosen / "comparison.csv").read_bytes()


def test_the_choice_does_not_read_the_test_part(chosen: Path, tmp_path: Path) -> None:
    held_out = part(SECOND)
    both = select(
        tmp_path, "both", **part(FIRST), latency=arrays()["latency"],
        test_probabilities=held_out["probabilities"][::-1], test_labels=held_out["labels"],
    )  # fmt: skip
    assert (both / "selection.json").read_bytes() == (chosen / "selection.json").read_bytes()


def test_every_form_says_that_there_are_predictions_only(
    chosen: Path, test_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert run(["compare", str(chosen), "--test", str(test_file)]) == 0
    page, said = (chosen / "report.html").read_text("utf-8"), capsys.readouterr().out
    for text in (page, " ".join(said.split()), (chosen / "comparison.md").read_text("utf-8")):
        assert "predictions only" in text
    for name in CLASSES:
        assert name in page
    assert "unpruned" not in page
    assert ">nan<" not in page.lower()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda a: a | part(FIRST), "samples that the team is chosen on"),
        (lambda a: a | {"names": ["x", *NAMES[1:]]}, "has no member 'a net'"),
        (lambda a: a | {"probabilities": a["probabilities"][:4], "names": NAMES[:4]}, "no member"),
        (lambda a: a | {"labels": np.full(SAMPLES // 2, "fox")}, "'fox' is none of classes"),
        (lambda a: a | {"classes": ["dog", "cat", "eel"]}, "its classes are dog, cat, eel"),
        (lambda a: {"probabilities": a["probabilities"]}, "no 'labels'"),
    ],
)
def test_what_is_no_such_test_part_is_refused(
    chosen: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], change: Any, said: str
) -> None:
    np.savez(tmp_path / "test.npz", **change(part(SECOND)))
    capsys.readouterr()
    assert run(["compare", str(chosen), "--test", str(tmp_path / "test.npz")]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert said in err
    assert not (chosen / "comparison.csv").exists()


def test_labels_of_a_test_part_mean_what_they_meant_to_the_choice(tmp_path: Path) -> None:
    """A test part in which a class is missing does not shift the others."""
    given = arrays()
    numbers = np.searchsorted(np.array(CLASSES), given["y"]) + 1
    out = select(tmp_path, probabilities=given["p"][:, FIRST], labels=numbers[FIRST])
    kept = np.flatnonzero(numbers != 1)[150:]
    np.savez(tmp_path / "test.npz", probabilities=given["p"][:, kept], labels=numbers[kept] * 1.0)
    assert run(["compare", str(out), "--test", str(tmp_path / "test.npz")]) == 0
    right = given["p"][:, kept].mean(0).argmax(-1) + 1 == numbers[kept]
    assert float(rows(out)["all"]["accuracy"]) == pytest.approx(float(right.mean()))


@pytest.mark.parametrize("name", ["labels", "names"])
def test_text_that_no_file_can_hold_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    given = part(FIRST)
    given[name] = np.char.replace(
        np.array(given[name]), "cat" if name == "labels" else "b", "\udce9"
    )
    np.savez(tmp_path / "mine.npz", **given)
    words = ["select", str(tmp_path / "mine.npz"), "--s", "2", "--out", str(tmp_path / "out")]
    assert run(words) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert "'\\udce9' is not UTF-8" in err
    assert not (tmp_path / "out").exists()


def test_a_changed_file_is_refused(
    chosen: Path, test_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = chosen / "candidates.csv"
    other.write_text(other.read_text().replace("True", "False"))
    capsys.readouterr()
    assert run(["compare", str(chosen), "--test", str(test_file)]) == 1
    assert "candidates.csv is not what was written" in capsys.readouterr().err


def test_a_choice_is_compared_on_its_own(
    chosen: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "config.json").write_text("{}")
    for words, said in (
        (["compare", str(chosen), str(chosen), "--out", str(tmp_path / "x")], "on its own"),
        (["compare", str(chosen), "--measure"], "nothing can be measured"),
        (["compare", str(tmp_path / "run"), "--test", "t.npz"], "--test 't.npz' is for a choice"),
        (["select", f"{chosen}.npz", "--s", "2", "--out", str(tmp_path / "run")], "is a run"),
        (["show", str(chosen)], ""),
    ):
        capsys.readouterr()
        assert run(words) == 2
        assert said in capsys.readouterr().err


def test_a_report_does_not_take_the_place_of_anothers(
    chosen: Path, test_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "config.json").write_text('{"asked": {}}')
    (tmp_path / "run" / "report.html").write_text("a run's")
    other = select(tmp_path, "other", **part(SECOND))
    words = ["compare", str(chosen), "--test", str(test_file), "--out"]
    for place, said in (("run", "run is a run"), ("other", "other is a choice from predictions")):
        assert said in fails(capsys, *words, str(tmp_path / place))
    assert (tmp_path / "run" / "report.html").read_text() == "a run's"
    assert not (other / "report.html").exists()
    assert run([*words, str(chosen)]) == 0
    assert run([*words, str(tmp_path / "new")]) == 0
    assert (tmp_path / "new" / "report.html").is_file()


def test_a_team_that_is_its_own_rival_is_not_tested_against_itself(tmp_path: Path) -> None:
    given = part(FIRST)
    one = given | {"probabilities": given["probabilities"][:3], "names": NAMES[:3]}
    held_out = part(SECOND)
    out = select(
        tmp_path, **one, test_probabilities=held_out["probabilities"][:3],
        test_labels=held_out["labels"],
    )  # fmt: skip
    assert run(["compare", str(out)]) == 0
    found = rows(out)
    assert all(found[name]["difference_to_selected"] == "" for name in ("all", "top_s", "random_s"))
    assert found["single_best"]["difference_to_selected"] != ""


def test_four_members_are_chosen_from_without_a_size(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = part(FIRST)
    np.savez(tmp_path / "p.npz", probabilities=given["probabilities"][:4], labels=given["labels"])
    assert run(["select", str(tmp_path / "p.npz")]) == 0
    assert "chosen 4 of 4" in capsys.readouterr().out


def test_verify_says_which_files_it_covers_and_names_what_is_another_choices(
    chosen: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert run(["verify", str(chosen)]) == 0
    out, err = capsys.readouterr()
    digits = hashlib.sha256((chosen / "choice.json").read_bytes()).hexdigest()
    assert out.split() == [digits, str(chosen)]
    for name in ("selection.json", "candidates.csv", "predictions/select.npz"):
        assert name in err
    assert run(["verify", str(chosen), "--expect", digits]) == 0
    assert run(["verify", str(chosen), "--expect", "0" * 64]) == 2
    other = select(tmp_path, "other", **part(SECOND))
    for name in ("selection.json", "candidates.csv", "predictions/select.npz"):
        own = (chosen / name).read_bytes()
        (chosen / name).write_bytes((other / name).read_bytes())
        capsys.readouterr()
        assert run(["verify", str(chosen)]) != 0
        assert Path(name).name in capsys.readouterr().err
        (chosen / name).write_bytes(own)
    assert run(["verify", str(chosen)]) == 0
