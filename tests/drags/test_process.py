from __future__ import annotations

import numpy as np

from dragstream.drags.process import peak_bytes, resident_bytes

MEBIBYTE = 2**20


def test_memory_is_that_of_this_process():
    before = resident_bytes()
    ballast = np.ones(64 * MEBIBYTE, np.uint8)
    after = resident_bytes()

    assert after - before > 0.9 * ballast.nbytes
    assert peak_bytes() >= after - MEBIBYTE
