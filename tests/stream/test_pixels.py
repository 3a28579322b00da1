"""Frames are numbers, whoever decodes them: what is not finite is an error and no block."""

import numpy as np
import pytest
import torch

from dragstream.stream import Stream


class Decoding:
    """The tiny model with a decoder of somebody's own, which fails from one call on."""

    def __init__(self, model, decoder, fails_at=2):
        self._model, self._decoder, self._calls, self._fails_at = model, decoder, 0, fails_at

    def __getattr__(self, name):
        return getattr(self._model, name)

    def decode(self, latents, state=None):
        self._calls += 1
        images = latents[0, :, :3].repeat_interleave(8, -1).repeat_interleave(8, -2).tanh() / 2
        if self._calls >= self._fails_at:
            images[-1, 0, 0, 0] = float("nan" if self._calls % 2 == 0 else "inf")
        return self._decoder(images.permute(0, 2, 3, 1)), state


DECODERS = {
    "byte": lambda images: ((images + 0.5) * 255).round().byte().numpy(),
    "to": lambda images: ((images + 0.5) * 255).to(torch.uint8).numpy(),
    "clamped": lambda images: (images + 0.5).clamp(0, 1).mul(255).type(torch.uint8).numpy(),
    "torch.clip": lambda images: (torch.clip(images + 0.5, 0, 1) * 255).byte().numpy(),
    "numpy": lambda images: ((images.numpy() + 0.5) * 255).astype(np.uint8),
    "float": lambda images: (images.numpy() + 0.5) * 255,
}


@pytest.mark.parametrize("kind", DECODERS)
@pytest.mark.parametrize("fails_at", [2, 3])
def test_a_decoder_of_ones_own_may_not_give_nan_or_infinity(model, trace, kind, fails_at):
    stream = Stream(Decoding(model, DECODERS[kind], fails_at), "red ball", seed=7)
    for _ in range(fails_at - 1):
        stream.step()
    before = trace(stream)
    with pytest.raises(FloatingPointError, match=r"decoder of 'tiny'.*vae_dtype=\"float32\""):
        stream.step()
    assert trace(stream) == before
    assert len(stream) == fails_at - 1


@pytest.mark.parametrize("kind", DECODERS)
def test_a_decoder_of_ones_own_that_works_is_left_alone(model, kind):
    decoder = DECODERS[kind]
    stream = Stream(Decoding(model, decoder, fails_at=99), "red ball", seed=7)
    block = stream.step()
    images = block.latents[:, :3].repeat_interleave(8, -1).repeat_interleave(8, -2).tanh() / 2
    expected = np.asarray(decoder(images.permute(0, 2, 3, 1))).astype(np.uint8)
    assert np.array_equal(block.frames, expected)
    assert block.frames.dtype == np.uint8
    assert not block.frames.flags.writeable


def test_drags_and_pictures_are_refused_likewise(model, drags, trace):
    stream = Stream(Decoding(model, DECODERS["byte"]), "red ball", seed=7)
    stream.step()
    before = trace(stream)
    for call in (lambda: stream.edit(drags), lambda: stream.animate(drags, blocks=2)):
        with pytest.raises(FloatingPointError, match="decoder"):
            call()
        assert trace(stream) == before
    picture = np.zeros((32, 48, 3), np.uint8)
    with pytest.raises(FloatingPointError, match="decoder"):
        Stream(Decoding(model, DECODERS["byte"], fails_at=1), "red ball", image=picture)


def test_an_encoder_may_not_give_nan(model):
    class Encoding(Decoding):
        def encode_image(self, image):
            return self._model.encode_image(image) * float("nan")

    with pytest.raises(FloatingPointError, match="encoder of 'tiny'"):
        Stream(Encoding(model, DECODERS["byte"]), "red ball", image=np.zeros((32, 48, 3), np.uint8))
