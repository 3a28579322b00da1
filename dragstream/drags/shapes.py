"""Regions as values: shapes that are rasterised for a frame size.

A pixel belongs to a shape when its centre does. Shapes are frozen, compare by value and hash;
`|`, `&` and `-` combine them with one another and with boolean masks of shape (H, W).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from dragstream.drags.checks import (
    Point,
    Points,
    check_fields,
    check_int,
    check_pixels,
    check_point,
    check_size,
    read_points,
    set_fields,
)
from dragstream.drags.scan import fill_outline, fill_stroke

BoolMask = NDArray[np.bool_]


class Shape(ABC):
    """A part of the frame, rasterised for a frame size by `paint`."""

    # makes numpy pass `mask | shape` to the shape instead of trying element by element
    __array_ufunc__: ClassVar[None] = None

    @abstractmethod
    def paint(self, height: int, width: int) -> BoolMask:
        """The shape's pixels within a frame as a boolean mask (height, width), maybe empty."""

    def __or__(self, other: Shape | BoolMask) -> Shape:
        return _combine(Union, self, other)

    def __ror__(self, other: Shape | BoolMask) -> Shape:
        return _combine(Union, other, self)

    def __and__(self, other: Shape | BoolMask) -> Shape:
        return _combine(Intersection, self, other)

    def __rand__(self, other: Shape | BoolMask) -> Shape:
        return _combine(Intersection, other, self)

    def __sub__(self, other: Shape | BoolMask) -> Shape:
        return _combine(Difference, self, other)

    def __rsub__(self, other: Shape | BoolMask) -> Shape:
        return _combine(Difference, other, self)


Region = Shape | BoolMask
"""A region argument: a shape, or a boolean mask (H, W)."""


def as_shape(region: object) -> Shape:
    """A shape as it is, a boolean mask (H, W) as `Mask`."""
    if isinstance(region, Shape):
        return region
    if isinstance(region, np.ndarray):
        return Mask(region)
    raise TypeError(
        f"a region must be a shape (disc, box, polygon, brush, mask) or a boolean array (H, W), "
        f"got {type(region).__name__}"
    )


@dataclass(frozen=True, init=False)
class Disc(Shape):
    """The pixels at most `radius` pixels from `center` (x, y).

    Raises:
        ValueError: The radius is not positive, or a number is not finite.
    """

    center: Point
    radius: float

    def __init__(self, center: Sequence[float], radius: float) -> None:
        set_fields(self, center=check_point(center, "center"), radius=check_size(radius, "radius"))

    def paint(self, height: int, width: int) -> BoolMask:
        return fill_stroke(np.array([self.center]), self.radius, height, width)


@dataclass(frozen=True)
class Box(Shape):
    """The pixels with left <= x < right and top <= y < bottom.

    So `Box(10, 20, 30, 40)` is `mask[20:40, 10:30]`.

    Raises:
        ValueError: right <= left or bottom <= top, or a number is not finite.
    """

    left: float
    top: float
    right: float
    bottom: float

    def __post_init__(self) -> None:
        check_fields(self, **dict.fromkeys(self.__dataclass_fields__, check_pixels))
        if self.right <= self.left:
            raise ValueError(f"right must exceed left, got {self.right} <= {self.left}")
        if self.bottom <= self.top:
            raise ValueError(f"bottom must exceed top, got {self.bottom} <= {self.top}")

    def paint(self, height: int, width: int) -> BoolMask:
        rows, columns = np.ogrid[:height, :width]
        across = (columns >= self.left) & (columns < self.right)
        down = (rows >= self.top) & (rows < self.bottom)
        return np.asarray(across & down)


@dataclass(frozen=True, init=False)
class Polygon(Shape):
    """The pixels inside a closed outline (by the non-zero rule, so a lasso may cross itself).

    Pixels on a left or upper border belong to it, those on a right or lower one do not, so that
    polygons which share a border share no pixel.

    Args:
        points: At least three corners (x, y); the last joins the first.

    Raises:
        ValueError: There are fewer than three corners, or a number is not finite.
    """

    points: tuple[Point, ...]

    def __init__(self, points: Points) -> None:
        set_fields(self, points=read_points(points, "points", least=3))

    def paint(self, height: int, width: int) -> BoolMask:
        return fill_outline(np.array(self.points), height, width)


