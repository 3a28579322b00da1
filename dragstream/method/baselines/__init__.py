"""Methods that DragStream is compared with: training-free optimisation without its own parts.

They share the stream, the features and the stepwise records of DragStream, and have neither ADSR
nor SFSO; that is how the paper compares them. Each is a value that goes where `DragSettings` does:

    stream.animate(drags, settings=SGI2V())

- `SGI2V`: boxes whose features agree with the first frame's; the original's high frequencies.
- `DragVideo`: small supervised steps of tracked points; a latent mask.
"""

from __future__ import annotations

from dragstream.method.baselines.drag_video import DragVideo
from dragstream.method.baselines.sg_i2v import SGI2V

__all__ = ["SGI2V", "DragVideo"]
