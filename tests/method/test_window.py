"""A shorter look back for the iterations alone."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace

import pytest
import torch

from dragstream.method.optimization import Reference
from dragstream.method.settings import DragSettings
from dragstream.method.window import narrow


def with_narrowing(scene):
    """The scene, its model able to look back less far; notes what it was asked for."""
    asked = []

    def narrowed(context, window):
        asked.append((context, window))
        return scene.model.wan.narrowed(context, window)

    scene.model.narrowed = narrowed
    return asked


def test_without_a_window_nothing_is_asked_for(scene):
    asked = with_narrowing(scene)
    pulls = [scene.pull()]
    context, same = narrow(scene.model, scene.context, pulls, None)
    assert context is scene.context
    assert same == tuple(pulls)
    assert asked == []


def test_block_and_references_look_back_equally_far(scene):
    asked = with_narrowing(scene)
    reference = Reference(scene.latents, 0.9, scene.context, frame=0)
    pulls = [scene.pull(), scene.pull(), scene.pull(reference=reference)]
    context, shown = narrow(scene.model, scene.context, pulls, 4)
    assert {id(whole) for whole, _ in asked} == {id(scene.context), id(scene.reference.context)}
    assert [window for _, window in asked] == [4, 4]
    # references to one block still share their passes, and so does one to the block itself
    assert shown[0].reference.context is shown[1].reference.context
    assert shown[2].reference.context is context
    assert shown[0].reference.latents is scene.reference.latents
    assert shown[0].mask is pulls[0].mask


def test_a_run_through_a_window_is_a_run_with_narrowed_contexts(scene):
    with_narrowing(scene)
    settings = DragSettings.paper(iterations=2, window=4)
    run = scene.run(settings)
    losses = [iteration.loss for iteration in run]

    by_hand = dataclasses.replace(
        scene,
        context=scene.model.wan.narrowed(scene.context, 4),
        reference=dataclasses.replace(
            scene.reference, context=scene.model.wan.narrowed(scene.reference.context, 4)
        ),
    )
    expected = by_hand.run(dataclasses.replace(settings, window=None))
    assert losses == [iteration.loss for iteration in expected]
    assert torch.equal(run.latents, expected.latents)
    whole = scene.run(dataclasses.replace(settings, window=None))
    assert losses != [iteration.loss for iteration in whole]


def test_a_model_that_cannot_is_named(scene):
    with pytest.raises(TypeError, match=r"window=4 needs a model with narrowed.*'tiny' lacks"):
        scene.run(DragSettings.paper(window=4))


def test_a_window_without_room_is_refused_before_anything_runs(scene):
    with_narrowing(scene)
    with pytest.raises(ValueError, match=r"window 2 .* leaves no room for a block of 3"):
        scene.run(DragSettings.paper(window=2))
    assert scene.model.calls == []


@pytest.mark.parametrize(
    ("window", "error"), [(0, ValueError), (-3, ValueError), (2.5, TypeError), ("all", TypeError)]
)
def test_bad_windows(window, error):
    with pytest.raises(error, match="window"):
        DragSettings(window=window)


def test_a_window_survives_json():
    settings = DragSettings.paper(window=9)
    assert DragSettings.from_json(settings.to_json()) == settings
    assert repr(settings) == "DragSettings.paper(window=9)"
    assert DragSettings.paper().window is None


def test_models_in_the_package_can_be_narrowed():
    from dragstream.method.window import Narrowing
    from dragstream.models.playground.model import Playground

    assert isinstance(Playground.__new__(Playground), Narrowing)
    assert not isinstance(SimpleNamespace(spec=None), Narrowing)
