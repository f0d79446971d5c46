"""Which method generalises: held-out accuracy over 30 repetitions, and what is real.

    python benchmarks/selection/held_out.py [--repetitions 30] [--pools corr digits …]

Each repetition draws 20 members and halves the held-out samples: one half is chosen on, the
other tells. The synthetic pool is drawn anew each time, from a model in which members of
one group err together and the most accurate group is the most alike. Differences from HQ
are paired; p by the sign-flip test, corrected over the methods by Holm. Repetitions of a
real pool share its networks and samples, so their intervals are a little too narrow.
"""

from __future__ import annotations

import argparse
import csv

import numpy as np
from common import DATA, RESULTS, machine, stored

from selection.methods.method import METHODS
from selection.pool import PoolPredictions
from selection.search.accuracy import TeamAccuracy

MEMBERS, SIZE, FLIPS, FIRST_SEED = 20, 5, 20_000, 1000
TABLE = RESULTS / "selection_held_out.csv"


def correlated(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return (20, 4000, 10) probabilities of five groups that err together, and labels."""
    rng = np.random.default_rng(seed)
    labels, group = rng.integers(0, 10, 4000), np.arange(MEMBERS) % 5
    alike = np.linspace(0.2, 0.8, 5)[group][:, None, None]
    skill = 2.2 + 0.35 * np.linspace(0, 1, 5)[group] + rng.normal(0, 0.15, MEMBERS)
    logits = (
        0.6 * rng.normal(0, 1, (4000, 10)) + np.sqrt(alike) * rng.normal(0, 1, (5, 4000, 10))[group]
    )
    logits = logits + np.sqrt(1 - alike) * rng.normal(0, 1, (MEMBERS, 4000, 10))
    logits[:, np.arange(4000), labels] += skill[:, None]
    p = np.exp(1.7 * (logits - logits.max(-1, keepdims=True)))
    return (p / p.sum(-1, keepdims=True)).astype(np.float32), labels


def repetition(name: str, seed: int) -> dict[str, float]:
    """Return each method's accuracy on the half it did not choose on."""
    rng = np.random.default_rng(FIRST_SEED + seed)
    p, labels = correlated(FIRST_SEED + seed) if name == "corr" else stored(name)
    rows = np.sort(rng.choice(len(p), MEMBERS, replace=False))
    order = rng.permutation(len(labels))
    halves = np.array_split(order, [1000 if name == "corr" else len(order) // 2])
    ids = tuple(map(str, range(MEMBERS)))
    select, test = (
        PoolPredictions(np.ascontiguousarray(p[rows][:, h]), labels[h], ids, split)
        for h, split in zip(halves, ("select", "test"), strict=True)
    )
    accuracy = TeamAccuracy(test, "mean", SIZE)
    out = {}
    for method in METHODS:
        chooser = METHODS[method](size=SIZE, seed=seed)
        team = chooser.choose(select).team
        weights = chooser.weights()
        if weights is None:
            teams = np.array([team])
            if method == "random":
                teams = np.array([rng.choice(MEMBERS, SIZE, replace=False) for _ in range(100)])
            out[method] = float(accuracy.right(teams).mean() / len(test.labels))
        else:
            voted = np.tensordot(weights, test.probabilities[list(team)], 1).argmax(-1)
            out[method] = float((voted == test.labels).mean())
    return out


def sign_flip(differences: np.ndarray, rng: np.random.Generator) -> float:
    """Return the two-sided p of a mean difference of 0 under flipped signs."""
    signs = rng.choice((-1, 1), (FLIPS, len(differences)))
    extreme = np.abs((signs * differences).mean(1)) >= abs(differences.mean()) - 1e-15
    return float((extreme.sum() + 1) / (FLIPS + 1))


def holm(p: dict[str, float]) -> dict[str, float]:
    """Return p values corrected over the methods."""
    out, worst = {}, 0.0
    for place, name in enumerate(sorted(p, key=lambda k: p[k])):
        worst = max(worst, min(1.0, (len(p) - place) * p[name]))
        out[name] = worst
    return out


def summary(name: str, runs: list[dict[str, float]]) -> list[dict[str, str]]:
    """Return a row a method, the best mean first."""
    rng = np.random.default_rng(0)
    columns = {m: np.array([run[m] for run in runs]) for m in runs[0]}
    p = holm({m: sign_flip(v - columns["hq"], rng) for m, v in columns.items() if m != "hq"})
    rows = []
    for m, v in sorted(columns.items(), key=lambda item: -item[1].mean()):
        d, root = v - columns["hq"], np.sqrt(len(v))
        real = "—" if m == "hq" else ("yes" if p[m] < 0.05 else "no")
        rows.append({
            "pool": name, "repetitions": str(len(v)), "method": m, "accuracy": f"{v.mean():.4f}",
            "half_width_95": f"{2.05 * v.std(ddof=1) / root:.4f}",
            "minus_hq": f"{d.mean():+.4f}",
            "minus_hq_half_width_95": f"{2.05 * d.std(ddof=1) / root:.4f}",
            "p_holm": "" if m == "hq" else f"{p[m]:.4f}", "real": real,
        })  # fmt: skip
    return rows


def report(rows: list[dict[str, str]]) -> None:
    """Write the rows as CSV and as a table a pool."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    with TABLE.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    lines = [
        "# Held-out accuracy of each method, 5 of 20", "",
        "Means and 95 % intervals over repetitions; difference from HQ paired, p by sign "
        f"flips, Holm over the methods. {machine()}.", "",
    ]  # fmt: skip
    for name in dict.fromkeys(r["pool"] for r in rows):
        own = [r for r in rows if r["pool"] == name]
        lines += [f"## {name}, {own[0]['repetitions']} repetitions", "",
                  "| method | held-out accuracy | − HQ | p | real |",
                  "|---|---|---|---|---|"]  # fmt: skip
        lines += [
            f"| {r['method']} | {r['accuracy']} ± {r['half_width_95']} | {r['minus_hq']} ± "
            f"{r['minus_hq_half_width_95']} | {r['p_holm']} | {r['real']} |"
            for r in own
        ] + [""]  # fmt: skip
    TABLE.with_suffix(".md").write_text("\n".join(lines))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repetitions", type=int, default=30)
    parser.add_argument(
        "--pools", nargs="+", default=["corr", *sorted(f.stem for f in DATA.glob("*.npz"))],
        help="only these; the rows of other pools stay",
    )  # fmt: skip
    asked = parser.parse_args()
    rows = []
    if TABLE.exists():
        with TABLE.open(newline="") as file:
            rows = [row for row in csv.DictReader(file) if row["pool"] not in asked.pools]
    for name in asked.pools:
        rows += summary(name, [repetition(name, r) for r in range(asked.repetitions)])
        print("\n".join(" ".join(r.values()) for r in rows if r["pool"] == name), flush=True)
        report(rows)


if __name__ == "__main__":
    main()
