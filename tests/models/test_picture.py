from __future__ import annotations

import numpy as np
import pytest
import torch

from dragstream.models.playground import picture
from dragstream.models.playground.picture import draw
from dragstream.models.playground.world import COLORS, HEIGHT, PLACES, WIDTH


def near(image: np.ndarray, name: str) -> np.ndarray:
    """The pixels whose hue is that of a named colour, in light or shade."""
    pixels = image.astype(float) / np.linalg.norm(image.astype(float), axis=-1, keepdims=True)
    wanted = np.array(COLORS[name]) / np.linalg.norm(COLORS[name])
    return pixels @ wanted > 0.985


def test_the_picture_holds_what_the_prompt_says() -> None:
    image = draw("a red critter slides right past a blue box", seed=3)

    assert image.shape == (HEIGHT, WIDTH, 3)
    assert image.dtype == np.uint8
    for name in ("red", "blue"):
        assert 500 < near(image, name).sum() < 3500
    assert near(image, "green").sum() < 50


def test_the_place_is_the_prompts() -> None:
    for name, (wall, _) in PLACES.items():
        image = draw(f"a green star in {name}", seed=1)
        np.testing.assert_allclose(np.median(image[:20], axis=(0, 1)), wall, atol=12)


def test_equal_seeds_draw_equal_pictures() -> None:
    prompt = "a yellow box and a star"

    assert (draw(prompt, seed=4) == draw(prompt, seed=4)).all()
    assert (draw(prompt, seed=4) != draw(prompt, seed=5)).any()


@pytest.mark.parametrize("seed", range(40))
def test_colours_left_open_differ_from_those_that_are_said(seed: int) -> None:
    drawn = torch.tensor([[seed % 6, (seed // 6) % 6]])

    first, second = picture._apart(drawn, [["box"], ["red", "star"]])[0].tolist()

    assert second == list(COLORS).index("red")
    assert first != second


def test_one_object_stands_alone() -> None:
    image = draw("a purple critter in snow", seed=0)

    assert near(image, "purple").sum() > 500
    assert sum(near(image, name).sum() for name in ("red", "green", "yellow")) < 50


@pytest.mark.parametrize(
    ("prompt", "message"),
    [
        ("in a meadow", "1 or 2 objects, got 0 in 'in a meadow'"),
        ("a red box and a blue box and a star", "got 3"),
        ("a pink box", "'pink'"),
        ("", "says nothing"),
    ],
)
def test_a_prompt_that_cannot_be_drawn_is_refused(prompt: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        draw(prompt)


def test_a_prompt_is_a_string() -> None:
    with pytest.raises(TypeError, match="7"):
        draw(7)
