"""An ffmpeg that is missing, broken or out of room: what was there stays, and is said."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from dragstream.stream.mp4 import FFmpegError
from dragstream.stream.video import Clip, to_gif, to_mp4

FRAMES = np.random.default_rng(0).integers(0, 256, (6, 32, 48, 3), dtype=np.uint8)


def script(tmp_path, body):
    """A program in place of ffmpeg."""
    program = tmp_path / "bin" / "ffmpeg"
    program.parent.mkdir()
    program.write_text(f"#!{sys.executable}\nimport sys\n{body}\n")
    program.chmod(0o755)
    return str(program)


WITHOUT_X264 = """
print("Unknown encoder 'libx264'", file=sys.stderr)
sys.exit(1)
"""
NO_ROOM = """
open(sys.argv[-1], "wb").write(b"half a film")
sys.stdin.buffer.read()
print("av_interleaved_write_frame(): No space left on device", file=sys.stderr)
sys.exit(228)
"""
KILLED = """
import os, signal
open(sys.argv[-1], "wb").write(b"half a film")
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture(params=["missing", "not executable", "no x264", "no room", "killed"])
def broken(request, tmp_path, monkeypatch):
    """What a broken ffmpeg is expected to be said of it."""
    plain = tmp_path / "plain"
    plain.write_text("not a program")
    program, said = {
        "missing": lambda: ("/nowhere/ffmpeg", "No such file"),
        "not executable": lambda: (str(plain), "Permission denied"),
        "no x264": lambda: (script(tmp_path, WITHOUT_X264), "Unknown encoder 'libx264'"),
        "no room": lambda: (script(tmp_path, NO_ROOM), "No space left on device"),
        "killed": lambda: (script(tmp_path, KILLED), "status -9"),
    }[request.param]()
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", program)
    return said


def test_a_film_is_whole_or_not_at_all(broken, tmp_path):
    folder = tmp_path / "films"
    folder.mkdir()
    film = folder / "take.mp4"
    with pytest.raises(FFmpegError, match=broken) as caught:
        to_mp4(FRAMES, film, 8)
    assert "ends in .gif, works without ffmpeg" in str(caught.value)
    assert list(folder.iterdir()) == []
    film.write_bytes(b"the good film")
    with pytest.raises(RuntimeError, match=broken):
        to_mp4(FRAMES, film, 8)
    assert film.read_bytes() == b"the good film"
    assert list(folder.iterdir()) == [film]


def test_notebooks_get_a_gif(broken):  # noqa: ARG001
    clip = Clip.of(FRAMES, 8)
    assert clip.mime == "image/gif"
    assert clip.data.startswith(b"GIF89a")


def test_without_any_ffmpeg_notebooks_get_a_gif(monkeypatch, tmp_path):
    def nothing():
        raise RuntimeError("No ffmpeg exe could be found.")

    monkeypatch.setattr("imageio_ffmpeg.get_ffmpeg_exe", nothing)
    assert Clip.of(FRAMES, 8).mime == "image/gif"
    with pytest.raises(FFmpegError, match=r"No ffmpeg exe .* ends in \.gif"):
        to_mp4(FRAMES, tmp_path / "a.mp4", 8)


LIMITED = """
import resource, sys
import numpy as np
from dragstream.stream.video import to_gif, to_mp4
frames = np.random.default_rng(0).integers(0, 256, (24, 160, 256, 3), dtype=np.uint8)
resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))
try:
    {"mp4": to_mp4, "gif": to_gif}[sys.argv[1][-3:]](frames, sys.argv[1], 8)
except (RuntimeError, OSError) as error:
    sys.exit(f"refused: {error}")
"""


@pytest.mark.parametrize("kind", ["mp4", "gif"])
def test_a_disk_that_is_full_leaves_the_good_file(tmp_path, kind):
    """The real ffmpeg, in a process whose files may not grow."""
    film = tmp_path / f"take.{kind}"
    film.write_bytes(b"the good film")
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, film], check=False, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert "refused: " in done.stderr
    assert film.read_bytes() == b"the good film"
    assert list(tmp_path.iterdir()) == [film]


@pytest.mark.parametrize("folder", ["12:30", "-y", "50%", "file:"])
def test_folders_that_ffmpeg_would_read_as_something_else(tmp_path, monkeypatch, folder):
    monkeypatch.chdir(tmp_path)
    Path(folder).mkdir()
    for write, name in ((to_mp4, "t.mp4"), (to_gif, "t.gif")):
        path = write(FRAMES, f"{folder}/{name}", 8)
        assert str(path) == f"{folder}/{name}"
        assert path.stat().st_size > 500


def test_a_tilde_is_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert to_mp4(FRAMES, "~/a.mp4", 8) == tmp_path / "a.mp4"
    assert to_gif(FRAMES, "~/a.gif", 8) == tmp_path / "a.gif"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.gif", "a.mp4"]
