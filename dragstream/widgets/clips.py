"""`ClipSender`: sends clips to the page as JPEG messages, and drops those it has no time for."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from dragstream.widgets.still import jpeg

Frames = NDArray[np.uint8]

_UNDER_WAY = 2
"""Unconfirmed clips at which the next one is left out."""

_PATIENCE = 3.0
"""Seconds after which an unconfirmed clip counts as lost: the kernel was busy, or no page is
open."""


class ClipSender:
    """Sends clips and counts unconfirmed ones, so that a slow page never has a queue."""

    def __init__(
        self,
        send: Callable[[dict[str, object], list[bytes]], object],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._send = send
        self._clock = clock
        self._count = 0
        self._open: dict[int, float] = {}  # unconfirmed clips, and when they were sent
        self.left_out = 0

    @property
    def used(self) -> bool:
        """True once a clip was sent."""
        return self._count > 0

    @property
    def under_way(self) -> int:
        """Number of clips that the page has not confirmed yet."""
        return len(self._open)

    def play(self, frames: Sequence[Frames] | Frames, frame_rate: float) -> bool:
        """Send frames, to play at a rate in place of the previous clip; False if left out."""
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
        """Count a clip that the page has begun to show, and those before it, as arrived."""
        self._open = {number: sent for number, sent in self._open.items() if number > clip}
