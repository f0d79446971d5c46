"""Commands that make teams and say how good they are, as the command line spells them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from pipelines.commands.group import cli, out_option
from pipelines.commands.help_sections import SectionedCommand, SectionedOption
from pipelines.commands.setting_options import SettingOption, setting_options
from pipelines.run.config import BuildConfig
from pipelines.run.resources import Placement
from pipelines.run.selection_config import SelectionConfig
from pruning.core.settings_tree import settings_of


@cli.command(
    cls=SectionedCommand,
    short_help="Train, prune, choose: data in, ensemble out.",
    params=[
        *setting_options(BuildConfig),
        out_option("The run's folder.  [default: results/<data>-<arch>-…]", "What"),
        SectionedOption(
            ["--config"], metavar="FILE", section="What",
            help="Begin from what the config.json of a run asks for, or an edited copy: what is "
            "settled before training is settled anew, and options beside it win over it; where a "
            "number may be left out, none takes it off.",
        ),
        SectionedOption(
            ["--dry-run"], is_flag=True, section="What",
            help="Settle everything, measure a few steps, say what the build would take in memory "
            "and time; write nothing.",
        ),
        SectionedOption(
            ["--unpruned-from"], metavar="RUN", section="Networks and their training",
            help="Take the unpruned networks of a run of the same data, seed and recipe in place "
            "of training them: to try another way of pruning. The result is the same.",
        ),
        SectionedOption(
            ["--control"], is_flag=True, section="Choice of the team",
            help="Train one unpruned network as costly as the team, too; compare then holds both.",
        ),
        SectionedOption(
            ["--small-team"], is_flag=True, section="Choice of the team",
            help="Train as many small unpruned networks as the team has, together as costly, too.",
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
        out_option("New folder for the choice; needed for a run."),
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
@click.option("--data-dir", help="Where data sets are.")
@click.option(
    "--out",
    help="Folder for runs and pages.  [default: results/reproduction, with quick "
    "results/reproduction-quick]",
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


@cli.command(short_help="A run's curves for TensorBoard.")
@click.argument("source")
@click.option("--tensorboard", required=True, help="A new folder for the logs.")
def log(**options: Any) -> None:
    """Write the training curves of the run SOURCE, and its last comparison, for TensorBoard."""
    from pipelines.commands.log import run_log

    run_log(**options)
