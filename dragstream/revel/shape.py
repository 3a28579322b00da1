"""Shape fidelity: comparison of an object with the renderer's object of its kind, fitted to it.

The world stretches, rotates and scales its objects, so every affine image of one is intact. The
residual of the best affine fit is damage, which colour, size and kind do not show.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from scipy.optimize import least_squares

from dragstream.models.playground import painting
from dragstream.models.playground.names import KINDS
from dragstream.revel.detection import SPECK, colored, detect

_MARGIN = 6
"""Pixels around an object that are compared."""
_RIM = 3
"""Margin around another object that may belong to either, pixels."""
_SEEN = 0.75
"""Least visible share of a fitted object for a judgement of its shape."""
_CUT = 0.3
"""Largest share of its outline at the frame's edge or at another object."""
_TURNS = 12
"""Initial angles of the fit, over half a turn."""
_TRIED = 2
"""Number of the best initial angles that are optimised."""
_RAY = np.linspace(0.0, 1.8, 181)
"""Positions on the ray through a corner, as factors of the corner's distance from the centre."""


@dataclass(frozen=True)
class Fidelity:
    """The likeness of an object's shape to the renderer's own."""

    iou: float  # of the object's pixels and the fitted object's
    corners: float | None  # mean distance from the fitted one's, pixels; None: critters


def fidelity(
    frame: NDArray[np.uint8], color: str, kind: str, others: tuple[tuple[str, str], ...] = ()
) -> Fidelity | None:
    """Fit the renderer's object to the visible pixels of that colour.

    None if less than three quarters of the object or 70 % of its outline is visible, because of
    the frame's edge or of `others`, (colour, kind) each.
    """
    mask = _silhouette(frame, color, kind)
    if mask is None:
        return None
    known = np.ones(mask.shape, bool)
    for each in others:
        if (seen := detect(frame, *each)) is not None:
            known &= ~ndimage.binary_dilation(seen.mask, iterations=_RIM)
    mask &= known
    if not mask.any() or _cut_share(mask, known) > _CUT:
        return None
    fit = _Fit(kind, mask, known)
    pose = fit.best()
    if fit.share_in_sight(pose) < _SEEN:
        return None
    return Fidelity(fit.iou(pose), fit.corner_distance(pose))


def _silhouette(frame: NDArray[np.uint8], color: str, kind: str) -> NDArray[np.bool_] | None:
    """The object's coloured pixels, marks filled in; None where there are none.

    A box's stripe is left open: it ends at the outline, and is part of the shape.
    """
    mine, _ = colored(frame, color)
    if kind not in KINDS:
        raise ValueError(f"the playground has the kinds {KINDS}, not {kind!r}")
    labels, count = ndimage.label(mine, np.ones((3, 3)))
    sizes = ndimage.sum_labels(mine, labels, np.arange(1, count + 1))
    whole: NDArray[np.bool_] = np.isin(labels, 1 + np.flatnonzero(sizes >= SPECK))
    if not whole.any():
        return None
    if kind == "box":
        return whole
    padded = np.pad(whole, 4)
    closed = ndimage.binary_closing(padded, iterations=2)  # eyes may touch the outline
    filled: NDArray[np.bool_] = ndimage.binary_fill_holes(closed)[4:-4, 4:-4]
    return filled


def _cut_share(mask: NDArray[np.bool_], known: NDArray[np.bool_]) -> float:
    """The share of a shape's outline that borders on hidden pixels."""
    outline = mask & ~ndimage.binary_erosion(mask)
    beyond = ndimage.binary_dilation(np.pad(~known, 1, constant_values=True), iterations=_MARGIN)
    return float((outline & beyond[1:-1, 1:-1]).sum() / outline.sum())


def _cover(kind: str, u: NDArray[np.float64], v: NDArray[np.float64], scale: float) -> torch.Tensor:
    """The share of each pixel that an object of a kind covers with its colour, 0..1."""
    own = torch.from_numpy(u), torch.from_numpy(v)
    cover = (painting.outline(kind, *own) * scale + 0.5).clamp(0, 1)
    if kind == "box":
        cover = cover * (1 - ((painting.STRIPE - own[0].abs()) * scale + 0.5).clamp(0, 1))
    return cover


@lru_cache(maxsize=8)
def _spread(kind: str) -> tuple[float, float]:
    """Standard deviations of a kind's coloured pixels along u and v, in radii."""
    axis = np.linspace(-1.3, 1.3, 261)
    u, v = np.meshgrid(axis, axis)
    cover = _cover(kind, u, v, 100.0).numpy()
    return tuple(float(np.sqrt((cover * part**2).sum() / cover.sum())) for part in (u, v))  # type: ignore[return-value]


