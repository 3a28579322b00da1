"""Files of tracks that are damaged, or would take all memory: a ValueError with the file's name."""

from __future__ import annotations

import io
import struct
import zipfile

import numpy as np
import pytest
import torch

from dragstream.drags import movebench
from dragstream.drags.geometry import FrameClock
from dragstream.drags.track_files import read_tracks
from dragstream.drags.tracks import Tracks, tracks_to_drags
from tests.drags.movebench_folder import write_movebench


def npy(array):
    stored = io.BytesIO()
    np.save(stored, array)
    return stored.getvalue()


def header(shape):
    """A .npy of which nothing but the header is there."""
    text = repr({"descr": "<f8", "fortran_order": False, "shape": shape}).encode()
    return npy_of(text)


def npy_of(text):
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text) + 1) + text + b"\n"


def zipped(kind=zipfile.ZIP_DEFLATED, **members):
    stored = io.BytesIO()
    with zipfile.ZipFile(stored, "w", kind) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return stored.getvalue()


def pickled(content):
    stored = io.BytesIO()
    torch.save(content, stored)
    return stored.getvalue()


GOOD = npy(np.zeros((5, 2, 2)))
WHOLE = zipped(**{"tracks.npy": GOOD})
ABSURD = header((2**40, 2, 2))


def packed_badly():
    data = bytearray(zipped(zipfile.ZIP_LZMA, **{"tracks.npy": GOOD}))
    start = data.find(b"tracks.npy") + 18
    data[start : start + 8] = b"\xff" * 8
    return bytes(data)


DAMAGE = {
    "empty": b"",
    "junk": b"junk",
    "zeros": bytes(1000),
    "a constant": b"NaN",
    "deep": b"[" * 200_000,
    "cut short": GOOD[:-5],
    "an absurd shape": ABSURD,
    "an open string in the header": npy_of(b"'''"),
    "a deep header": npy_of(b"-" * 9000),
    "an archive": WHOLE,
    "an archive cut short": WHOLE[:-10],
    "no array in an archive": zipped(tracks=b"hello"),
    "an absurd shape in an archive": zipped(**{"tracks.npy": ABSURD}),
    "packed badly": packed_badly(),
    "a file by torch": pickled({"a": torch.zeros(2)}),
    "no npz in it": pickled(b"hello"),
    "no array in its npz": pickled(zipped(array=b"hello")),
    "an absurd shape in its npz": pickled(zipped(**{"array.npy": ABSURD})),
    "a number too large": b'[{"x":1e400,"y":0}]',
}


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("suffix", [".npy", ".npz", ".json", ".pth"])
def test_damaged_tracks_are_named(tmp_path, suffix, damage):
    file = tmp_path / f"dots{suffix}"
    file.write_bytes(DAMAGE[damage])
    if (suffix, damage) == (".npz", "an archive"):
        assert len(read_tracks(file).points) == 5
        return
    with pytest.raises(ValueError, match=r"dots\.") as caught:
        read_tracks(file)
    assert len(str(caught.value)) < 600


@pytest.mark.parametrize("damage", DAMAGE)
def test_damaged_visibility_is_named(tmp_path, damage):
    (tmp_path / "dots.npy").write_bytes(GOOD)
    (tmp_path / "seen.npy").write_bytes(DAMAGE[damage])
    with pytest.raises(ValueError, match=r"seen\.npy"):
        read_tracks(tmp_path / "dots.npy", visibility=tmp_path / "seen.npy")


@pytest.mark.parametrize("suffix", [".npz", ".pth"])
def test_what_would_be_unpacked_is_counted_before(tmp_path, in_its_own_process, suffix):
    file = tmp_path / f"dots{suffix}"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        with archive.open("archive/data.pkl", "w") as member:
            for _ in range(2**5 + 1):
                member.write(bytes(2**23))
        archive.writestr("archive/version", "3\n")
    assert file.stat().st_size < 2**21
    taken, said = in_its_own_process(
        f"read_tracks({str(file)!r})", "import torch\nfrom dragstream.drags import read_tracks"
    )
    assert file.name in said
    assert "more than 268435456 bytes" in said
    assert taken < 100


def test_points_in_json_have_a_limit_of_their_own(tmp_path):
    file = tmp_path / "dots.json"
    file.write_bytes(b"[" + b"[]," * (2**24 // 3) + b"[]]")
    with pytest.raises(ValueError, match=r"dots\.json: it has more than 16777216 bytes"):
        read_tracks(file)


def test_thousands_of_points_are_no_drags():
    tracks = Tracks(np.zeros((2, 4097, 2)))
    with pytest.raises(ValueError, match="at most 4096 points move discs, got 4097: give regions"):
        tracks_to_drags(tracks, FrameClock(1, 8.0), radius=4)


def test_all_tracks_of_a_folder_are_within_one_budget(tmp_path, monkeypatch):
    root = write_movebench(tmp_path)
    assert len(movebench.read_movebench(tmp_path)) == 2
    monkeypatch.setattr(movebench, "MOST_NUMBERS", 50)  # a case has 36
    with pytest.raises(ValueError, match=r"dog_tracks\.npy: at most 50 coordinates"):
        movebench.read_movebench(root)
