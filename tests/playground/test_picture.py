"""Drawings show what their captions say."""

from __future__ import annotations

import numpy as np
import pytest

from dragstream.models import playground
from dragstream.models.playground import world
from dragstream.revel.detection import detect


def test_a_drawing_shows_its_objects_with_room_to_move() -> None:
    for seed in range(3):
        image = playground.draw("a red critter slides right past a blue box in the snow", seed)
        critter, box = detect(image, "red", "critter"), detect(image, "blue", "box")
        assert critter is not None
        assert box is not None
        assert len(critter.parts) == len(box.parts) == 1
        assert critter.center[0] < 100
        assert np.hypot(*np.subtract(critter.center, box.center)) > 50
        assert image[-1].min() > 200  # snow


def test_the_place_is_the_prompts() -> None:
    for name, (wall, _) in world.PLACES.items():
        image = playground.draw(f"a green star in {name}", seed=1)
        np.testing.assert_allclose(np.median(image[:20], axis=(0, 1)), wall, atol=12)


def test_colours_left_open_differ_from_those_that_are_said() -> None:
    for seed in range(6):
        image = playground.draw("a box and a red star", seed)
        seen = [name for name in world.COLORS if detect(image, name, "box") is not None]
        assert "red" in seen
        assert len(seen) == 2


def test_the_same_seed_draws_the_same_frame() -> None:
    first, same, other = (playground.draw("a green star", seed) for seed in (4, 4, 5))
    assert np.array_equal(first, same)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize(
    ("prompt", "message"),
    [
        ("in a meadow", "got 0"),
        ("a red box and a blue box and a green star", "got 3"),
        ("a red box and a red star", "differ in colour"),
        ("a walrus", "does not know"),
    ],
)
def test_what_cannot_be_drawn_is_refused(prompt: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        playground.draw(prompt)


def test_a_prompt_is_a_string() -> None:
    with pytest.raises(TypeError, match="7"):
        playground.draw(7)  # type: ignore[arg-type]
