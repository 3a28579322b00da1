"""A stream makes the blocks of the plainest loop, and shows their frames, features and changes."""

import numpy as np
import pytest
import torch

from dragstream.method.frequency import LowPass
from dragstream.method.settings import DragSettings
from dragstream.stream import Mode, Stream
from dragstream.stream.noise import noise

SHAPE = (3, 4, 4, 6)


def replay(model, stream):
    """The clean latents of an undragged stream by the plainest loop, and its last context."""
    sigmas, clean, context = model.spec.sigmas, [], None
    for block in stream.blocks:
        text = model.encode_text(block.prompt)
        context = model.new_context(text) if context is None else model.with_text(context, text)
        latents = noise(stream.seed, block.index, 0, SHAPE)[None]
        for step, sigma in enumerate(sigmas):
            if step:
                fresh = noise(stream.seed, block.index, step, SHAPE)[None]
                latents = (1 - sigma) * latents + sigma * fresh
            assert torch.equal(latents[0], block.noisy[step])
            latents = model.denoise(latents, sigma, context)
        context = model.commit(latents, context)
        clean.append(latents[0])
    return clean, context


def test_blocks_are_what_the_denoising_loop_says(model, stream):
    stream.run(4, progress=False)
    clean, _ = replay(model, stream)
    assert all(torch.equal(a, block.latents) for a, block in zip(clean, stream.blocks, strict=True))


def test_the_streamed_decode_equals_the_whole_one(model, stream):
    stream.run(4, progress=False)
    whole, _ = model.decode(stream.latents[None])
    assert stream.frames.shape == (model.spec.clock.video_frames(12), 32, 48, 3)
    assert np.array_equal(stream.frames, whole)
    assert [block.video_frames for block in stream.blocks] == [
        range(5),
        range(5, 11),
        range(11, 17),
        range(17, 23),
    ]
    assert stream.blocks[2].latent_frames == range(6, 9)


def test_an_empty_stream_has_empty_arrays(stream):
    assert stream.frames.shape == (0, 32, 48, 3)
    assert stream.frames.dtype == np.uint8
    assert stream.latents.shape == (0, 4, 4, 6)
    assert len(stream) == 0
    assert stream.run(0) == []
    assert repr(stream) == "Stream('tiny', 'red ball', seed=7, blocks=0)"


def test_frames_of_a_block_cannot_be_written_and_those_of_a_stream_are_a_copy(stream):
    block = stream.step()
    with pytest.raises(ValueError, match="read-only"):
        block.frames[0] = 0
    stream.frames[:] = 0
    stream.latents[:] = 0
    assert block.frames.any()
    assert block.latents.any()


def test_a_block_is_one_allocation_so_that_long_streams_leave_no_gaps(stream):
    block = stream.step()
    kept = (block.latents, *block.noisy)
    assert len({tensor.untyped_storage().data_ptr() for tensor in kept}) == 1
    assert all(tensor.data_ptr() % 64 == 0 and tensor.is_contiguous() for tensor in kept)


def test_the_prompt_acts_from_the_next_block_on(model, stream, trace):
    stream.step()
    other = stream.fork()
    other.prompt = "blue ball jumps"
    assert torch.equal(other.blocks[0].latents, stream.blocks[0].latents)
    stream.run(2, progress=False)
    other.run(2, progress=False)
    assert not torch.equal(other.blocks[1].latents, stream.blocks[1].latents)
    assert [block.prompt for block in other.blocks] == ["red ball"] + ["blue ball jumps"] * 2
    clean, _ = replay(model, other)
    assert torch.equal(clean[-1], other.blocks[-1].latents)
    assert trace(other) != trace(stream)


def normalised(model, stream, index, count):
    """A block as the plain loop makes it, each prediction normalised as the release does."""
    block, context = stream.blocks[index], None
    for earlier in stream.blocks[:index]:
        context = context or model.new_context(model.encode_text(block.prompt))
        context = model.commit(earlier.latents[None], context)
    previous = [earlier.latents for earlier in stream.blocks[max(1, index - count) : index]]
    latents = block.noisy[0][None]
    for step, sigma in enumerate(model.spec.sigmas):
        if step:
            latents = (1 - sigma) * latents + sigma * noise(stream.seed, index, step, SHAPE)[None]
        latents = model.denoise(latents, sigma, context)
        together = torch.cat([*previous, latents[0]])
        latents = (latents - latents.mean()) / latents.std() * together.std() + together.mean()
    return latents[0]


