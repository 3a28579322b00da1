"""A DragCanvas on a page and Python agree: views, refusals, reloads, the list, previews, clips."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.canvases import Hand, fresh_hand, open_canvas

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def opened(notebook):
    return open_canvas(notebook)


@pytest.fixture
def hand(opened):
    return fresh_hand(opened)


def test_python_and_a_second_view_see_the_same(hand):
    cell = hand.notebook.append("canvas")
    second = Hand(hand.notebook, view=1)
    hand.notebook.python(
        "canvas.add(ds.Drag(ds.regions.disc((60, 64), 18), ds.Translation.by(40, -20)))"
    )
    hand.drags(1)
    second.drags(1)
    second.stroke((60, 64), (60, 100))
    expect(hand.root.locator(".ds-row-text")).to_have_text(["Move 36 px ↓"])
    hand.notebook.expect("round(canvas.drags[0].motion.path.points[-1][1])", "100")
    hand.notebook.python("canvas.keep = ds.regions.box(0, 100, 192, 128)")
    expect(hand.root.locator(".ds-row-text")).to_contain_text(["Move", "Keep 22 %"])
    hand.notebook.python("canvas.show(255 - frame)")
    expect(second.root.locator(".ds-frame")).to_have_attribute("data-painted", "2")
    pixel = second.root.locator(".ds-frame").evaluate(
        "c => Array.from(c.getContext('2d').getImageData(60, 70, 1, 1).data)"
    )
    assert pixel[:3] == [255 - 226, 255 - 84, 255 - 66]
    hand.notebook.delete(cell)


def update(state):
    return {"method": "update", "state": state, "buffer_paths": []}


def test_bad_messages_are_answered_beside_the_canvas(hand):
    hand.notebook.python(
        "canvas.add(ds.Drag(ds.regions.disc((60, 64), 18), ds.Translation.by(40, -20)))"
    )
    hand.drags(1)
    before = hand.state()
    alert = hand.root.get_by_role("alert")
    bad = {"version": 1, "drags": [{"<img src=x onerror=alert(1)>": 1}], "keep": None}
    hand.notebook.send("canvas", update({"state": bad}))
    expect(alert).to_contain_text("drags[0] lacks region, motion")
    unknown = {"state": {**before, "<img src=x onerror=alert(1)>": 1}}
    hand.notebook.send("canvas", update(unknown))
    expect(alert).to_contain_text("<img src=x onerror=alert(1)>")
    assert hand.root.locator("img").count() == 0
    hand.notebook.screenshot("canvas-error", hand.root)
    assert hand.state() == before
    alert.get_by_role("button").click()
    expect(alert).to_be_hidden()


def test_what_python_refuses_goes_back(hand):
    hand.notebook.python("canvas.keep = ds.regions.box(0, 0, 192, 20)")
    hand.notebook.python(
        "canvas._document.read_page = lambda data: (_ for _ in ()).throw(ValueError('not today'))"
    )
    hand.tool("Clear all")
    expect(hand.root.get_by_role("alert")).to_contain_text("not today")
    expect(hand.root.locator(".ds-row-text")).to_have_text(["Keep 16 %"])
    assert hand.state()["keep"] is not None
    redo = hand.root.get_by_role("button", name="Redo", exact=True)
    expect(redo).to_be_disabled()  # what cannot be is not to be done again
    hand.notebook.python("canvas.undo()")
    expect(hand.root.locator(".ds-row-text")).to_have_count(0)
    redo.click(trial=True)
    assert hand.state()["keep"] is None


def test_reload_restores(hand):
    hand.stroke((52, 58), (68, 60), (54, 70), (68, 72))
    hand.stroke((60, 64), (96, 50))
    hand.drags(1)
    hand.notebook.save_and_reload()
    hand.page.wait_for_function(
        "() => document.querySelector('.dragstream-canvas .ds-overlay')?.dataset.drags === '1'"
    )
    expect(hand.root.locator(".ds-frame")).to_have_attribute("data-painted", re.compile("[1-9]"))


def entries(hand):
    """(kind, colour, muted) of each row, as Python knows them."""
    code = "[(type(e.drag.motion).__name__[:3], e.colour, e.muted) for e in canvas.entries]"
    return hand.notebook.python(f"print({code})")


def test_the_list_mutes_copies_and_orders(hand):
    hand.notebook.python(
        "canvas.drags = [ds.Drag(ds.regions.disc((60, 64), 18), ds.Translation.by(40, -20)),"
        " ds.Drag(ds.regions.disc((132, 72), 16), ds.Rotation((132, 72), 45))]"
    )
    hand.drags(2)
    hand.root.get_by_role("button", name=re.compile("^Mute: Turn")).click()
    hand.notebook.expect("len(canvas.drags)", "1")
    assert entries(hand) == "[('Tra', 0, False), ('Rot', 1, True)]"
    hand.root.get_by_role("button", name=re.compile("^Move 45 px")).click()
    hand.root.get_by_role("button", name=re.compile("^Copy, and mute")).click()
    hand.root.get_by_role("button", name="Down the list").click()
    hand.notebook.expect("[e.colour for e in canvas.entries]", "[0, 1, 2]")
    hand.notebook.screenshot("canvas-list", hand.root)
    rows = hand.root.locator("li")
    rows.nth(2).drag_to(rows.nth(0))
    hand.notebook.expect("[e.colour for e in canvas.entries]", "[2, 0, 1]")
    for _ in range(4):
        hand.press("Control+z")
    hand.notebook.expect("len(canvas.drags)", "2")
    assert entries(hand) == "[('Tra', 0, False), ('Rot', 1, False)]"


def test_the_preview_carries_the_pixels(hand):
    hand.notebook.python(
        "canvas.add(ds.Drag(ds.regions.disc((60, 64), 18), ds.Translation.by(40, 0)))"
    )
    hand.drags(1)
    ghost = hand.root.locator(".ds-ghost")
    hand.root.get_by_role("button", name="Preview", exact=True).click()
    # while it rests at its end, which is not for long
    pixels = hand.page.wait_for_function(
        """c => c.dataset.fraction === '1.00' && [60, 100].map(
            x => [...c.getContext('2d').getImageData(x, 72, 1, 1).data])""",
        arg=ghost.element_handle(),
    ).json_value()
    assert pixels[1][:3] == [226, 84, 66]  # the ball, where it was pulled to
    assert max(abs(a - b) for a, b in zip(pixels[0][:3], (90, 114, 115), strict=True)) < 16
    hand.notebook.screenshot("canvas-preview", hand.root)
    hand.press("g")
    expect(ghost).not_to_have_attribute("data-fraction", re.compile("."))


def test_onion_skin_and_clips(hand):
    slider = hand.root.get_by_role("slider", name="Earlier frames that shine through")
    slider.fill("2")
    hand.notebook.expect("canvas.onion", "2")
    hand.notebook.python("canvas.show(255 - frame)")
    expect(hand.root.locator(".ds-skin")).to_have_attribute("data-frames", "1")
    hand.notebook.python("canvas.play(np.stack([frame // 2, frame // 4, frame]), 20)")
    pixel = (
        "root => [...root.querySelector('.ds-frame').getContext('2d')"
        ".getImageData(60, 72, 1, 1).data].slice(0, 3).join()"
    )
    hand.page.wait_for_function(
        f"root => ({pixel})(root) === '226,84,66'", arg=hand.root.element_handle()
    )
    hand.notebook.expect("canvas._clips.under_way", "0")


FEATURES = """
import types
import torch

