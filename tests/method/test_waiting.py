"""Within an iteration the host waits for the device once: to read the record."""

from __future__ import annotations

import numpy as np
from torch.utils._python_dispatch import TorchDispatchMode

from dragstream.method.settings import DragSettings

WAITING = ("_local_scalar_dense", "nonzero", "equal", "is_nonzero", "item")


class Waits(TorchDispatchMode):
    """Notes operations for whose result the host would wait."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        name = func.name().partition("::")[2].partition(".")[0]
        if name in WAITING:
            self.seen.append(name)
        return func(*args, **(kwargs or {}))


def test_an_iteration_waits_for_its_record_only(scene):
    keep = np.zeros((64, 96), bool)
    keep[:, 80:] = True
    run = scene.run(DragSettings.paper(iterations=3), keep=keep)
    next(run)  # computes the targets
    with Waits() as waits:
        next(run)
        next(run)
    assert waits.seen == []  # the record itself is fetched as one list
