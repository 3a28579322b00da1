"""Metrics of drags: ObjMC, DAI, FVD, FID, LPIPS, drift and leak; each usable alone, on arrays.

`objmc` asks whether the object follows the command (pixels), `dai` whether it is at the target now
(latents), `stability` what changes elsewhere, `frechet` how far apart two sets of videos or
pictures are, `perceptual` and `appearance` how different they look, `masks` what was left behind.
`trackers` follow points, `driving_video` makes drags of videos. `python -m dragstream.metrics`
takes files.
"""

from __future__ import annotations
