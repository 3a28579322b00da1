"""A canvas without a page, for the tests beside this file."""

from __future__ import annotations

import numpy as np
import pytest

from dragstream.widgets import DragCanvas


@pytest.fixture
def frame():
    rows, columns = np.mgrid[:128, :192]
    return np.stack([columns, rows, 0 * rows + 90], axis=-1).astype(np.uint8)


@pytest.fixture
def canvas(frame):
    """A canvas that keeps its messages to the page in `sent`."""
    made = DragCanvas(frame)
    made.sent = []
    made.send = lambda content, *_: made.sent.append(content)
    return made
