"""`target_places`: where a drag's handle should be, at the video frames of a block."""

from __future__ import annotations

from collections.abc import Iterator

from dragstream.drags.geometry import Affine
from dragstream.drags.motions import Motion, targets
from dragstream.stream.records import Block, Mode


def target_places(block: Block, motion: Motion) -> Iterator[tuple[int, Affine]]:
    """Yield the map to a drag's target at the last video frame of each latent frame of its block.

    Args:
        block: A dragged block.
        motion: The motion of one of its drags.

    Yields:
        The number of the video frame in the stream, and the map from rest in pixels.
    """
    if block.mode is Mode.EDIT:
        yield block.video_frames[-1], motion.at(1.0)
        return
    count = len(block.latent_frames)
    part, parts = block.part
    places = targets(motion, parts * count)[part * count : (part + 1) * count]
    # Latent frames divide the block's video frames evenly; only the first one of a stream is a
    # single video frame.
    alone = int(block.latent_frames[0] == 0 and count > 1)
    per_frame = (len(block.frames) - alone) // (count - alone)
    for number, place in enumerate(places, start=1):
        yield block.video_frames[-1] - (count - number) * per_frame, place
