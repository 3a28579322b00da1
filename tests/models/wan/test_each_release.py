"""Each release, from a tiny file in its own layout: generate, edit, animate, rewind."""

from __future__ import annotations

import pytest
import torch

import dragstream as ds
from dragstream.models.wan.releases import RELEASES
from dragstream.models.wan.tiny import write_tiny
from dragstream.stream.stream import Stream

SETTINGS = ds.DragSettings(iterations=1)


@pytest.mark.parametrize("name", RELEASES)
def test_each_release_is_dragged_and_rewound(name, tmp_path, quick, drags):
    release = RELEASES[name]
    model = quick(write_tiny(tmp_path / "tiny", name, num_layers=2))
    spec = model.spec
    assert spec.most_blocks == (1 if release.guidance else None)
    stream = Stream(model, "a red ball", seed=3)
    first, *more = stream.run(1 if release.guidance else 2, progress=False)
    assert len(first.noisy) == len(spec.sigmas)
    assert first.frames.shape[0] == spec.clock.video_frames(spec.frames_per_block)
    assert first.frames.shape[1:3] == (spec.grid.height, spec.grid.width)
    newest = [first, *more][-1]
    edited = stream.edit(drags, settings=SETTINGS)
    assert not torch.equal(edited.latents, newest.latents)
    assert not torch.equal(edited.noisy[spec.denoising_step], newest.noisy[spec.denoising_step])
    stream.animate(drags, settings=SETTINGS)
    assert torch.isfinite(stream.blocks[-1].latents).all()
    if release.guidance:
        return
    stream.rewind(1)
    again = stream.run(1, progress=False)[0]
    torch.testing.assert_close(again.latents, newest.latents, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["causal-forcing-1step", "causal-forcing-2step"])
def test_a_first_block_may_have_more_steps(name, tmp_path, quick, drags):
    model = quick(write_tiny(tmp_path / "tiny", name, num_layers=2))
    spec, calls = model.spec, []
    four = (1.0, 0.9375, 5 / 6, 0.625)
    assert spec.levels(0) == pytest.approx(four)
    assert spec.levels(1) == spec.sigmas == spec.levels(0)[0::2][: len(spec.sigmas)]
    denoise = model.denoise

    def counted(latents, sigma, context):
        calls.append(sigma)
        return denoise(latents, sigma, context)

    model.denoise = counted
    stream = Stream(model, "a red ball", seed=3)
    stream.run(2, progress=False)
    assert calls == pytest.approx([*four, *spec.sigmas])
    assert [len(block.noisy) for block in stream.blocks] == [len(spec.sigmas)] * 2
    stream.rewind(1)
    before = stream.blocks[0]
    calls.clear()
    edited = stream.edit(drags, settings=SETTINGS)  # from the level of the drag on, in four steps
    start = spec.levels(0).index(spec.sigmas[spec.denoising_step])
    assert calls[-(4 - start) :] == pytest.approx(four[start:])
    for step in range(spec.denoising_step):
        assert torch.equal(edited.noisy[step], before.noisy[step])
    nothing = ds.DragSettings(iterations=0)
    same = Stream(model, "a red ball", seed=3)
    made = same.run(1, progress=False)[0]
    assert torch.equal(same.edit(drags, settings=nothing).latents, made.latents)


def test_blocks_of_other_steps_survive_an_archive(tmp_path, quick):
    model = quick(write_tiny(tmp_path / "tiny", "one-forcing", num_layers=2))
    stream = Stream(model, "a red ball", seed=3)
    stream.run(2, progress=False)
    stream.save(tmp_path / "a.zip")
    again = Stream.restore(tmp_path / "a.zip", model)
    for a, b in zip(again.blocks, stream.blocks, strict=True):
        assert torch.equal(a.latents, b.latents)
        assert a.timings == b.timings
    picture = stream.blocks[0].frames[0]
    begun = Stream(model, "a red ball", seed=3, image=picture)
    assert len(begun.blocks[0].noisy) == 1
    begun.run(1, progress=False)
