"""Streams that are dragged by the methods that have no iterations."""

from __future__ import annotations

import pytest
import torch

from dragstream.drags import regions
from dragstream.drags.motions import Drag, Translation
from dragstream.method.baselines import CutAndPaste, TimeToMove
from dragstream.stream.stream import Stream

METHODS = [CutAndPaste(), CutAndPaste(hole="model"), TimeToMove(held_steps=1)]


@pytest.fixture
def begun(stream):
    stream.step()
    return stream


@pytest.mark.parametrize("method", METHODS)
def test_they_edit_and_animate_and_replay_to_the_bit(begun, drags, method, trace):
    first, second, plain = begun.fork(), begun.fork(), begun.fork()
    plain.step()
    for branch in (first, second):
        (block,) = branch.animate(drags, settings=method)
        branch.edit(drags, settings=method)
    assert block.iterations == ()
    assert block.settings == method.resolve(begun.model.spec)
    assert not torch.equal(block.latents, plain.blocks[-1].latents)
    assert trace(first) == trace(second)
    first.rewind(1)
    first.step()
    assert trace(first) == trace(plain)


@pytest.mark.parametrize("method", METHODS)
def test_they_survive_an_archive_and_become_code(  # noqa: PLR0917
    begun, drags, method, tmp_path, trace, model
):
    begun.animate(drags, settings=method)
    restored = Stream.restore(begun.save(tmp_path / "a.dragstream"), model)
    assert trace(restored) == trace(begun)
    assert f"settings={type(method).__name__}(" in begun.to_code(model="model")


def test_cut_and_paste_ends_with_the_latents_of_the_reference(begun):
    cell = begun.model.spec.grid.width // begun.model.spec.grid.latent_width
    box = regions.box(cell, cell, 3 * cell, 2 * cell)
    (block,) = begun.animate([Drag(box, Translation.by(2 * cell, cell))], settings=CutAndPaste())
    before, after = begun.blocks[0].latents[-1], block.latents[-1]
    torch.testing.assert_close(after[:, 2, 3:5], before[:, 1, 1:3])
