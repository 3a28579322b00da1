"""Methods to compare with, without training: each is passed in place of `DragSettings`.

They use the same streams and references as DragStream, without ADSR and SFSO:

    stream.animate(drags, settings=SGI2V())

- `SGI2V`: matches features within boxes to those of the first frame, and restores the high
  frequencies of the original latents.
- `DragVideo`: motion supervision and tracking of points in small steps, with a latent mask.
- `CutAndPaste`: the region's latents at the target, with no gradient and no freedom.
- `TimeToMove`: the same down to a noise level, from which the model denoises the region freely.
"""

from __future__ import annotations

from dragstream.method.baselines.cut_and_paste import CutAndPaste
from dragstream.method.baselines.drag_video import DragVideo
from dragstream.method.baselines.sg_i2v import SGI2V
from dragstream.method.baselines.time_to_move import TimeToMove

__all__ = ["SGI2V", "CutAndPaste", "DragVideo", "TimeToMove"]
