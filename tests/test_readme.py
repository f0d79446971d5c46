"""What README repeats is what it is drawn from."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def test_the_table_of_claims_is_drawn_from_the_results() -> None:
    command = [sys.executable, str(ROOT / "docs" / "draw_results.py"), "--check"]
    assert subprocess.run(command, check=False).returncode == 0, "run docs/draw_results.py"