@dataclass(frozen=True, init=False)
class Brush(Shape):
    """The pixels at most `radius` pixels from a stroke; a single point is a dab.

    Args:
        points: At least one (x, y), joined by straight lines.
        radius: Half the width of the brush in pixels.

    Raises:
        ValueError: There is no point, the radius is not positive, or a number is not finite.
    """

    points: tuple[Point, ...]
    radius: float

    def __init__(self, points: Points, radius: float) -> None:
        set_fields(
            self, points=read_points(points, "points", least=1), radius=check_size(radius, "radius")
        )

    def paint(self, height: int, width: int) -> BoolMask:
        return fill_stroke(np.array(self.points), self.radius, height, width)


@dataclass(frozen=True, eq=False)
class Mask(Shape):
    """The true pixels of a boolean array (H, W), for frames of that size only.

    The array is copied and made read-only.
    """

    array: BoolMask

    def __post_init__(self) -> None:
        array: Any = self.array
        if not isinstance(array, np.ndarray) or array.dtype != np.bool_:
            kind = getattr(array, "dtype", type(array).__name__)
            raise TypeError(f"a mask must be a boolean array (H, W), got {kind}; try mask > 0")
        if array.ndim != 2 or array.size == 0:
            raise ValueError(f"a mask must have shape (H, W), got {array.shape}")
        copied = array.copy()
        copied.flags.writeable = False
        set_fields(self, array=copied)

    @classmethod
    def from_runs(cls, height: int, width: int, runs: Sequence[int]) -> Mask:
        """A mask from the lengths of equal pixels, row by row, as `runs` gives them."""
        height, width = check_int(height, "height", least=1), check_int(width, "width", least=1)
        lengths = read_runs(runs)
        if sum(lengths) != height * width:
            raise ValueError(
                f"runs must sum to {height} x {width} = {height * width}, got {sum(lengths)}"
            )
        values = np.arange(len(lengths)) % 2 == 1
        return cls(np.repeat(values, lengths).reshape(height, width))

    @property
    def runs(self) -> tuple[int, ...]:
        """The lengths of equal pixels, row by row, beginning with (maybe 0) False ones."""
        flat = self.array.ravel()
        changes = np.flatnonzero(flat[1:] != flat[:-1]) + 1
        lengths: list[int] = np.diff([0, *changes, flat.size]).tolist()
        return (0, *lengths) if flat[0] else tuple(lengths)

    def paint(self, height: int, width: int) -> BoolMask:
        """The mask itself."""
        if self.array.shape != (height, width):
            raise ValueError(
                f"a mask of shape {self.array.shape} does not fit frames of {(height, width)} "
                f"(height, width)"
            )
        return self.array

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Mask) and np.array_equal(self.array, other.array)

    def __hash__(self) -> int:
        return hash((self.array.shape, np.packbits(self.array).tobytes()))

    def __repr__(self) -> str:
        return f"<mask of shape {self.array.shape} with {int(self.array.sum())} pixels>"


@dataclass(frozen=True, init=False)
class Combination(Shape, ABC):
    """At least two shapes made into one; boolean masks (H, W) count as shapes."""

    _join: ClassVar[np.ufunc]

    of: tuple[Shape, ...]

    def __init__(self, of: Iterable[Region]) -> None:
        set_fields(self, of=tuple(as_shape(part) for part in of))
        if len(self.of) < 2:
            raise ValueError(f"a combination takes at least two regions, got {len(self.of)}")

    def paint(self, height: int, width: int) -> BoolMask:
        return reduce(self._join, (part.paint(height, width) for part in self.of))


@dataclass(frozen=True, init=False)
class Union(Combination):
    """The pixels in any of its parts."""

    _join: ClassVar[np.ufunc] = np.logical_or


@dataclass(frozen=True, init=False)
class Intersection(Combination):
    """The pixels in all of its parts."""

    _join: ClassVar[np.ufunc] = np.logical_and


@dataclass(frozen=True, init=False)
class Difference(Combination):
    """The pixels of the first part that are in none of the others."""

    _join: ClassVar[np.ufunc] = np.greater  # of booleans: true and not true


def read_runs(runs: Sequence[int]) -> list[int]:
    """The lengths of a mask's runs, checked in bulk, for there are many."""
    if set(map(type, runs)) <= {int} and min(runs, default=0) >= 0:
        return list(runs)
    return [check_int(run, f"runs[{index}]", least=0) for index, run in enumerate(runs)]


def _combine(kind: type[Combination], left: object, right: Any) -> Shape:
    # a | b | c is one union of three, since deep nesting slows documents down
    parts: tuple[Any, ...] = left.of if isinstance(left, kind) else (left,)
    return kind((*parts, right))
