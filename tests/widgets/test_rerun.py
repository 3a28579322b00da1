"""Drags done again without rectification: what they have to repeat first."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

import dragstream as ds
from dragstream.models.wan.tiny import write_tiny
from dragstream.stream.stream import Stream
from dragstream.widgets.comparison import Rerun

pytestmark = pytest.mark.usefixtures("one_thread")

PROMPT = "a red critter slides right"
DRAG = ds.Drag(ds.regions.disc((48, 32), 16), ds.Translation.by(8, 0))
ONCE = ds.DragSettings.paper(iterations=1)
RAW = replace(ONCE, rectification=False)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = write_tiny(tmp_path_factory.mktemp("tiny"), height=64, width=96)
    return ds.load(folder, cache=False, progress=False)


class Clips:
    """A model that makes one block and no more."""

    def __init__(self, model):
        self._model = model
        self.spec = replace(model.spec, most_blocks=1)

    def __getattr__(self, name):
        return getattr(self._model, name)


def again(stream):
    return Rerun.without_rectification(stream, stream.blocks[-1]).run(lambda _: None)


def same(first, second):
    return torch.equal(first.blocks[-1].latents, second.blocks[-1].latents)


def test_a_block_of_the_video_that_a_stream_began_with(model):
    grid, count = model.spec.grid, model.spec.clock.video_frames(2 * model.spec.frames_per_block)
    rng = np.random.default_rng(0)
    video = rng.integers(0, 256, (count, grid.height, grid.width, 3)).astype(np.uint8)
    stream, raw = (Stream(model, PROMPT, seed=2, video=video) for _ in range(2))
    stream.edit([DRAG], settings=ONCE)
    raw.edit([DRAG], settings=RAW)
    found = again(stream)
    assert len(found) == 2
    assert same(found, raw)
    assert not same(found, stream)


def test_a_clip_that_was_made_again_with_the_motion_in_it(model):
    stream, raw = (Stream(Clips(model), PROMPT, seed=2) for _ in range(2))
    for made, settings in ((stream, ONCE), (raw, RAW)):
        made.step()
        made.animate([DRAG], settings=settings)
    found = again(stream)
    assert len(found) == 1
    assert same(found, raw)
