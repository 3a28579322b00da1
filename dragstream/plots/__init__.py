"""Matplotlib plots of streams; each function takes and returns an Axes.

```python
ds.plots.filmstrip(stream)                              # the video, with its drags drawn over it
ds.plots.drift(stream, raw, labels=("ADSR", "without"))  # drift of the latents
ds.plots.loss(stream.blocks[-1])                        # the loss of each iteration of a drag
ds.plots.features(stream, block=3)                      # the model's features, by cutoff
ds.plots.focus(stream, drags)                           # the region of a drag's update
```

Without an Axes, each makes a new Figure, which a notebook shows when it ends a cell. Nothing here
uses pyplot, so plots may be drawn on any thread.
"""

from __future__ import annotations

from dragstream.plots.axes import COLOURS
from dragstream.plots.drift_chart import drift, loss
from dragstream.plots.feature_maps import features, focus
from dragstream.plots.filmstrips import filmstrip

__all__ = ["COLOURS", "drift", "features", "filmstrip", "focus", "loss"]
