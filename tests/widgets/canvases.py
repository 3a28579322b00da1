"""Drags for a canvas of 192 x 128 pixels, and the picture that it shows."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

import dragstream as ds

DISC = ds.regions.disc(center=(60, 50), radius=10)
MOVE = ds.Drag(DISC, ds.Translation.by(20, 5))
TURN = ds.Drag(ds.regions.box(100, 30, 120, 50), ds.Rotation((110, 40), degrees=45))
LOOK = {"colour": 3, "muted": False, "arm": None}


def shown(canvas):
    return np.asarray(Image.open(io.BytesIO(canvas.frame)))
