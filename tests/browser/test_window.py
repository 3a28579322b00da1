"""Frames fit the window, and pointers that are let go of outside of it."""

from __future__ import annotations

import numpy as np
import pytest
from playwright.sync_api import expect

from dragstream.widgets import DragCanvas
from tests.browser.hands import CanvasHand
from tests.browser.host import Host

pytestmark = pytest.mark.browser

SLIP = """(overlay, [x, y]) => overlay.dispatchEvent(new PointerEvent('pointermove', {
    bubbles: true, pointerId: 1, pointerType: 'mouse', clientX: x, clientY: y, buttons: 0,
}))"""


class Window:
    """A canvas of a frame (height, width) in a window of 1280 x 800."""

    def __init__(self, chromium, height, width):
        page = chromium.new_page(viewport={"width": 1280, "height": 800})
        self.canvas = DragCanvas(np.full((height, width, 3), 90, np.uint8))
        self.host = Host(page, self.canvas)
        self.hand = CanvasHand(page, page.locator(".dragstream-canvas"))
        self.page, self.overlay = page, self.hand.overlay

    def size(self):
        box = self.overlay.bounding_box()
        return box["width"], box["height"]

    def extent(self):
        """First and last column and row of the region."""
        self.host.until(lambda: self.canvas.region is not None)
        rows, columns = np.nonzero(self.canvas.region)
        return [int(edge()) for axis in (columns, rows) for edge in (axis.min, axis.max)]


@pytest.fixture
def window(chromium):
    """A function that opens a canvas."""
    opened = []

    def opening(height, width):
        opened.append(Window(chromium, height, width))
        return opened[-1]

    yield opening
    for made in opened:
        made.host.close()


@pytest.mark.parametrize(
    ("height", "width", "across"),
    [(832, 480, 560 * 480 / 832), (256, 16, 35), (160, 256, 768), (16, 256, 768)],
)
def test_a_frame_fits_the_window(window, height, width, across):
    made = window(height, width)
    shown = made.size()
    assert shown[0] == pytest.approx(across, abs=1)
    assert shown[1] <= 0.7 * 800 + 1
    assert shown[0] / shown[1] == pytest.approx(width / height, rel=0.03)
    made.hand.tool("Box")
    left, top, right, bottom = width // 4, height // 4, width * 3 // 4, height * 3 // 4
    made.hand.stroke((left, top), (right, bottom))
    found = made.extent()
    pixel = width / shown[0]  # of the frame, for one of the screen
    assert found == pytest.approx([left, right, top, bottom], abs=1 + pixel)
    made.page.set_viewport_size({"width": 1280, "height": 500})
    made.page.wait_for_function("() => document.querySelector('.ds-overlay').clientHeight <= 351")
    expect(made.overlay).to_be_visible()


def test_a_move_without_a_button_ends_the_stroke(window):
    made = window(128, 192)
    hand = made.hand
    hand.tool("Brush")
    made.page.mouse.move(*hand.place(40, 40))
    made.page.mouse.down()
    made.page.mouse.move(*hand.place(80, 40), steps=4)
    made.overlay.evaluate(SLIP, list(hand.place(80, 110)))
    left, right, top, bottom = made.extent()
    assert bottom < 60  # it ends where it was last seen with the button down
    assert right > 75
    for y in (60, 100):  # nothing is painted by what follows
        made.page.mouse.move(*hand.place(100, y))
    made.page.wait_for_timeout(200)
    assert made.extent() == [left, right, top, bottom]
    made.page.mouse.up()
