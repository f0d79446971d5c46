"""One side of a comparison in a process of its own; prints what it came to as JSON."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys

import task as tasks


def main() -> None:
    """Run one side."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("side", choices=["program", "textbook", "torchensemble", "memory"])
    parser.add_argument("task", choices=tasks.TASKS)
    parser.add_argument("--data", required=True, help="the folder that holds the data")
    parser.add_argument("--members", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--engine", default="auto")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=tasks.ROUNDS)
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--limit", type=int)
    options = parser.parse_args()
    chosen = dataclasses.replace(tasks.TASKS[options.task], rounds=options.rounds)
    if options.side == "memory":
        chosen = tasks.held_whole(options.task)
    if options.epochs:
        chosen = dataclasses.replace(chosen, epochs=options.epochs)
    if options.limit:
        chosen = dataclasses.replace(chosen, limit=options.limit)
    splits = chosen.splits(options.data)
    if options.side in ("program", "memory"):
        outcome = tasks.program(chosen, splits, options.members, options.engine, options.jobs)
    elif options.side == "textbook":
        outcome = tasks.by_the_book(chosen, splits, options.seed, options.threads)
    else:
        outcome = tasks.torchensemble(chosen, splits, options.members)
    json.dump(dataclasses.asdict(outcome), sys.stdout)


if __name__ == "__main__":
    main()
