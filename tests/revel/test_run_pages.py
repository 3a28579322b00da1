"""The pages of runs: what they hold, in which order, and what is counted of their choices."""

from __future__ import annotations

import json
import re

import pytest

from dragstream.method.settings import DragSettings
from dragstream.revel.__main__ import main
from dragstream.revel.blind import count_choices, count_table, write_blind
from dragstream.revel.folders import read_results
from dragstream.revel.gallery import share_of_still, write_gallery
from dragstream.revel.methods import Method, select
from dragstream.revel.runs import run
from dragstream.revel.suites import case_specs

ONE = Method("one", DragSettings.paper(iterations=1), "one </script> step")
SPECS = [spec for spec in case_specs() if spec.number in {0, 4}]


@pytest.fixture(scope="module")
def filmed(model, tmp_path_factory):
    """A run whose second case could not be measured."""
    folder = tmp_path_factory.mktemp("run")
    run(SPECS, [ONE, *select(["none"])], folder, model=model, films=True, progress=False)
    lines = [json.loads(line) for line in (folder / "results.jsonl").read_text().splitlines()]
    for line in lines:
        if line["case"] == SPECS[1].name and line["method"] == "one":
            line["objmc"] = None
    (folder / "results.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return folder


def document(page) -> dict:
    text = page.read_text(encoding="utf-8")
    assert text.count("<script") == 2  # the data and the package's own
    (data,) = re.findall(r'<script type="application/json" id="document">(.*?)</script>', text)
    return json.loads(data)


def test_a_gallery_begins_with_what_was_not_measured(filmed, tmp_path) -> None:
    shown = document(write_gallery(filmed, tmp_path / "gallery.html", ["one"]))
    assert [each["name"] for each in shown["cases"]] == [SPECS[1].name, SPECS[0].name]
    assert [each["name"] for each in shown["methods"]] == ["one", "none"]
    edited, animated = shown["cases"]
    assert edited["figures"][0]["objmc"] is None
    assert [len(film) for film in edited["films"]] == [2, 2]
    assert [len(film) for film in animated["films"]] == [4, 4]
    result = next(each for each in read_results(filmed) if each.case == SPECS[0].name)
    assert animated["figures"][0]["share"] == pytest.approx(share_of_still(result))
    assert [each["frame"] for each in animated["drags"][0]["targets"]] == [1, 2, 3]


def test_pages_keep_to_their_size(filmed, tmp_path) -> None:
    page = write_gallery(filmed, tmp_path / "gallery.html", ["one"], megabytes=0.02)
    assert page.stat().st_size < 60_000
    assert document(page)["shownWidth"] < 256


def test_a_blind_page_holds_both_films_of_each_case(filmed, tmp_path) -> None:
    page = write_blind(filmed, filmed, tmp_path / "blind.html", ("one", "none"))
    shown = document(page)
    assert shown["sides"] == [f"one </script> step ({filmed.name})", f"no drag ({filmed.name})"]
    assert all(len(each["films"]) == 2 for each in shown["cases"])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["gallery", "RUN", "--methods", "two"], "methods must be of"),
        (["blind", "RUN", "RUN", "--methods", "one,one"], "both sides are 'one'"),
        (["blind", "RUN", "RUN", "--methods", "one,two"], "share no case"),
        (["blind", "RUN", "RUN", "--methods", "one"], "--methods must name two"),
        (["gallery", "."], "holds no results"),
    ],
)
def test_pages_that_cannot_be_made_say_why(filmed, tmp_path, capsys, arguments, said) -> None:
    place = [str(filmed) if each == "RUN" else each for each in arguments]
    assert main([*place, "--out", str(tmp_path / "page.html")]) == 1
    assert said in capsys.readouterr().err
    assert not (tmp_path / "page.html").exists()


def test_a_run_without_films_says_how_they_are_made(model, tmp_path) -> None:
    run(SPECS[:1], [ONE], tmp_path / "run", model=model, progress=False)
    with pytest.raises(FileNotFoundError, match="--films"):
        write_gallery(tmp_path / "run", tmp_path / "gallery.html")


def choices(file, verdicts: str, sides: str | None = None, names=("A", "B")):
    """A file of verdicts, a letter each: f(irst), s(econd) or n(either)."""
    words = {"f": "first", "s": "second", "n": "same"}
    found = [
        {
            "case": f"case {number}",
            "verdict": words[verdict],
            "side": None if verdict == "n" else (sides or "l" * len(verdicts))[number],
            "seconds": 1.0,
        }
        for number, verdict in enumerate(verdicts)
    ]
    for each in found:
        each["side"] = {"l": "left", "r": "right", None: None}[each["side"]]
    file.write_text(json.dumps({"format": 1, "sides": list(names), "choices": found}))
    return file


def test_choices_are_counted_with_a_sign_test(tmp_path) -> None:
    one = choices(tmp_path / "1.json", "fffffn", "lrlrlr")
    two = choices(tmp_path / "2.json", "ffffsn", "rlrlrl")
    count = count_choices([one, two])
    assert (count.wins, count.same, count.left) == ((9, 1), 2, 5)
    # two-sided: 2 (1 + 10) / 2^10, and the Clopper-Pearson interval of 9 of 10
    assert count.p_value == pytest.approx(22 / 1024)
    assert (count.low, count.high) == pytest.approx((0.5550, 0.9975), abs=1e-4)
    table = count_table(count)
    assert "Of 10 decisions 90% are for A" in table
    assert "A is chosen more often" in table


def test_a_viewer_who_prefers_a_side_is_noticed(tmp_path) -> None:
    table = count_table(count_choices([choices(tmp_path / "1.json", "fsfsfsfs")]))
    assert "cannot be told apart" in table
    assert "prefers a side" in table


def test_no_decision_is_no_figure(tmp_path, capsys) -> None:
    file = choices(tmp_path / "1.json", "nnn")
    assert main(["count", str(file), "--json", str(tmp_path / "count.json")]) == 3
    assert "not measured" in capsys.readouterr().out
    assert json.loads((tmp_path / "count.json").read_text())["share"] is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "1.json"),
        ("[]", "choices of format 1"),
        ('{"format": 1, "sides": ["A"], "choices": []}', "1.json"),
        (
            '{"format": 1, "sides": ["A", "B"], "choices": [{"case": "a", "verdict": "x"}]}',
            "verdict must be one of",
        ),
    ],
)
def test_damaged_choices_are_named(tmp_path, text, said) -> None:
    file = tmp_path / "1.json"
    file.write_text(text)
    with pytest.raises(ValueError, match=re.escape(said)):
        count_choices([file])


def test_choices_of_other_sides_are_not_mixed(tmp_path) -> None:
    one = choices(tmp_path / "1.json", "f")
    two = choices(tmp_path / "2.json", "f", names=("A", "C"))
    with pytest.raises(ValueError, match=r"2\.json: sides must be \('A', 'B'\)"):
        count_choices([one, two])
