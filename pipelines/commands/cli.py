"""The commands, each thin; a wrong request becomes one line and exit code 2.

Nothing heavy is imported before a command needs it, so that ``--help`` answers at once.
"""

from __future__ import annotations

import signal
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from ensemble.installed import check_alone, lacking
from ensemble.web.limits import Limits
from pipelines.commands.help_sections import SectionedCommand, SectionedOption
from pipelines.commands.outcome import bad_name, flushed, last_line, open_streams
from pipelines.commands.setting_options import SettingOption, in_flags, setting_options
from pipelines.run.config import BuildConfig
from pipelines.run.resources import Placement
from pipelines.run.selection_config import SelectionConfig
from pruning.core.errors import RequestError
from pruning.core.settings_tree import settings_of


def _out(help_text: str, section: str = "Options") -> SectionedOption:
    """Return the option for where the result goes; without a path it cannot be given."""
    return SectionedOption(["--out"], section=section, help=help_text)


def _show_version(context: click.Context, _: click.Parameter, asked: bool) -> None:
    if asked:
        from ensemble.release import __version__

        click.echo(f"ensemble, version {__version__}")
        context.exit()


class _Commands(click.Group):
    """Commands, none of whose words may be empty; settings check their own."""

    def add_command(self, cmd: click.Command, name: str | None = None) -> None:
        """Add a command."""
        for parameter in cmd.params:
            if not isinstance(parameter, SettingOption):
                parameter.callback = parameter.callback or _not_empty
        super().add_command(cmd, name)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; a reader who has left, as ``| head`` does, ends it well.

        click would exit with 1.
        """
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            return 0


def _not_empty(context: click.Context, parameter: click.Parameter, value: Any) -> Any:
    if value == "" or (isinstance(value, tuple) and "" in value):
        option = isinstance(parameter, click.Option)
        what = parameter.opts[0] if option else parameter.human_readable_name
        raise RequestError(
            f"{what} '': allowed is a path or a name{', or leave it out' if option else ''}"
        )
    return value


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Add --debug to any command for the traceback of an error.",
)
@click.option("--version", is_flag=True, expose_value=False, is_eager=True, callback=_show_version,
              help="Show the version and exit.")  # fmt: skip
def cli() -> None:
    """Train M networks, prune each with DropNet, keep the S that vote best together."""
    check_alone()


_own_networks = click.option(
    "--arch",
    "archs",
    multiple=True,
    help="module:factory of members that are your own network: its code is run.",
)


@cli.command(
    cls=SectionedCommand,
    short_help="Train, prune, choose: data in, ensemble out.",
    params=[
        *setting_options(BuildConfig),
        _out("The run's folder.  [default: results/<data>-<arch>-…]", "What"),
        SectionedOption(
            ["--config"], metavar="FILE", section="What",
            help="Begin from what the config.json of a run asks for, or an edited copy: what is "
            "settled before training is settled anew, and options beside it win over it.",
        ),
        SectionedOption(
            ["--dry-run"], is_flag=True, section="What",
            help="Settle everything, measure a few steps, say what the build would take in memory "
            "and time; write nothing.",
        ),
        SectionedOption(
            ["--control"], is_flag=True, section="Choice of the team",
            help="Train one unpruned network as costly as the team, too; compare then holds both.",
        ),
        *setting_options(Placement),
        SectionedOption(
            ["--tensorboard"], metavar="FOLDER", section="Where it runs",
            help="Log every round for TensorBoard while it trains.",
        ),
    ],
)  # fmt: skip
def build(**options: Any) -> None:
    """Train M networks, prune each, choose the S that vote best together.

    The same command goes on where it was stopped.
    """
    from pipelines.commands.build import run_build

    run_build(**options)


@cli.command(
    cls=SectionedCommand,
    short_help="Choose again, without training.",
    params=[
        click.Argument(["source"]),
        *setting_options(SelectionConfig, "the run's"),
        _out("New folder for the choice; needed for a run."),
    ],
)
def select(**options: Any) -> None:
    """Choose again from SOURCE, a run or predictions made elsewhere (.npz), without training."""
    from pipelines.commands.select import run_select

    run_select(**options)


@cli.command(
    cls=SectionedCommand,
    short_help="A team of ONNX models made elsewhere, as one file.",
    params=[
        click.Argument(["models"], nargs=-1, required=True, metavar="MODEL.onnx..."),
        SectionedOption(
            ["--labels"], required=True, metavar="FILE.npz", section="What",
            help="Samples X that no model was trained on, with labels y; classes, X_test and "
            "y_test if there are any.",
        ),
        SectionedOption(
            ["--mean"], metavar="NUMBERS", section="What",
            help="Of 8-bit images as 0..1, for each channel, taken off for models that take "
            "floats, such as 0.485,0.456,0.406.  [default: 0]",
        ),
        SectionedOption(
            ["--std"], metavar="NUMBERS", section="What",
            help="What they are then divided by, such as 0.229,0.224,0.225.  [default: 1]",
        ),
        *(SettingOption(setting, "5, or all of fewer" if setting.name == "s" else None)
          for setting in settings_of(SelectionConfig)
          if setting.name not in ("pool", "max_latency")),
        SectionedOption(
            ["--out"], required=True, section="What",
            help="Folder for ensemble.onnx and the choice.",
        ),
    ],
)  # fmt: skip
def combine(**options: Any) -> None:
    """Run classifiers in ONNX files on labelled samples, choose a team, write it as one file.

    A model has one input with a free batch axis and one output (N, C), logits or probabilities,
    all with the classes in one order. `ensemble predict OUT` needs onnxruntime only.
    """
    from pipelines.commands.combine import run_combine

    run_combine(**options)


@cli.command(short_help="Chosen team against unpruned networks.")
@click.argument("runs", nargs=-1, required=True)
@click.option(
    "--measure",
    is_flag=True,
    help="Measure time and memory, too, each contender in a process of its own.",
)
@click.option("--threads", type=int, help="CPU threads of each when measured.  [default: 1]")
@click.option(
    "--test",
    metavar="FILE.npz",
    help="Of a choice from predictions: the members' predictions on samples held out of it.",
)
@click.option("--out", help="Folder for the report.  [default: the run itself]")
def compare(**options: Any) -> int:
    """Compare the chosen teams of RUNS with the unpruned networks on the test set.

    One run gets its table and report in its own folder; several go side by side into --out.
    A choice that `ensemble select FILE.npz` made is compared with its members on --test FILE.npz.
    """
    from pipelines.commands.compare import run_compare

    return run_compare(**options)


@cli.command(short_help="Published claims, made again.")
@click.argument("names", nargs=-1)
@click.option("--list", "list_names", is_flag=True, help="The names there are, and their parts.")
@click.option("--part", "parts", multiple=True, help="Some of its figures or studies only.")
@click.option("--seeds", type=click.IntRange(1), help="Runs per curve.  [default: the figure's]")
@click.option(
    "--budget",
    type=click.Choice(["full", "quick"]),
    default="full",
    show_default=True,
    help="quick: a few epochs on the digits, to see it run.",
)
@click.option(
    "--time-limit",
    type=click.FloatRange(0, min_open=True),
    help="Minutes after which no further runs are begun.",
)
@click.option(
    "--block",
    type=click.IntRange(1),
    help="Runs that train side by side and are written together.  [default: 15]",
)
@click.option(
    "--images",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="A folder per class, below train/ and test/, in place of the published data set.",
)
@click.option("--data-dir", type=click.Path(path_type=Path), help="Where data sets are.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Folder for runs and pages.  [default: results/reproduction]",
)
@click.option("--device", default="cpu", show_default=True, help="Where to train.")
@click.option(
    "--jobs",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="Curves made at once, a process each.",
)
def reproduce(**options: Any) -> None:
    """Make published claims NAMES again, or all; runs that are there are kept."""
    from pipelines.commands.reproduce import run_reproduce

    run_reproduce(**options)


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
@_own_networks
def predict(**options: Any) -> int:
    """Predict with the ensemble SOURCE: images, folders, .npy or .npz arrays, - for stdin.

    Unreadable images are named on standard error, the rest goes on, and the exit code is 1.
    """
    from pipelines.commands.predict import run_predict

    return run_predict(**options)


@cli.command(short_help="What is in an ensemble, what it costs.")
@click.argument("source")
@_own_networks
def show(**options: Any) -> None:
    """Show what an ensemble is made of and what it costs."""
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
@_own_networks
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


@cli.command(short_help="A run's curves for TensorBoard.")
@click.argument("source")
@click.option("--tensorboard", required=True, help="A new folder for the logs.")
def log(**options: Any) -> None:
    """Write the training curves of the run SOURCE, and its last comparison, for TensorBoard."""
    from pipelines.commands.log import run_log

    run_log(**options)


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
@_own_networks
def serve(**options: Any) -> None:
    """Serve the ensemble SOURCE: a page to drop images on, POST /predict, GET /health."""
    from pipelines.commands.serve import run_serve

    run_serve(**options)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command and exit: 0 done, 1 failed, 2 wrong request, 130 interrupted."""
    open_streams()
    given = list(sys.argv[1:] if arguments is None else arguments)
    # A polite end must reach the worker processes too: it goes the way of Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    debug = "--debug" in given
    code = run([word for word in given if word != "--debug"], debug=debug)
    sys.exit(flushed(code))


def run(arguments: Sequence[str], *, debug: bool = False) -> int:
    """Run a command and return its exit code; an error is one line on standard error."""
    try:
        result = cli.main(list(arguments), prog_name="ensemble", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return 2
    except (RequestError, click.UsageError) as error:
        return _fail(error, 2, debug, _command(arguments))
    except (KeyboardInterrupt, click.Abort):
        click.echo("ensemble: interrupted; the same command goes on where it stopped", err=True)
        return 130
    except ModuleNotFoundError as error:
        command = _command(arguments)
        told = lacking(str(command.name if command else "this"), error)
        if told is None:
            return _fail(error, 1, debug)
        told.__cause__ = error
        return _fail(told, 2, debug, command)
    except Exception as error:
        return _fail(error, 2 if bad_name(error) else 1, debug)
    return result if isinstance(result, int) else 0


def _command(arguments: Sequence[str]) -> click.Command | None:
    return next(filter(None, map(cli.commands.get, arguments)), None)


def _fail(error: Exception, code: int, debug: bool, command: click.Command | None = None) -> int:
    if debug:
        traceback.print_exception(error)
    click.echo(f"ensemble: {in_flags(last_line(error), command)}", err=True)
    return code


if __name__ == "__main__":
    main()
