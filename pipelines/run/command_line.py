"""A configuration as the command that asks for it."""

from __future__ import annotations

import dataclasses
import shlex

from pipelines.run.config import BuildConfig
from pruning.training.recipe import RECIPES, Recipe


def command_of(config: BuildConfig) -> str:
    """Return the ``ensemble build`` command of a configuration, defaults left out.

    >>> command_of(BuildConfig(archs=("mlp-a:60-60",)))
    'ensemble build --m 20 --s 5 --arch mlp-a:60-60'
    """
    usual = BuildConfig()
    words = ["ensemble", "build", "--m", str(config.m), "--s", str(config.selection.size)]
    if config.archs != usual.archs:
        words += [word for arch in config.arch_names for word in ("--arch", arch)]
    parts = [
        (config.data, usual.data, ("data", "data_dir", "image_size", "limit")),
        (config.dropnet, usual.dropnet,
         ("metric", "score_mode", "fraction", "kappa", "keep", "rounds", "round_to",
          "coupling", "init")),
        (config.selection, usual.selection,
         ("method", "pool", "voting", "max_flops", "max_bytes", "max_latency",
          "prune_fraction")),
        (config, usual, ("pruner", "seed", "device", "engine")),
        (config.merging, usual.merging, ("saliency",)),
    ]  # fmt: skip
    for part, default, names in parts:
        for name in names:
            value = getattr(part, name)
            if value != getattr(default, name):
                words += [f"--{name.replace('_', '-')}", str(value)]
    words += ["--thrifty"] if config.selection.thrifty else []
    words += [word for remove in config.merging.words for word in ("--remove", remove)]
    words += [word for name in config.selection.measures for word in ("--measure", name)]
    rewinding = config.dropnet.rewinding
    if rewinding.to != usual.dropnet.rewinding.to:
        words += ["--rewind", rewinding.to]
    if rewinding.late_epochs != usual.dropnet.rewinding.late_epochs:
        words += ["--late-epochs", str(rewinding.late_epochs)]
    if rewinding.rescale != usual.dropnet.rewinding.rescale:
        words += ["--rescale" if rewinding.rescale else "--no-rescale"]
    return shlex.join(words + _recipe_words(config.dropnet.recipe))


def _recipe_words(recipe: Recipe) -> list[str]:
    """Return the options that make this recipe of a named one."""
    options = {
        "max_epochs": "epochs", "batch_size": "batch-size", "learning_rate": "learning-rate",
        "augment": "augment",
    }  # fmt: skip
    for name, base in RECIPES.items():
        changes = {f: getattr(recipe, f) for f in options if getattr(recipe, f) != getattr(base, f)}
        if dataclasses.replace(base, **changes) == recipe:
            words = [] if name == "default" else ["--recipe", name]
            for field, value in changes.items():
                words += [f"--{options[field]}", str(value)]
            return words
    return []
