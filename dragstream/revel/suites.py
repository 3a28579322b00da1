"""Sets of cases: the benchmark and parts of it, and files of cases.

The benchmark's cases are sampled on a model's video of their scenes (`sampling`), so they depend on
the model's weights. They are reproducible without files: the same weights, spec and seed give the
same case. `write_cases` stores sampled cases, or cases of other origin.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from dragstream.drags.checks import check_int
from dragstream.drags.files import expanded
from dragstream.revel.cases import PLANNED, Case, Kind
from dragstream.revel.folders import read_case_lines
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
        """Name of the case."""
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


SUITES = {
    "ablation": "the first 24 public cases, for the paper's ablations",
    "public": "the public half of the benchmark",
    "held-out": "the other half: choose nothing by it",
    "revel": "the whole benchmark",
}
"""The names that `suite` takes, with descriptions."""

ABLATION = 24
"""Cases of the suite "ablation": a whole round of the plan, and single drags of the next one."""


def suite(name: str, count: int | None = None) -> tuple[Case | CaseSpec, ...]:
    """The cases of a suite, or specs to draw them for.

    Args:
        name: one of `SUITES`, or a file that `write_cases` wrote.
        count: no more than the first so many; None: all.

    Raises:
        ValueError: neither a suite nor a file, or a damaged file.
    """
    specs = case_specs()
    halves = {split: [spec for spec in specs if spec.split is split] for split in Split}
    public, held_out = halves.values()
    known: dict[str, Sequence[Case | CaseSpec]] = {
        "ablation": public[:ABLATION],
        "public": public,
        "held-out": held_out,
        "revel": specs,
    }
    if name not in known and not expanded(name, "suite").is_file():
        raise ValueError(f"suite must be one of {list(SUITES)} or a file of cases, got {name!r}")
    found = known[name] if name in known else read_cases(name)
    if not found:
        raise ValueError(f"{str(name)!r} holds no case")
    return tuple(found if count is None else found[: check_int(count, "count", least=1)])


def read_cases(file: str | Path) -> tuple[Case, ...]:
    """The cases of a file of JSON lines; errors name the line."""
    place = expanded(file, "file")
    if not place.exists():
        raise FileNotFoundError(f"there is no file of cases {str(place)!r}")
    return read_case_lines(place)


def write_cases(file: str | Path, cases: Iterable[Case]) -> Path:
    """Write cases to a file, one a line; returns its path."""
    place = expanded(file, "file")
    lines = [json.dumps(case.to_json()) + "\n" for case in cases]
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text("".join(lines), encoding="utf-8")
    return place
