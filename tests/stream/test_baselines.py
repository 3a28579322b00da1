"""Streams that are dragged by the methods that DragStream is compared with."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from dragstream.drags import regions
from dragstream.method.baselines import SGI2V, DragVideo
from dragstream.stream.stream import Stream

METHODS = [SGI2V(iterations=2), DragVideo(iterations=2)]


@pytest.fixture
def begun(stream):
    stream.step()
    return stream


@pytest.mark.parametrize("method", METHODS)
def test_they_edit_and_animate(begun, drags, method):
    plain = begun.fork()
    plain.step()
    animated = begun.fork()
    (block,) = animated.animate(drags, settings=method)
    assert len(block.iterations) == 2
    assert block.settings == method.resolve(begun.model.spec)
    assert not torch.equal(block.latents, plain.blocks[-1].latents)
    edited = begun.edit(drags, settings=method)
    assert [item.index for item in edited.iterations] == [0, 1]
    assert list(begun.statistics["cutoff"].dropna()) == [1.0, 1.0]


@pytest.mark.parametrize("method", METHODS)
def test_they_survive_an_archive_and_become_code(  # noqa: PLR0917
    begun, drags, method, tmp_path, trace, model
):
    begun.animate(drags, settings=method)
    restored = Stream.restore(begun.save(tmp_path / "a.dragstream"), model)
    assert trace(restored) == trace(begun)
    code = begun.to_code(model="model")
    assert f"settings={type(method).__name__}(iterations=2)" in code
    assert f"from dragstream.method import {type(method).__name__}" in code


@pytest.mark.parametrize("method", METHODS)
def test_a_failed_drag_leaves_the_stream_as_it_was(begun, drags, method, trace):
    before = trace(begun)

    def stop(_iteration):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        begun.animate(drags, settings=method, callback=stop)
    assert trace(begun) == before


def test_the_mask_of_drag_video_is_kept_to_the_bit(begun, drags):
    plain = begun.fork()
    plain.step()
    keep = regions.box(0, 24, 48, 32)
    above = [drags[0]]
    (block,) = begun.animate(above, keep=keep, settings=DragVideo(iterations=2))
    step = begun.model.spec.denoising_step
    change = (block.noisy[step] - plain.blocks[-1].noisy[step]).abs()
    assert float(change[:, :, 3:].max()) == 0.0
    assert float(change.max()) > 0.0


def test_a_class_in_place_of_a_method_is_refused(begun, drags):
    with pytest.raises(TypeError, match="settings must be DragSettings"):
        begun.animate(drags, settings=SGI2V)
    with pytest.raises(ValueError, match="layers"):
        begun.animate(drags, settings=dataclasses.replace(METHODS[0], layers=(7,)))
