"""Two checkouts timed in alternation, by stubs whose blocks have known lengths."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest

import dragstream
from dragstream.bench import __main__ as command
from dragstream.bench import against, timed_blocks
from dragstream.bench.against import compare_checkouts, lines
from dragstream.bench.measure import Comparison, Spread

ROOT = Path(dragstream.__file__).resolve().parents[1]

STUB = """
import time

class Stream:
    def __init__(self, model, **_):
        self.model = model
    def step(self):
        time.sleep({plain})
    def animate(self, drags):
        time.sleep({dragged})
    def fork(self):
        return self

class regions:
    disc = dict

class Translation:
    by = lambda *_: None

Drag = lambda *_: None

class model:
    class spec:
        class grid:
            width = height = 64

load = {{"playground": model}}.__getitem__
"""
"""As much of the package as the worker uses, with blocks of known length."""


def stub(folder, plain, dragged):
    (folder / "dragstream").mkdir(parents=True)
    (folder / "dragstream" / "__init__.py").write_text(STUB.format(plain=plain, dragged=dragged))
    return folder


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A stub in place of this checkout."""
    found = stub(tmp_path / "here", 0.01, 0.05)
    monkeypatch.setattr(against, "HERE", found)
    return found


@pytest.mark.usefixtures("here")
def test_ratios_of_two_checkouts(tmp_path):
    other = stub(tmp_path / "other", 0.05, 0.05)
    given = {"model": "playground", "device": "any", "prompt": "", "blocks": 0}
    found = compare_checkouts(other, given, pairs=3)
    assert list(found) == ["plain", "dragged"]
    assert found["plain"].ratio.median > 1.5
    assert found["plain"].ratio.median > found["dragged"].ratio.median
    assert found["dragged"].other.least >= 0.05


@pytest.mark.usefixtures("here")
def test_the_command_writes_what_it_measured(tmp_path, capsys):
    other, target = stub(tmp_path / "other", 0, 0), tmp_path / "against.json"
    arguments = ["--repeats", "1", "--against", str(other), "--json", str(target)]
    command.main(["playground", *arguments])
    found = json.loads(target.read_text())
    assert set(found["dragged"]) == {"own", "other", "ratio"}
    assert found["machine"]["torch"]
    assert capsys.readouterr().out.splitlines()[1].startswith("plain block")


@pytest.mark.usefixtures("one_thread")
def test_the_worker_times_random_weights(monkeypatch):
    sizes = {"layers": 16, "heads": 1, "height": 16, "width": 16}
    given = {"model": "self-forcing", "device": "cpu", "prompt": "a", "blocks": 1, "sizes": sizes}
    answers = io.StringIO()
    monkeypatch.setattr(sys, "argv", ["timed_blocks.py", json.dumps(given)])
    monkeypatch.setattr(sys, "stdin", io.StringIO("plain\ndragged\n"))
    monkeypatch.setattr(sys, "stdout", answers)
    timed_blocks.main()
    first, *found = map(json.loads, answers.getvalue().splitlines())
    assert first == {"code": dragstream.__file__}
    assert [list(each) for each in found] == [["seconds"]] * 2
    assert all(each["seconds"] > 0 for each in found)


def test_a_table_has_the_spread_of_ratios():
    each = Comparison(Spread(1, 1, 1), Spread(2, 2.5, 3), Spread(2, 2.5, 3))
    assert lines({"plain block": each}).splitlines()[1].split() == [
        *("plain", "block", "1.000", "s", "2.500", "s", "2.50", "2.00", "3.00")
    ]


def test_a_folder_without_the_package_is_refused(tmp_path):
    with pytest.raises(SystemExit, match="no checkout of dragstream in"):
        command.main(["playground", "--against", str(tmp_path)])


@pytest.mark.usefixtures("here")
def test_an_error_in_a_worker_is_told(tmp_path, capfd):
    broken = stub(tmp_path / "other", 0, 0)
    (broken / "dragstream" / "__init__.py").write_text("raise ImportError('no torch')")
    with pytest.raises(SystemExit, match="ended with exit code 1; its error is above"):
        command.main(["playground", "--against", str(broken)])
    assert "no torch" in capfd.readouterr().err


def test_only_random_weights_are_shared():
    with pytest.raises(SystemExit, match="random-weights"):
        command.main(["wan", "--against", str(ROOT)])
