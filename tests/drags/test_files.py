"""Paths that users name, and files that appear whole or not at all."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from dragstream.drags.files import expanded, replacing


def listed(folder):
    return sorted(path.name for path in folder.iterdir())


def test_the_home_folder_is_put_in_place_of_a_tilde(monkeypatch):
    monkeypatch.setenv("HOME", "/home/somebody")
    assert expanded("~/a") == Path("/home/somebody/a")
    assert expanded(Path("~")) == Path("/home/somebody")
    assert expanded("a/~b") == Path("a/~b")
    assert expanded("~nobody-of-that-name/a") == Path("~nobody-of-that-name/a")


@pytest.mark.parametrize("path", [3, None, b"a"])
def test_what_is_no_path_is_named(path):
    with pytest.raises(TypeError, match="weights must be a string or a path"):
        expanded(path, "weights")


def test_a_file_appears_when_it_is_whole(tmp_path):
    target = tmp_path / "a.txt"
    target.write_text("old")
    with replacing(target) as part:
        assert part.is_absolute()
        assert part.parent == tmp_path
        part.write_text("new")
        assert target.read_text() == "old"
    assert target.read_text() == "new"
    assert listed(tmp_path) == ["a.txt"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_after_an_exception_the_old_file_is_there_alone(tmp_path, error):
    target = tmp_path / "a.txt"
    target.write_text("old")

    def write():
        with replacing(target) as part:
            part.write_text("half")
            raise error

    with pytest.raises(error):
        write()
    assert target.read_text() == "old"
    assert listed(tmp_path) == ["a.txt"]


def test_the_part_of_a_killed_writer_goes_with_the_next_write(tmp_path):
    code = (
        "import os, signal, sys; from pathlib import Path\n"
        "from dragstream.drags.files import replacing\n"
        "with replacing(Path(sys.argv[1])) as part:\n"
        "    part.write_text('half')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    target, other = tmp_path / "a[1].txt", tmp_path / ".b.txt.0123abcd.part"
    other.write_text("of another file")
    assert subprocess.run([sys.executable, "-c", code, target], check=False).returncode == -9
    (left,) = [name for name in listed(tmp_path) if name.startswith(".a[1].txt.")]
    assert left.endswith(".part")
    with replacing(target) as part:
        part.write_text("whole")
    assert listed(tmp_path) == [other.name, "a[1].txt"]


def test_the_part_of_a_writer_at_work_stays(tmp_path):
    target = tmp_path / "a.txt"
    with replacing(target) as first:
        first.write_text("first")
        with replacing(target) as second:
            assert first.exists()
            second.write_text("second")
        assert target.read_text() == "second"
    assert target.read_text() == "first"
    assert listed(tmp_path) == ["a.txt"]


def test_files_get_the_rights_that_new_files_have(tmp_path):
    before = os.umask(0o027)
    try:
        with replacing(tmp_path / "a.txt") as part:
            part.write_text("")
    finally:
        os.umask(before)
    assert (tmp_path / "a.txt").stat().st_mode & 0o777 == 0o640
