"""Objects held while the stream plays: by mouse, by keys alone, and let go with the page.

DRAGSTREAM_LATENCIES=file.json has the measured pull write its milliseconds from pointer to picture.
"""

from __future__ import annotations

import json
import os
import re
import time
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import PATIENCE, READY
from tests.browser.hands import Desk

pytestmark = pytest.mark.browser

SETUP = """
import torch

import dragstream as ds
from dragstream.widgets import Studio
from tests.widgets.swatches import Swatches

torch.set_num_threads(1)
model = Swatches(192, 128)
"""

SHOW = """
stream = ds.Stream(model, "a disc wanders", seed=5)
stream.run(3, progress=False)
studio = Studio(stream, settings=ds.DragSettings.paper(iterations=2))
studio.canvas.region = ds.regions.disc((80, 64), 16)
studio
"""

DRAGS = "[type(drag.motion).__name__ for drag in stream.blocks[-1].drags]"
TARGET = """[
    round(a + b)
    for drag in stream.blocks[-1].drags
    for a, b in zip(drag.motion.center, drag.motion.poses[-1])
]"""
LENGTH = 5.0
"""Seconds of the measured pull."""


@pytest.fixture(scope="module")
def opened(notebook):
    return notebook([SETUP, SHOW]).run()


@pytest.fixture
def desk(opened):
    """A studio that plays, with a region painted on its canvas."""
    opened.run_cell(1)
    made = Desk(opened)
    made.button("Play").click()
    made.is_at(status="playing")
    expect(made.hand.root.locator("[data-tool=hold]")).to_have_attribute("aria-pressed", "true")
    yield made
    opened.python("studio.live.stop()")


def holds(desk, count):
    expect(desk.overlay).to_have_attribute("data-holds", str(count), timeout=30_000 * PATIENCE)
    desk.notebook.expect("len(studio.live.holds)", str(count))


def press(desk, x, y):
    desk.overlay.scroll_into_view_if_needed()
    desk.page.mouse.move(*desk.hand.place(x, y))
    desk.page.mouse.down()


def test_press_pull_and_let_go(desk):
    press(desk, 80, 64)
    holds(desk, 1)
    desk.page.mouse.move(*desk.hand.place(120, 50), steps=8)
    desk.notebook.expect("[round(c) for c in studio.live.holds[0].position]", "[120, 50]")
    desk.notebook.expect(DRAGS, "['Poses']")
    desk.notebook.expect(TARGET, "[120, 50]")  # where the pointer is
    expect(desk.overlay).to_have_attribute("data-latency", re.compile(r"\d"))
    expect(desk.bar.locator("[data-figure=pointer] b")).to_have_text(re.compile(r"\d"))
    desk.page.mouse.wheel(0, 200)
    desk.notebook.expect("studio.live.holds[0].degrees", "10.0")
    desk.notebook.screenshot("live-hold", of=desk.root)
    desk.page.mouse.up()
    holds(desk, 0)
    assert desk.notebook.python("print(studio.drags, studio.canvas.region.sum() > 0)") == "[] True"
    desk.notebook.expect(DRAGS, "[]")  # it goes on as it likes


def test_two_clicks_pin_and_escape_lets_go(desk):
    desk.overlay.scroll_into_view_if_needed()
    x, y = desk.hand.place(80, 64)
    desk.page.mouse.dblclick(x, y)
    holds(desk, 1)
    desk.notebook.expect("studio.live.holds[0].pinned", "True")
    desk.notebook.expect(DRAGS, "['Poses']")
    # what Python holds is drawn, too
    desk.notebook.python("studio.live.hold(ds.regions.disc((150, 30), 8))")
    holds(desk, 2)
    desk.page.keyboard.press("Escape")
    holds(desk, 0)
    expect(desk.hand.root.locator(".ds-hint")).to_contain_text("Let go of all")


def test_by_keys_alone(desk):
    hint = desk.hand.root.locator(".ds-hint")
    desk.overlay.focus()
    desk.page.keyboard.press("Enter")
    expect(hint).to_contain_text(re.compile("Object 1 of [1-9]"))
    for _ in range(3):
        desk.page.keyboard.press("Shift+ArrowRight")
    holds(desk, 1)
    desk.notebook.expect(
        "round(studio.live.holds[0].position[0] - studio.canvas.holds[0]['grip_at'][0])", "24"
    )
    expect(hint).to_contain_text("Held object 1")
    desk.page.keyboard.press(".")
    desk.notebook.expect("studio.live.holds[0].degrees", "5.0")
    desk.notebook.expect(DRAGS, "['Poses']")
    desk.page.keyboard.press("Enter")
    desk.notebook.expect("[hold.pinned for hold in studio.live.holds]", "[True]")
    desk.page.keyboard.press("Escape")
    holds(desk, 0)
    desk.page.keyboard.press("Tab")  # and the focus goes on
    expect(desk.overlay).not_to_be_focused()


def test_a_measured_pull(desk):
    measured = []
    press(desk, 80, 64)
    holds(desk, 1)
    begin = time.monotonic()
    while (elapsed := time.monotonic() - begin) < LENGTH:
        desk.page.mouse.move(*desk.hand.place(80 + 8 * elapsed, 64 - 4 * elapsed))
        value = desk.overlay.get_attribute("data-latency")
        if value is not None and (not measured or measured[-1] != float(value)):
            measured.append(float(value))
    desk.page.mouse.up()
    holds(desk, 0)
    assert measured
    if path := os.environ.get("DRAGSTREAM_LATENCIES"):
        Path(path).write_text(json.dumps({"milliseconds": measured}), encoding="utf-8")


def test_a_page_that_is_left_lets_go(desk):
    press(desk, 80, 64)
    holds(desk, 1)
    desk.notebook.save_and_reload()
    desk.page.wait_for_selector(".dragstream-canvas")
    desk.page.wait_for_function(READY, polling=200)
    desk.notebook.expect("len(studio.live.holds)", "0")
    desk.notebook.expect("studio.live.status.value", "playing")
