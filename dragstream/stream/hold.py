"""`Hold`: a held object of a live stream, and its commanded position, angle and size."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from dragstream.drags.checks import Point, check_degrees, check_pixels
from dragstream.drags.geometry import Affine
from dragstream.drags.motions.scale import check_factor
from dragstream.drags.shapes import BoolMask, Shape
from dragstream.method.base import DragMethod
from dragstream.stream.events import HoldState
from dragstream.stream.records import Block

_MOST_MOVES = 256
"""Most moves that are kept between two blocks; beyond it, every other one is dropped."""


class HoldPose(NamedTuple):
    """Position of the held point, and turn and scale of the object about it, from the grip."""

    x: float
    y: float
    degrees: float = 0.0
    factor: float = 1.0


@dataclass(frozen=True, eq=False)
class Grip:
    """The reference of a hold: its object in the last frame of a block."""

    block: Block
    region: Shape  # the object's region in that frame
    mask: BoolMask  # the same as pixels, bool (H, W)
    pose: HoldPose  # the object's pose there

    def to(self, pose: HoldPose) -> Affine:
        """The map from the pixels of the grip's frame to a frame with the object in a pose."""
        x, y, degrees, factor = self.pose
        turned = Affine.rotation((x, y), pose.degrees - degrees)
        grown = Affine.scaling((x, y), pose.factor / factor)
        return turned.then(grown).then(Affine.translation(pose.x - x, pose.y - y))


