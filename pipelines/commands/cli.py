"""The commands: thin, each hands typed values to the pipeline and prints what comes back.

Nothing heavy is imported before a command needs it, so that ``--help`` answers at once.
"""

from __future__ import annotations

import signal
import sys
import traceback
from collections.abc import Sequence
from typing import Any

import click

from pipelines.commands.help_sections import SectionedCommand, section
from pruning.core.errors import DamagedRunError, RequestError

_what = section("What")
_data = section("Data")
_training = section("Networks and their training")
_pruning = section("Pruning")
_choice = section("Choice of the team")
_where = section("Where it runs")

VOTING = "How the team votes: mean, majority, plurality, accuracy_weighted or fitted."
CHOICE = (
    _choice("--max-flops", type=float, help="Most FLOPs a sample the team may take."),
    _choice("--max-bytes", type=float, help="Most bytes the team may take."),
    _choice(
        "--max-latency", type=float,
        help="Most milliseconds a sample the team may take, measured here.",
    ),
    _choice("--prune-fraction", type=float, help="β of hq: share of teams dropped a size."),
    _choice(
        "--measure", "measures", multiple=True,
        help="Diversity measure of hq, a name or module:Class; repeat for consensus.",
    ),
    _choice(
        "--thrifty", is_flag=True, default=None,
        help="Take the cheapest team, of any size up to S, that is as accurate beyond noise.",
    ),
)  # fmt: skip
"""What `build` and `select` both ask of a choice."""


def choice_options(command: Any) -> Any:
    """Give a command the options of `CHOICE`, in their order."""
    for option in reversed(CHOICE):
        command = option(command)
    return command


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Add --debug to any command for the traceback of an error.",
)
@click.version_option(package_name="dropnet-ensemble", prog_name="ensemble")
def cli() -> None:
    """Train M networks, prune each with DropNet, keep the S that vote best together."""


_own_networks = click.option(
    "--arch",
    "archs",
    multiple=True,
    help="module:factory of members that are your own network: its code is run.",
)


@cli.command(cls=SectionedCommand, short_help="Train, prune, choose: data in, ensemble out.")
@_what("--m", default=20, show_default=True, help="M, networks to train and prune.")
@_what("--s", "size", default=5, show_default=True, help="S, members of the team.")
@_what("--seed", default=0, show_default=True, help="Of the split and the first run.")
@_what("--out", help="The run's folder; by default results/<data>-<arch>-…")
@_data(
    "--data",
    default="digits",
    show_default=True,
    help="A known data set, a folder of class folders, or an .npz with X and y.",
)
@_data("--data-dir", help="Where a named data set's files are, or go.")
@_data("--image-size", type=int, help="Side in pixels that a folder's images are brought to.")
@_data("--limit", type=int, help="Use at most so many training, val and select samples.")
@_training(
    "--arch",
    "archs",
    multiple=True,
    default=("mlp-a",),
    show_default=True,
    help="Architecture, with widths if you like (mlp-a:60-60), or module:factory. "
    "Repeat for a mixed pool.",
)
@_training(
    "--init",
    help="Weights every run starts from: a .safetensors file, or torchvision:NAME[:WEIGHTS].",
)
@_training(
    "--recipe",
    default="default",
    show_default=True,
    help="How networks train: default, or paper; as published in all is --recipe paper "
    "--rewind initial --no-rescale --score-mode paper.",
)
@_training("--epochs", type=int, help="Most epochs a round, in place of the recipe's.")
@_training("--batch-size", type=int, help="In place of the recipe's.")
@_training("--augment", help="What training does to images: none, shift or shift-flip.")
@_training("--learning-rate", type=float, help="In place of the recipe's.")
@_pruning(
    "--pruner",
    default="dropnet",
    show_default=True,
    help="dropnet, or datafree: train once, merge similar neurons without data.",
)
@_pruning(
    "--remove",
    multiple=True,
    help="With datafree: a share of each dense layer's neurons (0.5), or LAYER=COUNT; "
    "by default up to the data-free cut-off.",
)
@_pruning("--saliency", help="With datafree: exact (default) or heuristic, the paper's.")
@_pruning(
    "--metric",
    default="minimum",
    show_default=True,
    help="What is dropped first: a score (minimum, random, l1, taylor, …), NAME_layer to rank "
    "within layers, oracle, or your own module:Class; an unknown name lists them all.",
)
@_pruning(
    "--fraction",
    default=0.2,
    show_default=True,
    help="p, share of the remaining units dropped a round.",
)
@_pruning("--kappa", type=float, help="κ: stop at this share of round 0's accuracy; default 0.97.")
@_pruning("--keep", type=float, help="Stop at this share of the units; default 0.55.")
@_pruning("--round-to", type=int, help="Bring each layer's count down to a multiple of this.")
@_pruning("--score-mode", help="text (the paper's words, default) or paper (its code).")
@_pruning(
    "--coupling",
    help="joint (channels that are summed go together, default) or paper (a mask a layer).",
)
@_pruning("--rounds", type=int, help="Most pruning rounds.")
@_pruning(
    "--rewind",
    type=click.Choice(["initial", "random", "late"]),
    help="What each round's survivors start from: θ0, a new draw, or θ0 after some epochs.",
)
@_pruning("--late-epochs", type=int, help="Epochs after which --rewind late takes weights.")
@_pruning(
    "--rescale/--no-rescale",
    default=None,
    help="Whether survivors' weights grow so that signals stay as strong; default yes.",
)
@_choice(
    "--method",
    default=None,
    help="soft (default), hq, top, …, or module:Class; an unknown name lists them all.",
)
@_choice(
    "--pool",
    default="pruned",
    show_default=True,
    help="What may be chosen: pruned, unpruned, mixed or rounds.",
)
@_choice("--voting", default="mean", show_default=True, help=VOTING)
@choice_options
@_choice(
    "--control",
    is_flag=True,
    help="Train one unpruned network as costly as the team, too; compare then holds both.",
)
@_where("--device", default="auto", show_default=True, type=click.Choice(["auto", "cpu", "cuda"]))
@_where(
    "--engine",
    default="auto",
    show_default=True,
    help="How networks train: stacked, loop, loop-bf16 or streams; auto takes what is best here.",
)
@_where("--jobs", type=int, help="Groups of runs at a time; by default one a core.")
@_where(
    "--backend",
    default="loky",
    show_default=True,
    help="joblib backend for --jobs: loky, threading, sequential.",
)
def build(**options: Any) -> None:
    """Train M networks, prune each, choose the S that vote best together.

    The same command goes on where it was stopped.
    """
    from pipelines.commands.build import run_build

    run_build(**options)


