"""`fit_motion`: the motion that the points of a region have in common."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dragstream.drags.motions import Combined, Motion, Path, Rotation, Scale, Translation

_LEAST_SPREAD = 1.0
"""Points closer to their centre than so many pixels (root mean square) show no turn and no size."""
_LEAST_SHIFT = 1e-3  # pixels
_LEAST_TURN = 0.05  # degrees
_LEAST_GROWTH = 1e-3  # of the size


def fit_motion(
    points: NDArray[np.float64], visible: NDArray[np.bool_], *, similarity: bool
) -> Motion:
    """The motion of points, pinned to each latent frame in which at least one is visible.

    In each frame it is the mean displacement, or the similarity with the least squared error, of
    the points that are visible there and at rest. Turns and sizes are read where at least two
    points lie apart.

    Args:
        points: Positions (x, y) in pixels, (L + 1, N, 2): at rest and in L latent frames.
        visible: Bool (L + 1, N).
        similarity: Fit a turn and a size too.

    Returns:
        A `Translation`; or with `similarity` those of a turn and a size about the points' centre
        and a translation of it that differ from rest, `Combined`.

    Raises:
        ValueError: Points that are hidden at rest or in all frames after it, or do not move.
    """
    rest, held = points[0], visible[0]
    both = visible[1:] & held
    frames = 1 + np.flatnonzero(both.any(axis=1))
    if not len(frames):
        raise ValueError("no point is visible both at rest and later")
    center = rest[held].mean(axis=0)
    shifts, spins = [], []
    for frame in frames:
        seen = both[frame - 1]
        shift, spin = _common(rest[seen], points[frame][seen], center, similarity=similarity)
        shifts.append(shift)
        spins.append(spin)
    pins = [0.0, *map(float, frames)]
    x, y = map(float, center)
    turns = np.degrees(np.unwrap(np.angle([1.0, *spins])))
    sizes = np.abs([1.0, *spins])
    parts: list[Motion] = []
    if np.abs(turns).max() > _LEAST_TURN:
        parts.append(Rotation((x, y), turns, frames=pins))
    if np.abs(np.log(sizes)).max() > _LEAST_GROWTH:
        parts.append(Scale((x, y), sizes, frames=pins))
    if np.linalg.norm(shifts, axis=1).max() > _LEAST_SHIFT:
        waypoints = [(x, y), *((x + float(dx), y + float(dy)) for dx, dy in shifts)]
        parts.append(Translation(Path.polyline(waypoints, frames=pins)))
    if not parts:
        raise ValueError("the points do not move")
    return parts[0] if len(parts) == 1 else Combined(parts)


def _common(
    rest: NDArray[np.float64],
    moved: NDArray[np.float64],
    center: NDArray[np.float64],
    *,
    similarity: bool,
) -> tuple[NDArray[np.float64], complex]:
    """The shift (x, y) of a centre, and the turn and size about it as a complex factor."""
    old, new = rest.mean(axis=0), moved.mean(axis=0)
    spin = 1.0 + 0.0j
    if similarity and len(rest) > 1:
        before, after = ((points - mean) @ (1, 1j) for points, mean in ((rest, old), (moved, new)))
        power = float((np.abs(before) ** 2).sum())
        if power > len(rest) * _LEAST_SPREAD**2:
            spin = complex((before.conj() * after).sum() / power)
    # the centre of all points, carried by the map of those that are visible
    away = complex((center - old) @ (1, 1j)) * spin
    return new + np.array([away.real, away.imag]) - center, spin
