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
    """Return 1 if a folder has errors, else 0."""
    folders = sorted({script.parent for script in HERE.glob("*/*.py")})
    failed = [folder for folder in folders if not fits(folder)]
    return int(bool(failed))


def fits(folder: Path) -> bool:
    """Print what mypy finds in the scripts of a folder, and return whether it is nothing."""
    beside = (HERE.parent / "tests" / "support", HERE / "product")
    path = os.pathsep.join(map(str, (HERE.parent, folder, *beside)))
    command = [sys.executable, "-m", "mypy", "--config-file", str(HERE / "mypy.ini")]
    scripts = map(str, sorted(folder.glob("*.py")))
    environment = {**os.environ, "MYPYPATH": path}
    done = subprocess.run([*command, *scripts], env=environment, cwd=HERE.parent, check=False)
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
