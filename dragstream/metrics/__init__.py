"""Metrics of drags: ObjMC, DAI, FVD, FID, LPIPS, drift and leak; each usable alone, on arrays.

- :mod:`~dragstream.metrics.objmc`: does the object follow the command (pixels)?
- :mod:`~dragstream.metrics.dai`: is what stood at the handle now at the target (latents)?
- :mod:`~dragstream.metrics.stability`: do the latents drift, and what changes elsewhere?
- :mod:`~dragstream.metrics.frechet`: how far apart are two sets of videos or pictures (FVD, FID)?
- :mod:`~dragstream.metrics.perceptual`: how different do two pictures look (LPIPS)?
- :mod:`~dragstream.metrics.masks`: is the object's mask at the target, and what was left behind?
- :mod:`~dragstream.metrics.appearance`: is it still itself, by a network's features?
- :mod:`~dragstream.metrics.trackers`: where points went, pluggable; also
  :mod:`~dragstream.metrics.cotracker`.
- :mod:`~dragstream.metrics.driving_video`: the motion of a region in a video, as a drag.
- :mod:`~dragstream.metrics.extractors`: the networks that make features, by name.

``python -m dragstream.metrics objmc --label FOLDER --video FILE`` measures a released label;
``dai``, ``fvd``, ``fid``, ``image-distance`` and ``lpips`` take files, too.
"""

from __future__ import annotations
