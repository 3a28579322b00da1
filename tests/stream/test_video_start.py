"""Streams that start from a video."""

import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from dragstream.method.settings import DragSettings
from dragstream.stream.records import Mode
from dragstream.stream.stream import Stream


def footage(count=11, seed=1):
    return np.random.default_rng(seed).integers(0, 255, (count, 32, 48, 3), np.uint8)


def filming_class(tiny):
    """Models with a latent frame for every second one of a video."""

    class Filming(tiny):
        def encode_video(self, frames):
            pixels = torch.from_numpy(frames[::2]).float() / 127.5 - 1
            latents = F.avg_pool2d(pixels.permute(0, 3, 1, 2), 8)
            latents = torch.cat([latents, latents[:, :1]], dim=1)[None]
            frames[:] = 0  # a careless one
            return latents

    return Filming


@pytest.fixture(scope="module")
def filming(tiny):
    return filming_class(tiny)()


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


def session(model, drags):
    """A stream from a video whose last block was edited, and one block more."""
    stream = Stream(model, "red ball", seed=7, video=footage())
    stream.edit(drags, settings=DragSettings.paper(iterations=1))
    stream.prompt = "blue ball"
    stream.step()
    return stream


def test_its_code_makes_the_same_frames_in_a_fresh_interpreter(filming, drags, trace, tmp_path):
    stream = session(filming, drags)
    restored = Stream.restore(stream.save(tmp_path / "a.dragstream"), filming)
    code = restored.to_code(model="filming_class(TinyModel)()")
    assert code == stream.fork(at=3).to_code(model="filming_class(TinyModel)()")
    assert max(map(len, code.splitlines())) <= 100
    lines = [
        "import sys",
        f"sys.path.insert(0, {str(Path(__file__).parent)!r})",
        "import torch",
        f"torch.set_num_threads({torch.get_num_threads()})",
        "from conftest import TinyModel, trace",
        "from test_video_start import filming_class",
        code,
        "print(trace(stream), (footage == stream.blocks[0].footage).all())",
    ]
    result = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)], check=True, capture_output=True, text=True
    )
    assert result.stdout.split() == [trace(stream), "True"]


def test_the_video_itself_is_kept_as_it_was_given(filming, tmp_path):
    video = footage()
    stream = Stream(filming, "red ball", seed=7, video=video)
    again = Stream.restore(stream.save(tmp_path / "a.dragstream"), filming)
    video[:] = 0
    for kept in (stream, again):
        first, second = kept.blocks
        assert np.array_equal(first.footage, footage())
        assert not first.footage.flags.writeable
        assert second.footage is first.picture is None


def test_archives_without_the_video_are_read_but_have_no_code(filming, trace, tmp_path):
    stream = Stream(filming, "red ball", seed=7, video=footage())
    path, old = stream.save(tmp_path / "a.dragstream"), tmp_path / "old.dragstream"
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(old, "w") as target:
        for member in source.infolist():
            if member.filename != "footage.safetensors":
                target.writestr(member, source.read(member))
    restored = Stream.restore(old, filming)
    assert trace(restored) == trace(stream)
    with pytest.raises(ValueError, match="does not hold the picture or video"):
        restored.to_code(model="given")


def test_other_videos_are_refused(filming, model):
    with pytest.raises(TypeError, match=r"starts from a picture \(image"):
        Stream(model, "red ball", video=footage())
    with pytest.raises(TypeError, match="video must be"):
        Stream(filming, "red ball", video=[1, 2])
    with pytest.raises(ValueError, match="not from both"):
        Stream(filming, "red ball", image=footage()[0], video=footage())
    for other in (footage(10), footage(5)[:, :, :40]):
        with pytest.raises(ValueError, match=r"video must be uint8 \(T, 32, 48, 3\) of whole"):
            Stream(filming, "red ball", video=other)
