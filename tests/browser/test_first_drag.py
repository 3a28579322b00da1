"""The quick-start as a newcomer lives it: run all, paint, pull, apply, see the frame change."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import expect

from tests.browser.conftest import PATIENCE
from tests.browser.hands import CanvasHand

pytestmark = pytest.mark.browser

QUICK_START = Path(__file__).parents[2] / "notebooks" / "01_first_drag.ipynb"
LONG = 400_000 * PATIENCE  # milliseconds: the whole notebook, on two busy cores

CRITTER = """
import json
rows, columns = np.nonzero(red_pixels(stream.frames[-1]))
away = np.sign(columns.mean() - middle(blue_pixels(stream.frames[-1])))
print(json.dumps([columns.mean(), rows.mean(), away]))
"""


def code_cells():
    cells = nbformat.read(QUICK_START, as_version=4).cells
    return [cell.source for cell in cells if cell.cell_type == "code"]


def bring_into_view(page, locator):
    """Scroll until it stands still: cells get their heights only when they come near."""
    before = None
    for _ in range(30):
        locator.evaluate("element => element.scrollIntoView({block: 'center'})")
        page.wait_for_timeout(300)
        box = locator.bounding_box()
        if box == before and 0 < box["y"] < page.viewport_size["height"]:
            return
        before = box
    raise AssertionError(f"the page keeps moving: {before}")


def test_the_quick_start(notebook):
    cells = code_cells()
    opened = notebook(QUICK_START)

    opened.run_all()
    errors = opened.page.locator(".jp-Notebook .jp-OutputArea [data-mime-type$='.error']")
    last = opened.cell(len(cells) - 1).locator(".jp-InputPrompt", has_text=re.compile(r"\[\d+\]"))
    last.or_(errors).first.wait_for(timeout=LONG)
    assert errors.all_inner_texts() == []

    place = cells.index(next(cell for cell in cells if cell.endswith("\ncanvas")))
    root = opened.cell(place).locator(".dragstream-canvas")
    overlay, shown = root.locator(".ds-overlay"), root.locator(".ds-frame")
    bring_into_view(opened.page, root)
    expect(shown).to_have_attribute("data-painted", re.compile("[1-9]"))
    opened.python("canvas.clear(); stream.rewind(to=2)")
    expect(overlay).to_have_attribute("data-drags", "0")
    x, y, away = json.loads(opened.python(CRITTER))

    # paint the critter, then pull it away from the box
    mouse = CanvasHand(opened.page, root)
    rows = [(y + dy, math.sqrt(34**2 - dy**2) - 10) for dy in range(-24, 25, 8)]
    mouse.stroke(*((x + side * half, row) for row, half in rows for side in (-1, 1)))
    opened.expect("canvas.region is not None and bool(canvas.region.sum() > 200)", "True")
    end = (x + 40 * away, y)
    mouse.stroke((x, y), end)

    # read it back in Python
    opened.expect("len(canvas.drags)", "1")
    tip = json.loads(opened.python("print(list(canvas.drags[0].motion.path.points[-1]))"))
    assert math.dist(tip, end) < 1
    playing = root.get_by_role("button", name="Preview", exact=True)
    expect(playing).to_have_attribute("aria-pressed", "false")  # it has shown the way once
    opened.screenshot("first-drag")

    # apply it and see the frame change
    painted = int(shown.get_attribute("data-painted"))
    before = opened.python("print(len(stream.frames), stream.frames[-1].sum())")
    pixels = "canvas => canvas.toDataURL()"
    picture = shown.evaluate(pixels)
    opened.append("stream.animate(canvas.drags, keep=canvas.keep)[-1]")
    assert opened.python("print(len(stream.frames), stream.frames[-1].sum())") != before
    expect(shown).not_to_have_attribute("data-painted", str(painted))
    assert shown.evaluate(pixels) != picture
    opened.screenshot("first-drag-applied", root)
