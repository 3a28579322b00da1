"""Moving pictures for the page: JPEG messages, of which only the newest count."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from dragstream.widgets.page import jpeg

Frames = NDArray[np.uint8]

_UNDER_WAY = 2
"""So many clips may be on their way before one that follows is left out."""

_PATIENCE = 3.0
"""Seconds after which a clip that nobody confirmed counts as lost: the kernel was busy, or no
page is open."""


class Projector:
    """Sends clips and keeps count of them, so that a slow page never has a queue before it.

    Args:
        send: Takes a message and its buffers, from any thread.
        clock: Seconds, for tests.
    """

    def __init__(
        self,
        send: Callable[[dict[str, object], list[bytes]], object],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._send = send
        self._clock = clock
        self._count = 0
        self._open: dict[int, float] = {}  # clips that nobody confirmed, and when they were sent
        self.left_out = 0

    @property
    def used(self) -> bool:
        """Was there ever a clip?"""
        return self._count > 0

    @property
    def under_way(self) -> int:
        """How many clips the page has not confirmed yet."""
        return len(self._open)

    def play(self, frames: Sequence[Frames] | Frames, frame_rate: float) -> bool:
        """Send frames to be shown at a rate instead of what is being shown; False if left out."""
        now = self._clock()
        self._open = {clip: sent for clip, sent in self._open.items() if now - sent < _PATIENCE}
        if len(self._open) >= _UNDER_WAY:
            self.left_out += 1
            return False
        self._count += 1
        self._open[self._count] = now
        message = {"type": "clip", "clip": self._count, "frame_rate": frame_rate}
        self._send(message, [jpeg(frame) for frame in frames])
        return True

    def confirm(self, clip: int) -> None:
        """The page has begun to show a clip: it and those before it are no longer under way."""
        self._open = {number: sent for number, sent in self._open.items() if number > clip}
