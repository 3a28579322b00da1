"""What a person does on a DragCanvas, with the mouse and with the keyboard."""

from __future__ import annotations

import json
import math
import re

import pytest
from playwright.sync_api import expect

from tests.browser.hands import CanvasHand

pytestmark = pytest.mark.browser

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


@pytest.fixture(scope="module")
def opened(notebook):
    return notebook([SETUP, SHOW]).run()


@pytest.fixture
def hand(opened):
    """A hand on a fresh canvas; views of the last one are disposed of."""
    opened.page.set_viewport_size({"width": 1280, "height": 1080})
    opened.run_cell(1)
    return Hand(opened)


def tip(drag):
    return drag["motion"]["path"]["points"][-1]


def test_paint_and_pull(hand):
    hand.stroke((52, 58), (68, 60), (54, 70), (68, 72))
    expect(hand.root.locator("[role=status]")).to_contain_text("Now press on the region")
    hand.notebook.expect("300 < canvas.region.sum() < 1500, canvas.region[60, 60]", "True True")
    assert hand.drags(0) == []

    hand.stroke((60, 64), (96, 50))
    (drag,) = hand.drags(1)
    assert drag["motion"]["type"] == "translation"
    assert math.dist(drag["motion"]["path"]["points"][0], (60, 64)) < 0.5
    assert math.dist(tip(drag), (96, 50)) < 0.5
    assert hand.notebook.python("print(canvas)") == "DragCanvas(192x128, 1 drag)"
    expect(hand.root.locator(".ds-row-text")).to_have_text(["Move 39 px →"])

    hand.press("Control+z")
    hand.drags(0)
    hand.notebook.expect("canvas.region is None", "False")
    hand.press("Control+z")
    hand.notebook.expect("canvas.region is None", "True")
    hand.root.get_by_role("button", name="Redo").click()
    hand.press("Control+Shift+z")
    assert hand.drags(1) == [drag]


def test_a_region_grows_by_its_handle_and_by_the_wheel(hand):
    hand.tool("Box")
    hand.stroke((40, 44), (80, 84))
    hand.tool("Scale")
    hand.stroke((80, 64), (90, 64))
    motion = hand.drags(1)[0]["motion"]
    assert motion["type"] == "scale"
    assert 1.4 < motion["factor"] < 1.6
    assert math.dist(motion["center"], (59.5, 63.5)) < 1
    hand.notebook.screenshot("canvas-scale", hand.root)

    hand.page.mouse.move(*hand.place(60, 64))
    hand.page.mouse.wheel(0, 100)
    hand.notebook.expect(f"canvas.drags[0].motion.factor < {motion['factor']}", "True")
    expect(hand.root.get_by_role("spinbutton", name="Factor of the size")).not_to_have_value("")


def test_every_tool(hand):
    hand.tool("Box")
    hand.stroke((40, 44), (80, 84))
    hand.tool("Rotate")
    hand.stroke((78, 64), (60, 83))
    turn = hand.drags(1)[0]["motion"]
    assert turn["type"] == "rotation"
    assert 80 < turn["degrees"] < 95
    assert math.dist(turn["center"], (59.5, 63.5)) < 1

    hand.notebook.screenshot("canvas-rotate", hand.root)

    hand.tool("Lasso")
    hand.stroke((132, 54), (148, 62), (150, 78), (136, 90), (118, 84), (114, 64), (132, 54))
    hand.tool("Draw a path")
    hand.stroke((132, 72), (140, 50), (160, 40), (180, 46))
    path = hand.drags(2)[1]["motion"]["path"]
    assert path["smooth"]
    assert 4 <= len(path["points"]) <= 9
    assert math.dist(path["points"][-1], (180, 46)) < 0.5

    hand.tool("Deform")
    hand.stroke((60, 64), (60, 30))
    hand.notebook.expect("type(canvas.drags[0].motion).__name__", "Deformation")

    hand.tool("Keep")
    hand.stroke((20, 110), (170, 110), (170, 120), (20, 120))
    hand.notebook.expect("canvas.keep is None or canvas.keep[112, 100]", "True")
    hand.notebook.expect("canvas.keep[:90].any()", "False")
    hand.tool("Eraser")
    hand.stroke((100, 100), (100, 127))
    hand.notebook.expect("canvas.keep[112, 100]", "False")

    for theme in ("Light", "Dark"):
        hand.notebook.theme(f"JupyterLab {theme}")
        hand.page.mouse.move(5, 5)
        hand.notebook.screenshot(f"canvas-{theme.lower()}", hand.root)
        hand.notebook.screenshot(f"lab-{theme.lower()}")

    hand.root.get_by_role("button", name=re.compile("^Delete: Deform")).click()
    assert [drag["motion"]["type"] for drag in hand.drags(1)] == ["translation"]
    hand.tool("Clear all")
    hand.drags(0)
    hand.notebook.expect("canvas.state", "{'version': 1, 'drags': [], 'keep': None}")


