"""A mouse over a canvas, and over the Studio around one, as a person moves it."""

from __future__ import annotations

import json
import re

from playwright.sync_api import expect

from tests.browser.conftest import PATIENCE


class CanvasHand:
    """A mouse over a canvas that thinks in pixels of the frame.

    Args:
        page: The page.
        root: The canvas on it.
    """

    def __init__(self, page, root):
        self.page, self.root = page, root
        self.overlay = root.locator(".ds-overlay")
        self.shown = root.locator(".ds-frame")
        self.overlay.wait_for(state="visible")
        expect(self.shown).to_have_attribute("data-painted", re.compile("[1-9]"))
        self.width, self.height = self.shown.evaluate("canvas => [canvas.width, canvas.height]")

    def place(self, x, y):
        """Where on the page a point of the frame is."""
        box = self.overlay.bounding_box()
        across, down = (x + 0.5) / self.width, (y + 0.5) / self.height
        return box["x"] + across * box["width"], box["y"] + down * box["height"]

    def tool(self, name):
        """Click a button of the canvas."""
        self.root.get_by_role("button", name=name, exact=True).first.click()

    def stroke(self, *points, steps=8):
        """Press at the first point (x, y) of the frame, and let go at the last."""
        self.overlay.scroll_into_view_if_needed()
        self.page.mouse.move(*self.place(*points[0]))
        self.page.mouse.down()
        for point in points[1:]:
            self.page.mouse.move(*self.place(*point), steps=steps)
        self.page.mouse.up()


class Desk:
    """A view of the Studio that a notebook knows as `studio`."""

    def __init__(self, notebook, view=0):
        self.notebook = notebook
        self.page = notebook.page
        self.root = self.page.locator(".dragstream-studio").nth(view)
        self.root.wait_for(state="visible")
        self.bar = self.root.locator(".dragstream-studio-bar")
        self.timeline = self.root.locator(".dragstream-timeline")
        self.settings = self.root.locator(".dragstream-settings")
        self.hand = CanvasHand(self.page, self.root.locator(".dragstream-canvas"))
        self.overlay, self.shown = self.hand.overlay, self.hand.shown
        self.tool, self.stroke = self.hand.tool, self.hand.stroke
        expect(self.timeline).to_have_attribute("data-blocks", re.compile("[1-9]"))

    def button(self, name):
        return self.bar.get_by_role("button", name=name, exact=True)

    def is_at(self, timeout=20_000 * PATIENCE, **data):
        """Wait until the bar says so: status, blocks."""
        for name, value in data.items():
            expected = value if isinstance(value, re.Pattern) else str(value)
            expect(self.bar).to_have_attribute(f"data-{name}", expected, timeout=timeout)

    def paint(self, x, y):
        """Paint a patch of about 40 x 36 pixels, a brush being 8 to 10 wide."""
        self.tool("Brush")
        self.stroke((x - 10, y - 8), (x + 10, y - 4), (x - 10, y), (x + 10, y + 4), (x - 10, y + 8))
        self.notebook.expect("studio.canvas.region is not None", "True")

    def paint_and_pull(self, x, y, dx, dy):
        self.paint(x, y)
        self.stroke((x, y), (x + dx, y + dy))

    def drags(self, count):
        expect(self.overlay).to_have_attribute("data-drags", str(count))
        self.notebook.expect("len(studio.drags)", str(count))

    def shows_newest(self):
        """Wait until the canvas shows the newest frame of the stream, and nothing newer."""
        code = "import json; print(json.dumps(stream.blocks[-1].frames[-1][20, ::16].tolist()))"
        wanted = json.loads(self.notebook.python(code.replace("stream.", "studio.stream.")))
        self.page.wait_for_function(
            """([canvas, wanted]) => {
                const row = canvas.getContext('2d').getImageData(0, 20, canvas.width, 1).data;
                return wanted.every((pixel, n) => pixel.every(
                    (value, c) => Math.abs(row[64 * n + c] - value) < 2));
            }""",
            arg=[self.shown.element_handle(), wanted],
        )

    def come_near(self):
        """Scroll until the studio's top stands still at the top; the mouse out of its way."""
        before = None
        for _ in range(20):
            self.root.evaluate("root => root.scrollIntoView({block: 'start'})")
            self.page.mouse.move(5, 5)
            self.page.wait_for_timeout(300)
            box = self.root.bounding_box()
            if box == before:
                break
            before = box
        self.page.wait_for_function(
            """root => {
                const chart = root.querySelector('.dragstream-drift svg');
                return chart && chart.clientWidth > 0.8 * chart.parentElement.clientWidth;
            }""",
            arg=self.root.element_handle(),
        )

    def fits(self):
        """Whether nothing has to be scrolled sideways."""
        return self.root.evaluate(
            "root => root.scrollWidth <= root.clientWidth + 1 && "
            "root.closest('.jp-OutputArea-output, .jp-OutputArea').scrollWidth <= "
            "root.closest('.jp-OutputArea-output, .jp-OutputArea').clientWidth + 1"
        )
