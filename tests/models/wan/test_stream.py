"""Streams of the released kinds: generated, dragged, rewound, forked, saved."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import dragstream as ds
from dragstream.models.base import VideoModel
from dragstream.stream.stream import Stream

KINDS = ("self-forcing", "causvid", "longlive")


@pytest.fixture(scope="module")
def restarting(folders, cache, quick):
    """CausVid with room for three blocks only."""
    return quick(folders["causvid"], cache, limit=9)


@pytest.fixture(params=KINDS)
def kind(request, models, restarting):
    return restarting if request.param == "causvid" else models[request.param]


def test_a_model_is_a_video_model(models):
    assert all(isinstance(model, VideoModel) for model in models.values())


def test_rewound_and_restored_streams_go_on_with_the_same_bits(kind, drags, bits, tmp_path):
    stream = Stream(kind, "a red ball", seed=3, undo=1)
    stream.run(2, progress=False)
    stream.animate(drags, settings=ds.DragSettings.paper(iterations=2))
    stream.prompt = "a blue box"
    stream.run(2, progress=False)
    wanted = bits(stream)
    assert [len(block.frames) for block in stream.blocks] == [9, 12, 12, 12, 12]
    path = stream.save(tmp_path / "a.dragstream")
    stream.rewind(to=3)
    stream.prompt = "a blue box"
    stream.run(2, progress=False)
    assert bits(stream) == wanted
    again = Stream.restore(path, kind)
    assert bits(again) == wanted
    assert torch.equal(again.step().latents, stream.step().latents)
    np.testing.assert_array_equal(again.blocks[-1].frames, stream.blocks[-1].frames)


def test_streams_remember_as_many_blocks_back_as_was_planned(folders, cache, model):
    planned = ds.plan(folders["self-forcing"], device="cpu", undo=3)
    made = ds.load(planned, cache=cache, progress=False)
    assert made.undo == planned.undo == 3
    assert model.undo == ds.plan(folders["self-forcing"], device="cpu").undo == 1


def test_frames_are_those_of_the_whole_video(stream):
    stream.run(3, progress=False)
    latents = stream.latents[None]
    frames, _ = stream.model.vae.decode(latents)
    np.testing.assert_array_equal(stream.frames, frames)


def test_an_edit_drags_and_can_be_taken_back(stream, drags, bits):
    stream.run(2, progress=False)
    before = bits(stream)
    settings = ds.DragSettings.paper(cutoffs=False, rectification=False)  # the loss alone decides
    block = stream.edit(drags, settings=settings)
    assert block.iterations[-1].loss < block.iterations[0].loss
    assert len(stream.frames) == 21
    stream.rewind(to=1)
    stream.step()
    assert bits(stream) == before


def test_forks_share_the_past(stream, bits):
    stream.run(2, progress=False)
    fork = stream.fork(at=1)
    fork.step()
    assert bits(fork) == bits(stream)


def test_a_stream_may_begin_with_a_picture(model):
    image = np.full((32, 48, 3), 90, np.uint8)
    stream = Stream(model, "a red ball", seed=1, image=image)
    assert len(stream.blocks[0].frames) == 9
    stream.step()
    assert len(stream.frames) == 21


def test_timesteps_are_told_apart_from_noise_levels(models, block_of):
    model = models["causvid"]
    sigma = model.spec.sigmas[1]
    context = model.new_context(model.encode_text("a red ball"))
    latents, inner = block_of(model), context.inner
    told = model.wan.read(latents, 0.757, inner, predict=True).x0  # the network hears 757
    flow = (latents - told) / 0.757
    clean = model.denoise(latents, sigma, context)  # and sigma is .75676
    torch.testing.assert_close(clean, latents - sigma * flow, rtol=0, atol=1e-5)
    features = model.read(latents, sigma, context, (1,)).taps[0]
    assert torch.equal(features[1], model.wan.read(latents, 0.757, inner, (1,)).taps[0][1])


def test_prompts_are_checked(model):
    with pytest.raises(ValueError, match="empty"):
        Stream(model, "  ")
    with pytest.raises(TypeError, match="string"):
        model.encode_text(3)


@pytest.mark.gpu
def test_bfloat16_on_a_gpu_is_near_float32(folders, cache, quick, models, block_of):
    model = models["self-forcing"]
    near = quick(folders["self-forcing"], cache, device="cuda")
    latents, sigma = block_of(model), 0.625
    wanted = model.denoise(latents, sigma, model.new_context(model.encode_text("a red ball")))
    context = near.new_context(near.encode_text("a red ball"))
    found = near.denoise(latents.cuda(), sigma, context).cpu()
    error = float((found - wanted).norm() / wanted.norm())
    assert error < 0.03