def test_by_keyboard_alone(hand):
    cells = hand.page.locator(".jp-Notebook .jp-Cell").count()
    hand.overlay.focus()
    hand.press("x")  # the box; to JupyterLab this key would cut the cell
    expect(hand.root.get_by_role("button", name="Box", exact=True)).to_have_attribute(
        "aria-pressed", "true"
    )
    for _ in range(5):
        hand.press("Shift+ArrowLeft")
    hand.press("Space")
    for key in ["Shift+ArrowRight"] * 3 + ["Shift+ArrowDown"] * 3:
        hand.press(key)
    hand.press("Space")
    hand.press("Shift+ArrowLeft")
    hand.press("Shift+ArrowUp")
    hand.press("Space")
    for _ in range(4):
        hand.press("Shift+ArrowRight")
    hand.notebook.screenshot("canvas-keyboard", hand.root)
    hand.press("Space")
    start, end = hand.drags(1)[0]["motion"]["path"]["points"]
    assert (end[0] - start[0], end[1] - start[1]) == (32, 0)
    hand.press("ArrowDown")
    hand.press("Shift+ArrowRight")
    hand.ends_at(0, end[0] + 8, end[1] + 1)
    hand.press("Control+z")
    hand.ends_at(0, *end)
    hand.press("Delete")
    hand.drags(0)
    assert hand.page.locator(".jp-Notebook .jp-Cell").count() == cells


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


def test_narrow_and_touch(hand):
    hand.page.set_viewport_size({"width": 560, "height": 900})
    hand.overlay.scroll_into_view_if_needed()
    box = hand.overlay.bounding_box()
    assert abs(box["width"] / box["height"] - 1.5) < 0.02
    assert box["width"] < 560
    assert hand.overlay.evaluate("c => getComputedStyle(c).touchAction") == "none"
    hand.stroke((52, 58), (68, 60), (54, 70), (68, 72))
    hand.stroke((60, 64), (30, 40))
    assert math.dist(tip(hand.drags(1)[0]), (30, 40)) < 1
    hand.notebook.screenshot("canvas-narrow")


POINTERS = """(overlay, [type, strokes]) => {
    const box = overlay.getBoundingClientRect();
    strokes.forEach((points, finger) => points.forEach(([x, y], i) => {
        const name = i === 0 ? 'pointerdown' : 'pointermove';
        overlay.dispatchEvent(new PointerEvent(name, {
            pointerId: 40 + finger, pointerType: type, button: 0, buttons: 1, bubbles: true,
            clientX: box.left + (x + 0.5) / 192 * box.width,
            clientY: box.top + (y + 0.5) / 128 * box.height,
        }));
    }));
    strokes.forEach((points, finger) => overlay.dispatchEvent(
        new PointerEvent('pointerup', {
            pointerId: 40 + finger, pointerType: type, button: 0, bubbles: true,
            clientX: box.left + (points.at(-1)[0] + 0.5) / 192 * box.width,
            clientY: box.top + (points.at(-1)[1] + 0.5) / 128 * box.height,
        })));
}"""


@pytest.mark.parametrize("kind", ["mouse", "pen", "touch"])
def test_each_kind_of_pointer_draws(hand, kind):
    hand.overlay.evaluate(POINTERS, [kind, [[(50, 60), (60, 60), (70, 66)]]])
    hand.notebook.expect("canvas.region is not None and bool(canvas.region[60, 60])", "True")
    hand.overlay.evaluate(POINTERS, [kind, [[(60, 60), (80, 60), (100, 62)]]])
    assert math.dist(tip(hand.drags(1)[0]), (100, 62)) < 0.5


