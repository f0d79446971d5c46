"""The whole build as a scikit-learn estimator: fit, predict, compare, save.

python examples/a_scikit_learn_estimator.py
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import ensemble
from dropnet_ensemble import DropNetEnsembleClassifier

digits = load_digits()
X_train, X_test, y_train, y_test = train_test_split(digits.data, digits.target, random_state=0)

clf = DropNetEnsembleClassifier(m=6, s=3, arch="mlp-a", epochs=15).fit(X_train, y_train)
print(f"accuracy {clf.score(X_test, y_test):.3f} at {clf.cost_.flops:,} FLOPs per sample")
print(f"the team: {', '.join(clf.selection_.team)} of {len(clf.selection_.pool)} pruned networks")
print(clf.comparison_.table[["contender", "members", "accuracy", "flops_ratio"]].to_string())

with tempfile.TemporaryDirectory() as folder:
    clf.save(Path(folder) / "team")
    again = ensemble.load(Path(folder) / "team")
    print(f"loaded: accuracy {again.score(X_test.astype('float32'), y_test):.3f}")
