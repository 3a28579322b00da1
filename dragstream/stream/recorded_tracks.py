"""`recorded_tracks`: the drags that a stream went through, as point tracks over its video."""

from __future__ import annotations

import numpy as np

from dragstream.drags.checks import check_int
from dragstream.drags.tracks import Tracks, drags_to_tracks
from dragstream.stream.reader import StreamReader
from dragstream.stream.records import Block, Mode


def recorded_tracks(stream: StreamReader, *, points: int = 1) -> Tracks:
    """The commanded tracks of all animations in a stream.

    Each drag of each animation has its points, in the stream's order. They are visible from the
    frame that the drag was drawn on to the last frame that its animation made and the stream still
    has; before and after they stay where they begin and end. Edits have no tracks, since they take
    no time.

    Args:
        stream: A stream.
        points: Points of each drag: 1 for its handle point, more for points spread over its handle.

    Returns:
        Tracks of all video frames (T, N, 2), in pixels, at the model's frame rate.

    Raises:
        ValueError: No block of the stream comes from an animation.
    """
    count = check_int(points, "points", least=1)
    spec, blocks = stream.model.spec, stream.blocks
    length = len(stream.frames)
    places, seen = [], []
    for block in blocks:
        call = block.calls[0]
        if call.mode is not Mode.ANIMATE or call.part[0] != 0:
            continue
        # in a whole clip that is animated, the motion begins with the first latent frame
        drawn = block.first_frame - 1 if block.index else -spec.clock.temporal_factor
        latent_frames = call.part[1] * spec.frames_per_block
        made = drags_to_tracks(
            call.drags, spec.clock, latent_frames, spec.grid.height, spec.grid.width, points=count
        )
        shown = min(len(made.points), _end(blocks[block.index :]) - drawn)
        order = np.clip(np.arange(length) - drawn, 0, shown - 1)
        places.append(made.points[order])
        inside = (np.arange(length) >= drawn) & (np.arange(length) < drawn + shown)
        seen.append(made.visible[order] & inside[:, None])
    if not places:
        raise ValueError("no block of the stream comes from an animation: it has no tracks")
    return Tracks(np.concatenate(places, axis=1), np.concatenate(seen, axis=1), made.frame_rate)


def _end(blocks: tuple[Block, ...]) -> int:
    """The video frame after an animation that begins with the first of these blocks."""
    last = blocks[0]
    for number, block in enumerate(blocks):
        if block.calls[0].mode is not Mode.ANIMATE or block.calls[0].part[0] != number:
            break
        last = block
    return last.first_frame + len(last.frames)
