"""Streams that are dragged by the methods that have no iterations."""

from __future__ import annotations

import math

import pytest
import torch

from dragstream.drags import regions
from dragstream.drags.motions import Drag, Memory, Translation
from dragstream.method.baselines import CutAndPaste, TimeToMove
from dragstream.method.settings import DragSettings
from dragstream.stream.live import LiveStream
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


@pytest.mark.parametrize("method", [CutAndPaste(), TimeToMove(), DragSettings.fast()])
def test_what_is_held_follows_by_any_method(begun, model, method, tmp_path, trace):
    begun.step()
    plain = begun.fork()
    plain.run(2, progress=False)
    live = LiveStream(begun, math.inf, settings=method)
    hold = live.hold(regions.disc((20, 16), 6))
    live.pin(regions.disc((38, 20), 4), settings=method)
    for place, degrees, factor in (((24, 16), 20, 1.2), ((26, 14), 40, 1.1)):
        hold.move_to(*place)
        hold.turn_to(degrees)
        hold.scale_to(factor)
        live.step()
        assert live.wait(600)
    live.stop()
    first, second = begun.blocks[2:]
    assert first.settings == second.settings == method.resolve(model.spec)
    pulled, pinned = first.drags
    assert pulled.motion.poses[-1] == (4, 0, 20, 1.2)
    assert set(pinned.motion.poses) == {(0, 0, 0, 1)}
    assert second.drags[0].source == Memory(1, regions.disc((20, 16), 6))
    assert second.drags[0].motion.poses[-1][2:] == (40, 1.1)
    assert not torch.equal(first.latents, plain.blocks[2].latents)
    twin = begun.fork(at=2)
    for block in (first, second):
        twin.animate(list(block.drags), settings=block.settings)
    restored = Stream.restore(begun.save(tmp_path / "take"), model)
    assert trace(twin) == trace(restored) == trace(begun)
    names = {"given": model}
    exec(begun.to_code(model="given"), names)  # noqa: S102
    assert trace(names["stream"]) == trace(begun)
