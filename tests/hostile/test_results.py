"""Damaged folders of runs: an error with the file's name, never a traceback."""

from __future__ import annotations

import json

import pytest

from dragstream.revel import __main__ as command
from dragstream.revel.folders import read_about, read_results
from dragstream.revel.measuring import Result
from dragstream.revel.studies import LOOKS
from dragstream.revel.suites import read_cases

ABOUT = {"format": 1, "model": "m", "fingerprint": "f", "methods": {"a": {"title": "A"}}}
FIELDS = dict.fromkeys(Result.__dataclass_fields__, 1.0) | {
    "case": "c",
    "method": "a",
    "kind": "rotation",
    "mode": "edit",
    "tracker": "t",
}
MAY_BE_UNMEASURED = {"objmc", "objmc_flow", "dai_pasted", "epe", "leak", *LOOKS}
DAMAGE = {
    "no JSON": b"{",
    "deep": b"[" * 100_000,
    "deep object": b'{"a":' * 100_000,
    "null": b"null",
    "a list": b"[1]",
    "a text": b'"' + b"x" * 10**6 + b'"',
    "no text": b"\xff\xfe\x00",
    "a long number": b'{"format": ' + b"9" * 5000 + b"}",
    "another object": b'{"a": "' + b"x" * 10**6 + b'"}',
    "a list as a version": b'{"version": [], "format": []}',
}


def write(folder, about=ABOUT, result=FIELDS):
    (folder / "run.json").write_text(json.dumps(about))
    (folder / "results.jsonl").write_text(json.dumps(result) + "\n")
    (folder / "cases.jsonl").write_text("")
    return folder


def report(folder, capsys, name):
    assert command.main(["report", str(folder)]) == 1
    said = capsys.readouterr().err
    assert said.startswith("error: ")
    assert name in said
    assert len(said) < 900


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("name", ["run.json", "results.jsonl", "cases.jsonl"])
def test_a_damaged_file_is_named(tmp_path, capsys, name, damage):
    (write(tmp_path) / name).write_bytes(DAMAGE[damage])
    report(tmp_path, capsys, name)


@pytest.mark.parametrize(
    "about",
    [
        {"methods": []},
        {"methods": {"a": None}},
        {"methods": {"a": {"title": 3}}},
        {"methods": {"a": ["title"]}},
        {"methods": "x" * 10**6},
    ],
)
def test_methods_of_another_kind_are_refused(tmp_path, capsys, about):
    report(write(tmp_path, ABOUT | about), capsys, "run.json")


@pytest.mark.parametrize("name", Result.__dataclass_fields__)
@pytest.mark.parametrize("value", [[], {}, "x" * 10**6, True, 10**400, 1e300, None])
def test_values_of_another_kind_are_refused(tmp_path, name, value):
    texts = ("case", "method", "kind", "mode", "tracker")
    write(tmp_path, result=FIELDS | {name: value})
    if (value is None and name in MAY_BE_UNMEASURED) or (isinstance(value, str) and name in texts):
        assert len(read_results(tmp_path)) == 1
        return
    with pytest.raises(ValueError, match=rf"results\.jsonl, line 1: {name} must be") as caught:
        read_results(tmp_path)
    assert len(str(caught.value)) < 800


def test_a_whole_run_is_read(tmp_path):
    folder = write(tmp_path)
    assert read_about(folder) == ABOUT
    assert read_results(folder)[0] == Result(**FIELDS)
    assert read_cases(folder / "cases.jsonl") == ()
