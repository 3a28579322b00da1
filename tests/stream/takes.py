"""A stream with every kind of block in it, to save and to restore."""

import numpy as np

from dragstream.drags import regions
from dragstream.drags.motions import Deformation, Drag, Translation
from dragstream.method.settings import DragSettings
from dragstream.stream import Stream

MASK = np.zeros((32, 48), bool)
MASK[20:30, 30:44] = True


def filled(model, drags):
    """A stream with every kind of block in it."""
    image = np.arange(32 * 48 * 3, dtype=np.uint64).reshape(32, 48, 3).astype(np.uint8)
    stream = Stream(model, "red ball", seed=2**63 + 5, image=image)
    stream.step()
    stream.prompt = "blue ball slides"
    stream.animate(drags, blocks=2, keep=regions.box(0, 24, 12, 32) - MASK)
    memory = stream.remember(MASK)
    drag = Drag(regions.disc((14, 12), 6), Translation([(0, 0), (3, 4), (6, 0)]), memory)
    stream.edit([drag], settings=DragSettings.released(iterations=1))
    stream.animate([Drag(MASK, Deformation.by(0, -6))], settings=DragSettings.paper(focus=2))
    stream.prompt = "red ball jumps"
    return stream
