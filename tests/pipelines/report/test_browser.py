"""The report in a real browser; skipped where there is none.

npm install --prefix TOOLS playwright-core axe-core
ENSEMBLE_BROWSER_TOOLS=TOOLS pytest tests/pipelines/report/test_browser.py
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from chromium import Chromium, find_chromium

from pipelines.compare.comparison import Comparison
from pipelines.report import ComparisonReport
from pipelines.report.page import render
from pipelines.report.several_runs import Failure
from pipelines.report.several_runs_page import render_many

SCRIPT = Path(__file__).parents[3] / "benchmarks" / "comparison" / "browser.mjs"


@pytest.fixture(scope="module")
def tools() -> str:
    folder = os.environ.get("ENSEMBLE_BROWSER_TOOLS", "")
    missing = [name for name in ("node", "chromium") if shutil.which(name) is None]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")
    if not (Path(folder) / "node_modules" / "axe-core").is_dir():
        pytest.skip("ENSEMBLE_BROWSER_TOOLS names no folder with playwright-core and axe-core")
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["one", "many", "everything"])
def test_no_window_and_no_scheme_shows_a_fault(
    tools: str, tmp_path: Path, comparison: Comparison, ruined: Comparison,
    everything: Comparison, kind: str,
) -> None:  # fmt: skip
    file = tmp_path / "report.html"
    pages = {
        "one": lambda: render(comparison),
        "many": lambda: render_many(
            [comparison, ruined], [Failure("half", "it has no selection.json")]
        ),
        "everything": lambda: render(everything),
    }
    page = pages[kind]()
    file.write_text(page, encoding="utf-8")
    done = subprocess.run(
        ["node", str(SCRIPT), tools, str(file)],
        capture_output=True, text=True, check=False, timeout=300,
        env={**os.environ, "CHROMIUM": shutil.which("chromium") or ""},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    windows = json.loads(done.stdout)
    assert len(windows) == 4
    for window in windows:
        assert window["tip"]
        for fault in ("console", "outside", "unnamed", "axe"):
            assert window[fault] == [], (window["width"], window["colorScheme"], fault)


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_notebooks_fragment_changes_nothing_around_it(
    comparison: Comparison, tmp_path: Path, scheme: str
) -> None:
    """Every style of every element of the page around it, before and after it is put in."""
    program = find_chromium()
    if program is None:
        pytest.skip("not installed: chromium")
    file = tmp_path / "notebook.html"
    around = "<p class=answer>text <b>bold</b></p><table><tr><th>a<td>b</table><svg><text>t</text>"
    file.write_text(f"<!doctype html><main>{around}</svg></main><div id=out></div>", "utf-8")
    styles = (
        "JSON.stringify([...document.querySelectorAll('html, body, main, main *')]"
        ".map((e) => [...getComputedStyle(e)].map((k) => getComputedStyle(e)[k])))"
    )
    fragment = json.dumps(ComparisonReport.of(comparison)._repr_html_())
    with Chromium(program) as browser:
        media = [{"name": "prefers-color-scheme", "value": scheme}]
        browser.send("Emulation.setEmulatedMedia", features=media)
        browser.send("Page.navigate", url=file.as_uri())
        browser.wait_for("document.readyState == 'complete' && !!document.querySelector('#out')")
        browser.evaluate("document.querySelector('#out').style.height = '50000px'")
        before = browser.evaluate(styles)
        browser.evaluate(f"document.querySelector('#out').innerHTML = {fragment}")
        assert browser.evaluate("document.querySelectorAll('#out svg').length") == 3
        assert browser.evaluate(styles) == before
        paper = "getComputedStyle(document.querySelector('.dropnet-comparison')).backgroundColor"
        light = browser.evaluate(paper) == "rgb(253, 253, 252)"
        assert light == (scheme == "light")
