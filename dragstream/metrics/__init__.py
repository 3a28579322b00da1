"""How well a drag worked, in numbers: each metric usable alone, on arrays.

- :mod:`~dragstream.metrics.objmc`: does the object follow the command (pixels)?
- :mod:`~dragstream.metrics.dai`: is what stood at the handle now at the target (latents)?
- :mod:`~dragstream.metrics.stability`: do the latents drift, and what changes elsewhere?
- :mod:`~dragstream.metrics.trackers`: where points went, pluggable.

``python -m dragstream.metrics objmc --label FOLDER --video FILE`` measures a released label.
"""

from __future__ import annotations
