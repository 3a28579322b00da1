from __future__ import annotations

import mmap

from dragstream.drags.process import peak_bytes, resident_bytes

MEBIBYTE = 2**20


def test_memory_is_that_of_this_process():
    before = resident_bytes()
    with mmap.mmap(-1, 64 * MEBIBYTE) as ballast:  # never memory that was freed before
        ballast.write(b"x" * len(ballast))
        after = resident_bytes()
        peak = peak_bytes()

    assert after - before > 0.9 * 64 * MEBIBYTE
    assert peak >= after - MEBIBYTE
