"""A picture of what a prompt says, drawn by the world's renderer, for a stream to start from."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dragstream.models.playground.captions import phrases
from dragstream.models.playground.world import (
    COLORS,
    KINDS,
    PLACES,
    Scenes,
    render,
    sample_scenes,
)

_OBJECTS = 2


def draw(prompt: str, seed: int = 0) -> NDArray[np.uint8]:
    """Render a frame that fits a prompt: `ds.Stream(model, prompt, image=draw(prompt))`.

    Kinds, colours and the place are those of the prompt; what it leaves open, and where the
    objects stand, depends on the seed.

    Args:
        prompt: A caption such as "a red critter slides right past a blue box in a meadow".
        seed: Equal seeds draw equal pictures.

    Returns:
        uint8 (H, W, 3), as large as the model's frames.

    Raises:
        TypeError: The prompt is not a string.
        ValueError: Words that the playground does not know, no object, or more than two.
    """
    said = phrases(prompt)
    objects = [words for words in said if set(words) & {*KINDS, *COLORS}]
    if not 1 <= len(objects) <= _OBJECTS:
        raise ValueError(
            f"a picture holds 1 or {_OBJECTS} objects, got {len(objects)} in {prompt!r}"
        )
    generator = torch.Generator().manual_seed(seed)
    scene = sample_scenes(generator, 1, frames=1, objects=len(objects))
    kind, color = scene.kind.clone(), _apart(scene.color, objects)
    for slot, words in enumerate(objects):
        kind[0, slot] = _index(words, KINDS, int(kind[0, slot]))
    places = [word for words in said for word in words if word in PLACES]
    place = torch.tensor([_index(places, tuple(PLACES), int(scene.place[0]))])
    return np.asarray(render(_upright(replace(scene, kind=kind, color=color, place=place)))[0, 0])


def _index(words: list[str], names: tuple[str, ...], otherwise: int) -> int:
    """Where the first of the words that is a name stands among them."""
    return next((names.index(word) for word in words if word in names), otherwise)


def _apart(color: Tensor, objects: list[list[str]]) -> Tensor:
    """The colours that are said, and for the rest drawn ones that differ from them."""
    said = [_index(words, tuple(COLORS), -1) for words in objects]
    drawn = [index for index in color[0].tolist() if index not in said]
    drawn += [index for index in range(len(COLORS)) if index not in {*said, *drawn}]
    chosen = [index if index >= 0 else drawn.pop(0) for index in said]
    chosen += drawn[: color.shape[1] - len(chosen)]
    return torch.tensor([chosen])


def _upright(scene: Scenes) -> Scenes:
    """The same scene with critters that stand nearly straight, as they do once they move."""
    critter = (scene.kind == KINDS.index("critter"))[:, None]
    return replace(scene, angle=torch.where(critter, scene.angle.clamp(-12, 12), scene.angle))
