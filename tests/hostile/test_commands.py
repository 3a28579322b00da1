"""Commands end with one line that says what is wrong, and never with a traceback."""

from __future__ import annotations

import pytest

from dragstream.bench import __main__ as bench
from dragstream.command import main as commands
from dragstream.command import replay
from dragstream.drags.failures import FAILURES
from dragstream.metrics import __main__ as metrics
from dragstream.models.wan import tiny
from dragstream.revel import __main__ as revel

RAISED = [
    OSError(28, "No space left on device"),
    ValueError("two\nlines"),
    TypeError("of another type"),
    ImportError("not installed"),
    MemoryError("32 TiB"),
    FloatingPointError("not finite"),
    RuntimeError("out of memory"),
]


def test_every_documented_error_is_tried():
    assert all(any(isinstance(error, kind) for error in RAISED) for kind in FAILURES)


@pytest.mark.parametrize("error", RAISED, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("command", ["dragstream", "revel", "metrics", "bench", "tiny"])
def test_an_error_is_one_line_and_a_status(command, error, tmp_path, monkeypatch, capsys):
    def fail(*_, **__):
        raise error

    if command == "dragstream":
        monkeypatch.setattr(replay, "find_labels", fail)
        status = commands.main(["replay", str(tmp_path), "--out", "a.gif"])
    elif command == "revel":
        monkeypatch.setattr(revel, "load", fail)
        status = revel.main(["captions"])
    elif command == "metrics":
        monkeypatch.setattr(metrics, "find_media", fail)
        status = metrics.main(["image-distance", "--real", "a", "--generated", "b"])
    else:
        module, name = (bench.models, "load") if command == "bench" else (tiny, "write_tiny")
        monkeypatch.setattr(module, name, fail)
        with pytest.raises(SystemExit) as caught:
            (bench if command == "bench" else tiny).main(["playground"])
        said = str(caught.value)
        assert said == f"error: {' '.join(str(error).split())}"
        return
    assert status == 1
    assert capsys.readouterr().err == f"error: {' '.join(str(error).split())}\n"
