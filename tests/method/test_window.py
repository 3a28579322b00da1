"""A shorter look back for the iterations alone."""

from __future__ import annotations

import pytest

from dragstream.method.settings import DragSettings


def test_block_and_references_are_read_through_the_same_window(scene):
    list(scene.run(DragSettings.paper(window=4)))
    list(scene.run(DragSettings.paper()))
    assert [call["window"] for call in scene.model.calls] == [4] * 5 + [None] * 5


def test_a_shorter_window_changes_the_features(scene):
    short, whole = (
        [iteration.loss for iteration in scene.run(DragSettings.paper(iterations=2, window=window))]
        for window in (4, None)
    )
    assert all(a != b for a, b in zip(short, whole, strict=True))


def test_a_window_without_room_is_refused(scene):
    with pytest.raises(ValueError, match=r"window 2 .* leaves no room for a block of 3"):
        scene.run(DragSettings.paper(window=2))


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
