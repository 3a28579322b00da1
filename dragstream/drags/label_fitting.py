"""`fit_label`: a released label for a model with other frames than the label was drawn on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from PIL import Image

from dragstream.drags.checks import Point, check_int
from dragstream.drags.geometry import FrameClock, Grid
from dragstream.drags.labels import Label, Mode
from dragstream.drags.motions import Drag, Motion, Rotation, Translation
from dragstream.drags.shapes import BoolMask, Mask

__all__ = ["fit_label", "resize_mask"]


def fit_label(label: Label, grid: Grid, clock: FrameClock, frames_per_block: int) -> Label:
    """The label in frames and blocks of another model.

    Masks are resized, points and displacements scaled along x and y separately; angles stay. Each
    target keeps its latent frame, so that `blocks` counts blocks of the other model, the last of
    which may go on after the drag.

    Args:
        label: The label, as `read_label` gives it.
        grid: Frame size of the model.
        clock: Latent to video frames of the model.
        frames_per_block: Latent frames of a block of the model.

    Raises:
        ValueError: The labelled latent frame is not the last one of a block of the model.
    """
    size = check_int(frames_per_block, "frames_per_block", least=1)
    before = label.latent_frame + 1
    if before % size:
        raise ValueError(
            f"the label is drawn on latent frame {label.latent_frame}, which is not the last of a "
            f"block of {size} latent frames"
        )
    scale = (grid.width / label.width, grid.height / label.height)
    handles = [resize_mask(drag.mask(label.height, label.width), grid) for drag in label.drags]
    keep = None
    if label.keep is not None:
        kept = resize_mask(label.keep.array, grid) & ~np.any(handles, axis=0)
        keep = Mask(kept) if kept.any() else None
    drags = [
        Drag(Mask(handle), _scaled(drag.motion, scale))
        for handle, drag in zip(handles, label.drags, strict=True)
    ]
    deltas = (
        tuple(
            (delta[0] * scale[0], delta[1] * scale[1]) if isinstance(delta, tuple) else delta
            for delta in each
        )
        for each in label.deltas
    )
    longest = max(map(len, label.deltas))
    return replace(
        label,
        block=before // size,
        blocks=1 if label.mode is Mode.EDIT else -(-longest // size),
        drags=tuple(drags),
        keep=keep,
        deltas=tuple(deltas),
        height=grid.height,
        width=grid.width,
        video_frame=clock.last(label.latent_frame),
        start_frame=clock.start(before),
    )


def resize_mask(mask: BoolMask, grid: Grid) -> BoolMask:
    """A mask (H, W) at another frame size: the pixels of which it covers at least half.

    A region too small for that keeps the pixels of which it covers most.
    """
    if mask.shape == (grid.height, grid.width):
        return mask
    picture = Image.fromarray(mask.astype(np.float32))
    covered = np.asarray(picture.resize((grid.width, grid.height), Image.Resampling.BOX))
    return np.asarray(covered >= min(0.5, float(covered.max())))


def _scaled(motion: Motion, scale: Point) -> Motion:
    if isinstance(motion, Rotation):
        return Rotation(_scaled_point(motion.center, scale), motion.degrees, frames=motion.frames)
    if not isinstance(motion, Translation):
        raise TypeError(f"a label holds translations and rotations, got {motion!r}")
    path = motion.path
    points = tuple(_scaled_point(point, scale) for point in path.points)
    return Translation(replace(path, points=points))


def _scaled_point(point: Point, scale: Point) -> Point:
    """A point, whose integer coordinates are pixel centres, in a frame of another size."""
    return (point[0] + 0.5) * scale[0] - 0.5, (point[1] + 0.5) * scale[1] - 0.5
