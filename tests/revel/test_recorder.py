from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dragstream.drags import regions
from dragstream.drags.motions import Deformation, Drag, Rotation, Translation
from dragstream.method.settings import DragSettings
from dragstream.metrics.trackers import LucasKanade
from dragstream.revel import __main__ as command
from dragstream.revel import commands
from dragstream.revel.cases import Case, Kind, PastDrag
from dragstream.revel.measuring import measure, run_method
from dragstream.revel.methods import Method
from dragstream.revel.preparation import prepare
from dragstream.revel.recorder import from_labels, kind_of, record
from dragstream.revel.suites import read_cases
from dragstream.stream.records import Mode
from dragstream.stream.stream import Stream

LABELS = Path(__file__).parents[1] / "metrics" / "orangutans"
QUICK = DragSettings.paper(iterations=1)
AS_IT_WAS = Method("as it was", QUICK, "as it was")
SLIDE = Drag(regions.disc((96, 84), 12), Translation.by(9, 0))
TURN = Drag(regions.box(20, 60, 50, 90), Rotation((35, 75), 30))


@pytest.fixture
def session(model, film) -> Stream:
    """A picture, new captions, an animation of which a block was rewound, and two edits."""
    stream = Stream(model, "a box", seed=5, image=film("box", "red")[0])
    stream.step()
    stream.prompt = "a star"
    stream.animate([SLIDE], blocks=2, settings=QUICK)
    stream.rewind(3)
    stream.edit([TURN], keep=regions.box(100, 0, 192, 40), settings=QUICK)
    stream.prompt = "a ball"
    stream.step()
    stream.edit([SLIDE, TURN], settings=QUICK)
    return stream


def test_each_drag_becomes_a_case_with_the_past_that_it_had(session) -> None:
    slide, turn, both = record(session, "walk")
    assert [case.name for case in (slide, turn, both)] == [
        "walk-000-animate-translation",
        "walk-001-edit-rotation",
        "walk-002-edit-translation",
    ]
    assert (slide.block, slide.blocks, slide.past) == (2, 2, ())
    assert slide.drags == (SLIDE,)
    assert turn.keep is not None
    assert [act.reaches for act in turn.past] == [3]
    assert turn.past[0].kept == 1
    assert [act.mode for act in both.past] == [Mode.ANIMATE, Mode.EDIT]
    assert both.kinds == (Kind.TRANSLATION, Kind.ROTATION)
    assert both.prompts == ((2, "a star"), (3, "a ball"))
    assert {case.seed for case in (slide, turn, both)} == {5}


def test_recorded_cases_survive_json(session) -> None:
    for case in record(session, "walk"):
        assert Case.from_json(json.loads(json.dumps(case.to_json()))) == case


def test_replaying_a_case_makes_the_session_again(model, session) -> None:
    *_, last = record(session, "walk")
    prepared = prepare(model, Case.from_json(json.loads(json.dumps(last.to_json()))))
    for made, was in zip(prepared.stream.blocks[:-1], session.blocks[:-1], strict=True):
        np.testing.assert_array_equal(made.latents, was.latents)
        assert (made.mode, made.prompt) == (was.mode, was.prompt)
    (again,) = run_method(prepared, AS_IT_WAS)
    np.testing.assert_array_equal(again.latents, session.blocks[-1].latents)
    result = measure(prepared, AS_IT_WAS, LucasKanade(window=15))
    assert result.tracker == "lucas-kanade"


def test_streams_without_drags_have_nothing_to_record(model) -> None:
    with pytest.raises(ValueError, match="was never dragged"):
        record(Stream(model, "a box"), "empty")


def test_a_lost_picture_is_missed(session) -> None:
    class Old:
        """As a stream from an archive that did not keep pictures."""

        blocks = (replace(session.blocks[0], picture=None), *session.blocks[1:])

    with pytest.raises(ValueError, match="a picture that it does not hold"):
        record(Old(), "old")  # type: ignore[arg-type]


def test_label_folders_become_cases() -> None:
    (case,) = from_labels(LABELS, seed=3)
    assert case.name == "orangutans-003-animate-translation"
    assert (case.model, case.seed, case.block) == ("self-forcing", 3, 3)
    assert case.mode is Mode.ANIMATE
    assert case.keep is not None
    assert Case.from_json(json.loads(json.dumps(case.to_json()))) == case


def test_a_folder_of_label_folders_is_read_whole(tmp_path, capsys) -> None:
    for place in ("first", "more/second"):
        shutil.copytree(LABELS, tmp_path / "saved" / place)
    found = from_labels(tmp_path / "saved")
    assert [case.name for case in found] == [
        "first-003-animate-translation",
        "more-second-003-animate-translation",
    ]
    out = tmp_path / "cases.jsonl"
    assert command.main(["labels", str(tmp_path / "saved"), "--out", str(out)]) == 0
    assert "2 case(s)" in capsys.readouterr().out
    with pytest.raises(FileNotFoundError):
        from_labels(tmp_path / "nothing")


def test_the_commands_keep_cases(model, session, monkeypatch, tmp_path, capsys) -> None:
    monkeypatch.setattr(commands, "load", lambda _: model)
    session.save(tmp_path / "walk.dragstream")
    out = tmp_path / "cases.jsonl"
    assert command.main(["record", str(tmp_path / "walk.dragstream"), "--out", str(out)]) == 0
    assert read_cases(out) == record(session, "walk")
    assert command.main(["labels", str(LABELS), "--out", str(out)]) == 0
    assert [case.name for case in read_cases(out)] == ["orangutans-003-animate-translation"]
    assert "1 case(s)" in capsys.readouterr().out
    assert command.main(["labels", str(tmp_path), "--out", str(out)]) == 1
    assert "holds no label" in capsys.readouterr().err


def act(**changes: object) -> PastDrag:
    return PastDrag(**{"block": 2, "mode": Mode.ANIMATE, "drags": (SLIDE,), "blocks": 2, **changes})


def test_pasts_that_contradict_themselves_are_refused(session) -> None:
    case = record(session, "walk")[0]
    with pytest.raises(ValueError, match="does not lie between blocks 0 and 2"):
        replace(case, past=(act(),))
    with pytest.raises(ValueError, match="kept must be at most 2"):
        act(kept=3)
    with pytest.raises(ValueError, match="rising blocks"):
        replace(case, prompts=((2, "a"), (1, "b")))
    with pytest.raises(ValueError, match=r"has 1 drag\(s\), but 2 kinds"):
        replace(case, kinds=(Kind.TURN, Kind.TURN))
    with pytest.raises(ValueError, match="a picture must be uint8"):
        type(case.start).of(np.zeros((2, 2, 3)))
    with pytest.raises(ValueError, match="is damaged"):
        type(case.start)(b"PNG")


def test_kinds_are_told_from_motions() -> None:
    pull = Drag(regions.disc((96, 84), 12), Deformation.by(9, 0))
    assert [kind_of(each) for each in (SLIDE, TURN, pull)] == [
        Kind.TRANSLATION,
        Kind.ROTATION,
        Kind.DEFORMATION,
    ]
