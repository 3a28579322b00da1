"""Files and folders of cases that declare more than they hold: budgets for all cases together."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from dragstream.drags.motions import Drag, Translation
from dragstream.drags.picture_files import read_picture
from dragstream.drags.shapes import Mask
from dragstream.revel import cases
from dragstream.revel.case_folders import LARGEST_JSON, VideoCommand, read_command
from dragstream.revel.cases import Case, Kind, PastDrag
from dragstream.revel.dataset import check_dataset
from dragstream.revel.recorder import from_labels
from dragstream.revel.score_files import find_items
from dragstream.revel.suites import read_cases, suite, write_cases
from dragstream.stream.records import Mode
from tests.hostile.test_labels import large, write

SIDE = 40


def drag(number):
    """A drag of a mask that no other number has."""
    inside = np.zeros((SIDE, SIDE), bool)
    inside[number] = True
    return Drag(Mask(inside), Translation.by(3, 0))


def case(number, past=()):
    return Case(
        name=f"case-{number}",
        model="playground",
        prompt="a red box",
        seed=0,
        block=1 + len(past),
        drags=(drag(number),),
        mode=Mode.EDIT,
        kind=Kind.TRANSLATION,
        past=past,
    )


def fill(folder, count):
    """A folder a case, each with a video beside it."""
    for number in range(count):
        place = folder / f"case-{number}"
        place.mkdir(parents=True)
        its = case(number)
        command = VideoCommand(its.name, its.drags, (1,), 2, (SIDE, SIDE), 8.0, edit=True, case=its)
        (place / "case.json").write_text(json.dumps(command.to_json()))
        (place / "none.mp4").write_bytes(b"")
    return folder


@pytest.fixture
def two_masks(monkeypatch):
    monkeypatch.setitem(cases.LIMITS, "pixels", 2 * SIDE**2)


ONE_TOO_MANY = "at most 3200 pixels are read altogether"


@pytest.mark.usefixtures("two_masks")
def test_all_cases_of_a_file_share_a_budget(tmp_path):
    file = write_cases(tmp_path / "cases.jsonl", [case(0), case(1), case(0)])
    assert len(read_cases(file)) == 3  # equal masks count once
    write_cases(file, map(case, range(3)))
    with pytest.raises(ValueError, match=rf"cases\.jsonl, line 3: .*{ONE_TOO_MANY}"):
        read_cases(file)


@pytest.mark.usefixtures("two_masks")
def test_earlier_drags_of_a_case_are_within_its_budget(tmp_path):
    past = tuple(PastDrag(n + 1, Mode.EDIT, (drag(n + 1),), None, 1, None, None) for n in range(2))
    file = write_cases(tmp_path / "cases.jsonl", [case(0, past)])
    with pytest.raises(ValueError, match=ONE_TOO_MANY):
        read_cases(file)


@pytest.mark.usefixtures("two_masks")
@pytest.mark.parametrize("read", [find_items, check_dataset])
def test_all_cases_of_a_folder_share_a_budget(tmp_path, read):
    fill(tmp_path, 3)
    (tmp_path / "dataset.json").write_text('{"format": 1, "cases": {"": 3}}')
    (tmp_path / "SHA256SUMS").write_text("")
    if read is check_dataset:
        import hashlib

        files = sorted(tmp_path.glob("case-*/case.json"))
        sums = [
            f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.relative_to(tmp_path)}\n"
            for file in files
        ]
        (tmp_path / "SHA256SUMS").write_text("".join(sums))
    with pytest.raises(ValueError, match=rf"case-2.case\.json: .*{ONE_TOO_MANY}"):
        read(tmp_path)


def test_labels_of_all_folders_share_a_budget(tmp_path):
    for number in range(2):
        folder = tmp_path / str(number)
        folder.mkdir()
        names = [f"{n}.png" for n in range(5)]
        for name in names:
            large(folder, name, "1")
        write(folder, names)
    with pytest.raises(ValueError, match=r"3\.png: at most 268435456 pixels are read altogether"):
        from_labels(tmp_path)


def test_a_line_and_a_document_are_bounded(tmp_path):
    file = tmp_path / "cases.jsonl"
    file.write_bytes(b"[" * (LARGEST_JSON + 1))
    with pytest.raises(ValueError, match=rf"line 1: at most {LARGEST_JSON} bytes are read"):
        read_cases(file)
    with pytest.raises(ValueError, match=rf"cases\.jsonl: at most {LARGEST_JSON} bytes are read"):
        read_command(file)


def test_a_file_without_a_case_is_refused(tmp_path):
    (tmp_path / "none.jsonl").write_bytes(b"")
    with pytest.raises(ValueError, match=r"none\.jsonl' holds no case"):
        suite(str(tmp_path / "none.jsonl"))


PICTURES = {
    "no picture": b"junk",
    "cut short": b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00",
    "a bomb": None,
}


@pytest.mark.parametrize("name", PICTURES)
def test_pictures_that_cannot_be_read_are_named(tmp_path, name):
    file = tmp_path / "first_frame.png"
    if PICTURES[name] is None:
        Image.new("1", (2**15, 2**15)).save(file)
    else:
        file.write_bytes(PICTURES[name])
    with pytest.raises(ValueError, match=r"first_frame\.png: a picture is expected"):
        read_picture(file)
