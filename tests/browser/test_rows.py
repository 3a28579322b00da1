"""Every row of the paper's table with the mouse alone, from the lines that the README gives.

Edit and animate, times translation, deformation and rotation, each with two drags at once and a
region to keep. What the mouse did is read back in the kernel; how well the model follows it is
measured elsewhere.
"""

from __future__ import annotations

import json
import math
import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import PATIENCE, REPOSITORY
from tests.browser.hands import Desk

pytestmark = pytest.mark.browser

README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
LONG = 120_000 * PATIENCE
"""Milliseconds: a dragged block of the playground, on busy cores."""

READ_BACK = """
import json
from dragstream.drags.regions import rasterise
block = stream.blocks[-1]
size = stream.frames.shape[1:3]
kept = None if block.keep is None else rasterise(block.keep, *size)
print(json.dumps({
    "mode": block.mode.value,
    "kinds": [type(drag.motion).__name__.lower() for drag in block.drags],
    "dragged": [int(rasterise(drag.region, *size).sum()) for drag in block.drags],
    "kept": 0 if kept is None else int(kept.sum()),
    "kept_at": [] if kept is None else [bool(kept[120, 96]), bool(kept[60, 64])],
    "iterations": [block.settings.iterations, len(block.iterations)],
    "blocks": len(stream),
    "changed": len(block.frames) != len(newest) or bool((block.frames != newest).any()),
}))
"""


def newcomers_cells():
    """The README's lines up to the first blocks, and those that show the studio."""
    blocks = re.findall(r"^```python\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
    start = next(block for block in blocks if "stream.run(" in block)
    studio = next(block for block in blocks if "Studio(stream)" in block)
    return [re.match(r".*?^stream\.run\([^\n]*", start, re.DOTALL | re.MULTILINE)[0], studio]


@pytest.fixture(scope="module")
def desk(notebook):
    """The studio of one stream, which all rows use one after the other."""
    opened = notebook(newcomers_cells()).run()
    opened.python("studio = Out[2]")
    made = Desk(opened)
    made.root.get_by_text("Settings", exact=True).click()
    for _ in range(2):  # from the four of the paper: quicker
        made.settings.get_by_role("button", name="iterations: less").click()
    opened.expect("studio.settings.iterations", "2")
    return made


def translate(desk):
    desk.tool("Pull")
    desk.stroke((64, 62), (90, 56))
    return "Move 27 px"


def deform(desk):
    desk.tool("Deform")
    desk.stroke((64, 62), (80, 62))
    desk.tool("Select")
    desk.stroke((80, 62), (86, 58))  # the handle at the arrow's tip
    return "Deform 22 px"


def rotate(desk):
    desk.tool("Rotate")
    desk.stroke((86, 62), (64, 84))
    desk.tool("Select")
    angle = math.radians(120)
    desk.stroke((64, 84), (64 + 22 * math.cos(angle), 62 + 22 * math.sin(angle)))  # the gizmo's arm
    return "Turn 1"


MOTIONS = {"translation": translate, "deformation": deform, "rotation": rotate}


def draw(desk, kind):
    """Two drags and a region to keep, on an empty canvas."""
    clear = desk.hand.root.get_by_role("button", name="Clear all")
    if clear.is_enabled():
        clear.click()
    desk.drags(0)
    desk.tool("Box")
    desk.stroke((40, 40), (88, 84))
    text = MOTIONS[kind](desk)
    desk.paint_and_pull(148, 64, -20, 8)
    desk.tool("Keep")
    desk.stroke((8, 120), (184, 120))
    rows = desk.hand.root.locator(".ds-row-text")
    expect(rows).to_have_count(3)
    expect(rows).to_contain_text([text, "Move 22 px", "Keep"])
    desk.drags(2)
    desk.notebook.expect("studio.keep is not None", "True")


@pytest.mark.parametrize("kind", MOTIONS)
@pytest.mark.parametrize("mode", ["Animate", "Edit"])
def test_with_the_mouse_alone(desk, mode, kind):
    notebook = desk.notebook
    draw(desk, kind)
    notebook.screenshot(f"rows-{mode.lower()}-{kind}", desk.hand.root)
    notebook.python("before, newest = stream.blocks, stream.blocks[-1].frames")
    desk.button(mode).click()
    notebook.expect(
        "stream.blocks is not before and studio.live.status.value", "paused", LONG / 1000
    )
    desk.is_at(status="paused")
    found = json.loads(notebook.python(READ_BACK))
    before = int(notebook.python("print(len(before))"))
    assert found["mode"] == mode.lower()
    assert found["blocks"] == before + (mode == "Animate")
    assert found["kinds"] == [kind, "translation"]
    assert all(area > 300 for area in found["dragged"])
    assert found["kept"] > 1000
    assert found["kept_at"] == [True, False]
    assert found["iterations"][0] == 2
    assert found["iterations"][1] > 0
    assert found["changed"]
    expect(desk.bar.locator(".ds-failure")).to_be_hidden()
    desk.shows_newest()
