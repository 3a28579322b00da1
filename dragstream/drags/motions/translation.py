"""`Translation`: the whole region moves along a path."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from dragstream.drags.checks import Point, Points, check_point, set_fields
from dragstream.drags.motions.along_path import PathMotion
from dragstream.drags.paths import Path, as_path


@dataclass(frozen=True, init=False)
class Translation(PathMotion):
    """Move the whole region along a path, by the displacement from the path's start.

    Moving a part of an object, such as its face, turns it in depth (3D rotation, App. J).

    Args:
        path: A `Path`, or waypoints (x, y) of a smooth one.

    Raises:
        TypeError, ValueError: Arguments that `Path` refuses.
    """

    kind: ClassVar[str] = "translation"

    path: Path

    def __init__(self, path: Path | Points) -> None:
        set_fields(self, path=as_path(path))

    @classmethod
    def by(cls, dx: float, dy: float, ease: str = "linear") -> Translation:
        """A straight move by (dx, dy) pixels."""
        return cls(Path.polyline([(0.0, 0.0), (dx, dy)], ease))

    @classmethod
    def through(cls, displacements: Points, start: Point = (0.0, 0.0)) -> Translation:
        """A path from `start`, at `displacements[i]` (x, y) from it in latent frame i + 1."""
        x, y = check_point(start, "start")
        moved = [
            check_point(pair, f"displacements[{index}]") for index, pair in enumerate(displacements)
        ]
        stations = [(x, y), *((x + dx, y + dy) for dx, dy in moved)]
        return cls(Path.polyline(stations, frames=range(len(stations))))
