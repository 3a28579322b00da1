"""Cases as data: written, read again, and refused where anything was changed."""

from __future__ import annotations

import json
import shutil
import subprocess

import numpy as np
import pytest

from dragstream.drags.picture_files import read_picture
from dragstream.revel import dataset
from dragstream.revel.__main__ import main
from dragstream.revel.dataset import check_dataset, write_dataset
from dragstream.revel.suites import case_specs
from tests.drags.movebench_folder import write_movebench

SPECS = [spec for spec in case_specs() if spec.number in {0, 4, 17}]
"""An animation and an edit of the public part, an animation of the held-out one."""


@pytest.fixture(scope="module")
def written(model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("data") / "revel"
    return write_dataset(folder, SPECS, model, suite="some", progress=False)


@pytest.fixture
def copy(written, tmp_path):
    return shutil.copytree(written, tmp_path / "copy")


def test_cases_come_back_with_their_parts(written) -> None:
    found = check_dataset(written)
    assert found.about["cases"] == {"held-out": 1, "public": 2}
    assert {each.name: each.split for each in found.commands} == {
        spec.name: spec.split.value for spec in SPECS
    }
    place = written / "public" / SPECS[0].name
    with np.load(place / "tracks.npz") as tracks:
        assert tracks["tracks"].shape[0] == tracks["visibility"].shape[0] == 4
    command = next(each for each in found.commands if each.name == SPECS[0].name)
    mask = read_picture(place / "mask_0.png")[..., 0] > 127
    np.testing.assert_array_equal(mask, command.drags[0].mask(*command.size))


def test_the_card_says_what_it_is_and_ends_with_the_checksum(written) -> None:
    text = (written / "README.md").read_text(encoding="utf-8")
    assert text.startswith("---\nlicense: apache-2.0\n")
    for part in ("How it was made", "Parts", "How to score", "| held-out |", "| public |"):
        assert part in text
    assert "3 case(s) with 3 drag(s)" in text
    assert check_dataset(written).checksum in text
    done = subprocess.run(
        ["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=written, check=False
    )
    assert done.returncode == 0


def test_the_same_cases_have_the_same_checksum_and_a_stopped_call_goes_on(
    model, written, tmp_path, monkeypatch
) -> None:
    with monkeypatch.context() as patch:
        made = []
        whole = dataset.case_files

        def stop(*arguments: object) -> dict[str, bytes]:
            if made:
                raise KeyboardInterrupt
            made.append(arguments)
            return whole(*arguments)

        patch.setattr(dataset, "case_files", stop)
        with pytest.raises(KeyboardInterrupt):
            write_dataset(tmp_path / "again", SPECS, model, suite="some", progress=False)
    again = write_dataset(tmp_path / "again", SPECS, model, suite="some", progress=False)
    assert check_dataset(again).checksum == check_dataset(written).checksum
    with pytest.raises(ValueError, match="holds another data set"):
        write_dataset(again, SPECS[:1], model, suite="some", progress=False)


@pytest.mark.parametrize(
    ("spoil", "error", "said"),
    [
        (lambda at: (at / "LICENSE").write_text("mine"), ValueError, "LICENSE: another checksum"),
        (lambda at: (at / "LICENSE").unlink(), FileNotFoundError, "LICENSE"),
        (lambda at: (at / "SHA256SUMS").unlink(), FileNotFoundError, "SHA256SUMS"),
        (lambda at: (at / "SHA256SUMS").write_text("a  b\n"), ValueError, "line 1"),
        (
            lambda at: (at / "SHA256SUMS").write_text(f"{'0' * 64}  ../x\n"),
            ValueError,
            "a checksum and a name are expected",
        ),
        (
            lambda at: shutil.copytree(at / "public", at / "more"),
            ValueError,
            "not listed in SHA256SUMS",
        ),
    ],
)
def test_changed_data_are_refused_by_name(copy, spoil, error, said) -> None:
    spoil(copy)
    with pytest.raises(error, match=said):
        check_dataset(copy)


def test_the_commands_say_what_they_need(written, tmp_path, capsys) -> None:
    assert main(["verify", str(written)]) == 0
    assert "3 case(s) (1 held-out, 2 public), all checksums hold" in capsys.readouterr().out
    assert main(["score", str(written)]) == 1
    assert "no video" in capsys.readouterr().err
    cases = tmp_path / "mine.jsonl"
    cases.write_text("")
    assert main(["export", str(cases), "--out", str(tmp_path / "out")]) == 1
    assert "--license" in capsys.readouterr().err


def test_a_folder_of_something_else_is_left_alone(model, tmp_path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ValueError, match="holds something else"):
        write_dataset(tmp_path, SPECS, model, suite="some", progress=False)
    assert [each.name for each in tmp_path.iterdir()] == ["file"]


def test_movebench_becomes_cases_that_a_model_can_run(model, tmp_path) -> None:
    from dragstream.revel.preparation import prepare
    from dragstream.revel.recorder import movebench_cases

    bench = write_movebench(tmp_path / "MoveBench")
    cat, dog = movebench_cases(bench, model.spec)
    assert json.dumps(cat.to_json())
    # 8 of 9 frames at 16 a second are four at the model's 8: two blocks of three
    assert (cat.block, cat.blocks, len(cat.drags), cat.prompt) == (1, 2, 1, "A cat, sitting.")
    assert dog.keep is not None
    prepared = prepare(model, cat)
    np.testing.assert_array_equal(prepared.before, cat.start.image())