def test_a_stream_may_normalise_the_predictions_of_every_block(model, stream, trace):
    released = Stream(model, "red ball", seed=7, prediction_blocks=2)
    released.run(5, progress=False)
    stream.run(5, progress=False)
    assert released.prediction_blocks == 2
    same = [torch.equal(a.latents, b.latents) for a, b in zip(released.blocks, stream.blocks)]  # noqa: B905
    assert same == [True, True, False, False, False]  # from the third block on
    for index in (2, 3, 4):
        expected = normalised(model, released, index, 2)
        torch.testing.assert_close(released.blocks[index].latents, expected, atol=1e-4, rtol=0)
    again = released.fork(3)
    again.run(2, progress=False)
    assert trace(again) == trace(released)
    with pytest.raises(ValueError, match="prediction_blocks must be at least 0, got -1"):
        Stream(model, "red ball", prediction_blocks=-1)


def test_the_released_preset_normalises_the_blocks_that_it_drags(model, stream, drags):
    settings = DragSettings.released(iterations=0)
    stream.run(3, progress=False)
    plain = stream.blocks[2].latents
    (block,) = stream.animate(drags, settings=settings)
    expected = normalised(model, stream, 3, 2)
    torch.testing.assert_close(block.latents, expected, atol=1e-4, rtol=0)
    assert torch.equal(stream.blocks[2].latents, plain)  # and no other
    early = Stream(model, "red ball", seed=7)
    early.step()
    (second,) = early.animate(drags, settings=settings)  # too early: there is only the first block
    assert torch.equal(second.latents, stream.blocks[1].latents)


def test_drags_with_other_settings_follow_the_streams_normalisation(model, drags):
    streams = [Stream(model, "red ball", seed=7, prediction_blocks=count) for count in (0, 2)]
    for each in streams:
        each.run(2, progress=False)
        each.animate(drags, settings=DragSettings.paper(iterations=0))
    expected = normalised(model, streams[1], 2, 2)
    torch.testing.assert_close(streams[1].blocks[2].latents, expected, atol=1e-4, rtol=0)
    assert not torch.allclose(streams[0].blocks[2].latents, expected, atol=1e-3)


# ---------------------------------------------------------------------------------------- image


def picture():
    x, y = np.meshgrid(np.arange(48), np.arange(32))
    return np.stack([x * 5, y * 7, x + y], axis=-1).astype(np.uint8)


def test_a_picture_becomes_block_0(model, drags, trace):
    stream = Stream(model, "red ball", seed=7, image=picture())
    assert len(stream) == 1
    block = stream.blocks[0]
    assert block.mode is Mode.IMAGE
    assert torch.equal(block.latents, model.encode_image(picture())[0])
    expected = 0.1 * block.latents + 0.9 * noise(7, 0, 1, SHAPE)
    torch.testing.assert_close(block.noisy[1], expected)
    assert stream.step().index == 1
    stream.rewind(to=1)
    stream.edit(drags)
    stream.animate(drags)
    again = Stream(model, "red ball", seed=7, image=picture())
    again.edit(drags)
    again.animate(drags)
    assert trace(again) == trace(stream)
    for call in (stream.rewind, stream.fork):
        with pytest.raises(ValueError, match="must be at least 1, got 0"):
            call(0)


def test_a_read_only_picture_is_handed_on_as_a_copy(model, trace):
    image = picture()
    image.setflags(write=False)
    handed = []

    class Careless:
        def __getattr__(self, name):
            return getattr(model, name)

        def encode_image(self, given):
            handed.append(given)
            latents = model.encode_image(given)
            given[:] = 0
            return latents

    stream = Stream(Careless(), "red ball", seed=7, image=image)
    assert trace(stream) == trace(Stream(model, "red ball", seed=7, image=picture()))
    assert not np.shares_memory(handed[0], image)
    assert np.array_equal(image, picture())


