"""Quality of a pulled object against time, and how long a pull waits for its first picture."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from queue import Empty, SimpleQueue

import numpy as np
from numpy.typing import NDArray

from dragstream.drags.motions import Poses
from dragstream.method.base import DragMethod
from dragstream.revel.detection import Detection
from dragstream.revel.looks import identity
from dragstream.stream.events import BlockMade, Event
from dragstream.stream.live import LiveStream
from dragstream.stream.records import Block
from dragstream.stream.stream import Stream

__all__ = ["Quality", "block_quality", "quality_drift", "release_waits"]

SPAN = 5.0
"""Seconds at the beginning and at the end of a video that are compared."""
_STEP = 24.0
"""Pixels that the object is pulled by before it is let go."""
_LONGEST = 600.0
"""Seconds after which a picture is given up."""


@dataclass(frozen=True)
class Quality:
    """Quality of an object in one frame; NaN where it is not seen."""

    identity: float  # cosine of its features with those before the pull (`looks.identity`)
    colour: float  # euclidean distance of its mean colour from that before, grey levels (0..255)


def block_quality(
    before: NDArray[np.uint8],
    seen_before: Detection,
    frame: NDArray[np.uint8],
    seen: Detection | None,
) -> Quality:
    """Compare an object in a frame with itself before the pull."""
    if seen is None:
        return Quality(math.nan, math.nan)
    then, now = (
        shown[mask].mean(axis=0) for shown, mask in ((before, seen_before.mask), (frame, seen.mask))
    )
    return Quality(
        identity(before, seen_before.mask, frame, seen.mask), float(np.linalg.norm(now - then))
    )


def quality_drift(values: Sequence[float], seconds: float) -> float:
    """Mean of the last five seconds minus that of the first five: the drift of a quality.

    Returns:
        NaN for videos of less than ten seconds, and where a span has no figure.
    """
    count = round(SPAN / seconds)
    if count < 1 or len(values) < 2 * count:
        return math.nan
    first, last = (np.array(part) for part in (values[:count], values[-count:]))
    if np.isnan(first).all() or np.isnan(last).all():
        return math.nan
    return float(np.nanmean(last) - np.nanmean(first))


def release_waits(
    stream: Stream,
    seen: Detection,
    settings: DragMethod | None,
    count: int,
    rng: np.random.Generator,
) -> tuple[float, ...]:
    """Seconds from letting go of an object to the first picture that shows the pull.

    The stream plays as fast as the model can, with the object held. At a random moment within a
    block's time the hold moves by 24 pixels and is released.
    """
    return tuple(_wait(stream.fork(), seen, settings, float(rng.uniform())) for _ in range(count))


def _wait(stream: Stream, seen: Detection, settings: DragMethod | None, share: float) -> float:
    made: SimpleQueue[tuple[float, Block]] = SimpleQueue()

    def listen(event: Event) -> None:
        if isinstance(event, BlockMade):
            made.put((time.monotonic(), event.block))

    live = LiveStream(stream, math.inf)
    unsubscribe = live.subscribe(listen)
    try:
        (x, y), width = seen.center, seen.mask.shape[1]
        target = x + (_STEP if x < width / 2 else -_STEP)
        hold = live.hold(seen.mask, seen.center, settings=settings)
        live.start()
        _, first = made.get(timeout=_LONGEST)
        time.sleep(share * first.timings.total)
        hold.move_to(target, y)
        let_go = time.monotonic()
        hold.release()
        while True:
            shown, block = made.get(timeout=_LONGEST)
            if _asked_for(block, target):
                return shown - let_go
    except Empty:
        raise RuntimeError(f"no picture of the pull within {_LONGEST:g} seconds") from None
    finally:
        unsubscribe()
        live.stop()


def _asked_for(block: Block, x: float) -> bool:
    """True if a block was dragged to a place (x) by the only hold."""
    if not block.drags or not isinstance(block.drags[0].motion, Poses):
        return False
    motion = block.drags[0].motion
    return abs(motion.center[0] + motion.pose(1.0).dx - x) < 0.1  # recorded to a thousandth
