"""The benchmark of the packaged world: 204 numbered specs, each the description of a case.

A spec prescribes properties of its case; object, distance and direction are drawn on what a
model makes of the spec's scene (`sampling`), because a drag must lie on something that the model
drew. So specs are the same for all weights, and cases the same for the same weights.

Seventeen specs make a round:

| | |
|---|---|
| 1-8 | one drag: each of the four kinds (Appendix J), animated and edited |
| 9, 10 | two drags on two objects, animated and edited |
| 11, 12 | three drags: both sides of one object pulled apart, another one moved |
| 13, 14 | occlusion: an object is led in front of another, or past it |
| 15 | re-entry: an object is led out of the frame and back |
| 16, 17 | a stream of 20 seconds before the drag, animated and edited |

Even rounds are public, odd rounds held out: choose nothing by them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from dragstream.revel.cases import PLANNED, Kind
from dragstream.stream.records import Mode

ROUNDS = 12
_KINDS = PLANNED
_STRETCH_AND_MOVE = (Kind.DEFORMATION, Kind.DEFORMATION, Kind.TRANSLATION)


class Split(Enum):
    """Split of the cases: those for developing a method, and those held out."""

    PUBLIC = "public"
    HELD_OUT = "held-out"


class Feature(Enum):
    """A special property of a case."""

    TWO = "two-drags"
    THREE = "three-drags"
    OCCLUSION = "occlusion"
    REENTRY = "re-entry"
    LONG = "20-seconds"


@dataclass(frozen=True)
class CaseSpec:
    """A case to be drawn."""

    number: int  # number from 0: the scene's, and part of the seed of its draws
    split: Split  # public or held out
    mode: Mode  # `Mode.EDIT` or `Mode.ANIMATE`
    kinds: tuple[Kind, ...]  # kind of each drag
    feature: Feature | None  # its special property, or None
    blocks: int  # number of blocks of an animation

    @property
    def name(self) -> str:
        """Of the case that is drawn here."""
        what = self.kinds[0].value if self.feature is None else self.feature.value
        return f"{self.number:03d}-{self.mode.value}-{what}"


def _turn(number: int) -> tuple[tuple[Mode, tuple[Kind, ...], Feature | None, int], ...]:
    """One round of seventeen: mode, kinds, feature and blocks."""
    kind = _KINDS[number % len(_KINDS)]
    # Every other round gives its single drags, which take a block, two.
    blocks = 1 + (number // 2) % 2
    both = (Mode.ANIMATE, Mode.EDIT)
    singles = tuple((mode, (each,), None, blocks) for mode in both for each in _KINDS)
    return (
        *singles,
        *((mode, (Kind.TRANSLATION, kind), Feature.TWO, 1) for mode in both),
        *((mode, _STRETCH_AND_MOVE, Feature.THREE, 1) for mode in both),
        *((mode, (Kind.TRANSLATION,), Feature.OCCLUSION, 2) for mode in both),
        (Mode.ANIMATE, (Kind.TRANSLATION,), Feature.REENTRY, 3),
        *((mode, (kind,), Feature.LONG, 1) for mode in both),
    )


def case_specs() -> tuple[CaseSpec, ...]:
    """All specs, by number."""
    splits = tuple(Split)
    specs: list[CaseSpec] = []
    for turn in range(ROUNDS):
        for mode, kinds, feature, length in _turn(turn):
            blocks = length if mode is Mode.ANIMATE else 1
            split = splits[turn % len(splits)]
            specs.append(CaseSpec(len(specs), split, mode, kinds, feature, blocks))
    return tuple(specs)
