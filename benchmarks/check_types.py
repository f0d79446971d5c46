"""Do the benchmarks still call what there is? mypy on each folder, which is a path of its own.

    python benchmarks/check_types.py

They run seldom and long, so that no test would see a name that has changed since. Exits with 1
where mypy finds something.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


def main() -> int:
    """Return whether a folder has errors."""
    failed = False
    for folder in sorted({script.parent for script in HERE.glob("*/*.py")}):
        path = os.pathsep.join(map(str, (HERE.parent, HERE.parent / "tests" / "support", folder)))
        command = [sys.executable, "-m", "mypy", "--config-file", str(HERE / "mypy.ini")]
        scripts = map(str, sorted(folder.glob("*.py")))
        environment = {**os.environ, "MYPYPATH": path}
        done = subprocess.run([*command, *scripts], env=environment, cwd=HERE.parent, check=False)
        failed |= done.returncode != 0
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
