"""An object of the packaged model that is pulled while it plays."""

from __future__ import annotations

import pytest

from tests.browser.conftest import PATIENCE
from tests.browser.hands import Desk
from tests.browser.test_live import holds, press

pytestmark = pytest.mark.browser

PLAYGROUND = """
import torch

import dragstream as ds
from dragstream.models.playground import draw
from dragstream.widgets import Studio

torch.set_num_threads(1)
prompt = "a red critter rests in a meadow"
stream = ds.Stream(ds.load("playground"), prompt, seed=2, image=draw(prompt, seed=41))
studio = Studio(stream)
studio
"""
LONG = 240_000 * PATIENCE
"""Milliseconds: a few blocks of the playground, on busy cores."""


def test_the_object_under_the_pointer_follows(notebook):
    opened = notebook([PLAYGROUND]).run(LONG)
    desk = Desk(opened)
    column = (
        "(lambda red: red.nonzero()[1].mean())(stream.frames[-1].astype(int) @ [2, -1, -1] > 120)"
    )
    row = column.replace("[1].mean", "[0].mean")
    x, y = (float(opened.python(f"print({place})")) for place in (column, row))
    desk.button("Play").click()
    desk.is_at(status="playing", timeout=LONG)
    press(desk, x, y)
    holds(desk, 1)
    desk.page.mouse.move(*desk.hand.place(x + 40, y), steps=4)  # stays in the frame
    dragged = "sum(bool(block.drags) for block in stream.blocks)"
    opened.expect(f"{dragged} >= 4", "True", LONG / 1000)
    desk.page.mouse.up()
    holds(desk, 0)
    opened.screenshot("live-playground", of=desk.root)
    assert float(opened.python(f"print({column})")) > x + 20
