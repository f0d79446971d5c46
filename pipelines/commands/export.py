"""``ensemble export``: other forms of a team, each measured before it is kept."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import numpy as np

from ensemble.cascade import fit_cascade, run_cascade
from ensemble.model import Ensemble
from ensemble.reading.inputs import AsStored
from pipelines.build.data import same_data
from pipelines.commands.outcome import say_unchecked
from pipelines.report.number_format import down_percent, ratio, up
from pipelines.run.directory import RunDirectory
from pipelines.run.loading import load_ensemble
from pipelines.run.own_files import check_not_own
from pruning.core.errors import RequestError


def run_export(
    *, source: str, int8: bool, cascade: bool, max_loss: float | None, out: str | None,
    archs: tuple[str, ...],
) -> None:  # fmt: skip
    """Write the team as one ONNX file, with int8 inside, or fit its cascade anew."""
    if int8 and cascade:
        raise RequestError("--int8 and --cascade are two exports; give one at a time")
    if max_loss is not None and not (int8 or cascade):
        raise RequestError("--max-loss belongs to --int8 or --cascade; give one of them")
    if cascade and out is not None:
        raise RequestError("--cascade writes into the run's own ensemble/; leave --out away")
    if max_loss is not None and not 0 <= max_loss < 1:
        raise RequestError(f"--max-loss {max_loss} must lie between 0 and 1, such as 0.005")
    say_unchecked(source)
    run = RunDirectory(Path(source))
    if cascade:
        _need_run(run)
        with run.writing():
            for line in _fit_cascade(run, _loaded(source, archs), max_loss or 0.0):
                print(line)
        return
    model = _loaded(source, archs)
    if int8:
        _need_run(run)
    try:
        path = _write(run, model, int8, 0.005 if max_loss is None else max_loss, out)
    except ImportError as error:
        raise RequestError(
            f"exporting needs {error.name}; install with pip install 'dropnet-ensemble[onnx]'"
        ) from error
    print(path)


def _loaded(source: str, archs: tuple[str, ...]) -> Ensemble:
    model = load_ensemble(source, archs)
    if not isinstance(model, Ensemble):
        raise RequestError(f"{source} is exported already; give a run or an ensemble's folder")
    return model


def _write(run: RunDirectory, model: Ensemble, int8: bool, loss: float, out: str | None) -> Path:
    own = run.int8_file if int8 else run.onnx_file
    path = Path(out) if out else own
    ours = path.resolve() == own.resolve()
    _check_folder(path)
    if not ours:
        check_not_own(path, "out")
    if path.suffix != ".onnx":
        raise RequestError(
            f"--out {path}: a name that ends in .onnx is allowed, by which `ensemble predict` "
            f"knows the file; such as {path.with_suffix('.onnx')}"
        )
    own_run = ours and run.config_file.is_file()
    with (
        run.writing() if ours else nullcontext(),
        run.placing() if own_run else nullcontext(path.parent) as folder,
    ):
        _export(run, model, int8, loss, folder / path.name)
    return path


def _export(run: RunDirectory, model: Ensemble, int8: bool, loss: float, path: Path) -> None:
    if not int8:
        model.export(path)
        return
    select = same_data(run.resolved, str(run.path)).select
    report = model.export_int8(
        path, AsStored(select.images), model.classes_[select.labels], allowed_loss=loss
    )
    print(
        f"int8: accuracy {down_percent(report.int8_accuracy)} % against "
        f"{down_percent(report.float_accuracy)} % in float32 on {len(select)} samples of the "
        f"selection split, {ratio(report.int8_bytes / report.float_bytes)} of the bytes"
    )
    print(_speed(report.int8_seconds, report.float_seconds))


def _speed(int8: float, floating: float) -> str:
    """Say whether int8 is faster where it was made, which need not be where it will run.

    >>> print(_speed(0.003, 0.002))
    int8 is slower here: 3.00 ms a sample against 2.00 ms in float32; measure where it will run
    """
    word = "slower" if int8 > floating else "faster"
    return (
        f"int8 is {word} here: {up(int8 * 1000, 2)} ms a sample against {up(floating * 1000, 2)} "
        "ms in float32; measure where it will run"
    )


def _check_folder(path: Path) -> None:
    if path.is_dir():
        raise RequestError(f"--out {path} is a folder; give a file, such as {path / 'team.onnx'}")
    if not path.parent.is_dir():
        raise RequestError(f"--out {path}: the folder {path.parent} does not exist; make it first")


def _need_run(run: RunDirectory) -> None:
    if not run.config_file.is_file():
        raise RequestError(
            f"{run.path} is not a run: int8 and cascades are measured on a run's selection split; "
            "give the folder of `ensemble build`"
        )


def _fit_cascade(run: RunDirectory, model: Ensemble, loss: float) -> list[str]:
    """Fit on the kept predictions, write the artefact again, and say what it saves."""
    about, selection = model.description, run.selection()
    team = selection.team
    if len(team) < 2:
        raise RequestError(f"{run.path} has a team of one, which needs no cascade")
    kept = run.predictions("select")
    if kept is None:
        raise RequestError(
            f"{run.path} holds no predictions; give the `ensemble build` command again"
        )
    pool = kept.rows(team)
    how, costs = about.combination, [member.cost.flops for member in about.members]
    members = pool.probabilities
    fitted = fit_cascade(members, pool.labels, costs, how.weights, how.voting, allowed_loss=loss)
    ran = run_cascade(
        fitted, members.shape[1], lambda member, rows: members[member, rows],
        how.weights, how.voting,
    )  # fmt: skip
    run.keep_ensemble(Ensemble(
        model.members, about.classes, about.input_shape, scaling=about.scaling,
        combination=replace(how, cascade=fitted), provenance=about.provenance,
        feature_names=about.feature_names,
    ))  # fmt: skip
    right = float(np.mean(ran.probabilities.argmax(1) == pool.labels))
    share = ran.mean_cost(fitted, costs) / sum(costs)
    return [
        f"cascade: accuracy {down_percent(right)} % against "
        f"{down_percent(selection.accuracy)} % of the whole team on "
        f"{len(pool.labels)} samples of the selection split, {ratio(share)} of its FLOPs a sample",
        str(run.ensemble_folder),
    ]
