"""A notebook with a DragCanvas of two balls, and a hand on one of its views."""

from __future__ import annotations

import json

from playwright.sync_api import expect

from tests.browser.hands import CanvasHand

SETUP = """
import json

import numpy as np

import dragstream as ds
from dragstream.drags.documents import to_json
from dragstream.widgets import DragCanvas

rows, columns = np.mgrid[:128, :192]
frame = np.stack([70 + columns / 3, 90 + rows / 3, 130 - columns / 4], axis=-1)
frame[96:] = (88, 74, 62)
for x, y, r, colour in ((60, 64, 18, (226, 84, 66)), (132, 72, 16, (240, 196, 70))):
    frame[(columns - x) ** 2 + (rows - y) ** 2 <= r**2] = colour
    for side in (-6, 6):
        frame[(columns - x - side) ** 2 + (rows - y + 4) ** 2 <= 9] = 255
        frame[(columns - x - side) ** 2 + (rows - y + 4) ** 2 <= 2] = 0
frame = frame.astype("uint8")
"""

SHOW = """
canvas = DragCanvas(frame)
canvas
"""


class Hand(CanvasHand):
    """A hand on one of the notebook's canvases."""

    def __init__(self, notebook, view=0):
        super().__init__(notebook.page, notebook.page.locator(".dragstream-canvas").nth(view))
        self.notebook = notebook
        self.overlay.scroll_into_view_if_needed()

    def press(self, key):
        self.page.keyboard.press(key)

    def drags(self, count):
        """The drags in Python, once there are `count` in the page and in the kernel."""
        expect(self.overlay).to_have_attribute("data-drags", str(count))
        self.notebook.expect("len(canvas.drags)", str(count))
        return self.state()["drags"]

    def ends_at(self, index, x, y):
        """Wait until Python knows that a path ends at (x, y)."""
        points = f"canvas.drags[{index}].motion.path.points"
        self.notebook.expect(f"{points}[-1] == ({x}, {y})", "True")

    def state(self):
        return json.loads(self.notebook.python("print(json.dumps(canvas.state))"))


def open_canvas(notebook):
    """A notebook that shows the canvas."""
    return notebook([SETUP, SHOW]).run()


def fresh_hand(opened):
    """A hand on a fresh canvas; views of the last one are disposed of."""
    opened.page.set_viewport_size({"width": 1280, "height": 1080})
    opened.run_cell(1)
    return Hand(opened)
