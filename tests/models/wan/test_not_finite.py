"""Decoders of public models say so when what they give is not finite."""

import pytest
import torch

from dragstream.models.wan.preview import PreviewDecoder
from dragstream.stream.stream import Stream


def spoil(weight, value):
    with torch.no_grad():
        weight.view(-1)[0] = value


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_the_vaes_decoder_is_named(quick, folders, value):
    model = quick(folders["self-forcing"])
    spoil(model.vae.vae.decoder.conv_in.weight, value)
    stream = Stream(model, "a fox", seed=1)
    with pytest.raises(FloatingPointError, match=r"the decoder .* vae_dtype=\"float32\""):
        stream.step()
    assert len(stream) == 0


@pytest.fixture
def preview(tmp_path):
    """A file of a small decoder."""
    path = tmp_path / "taew2_1.pth"
    torch.save(PreviewDecoder(4, (8, 6, 4, 4), (1, 2, 2)).state_dict(), path)
    return path


def test_the_small_decoder_is_named(quick, folders, preview):
    model = quick(folders["self-forcing"], preview=preview)
    spoil(next(model.preview.parameters()), float("nan"))
    stream = Stream(model, "a fox", seed=1)
    with pytest.raises(FloatingPointError, match=r"the small decoder .* vae_dtype=\"float32\""):
        stream.step()
    assert len(stream) == 0


def test_the_small_decoder_follows_the_vaes_arithmetic(quick, folders, preview):
    model = quick(folders["self-forcing"], preview=preview, dtype="bfloat16", vae_dtype="float32")
    assert {weight.dtype for weight in model.preview.parameters()} == {torch.float32}
    assert model.wan.transformer.scale_shift_table.dtype == torch.bfloat16
