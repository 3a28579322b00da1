"""What a person does in the Studio: play, pause, paint, pull, apply, go back, branch, export."""

from __future__ import annotations

import hashlib
import json
import re

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook
from playwright.sync_api import expect

from tests.browser.conftest import PATIENCE
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
studio = Studio(stream)
studio
"""

PLAYGROUND = """
import torch

import dragstream as ds
from dragstream.models.playground import draw
from dragstream.widgets import Studio

torch.set_num_threads(1)
prompt = "a red critter rests beside a blue box in a meadow"
stream = ds.Stream(ds.load("playground"), prompt, seed=2, image=draw(prompt, seed=41))
studio = Studio(stream)
studio
"""

CRITTER = """
from scipy.ndimage import binary_fill_holes
red = stream.frames[-1].astype(int)
red = binary_fill_holes(red[..., 0] > red[..., 1:].max(-1) + 60)
"""

LONG = 240_000 * PATIENCE
"""Milliseconds: a few blocks of the playground, on busy cores."""


@pytest.fixture(scope="module")
def opened(notebook):
    return notebook([SETUP, SHOW]).run()


@pytest.fixture
def desk(opened):
    """A fresh studio of three blocks."""
    opened.page.set_viewport_size({"width": 1280, "height": 1080})
    opened.run_cell(1)
    made = Desk(opened)
    yield made
    opened.python("studio.live.stop()")


def test_play_and_pause_while_streaming(desk):
    desk.is_at(status="stopped", blocks=3)
    desk.button("Play").click()
    desk.is_at(status="playing", blocks=re.compile("^([5-9]|[1-9][0-9]+)$"))
    desk.button("Pause").click()
    desk.is_at(status="paused")
    desk.shows_newest()
    blocks = desk.notebook.python("print(len(stream))")
    desk.notebook.python("import time; time.sleep(1.5)")
    desk.is_at(status="paused", blocks=blocks)
    for figure in ("block", "memory"):
        expect(desk.bar.locator(f"[data-figure={figure}] b")).to_have_text(re.compile(r"\d"))
    desk.button("Step").click()
    desk.is_at(status="paused", blocks=int(blocks) + 1)
    desk.shows_newest()
    # the same stream in the next cell
    desk.notebook.python("stream.step()")
    desk.is_at(blocks=int(blocks) + 2)
    expect(desk.timeline).to_have_attribute("data-blocks", str(int(blocks) + 2))


def test_paint_pull_undo_apply(desk):
    expect(desk.button("Animate")).not_to_have_class(re.compile("ds-ready"))
    desk.button("Animate").click()
    expect(desk.bar.locator(".ds-alert")).to_contain_text("paint a region and pull it")
    desk.paint_and_pull(60, 64, 40, -10)
    desk.drags(1)
    expect(desk.button("Animate")).to_have_class(re.compile("ds-ready"))
    desk.overlay.focus()
    desk.page.keyboard.press("Control+z")
    desk.drags(0)
    desk.page.keyboard.press("Control+Shift+z")
    desk.drags(1)
    desk.bar.get_by_role("spinbutton").fill("2")
    desk.button("Animate").click()
    desk.is_at(status="paused", blocks=5)
    desk.shows_newest()
    desk.notebook.expect(
        "[block.mode.value for block in stream.blocks[3:]]", "['animate', 'animate']"
    )
    desk.notebook.expect("stream.blocks[-1].drags == tuple(studio.drags)", "True")
    expect(desk.timeline.locator("[data-block='4']")).to_have_attribute("data-mode", "animate")
    expect(desk.bar.locator("[data-figure=iteration] b")).to_have_text(re.compile(r"\d"))
    desk.button("Edit").click()
    desk.notebook.expect("stream.blocks[-1].mode.value", "edit")
    desk.is_at(status="paused", blocks=5)


def test_rewind_branch_and_compare(desk):
    desk.timeline.locator("[data-block='1']").click()
    desk.timeline.get_by_role("button", name="Branch off here").click()
    desk.is_at(blocks=2)
    expect(desk.bar.get_by_role("status").first).to_contain_text("on branch 2")
    desk.shows_newest()
    desk.button("Step").click()
    desk.is_at(status="paused", blocks=3)
    desk.shows_newest()
    desk.notebook.expect("len(stream), len(studio.stream), studio.stream is stream", "3 3 False")
    compare = desk.timeline.locator("[data-branch='main']").get_by_role("button", name="Compare")
    compare.click()
    expect(desk.timeline.locator(".ds-picture").nth(1)).to_have_attribute(
        "data-painted", re.compile("[1-9]")
    )
    desk.notebook.screenshot("studio-compare", desk.root)
    desk.timeline.locator("[data-branch='main'] .ds-branch").click()
    desk.notebook.expect("studio.stream is stream", "True")
    desk.timeline.locator("[data-block='0']").click()
    desk.timeline.get_by_role("button", name="Go back to here").click()
    desk.timeline.get_by_role("button", name="Drop and go back").click()
    desk.is_at(blocks=1)
    desk.notebook.expect("len(stream)", "1")


def test_prompt_and_settings_are_answered_where_they_are_wrong(desk):
    box = desk.bar.get_by_role("textbox", name="Prompt of the next block")
    box.fill("   ")
    box.press("Enter")
    expect(desk.bar.locator(".ds-answer")).to_contain_text("a prompt must say something")
    box.fill("<b>a disc</b> jumps")
    desk.button("Set").click()
    desk.notebook.expect("stream.prompt", "<b>a disc</b> jumps")
    expect(desk.bar.locator(".ds-answer")).to_be_hidden()

    desk.root.get_by_text("Settings", exact=True).click()
    field = desk.settings.locator("[data-field=iterations]")
    field.get_by_role("textbox").fill("four")
    field.get_by_role("textbox").press("Enter")
    expect(field.get_by_role("alert")).to_contain_text("iterations must be a number")
    field.get_by_role("textbox").fill("6")
    field.get_by_role("textbox").press("Enter")
    desk.notebook.expect("studio.settings.iterations", "6")
    expect(field.locator(".ds-problem")).to_be_empty()
    desk.settings.get_by_role("button", name="released").click()
    desk.notebook.expect("studio.settings == ds.DragSettings.released()", "True")
    expect(field.get_by_role("textbox")).to_have_value("5")
    desk.notebook.python("studio.settings = ds.DragSettings.paper(iterations=3, focus=False)")
    expect(field.get_by_role("textbox")).to_have_value("3")
    expect(desk.settings.locator("[data-field=alpha]").get_by_role("switch")).not_to_be_checked()


def test_an_error_of_the_worker_is_shown_with_its_traceback(desk):
    desk.notebook.python(
        "def broken(*_):\n    raise FloatingPointError('<i>not finite</i>')\n"
        "keep_denoise, model.denoise = model.denoise, broken"
    )
    desk.button("Step").click()
    failure = desk.bar.locator(".ds-failure")
    expect(failure).to_contain_text("FloatingPointError: <i>not finite</i>")
    expect(failure.locator("pre")).to_be_hidden()
    failure.get_by_text("Traceback", exact=True).click()
    expect(failure.locator("pre")).to_contain_text("in broken")
    desk.notebook.screenshot("studio-error", desk.root)
    desk.notebook.python("model.denoise = keep_denoise")
    failure.get_by_role("button", name="Dismiss the error").click()
    expect(failure).to_be_hidden()
    desk.button("Step").click()
    desk.is_at(status="paused", blocks=4)


def test_features_are_painted_and_painted_again_after_a_reload(desk):
    desk.root.get_by_text("Features", exact=True).click()
    canvas = desk.root.locator(".dragstream-features canvas")
    painted = """canvas => {
        const {data} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
        return canvas.width > 500 && data.some(value => value > 0);
    }"""
    desk.page.wait_for_function(painted, arg=canvas.element_handle())
    box = canvas.bounding_box()
    desk.page.mouse.click(box["x"] + 0.75 * box["width"], box["y"] + 0.2 * box["height"])
    desk.notebook.expect("studio.features.colouring.value", "similarity")
    desk.paint_and_pull(60, 64, 40, 0)
    desk.notebook.expect("len(studio.features._plan[0])", "1")
    desk.notebook.screenshot("studio-features", desk.root)
    desk.notebook.save_and_reload()
    again = Desk(desk.notebook)
    again.drags(1)
    again.is_at(blocks=3)
    again.root.get_by_text("Features", exact=True).wait_for()
    canvas = again.root.locator(".dragstream-features canvas")
    again.page.wait_for_function(painted, arg=canvas.element_handle())


def test_features_follow_what_plays(desk):
    desk.root.get_by_text("Features", exact=True).click()
    canvas = desk.root.locator(".dragstream-features canvas")
    pixels = "canvas => canvas.width > 500 && canvas.toDataURL()"
    before = desk.page.wait_for_function(pixels, arg=canvas.element_handle()).json_value()
    desk.button("Play").click()
    desk.notebook.expect("studio.features.frame > 8", "True", 30 * PATIENCE)
    desk.page.wait_for_function(
        f"([canvas, before]) => ({pixels})(canvas) !== before",
        arg=[canvas.element_handle(), before],
    )
    desk.button("Pause").click()
    desk.is_at(status="paused")
    desk.notebook.expect("studio.features.frame == 3 * len(stream) - 1", "True")
    desk.root.get_by_text("Features", exact=True).click()
    desk.notebook.expect("studio.features.awake", "False")


def test_two_studios_of_one_stream(desk):
    cell = desk.notebook.append("other = Studio(stream)\nother")
    second = Desk(desk.notebook, view=1)
    second.button("Step").click()
    desk.is_at(blocks=4)
    second.is_at(blocks=4)
    desk.button("Play").click()
    second.is_at(status="playing")
    second.button("Pause").click()
    desk.is_at(status="paused")
    desk.shows_newest()
    desk.notebook.python("other.close()")
    desk.notebook.delete(cell)


@pytest.mark.parametrize(
    ("name", "width", "height"),
    [("narrow", 600, 900), ("laptop", 1280, 800), ("wide", 1920, 1080)],
)
def test_it_fits_the_screen_in_both_themes(desk, name, width, height):
    desk.page.set_viewport_size({"width": width, "height": height})
    desk.notebook.python(
        "studio.drags = [ds.Drag(ds.regions.disc((60, 64), 18), ds.Translation.by(40, -20))]\n"
        "studio.keep = ds.regions.box(0, 108, 192, 128)\n"
        "studio.animate(2); studio.live.wait()\n"
        "studio.timeline.fork(at=4); studio.step(); studio.live.wait()"
    )
    desk.is_at(blocks=5)
    if name == "wide":
        for title in ("Settings", "Features"):
            desk.root.get_by_text(title, exact=True).click()
    desk.shows_newest()
    for theme in ("Light", "Dark"):
        desk.notebook.theme(f"JupyterLab {theme}")
        desk.page.set_viewport_size({"width": width, "height": height})
        desk.come_near()
        assert desk.fits()
        desk.notebook.screenshot(f"studio-{name}-lab-{theme.lower()}")
        desk.page.set_viewport_size({"width": width, "height": 1900})
        desk.come_near()
        desk.notebook.screenshot(f"studio-{name}-{theme.lower()}", desk.root)


def test_a_drag_in_the_playground_for_the_picture(other_notebook):
    opened = other_notebook([PLAYGROUND])
    opened.page.set_viewport_size({"width": 1280, "height": 1700})
    opened.theme("JupyterLab Light")
    opened.run(LONG)
    desk = Desk(opened)
    opened.python("studio.step(); studio.step(); studio.live.wait()")
    opened.python(CRITTER)
    opened.python(
        "bow = ds.Path.spline([(0, 0), (27, -10), (54, 0)])\n"
        "studio.drags = [ds.Drag(red, ds.Translation(bow))]\n"
        "studio.animate(2); studio.live.wait(); studio.timeline.fork(at=3)\n"
        "studio.animate(2); studio.live.wait()"
    )
    desk.is_at(LONG, status="paused", blocks=5)
    expect(desk.timeline.locator(".ds-strip img[src]")).to_have_count(5)
    desk.shows_newest()
    desk.come_near()
    assert desk.fits()
    opened.screenshot("studio-playground", desk.root)


def frames_digest(notebook):
    code = "import hashlib; print(hashlib.sha256(studio.stream.frames.tobytes()).hexdigest())"
    return notebook.python(code)


def test_the_exported_code_makes_the_same_frames_in_a_fresh_kernel(other_notebook, lab):
    opened = other_notebook([PLAYGROUND.replace('"playground"', '"playground-fast"')])
    opened.run(LONG)
    desk = Desk(opened)
    desk.button("Step").click()
    desk.is_at(LONG, status="paused", blocks=2)
    opened.python(CRITTER)
    x, y = json.loads(
        opened.python(
            "print(ds.regions.centroid(red).__repr__().replace('(', '[').replace(')', ']'))"
        )
    )
    desk.paint_and_pull(x, y, -24, 0)
    desk.drags(1)
    desk.button("Animate").click()
    desk.is_at(LONG, status="paused", blocks=3)
    opened.python("stream.rewind(to=2)")  # what is rewound is not in the code
    desk.is_at(blocks=2)
    desk.button("Edit").click()
    opened.expect("studio.live.wait(), stream.blocks[-1].mode.value", "True edit", 200)
    desk.button("Step").click()
    desk.is_at(LONG, status="paused", blocks=3)
    desk.bar.get_by_text("Export", exact=True).click()
    desk.button("Python code (.py)").click()
    expect(desk.bar.locator(".ds-written")).to_contain_text("take-1.py")
    code = (lab.root / "take-1.py").read_text(encoding="utf-8")
    assert desk.bar.locator(".ds-written pre").text_content() == code
    wanted = frames_digest(opened)

    cells = ["import torch\ntorch.set_num_threads(1)", code, "stream.frames.tofile('frames.bin')"]
    fresh = new_notebook(cells=[new_code_cell(cell) for cell in cells])
    resources = {"metadata": {"path": str(lab.root)}}
    NotebookClient(fresh, timeout=300, kernel_name="python3", resources=resources).execute()
    frames = np.fromfile(lab.root / "frames.bin", np.uint8)
    assert hashlib.sha256(frames.tobytes()).hexdigest() == wanted
    nbformat.validate(fresh)


def test_it_opens_in_notebook_7(other_notebook):
    opened = other_notebook([SETUP, SHOW], at="notebooks").run()
    desk = Desk(opened)
    desk.button("Step").click()
    desk.is_at(status="paused", blocks=4)
    desk.shows_newest()
    desk.paint_and_pull(60, 64, 40, -10)
    desk.drags(1)
    desk.button("Animate").click()
    desk.is_at(status="paused", blocks=5)
    assert desk.fits()
    opened.screenshot("studio-notebook-7")
