"""The GPU's measurement as a run: time, interruptions, resuming, the process, the table."""

from __future__ import annotations

import json
import os
import time
from dataclasses import asdict

import pytest

from dragstream.bench import __main__ as command
from dragstream.bench.gpu import child as child_module
from dragstream.bench.gpu import parts as parts_module
from dragstream.bench.gpu.child import Child, ChildError
from dragstream.bench.gpu.runner import forget, read, run, table
from dragstream.bench.gpu.setup import Part, Row
from dragstream.bench.measure import Spread

ABOUT = {"size": "tiny", "device": "CPU"}
COLUMNS = ("own", "beside", "ratio")


def never(_):
    raise AssertionError("parts run in the worker")


A, B, C = (Part(name, name.upper(), COLUMNS, 10, never) for name in "abc")


class Fake:
    """A worker with a clock: each part takes 4 seconds, those in `broken` fail after a row."""

    def __init__(self, *broken):
        self.broken = set(broken)
        self.now = 0.0
        self.asked = []

    def clock(self):
        return self.now

    def __call__(self, name, _):
        self.asked.append(name)
        self.now += 4
        yield Row(name, own=Spread(1, 2, 3))
        if name in self.broken:
            raise ChildError("the process ended with exit code -9")


def go(fake, folder, parts=(A, B, C), seconds=100.0, about=ABOUT):
    return run(parts, fake, folder, about=about, seconds=seconds, clock=fake.clock)


def test_finished_parts_are_not_measured_again(tmp_path):
    assert go(Fake(), tmp_path, parts=(A, B)).finished == ("a", "b")
    again = Fake()
    summary = go(again, tmp_path)
    assert again.asked == ["c"]
    assert (summary.finished, summary.known) == (("c",), ("a", "b"))
    assert list(read(tmp_path, ABOUT)) == ["a", "b", "c"]


def test_a_part_that_cannot_end_in_time_is_not_begun(tmp_path):
    fake = Fake()
    short = Part("short", "Short", COLUMNS, 2, never)
    summary = go(fake, tmp_path, parts=(A, B, C, short), seconds=17)
    # 4 seconds each, 10 at most: after two of them 9 are left
    assert fake.asked == ["a", "b", "short"]
    assert summary.left_out == ("c",)
    assert "left out, no time: c" in str(summary)


def test_figures_are_written_after_each_part(tmp_path):
    class Interrupted(Fake):
        def __call__(self, name, seconds):
            if name == "b":
                raise KeyboardInterrupt
            yield from super().__call__(name, seconds)

    with pytest.raises(KeyboardInterrupt):
        go(Interrupted(), tmp_path)
    assert list(read(tmp_path, ABOUT)) == ["a"]
    again = Fake()
    go(again, tmp_path)
    assert again.asked == ["b", "c"]


def test_a_part_that_fails_keeps_its_rows_and_is_tried_again_last(tmp_path):
    summary = go(Fake("a"), tmp_path, parts=(A, B))
    assert (summary.failed, summary.finished) == (("a",), ("b",))
    outcome = read(tmp_path, ABOUT)["a"]
    assert outcome["ended"] == "the process ended with exit code -9"
    assert [row["name"] for row in outcome["rows"]] == ["a"]
    again = Fake()
    go(again, tmp_path)
    assert again.asked == ["c", "a"]
    assert read(tmp_path, ABOUT)["a"]["ended"] == ""


def test_figures_of_another_machine_are_not_mixed(tmp_path):
    go(Fake(), tmp_path, parts=(A,))
    before = (tmp_path / "gpu.json").read_text()
    with pytest.raises(ValueError, match=r"device: 'CPU', now 'H200'.*--out"):
        go(Fake(), tmp_path, about=ABOUT | {"device": "H200"})
    assert (tmp_path / "gpu.json").read_text() == before


@pytest.mark.parametrize("text", ["", "[]", '{"parts": {}}'])
def test_other_files_are_refused(tmp_path, text):
    (tmp_path / "gpu.json").write_text(text)
    with pytest.raises(ValueError, match="no figures of this benchmark"):
        go(Fake(), tmp_path)


def test_parts_can_be_measured_again(tmp_path):
    go(Fake(), tmp_path)
    forget(tmp_path, ABOUT, ["b"])
    again = Fake()
    go(again, tmp_path)
    assert again.asked == ["b"]


# ------------------------------------------------------------------------------- the process


