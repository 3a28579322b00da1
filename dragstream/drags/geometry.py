"""Frame sizes (`Grid`), latent to video frames (`FrameClock`) and affine maps (`Affine`).

Pixel (x, y) with integer x and y is the *centre* of column x and row y: a frame of width W covers
x from -0.5 to W - 0.5. x runs to the right, y down, so an angle that is positive in these axes
turns clockwise on screen.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dragstream.drags.checks import (
    at_least,
    check_fields,
    check_finite,
    check_int,
    check_point,
    check_positive,
)

Row = tuple[float, float, float]


@dataclass(frozen=True)
class Grid:
    """The three sizes of a frame: video pixels, latents, transformer tokens.

    x and y have separate scales: every ratio is given for both axes.
    """

    height: int
    width: int
    latent_height: int
    latent_width: int
    token_height: int
    token_width: int

    def __post_init__(self) -> None:
        check_fields(self, **dict.fromkeys(self.__dataclass_fields__, at_least(1)))

    def cells(self, per_token: int) -> tuple[int, int]:
        """Rows and columns of maps with `per_token` cells per token along each axis."""
        return self.token_height * per_token, self.token_width * per_token

    @classmethod
    def of(
        cls, height: int, width: int, spatial_factor: int = 8, patch: tuple[int, int] = (2, 2)
    ) -> Grid:
        """The grid of a video of height x width pixels.

        Args:
            height: Video pixels.
            width: Video pixels.
            spatial_factor: Pixels per latent along each axis (the autoencoder's).
            patch: Latents per token as (rows, columns).

        Raises:
            ValueError: A size is no multiple of a token's; the message names it.
            TypeError: A size is not an integer.
        """
        height, width = check_int(height, "height", least=1), check_int(width, "width", least=1)
        factor = check_int(spatial_factor, "spatial_factor", least=1)
        rows, columns = (check_int(size, "patch", least=1) for size in patch)
        for name, size, unit in (
            ("height", height, factor * rows),
            ("width", width, factor * columns),
        ):
            if size % unit:
                raise ValueError(
                    f"{name} must be a multiple of {unit} pixels (one token), got {size}"
                )
        latent_height, latent_width = height // factor, width // factor
        return cls(
            height,
            width,
            latent_height,
            latent_width,
            latent_height // rows,
            latent_width // columns,
        )

    @property
    def pixels_per_latent(self) -> tuple[float, float]:
        """Video pixels per latent along (x, y)."""
        return self.width / self.latent_width, self.height / self.latent_height

    @property
    def pixels_per_token(self) -> tuple[float, float]:
        """Video pixels per token along (x, y)."""
        return self.width / self.token_width, self.height / self.token_height


@dataclass(frozen=True)
class FrameClock:
    """Latent frames <-> video frames of a causal video autoencoder.

    Latent frame 0 is one video frame, each further one `temporal_factor` video frames (Wan: 4).

    Args:
        temporal_factor: Video frames per latent frame after the first.
        frame_rate: Video frames per second.
    """

    temporal_factor: int
    frame_rate: float

    def __post_init__(self) -> None:
        check_fields(self, temporal_factor=at_least(1), frame_rate=check_positive)

    def video_frames(self, latent_frames: int) -> int:
        """Number of video frames that `latent_frames` latent frames decode to (0 for 0)."""
        count = check_int(latent_frames, "latent_frames", least=0)
        return 1 + self.temporal_factor * (count - 1) if count else 0

    def start(self, latent_frame: int) -> int:
        """The first video frame of a latent frame, both counted from 0."""
        return self.video_frames(latent_frame)

    def last(self, latent_frame: int) -> int:
        """The last video frame of a latent frame, both counted from 0."""
        return self.temporal_factor * check_int(latent_frame, "latent_frame", least=0)


@dataclass(frozen=True)
class Affine:
    """A map of points (x, y) in pixels: x' = a x + b y + c, y' = d x + e y + f."""

    matrix: tuple[Row, Row]

    def __post_init__(self) -> None:
        if [len(row) for row in self.matrix] != [3, 3]:
            raise ValueError(f"matrix must be 2 rows of 3 numbers, got {self.matrix!r}")
        rows = tuple(
            tuple(check_finite(value, "an entry of matrix") for value in row) for row in self.matrix
        )
        object.__setattr__(self, "matrix", rows)

    @classmethod
    def identity(cls) -> Affine:
        """The identity map."""
        return cls(((1.0, 0.0, 0.0), (0.0, 1.0, 0.0)))

    @classmethod
    def translation(cls, dx: float, dy: float) -> Affine:
        """A shift by (dx, dy) pixels."""
        return cls(((1.0, 0.0, dx), (0.0, 1.0, dy)))

    @classmethod
    def rotation(cls, center: Sequence[float], degrees: float) -> Affine:
        """A turn about `center` (x, y), clockwise on screen for positive `degrees`."""
        x, y = check_point(center, "center")
        angle = math.radians(check_finite(degrees, "degrees"))
        cos, sin = math.cos(angle), math.sin(angle)
        return cls(((cos, -sin, x - cos * x + sin * y), (sin, cos, y - sin * x - cos * y)))

    @classmethod
    def scaling(cls, center: Sequence[float], factor: float) -> Affine:
        """A growth about `center` (x, y), by a factor of lengths."""
        x, y = center
        return cls(((factor, 0.0, x - factor * x), (0.0, factor, y - factor * y)))

    @property
    def determinant(self) -> float:
        """The determinant: the factor by which areas grow."""
        (a, b, _), (d, e, _) = self.matrix
        return a * e - b * d

    def apply(self, points: ArrayLike) -> NDArray[np.float64]:
        """Map points of shape (..., 2) holding (x, y)."""
        array = np.asarray(points, dtype=np.float64)
        if array.shape[-1:] != (2,):
            raise ValueError(f"points must have shape (..., 2), got {array.shape}")
        matrix = np.asarray(self.matrix)
        moved: NDArray[np.float64] = array @ matrix[:, :2].T + matrix[:, 2]
        return moved

    def inverse(self) -> Affine:
        """The inverse map."""
        (a, b, c), (d, e, f) = self.matrix
        det = self.determinant
        if det == 0.0:
            raise ValueError(f"an affine map with determinant 0 has no inverse: {self.matrix!r}")
        return Affine(
            ((e / det, -b / det, (b * f - e * c) / det), (-d / det, a / det, (d * c - a * f) / det))
        )

    def then(self, other: Affine) -> Affine:
        """The composition: first this map, then `other`."""
        (a, b, c), (d, e, f) = self.matrix
        (p, q, r), (s, t, u) = other.matrix
        return Affine(
            (
                (p * a + q * d, p * b + q * e, p * c + q * f + r),
                (s * a + t * d, s * b + t * e, s * c + t * f + u),
            )
        )
