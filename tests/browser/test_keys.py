"""No key pressed inside a widget reaches the notebook: JupyterLab's own bindings, one by one."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

SETUP = """
import torch

import dragstream as ds
from dragstream.widgets import Studio
from tests.widgets.swatches import DRAG, dragged_stream

torch.set_num_threads(1)
stream = dragged_stream(2, 1)
studio = Studio(stream)
"""

RESTORE = """
studio.stop()
if not studio.drift.facts["drags"]:
    stream.animate([DRAG])
for fold in studio._folds.values():
    fold.selected_index = 0
"""
"""Keys may have started the stream, rewound it or folded parts of the studio."""

BINDINGS = "() => window.jupyterapp.commands.keyBindings.map(({keys}) => [...keys])"
"""The strokes of every binding, as they are at run time."""

LISTEN = """() => {
    window.executed = [];
    const {commands} = window.jupyterapp;
    commands.commandExecuted.connect((_, {id}) => window.executed.push(id));
}"""

STATE = """() => {
    const {content} = window.jupyterapp.shell.currentWidget;
    const cells = content.widgets.map(({model}) => [model.id, model.type]);
    const texts = content.widgets.map(({model}) => model.sharedModel.getSource());
    return JSON.stringify([cells, texts, content.activeCellIndex, content.mode]);
}"""

STAYS = """async () => {
    const inside = () => Boolean(document.activeElement.closest('.dragstream-studio'));
    for (let frame = 0; frame < 10 && !inside(); frame++) {
        await new Promise(requestAnimationFrame);  // a button that hides itself hands it on
    }
    return inside();
}"""

SWITCHED_OFF = """button => new Promise(resolve => {
    new MutationObserver(() => setTimeout(() => resolve([
        Boolean(document.activeElement.closest('.dragstream-studio')),
        document.activeElement === button,
    ]))).observe(button, {attributeFilter: ['disabled']});
    button.focus();
    button.click();
})"""
"""Whether the focus is inside once a button has switched itself off, and whether on the button."""

PLACES = {
    "canvas": ".dragstream-canvas .ds-overlay",
    "list of the canvas": ".dragstream-canvas .ds-list-title",
    "toolbar of the canvas": ".dragstream-canvas .ds-toolbar",
    "thumbnail": ".dragstream-timeline [data-block='1']",
    "text of the timeline": ".dragstream-timeline .ds-transport",
    "studio bar": ".dragstream-studio-bar .ds-line",
    "button of the bar": ".dragstream-studio-bar .ds-apply >> nth=0",
    "prompt": ".dragstream-studio-bar .ds-prompt",
    "drift plot": ".dragstream-drift .ds-charts",
    "settings": ".dragstream-settings",
    "number of the settings": ".dragstream-settings input >> nth=0",
    "slider of the features": ".dragstream-features input[type=range] >> nth=0",
    "picture of the features": ".dragstream-features canvas",
    "caption of the features": ".dragstream-features .ds-caption",
    "fold": ".dragstream-fold .jupyter-widget-Collapse-header >> nth=0",
}


def press(page, stroke):
    """Press what JupyterLab calls "Ctrl Shift M" as a keyboard does."""
    *modifiers, key = stroke.split(" ")
    names = {"Ctrl": "Control", "Accel": "Control", "Cmd": "Meta"}
    shifted = "Shift" in modifiers
    key = key if len(key) > 1 or shifted else key.lower()
    page.keyboard.press("+".join([*(names.get(name, name) for name in modifiers), key]))


def click(page, spot):
    """Click near the corner of what may move while the page settles, or be covered in part."""
    spot.evaluate("element => element.scrollIntoView({block: 'center'})")
    box = spot.bounding_box()
    page.mouse.click(box["x"] + 4, box["y"] + 4)


@pytest.fixture(scope="module")
def opened(notebook):
    made = notebook([SETUP, "studio", "'after'"]).run()
    made.page.set_viewport_size({"width": 1280, "height": 2000})
    made.page.evaluate(LISTEN)
    return made


@pytest.mark.parametrize("place", PLACES)
def test_no_key_leaves_the_widget(opened, place):
    page = opened.page
    spot = page.locator(PLACES[place]).first
    inside = "() => Boolean(document.activeElement.closest('.dragstream-studio'))"
    opened.python(RESTORE)
    spot.wait_for(state="visible")
    click(page, spot)
    page.wait_for_function(inside)
    before = page.evaluate(STATE)
    page.evaluate("() => { window.executed.length = 0; }")
    strokes = [keys for keys in page.evaluate(BINDINGS) if keys]
    assert ["D", "D"] in strokes
    assert len(strokes) > 80
    left = []
    for keys in strokes:
        if not page.evaluate(inside):  # Tab goes through what can be reached, as everywhere
            click(page, spot)
        for stroke in keys:
            press(page, stroke)
        if "Tab" not in keys[-1] and not page.evaluate(STAYS):
            left.append(keys)
    assert left == []
    assert page.evaluate("() => window.executed") == []
    assert json.loads(page.evaluate(STATE)) == json.loads(before)
    expect(page.locator(".jp-Dialog")).to_have_count(0)


def test_a_button_that_switches_itself_off_hands_the_focus_on_at_once(opened):
    canvas = opened.page.locator(".dragstream-canvas")
    zoom_out = canvas.get_by_role("button", name="Zoom out", exact=True)
    while zoom_out.is_enabled():  # keys of the other tests may have zoomed
        zoom_out.evaluate("button => button.click()")  # the last one switches it off a little later
    canvas.get_by_role("button", name="Zoom in", exact=True).click()
    expect(zoom_out).to_be_enabled()
    assert zoom_out.evaluate(SWITCHED_OFF) == [True, False]
