"""Timeline and DriftPlot in a real JupyterLab: its messages, reloads, second views, restarts."""

from __future__ import annotations

import json
import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import READY, SLOW

pytestmark = pytest.mark.browser

SETUP = """
import torch

import dragstream as ds
from dragstream.widgets import DriftPlot, Timeline
from tests.widgets.swatches import DRAG, dragged_stream

torch.set_num_threads(1)
"""

TIMELINE = """
stream = dragged_stream(3, 3)
timeline = Timeline(stream)
timeline
"""

PLOT = """
plot = DriftPlot(stream)
plot
"""


class Views:
    """The timeline and the plot in the notebook."""

    def __init__(self, notebook):
        self.notebook = notebook
        self.page = notebook.page
        self.timeline = self.page.locator(".dragstream-timeline")
        self.plot = self.page.locator(".dragstream-drift")
        self.timeline.first.wait_for(state="visible")

    def shows(self, view=0, **data):
        for name, value in data.items():
            expect(self.timeline.nth(view)).to_have_attribute(f"data-{name}", str(value))


@pytest.fixture(scope="module")
def opened(notebook):
    return notebook([SETUP, TIMELINE, PLOT]).run()


@pytest.fixture
def views(opened):
    """A fresh timeline of 8 blocks and a fresh plot."""
    opened.run_cell(1)
    opened.run_cell(2)
    return Views(opened)


def test_both_follow_what_the_kernel_does(views):
    views.shows(frame=92, blocks=8)
    expect(views.plot).to_have_attribute("data-rows", "24")
    views.timeline.locator("[data-block='5']").click()
    views.notebook.expect("timeline.frame", "68")
    views.timeline.get_by_role("button", name="Branch off here").click()
    views.shows(branch="branch 2", blocks=6)
    views.notebook.python("plot.source = timeline.stream; timeline.stream.animate([DRAG])")
    views.shows(blocks=7)
    expect(views.plot).to_have_attribute("data-rows", "21")
    views.plot.get_by_role("button", name="Compare without rectification").click()
    expect(views.plot).to_have_attribute("data-other", "6")
    for theme in ("Light", "Dark"):
        views.notebook.theme(f"JupyterLab {theme}")
        views.notebook.screenshot(f"panels-{theme.lower()}")


def test_bad_messages_are_answered_beside_the_widget(views):
    alert = views.timeline.get_by_role("alert")
    state = views.notebook.python("import json; print(json.dumps(timeline.state))")
    for content, answer in (
        ({"type": "rewind", "to": 99}, "to must be from 0 to 8"),
        ({"type": "switch", "name": "<img src=x>"}, "<img src=x>"),
        ({"type": "fork", "at": "two"}, "at must be an integer"),
        ({"type": "fork", "at": 1, "more": 2}, "has the fields"),
    ):
        views.notebook.send("timeline", {"method": "custom", "content": content})
        expect(alert).to_contain_text(answer)
    assert views.timeline.locator("img[src=x]").count() == 0
    assert views.notebook.python("print(json.dumps(timeline.state))") == state
    assert json.loads(state)["branch"] == "main"


def test_a_live_stream_is_followed(views):
    views.notebook.python(
        "live = ds.LiveStream(stream, frame_rate=60.0)\n"
        "timeline = Timeline(live); plot.source = live\n"
        "live.start()"
    )
    cell = views.notebook.append("timeline")
    views.page.wait_for_function(
        "() => Number([...document.querySelectorAll('.dragstream-timeline')]"
        ".at(-1).dataset.blocks) > 10"
    )
    views.notebook.python("live.pause(); live.animate([DRAG]); live.wait(60); live.stop()")
    expect(views.plot.locator("select").nth(1).locator("option")).to_have_count(3)
    views.notebook.delete(cell)


def test_a_second_view_and_a_reload(views):
    cell = views.notebook.append("timeline")
    views.timeline.nth(1).locator("[data-block='2']").click()
    views.shows(frame=32)
    views.shows(view=1, frame=32)
    views.notebook.expect("timeline.frame", "32")
    views.notebook.delete(cell)
    views.notebook.save_and_reload()
    views.page.wait_for_selector(".dragstream-timeline")
    views.page.wait_for_function(READY, polling=200)
    views.shows(frame=32, blocks=8)
    expect(views.timeline.locator(".ds-strip img[src]")).to_have_count(8)
    expect(views.timeline.locator(".ds-picture").first).to_have_attribute(
        "data-painted", re.compile("[1-9]")
    )
    expect(views.plot).to_have_attribute("data-rows", "24")


def test_a_restarted_kernel_is_noticed(views):
    views.page.evaluate(
        """() => {
            const {sessionContext} = window.jupyterapp.shell.currentWidget;
            window.restarted = sessionContext.restartKernel();
        }"""
    )
    for view in (views.timeline, views.plot):
        expect(view.get_by_role("alert")).to_contain_text(
            "This stream is gone: run the cell again", timeout=SLOW
        )
    views.notebook.screenshot("panels-gone")
    views.page.evaluate("() => window.restarted")  # a kernel that starts cannot be ended
