"""Undo, redo and zoom: mouse and Python take back what the other did, and look where it says."""

from __future__ import annotations

import numpy as np
import pytest
from playwright.sync_api import expect

import dragstream as ds
from dragstream.widgets import DragCanvas
from tests.browser.host import Host

pytestmark = pytest.mark.browser

# at once: keys that are far apart in time are steps of their own
TWO_KEYS = """overlay => {
    for (let i = 0; i < 2; i++) {
        overlay.dispatchEvent(new KeyboardEvent('keydown', {key: 'ArrowRight', bubbles: true}));
    }
}"""
BOX = ds.regions.box(20, 20, 40, 40)


class Hand(Host):
    """A canvas on a page."""

    def __init__(self, page, canvas):
        super().__init__(page, canvas)
        self.canvas = canvas
        self.overlay = page.locator(".ds-overlay")
        expect(page.locator(".ds-frame")).to_have_attribute("data-painted", "1")

    def press(self, name):
        self.page.get_by_role("button", name=name, exact=True).click()

    def pull(self, start, end):
        """From one point of the frame to another."""
        box = self.overlay.bounding_box()
        (x0, y0), (x1, y1) = (
            (box["x"] + (x + 0.5) * box["width"] / 192, box["y"] + (y + 0.5) * box["height"] / 128)
            for x, y in (start, end)
        )
        self.page.mouse.move(x0, y0)
        self.page.mouse.down()
        self.page.mouse.move(x1, y1, steps=3)
        self.page.mouse.up()

    def shows(self, drags, zoom=1):
        expect(self.overlay).to_have_attribute("data-drags", str(drags))
        expect(self.overlay).to_have_attribute("data-zoom", str(zoom))


@pytest.fixture
def hand(chromium):
    page = chromium.new_page(viewport={"width": 1000, "height": 760})
    made = Hand(page, DragCanvas(np.full((128, 192, 3), 90, np.uint8)))
    yield made
    made.close()


def test_mouse_and_python_share_one_history(hand):
    canvas = hand.canvas
    canvas.region = BOX
    expect(hand.overlay).to_have_attribute("data-draft", "true")
    hand.pull((30, 30), (80, 30))
    hand.until(lambda: len(canvas.drags) == 1)
    hand.overlay.evaluate(TWO_KEYS)
    hand.until(lambda: canvas.drags[0].motion.path.points[-1][0] > 81)

    canvas.undo()  # both keys, they are one step
    assert canvas.drags[0].motion.path.points[-1][0] == pytest.approx(80, abs=0.6)
    canvas.undo()
    hand.shows(drags=0)
    assert canvas.region.sum() == 400
    hand.press("Redo")
    hand.until(lambda: len(canvas.drags) == 1)
    canvas.add(ds.Drag(ds.regions.disc((150, 90), 9), ds.Rotation((150, 90), degrees=30)))
    hand.shows(drags=2)
    hand.press("Undo")
    hand.until(lambda: len(canvas.drags) == 1)
    hand.press("Undo")
    hand.until(lambda: len(canvas.drags) == 0)
    canvas.redo()
    canvas.redo()
    hand.shows(drags=2)
    expect(hand.page.get_by_role("button", name="Redo", exact=True)).to_be_disabled()


def test_python_zooms_and_the_mouse_zooms_on(hand):
    hand.canvas.zoom_to(BOX)
    hand.shows(drags=0, zoom=5.33)  # 128 pixels high, and 20 with a tenth of them on either side
    hand.press("Show the whole frame")
    hand.shows(drags=0)
    hand.canvas.zoom_to(BOX)
    hand.shows(drags=0, zoom=5.33)
    hand.canvas.zoom_to()
    hand.shows(drags=0)
