"""The small decoder, against its released layout written out frame by frame."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch.nn import functional as F

from dragstream.models.wan.preview import PreviewDecoder
from dragstream.models.wan.sources import Hub
from dragstream.models.wan.tiny import write_tiny
from dragstream.stream.stream import Stream

LIGHT = Hub("lightx2v/Autoencoders")
WIDTHS = (8, 6, 4, 4)


@pytest.fixture(scope="module")
def weights():
    """A file's content: numbered layers of encoder and decoder, some without weights."""
    return written(4, 3)


def written(channels, out):
    generator = torch.Generator().manual_seed(0)
    state = {}

    def convolution(name, inward, outward, size=3, *, bias=True):
        shape = (outward, inward, size, size)
        state[f"{name}.weight"] = torch.randn(shape, generator=generator) * inward**-0.5 * 0.4
        if bias:
            state[f"{name}.bias"] = torch.randn(outward, generator=generator) * 0.1

    convolution("encoder.0", 3, 8)
    convolution("decoder.1", channels, WIDTHS[0])
    for stage, first in enumerate((3, 9, 15)):
        width = WIDTHS[stage]
        for block in range(first, first + 3):
            convolution(f"decoder.{block}.conv.0", 2 * width, width)
            convolution(f"decoder.{block}.conv.2", width, width)
            convolution(f"decoder.{block}.conv.4", width, width)
        stride = (1, 2, 2)[stage]
        convolution(f"decoder.{first + 4}.conv", width, width * stride, 1, bias=False)
        convolution(f"decoder.{first + 5}", width, WIDTHS[stage + 1], bias=False)
    convolution("decoder.22", WIDTHS[3], out)
    return state