def test_polygon_zoom_and_pan(hand):
    hand.overlay.evaluate(POINTERS, ["touch", [[(80, 64), (60, 64)], [(112, 64), (132, 64)]]])
    expect(hand.overlay).to_have_attribute("data-zoom", re.compile(r"^1\.[34]"))  # once drawn
    hand.drags(0)
    hand.notebook.expect("canvas.region is None", "True")
    hand.press("0")
    expect(hand.overlay).to_have_attribute("data-zoom", "1")
    hand.page.mouse.move(*hand.place(60, 64))
    hand.page.mouse.wheel(0, -400)
    expect(hand.overlay).not_to_have_attribute("data-zoom", "1")
    hand.press("0")
    hand.tool("Polygon")
    for corner in ((44, 48), (76, 48), (76, 80), (44, 80)):
        hand.page.mouse.click(*hand.place(*corner))
    hand.press("Enter")
    hand.notebook.expect("round(int(canvas.region.sum()), -2)", "1000")


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


def test_paths_are_bent_and_timed(hand):
    hand.stroke((52, 58), (68, 60), (54, 70), (68, 72))
    hand.stroke((60, 64), (120, 64))
    hand.drags(1)
    hand.stroke((90, 64), (90, 30))
    hand.notebook.expect("len(canvas.drags[0].motion.path.points)", "3")
    hand.root.locator("[data-ease=ease_in_out]").click()
    hand.notebook.expect("canvas.drags[0].motion.path.ease", "ease_in_out")
    hand.root.get_by_role("button", name="Curved").click()
    hand.notebook.expect("canvas.drags[0].motion.path.smooth", "False")
    hand.press("Delete")
    hand.notebook.expect("len(canvas.drags[0].motion.path.points)", "2")


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


def test_shortcuts_are_shown_over_the_canvas(hand):
    hand.overlay.focus()
    hand.press("?")
    dialog = hand.root.get_by_role("dialog", name="Shortcuts")
    expect(dialog).to_be_visible()
    expect(dialog.get_by_role("button")).to_be_focused()
    hand.notebook.screenshot("canvas-shortcuts", hand.root)
    hand.press("Escape")
    expect(dialog).to_be_hidden()
    expect(hand.overlay).to_be_focused()


def test_handles_are_reached_by_keyboard(hand):
    hand.notebook.python(
        "canvas.add(ds.Drag(ds.regions.disc((60, 64), 18), ds.Rotation((60, 64), 45)))"
    )
    hand.drags(1)
    hand.root.get_by_role("button", name=re.compile("^Turn 45")).click()
    hand.overlay.focus()
    for key in ("Space", "Space", "Shift+ArrowRight", "ArrowDown", "Space"):
        hand.press(key)
    hand.notebook.expect("canvas.drags[0].motion.center", "(68.0, 65.0)")
    hand.press("ArrowUp")
    hand.notebook.expect("canvas.drags[0].motion.degrees", "46.0")


def test_the_camera_is_pulled_turned_and_steered_by_keys(hand):
    hand.tool("Box")
    hand.stroke((40, 44), (80, 84))
    hand.tool("Pull")
    hand.stroke((60, 64), (80, 64))
    hand.tool("Camera")
    hand.stroke((150, 40), (166, 32))
    hand.notebook.expect("canvas.camera == ds.Camera(pan=(16, -8)).in_frame(128, 192)", "True")
    hand.notebook.expect(
        "canvas.drags[1].motion.at(1).apply((0, 0)).round().tolist()", "[4.0, 8.0]"
    )

    hand.page.mouse.wheel(0, -100)
    hand.notebook.expect("canvas.camera.zoom", "1.05")
    hand.page.keyboard.down("Shift")
    hand.page.mouse.wheel(0, -100)
    hand.page.keyboard.up("Shift")
    hand.notebook.expect("canvas.camera.roll", "2.0")
    for _ in range(2):
        hand.press("Control+z")
    for key in ("ArrowRight", "ArrowUp", "+", "."):
        hand.press(key)
    hand.notebook.expect("canvas.camera.zoom, canvas.camera.roll", "1.02 1.0")
    status = hand.root.locator("[role=status]")
    expect(status).to_have_text(re.compile("The camera pans .* zooms to 102 % and rolls 1 degrees"))
    hand.root.get_by_label("Zoom, a factor").fill("1.5")
    hand.press("Enter")
    hand.notebook.expect("canvas.camera.zoom", "1.5")

    hand.root.locator(".ds-row").first.click()
    hand.root.get_by_role("button", name="Frame", exact=True).click()
    hand.notebook.expect(
        "canvas.entries[0].relative, canvas.drags[1].motion.kind", "frame translation"
    )
    hand.notebook.expect("canvas.drags[0].motion.kind", "camera")
    hand.notebook.screenshot("canvas-camera", hand.root)
