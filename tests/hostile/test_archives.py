"""Archives made to overwhelm: small files that would take much memory or time."""

from __future__ import annotations

import json
import struct
import zipfile
import zlib

import numpy as np
import pytest

import dragstream as ds
from dragstream.models.wan.tiny import write_tiny
from dragstream.stream import Stream, archive_blocks

H, W = 32, 48
PATH = {"points": [[1, 1], [5, 5]]}
RECORD = "blocks/000001.json"

LOAD = """
import torch
from pathlib import Path
import dragstream as ds
from dragstream.stream import Stream

model = ds.load({folder!r}, cache=False, progress=False)
"""
SETTINGS = ds.DragSettings.paper(iterations=1).to_json()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_tiny(tmp_path_factory.mktemp("tiny"), height=H, width=W)


@pytest.fixture(scope="module")
def model(folder):
    return ds.load(folder, cache=False, progress=False)


def save(model, path):
    stream = Stream(model, "a ball", seed=1)
    stream.step()
    drag = ds.Drag(ds.regions.disc((20, 16), 6), ds.Translation.by(4, 0))
    stream.animate([drag], settings=ds.DragSettings.paper(iterations=1))
    return stream.save(path)


@pytest.fixture(scope="module")
def saved(model, tmp_path_factory):
    return save(model, tmp_path_factory.mktemp("saved") / "good.dragstream")


def changed(saved, path, change):
    """The archive with its second record changed."""
    with zipfile.ZipFile(saved) as archive:
        contents = {info.filename: archive.read(info) for info in archive.infolist()}
    record = json.loads(contents[RECORD])
    change(record)
    contents[RECORD] = json.dumps(record).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in contents.items():
            latents = name.startswith("blocks/") and name.endswith(".safetensors")
            kind = zipfile.ZIP_STORED if latents else zipfile.ZIP_DEFLATED
            archive.writestr(name, data, compress_type=kind)
    return path


def mask(number, height=H, width=W):
    """A mask of a frame in a few numbers; another for each number."""
    first, second = 1 + number % 1000, 1 + number // 1000
    runs = [first, second, height * width - first - second]
    return {"type": "mask", "height": height, "width": width, "runs": runs}


def earlier(*documents):
    """Calls before the last one, each with a document of drags."""

    def change(record):
        call = {name: record[name] for name in archive_blocks.CALL} | {"settings": SETTINGS}
        made = call | {"mode": "step", "drags": None, "settings": None, "part": [0, 1]}
        edits = [call | {"mode": "edit", "drags": document} for document in documents]
        record["earlier"] = [made, *edits]
        record |= {"mode": "edit", "drags": documents[0], "settings": SETTINGS}

    return change


def document(*regions, keep=None):
    motion = {"type": "translation", "path": PATH}
    drags = [{"region": region, "motion": motion} for region in regions]
    return {"version": 1, "drags": drags, "keep": keep}


def test_masks_of_all_calls_are_within_one_budget(tmp_path, in_its_own_process):
    height, width = 256, 448
    call = {"mode": "edit", "part": [0, 1], "settings": SETTINGS}
    masks = [[mask(200 * n + k, height, width) for k in range(200)] for n in range(30)]
    records = [call | {"drags": document(*each)} for each in masks]
    path = tmp_path / "records.json"
    path.write_text(json.dumps(records))
    taken, said = in_its_own_process(
        f"""
        calls = CallReader(spec, (), Budget(**LIMITS))
        kept = [calls.read(each, "x", 1) for each in json.loads(Path({str(path)!r}).read_bytes())]
        """,
        f"""
from pathlib import Path
from dragstream.drags.reading import Budget
from dragstream.stream.archive_blocks import LIMITS, CallReader
from tests.widgets.swatches import Swatches

spec = Swatches({width}, {height}).spec
""",
    )
    assert "at most 268435456 pixels are read altogether" in said
    assert taken < 500  # the 6,000 masks would take 690


