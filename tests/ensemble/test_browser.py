"""A real browser drops an image on the page and reads the class."""

from __future__ import annotations

from pathlib import Path

import pytest
from chromium import Chromium, find_chromium
from PIL import Image
from serving import running

from ensemble.model import Ensemble
from ensemble.web.limits import Limits

PROGRAM = find_chromium()


@pytest.mark.slow
@pytest.mark.skipif(PROGRAM is None, reason="no Chromium is installed")
def test_an_image_is_dropped_and_its_class_read(
    team: Ensemble, images: object, tmp_path: Path
) -> None:
    pixels = images(shape=(20, 20, 3), count=1)[0]  # type: ignore[operator]
    Image.fromarray(pixels).save(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes(b"no image")
    wanted = team.predict([tmp_path / "a.png"])[0]
    votes = team.predict_members([tmp_path / "a.png"])[:, 0].argmax(-1)
    assert PROGRAM is not None
    with running(team, Limits()) as client, Chromium(PROGRAM) as tab:
        tab.send("Page.navigate", url=str(client.base_url))
        tab.wait_for("document.querySelector('#about')?.textContent.includes('3 networks')")
        tab.drop("#drop", tmp_path / "a.png")
        tab.wait_for("!document.querySelector('#result').hidden")
        assert tab.evaluate("document.querySelector('#winner').textContent") == str(wanted)
        names = [member.info.name for member in team.members]
        told = tab.evaluate("[...document.querySelectorAll('#members li')].map(e => e.innerText)")
        for line, name, vote in zip(told, names, votes, strict=True):
            assert line.startswith(f"{name}: {vote}")
        assert tab.evaluate("document.querySelector('#preview').naturalWidth") == 20
        tab.drop("#drop", tmp_path / "b.png")
        said = tab.wait_for("document.querySelector('#status').textContent.match(/Refused.*/)?.[0]")
        assert "is not an image" in said
        assert tab.evaluate("document.querySelector('#result').hidden")
