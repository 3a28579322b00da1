"""Wan 2.1: a clip in one block, as diffusers' pipeline makes it, and dragged."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from diffusers.models.autoencoders.autoencoder_kl_wan import AutoencoderKLWan
from diffusers.models.transformers.transformer_wan import WanTransformer3DModel
from diffusers.schedulers.scheduling_unipc_multistep import UniPCMultistepScheduler
from safetensors.torch import load_file

import dragstream as ds
from dragstream.models.wan.bidirectional import Steps
from dragstream.stream.noise import noise
from dragstream.stream.records import Mode
from dragstream.stream.stream import Stream

PROMPT = "a red ball"


@pytest.fixture
def model(models):
    return models["wan2.1"]


@pytest.fixture(scope="module")
def clip(models):
    stream = Stream(models["wan2.1"], PROMPT, seed=5)
    stream.step()
    return stream


def by_diffusers(pipeline, folder, **options):
    """The clip's latents (F, C, h, w) by the pipeline, from the stream's noise."""
    sizes = WanTransformer3DModel.load_config(folder / "transformer")
    transformer = WanTransformer3DModel.from_config(sizes)
    path = folder / "transformer" / "diffusion_pytorch_model.safetensors"
    transformer.load_state_dict(load_file(path))
    whole = pipeline(
        folder,
        vae=AutoencoderKLWan.from_config(AutoencoderKLWan.load_config(folder / "vae")),
        scheduler=UniPCMultistepScheduler.from_pretrained(folder / "scheduler"),
        transformer=transformer.eval(),
    )
    whole.set_progress_bar_config(disable=True)
    start = noise(5, 0, 0, (3, 4, 4, 6))
    made = whole(
        PROMPT,
        height=32,
        width=48,
        num_frames=9,
        num_inference_steps=4,
        latents=start.transpose(0, 1)[None],
        output_type="latent",
        **options,
    )
    return made.frames[0].transpose(0, 1)


def test_a_clip_is_the_pipelines(clip, folders, cache, quick, pipeline):
    wanted = by_diffusers(pipeline, folders["wan2.1"], guidance_scale=5.0)
    latents = clip.blocks[0].latents
    # The text encoder works in bfloat16 here; the pipeline's in float32.
    torch.testing.assert_close(latents, wanted, rtol=0, atol=0.05)
    exact = quick(folders["wan2.1"], cache, text_dtype="float32")
    latents = Stream(exact, PROMPT, seed=5).step().latents
    torch.testing.assert_close(latents, wanted, rtol=0, atol=2e-4)
    unguided = by_diffusers(pipeline, folders["wan2.1"], guidance_scale=1.0)
    assert float((wanted - unguided).abs().max()) > 0.01


def test_steps_are_the_schedulers(model):
    assert len(model.spec.sigmas) == 4
    assert model.spec.sigmas[0] == pytest.approx(1.0, abs=1e-5)
    assert model.steps.timesteps == (999, 900, 750, 500)
    assert model.spec.denoising_step == 1  # .900, which is nearest to .9375
    shifted = Steps.of(model.steps.config, 4, shift=5.0)
    assert shifted.sigmas[2] == pytest.approx(5 * 0.5005 / (1 + 4 * 0.5005), abs=1e-3)
    with pytest.raises(ValueError, match="the scheduler must be one of"):
        Steps.of({"_class_name": "DDIMScheduler"}, 4)


def test_the_clip_is_one_block(clip, model):
    with pytest.raises(ValueError, match="at most 1 blocks"):
        clip.step()
    assert len(clip) == 1
    context = model.commit(clip.blocks[0].latents[None], model.new_context(model.encode_text("a")))
    assert context.frames == 3
    with pytest.raises(ValueError, match="one clip"):
        model.denoise(clip.blocks[0].latents[None], 0.5, context)


def test_a_clip_has_no_past_that_a_window_could_shorten(clip, model):
    block, sigma = clip.blocks[0], model.spec.sigmas[0]
    context = model.new_context(model.encode_text("a red ball"))
    where = block.noisy[0][None], sigma, context
    short, whole = (model.read(*where, (1,), predict=True, window=window) for window in (1, None))
    assert torch.equal(short.taps[0][1], whole.taps[0][1])
    assert torch.equal(short.x0, whole.x0)
    guided = model.denoise(*where)
    assert not torch.allclose(guided, whole.x0, atol=1e-3)  # what is read is not guided


def test_a_clip_is_made_again_bit_for_bit(clip, bits):
    stream = clip.fork()
    before = bits(stream)
    stream.rewind(to=0)
    stream.step()
    assert bits(stream) == before


def test_an_edit_drags_the_last_frame(clip, drags, bits):
    stream, before = clip.fork(), bits(clip)
    settings = ds.DragSettings.paper(cutoffs=False, rectification=False)  # the loss alone decides
    block = stream.edit(drags, settings=settings)
    assert [it.loss for it in block.iterations][-1] < block.iterations[0].loss
    old = clip.blocks[0]
    assert torch.equal(block.noisy[0], old.noisy[0])  # before the drag's step
    change = (block.noisy[1] - old.noisy[1]).abs().flatten(1).mean(1)
    assert change[2] > 0
    assert not torch.equal(block.latents, old.latents)
    assert bits(clip) == before


@pytest.mark.parametrize("step", [1, 2, 3])
def test_drags_of_no_iterations_leave_the_clip_as_it_is(clip, drags, step):
    settings = ds.DragSettings.paper(iterations=0, denoising_step=step)
    stream = clip.fork()
    for block in (stream.edit(drags, settings=settings), *stream.animate(drags, settings=settings)):
        for mine, plain in zip(block.noisy, clip.blocks[0].noisy, strict=True):
            assert torch.equal(mine, plain)
        assert torch.equal(block.latents, clip.blocks[0].latents)


def test_a_later_edit_of_no_iterations_keeps_what_the_drag_before_it_did(clip, drags):
    stream = clip.fork()
    dragged = stream.edit(drags, settings=ds.DragSettings.paper(iterations=1, denoising_step=1))
    again = stream.edit(drags, settings=ds.DragSettings.paper(iterations=0, denoising_step=3))
    assert not torch.equal(dragged.latents, clip.blocks[0].latents)
    assert torch.equal(again.latents, dragged.latents)


def test_an_animation_makes_the_clip_again_with_the_motion_in_it(clip, drags, tmp_path, bits):
    stream = clip.fork()
    (block,) = stream.animate(drags)
    assert (block.mode, len(stream)) == (Mode.ANIMATE, 1)
    assert [call.mode for call in block.earlier] == [Mode.STEP]
    change = (block.noisy[1] - clip.blocks[0].noisy[1]).abs().flatten(1).mean(1)
    assert (change > 0).all()  # every latent frame has its share of the motion
    path = stream.save(tmp_path / "clip.dragstream")
    again = Stream.restore(path, clip.model)
    assert bits(again) == bits(stream)
    with pytest.raises(ValueError, match="at most 1 blocks"):
        stream.animate(drags, blocks=2)


def test_playing_a_clip_ends_with_it(model, drags):
    live = ds.LiveStream(Stream(model, PROMPT, seed=5), frame_rate=float("inf"))
    try:
        live.start()
        assert live.wait(60)
        assert len(live.stream) == 1
        live.animate(drags, settings=ds.DragSettings.paper(iterations=1))
        assert live.wait(60)
        assert live.stream.blocks[0].mode is Mode.ANIMATE
    finally:
        live.stop()


def test_without_guidance_the_negative_prompt_does_not_matter(
    folders, cache, quick, model, block_of
):
    plain, other = (
        quick(folders["wan2.1"], cache, scale=1.0, **changes)
        for changes in ({}, {"negative_prompt": "blur"})
    )
    latents, sigma = block_of(model), model.spec.sigmas[1]
    clean = [
        made.denoise(latents, sigma, made.new_context(made.encode_text(PROMPT)))
        for made in (plain, other, model)
    ]
    assert torch.equal(clean[0], clean[1])
    assert not torch.equal(clean[0], clean[2])
    assert plain.new_context(plain.encode_text(PROMPT)).without is None


def test_steps_and_guidance_can_be_changed(folders, cache, quick):
    model = quick(folders["wan2.1"], cache, steps=6, scale=2.0, shift=5.0)
    assert (len(model.spec.sigmas), model.scale) == (6, 2.0)
    assert dataclasses.replace(model.steps).config["flow_shift"] == 5.0