class _Fit:
    """The fit of a kind's own shape to a mask, by affine maps (a b x; c d y) to pixels."""

    def __init__(self, kind: str, mask: NDArray[np.bool_], known: NDArray[np.bool_]) -> None:
        self.kind = kind
        self.mask = mask
        rows, columns = np.nonzero(mask)
        self.center = np.array([columns.mean(), rows.mean()])
        self.covariance = np.cov(np.stack([columns, rows])) + 0.1 * np.eye(2)
        height, width = mask.shape
        y, x = np.mgrid[
            max(rows.min() - _MARGIN, 0) : min(rows.max() + _MARGIN + 1, height),
            max(columns.min() - _MARGIN, 0) : min(columns.max() + _MARGIN + 1, width),
        ]
        self.x, self.y = x.astype(np.float64), y.astype(np.float64)
        self.wanted = mask[y, x].astype(np.float64)
        self.known = known[y, x]
        self.whole = known

    def cover(
        self, pose: NDArray[np.float64], x: NDArray[np.float64], y: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """The share of the pixels at (x, y) that the object covers under a pose (6,)."""
        a, b, c, d, shift_x, shift_y = pose
        size = a * d - b * c
        if abs(size) < 1.0:
            return np.zeros_like(x)
        dx, dy = x - shift_x, y - shift_y
        u, v = (d * dx - b * dy) / size, (a * dy - c * dx) / size
        covered: NDArray[np.float64] = _cover(self.kind, u, v, math.sqrt(abs(size))).numpy()
        return covered

    def residual(self, pose: NDArray[np.float64]) -> NDArray[np.float64]:
        """The covered less the wanted share, at the pixels that count."""
        excess = self.cover(pose, self.x, self.y) - self.wanted
        counted: NDArray[np.float64] = excess[self.known]
        return counted

    def best(self) -> NDArray[np.float64]:
        """The best pose, optimised from several angles: moments do not determine the angle."""
        values, vectors = np.linalg.eigh(self.covariance)
        root = (vectors * np.sqrt(values)) @ vectors.T
        starts = []
        for angle in np.arange(_TURNS) * math.pi / _TURNS:
            cos, sin = math.cos(angle), math.sin(angle)
            turned = root @ np.array([[cos, -sin], [sin, cos]]) / np.array(_spread(self.kind))
            starts.append(np.concatenate([turned.ravel(), self.center]))
        starts.sort(key=lambda pose: float(np.square(self.residual(pose)).sum()))
        ends = [
            least_squares(self.residual, start, diff_step=1e-3, x_scale="jac", max_nfev=40)
            for start in starts[: 1 if self.kind == "critter" else _TRIED]
        ]
        found: NDArray[np.float64] = min(ends, key=lambda end: float(end.cost)).x
        return found

    def iou(self, pose: NDArray[np.float64]) -> float:
        """Intersection over union with the fitted object, at the pixels that count."""
        covered = self.cover(pose, self.x, self.y) > 0.5
        mine = self.wanted > 0.5
        either = ((covered | mine) & self.known).sum()
        return float(((covered & mine) & self.known).sum() / either)

    def share_in_sight(self, pose: NDArray[np.float64]) -> float:
        """The visible share of the fitted object."""
        a, b, c, d, shift_x, shift_y = pose
        axis = np.linspace(-1.3, 1.3, 131)
        u, v = np.meshgrid(axis, axis)
        inside = _cover(self.kind, u, v, 50.0).numpy() > 0.5
        columns = np.round(a * u + b * v + shift_x)[inside].astype(np.int64)
        rows = np.round(c * u + d * v + shift_y)[inside].astype(np.int64)
        height, width = self.whole.shape
        within = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
        seen = self.whole[rows[within], columns[within]].sum()
        return float(seen / max(len(rows), 1))

    def corner_distance(self, pose: NDArray[np.float64]) -> float | None:
        """Mean distance of the object's corners from the fitted object's; None without any.

        It is measured along the rays from the centre through the fitted corners, to the object's
        last pixel. Hidden corners do not count.
        """
        a, b, c, d, shift_x, shift_y = pose
        height, width = self.mask.shape
        distances = []
        for u, v in painting.corners(self.kind).double().tolist():
            reach = np.array([a * u + b * v, c * u + d * v])
            points = np.array([shift_x, shift_y]) + _RAY[:, None] * reach
            columns, rows = np.round(points).astype(np.int64).T
            within = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
            corner = int(np.abs(_RAY - 1).argmin())
            if not within[corner] or not self.whole[rows[corner], columns[corner]]:
                continue
            on = np.zeros(len(_RAY), bool)
            on[within] = self.mask[rows[within], columns[within]]
            last = _RAY[np.flatnonzero(on)[-1]] if on.any() else 0.0
            distances.append(abs(last - 1) * float(np.hypot(*reach)))
        return float(np.mean(distances)) if distances else None
