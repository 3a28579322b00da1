"""Runs that keep films: files in the layout that `score` reads."""

from __future__ import annotations

import json
from urllib.parse import unquote

import numpy as np
import pytest

from dragstream.drags.picture_files import read_picture
from dragstream.method.settings import DragSettings
from dragstream.revel.case_folders import (
    command_folders,
    file_name,
    read_command,
    read_film,
)
from dragstream.revel.folders import RunFolder, read_results
from dragstream.revel.methods import Method, select
from dragstream.revel.preparation import VideoCommand
from dragstream.revel.runs import run
from dragstream.revel.score_files import find_items
from dragstream.revel.scoring import dai_score, score, score_table, summarise
from dragstream.revel.suites import case_specs

ONE = Method("one", DragSettings.paper(iterations=1), "one step")
SPECS = [spec for spec in case_specs() if spec.number in {0, 4}]  # animated, edited


@pytest.fixture(scope="module")
def films(model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    run(SPECS, [ONE], folder, model=model, progress=False)
    assert run(SPECS, [ONE], folder, model=model, films=True, progress=False) == {}
    return folder


def test_films_are_added_to_results_that_are_there(films) -> None:
    assert len(read_results(films)) == len(SPECS)
    with RunFolder.open(films) as store:
        assert all(not store.missing(spec.name, [ONE], films=True) for spec in SPECS)
        assert store.missing(SPECS[0].name, select(["none"]), films=False)


def test_a_film_begins_with_the_drawn_on_frame_and_follows_its_command(films) -> None:
    animated, edited = (read_command(place / "case.json") for place in command_folders(films))
    assert (animated.frames, animated.at) == (4, (1, 2, 3))  # a block of three frames
    assert (edited.frames, edited.at, edited.edit) == (2, (1,), True)
    assert (animated.split, animated.size) == ("public", (160, 256))
    for command in (animated, edited):
        film = read_film(films, command.name, "one")
        assert film.shape == (command.frames, 160, 256, 3)
        first = read_picture(films / "films" / command.name / "first_frame.png")
        assert np.abs(film[0].astype(int) - first).mean() < 3  # H.264 loses a little
        again = VideoCommand.from_json(command.to_json())
        assert again.to_json() == command.to_json()


def test_tracks_lead_the_handle_along_the_drag(films) -> None:
    command = read_command(command_folders(films)[0] / "case.json")
    tracks = command.tracks()
    assert tracks.points.shape == (4, 16, 2)
    end = command.commands(command.drags[0])[-1]
    np.testing.assert_allclose(tracks.points[-1], end.apply(tracks.points[0]), atol=1e-6)


def test_films_of_a_run_are_scored_as_the_run_was(films) -> None:
    rows = list(score(find_items(films / "films")))
    assert {(row.method, row.reason) for row in rows} == {("one", None), ("none", None)}
    measured = {each.case: each for each in read_results(films)}
    for row in rows:
        if row.method == "one":
            result = measured[row.case]
            assert row.scores["still"] == pytest.approx(result.still)
            assert row.scores["objmc"] == pytest.approx(result.objmc, abs=1.0)
            assert row.tracker == result.tracker
    assert "| one | 2 |" in score_table(summarise(rows))


def test_dai_of_a_film_is_that_of_its_latents(model, films) -> None:
    dai = dai_score(model)
    measured = {each.case: each for each in read_results(films)}
    (animated, edited) = [
        row for row in score(find_items(films / "films"), (dai,)) if row.method == "one"
    ]
    for row in (animated, edited):
        # H.264 changes it a little
        assert row.scores["dai"] == pytest.approx(measured[row.case].dai, rel=0.02)


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("frames", 1, "frames must be at least 2"),
        ("frames", 10**9, "frames must be at most"),
        ("height", 10**9, "a frame may have"),
        ("at", [3, 1], "rising frames between 1 and 3"),
        ("at", [9], "rising frames between 1 and 3"),
        ("frame_rate", 0, "frame_rate"),
        ("case", {}, "cases have version"),
        ("more", 1, "unknown fields 'more'"),
    ],
)
def test_damaged_cases_are_refused(films, tmp_path, field, value, said) -> None:
    document = read_command(command_folders(films)[0] / "case.json").to_json()
    (tmp_path / "case.json").write_text(json.dumps({**document, field: value}))
    with pytest.raises(ValueError, match=f"case.json: .*{said}"):
        read_command(tmp_path / "case.json")


def test_a_missing_film_says_how_it_is_made(films) -> None:
    with pytest.raises(FileNotFoundError, match="--films"):
        read_film(films, SPECS[0].name, "two")


@pytest.mark.parametrize("name", ["I=4", "a/b", "..", ".hidden", "paper_rate=0.04", "ö %"])
def test_names_become_files_and_come_back(name) -> None:
    file = file_name(name)
    assert "/" not in file
    assert not file.startswith(".")
    assert unquote(file) == name
