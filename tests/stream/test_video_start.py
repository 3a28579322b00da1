"""Streams that start from a video."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from dragstream.stream.records import Mode
from dragstream.stream.stream import Stream


def footage(count=11, seed=1):
    return np.random.default_rng(seed).integers(0, 255, (count, 32, 48, 3), np.uint8)


@pytest.fixture(scope="module")
def filming(tiny):
    """A model with a frame for every second one of a video."""

    class Filming(tiny):
        def encode_video(self, frames):
            pixels = torch.from_numpy(frames[::2]).float() / 127.5 - 1
            latents = F.avg_pool2d(pixels.permute(0, 3, 1, 2), 8)
            latents = torch.cat([latents, latents[:, :1]], dim=1)[None]
            frames[:] = 0  # a careless one
            return latents

    return Filming()


def test_a_video_becomes_the_first_blocks(filming, trace, drags, tmp_path):
    video = footage()
    video.setflags(write=False)
    stream = Stream(filming, "red ball", seed=7, video=video)
    assert [block.mode for block in stream.blocks] == [Mode.IMAGE] * 2
    assert [len(block.frames) for block in stream.blocks] == [5, 6]
    assert torch.equal(stream.latents, filming.encode_video(video.copy())[0])
    sigma, noisy = filming.spec.sigmas[0], stream.blocks[1].noisy[0]
    assert sigma == 1.0
    assert not torch.equal(noisy, stream.blocks[0].noisy[0])
    stream.step()
    stream.animate(drags)
    before = trace(stream)
    again = Stream.restore(stream.save(tmp_path / "a.dragstream"), filming)
    assert trace(again) == before
    for taken in (stream, again):
        with pytest.raises(ValueError, match="to must be at least 2, got 1"):
            taken.rewind(to=1)
    stream.rewind(to=2)
    stream.step()
    stream.animate(drags)
    assert trace(stream) == before


def test_its_last_block_can_be_edited(filming, drags, tmp_path):
    stream = Stream(filming, "red ball", seed=7, video=footage())
    stream.edit(drags)
    assert stream.blocks[1].given
    again = Stream.restore(stream.save(tmp_path / "a.dragstream"), filming)
    with pytest.raises(ValueError, match="at least 2"):
        again.rewind(to=1)
    with pytest.raises(ValueError, match="began with a video"):
        stream.to_code("model")


def test_other_videos_are_refused(filming, model):
    with pytest.raises(TypeError, match=r"starts from a picture \(image"):
        Stream(model, "red ball", video=footage())
    with pytest.raises(TypeError, match="video must be"):
        Stream(filming, "red ball", video=[1, 2])
    with pytest.raises(ValueError, match="not from both"):
        Stream(filming, "red ball", image=footage()[0], video=footage())
