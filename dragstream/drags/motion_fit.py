"""`fit_motion`: fits a translation, turn and growth to the tracks of a region's points."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dragstream.drags.checks import Point
from dragstream.drags.motions import Combined, Motion, Path, Rotation, Scale, Translation

_LEAST_SPREAD = 1.0
"""Points closer to their centre than so many pixels (root mean square) show no turn and no size."""
_FAR = 3.0
"""Points farther from the common similarity than so many times the median have been lost."""
_EXACT = 0.1  # pixels, an error that no tracker falls below
_PLANE = np.array([1, 1j])
_LEAST_SHIFT = 1e-3  # pixels
_LEAST_TURN = 0.05  # degrees
_LEAST_GROWTH = 1e-3  # of the size


def fit_motion(
    points: NDArray[np.float64],
    visible: NDArray[np.bool_],
    *,
    similarity: bool,
    center: Point | None = None,
) -> Motion:
    """The motion of points, pinned to each latent frame in which at least one is visible.

    In each frame it is the mean displacement, or the similarity with the least squared error, of
    the points that are visible there and at rest; for a similarity, points that lie far from the
    others' are left out. Turns and sizes are read where at least two points lie apart.

    Points have shape (L + 1, N, 2), in pixels, at rest and in L latent frames; `visible` is bool
    (L + 1, N). The result is a `Translation`; or with `similarity` those of a turn and a size about
    `center` (None: the points' centre) and a translation of it that differ from rest, `Combined`.
    """
    rest, held = points[0], visible[0]
    both = visible[1:] & held
    frames = 1 + np.flatnonzero(both.any(axis=1))
    if not len(frames):
        raise ValueError("no point is visible both at rest and later")
    middle = rest[held].mean(axis=0) if center is None else np.array(center)
    shifts, spins = [], []
    for frame in frames:
        seen = both[frame - 1]
        shift, spin = _common(rest[seen], points[frame][seen], middle, similarity=similarity)
        shifts.append(shift)
        spins.append(spin)
    pins = [0.0, *map(float, frames)]
    x, y = map(float, middle)
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
    if not similarity:
        return (moved - rest).mean(axis=0), 1.0 + 0.0j
    before, after = rest @ _PLANE, moved @ _PLANE
    middle = complex(*center)
    spin, shift = _similarity(before, after)
    away = np.abs(before * spin + shift - after)
    near = away <= _FAR * np.median(away) + _EXACT
    spin, shift = _similarity(before[near], after[near])
    end = middle * spin + shift - middle
    return np.array([end.real, end.imag]), spin


def _similarity(
    before: NDArray[np.complex128], after: NDArray[np.complex128]
) -> tuple[complex, complex]:
    """(a, b) of the map z to a z + b with the least squared error, of points x + iy."""
    old, new = before.mean(), after.mean()
    power = (np.abs(before - old) ** 2).sum()
    spin = 1.0 + 0.0j
    if power > len(before) * _LEAST_SPREAD**2:
        spin = complex(((before - old).conj() * (after - new)).sum() / power)
    return spin, complex(new - old * spin)
