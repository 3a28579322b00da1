"""The studio beside the fast model, as fast as both can on this machine.

The figures are printed (`DRAGSTREAM_SECONDS=60 pytest tests/browser/test_playback.py -m browser
-s`) and kept as playback.json beside the screenshots. They depend on the machine, so that nothing
is asserted about them; what must hold anywhere is.
"""

from __future__ import annotations

import json
import os

import pytest

from tests.browser.conftest import PATIENCE
from tests.browser.hands import Desk

pytestmark = pytest.mark.browser

PLAYGROUND = """
from ipywidgets.widgets import widget as registry

import dragstream as ds
from dragstream.models.playground import draw
from dragstream.widgets import Studio

prompt = "a red critter rests in a meadow"
stream = ds.Stream(ds.load("playground-fast"), prompt, seed=3, image=draw(prompt, seed=44))
studio = Studio(stream)
studio
"""
WATCH = """root => {
    window.paints = [];
    new MutationObserver(() => window.paints.push(performance.now()))
        .observe(root.querySelector('.ds-frame'), {attributeFilter: ['data-painted']});
}"""
LONG = 240_000 * PATIENCE
"""Milliseconds: a few blocks of the model, on busy cores."""


@pytest.fixture(scope="module")
def seconds():
    """How long it plays."""
    return float(os.environ.get("DRAGSTREAM_SECONDS", "6"))


def test_playing_leaves_no_widgets_behind(notebook, seconds, screenshots):
    opened = notebook([PLAYGROUND]).run(LONG)
    desk = Desk(opened)
    desk.come_near()
    desk.button("Play").click()
    opened.expect("len(stream) >= 4", "True", LONG / 1000)  # the first blocks take longer
    widgets, left_out = "print(len(registry._instances))", "print(studio.canvas._clips.left_out)"
    before, left_before = opened.python(widgets), int(opened.python(left_out))
    desk.hand.root.evaluate(WATCH)
    first = int(opened.python("print(len(stream))"))
    opened.page.wait_for_timeout(1000 * seconds)
    last = int(opened.python("print(len(stream))"))
    opened.expect(f"len(stream) >= {first + 2}", "True", LONG / 1000)
    after, left_after = opened.python(widgets), int(opened.python(left_out))
    desk.button("Pause").click()
    opened.page.wait_for_timeout(1500)
    paints = opened.page.evaluate("() => window.paints")
    span = (paints[-1] - paints[0]) / 1000
    took = opened.python("print([block.timings.total for block in stream.blocks[-5:]])")
    found = {
        "asked_frames_per_second": 8,
        "painted_per_second": round((len(paints) - 1) / span, 2),
        "seconds": round(span, 1),
        "seconds_a_block": round(sorted(json.loads(took))[2], 3),
        "blocks": last - first,
        "clips_left_out": left_after - left_before,
    }
    text = json.dumps(found, indent=1)
    (screenshots / "playback.json").write_text(text + "\n")
    print(f"\n{text}")  # noqa: T201
    assert after == before  # a block leaves no widget behind
