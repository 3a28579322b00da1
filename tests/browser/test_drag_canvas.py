"""What a person does on a DragCanvas, with the mouse and with the keyboard."""

from __future__ import annotations

import math
import re

import pytest
from playwright.sync_api import expect

from tests.browser.canvases import fresh_hand, open_canvas

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def opened(notebook):
    return open_canvas(notebook)


@pytest.fixture
def hand(opened):
    return fresh_hand(opened)


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
