"""A folder in MoveBench's layout, as small as it can be."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

WIDTH, HEIGHT, FRAMES = 52, 32, 9
RUN = 16.0
"""Pixels that the first point goes right in all frames."""


def write_movebench(folder: Path, *, mask: bool = True) -> Path:
    """Two cases, "cat" and "dog": one point moves, another stays; returns the language's folder."""
    root = folder / "en"
    for name in ("first_frame", "first_frame_mask", "track/single"):
        (root / name).mkdir(parents=True)
    lines = []
    for number, name in enumerate(("cat", "dog")):
        lines.append(f"{name}.mp4,A {name}, sitting.\n")
        pixels = np.random.default_rng(number).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
        Image.fromarray(pixels).save(root / "first_frame" / f"{name}.jpg", quality=95)
        points = np.tile(np.array([[12.0, 16.0], [44.0, 8.0]]), (FRAMES, 1, 1))
        points[:, 0, 0] += np.linspace(0, RUN, FRAMES)
        # as a batch of one, as the benchmark may have it
        np.save(root / "track/single" / f"{name}_tracks.npy", points[None].astype(np.float32))
        seen = np.ones((1, FRAMES, 2), bool)
        np.save(root / "track/single" / f"{name}_visibility.npy", seen)
    (root / "single_track.txt").write_text("# two\n" + "".join(lines), encoding="utf-8")
    if mask:
        inside = np.zeros((HEIGHT, WIDTH), bool)
        inside[10:23, 6:19] = True
        Image.fromarray(inside).save(root / "first_frame_mask" / "cat.png")
    return root
