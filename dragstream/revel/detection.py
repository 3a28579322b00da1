"""Detection of the playground's objects by colour: ground truth of positions in generated video.

Each object has one of six saturated colours on a pale background, so it can be segmented in each
frame by itself, without the accumulating errors of optical flow.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import ConvexHull, QhullError

from dragstream.models.playground import world

_CHROMA = 0.33
"""Least range of a saturated pixel's channels, 0..1; the palest shaded object has 0.35."""
_PALE = 0.22
"""Largest range of the channels of an object's marks, which are white or dark."""
_HUE_REACH = 0.25
"""Largest distance of a pixel's hue from its object's, radians."""
_LIGHT = np.linspace(0.72, 1.28, 15)
"""Factors by which the world's light scales an object's colour across its surface."""
_BRIDGE = {"critter": 4, "box": 12, "star": 4}
"""Radius of the closing that joins the parts of an object, pixels; a box is cut by its stripe."""
ROUND = 0.04
"""Outlines with a smaller `harmonic` count as round."""
_SOLID = 0.8
"""Largest share of a star in its hull: stars have 0.62, boxes and balls nearly 1."""
MARKS = 10
"""Least area of marks (eyes, a stripe, a spot), pixels."""
_DARK = 100
"""Dark marks, the pupils, are below this in every channel, 0..255; other marks are white."""
_PUPILS = 40
"""Least number of dark pixels of eyes; fewer may belong to another object's outline."""
SPECK = 70
"""Smaller patches of colour, in pixels, are no object."""


@dataclass(frozen=True, eq=False)
class Detection:
    """An object detected in one frame."""

    mask: NDArray[np.bool_]  # bool (H, W), its silhouette with the marks on it filled in
    marks: NDArray[np.bool_]  # bool (H, W), white and dark marks inside: stripe, spot, eyes
    parts: tuple[int, ...]  # area of each separate part in pixels, largest first

    @property
    def center(self) -> tuple[float, float]:
        """Centre of the silhouette (x, y), pixels."""
        rows, columns = np.nonzero(self.mask)
        return float(columns.mean()), float(rows.mean())

    @property
    def area(self) -> int:
        """Area of the silhouette, pixels."""
        return int(self.mask.sum())


@lru_cache(maxsize=1)
def _hues() -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Hue angles (radians) of each colour under the world's light, and the colours' indices."""
    base = np.array(list(world.COLORS.values()), np.float64) / 255
    shades = np.minimum(base[:, None] * _LIGHT[:, None], 1.0)
    owner = np.repeat(np.arange(len(base)), len(_LIGHT))
    return _hue(shades).reshape(-1), owner


def _hue(colors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Angle of (..., 3) colours around the gray axis, radians."""
    red, green, blue = colors[..., 0], colors[..., 1], colors[..., 2]
    angle: NDArray[np.float64] = np.arctan2(math.sqrt(3) * (green - blue), 2 * red - green - blue)
    return angle