class Seen:
    model = types.SimpleNamespace(spec=types.SimpleNamespace(
        grid=types.SimpleNamespace(height=128, width=192), frames_per_block=3, layers=(0,),
        clock=types.SimpleNamespace(temporal_factor=4, frame_rate=16)))
    blocks = (types.SimpleNamespace(frames=frame[None]),)

    def subscribe(self, listener):
        return lambda: None

    def features(self, block, layer):
        found = torch.ones(1, 16, 24, 2)
        rows, columns = np.mgrid[:16, :24]
        found[0, ((columns - 7) ** 2 + (rows - 8) ** 2 <= 8), 1] = 3
        return {layer: found}

canvas = DragCanvas(Seen())
canvas
"""


def test_select_by_a_click(hand):
    cell = hand.notebook.append(FEATURES)
    picker = Hand(hand.notebook, view=-1)
    picker.overlay.scroll_into_view_if_needed()
    picker.tool("Select by a click")
    picker.page.mouse.click(*picker.place(60, 70))
    slider = picker.root.get_by_role("slider", name="Least similarity in percent")
    slider.wait_for()
    hand.notebook.expect("canvas.region is not None and 600 < canvas.region.sum() < 1400", "True")
    picker.notebook.screenshot("canvas-select", picker.root)
    area = int(hand.notebook.python("print(canvas.region.sum())"))
    slider.fill("1")
    hand.notebook.expect(f"bool(canvas.region.sum() > {area})", "True")
    hand.notebook.delete(cell)
    hand.notebook.run_cell(1)