@cli.command(cls=SectionedCommand, short_help="Choose again, without training.")
@click.argument("source")
@_choice("--s", "size", type=int, help="S, members of the team; by default the run's.")
@_choice("--method", help="top, random, hq, …; an unknown name lists them all.")
@_choice("--pool", help="What may be chosen: pruned, unpruned, mixed or rounds.")
@_choice("--voting", help=VOTING)
@choice_options
@click.option("--out", help="New folder for the choice; needed for a run.")
def select(**options: Any) -> None:
    """Choose again from SOURCE, a run or predictions made elsewhere (.npz), without training."""
    from pipelines.commands.select import run_select

    run_select(**options)


@cli.command(short_help="Chosen team against unpruned networks.")
@click.argument("runs", nargs=-1, required=True)
@click.option("--measure", is_flag=True, help="Measure time and memory too, a process a contender.")
@click.option("--threads", type=int, help="CPU threads of each when measured; default 1.")
@click.option("--out", help="Folder for the report; by default the run itself.")
def compare(**options: Any) -> int:
    """Compare the chosen teams of RUNS with the unpruned networks on the test set.

    One run gets its table and report in its own folder; several go side by side into --out.
    """
    from pipelines.commands.compare import run_compare

    return run_compare(**options)


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
@click.option("--batch-size", type=int, help="Samples at a time.")
@click.option("--device", default="cpu", show_default=True)
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
    help="Accuracy that --int8 (default 0.005) or --cascade (default 0) may lose, in 0 to 1.",
)
@_own_networks
@click.option("--out", help="The file; by default ensemble.onnx or ensemble-int8.onnx in SOURCE.")
def export(format: str, **options: Any) -> None:  # noqa: A002
    """Write the ensemble SOURCE as one ONNX file: scaling, every member and the vote inside.

    In the run, where `ensemble compare` finds it.
    """
    from pipelines.commands.export import run_export

    run_export(**options)


@cli.command(short_help="Can this network be pruned? Before any training.")
@click.argument("arch")
@click.option("--input", "shape", required=True, help="One sample: 3x64x64, or 20 features.")
@click.option("--classes", default=10, show_default=True, help="Number of logits.")
def check(**options: Any) -> None:
    """Say what of ARCH, a name or module:factory, can be pruned, and what stands in the way."""
    from pipelines.commands.check import run_check

    run_check(**options)


@cli.command(short_help="A run's curves for TensorBoard.")
@click.argument("source")
@click.option("--tensorboard", required=True, help="A new folder for the logs.")
def log(**options: Any) -> None:
    """Write the training curves of the run SOURCE, and its last comparison, for TensorBoard."""
    from pipelines.commands.log import run_log

    run_log(**options)


@cli.command(short_help="A page and a JSON API on this machine.")
@click.argument("source")
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="Another than loopback opens it to the network, without passwords.",
)
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True)
@click.option("--max-upload", type=int, help="Most bytes of a request; default 10 MiB.")
@click.option("--max-pixels", type=int, help="Most pixels of an image; default 25 million.")
@click.option("--max-samples", type=int, help="Most samples of a request; default 64.")
@click.option("--max-requests", type=int, help="Most requests in work at once; default 64.")
@click.option("--timeout", type=float, help="Seconds a client has to send a request; default 10.")
@_own_networks
def serve(**options: Any) -> None:
    """Serve the ensemble SOURCE: a page to drop images on, POST /predict, GET /health."""
    from pipelines.commands.serve import run_serve

    run_serve(**options)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command and exit: 0 done, 1 failed, 2 wrong request, 130 interrupted."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    # A polite end must reach the worker processes too: it goes the way of Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    debug = "--debug" in given
    sys.exit(run([word for word in given if word != "--debug"], debug=debug))


def run(arguments: Sequence[str], *, debug: bool = False) -> int:
    """Run a command and return its exit code; an error is one line on standard error."""
    try:
        result = cli.main(list(arguments), prog_name="ensemble", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return 2
    except (RequestError, click.UsageError) as error:
        return _fail(error, 2, debug)
    except (KeyboardInterrupt, click.Abort):
        click.echo("ensemble: interrupted; the same command goes on where it stopped", err=True)
        return 130
    except BrokenPipeError:
        return 0
    except Exception as error:
        return _fail(error, 1, debug)
    return result if isinstance(result, int) else 0


def _fail(error: Exception, code: int, debug: bool) -> int:
    if debug:
        traceback.print_exception(error)
    text = error.format_message() if isinstance(error, click.ClickException) else str(error)
    told = isinstance(error, RequestError | DamagedRunError | click.ClickException)
    kind = "" if told else type(error).__name__
    line = ": ".join(part for part in ("ensemble", kind, " ".join(text.split())) if part)
    click.echo(line, err=True)
    return code


if __name__ == "__main__":
    main()
