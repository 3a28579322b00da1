"""Films of labels, documents and archives, and what is read back from them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import dragstream as ds
from dragstream.command.main import main
from dragstream.drags.geometry import FrameClock
from dragstream.drags.labels import read_label, to_json
from dragstream.metrics.labelled import measure_label
from dragstream.metrics.videos import read_video
from dragstream.models.playground import draw
from dragstream.models.wan.tiny import write_tiny
from dragstream.stream.drag_targets import block_targets
from dragstream.stream.records import Mode
from dragstream.stream.video import to_gif

pytestmark = pytest.mark.usefixtures("one_thread")

ORANGUTANS = Path(__file__).parents[1] / "metrics" / "orangutans"
PROMPT = "a red critter rests beside a blue box in a meadow"
DISC = ds.regions.disc((24, 16), 6)


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DRAGSTREAM_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return write_tiny(tmp_path_factory.mktemp("tiny"))


def replay(*arguments: object) -> int:
    return main(["replay", *map(str, arguments)])


def test_the_released_label_on_a_tiny_model(tiny, tmp_path, capsys) -> None:
    film, archive = tmp_path / "film.mp4", tmp_path / "film.dragstream"

    status = replay(
        ORANGUTANS, "--model", tiny, "--device", "cpu", "--out", film, "--archive", archive
    )

    assert (status, capsys.readouterr().out) == (0, f"{archive}\n{film}\n")
    assert read_video(film).shape == (1 + 4 * (15 - 1), 32, 48, 3)
    model = ds.load(tiny, device="cpu", progress=False)
    stream = ds.Stream.restore(archive, model)
    label = read_label(ORANGUTANS)
    assert stream.prompt == label.prompt
    assert [block.mode for block in stream.blocks] == [Mode.STEP] * 3 + [Mode.ANIMATE] * 2
    mask = stream.blocks[3].drags[0].mask(32, 48)
    for index, (dx, dy) in enumerate(label.deltas[0]):
        found = block_targets(stream.blocks[3 + index // 3], index % 3, model.spec.grid)
        moved = np.array(ds.regions.centroid(found.target)) - ds.regions.centroid(mask)
        assert moved == pytest.approx((dx * 48 / 832, dy * 32 / 480), abs=0.05)
        assert (found.keep & mask).sum() == 0


def test_the_film_of_a_label_moves_the_object_as_commanded(tmp_path) -> None:
    picture = draw(PROMPT, seed=41)
    Image.fromarray(picture).save(tmp_path / "first.png")
    critter = ds.regions.disc((139, 122), 42)
    Image.fromarray(ds.regions.rasterise(critter, *picture.shape[:2])).save(tmp_path / "mask.png")
    part = {"is_rotation": False, "start_point": [139, 122], "deltas": [[8, 0], [16, 0], [24, 0]]}
    write(
        tmp_path / "block_1_Animation_trajectory.json",
        {
            "drag_or_animation_select": "Animation",
            "block_number": 1,
            "prompt": PROMPT,
            "movable_area_mask_file": None,
            "trajectories": [{"mask_file": "mask.png", "block_trajectories": [part]}],
        },
    )
    film, first = tmp_path / "film.gif", tmp_path / "first.png"

    assert replay(tmp_path, "--seed", 2, "--image", first, "--out", film) == 0

    clock = FrameClock(temporal_factor=1, frame_rate=8.0)
    found = measure_label(read_label(tmp_path, clock=clock), film, clock=clock)
    assert found.still == pytest.approx(16)
    assert found.mean < 4
    assert found.coverage > 0.5


def test_a_label_on_the_video_that_it_was_drawn_on(tiny, tmp_path) -> None:
    before = np.random.default_rng(0).integers(0, 256, (33, 32, 48, 3), np.uint8)
    video = to_gif(before, tmp_path / "block_0_3.gif", 16)
    model = ("--model", tiny, "--device", "cpu")
    film, archive = tmp_path / "film.gif", tmp_path / "film.dragstream"

    assert replay(ORANGUTANS, *model, "--video", video, "--out", film, "--archive", archive) == 0

    stream = ds.Stream.restore(archive, ds.load(tiny, device="cpu", progress=False))
    assert (stream.blocks[0].footage == read_video(video)).all()
    assert [block.mode for block in stream.blocks] == [Mode.IMAGE] * 3 + [Mode.ANIMATE] * 2


def write(file: Path, document: object) -> Path:
    file.write_text(json.dumps(document))
    return file


def test_a_folder_above_labels_gives_a_film_of_each(tiny, tmp_path, capsys) -> None:
    for name in ("one", "two"):
        shutil.copytree(ORANGUTANS, tmp_path / "labels" / name)
    file = tmp_path / "labels" / "two" / "block_3_Animation_trajectory.json"
    label = json.loads(file.read_text())
    write(file, label | {"block_number": 3})
    out, model = tmp_path / "films", ("--model", tiny, "--device", "cpu")

    assert replay(tmp_path / "labels", *model, "--out", out) == 1

    assert [film.name for film in out.iterdir()] == ["one-block_3_Animation.mp4"]
    said = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error")]
    assert len(said) == 1
    assert "two/block_3_Animation_trajectory.json" in said[0]
    assert "block_number is 3" in said[0]


def test_a_document_and_the_archive_that_it_makes(tiny, tmp_path) -> None:
    drags = [ds.Drag(DISC, ds.Translation.by(4, 0))]
    document = write(tmp_path / "drags.json", to_json(drags, keep=ds.regions.box(0, 0, 8, 8)))
    model = ("--model", tiny, "--device", "cpu")
    film, archive = tmp_path / "film.gif", tmp_path / "film.dragstream"
    given = ("--prompt", "a ball", "--seed", 5, "--at", 2, "--edit", "--settings", "released")

    assert replay(document, *model, *given, "--out", film, "--archive", archive) == 0
    assert replay(archive, *model, "--out", tmp_path / "again.gif") == 0

    stream = ds.Stream.restore(archive, ds.load(tiny, device="cpu", progress=False))
    assert [block.mode for block in stream.blocks] == [Mode.STEP, Mode.EDIT]
    assert list(stream.blocks[1].drags) == drags
    assert stream.seed == 5
    assert stream.blocks[1].settings == ds.DragSettings.released().resolve(stream.model.spec)
    assert (tmp_path / "again.gif").read_bytes() == film.read_bytes()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["drags.json", "--out", "a.gif"], "give --prompt"),
        (["labels", "--out", "a.gif"], "holds 2 labels: --out must name a folder"),
        (["labels/one", "--out", "a.gif", "--at", "2"], "--at is for a document of drags"),
        (["labels/one", "--out", "a.avi"], "--out must end in .mp4 or .gif"),
    ],
)
def test_lines_without_a_meaning(arguments, said, tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "drags.json", to_json([ds.Drag(DISC, ds.Translation.by(4, 0))]))
    for name in ("one", "two"):
        shutil.copytree(ORANGUTANS, tmp_path / "labels" / name)

    with pytest.raises(SystemExit) as stopped:
        replay(*arguments)

    assert stopped.value.code == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nothing", "--out", "a.gif"], "there is no label, document or archive 'nothing'"),
        ([".", "--out", "films"], "holds no label"),
        (["drags.json", "--prompt", "x", "--out", "a.gif"], "drags.json: drags[0] lacks motion"),
        ([ORANGUTANS, "--out", "a.gif"], "the playground does not know 'nature'"),
    ],
)
def test_errors_are_one_line(arguments, said, tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "drags.json", {"version": 1, "drags": [{"region": {}}]})

    assert replay(*arguments) == 1

    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ")
    assert said in line
    assert not (tmp_path / "a.gif").exists()
