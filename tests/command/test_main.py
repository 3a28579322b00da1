"""The command line as a whole: help, versions, exit statuses, the report of the installation."""

from __future__ import annotations

import importlib.metadata
import json
import subprocess
import sys
from pathlib import Path

import pytest

import dragstream
from dragstream.command import replay
from dragstream.command.main import build_parser, main
from dragstream.models.wan.tiny import write_tiny
from dragstream.stream import mp4

COMMANDS = ("replay", "studio", "demo", "course", "inspect", "doctor")


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_has_help_with_examples(name, capsys) -> None:
    with pytest.raises(SystemExit) as stopped:
        main([name, "--help"])

    assert stopped.value.code == 0
    text = capsys.readouterr().out
    examples = text.partition("examples:\n")[2].splitlines()
    assert examples
    for line in examples:
        program, command, *rest = line.split()
        if program == "dragstream":
            assert command == name
            assert rest or name in {"studio", "demo", "doctor"}


def test_the_module_is_the_command_and_help_needs_no_torch() -> None:
    code = (
        "import sys; from dragstream.command.main import build_parser; build_parser().format_help()"
        "; sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
    line = [sys.executable, "-m", "dragstream", "--version"]
    done = subprocess.run(line, capture_output=True, text=True, check=True)
    assert done.stdout == f"dragstream {dragstream.__version__}\n"


@pytest.mark.parametrize("line", [[], ["fly"], ["replay"], ["course"]])
def test_an_incomplete_line_is_a_usage_error(line, capsys) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(line)

    assert stopped.value.code == 2
    assert "usage: dragstream" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("raised", "status", "said"),
    [
        (MemoryError("too\nmuch"), 1, "error: too much\n"),
        (OSError(), 1, "error: OSError\n"),
        (KeyboardInterrupt(), 130, "interrupted\n"),
    ],
)
def test_exit_statuses(raised, status, said, monkeypatch, capsys) -> None:
    def fail(_):
        raise raised

    monkeypatch.setattr(replay, "find_labels", fail)

    assert main(["replay", ".", "--out", "a.gif"]) == status
    assert capsys.readouterr().err == said


def test_a_defect_shows_its_traceback(tmp_path, monkeypatch) -> None:
    def fail(_):
        raise AssertionError

    monkeypatch.setattr(replay, "find_labels", fail)
    with pytest.raises(AssertionError):
        main(["replay", str(tmp_path), "--out", "a.gif"])


def test_the_doctor_reports_what_is_installed(capsys) -> None:
    assert main(["doctor"]) == 0
    text = capsys.readouterr().out
    assert main(["doctor", "--json"]) == 0
    found = {each["name"]: each for each in json.loads(capsys.readouterr().out)}

    assert found["torch"]["text"] == importlib.metadata.version("torch")
    assert found["dragstream"]["text"].startswith(dragstream.__version__)
    assert "cores" in found["cpu"]["text"]
    assert found["attention cpu"]["text"].startswith("sdpa, math, ")
    scripts = Path(dragstream.__file__).parent / "widgets" / "static"
    assert found["front end"]["text"] == f"{len(list(scripts.glob('*.js')))} files"
    assert "x264" in found["ffmpeg"]["text"]
    for name, each in found.items():
        assert name == "cpu" or each["text"] in text  # its free memory changes meanwhile


def test_the_doctor_tells_extras_from_the_core(monkeypatch, capsys) -> None:
    version = importlib.metadata.version
    missing = {"ftfy"}

    def lacking(name):
        if name in missing:
            raise importlib.metadata.PackageNotFoundError(name)
        return version(name)

    monkeypatch.setattr(importlib.metadata, "version", lacking)
    monkeypatch.setattr(mp4, "find_ffmpeg", lambda: "/nowhere/ffmpeg")
    assert main(["doctor"]) == 0
    said = capsys.readouterr().out
    assert 'missing: pip install "dragstream[wan]"' in said
    assert "- ffmpeg" in said
    missing.add("scipy")
    assert main(["doctor"]) == 1
    assert "! scipy" in capsys.readouterr().out


def test_all_subcommands_are_there() -> None:
    usage = build_parser().format_help()

    assert all(f"\n    {name} " in usage for name in COMMANDS)


def test_inspect_describes_weights_without_loading_them(tmp_path, capsys) -> None:
    folder = write_tiny(tmp_path / "tiny", num_layers=2)
    (damaged := tmp_path / "damaged.safetensors").write_bytes(b"no header")
    capsys.readouterr()

    assert main(["inspect", str(folder / "transformer")]) == 0
    assert main(["inspect", str(damaged)]) == 1

    said = capsys.readouterr()
    assert "2 layers" in said.out
    assert said.err.startswith("error: ")
    assert "damaged.safetensors" in said.err
