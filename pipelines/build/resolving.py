"""What is settled before training: which runs train together, on which devices."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pipelines.build.control_training import check_control
from pipelines.build.device import PROCESSOR, Devices, devices_for, leaves_cards_idle, on
from pipelines.run.config import BuildConfig
from pipelines.run.fingerprint import data_fingerprint, versions
from pipelines.run.plan import check_archs, check_engines, describe_groups, plan_groups
from pipelines.run.resolved import ResolvedConfig
from pipelines.run.small_work import is_small
from pipelines.run.store import Store, is_done
from pruning.core.errors import RequestError
from pruning.data.splits import Splits
from pruning.dropnet.fast_enough import in_flops
from pruning.networks.architecture import Architecture, architecture_name, build_network


def resolve(config: BuildConfig, splits: Splits, *, control: bool = False) -> ResolvedConfig:
    """Settle, before training, everything that the results depend on.

    Groups are planned for the least able of the cards, so that every one can compute them.

    Raises
    ------
    RequestError
        If one of the architectures cannot be pruned, or widened to a `control`, as asked;
        nothing is written yet.
    """
    classes, shape = len(splits.classes), splits.input_shape
    config.selection.check_own()
    config.dropnet.recipe.check_values(eight_bit=splits.train.images.dtype == np.uint8)
    check_archs(config, classes, shape, len(splits.train))
    if control:
        check_control(config.archs, classes, shape)
    small = config.device == "auto" and is_small(config, classes, shape, len(splits.train))
    devices = PROCESSOR if small else devices_for(config.device)
    with on(devices.least_able):
        groups = plan_groups(
            config, classes, shape, devices.kind, len(devices.names), samples=len(splits.train)
        )
    return ResolvedConfig(
        config=config,
        groups=groups,
        device=devices.kind,
        classes=tuple(splits.classes.tolist()),
        input_shape=shape,
        scaling=splits.scaling,
        split_sizes=splits.sizes,
        fingerprint=data_fingerprint(splits),
        versions=versions(),
    )


def timed(resolved: ResolvedConfig) -> ResolvedConfig:
    """Return what was settled with a latency, if one is asked for, said in FLOPs: it is measured.

    Raises
    ------
    RequestError
        If the smallest network that pruning can make of an architecture is slower.
    """
    asked, shape = resolved.config.of_each_run, resolved.input_shape
    flops: dict[Architecture, float | None] = {}
    for group in resolved.groups:
        arch, seed = group.runs.arch, group.runs.seeds[0]
        if asked.target.latency is None or arch in flops:
            continue
        network = build_network(arch, len(resolved.classes), shape, seed)
        try:
            flops[arch] = in_flops(asked, network, shape).target.flops
        except RequestError as error:
            raise RequestError(f"architecture {architecture_name(arch)!r}: {error}") from error
    groups = tuple(replace(group, flops=flops.get(group.runs.arch)) for group in resolved.groups)
    return replace(resolved, groups=groups)


def devices_of(asked: BuildConfig, store: Store) -> Devices:
    """Return what computes a run, which may have begun elsewhere; cards must do what it needs."""
    resolved = store.resolved
    devices = devices_for(asked.device, resolved.device)
    if devices.kind == "cuda" and not is_done(store, store.histories()):
        with on(devices.least_able):
            classes, shape = len(resolved.classes), resolved.input_shape
            check_engines(resolved.groups, classes, shape, devices.kind)
    return devices


def training_plan(asked: BuildConfig, store: Store, devices: Devices) -> list[str]:
    """Return in words how the runs train, a line each, and why cards that are here do not."""
    resolved = store.resolved
    lines = describe_groups(resolved.groups, ", ".join(devices.names))
    fast = {group.runs.arch: group.flops for group in resolved.groups if group.flops is not None}
    lines += [
        f"{architecture_name(arch)} is pruned to {flops:,.0f} FLOPs, which were as fast as is asked"
        for arch, flops in fast.items()
    ]
    if leaves_cards_idle(asked.device, devices):
        shape, samples = resolved.input_shape, resolved.split_sizes["train"]
        if is_small(resolved.config, len(resolved.classes), shape, samples):
            lines.append(
                "on the processor, which has done so little before a card begins; `device` cuda "
                "trains on the card"
            )
    return lines