@pytest.mark.parametrize(
    ("image", "error"),
    [
        (picture()[:-1], ValueError),
        (picture().astype(np.float32), ValueError),
        (picture()[..., 0], ValueError),
        ([[0]], TypeError),
    ],
)
def test_a_picture_of_another_kind_is_refused(model, image, error):
    with pytest.raises(error, match="image must be"):
        Stream(model, "red ball", image=image)


# ------------------------------------------------------------------------------------- features


def test_features_are_those_of_the_drags_step(model, stream):
    stream.run(4, progress=False)
    found = stream.features(block=2)
    _, context = replay(model, stream.fork(at=2))
    noisy = stream.blocks[2].noisy[1][None]
    expected = model.read(noisy, 0.9, context, (1, 2)).taps[0]
    assert list(found) == [1, 2]
    assert found[1].shape == (3, 2, 3, 24)
    assert all(torch.equal(found[layer], expected[layer][0]) for layer in found)
    low = stream.features(block=-2, layers=0, cutoff=0.4, step=3)
    noisy = stream.blocks[2].noisy[3][None]
    expected = model.read(noisy, 0.4, context, (0,), (LowPass(0.4),)).taps[0]
    assert torch.equal(low[0], expected[0][0])


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"block": 3}, ValueError),
        ({"block": -4}, ValueError),
        ({"block": True}, TypeError),
        ({"layers": 3}, ValueError),
        ({"layers": ()}, ValueError),
        ({"layers": -1}, ValueError),
        ({"layers": (1.0,)}, TypeError),
        ({"layers": 1.0}, TypeError),
        ({"layers": "12"}, TypeError),
        ({"layers": True}, TypeError),
        ({"cutoff": 0}, ValueError),
        ({"cutoff": 1.5}, ValueError),
        ({"step": 4}, ValueError),
    ],
)
def test_features_that_do_not_exist_are_refused(stream, wrong, error):
    stream.run(3, progress=False)
    with pytest.raises(error, match=next(iter(wrong))):
        stream.features(**wrong)


def test_layers_may_be_numpys_integers(stream):
    stream.step()
    assert list(stream.features(layers=np.int64(1))) == [1]
    assert list(stream.features(layers=np.array([2, 0]))) == [2, 0]


def test_features_of_an_empty_stream_are_refused(stream):
    with pytest.raises(ValueError, match="the stream has no blocks"):
        stream.features()


# ------------------------------------------------------------------------------------ listeners


def test_listeners_hear_of_each_change_once_it_is_made(stream, drags, caplog):
    seen = []
    unsubscribe = stream.subscribe(lambda: seen.append((len(stream), stream.prompt)))
    stream.subscribe(lambda: 1 / 0)  # logged; the others and the call go on
    stream.run(2, progress=False)
    stream.prompt = "blue"
    stream.animate(drags, blocks=2)
    stream.edit(drags)
    stream.rewind(to=1)
    expected = [(1, "red ball"), (2, "red ball"), (2, "blue"), (4, "blue"), (4, "blue")]
    assert seen == [*expected, (1, "red ball")]
    assert "division by zero" in caplog.text
    with pytest.raises(ValueError, match="at most 1"):
        stream.rewind(to=2)
    stream.fork().step()
    unsubscribe()
    unsubscribe()
    stream.step()
    assert len(seen) == 6
    with pytest.raises(TypeError, match="listener must be callable, got 3"):
        stream.subscribe(3)


def test_a_listener_may_write(stream):
    stream.subscribe(lambda: len(stream) < 3 and stream.step())
    stream.step()
    assert len(stream) == 3


def test_an_empty_stream_is_true(model):
    stream = Stream(model, "red ball")
    assert len(stream) == 0
    assert bool(stream) is True


def test_a_saved_stream_goes_on_normalising_and_says_so_in_code(model, trace, tmp_path):
    stream = Stream(model, "red ball", seed=7, prediction_blocks=2)
    stream.run(3, progress=False)
    again = Stream.restore(stream.save(tmp_path / "a.dragstream"), model)
    assert again.prediction_blocks == 2
    stream.step()
    again.step()
    assert trace(again) == trace(stream)
    assert "prediction_blocks=2)" in stream.to_code(model="model")
    plain = Stream(model, "red ball", seed=7)
    plain.step()
    assert Stream.restore(plain.save(tmp_path / "b.dragstream"), model).prediction_blocks == 0
