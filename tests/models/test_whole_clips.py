"""Whole clips in one pass of the causal Wan agree with the stream, and train every weight."""

from __future__ import annotations

import pytest
import torch

from dragstream.models.checkpoints import NAMES
from tests.models.random_wan import blocks_of, close, make, rolled, text_of


def frame_mask(config, count):
    """What each frame sees in a stream of blocks with a window and a sink."""
    per_block, window, sink = config["frames_per_block"], config["window"], config["sink"]
    mask = torch.zeros(count, count, dtype=torch.bool)
    for frame in range(count):
        stop = (frame // per_block + 1) * per_block
        mask[frame, :stop] = True
        if window is not None and stop > window:
            mask[frame, sink : stop - (window - sink)] = False
    return mask


@pytest.mark.parametrize("changes", [{}, {"window": None, "sink": 0}, {"sink": 0}, {"sink": 3}])
def test_whole_clips_agree_with_the_stream(tiny, changes):
    config = tiny | changes
    wan, text = make(config), text_of(config)
    blocks = blocks_of(config, 5)
    context = rolled(wan, blocks[:4], text)
    x0 = wan.denoise(blocks[4], 0.9375, context)
    clip = torch.cat(blocks, dim=1)
    sigmas = torch.zeros(1, 10)
    sigmas[:, 8:] = 0.9375
    flow = wan.forward_blocks(clip, sigmas, text, torch.arange(10), frame_mask(config, 10))
    close(blocks[4] - 0.9375 * flow[:, 8:], x0)


def test_whole_clips_agree_with_diffusers(tiny):
    from diffusers import WanTransformer3DModel

    wan = make(tiny)
    sizes = {name: getattr(wan.config, ours) for name, ours in NAMES.items()}
    patch = (1, *wan.config.patch)
    stock = WanTransformer3DModel(**sizes, patch_size=patch, out_channels=sizes["in_channels"])
    stock.load_state_dict(wan.transformer.state_dict())
    clips = torch.cat(blocks_of(tiny, 2, frames=4))
    text = torch.cat([text_of(tiny), text_of(tiny, seed=3)])
    sees_all = torch.ones(4, 4, dtype=torch.bool)
    with torch.no_grad():
        expected = stock(clips.transpose(1, 2), torch.tensor([937.5, 250.0]), text).sample
        sigmas = torch.tensor([0.9375, 0.25])[:, None].expand(2, 4)
        flow = wan(clips, sigmas, text, torch.arange(4), sees_all)
    close(flow, expected.transpose(1, 2))


def test_each_sample_may_have_its_own_frames(tiny):
    wan = make(tiny)
    clips = torch.cat(blocks_of(tiny, 2, frames=6))
    text = torch.cat([text_of(tiny), text_of(tiny, seed=3)])
    sigmas = torch.rand(2, 6, generator=torch.Generator().manual_seed(4))
    frames = torch.stack([torch.arange(6), torch.tensor([0, 1, 40, 41, 42, 43])])
    mask = frame_mask(tiny | {"window": None}, 6)
    both = wan.forward_blocks(clips, sigmas, text, frames, mask)
    for i in range(2):
        one = slice(i, i + 1)
        alone = wan.forward_blocks(clips[one], sigmas[one], text[one], frames[i], mask)
        close(both[one], alone)
    moved = wan.forward_blocks(clips[1:], sigmas[1:], text[1:], torch.arange(6), mask)
    assert (moved - both[1:]).abs().max() > 1e-3


def test_a_masked_frame_has_no_influence(tiny):
    wan, text = make(tiny), text_of(tiny)
    clip = blocks_of(tiny, 1, frames=4)[0]
    mask = frame_mask(tiny | {"window": None}, 4)
    arguments = torch.full((1, 4), 0.5), text, torch.arange(4), mask
    flow = wan.forward_blocks(clip, *arguments)
    clip[:, 2:] += 1
    changed = wan.forward_blocks(clip, *arguments)
    assert torch.equal(flow[:, :2], changed[:, :2])
    assert not torch.equal(flow[:, 2:], changed[:, 2:])


def test_whole_clips_train_every_weight(tiny):
    wan = make(tiny)
    clips = torch.cat(blocks_of(tiny, 2, frames=4))
    text = text_of(tiny).expand(2, -1, -1)
    with torch.autocast("cpu", torch.bfloat16):
        flow = wan.forward_blocks(
            clips, torch.full((2, 4), 0.5), text, torch.arange(4), frame_mask(tiny, 4)
        )
    assert flow.dtype == torch.float32
    flow.square().mean().backward()
    assert all(weight.grad is not None for weight in wan.parameters())
    exact = wan.forward_blocks(
        clips, torch.full((2, 4), 0.5), text, torch.arange(4), frame_mask(tiny, 4)
    )
    close(flow, exact, 0.05 * float(exact.detach().abs().max()))


def test_timesteps_stay_in_float32_under_narrow_weights(tiny):
    wan, seen = make(tiny).to(torch.bfloat16), []
    projection = wan.transformer.condition_embedder.timesteps_proj
    projection.register_forward_hook(lambda _, inputs, __: seen.append(inputs[0]))
    latents = blocks_of(tiny, 1)[0]
    x0 = wan.denoise(latents, 0.9375, wan.new_context(text_of(tiny)))
    assert seen[0].dtype == torch.float32
    assert seen[0].tolist() == [937.5]
    assert x0.dtype == torch.float32


def test_bad_clips(tiny):
    wan, clip, text = make(tiny), blocks_of(tiny, 1)[0], text_of(tiny)
    good = {
        "sigmas": torch.zeros(1, 2),
        "text": text,
        "frames": torch.arange(2),
        "mask": torch.ones(2, 2, dtype=torch.bool),
    }
    wan.forward_blocks(clip, **good)
    for bad in (
        {"sigmas": torch.zeros(1, 3)},
        {"frames": torch.arange(3)},
        {"mask": torch.ones(2, 3, dtype=torch.bool)},
        {"mask": torch.zeros(2, 2, dtype=torch.bool)},
        {"mask": torch.ones(2, 2)},
        {"text": text.expand(2, -1, -1)},
    ):
        with pytest.raises(ValueError, match=next(iter(bad))):
            wan.forward_blocks(clip, **(good | bad))