def naive(state, latents):
    """Frames of a whole video, each memory block one frame at a time."""
    frames = [torch.tanh(frame / 3) * 3 for frame in latents[0].unsqueeze(1)]

    def convolve(name, x):
        kernel = state[f"{name}.weight"]
        return F.conv2d(x, kernel, state.get(f"{name}.bias"), padding=kernel.shape[-1] // 2)

    frames = [convolve("decoder.1", x).relu() for x in frames]
    for stage, first in enumerate((3, 9, 15)):
        for block in range(first, first + 3):
            out, past = [], torch.zeros_like(frames[0])
            for x in frames:
                hidden = convolve(f"decoder.{block}.conv.0", torch.cat([x, past], 1)).relu()
                hidden = convolve(f"decoder.{block}.conv.2", hidden).relu()
                out.append((convolve(f"decoder.{block}.conv.4", hidden) + x).relu())
                past = x
            frames = out
        frames = [F.interpolate(x, scale_factor=2) for x in frames]
        grown = [convolve(f"decoder.{first + 4}.conv", x) for x in frames]
        frames = [part for x in grown for part in x.chunk((1, 2, 2)[stage], 1)]
        frames = [convolve(f"decoder.{first + 5}", x) for x in frames]
    frames = [convolve("decoder.22", x.relu()) for x in frames][3:]
    patch = 2 if len(state["decoder.22.bias"]) == 12 else 1
    frames = [F.pixel_shuffle(x, patch).clamp(0, 1) for x in frames]
    return (torch.cat(frames) * 255).round().byte().permute(0, 2, 3, 1).numpy()


@pytest.fixture(scope="module")
def latents():
    return torch.randn(1, 6, 4, 3, 5, generator=torch.Generator().manual_seed(2)) * 2


def test_blocks_decode_as_the_layout_says(weights, latents, tmp_path):
    path = tmp_path / "taew2_1.pth"
    torch.save(weights, path)
    decoder = PreviewDecoder.from_file(path)
    first, state = decoder.decode(latents[:, :3])
    then, _ = decoder.decode(latents[:, 3:], state)
    again, _ = decoder.decode(latents[:, 3:], state)
    wanted = naive(weights, latents)
    assert (first.shape, then.shape) == ((9, 24, 40, 3), (12, 24, 40, 3))
    assert wanted.std() > 20
    difference = np.abs(np.concatenate([first, then]).astype(int) - wanted.astype(int))
    assert difference.max() <= 1
    assert (difference > 0).mean() < 0.001
    np.testing.assert_array_equal(then, again)


def test_safetensors_and_wider_growth_layers_are_read(weights, latents, tmp_path):
    save_file(weights, tmp_path / "a.safetensors")
    plain = PreviewDecoder.from_file(tmp_path / "a.safetensors")
    kernel = weights["decoder.7.conv.weight"]
    wider = weights | {"decoder.7.conv.weight": torch.cat([torch.ones_like(kernel), kernel])}
    torch.save(wider, tmp_path / "b.pth")
    cut = PreviewDecoder.from_file(tmp_path / "b.pth")
    for first, second in zip(plain.decode(latents)[0], cut.decode(latents)[0], strict=True):
        np.testing.assert_array_equal(first, second)


def test_a_model_shows_frames_from_it(weights, folders, cache, quick, tmp_path):
    path = tmp_path / "taew2_1.pth"
    torch.save(weights, path)
    model = quick(folders["self-forcing"], cache, preview=path)
    stream = Stream(model, "a red ball")
    stream.run(2, progress=False)
    shown, _ = model.preview.decode(stream.latents[None])
    np.testing.assert_allclose(stream.frames, shown, rtol=0, atol=1)  # sums in another order
    full, _ = model.vae.decode(stream.latents[None])
    assert np.abs(shown.astype(int) - full.astype(int)).mean() > 2


def test_decoders_of_wan_2_2_give_patches_of_pixels(tmp_path, quick):
    content = written(6, 12)
    torch.save(content, tmp_path / "taew2_2.pth")
    decoder = PreviewDecoder.from_file(tmp_path / "taew2_2.pth")
    latents = torch.randn(1, 3, 6, 3, 5, generator=torch.Generator().manual_seed(2))
    frames, _ = decoder.decode(latents)
    assert frames.shape == (9, 48, 80, 3)
    assert np.abs(frames.astype(int) - naive(content, latents).astype(int)).max() <= 1
    folder = write_tiny(tmp_path / "tiny", "longlive-2.0", num_layers=2)
    model = quick(folder, preview=tmp_path / "taew2_2.pth")
    assert model.preview.factors == model.vae.factors == (4, 16)


def test_light_decoders_take_latents_as_the_vae_does(weights, latents, tmp_path):
    torch.save(weights, tmp_path / "lighttaew2_1.pth")
    torch.save(weights, tmp_path / "taew2_1.pth")
    mean, std = (torch.rand(1, 1, 4, 1, 1) + offset for offset in (0.0, 1.0))
    light = PreviewDecoder.from_file(tmp_path / "lighttaew2_1.pth", statistics=(mean, std))
    plain = PreviewDecoder.from_file(tmp_path / "taew2_1.pth", statistics=(mean, std))
    shown, wanted = light.decode(latents)[0], plain.decode(latents * std + mean)[0]
    np.testing.assert_array_equal(shown, wanted)
    assert np.abs(shown.astype(int) - plain.decode(latents)[0].astype(int)).mean() > 2
    with pytest.raises(ValueError, match="needs the statistics"):
        PreviewDecoder.from_file(tmp_path / "lighttaew2_1.pth")


def test_decoders_are_found_by_name(weights, folders, quick, tmp_path, monkeypatch):
    save_file(weights, tmp_path / "lighttaew2_1.safetensors")
    monkeypatch.setattr(Hub, "file", lambda hub, name: tmp_path / name if hub == LIGHT else None)
    model = quick(folders["self-forcing"], preview="lighttaew2_1")
    mean, std = model.preview.statistics
    assert torch.equal(mean, model.vae.mean)
    assert torch.equal(std, model.vae.std)
    with pytest.raises(FileNotFoundError, match="preview: there is no file"):
        quick(folders["self-forcing"], preview="taew9")


def test_a_decoder_of_another_vae_is_refused(folders, cache, quick, tmp_path):
    torch.save(written(6, 12), tmp_path / "taew2_2.pth")
    with pytest.raises(ValueError, match=r"another VAE: it decodes 6 .* 16 pixels, the VAE 4 .* 8"):
        quick(folders["self-forcing"], cache, preview=tmp_path / "taew2_2.pth")


def test_other_files_are_refused(weights, tmp_path):
    path = tmp_path / "a.pth"
    fewer = {name: weight for name, weight in weights.items() if name != "decoder.9.conv.0.bias"}
    for content, message in (
        ({"model.weight": torch.zeros(1)}, "small decoder"),
        (fewer, r"lacks decoder\.9\.conv\.0\.bias"),
        ({}, "small decoder"),
    ):
        torch.save(content, path)
        with pytest.raises(ValueError, match=message):
            PreviewDecoder.from_file(path)
    path.write_bytes(b"nothing")
    with pytest.raises(ValueError, match=r"a\.pth"):
        PreviewDecoder.from_file(path)
    with pytest.raises(FileNotFoundError):
        PreviewDecoder.from_file(tmp_path / "none.pth")
