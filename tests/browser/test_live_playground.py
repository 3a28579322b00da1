"""An object of the packaged model that is pulled while it plays.

DRAGSTREAM_RECORDING=file.webp has the pull write a film of the page.
"""

from __future__ import annotations

import math
import os
import time
from contextlib import nullcontext

import pytest

from tests.browser.conftest import PATIENCE
from tests.browser.hands import Desk
from tests.browser.screencast import Screencast
from tests.browser.test_live import holds, press

pytestmark = pytest.mark.browser

PLAYGROUND = """
import torch

import dragstream as ds
from dragstream.models.playground import draw
from dragstream.widgets import Studio

{threads}
prompt = "a red critter rests in a meadow"
model = ds.load("{model}")
stream = ds.Stream(model, prompt, seed=3, image=draw(prompt, seed=44))
studio = Studio(stream)
studio
"""
LONG = 240_000 * PATIENCE
"""Milliseconds: a few blocks of the playground, on busy cores."""
PULL = 60, 5.0
"""Pixels to the right, in a bow, and the seconds that the pointer takes."""
WIDTH = 900
"""Width of the film in pixels."""


@pytest.fixture(scope="module")
def film():
    """The file for a film, if one is wanted."""
    return os.environ.get("DRAGSTREAM_RECORDING")


def pull(desk, x, y):
    """Move the pointer from (x, y) to the right as a hand does."""
    pixels, seconds = PULL
    begin = time.monotonic()
    while (share := (time.monotonic() - begin) / seconds) < 1:
        way = (1 - math.cos(math.pi * share)) / 2
        desk.page.mouse.move(*desk.hand.place(x + pixels * way, y - 12 * math.sin(math.pi * way)))
        desk.page.wait_for_timeout(30)
    desk.page.mouse.move(*desk.hand.place(x + pixels, y))


def test_the_object_under_the_pointer_follows(notebook, film):
    how = {"threads": "torch.set_num_threads(1)", "model": "playground"}
    if film:
        how = {"threads": "", "model": "playground-fast"}
    opened = notebook([PLAYGROUND.format(**how)]).run(LONG)
    desk = Desk(opened)
    column = (
        "(lambda red: red.nonzero()[1].mean())(stream.frames[-1].astype(int) @ [2, -1, -1] > 120)"
    )
    row = column.replace("[1].mean", "[0].mean")
    x, y = (float(opened.python(f"print({place})")) for place in (column, row))
    desk.come_near()
    with Screencast(desk.page) if film else nullcontext() as cast:
        desk.button("Play").click()
        desk.is_at(status="playing", timeout=LONG)
        press(desk, x, y)
        holds(desk, 1)
        pull(desk, x, y)
        dragged = "sum(bool(block.drags) for block in stream.blocks)"
        opened.expect(f"{dragged} >= 4", "True", LONG / 1000)
        desk.page.mouse.up()
        holds(desk, 0)
        if cast:
            desk.page.wait_for_timeout(1500)
    opened.screenshot("live-playground", of=desk.root)
    assert float(opened.python(f"print({column})")) > x + 20
    if cast:
        bar, canvas = desk.bar.bounding_box(), desk.hand.root.bounding_box()
        cast.save(film, bar | {"height": canvas["y"] + canvas["height"] - bar["y"]}, WIDTH)
