"""Write path_cases.json, which holds the front end to the sampling of `dragstream.drags.paths`.

Run it from the repository's root after a change that is meant to change paths:

    python tests/drags/make_path_cases.py

Format: {"paths": [{"path": P, "length": pixels, "reach": [x, y], "at": [[fraction, x, y], ...]}],
"rotations": [{"motion": M, "at": [[fraction, degrees], ...]}]}, P and M as in the drags' JSON.
"""

from __future__ import annotations

import json
from pathlib import Path as FilePath
from typing import Any

from dragstream.drags import Drag, Path, Rotation, Translation
from dragstream.drags.documents import to_json
from dragstream.drags.paths import EASINGS
from dragstream.drags.regions import disc

FILE = FilePath(__file__).with_name("path_cases.json")

FRACTIONS = (0.0, 0.01, 0.1, 1 / 6, 0.25, 1 / 3, 0.5, 0.6180339887, 0.75, 0.9, 0.999, 1.0)

RELEASED = [(625, 262), (662, 360), (724, 349)]
ZIGZAG = [(20, 20), (60, 90.5), (100, 10), (130.25, 70), (170, 64)]
LOOP = [(50, 50), (90, 20), (120, 60), (90, 100), (60, 80), (50, 50)]
HALT = [(10, 10), (40, 10), (40, 10), (40, 60)]
SQUIGGLE = [(5 * n, 60 + 40 * (-1) ** n / (1 + n % 4)) for n in range(30)]

PATHS = (
    Path([(3, 4), (60, 80)]),
    Path(RELEASED),
    Path([(0, 0), (10, 60), (80, 90), (120, -20)]),
    *(Path(ZIGZAG, ease=ease) for ease in EASINGS),
    Path(LOOP),
    Path(HALT),
    Path(SQUIGGLE),
    Path.polyline(ZIGZAG),
    Path.polyline(LOOP, ease="ease_in_out"),
    Path.polyline(HALT),
    Path.polyline([(0, 0), (30, 40), (90, 40)], frames=[0, 4, 6]),
    Path.polyline(HALT, frames=[0, 1, 4.5, 6], ease="ease_out"),
    Path([(3, 4), (60, 80)], frames=[0, 3], ease="ease_in"),
    Path(RELEASED, frames=[0, 1, 6]),
    Path([(0, 0), (10, 60), (80, 90), (120, -20)], frames=[0, 2, 3, 6]),
    Path(ZIGZAG, frames=[0, 1, 4, 5, 9], ease="ease_in_out"),
    Path(SQUIGGLE, frames=range(30)),
)

ROTATIONS = (
    Rotation((64, 40), 45),
    Rotation((64, 40), -270.5, ease="ease_in_out"),
    Rotation((64, 40), [10, 45]),
    Rotation((64, 40), [0, 0, 90, -30], ease="ease_out"),
    Rotation((64, 40), [20, 30, 90], frames=[0, 1, 4, 6], ease="ease_in"),
)


def cases() -> dict[str, Any]:
    """All cases as the file holds them."""
    return {
        "paths": [_path_case(path) for path in PATHS],
        "rotations": [_rotation_case(rotation) for rotation in ROTATIONS],
    }


def _path_case(path: Path) -> dict[str, Any]:
    drag = Drag(disc((0, 0), 1), Translation(path))
    return {
        "path": to_json([drag])["drags"][0]["motion"]["path"],
        "length": path.length,
        "reach": list(path.reach),
        "at": [[fraction, *path.at(fraction)] for fraction in FRACTIONS],
    }


def _rotation_case(rotation: Rotation) -> dict[str, Any]:
    return {
        "motion": to_json([Drag(disc((0, 0), 1), rotation)])["drags"][0]["motion"],
        "at": [[fraction, rotation.angle(fraction)] for fraction in FRACTIONS],
    }


if __name__ == "__main__":
    FILE.write_text(json.dumps(cases(), indent=1) + "\n")