def colored(frame: NDArray[np.uint8], color: str) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Pixels of a colour of the world, and unsaturated pixels, bool (H, W) each."""
    if color not in world.COLORS:
        raise ValueError(f"the playground has the colours {sorted(world.COLORS)}, not {color!r}")
    # Reductions over three interleaved channels are slow; over planes they are not.
    planes = np.ascontiguousarray(np.moveaxis(np.asarray(frame), -1, 0))
    chroma = (planes.max(axis=0) - planes.min(axis=0)) / 255
    hues, owner = _hues()
    # Only saturated pixels have a hue worth comparing; they are few.
    saturated = chroma > _CHROMA
    turn = np.abs(_hue(planes[:, saturated].T / 255)[:, None] - hues)
    gap = np.minimum(turn, 2 * math.pi - turn)
    mine = np.zeros(chroma.shape, bool)
    mine[saturated] = (owner[gap.argmin(axis=1)] == list(world.COLORS).index(color)) & (
        gap.min(axis=1) < _HUE_REACH
    )
    return mine, chroma < _PALE


def detect(frame: NDArray[np.uint8], color: str, kind: str) -> Detection | None:
    """The object of a colour in a frame, uint8 (H, W, 3); None where there is none.

    `kind` (of ``world.KINDS``) decides how its marks are filled in.
    """
    if kind not in world.KINDS:
        raise ValueError(f"the playground has the kinds {world.KINDS}, not {kind!r}")
    mine, pale = colored(frame, color)
    closed = _closing(mine, _BRIDGE[kind])
    labels, count = ndimage.label(closed | mine, np.ones((3, 3)))
    mask = np.zeros_like(mine)
    parts = []
    for index in range(1, count + 1):
        part = mine & (labels == index)
        if part.sum() < SPECK:
            continue
        filled = ndimage.binary_fill_holes(part) if kind == "star" else _hull(part)
        parts.append(int(filled.sum()))
        mask |= filled
    if not parts:
        return None
    inner = ndimage.binary_erosion(mask, iterations=2)
    return Detection(mask, pale & inner, tuple(sorted(parts, reverse=True)))


def kind_of(frame: NDArray[np.uint8], color: str) -> str | None:
    """Kind of the object of a colour by its shape and marks: one of ``world.KINDS``, or None.

    Eyes identify a critter even if its outline is cut by the frame's edge or another object.
    """
    outline = detect(frame, color, "star")  # fills holes only, so that notches stay
    hull = detect(frame, color, "box")  # bridges the stripe
    if outline is None or hull is None:
        return None
    if (hull.marks & (frame.max(axis=-1) < _DARK)).sum() >= _PUPILS:
        return "critter"
    if len(outline.parts) == 1 and outline.parts[0] < _SOLID * hull.parts[0]:
        return "star"
    if abs(harmonic(hull.mask, 4)) >= ROUND:
        return "box"
    ball = detect(frame, color, "critter")
    return "critter" if ball is not None and ball.marks.sum() >= MARKS else None


def _closing(mask: NDArray[np.bool_], radius: int) -> NDArray[np.bool_]:
    """Morphological closing by a disc, through distances (quick for any radius)."""
    if not mask.any():
        return mask
    box = _bounds(mask)  # nothing is closed outside it
    padded = np.pad(mask[box], radius + 1)
    grown = ndimage.distance_transform_edt(~padded) <= radius
    closed = np.zeros_like(mask)
    inside = slice(radius + 1, -radius - 1)
    closed[box] = (ndimage.distance_transform_edt(grown) > radius)[inside, inside]
    return closed


def _bounds(mask: NDArray[np.bool_]) -> tuple[slice, slice]:
    """The smallest box (rows, columns) that holds all True pixels, of which there are some."""
    (box,) = ndimage.find_objects(mask.astype(np.int8))
    rows, columns = box
    return rows, columns


def _hull(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Convex hull of the True pixels' centres, as a mask."""
    rows, columns = np.nonzero(mask)
    try:
        hull = ConvexHull(np.stack([columns, rows], axis=1))
    except QhullError:  # all on one line
        return mask
    box = _bounds(mask)
    y, x = np.mgrid[box]
    filled = np.ones(y.shape, bool)
    for a, b, c in hull.equations:
        filled &= a * x + b * y + c <= 1e-9
    inside = np.zeros_like(mask)
    inside[box] = filled
    return inside


def face(seen: Detection) -> NDArray[np.bool_]:
    """The face of a critter, bool (H, W): hull of its marks, two pixels wider."""
    grown: NDArray[np.bool_] = ndimage.binary_dilation(_hull(seen.marks), iterations=2)
    return grown & seen.mask


def harmonic(mask: NDArray[np.bool_], folds: int) -> complex:
    """Strength and phase of a shape's symmetry under turns by 360 / folds degrees; 0 for a disc.

    The angle is `folds` times that of a corner. Squares and five-pointed stars have round second
    moments: others were stretched along their own axes, and whitening undoes that without a turn.
    """
    rows, columns = np.nonzero(mask)
    points = np.stack([columns, rows], axis=1).astype(np.float64)
    centered = points - points.mean(axis=0)
    values, vectors = np.linalg.eigh(np.cov(centered.T))
    white = centered @ (vectors / np.sqrt(values)) @ vectors.T
    radius = np.hypot(white[:, 0], white[:, 1])
    phase = np.exp(1j * folds * np.arctan2(white[:, 1], white[:, 0]))
    return complex((radius**4 * phase).sum() / (radius**4).sum())
