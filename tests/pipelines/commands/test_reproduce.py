"""`ensemble reproduce`: its list, a quick look, and wrong requests in one line."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from pipelines.commands.cli import cli
from pipelines.reproduction import running
from pipelines.reproduction.budget import Budget
from pipelines.reproduction.claims import CLAIMS
from pruning.core.errors import RequestError
from pruning.data.splits import Splits


def reproduce(*arguments: str) -> str:
    result = CliRunner().invoke(cli, ["reproduce", *arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_the_list_names_every_claim_and_figure() -> None:
    shown = reproduce("--list")

    for name in CLAIMS:
        assert f"\n{name}" in f"\n{shown}"
        for figure in CLAIMS[name].figures:
            assert f"{figure.name} ({figure.published})" in shown
        assert all(study.name in shown for study in CLAIMS[name].studies)
    assert reproduce() == shown


def test_a_quick_look_leaves_runs_a_page_and_the_table(tmp_path: Path) -> None:
    arguments = "fractions", "--part", "mlp-20-20", "--budget", "quick", "--seeds", "1"
    shown = reproduce(*arguments, "--out", str(tmp_path))

    assert f"{tmp_path}/fractions/README.md" in shown
    assert (tmp_path / "fractions" / "mlp-20-20.svg").is_file()
    assert "[figure 18](fractions/mlp-20-20.svg)" in (tmp_path / "README.md").read_text()
    again = reproduce(*arguments, "--out", str(tmp_path))
    assert "mlp-20-20 0.5: 1 of 1 are there" in again


def test_the_time_limit_is_the_commands_not_each_claims(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: dict[str, float] = {}

    def noted(work: running.Work, seeds: int, splits: Splits, budget: Budget, started: float,
              *_: object) -> None:  # fmt: skip
        begun[str(work.path.relative_to(tmp_path).parts[0])] = started

    monkeypatch.setattr(running, "_make", noted)
    words = "oracle", "random-init", "--budget", "quick", "--time-limit", "60"
    reproduce(*words, "--out", str(tmp_path))

    assert list(begun) == ["oracle", "random-init"]
    assert begun["oracle"] == begun["random-init"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("fraction",), r"unknown claim 'fraction'.*did you mean|unknown claim 'fraction'"),
        (("fractions", "--part", "mlp"), "unknown part 'mlp'"),
        (("oracle", "oracle"), "twice"),
    ],
)
def test_a_wrong_request_is_one_line(
    arguments: tuple[str, ...], message: str, tmp_path: Path
) -> None:
    with pytest.raises(RequestError, match=message):
        CliRunner().invoke(
            cli, ["reproduce", *arguments, "--out", str(tmp_path)], catch_exceptions=False
        )
    assert not list(tmp_path.iterdir())
