"""A process in which only what the small distribution brings can be imported."""

from __future__ import annotations

import subprocess
import sys

from ensemble.installed import ONLY_WHOLE

TRAINS = sorted(ONLY_WHOLE | {"onnx", "onnxscript", "torch_pruning", "matplotlib"})
"""What an environment of ``dropnet-ensemble-edge`` has not."""

_CODE = f"""
import sys
class Lacking:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {TRAINS!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Lacking())
"""
RUN = "from pipelines.commands.cli import main; main()"


def small(*words: object, code: str = RUN) -> list[str]:
    """Return the command that runs `ensemble` with some words, or other code, in such a process."""
    return [sys.executable, "-c", _CODE + code, *map(str, words)]


def run_small(*words: object, code: str = RUN) -> subprocess.CompletedProcess[str]:
    """Run it and return what it said."""
    return subprocess.run(small(*words, code=code), capture_output=True, text=True, check=False)