class Hold:
    """A held object of a live stream, see `LiveStream.hold` and `pin`.

    Its methods only set values that the generating thread reads when a block comes to its drag
    step. They may be called from any thread, as often as a pointer moves, and return at once.
    """

    def __init__(
        self,
        number: int,
        grip: Grip,
        *,
        keep: Shape | None,
        settings: DragMethod,
        pinned: bool,
        on_release: Callable[[Hold], None],
    ) -> None:
        self.id = number
        self.grip = grip
        self.keep = keep
        self.settings = settings
        self.pinned = pinned
        self._on_release = on_release
        self._lock = threading.Lock()  # guards the attributes below
        self._active = True
        self._target = self._reached = grip.pose
        self._moves: list[HoldPose] = []  # since the last latch
        # In the block in progress, and in dropped ones before it:
        self._latched: list[HoldPose] = []
        self._moved_at: float | None = None
        self._used_at: float | None = None  # time of the newest latched move
        self._latency: float | None = None
        self._found = grip.pose
        self._region = grip.region

    # ---------------------------------------------------------------------- from any thread

    def move_to(self, x: float, y: float) -> None:
        """Set the target position (x, y) of the held point, in pixels.

        It may lie outside the frame, by up to one width or height; it is clamped to that.

        Raises:
            TypeError, ValueError: A coordinate that is not a finite number.
            RuntimeError: The hold was released.
        """
        height, width = self.grip.mask.shape
        x = min(max(check_pixels(x, "x"), -width), 2.0 * width)
        y = min(max(check_pixels(y, "y"), -height), 2.0 * height)
        self._set_target(x=x, y=y)

    def turn_to(self, degrees: float) -> None:
        """Set the target angle of the object about the held point, relative to the grip.

        Args:
            degrees: Clockwise on screen.

        Raises:
            TypeError, ValueError: An angle that is not a finite number.
            RuntimeError: The hold was released.
        """
        self._set_target(degrees=check_degrees(degrees, "degrees"))

    def scale_to(self, factor: float) -> None:
        """Set the target size of the object, scaled about the held point, relative to the grip.

        Args:
            factor: Of lengths, in [1/100, 100].

        Raises:
            TypeError, ValueError: A factor that is not a number in that range.
            RuntimeError: The hold was released.
        """
        self._set_target(factor=check_factor(factor, "factor"))

    def release(self) -> None:
        """Release the hold; calling it again does nothing.

        Moves that no block has used yet pull the next block, the last of this hold.
        """
        self._on_release(self)

    @property
    def active(self) -> bool:
        """False once it was released, also by a rewind, an error or the end of the live stream."""
        return self._active

    @property
    def position(self) -> Point:
        """The target position (x, y) of the held point, in pixels."""
        return self._target[:2]

    @property
    def degrees(self) -> float:
        """The target angle, relative to the grip, clockwise on screen."""
        return self._target.degrees

    @property
    def factor(self) -> float:
        """The target factor of lengths, relative to the grip."""
        return self._target.factor

    @property
    def at(self) -> Point:
        """The position (x, y) of the held point in the newest published frame, as far as known."""
        return self._found[:2]

    @property
    def region(self) -> Shape:
        """The held region in the newest published frame, as far as known."""
        return self._region

    @property
    def state(self) -> HoldState:
        """A consistent snapshot of the hold."""
        with self._lock:
            x, y, degrees, factor = self._target
            return HoldState(
                id=self.id,
                region=self._region,
                at=self._found[:2],
                position=(x, y),
                degrees=degrees,
                factor=factor,
                pinned=self.pinned,
                latency=self._latency,
            )

    def __repr__(self) -> str:
        x, y = self.at
        state = "" if self.active else ", released"
        return f"{'Pin' if self.pinned else 'Hold'}({self.id}, at ({x:.0f}, {y:.0f}){state})"

    def _set_target(self, **values: float) -> None:
        with self._lock:
            if not self._active:
                raise RuntimeError(f"{self!r} cannot move: take hold of the object again")
            self._target = self._target._replace(**values)
            self._moves.append(self._target)
            self._moved_at = time.monotonic()
            if len(self._moves) > _MOST_MOVES:
                self._moves = self._moves[::2]  # of an odd number: the newest stays

    # --------------------------------------------------------------------- from its live stream

    def deactivate(self) -> None:
        """Refuse further moves."""
        with self._lock:
            self._active = False

    @property
    def moved(self) -> bool:
        """True if there are moves that no published block has used."""
        with self._lock:
            return bool(self._moves or self._latched)

    def latch(self, frames: int) -> list[HoldPose]:
        """Return the target for each latent frame of a block: the newest one for the last frame.

        The frames before it divide the moves since the last published block into equal parts. If
        the block is dropped after this, its moves are left to the next.
        """
        with self._lock:
            if self._moves:
                self._used_at = self._moved_at
            self._latched, self._moves = [*self._latched, *self._moves], []
            path = (self._reached, *self._latched)
        x, y = self.grip.pose[:2]
        columns, rows = np.flatnonzero(self.grip.mask.any(0)), np.flatnonzero(self.grip.mask.any(1))
        reach = math.hypot(max(x - columns[0], columns[-1] - x), max(y - rows[0], rows[-1] - y))
        return divided(path, frames, reach)

    @property
    def found(self) -> HoldPose:
        """The object's pose in the newest published frame, as far as known."""
        return self._found

    def publish(self) -> None:
        """Record that the block with the latched poses was published."""
        with self._lock:
            self._reached = self._latched[-1] if self._latched else self._reached
            self._found = self._reached  # until `set_found`
            self._latched = []
            moved = self._used_at
            self._latency = None if moved is None else time.monotonic() - moved
            self._used_at = None

    def set_found(self, found: HoldPose, region: Shape) -> None:
        """Set the object's pose and region in the newest published frame."""
        with self._lock:
            self._found, self._region = found, region


def divided(path: Sequence[HoldPose], count: int, reach: float) -> list[HoldPose]:
    """Poses that divide a path into ``count`` parts of equal length, without its first pose.

    Turns and growth are measured at a distance of ``reach`` pixels from the held point.
    """
    lengths = [0.0]
    for first, last in pairwise(path):
        turn = reach * math.radians(last.degrees - first.degrees)
        growth = reach * math.log(last.factor / first.factor)
        lengths.append(lengths[-1] + math.hypot(*np.subtract(last[:2], first[:2]), turn, growth))
    stops = np.linspace(0.0, lengths[-1], count + 1)[1:]
    columns = [[each.x, each.y, each.degrees, math.log(each.factor)] for each in path]
    found = [np.interp(stops, lengths, column) for column in zip(*columns, strict=True)]
    points = [
        HoldPose(float(x), float(y), float(degrees), math.exp(growth))
        for x, y, degrees, growth in zip(*found, strict=True)
    ]
    return [*points[:-1], path[-1]]
