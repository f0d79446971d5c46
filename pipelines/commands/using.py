"""Commands that use teams and look at networks, as the command line spells them."""

from __future__ import annotations

from typing import Any

import click

from ensemble.web.limits import Limits
from pipelines.commands.group import cli, own_networks
from pipelines.commands.help_sections import SectionedCommand
from pipelines.commands.setting_options import SettingOption, setting_options
from pipelines.run.config import BuildConfig
from pruning.core.settings_tree import settings_of


@cli.command(short_help="Predict images, folders and arrays.")
@click.argument("source")
@click.argument("inputs", nargs=-1, required=True)
@click.option(
    "--format", "form", type=click.Choice(["csv", "jsonl"]), default="csv", show_default=True
)
@click.option("--explain", is_flag=True, help="Each member's vote beside the team's.")
@click.option(
    "--cascade", is_flag=True, help="Cheapest member first, the next only where it is not sure."
)
@click.option("--batch-size", type=int, help="Samples at a time.  [default: 256]")
@click.option("--device", default="cpu", show_default=True, help="Where it is computed.")
@own_networks
def predict(**options: Any) -> int:
    """Predict with the ensemble SOURCE: images, folders, .npy or .npz arrays, - for stdin.

    Standard input is an .npy, or a path a line. Unreadable images are named on standard error,
    the rest goes on, and the exit code is 1.
    """
    from pipelines.commands.predict import run_predict

    return run_predict(**options)


@cli.command(short_help="What is in an ensemble, what it costs.")
@click.argument("source")
@click.option("--log", is_flag=True, help="What the time of a run's commands went to, instead.")
@own_networks
def show(log: bool, **options: Any) -> None:
    """Show what an ensemble is made of and what it costs."""
    if log:
        from pipelines.commands.show_log import run_show_log

        run_show_log(options["source"])
        return
    from pipelines.commands.show import run_show

    run_show(**options)


@cli.command(short_help="Is an ensemble whole, and the one that was meant?")
@click.argument("source")
@click.option(
    "--expect", metavar="SHA256",
    help="What it must be: the digits that this command says where the ensemble was made.",
)  # fmt: skip
def verify(**options: Any) -> None:
    """Check every file of the ensemble SOURCE, run nothing of it, and say its SHA-256.

    Checksums inside an ensemble show damage. They are no signature: whoever exchanges the files
    can make them again. --expect, passed on by a way you trust, shows that, too.
    """
    from pipelines.commands.verify import run_verify

    run_verify(**options)


@cli.command(short_help="Write the whole ensemble as one file.")
@click.argument("source")
@click.option("--format", type=click.Choice(["onnx"]), default="onnx", show_default=True)
@click.option(
    "--int8",
    is_flag=True,
    help="int8 inside; measured on the run's selection split and refused if it loses too much.",
)
@click.option(
    "--cascade",
    is_flag=True,
    help="No file: fit the run's cascade anew, for `predict --cascade`.",
)
@click.option(
    "--max-loss",
    type=float,
    help="Accuracy that --int8 or --cascade may lose.  [default: 0.005 or 0; allowed: 0 and "
    "more, less than 1]",
)
@own_networks
@click.option(
    "--out", help="The file.  [default: ensemble.onnx or ensemble-int8.onnx in SOURCE]",
)  # fmt: skip
def export(format: str, **options: Any) -> None:  # noqa: A002
    """Write the ensemble SOURCE as one ONNX file: scaling, every member and the vote inside.

    In the run, where `ensemble compare` finds it.
    """
    from pipelines.commands.export import run_export

    run_export(**options)


@cli.command(short_help="Can this network be pruned? Before any training.")
@click.argument("arch")
@click.option("--input", "shape", required=True, help="One sample: 3x64x64, or 20 features.")
@click.option(
    "--classes", type=click.IntRange(2), default=10, show_default=True, help="Number of logits."
)
def check(**options: Any) -> None:
    """Say what of ARCH, a name or module:factory, can be pruned, and what stands in the way."""
    from pipelines.commands.check import run_check

    run_check(**options)


@cli.command(
    cls=SectionedCommand,
    short_help="Which networks there are, and what they cost.",
    params=[
        click.Argument(["names"], nargs=-1, metavar="[ARCH]..."),
        click.Option(["--input", "shape"], help="One sample: 3x64x64, or 20 features.  "
                     "[default: the data's, or 3x32x32]"),
        click.Option(["--classes"], type=click.IntRange(2),
                     help="Number of logits.  [default: the data's, or 10]"),
        *(SettingOption(setting, "none" if setting.name == "data" else None)
          for setting in settings_of(BuildConfig) if setting.path[0] == "data"),
    ],
)  # fmt: skip
def archs(**options: Any) -> None:
    """List architectures with FLOPs, parameters, prunable units and weights to start from.

    Without ARCH, all that are built in. ARCH is what build takes as --arch: a name with or
    without widths, torchvision:NAME, your own module:factory.
    """
    from pipelines.commands.archs import run_archs

    run_archs(**options)


@cli.command(
    short_help="A page and a JSON API on this machine.",
    params=[
        click.Argument(["source"]),
        click.Option(
            ["--host"], default="127.0.0.1", show_default=True,
            help="Another than loopback opens it to the network, to all who know the token.",
        ),
        click.Option(
            ["--token"], metavar="TEXT", envvar="ENSEMBLE_TOKEN",
            help="What others must send, or the variable ENSEMBLE_TOKEN.  [default: none on "
            "loopback, else one is made and shown]",
        ),
        click.Option(
            ["--port"], type=click.IntRange(0, 65535), default=8000, show_default=True
        ),
        *setting_options(Limits),
    ],
)  # fmt: skip
@own_networks
def serve(**options: Any) -> None:
    """Serve the ensemble SOURCE: a page to drop images on, POST /predict, GET /health."""
    from pipelines.commands.serve import run_serve

    run_serve(**options)
