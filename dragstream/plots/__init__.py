"""Pictures of a stream: Axes in, Axes out.

```python
ds.plots.filmstrip(stream)                              # the video, with its drags drawn over it
ds.plots.drift(stream, raw, labels=("ADSR", "without"))  # how far the latents wander
ds.plots.loss(stream.blocks[-1])                        # what each iteration of a drag did
ds.plots.features(stream, block=3)                      # what the model sees, cutoff by cutoff
ds.plots.focus(stream, drags)                           # where the update of a drag acts
```

Each function draws into the Axes it is given and returns it. Given none, it makes a Figure of its
own, which a notebook shows when the Axes is the last line of a cell. Nothing here uses pyplot, so
plots may be drawn on any thread. Colours are Okabe and Ito's, told apart by the colour-blind too.
"""

from __future__ import annotations

from dragstream.plots.axes import COLOURS
from dragstream.plots.drift_chart import drift
from dragstream.plots.feature_maps import features, focus
from dragstream.plots.filmstrips import filmstrip
from dragstream.plots.loss_chart import loss

__all__ = ["COLOURS", "drift", "features", "filmstrip", "focus", "loss"]
