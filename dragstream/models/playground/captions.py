"""Captions of the playground: a closed vocabulary, and its text embeddings."""

from __future__ import annotations

import re

import torch
from torch import Tensor, nn

from dragstream.drags.checks import check_kind
from dragstream.models.playground.world import (
    CAMERA_MOTIONS,
    COLORS,
    KINDS,
    MOTIONS,
    PLACES,
    Scenes,
)

PHRASES = 4
"""Text tokens of a caption: one for each phrase, the rest empty."""

_SEPARATORS = ("and", "past", "beside", "behind", "before", "in", "on", "while")
_FILLERS = ("a", "an", "the")
_GREYS = ("gray", "grey")
"""A colour of no object: accepted, and leaves the colour open."""
_QUOTES = "\"'`´“”„‟‘’‚‛«»‹›"
"""Quotation marks, ignored around words."""
_MOTION_WORDS = tuple(dict.fromkeys(word for motion in MOTIONS for word in motion.split()))
_CAMERA_WORDS = ("camera", "pans")
VOCABULARY: tuple[str, ...] = (
    *COLORS,
    *KINDS,
    *_MOTION_WORDS,
    *PLACES,
    *_CAMERA_WORDS,
    *_SEPARATORS,
    *_FILLERS,
    *_GREYS,
)
_SILENT = (*_SEPARATORS, *_FILLERS, *_GREYS)
_MEANINGFUL = tuple(word for word in VOCABULARY if word not in _SILENT)
_PREPOSITIONS = {"room": "in a", "meadow": "in a", "beach": "on a", "snow": "in the"}


def caption(scenes: Scenes, index: int, *, place: bool = True) -> str:
    """Describe one scene: objects with their colours and motions, the place, a camera that pans."""
    phrases = []
    for slot in range(scenes.kind.shape[1]):
        if scenes.present[index, slot]:
            color = tuple(COLORS)[int(scenes.color[index, slot])]
            kind = KINDS[int(scenes.kind[index, slot])]
            motion = MOTIONS[int(scenes.motion[index, slot])]
            article = "an" if color[0] in "aeiou" else "a"
            phrases.append(f"{article} {color} {kind} {motion}")
    text = " and ".join(phrases)
    if place:
        name = tuple(PLACES)[int(scenes.place[index])]
        text += f" {_PREPOSITIONS[name]} {name}"
    if scenes.camera[index]:
        text += f" while the camera {CAMERA_MOTIONS[int(scenes.camera[index])]}"
    return text


def phrases(prompt: str) -> list[list[str]]:
    """Split a prompt into phrases of meaningful words.

    "a red critter slides right past a blue box" gives
    [["red", "critter", "slides", "right"], ["blue", "box"]]. Quotation marks of any kind are
    ignored, and so are "gray" and "grey", the colour of no object: they leave the colour open.
    """
    parts = re.findall(r"[^\s,.;]+", check_kind(prompt, str, "a prompt").lower())
    words = [word for part in parts if (word := part.strip(_QUOTES))]
    unknown = [word for word in words if word not in VOCABULARY]
    if unknown:
        raise ValueError(
            f"the playground does not know {', '.join(map(repr, dict.fromkeys(unknown)))}; "
            f"its words are: {', '.join(VOCABULARY)}"
        )
    found: list[list[str]] = [[]]
    for word in words:
        if word in _SEPARATORS:
            found.append([])
        elif word in _MEANINGFUL:
            found[-1].append(word)
    found = [phrase for phrase in found if phrase]
    if not found:
        raise ValueError(
            f"the prompt {prompt!r} says nothing; try 'a red critter slides right in a meadow'"
        )
    if len(found) > PHRASES:
        raise ValueError(
            f"at most {PHRASES} phrases fit into a prompt, got {len(found)} in {prompt!r}"
        )
    return found


def word_counts(prompts: list[str]) -> Tensor:
    """Count each meaningful word in each phrase: float32 (B, PHRASES, words)."""
    shape = (len(prompts), PHRASES, len(_MEANINGFUL))
    counts = torch.zeros(shape, dtype=torch.float32, device="cpu")
    for row, prompt in enumerate(prompts):
        for column, phrase in enumerate(phrases(prompt)):
            for word in phrase:
                counts[row, column, _MEANINGFUL.index(word)] += 1
    return counts


class CaptionEncoder(nn.Module):
    """A text encoder with one token per phrase: the sum of word vectors and a position vector.

    Binding a colour to its object would take a layer of a small transformer; one vector per phrase
    binds them already.
    """

    def __init__(self, text_dim: int) -> None:
        super().__init__()
        self.words = nn.Parameter(torch.randn(len(_MEANINGFUL), text_dim) * 0.5)
        self.places = nn.Parameter(torch.randn(PHRASES, text_dim) * 0.5)
        self.empty = nn.Parameter(torch.zeros(text_dim))

    def forward(self, counts: Tensor) -> Tensor:
        """Embed word counts (B, PHRASES, words) as (B, PHRASES, text_dim)."""
        used = counts.sum(dim=-1, keepdim=True) > 0
        filled: Tensor = counts @ self.words + self.places
        return torch.where(used, filled, self.empty)

    def silence(self) -> Tensor:
        """Return the embeddings (1, PHRASES, text_dim) of an empty caption."""
        return self.empty.detach().expand(1, PHRASES, -1)
