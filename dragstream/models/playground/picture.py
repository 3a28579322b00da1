"""Rendering of a caption as a first frame, to start a stream from."""

from __future__ import annotations

import dataclasses

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dragstream.models.defaults import cpu_by_default
from dragstream.models.playground import world
from dragstream.models.playground.captions import phrases

_TRIES = 256
_CLEAR = 96.0
"""Minimum distance of objects in a drawing, centre to centre, in pixels."""


@cpu_by_default()
def draw(prompt: str, seed: int = 0) -> NDArray[np.uint8]:
    """Render a first frame for a caption, as `Stream(model, prompt, image=...)` takes it.

    Attributes missing from the caption are drawn at random. Objects keep a minimum distance, and
    sliding ones have room to move.

    Args:
        prompt: a caption of one or two objects, as "a red critter slides right past a blue box".
        seed: the same seed gives the same frame.

    Returns:
        uint8 (H, W, 3).

    Raises:
        TypeError: the prompt is not a string.
        ValueError: a prompt that the vocabulary does not cover, or one without objects, with more
            than two, or with two of one colour.
    """
    found = phrases(prompt)
    objects = [words for words in found if set(words) & {*world.KINDS, *world.COLORS}]
    if not 1 <= len(objects) <= 2:
        raise ValueError(f"a drawing holds 1 or 2 objects, got {len(objects)} in {prompt!r}")
    generator = torch.Generator().manual_seed(seed)
    scenes = world.sample_scenes(generator, _TRIES, 1, len(objects))
    places = [name for name in world.PLACES if any(name in words for words in found)]
    if places:
        index = list(world.PLACES).index(places[0])
        scenes = dataclasses.replace(scenes, place=torch.full_like(scenes.place, index))
    for slot, words in enumerate(objects):
        scenes = _with(scenes, slot, words)
    fit = _fit(scenes, [" ".join(words) for words in objects])
    if len(objects) > 1:
        distinct = scenes.color[:, 0] != scenes.color[:, 1]
        if not distinct.any():
            raise ValueError(f"the objects of a drawing differ in colour; got {prompt!r}")
        fit = fit * distinct
    best = int(fit.argmax())
    frame: NDArray[np.uint8] = world.render(scenes[best : best + 1])[0, 0]
    return frame


def _with(scenes: world.Scenes, slot: int, words: list[str]) -> world.Scenes:
    """Return the scenes with the attributes of one object set from a phrase."""
    changes: dict[str, Tensor] = {}
    for name, known in (("color", world.COLORS), ("kind", world.KINDS)):
        said = [value for value in known if value in words]
        if said:
            values = getattr(scenes, name).clone()
            values[:, slot] = list(known).index(said[0])
            changes[name] = values
    scenes = dataclasses.replace(scenes, **changes)
    # Upright at first, so that every kind is easy to recognise.
    upright = {}
    for name in ("angle", "aspect", "yaw"):
        values = getattr(scenes, name).clone()
        values[..., slot] *= 0.3
        upright[name] = values
    return dataclasses.replace(scenes, **upright)


def _fit(scenes: world.Scenes, texts: list[str]) -> Tensor:
    """Score the layout of each scene from 0 to 1: margin to the frame, distances, room to move."""
    x, y = scenes.x[:, 0, : len(texts)], scenes.y[:, 0, : len(texts)]
    sides = torch.stack([x, world.WIDTH - x, y, world.HEIGHT - y]).amin(dim=(0, 2))
    fit = (sides / 52).clamp(0, 1)
    if len(texts) > 1:
        apart = torch.hypot(x[:, 0] - x[:, 1], y[:, 0] - y[:, 1])
        fit = fit * (apart / _CLEAR).clamp(0, 1)
    for slot, text in enumerate(texts):
        ahead = {"right": world.WIDTH - x[:, slot], "left": x[:, slot]}
        for direction, room in ahead.items():
            if f"slides {direction}" in text:
                fit = fit * (room / (0.6 * world.WIDTH)).clamp(0, 1)
    return fit
