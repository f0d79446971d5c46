"""schemathesis on what `ensemble serve` says of itself in OpenAPI: no answer may be a 500.

All its checks but one: what has the schema's form may still be refused (a text in base64
that is no image), so "valid data is accepted" is left out.

pip install schemathesis
python benchmarks/product/fuzz.py [examples an operation]
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

from load import serving
from teams import heading, random_team


def main(examples: int) -> int:
    """Print what schemathesis found; return its exit code."""
    print(heading("The API, asked at random", f"python benchmarks/product/fuzz.py {examples}"))
    with tempfile.TemporaryDirectory() as place:
        team = Path(place, "team")
        random_team(["mlp-a"] * 3, 10, (1, 8, 8), keep=0.5).save(team)
        with serving(team, limit=64) as server:
            command = [
                sys.executable, "-m", "schemathesis.cli", "run", "--no-color",
                "--max-examples", str(examples), "--seed", "1", "--phases",
                "examples,coverage,fuzzing", "--exclude-checks", "positive_data_acceptance",
                f"http://127.0.0.1:{server.port}/openapi.json",
            ]  # fmt: skip
            done = subprocess.run(command, capture_output=True, text=True, check=False)
    text = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:PORT", done.stdout)
    print("```\n" + text.strip() + "\n```")
    return done.returncode


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 200))