def test_equal_documents_are_read_once(saved, model, tmp_path, monkeypatch):
    path = changed(saved, tmp_path / "a", earlier(*[document(mask(0))] * 500))
    monkeypatch.setitem(archive_blocks.LIMITS, "drags", 2)
    monkeypatch.setitem(archive_blocks.LIMITS, "pixels", H * W)
    block = Stream.restore(path, model).blocks[1]
    assert len({id(call.drags[0].region) for call in block.earlier[1:]}) == 1


def scribble(count, radius=3):
    places = np.random.default_rng(count).uniform(0, 30, (count, 2)).round(2).tolist()
    return {"type": "brush", "points": places, "radius": radius}


@pytest.mark.parametrize(
    "limit",
    [
        ("calls", 5, [document(scribble(3))] * 5),
        ("drags", 9, [document(*[scribble(n)] * 3) for n in range(2, 6)]),
        ("regions", 9, [document(*[scribble(n)] * 3) for n in range(2, 6)]),
        ("points", 99, [document(scribble(n)) for n in range(30, 40)]),
        ("steps_of_painting", 9000, [document(scribble(n)) for n in range(300, 310)]),
        ("iterations", 0, [document(scribble(3))]),
        ("bytes_of_JSON", 999, [document(scribble(n)) for n in range(2, 6)]),
        ("milliseconds_of_calls", -1, [document(scribble(3))]),
    ],
)
def test_all_calls_share_a_budget(limit, saved, model, tmp_path, monkeypatch):
    thing, most, documents = limit
    path = changed(saved, tmp_path / "a", earlier(*documents))
    Stream.restore(path, model)
    monkeypatch.setitem(archive_blocks.LIMITS, thing, most)
    name = thing.replace("_", " ")
    with pytest.raises(
        ValueError, match=f"'.*a' is not a complete .*at most {most} {name} are read"
    ):
        Stream.restore(path, model)


def test_a_member_that_understates_its_size_is_not_unpacked_whole(
    saved, folder, tmp_path, in_its_own_process
):
    """Its frames unpack to 256 MiB, and the checksum fits what it says that they are."""
    with zipfile.ZipFile(saved) as archive:
        contents = {info.filename: archive.read(info) for info in archive.infolist()}
    name = "frames/000001.safetensors"
    size, checksum = len(contents[name]), zlib.crc32(contents[name])
    path = tmp_path / "bad.dragstream"
    with zipfile.ZipFile(path, "w") as archive:
        for member, data in contents.items():
            if member != name:
                archive.writestr(member, data)
        with archive.open(name, "w") as file:
            file._compressor = zlib.compressobj(1, zlib.DEFLATED, -15)
            file._zinfo.compress_type = zipfile.ZIP_DEFLATED
            file.write(contents[name])
            for _ in range(256):
                file.write(bytes(2**20))
    data = bytearray(path.read_bytes())
    for start, header, place in ((0, 30, 14), (data.rindex(name.encode()) - 46, 46, 16)):
        at = data.index(name.encode(), start) - header + place
        struct.pack_into("<I", data, at, checksum)
        struct.pack_into("<I", data, at + 8, size)
    path.write_bytes(data)
    assert len(data) < 2**22
    taken, _ = in_its_own_process(
        f"Stream.restore({str(path)!r}, model)",
        LOAD.format(folder=str(folder)),
    )
    assert taken < 150


@pytest.mark.parametrize(
    "change",
    [
        lambda record: record.update(prompt=["x" * 10**6]),
        lambda record: record.update(mode="x" * 10**6),
        lambda record: record.update(part=[1] * 10**6),
        lambda record: record.update(earlier={"x" * 10**6: 1}),
        lambda record: record.update(timings="x" * 10**6),
        lambda record: record.update(iterations=[["x" * 10**6]]),
        lambda record: record["drags"].update(version="x" * 10**6),
        lambda record: record["settings"].update({"x" * 10**6: 1}),
        lambda record: record.update(settings="x" * 10**6),
        lambda record: record["settings"].update(cutoffs=[0.5] * 10**6),
    ],
)
def test_texts_of_an_archive_are_cut(saved, model, tmp_path, change):
    path = changed(saved, tmp_path / "a", change)
    with pytest.raises(ValueError, match="is not a complete DragStream archive") as caught:
        Stream.restore(path, model)
    assert len(str(caught.value)) < 800
