"""Metrics of drags: ObjMC, DAI, FVD, FID, LPIPS, drift and leak; each usable alone, on arrays.

`objmc` measures the distance of an object from its commanded path (pixels), `dai` that of its
latents at the target, `stability` changes elsewhere, `frechet` the distance of two sets of videos
or pictures, `perceptual` and `appearance` the difference of pictures, `masks` overlap and
duplicates of objects. `trackers` follow points, `driving_video` makes drags of videos.
`python -m dragstream.metrics` reads files.
"""

from __future__ import annotations
