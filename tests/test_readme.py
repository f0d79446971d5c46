"""What README and the pages of claims say is what it is drawn from."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def test_the_claims_are_drawn_from_their_runs() -> None:
    command = [sys.executable, str(ROOT / "docs" / "draw_results.py"), "--check"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
