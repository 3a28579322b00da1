"""`Deformation`: the edge of a region moves along a path, the rest of it stays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from dragstream.drags.checks import Points, check_fraction, set_fields
from dragstream.drags.motions.along_path import PathMotion
from dragstream.drags.motions.base import Tip
from dragstream.drags.paths import Path, as_path
from dragstream.drags.regions import edge, span
from dragstream.drags.shapes import BoolMask

EDGE = 1 / 3
"""Default share of a region that counts as its edge."""


@dataclass(frozen=True, init=False)
class Deformation(PathMotion):
    """Pull the edge of a region along a path and leave the rest of it in place (App. J).

    The edge is the part of the region that lies farthest toward the pull, which is the direction
    from the path's start to its farthest point. The region should be the whole object.

    Args:
        path: A `Path`, or waypoints (x, y) of a smooth one.
        edge: The size of the edge, as a share of the region's size along the pull, in (0, 1]. 1 is
            for a region that is an edge already.

    Raises:
        TypeError, ValueError: Arguments that `Path` refuses, or an `edge` outside (0, 1].
    """

    kind: ClassVar[str] = "deformation"
    tip: ClassVar[Tip] = "bar"

    path: Path
    edge: float = EDGE

    def __init__(self, path: Path | Points, *, edge: float = EDGE) -> None:
        set_fields(self, path=as_path(path), edge=check_fraction(edge, "edge"))

    @classmethod
    def by(cls, dx: float, dy: float, ease: str = "linear", *, edge: float = EDGE) -> Deformation:
        """A straight pull by (dx, dy) pixels."""
        return cls(Path.polyline([(0.0, 0.0), (dx, dy)], ease), edge=edge)

    def handle(self, mask: BoolMask) -> BoolMask:
        """The edge of a region (H, W) toward the pull."""
        if self.edge == 1:
            return mask
        return edge(mask, self.path.reach, self.edge * span(mask, self.path.reach))
