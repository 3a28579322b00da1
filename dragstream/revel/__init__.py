"""The benchmark: cases (what to drag), methods (how), a sweep over both, and tables.

``python -m dragstream.revel playground --scenes 24 --seed 0 --json FILE`` measures the packaged
model on held-out scenes of its world.
"""

from __future__ import annotations
