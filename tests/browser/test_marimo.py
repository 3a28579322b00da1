"""The studio in marimo, and a cell that runs again after each drag on its canvas."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
from contextlib import suppress

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import PATIENCE, REPOSITORY, SLOW
from tests.browser.hands import CanvasHand

pytestmark = pytest.mark.browser

NOTEBOOK = REPOSITORY / "examples" / "marimo_studio.py"


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """The address at which marimo runs the example."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    folder = tmp_path_factory.mktemp("marimo")
    options = ["--headless", "--no-token", "--host=127.0.0.1", f"--port={port}"]
    home = {"HOME": str(folder), "XDG_CONFIG_HOME": str(folder), "XDG_CACHE_HOME": str(folder)}
    with (folder / "marimo.log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "marimo", "-y", "run", str(NOTEBOOK), *options],
            env={**os.environ, **home, "PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1"},
            stdout=log,
            stderr=log,
        )
        try:
            end = time.monotonic() + 60 * PATIENCE
            while process.poll() is None and time.monotonic() < end:
                with suppress(OSError):
                    socket.create_connection(("127.0.0.1", port), 1).close()
                    break
                time.sleep(0.2)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(20)


@pytest.fixture(scope="module")
def page(served, chromium):
    opened = chromium.new_page(viewport={"width": 1300, "height": 1400})
    opened.set_default_timeout(SLOW)
    errors = []
    opened.on("pageerror", lambda error: errors.append(str(error)))
    opened.on("console", lambda note: note.type == "error" and errors.append(note.text))
    opened.goto(served)
    opened.locator(".dragstream-studio-bar").wait_for(state="visible")
    yield opened
    opened.close()
    assert errors == []


def test_drags_and_the_wheel_run_the_cells_that_read_them(page, screenshots):
    expect(page.get_by_text("Drags on the canvas: 0")).to_be_visible()
    hand = CanvasHand(page, page.locator(".dragstream-canvas"))
    hand.stroke((120, 100), (150, 110), (120, 120), (150, 130))
    hand.stroke((135, 115), (185, 115))
    expect(page.get_by_text("Drags on the canvas: 1")).to_be_visible()
    expect(page.get_by_text("Translation(")).to_be_visible()
    bar = page.locator(".dragstream-studio-bar")
    bar.get_by_role("button", name="Animate").click()
    expect(bar).to_have_attribute("data-blocks", "4", timeout=SLOW)  # the picture, two, this one
    expect(page.locator(".dragstream-timeline")).to_have_attribute("data-blocks", "4")
    expect(page.locator(".dragstream-drift")).to_have_attribute("data-rows", "12")
    page.screenshot(path=str(screenshots / "marimo.png"), full_page=True)
    hand.tool("Camera")
    hand.stroke((60, 60), (70, 60))
    page.mouse.wheel(0, -100)  # the frame has the focus, in a shadow tree
    expect(page.get_by_text(re.compile(r"^Camera\(.*zoom=1\.05"))).to_be_visible()


def test_features_are_read_once_they_are_unfolded(page):
    expect(page.locator(".dragstream-features")).to_have_count(0)
    page.get_by_role("button", name="Features").click()
    features = page.locator(".dragstream-features")
    expect(features).to_have_attribute("data-painter", "picture")
    expect(features.get_by_role("img")).to_have_attribute("src", re.compile("^blob:"))
    expect(features.locator(".ds-caption")).to_contain_text("Latent frame")


def test_colours_follow_marimos_theme(page):
    surface = page.locator(".dragstream-studio-bar")
    expect(surface).to_have_css("background-color", "rgb(255, 255, 255)")
    page.evaluate(
        "() => { document.body.classList.add('dark'); document.body.style.colorScheme = 'dark'; }"
    )
    expect(surface).not_to_have_css("background-color", "rgb(255, 255, 255)")
