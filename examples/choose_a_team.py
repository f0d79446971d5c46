"""Choose the five of twenty classifiers that vote best together; nothing here is a network.

Any classifiers will do: what is chosen from are their probabilities on samples that none of
them was trained on. Run it as ``python examples/choose_a_team.py``; it takes a few seconds.
"""

from __future__ import annotations

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.tree import DecisionTreeClassifier

from selection import select, vote

MEMBERS, SIZE = 20, 5


def main() -> None:
    """Train trees on digits, choose a team, and read it on samples nobody has seen."""
    X, y = load_digits(return_X_y=True)
    X_train, X_rest, y_train, y_rest = train_test_split(X, y, train_size=0.5, random_state=0)
    X_select, X_test, y_select, y_test = train_test_split(X_rest, y_rest, random_state=0)

    trees = [
        DecisionTreeClassifier(max_features=8, random_state=seed).fit(X_train, y_train)
        for seed in range(MEMBERS)
    ]
    probabilities = np.stack([tree.predict_proba(X_select) for tree in trees])  # (M, N, C)

    chosen = select(probabilities, y_select, size=SIZE, method="hq", classes=trees[0].classes_)
    print(f"chosen of {MEMBERS}: {', '.join(chosen.team)}")
    print(f"accuracy where chosen: {chosen.accuracy:.4f}")
    if chosen.optimism is not None:
        print(f"which overstates by about {chosen.optimism.overstated:.4f}")
    for member in chosen.members:
        print(
            f"  {member.member}: {member.accuracy:.4f} alone, missed by {member.loss_without:.4f}"
        )

    on_test = np.stack([trees[row].predict_proba(X_test) for row in chosen.rows])
    team = trees[0].classes_[vote(on_test).argmax(-1)]
    single = np.mean([tree.score(X_test, y_test) for tree in trees])
    print(f"on the test part: the team {np.mean(team == y_test):.4f}, one tree {single:.4f}")


if __name__ == "__main__":
    main()