@pytest.fixture
def child():
    made = []

    def make(work):
        made.append(Child(work))
        return made[-1]

    yield make
    for each in made:
        each.close()


def test_a_process_yields_what_it_finds(child):
    counting = child(range)
    assert list(counting.results(3, 60)) == [0, 1, 2]
    number = counting._process.pid
    assert list(counting.results(2, 60)) == [0, 1]
    assert counting._process.pid == number
    with pytest.raises(ChildError, match="TypeError: 'str' object"):
        list(counting.results("3", 60))
    assert list(counting.results(1, 60)) == [0]  # by a process afresh


def test_a_process_that_dies_is_told(child):
    with pytest.raises(ChildError, match="the process ended with exit code 3"):
        list(child(os._exit).results(3, 60))


def test_a_process_that_takes_too_long_is_ended(child):
    slow = child(time.sleep)
    with pytest.raises(ChildError, match=r"took longer than 0.2 s"):
        list(slow.results(600, 0.2))
    assert slow._process is None


def test_a_reason_is_one_line():
    found = child_module.reason(ValueError("x" * 500 + "\nmore"))
    assert found.startswith("ValueError: xxx")
    assert len(found) <= 170
    assert "\n" not in found


# ------------------------------------------------------------------------------- the table


def test_the_table_has_all_figures():
    rows = [
        Row("a block", "s", Spread(0.7, 0.71, 0.75), Spread(1.4, 1.5, 1.6), Spread(2, 2.1, 2.2)),
        Row("memory", "GB", Spread(16, 16, 16)),
        Row("fp8", note="not measured: a|b"),
    ]
    outcome = {
        "title": "Blocks",
        "columns": ["here", "released", ""],
        "rows": [asdict(row) for row in rows],
        "ended": "",
        "code": "c0de",
    }
    other = outcome | {"title": "Others", "rows": [], "ended": "took longer than 60 s"}
    lines = table({"device": "H200"}, {"a": outcome, "b": other}).splitlines()
    assert lines == [
        "device: H200",
        "",
        "| | | | | |",
        "|---|--:|--:|--:|---|",
        "| **Blocks** | *here* | *released* |  |  |",
        "| a block | 710 ms (700 to 750) | 1.50 s (1.40 to 1.60) | 2.10 (2.00 to 2.20) |  |",
        "| memory | 16.0 GB | – | – |  |",
        "| fp8 | – | – | – | not measured: a\\|b |",
        "| **Others** | *here* | *released* |  |  |",
        "|  |  |  |  | ended early: took longer than 60 s |",
    ]
    both = table({}, {"a": outcome, "b": other | {"code": "0ther"}})
    assert "different code: a c0de, b 0ther." in both


# ------------------------------------------------------------------------------- the command


@pytest.fixture
def fake(monkeypatch):
    made = []

    class InProcess(Fake):
        def __init__(self, work):
            super().__init__()
            self.work = work
            self.closed = False
            made.append(self)

        def results(self, name, seconds):
            return self(name, seconds)

        def close(self):
            self.closed = True

    monkeypatch.setattr(parts_module, "Child", InProcess)
    return made


def test_the_command_measures_and_resumes(fake, tmp_path, capsys):
    arguments = ["gpu", "--out", str(tmp_path), "--size", "tiny", "--device", "cpu"]
    command.main([*arguments, "--only", "rates", "join"])
    assert fake[0].asked == ["rates", "join"]
    assert (fake[0].work.size, fake[0].work.device) == ("tiny", "cpu")
    assert fake[0].closed
    printed = capsys.readouterr().out
    assert printed.startswith("size: tiny, self-forcing at 48x32, random weights; device: CPU")
    assert printed.endswith("measured: rates, join\n")

    command.main([*arguments, "--only", "join", "live", "--again", "join"])
    assert fake[1].asked == ["join", "live"]
    figures = json.loads((tmp_path / "gpu.json").read_text())
    assert list(figures["parts"]) == ["join", "live", "rates"]
    assert figures["parts"]["live"]["rows"][0]["own"] == {"least": 1, "median": 2, "most": 3}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--device", "cuda"], "no CUDA device"),
        (["--device", "cpu", "--only", "all"], "unknown parts all; there are rates"),
    ],
)
def test_bad_options(fake, tmp_path, arguments, message):
    with pytest.raises(SystemExit, match=message):
        command.main(["gpu", "--out", str(tmp_path), *arguments])
    assert not fake
