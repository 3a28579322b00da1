"""FeatureView on pages with ipycanvas, without it, and on two pages at once."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from dragstream.widgets import FeatureView
from tests.browser.conftest import LABS, READY, SLOW
from tests.browser.host import Panel
from tests.widgets.swatches import DRAG, dragged_stream

pytestmark = pytest.mark.browser

SETUP = """
import threading
import time

import ipycanvas
import torch

from dragstream.widgets import FeatureView
from tests.widgets.swatches import dragged_stream

torch.set_num_threads(1)
stream = dragged_stream(1, 1)
view = FeatureView(stream)


def play():
    for _ in range(12):
        stream.step()
        view.catch_up()
        time.sleep(0.2)


player = threading.Thread(target=play)
player.start()
view
"""
LOST = """
with ipycanvas.hold_canvas():
    lost = ipycanvas.Canvas()
    lost.fill_rect(0, 0, 1, 1)
    lost.close()
"""
PAINTED = """canvas => {
    const {data} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    return canvas.width > 500 && data.some(value => value > 0) && canvas.toDataURL();
}"""


@pytest.mark.usefixtures("one_thread")
def test_without_ipycanvas_a_picture_follows(chromium, screenshots):
    stream = dragged_stream(2, 1)
    view = FeatureView(stream)
    panel = Panel(chromium.new_page(), view, ".dragstream-features")
    picture = panel.root.get_by_role("img")
    expect(picture).to_be_visible()
    panel.shows(painter="picture")
    for theme in ("light", "dark"):
        panel.theme(theme)
        panel.root.screenshot(path=str(screenshots / f"features-{theme}.png"))
    before = picture.get_attribute("src")
    stream.animate([DRAG])
    expect(picture).not_to_have_attribute("src", before)
    expect(panel.root.get_by_label("latent frame")).to_have_value(str(view.frame))
    box = picture.bounding_box()
    picture.click(position={"x": 0.75 * box["width"], "y": 0.2 * box["height"]})
    expect(panel.root.get_by_label("colours")).to_have_value("similarity")
    panel.root.get_by_label("latent frame").fill("3")
    panel.until(lambda: view.frame == 3)
    expect(panel.root.get_by_label("follow")).not_to_be_checked()
    expect(panel.root.locator(".ds-caption")).to_contain_text("Latent frame 3 (block 1)")
    panel.close()


@pytest.fixture
def other_page(notebook, lab, chromium):
    """A function that opens the running notebook on another page, with other routes or not."""
    opened = notebook([SETUP]).run()
    opened.page.wait_for_function(
        PAINTED, arg=opened.page.locator(".dragstream-features canvas").element_handle()
    )
    opened.page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
    page, errors = chromium.new_page(), []
    page.set_default_timeout(SLOW)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda note: note.type == "error" and errors.append(note.text))

    def open_page(workspace):
        path = f"lab/workspaces/{workspace}/tree/test_feature_view.ipynb"
        page.goto(f"{lab.url}/{path}?token={lab.token}")
        page.wait_for_function(READY, polling=200)
        return opened, page, page.locator(".dragstream-features")

    open_page.page = page
    yield open_page
    page.close()
    known = (*LABS, *getattr(open_page, "known", ()))
    assert [error for error in errors if not any(text in error for text in known)] == []


def test_a_second_page_is_painted_while_the_stream_grows(other_page):
    opened, page, view = other_page("second")
    canvas = view.locator("canvas")
    before = page.wait_for_function(PAINTED, arg=canvas.element_handle()).json_value()
    # ipycanvas itself would draw nothing any more after a command that a page cannot carry out.
    opened.python(LOST)
    opened.python("player.join(); stream.step()")
    page.wait_for_function(
        f"([canvas, before]) => ({PAINTED})(canvas) !== before",
        arg=[canvas.element_handle(), before],
    )


def test_a_front_end_without_ipycanvas_shows_a_picture(other_page):
    other_page.page.route("**/extensions/ipycanvas/**", lambda route: route.abort())
    other_page.known = ("",)  # JupyterLab says in several ways that it cannot load a part
    opened, _, view = other_page("bare")
    picture = view.get_by_role("img")
    expect(picture).to_be_visible()
    before = picture.get_attribute("src")
    opened.python("player.join(); stream.step()")
    expect(picture).not_to_have_attribute("src", before)
    expect(view.locator(".ds-caption")).to_contain_text("Latent frame")
