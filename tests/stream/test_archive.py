import io
import json
import pickle
import platform
import stat
import struct
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import load, save

from dragstream.drags import regions
from dragstream.drags.motions import Deformation, Drag, Translation
from dragstream.method.rectification import Rectification
from dragstream.method.settings import DragSettings
from dragstream.stream import Mode, Stream

MASK = np.zeros((32, 48), bool)
MASK[20:30, 30:44] = True


def filled(model, drags):
    """A stream with every kind of block in it."""
    image = np.arange(32 * 48 * 3, dtype=np.uint64).reshape(32, 48, 3).astype(np.uint8)
    stream = Stream(model, "red ball", seed=2**63 + 5, image=image)
    stream.step()
    stream.prompt = "blue ball slides"
    stream.animate(drags, blocks=2, keep=regions.box(0, 24, 12, 32) - MASK)
    memory = stream.remember(MASK)
    drag = Drag(regions.disc((14, 12), 6), Translation([(0, 0), (3, 4), (6, 0)]), memory)
    stream.edit([drag], settings=DragSettings.released(iterations=1))
    stream.animate([Drag(MASK, Deformation.by(0, -6))], settings=DragSettings.paper(focus=2))
    stream.prompt = "red ball jumps"
    return stream


@pytest.fixture(scope="module")
def stream(model, drags):
    return filled(model, drags)


@pytest.fixture(scope="module")
def saved(stream, tmp_path_factory):
    return stream.save(tmp_path_factory.mktemp("archive") / "take-1.dragstream")


def go_on(stream, drags):
    stream.step()
    stream.animate(drags)
    stream.edit(drags[:1])
    stream.rewind(to=2)
    stream.step()
    return stream


def test_a_restored_stream_is_the_saved_one(stream, saved, tiny, trace):
    restored = Stream.restore(saved, tiny())
    assert trace(restored) == trace(stream)
    assert restored.prompt == "red ball jumps"
    assert repr(restored) == repr(stream)
    for ours, theirs in zip(stream.blocks, restored.blocks, strict=True):
        assert ours.timings == theirs.timings
        assert ours.iterations == theirs.iterations
        assert ours.settings == theirs.settings
        assert (ours.drags, ours.part, ours.mode) == (theirs.drags, theirs.part, theirs.mode)
        assert ours.video_frames == theirs.video_frames
        assert not theirs.frames.flags.writeable
    assert restored.statistics.equals(stream.statistics)
    assert restored.blocks[0].mode is Mode.IMAGE
    keep = restored.blocks[2].keep
    expected = regions.rasterise(regions.box(0, 24, 12, 32) - MASK, 32, 48)
    assert np.array_equal(regions.rasterise(keep, 32, 48), expected)
    with pytest.raises(ValueError, match="must be at least 1"):
        restored.rewind(to=0)


def test_a_restored_stream_goes_on_with_the_same_bits(stream, saved, tiny, drags, trace):
    expected = trace(go_on(stream.fork(), drags))
    assert trace(go_on(Stream.restore(saved, tiny(), undo=1), drags)) == expected


def test_a_restored_stream_goes_on_with_the_same_bits_in_a_new_process(
    stream, saved, drags, trace, tmp_path
):
    script = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
import torch
torch.set_num_threads({torch.get_num_threads()})
from conftest import TinyModel, trace
from dragstream.stream import Stream
from dragstream.drags import regions
from dragstream.drags.motions import Drag, Rotation, Translation
drags = [
    Drag(regions.disc(center=(14, 12), radius=6), Translation.by(12, 4)),
    Drag(regions.box(30, 14, 44, 28), Rotation(center=(37, 21), degrees=30)),
]
stream = Stream.restore({str(saved)!r}, TinyModel())
print(trace(stream))
stream.step()
stream.animate(drags)
stream.edit(drags[:1])
stream.rewind(to=2)
stream.step()
print(trace(stream))
stream.save({str(tmp_path / "again.dragstream")!r})
"""
    result = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True
    )
    first, second = result.stdout.split()
    assert first == trace(stream)
    expected = go_on(stream.fork(), drags)
    assert second == trace(expected)
    assert trace(Stream.restore(tmp_path / "again.dragstream", stream.model)) == second


def test_an_empty_stream_can_be_saved(model, tmp_path, trace):
    stream = Stream(model, "blue", seed=3)
    path = stream.save(tmp_path / "empty.dragstream")
    restored = Stream.restore(path, model)
    restored.step()
    stream.step()
    assert trace(restored) == trace(stream)


# ------------------------------------------------------------------------------- the file itself


def test_the_file_is_json_and_safetensors_and_the_same_bytes_each_time(stream, saved, tmp_path):
    with zipfile.ZipFile(saved) as archive:
        suffixes = {Path(name).suffix for name in archive.namelist()}
        assert suffixes == {".json", ".safetensors"}
        manifest = json.loads(archive.read("manifest.json"))
        assert manifest["seed"] == 2**63 + 5
        assert manifest["blocks"] == len(stream)
        latents = load(archive.read("blocks/000001.safetensors"))
        assert torch.equal(latents["latents"], stream.blocks[1].latents)
        assert archive.testzip() is None
    assert stream.save(str(tmp_path / "again")).read_bytes() == saved.read_bytes()


def test_saving_replaces_whole_files_and_leaves_nothing_behind(stream, tmp_path, monkeypatch):
    path = tmp_path / "take.dragstream"
    path.write_bytes(b"precious")

    def fail(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("dragstream.stream.archive_blocks.block_record", fail)
        with pytest.raises(KeyboardInterrupt):
            stream.save(path)
    assert path.read_bytes() == b"precious"
    assert list(tmp_path.iterdir()) == [path]
    stream.save(path)
    assert zipfile.is_zipfile(path)
    assert list(tmp_path.iterdir()) == [path]
    (tmp_path / "plain").touch()
    mode = stat.S_IMODE((tmp_path / "plain").stat().st_mode)
    assert stat.S_IMODE(path.stat().st_mode) == mode


def test_a_path_that_cannot_be_written_is_refused(stream, tmp_path):
    for path in (tmp_path, tmp_path / "no" / "take.dragstream"):
        with pytest.raises(ValueError, match="cannot write"):
            stream.save(path)
    assert list(tmp_path.iterdir()) == []


def test_another_model_is_refused_by_its_fingerprint(saved, tiny):
    with pytest.raises(ValueError, match="other weights"):
        Stream.restore(saved, tiny(weights=1))


def test_a_file_that_is_not_there_is_not_found(model, tmp_path):
    with pytest.raises(FileNotFoundError):
        Stream.restore(tmp_path / "nothing.dragstream", model)
    with pytest.raises(ValueError, match="is a folder"):
        Stream.restore(tmp_path, model)


# ------------------------------------------------------------------------------------- attacks


def members(path):
    with zipfile.ZipFile(path) as archive:
        return {info.filename: archive.read(info) for info in archive.infolist()}


def pack(path, contents, *, compress_latents=False, extra=()):
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in contents.items():
            stored = name.startswith("blocks/") and name.endswith(".safetensors")
            kind = zipfile.ZIP_STORED if stored and not compress_latents else zipfile.ZIP_DEFLATED
            archive.writestr(name, data, compress_type=kind)
        for name, data, kind in extra:
            archive.writestr(name, data, compress_type=kind)
    return path


def refuse(path, model, message="not a complete DragStream archive"):
    before = sorted(path.parent.rglob("*"))
    with pytest.raises(ValueError, match=message):
        Stream.restore(path, model)
    assert sorted(path.parent.rglob("*")) == before


def test_repacked_members_are_fine(saved, model, tmp_path, trace, stream):
    path = pack(tmp_path / "a", members(saved))
    assert trace(Stream.restore(path, model)) == trace(stream)


@pytest.mark.parametrize(
    "name", ["../escape.json", "/etc/cron.d/x", "blocks/../../x", "blocks/", "readme.txt", "x.pkl"]
)
def test_other_members_are_refused(saved, model, tmp_path, name):
    extra = [(name, b"x", zipfile.ZIP_STORED)]
    refuse(pack(tmp_path / "a", members(saved), extra=extra), model, "members are not those")
    swapped = members(saved)
    swapped[name] = swapped.pop("blocks/000001.json")
    refuse(pack(tmp_path / "a", swapped), model, "members are not those")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_member_that_is_there_twice_is_refused(saved, model, tmp_path):
    extra = [("blocks/000000.json", b"{}", zipfile.ZIP_STORED)] * 3
    refuse(pack(tmp_path / "a", members(saved), extra=extra), model, "members are not those")


@pytest.mark.parametrize(
    "name", ["manifest.json", "blocks/000002.json", "frames/000004.safetensors"]
)
def test_a_missing_member_is_refused(saved, model, tmp_path, name):
    contents = members(saved)
    del contents[name]
    refuse(pack(tmp_path / "a", contents), model)


def test_foreign_files_are_refused(model, tmp_path):
    path = tmp_path / "a"
    for data in (
        b"",
        b"PK",
        b"not a zip",
        pickle.dumps({"latents": 1}),
        b"PK\x05\x06" + b"\0" * 18,
    ):
        path.write_bytes(data)
        refuse(path, model)
    refuse(pack(path, {"word/document.xml": b"<w/>"}), model, "no manifest.json")
    torch.save({"weights": torch.zeros(3)}, path)
    refuse(path, model, "no manifest.json")
    buffer = io.BytesIO()
    np.savez(buffer, latents=np.zeros(3))
    path.write_bytes(buffer.getvalue())
    refuse(path, model, "no manifest.json")


class Evil:
    def __reduce__(self):
        return (Path.touch, (Path("owned"),))


def test_pickles_are_never_loaded(saved, model, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    evil = pickle.dumps(Evil())
    buffer = io.BytesIO()
    torch.save(Evil(), buffer)
    for name in ("manifest.json", "blocks/000001.json", "frames/000001.safetensors"):
        for data in (evil, buffer.getvalue()):
            refuse(pack(tmp_path / "a", members(saved) | {name: data}), model)
    latents = members(saved)["blocks/000001.safetensors"]
    padded = evil + bytes(len(latents) - len(evil))
    path = pack(tmp_path / "a", members(saved) | {"blocks/000001.safetensors": padded})
    refuse(path, model)
    assert not (tmp_path / "owned").exists()


def test_oversized_members_are_refused_before_they_are_read(saved, model, tmp_path, monkeypatch):
    read = zipfile.ZipFile.read

    def read_little(archive, name, *rest):
        data = read(archive, name, *rest)
        assert len(data) < 2**20, f"{name} was read"
        return data

    bomb = bytes(2**25)
    contents = members(saved)
    monkeypatch.setattr(zipfile.ZipFile, "read", read_little)
    for name in ("frames/000000.safetensors", "blocks/000000.safetensors", PLAIN, MANIFEST):
        path = pack(tmp_path / "a", contents | {name: bomb})
        refuse(path, model, f"{name} should have [0-9]+ to [0-9]+ bytes, it has {2**25}")
    refuse(pack(tmp_path / "a", contents, compress_latents=True), model, "is compressed")


def test_a_member_that_unpacks_to_more_than_it_says_is_refused(saved, model, tmp_path):
    name = b"frames/000000.safetensors"
    contents = members(saved)
    size = len(contents[name.decode()])
    contents[name.decode()] = bytes(2**24)
    path = pack(tmp_path / "a", contents)
    data = bytearray(path.read_bytes())
    for start, header in ((0, 30), (data.rindex(name) - 46, 46)):
        place = data.index(name, start)
        struct.pack_into("<I", data, place - header + (22 if header == 30 else 24), size)
    path.write_bytes(data)
    refuse(path, model)


def edited(contents, name, change):
    record = json.loads(contents[name])
    change(record)
    return contents | {name: json.dumps(record).encode()}


MANIFEST, FIRST = "manifest.json", "blocks/000000.json"
PLAIN, DRAGGED = "blocks/000001.json", "blocks/000002.json"


@pytest.mark.parametrize(
    ("name", "change"),
    [
        (MANIFEST, lambda r: r.update(format="other")),
        (MANIFEST, lambda r: r.update(version=3)),
        (MANIFEST, lambda r: r.update(blocks=4)),
        (MANIFEST, lambda r: r.update(blocks=True)),
        (MANIFEST, lambda r: r.update(seed=-1)),
        (MANIFEST, lambda r: r.update(seed=1.5)),
        (MANIFEST, lambda r: r.update(start=2)),
        (MANIFEST, lambda r: r.update(start=0)),
        (MANIFEST, lambda r: r.update(version=True)),
        (MANIFEST, lambda r: r.update(prompt=3)),
        (MANIFEST, lambda r: r.update(model="tiny")),
        (MANIFEST, lambda r: r.update(extra=1)),
        (MANIFEST, lambda r: r.pop("prompt")),
        (PLAIN, lambda r: r.update(mode="dream")),
        (PLAIN, lambda r: r.update(mode="image")),
        (PLAIN, lambda r: r.update(mode="edit")),
        (PLAIN, lambda r: r.update(prompt=None)),
        (PLAIN, lambda r: r.update(part=[1, 1])),
        (PLAIN, lambda r: r.update(part=[0])),
        (PLAIN, lambda r: r.update(drift=[1.0])),
        (PLAIN, lambda r: r.update(drift=[float("nan")] * 3)),
        (PLAIN, lambda r: r.update(drift=[-1.0] * 3)),
        (PLAIN, lambda r: r["timings"].pop("drag")),
        (PLAIN, lambda r: r["timings"].update(commit=-1)),
        (PLAIN, lambda r: r["timings"].update(steps=[0.1] * 9)),
        (PLAIN, lambda r: r["timings"].update(steps=[-0.1])),
        (PLAIN, lambda r: r.update(part=[1, 3])),
        (PLAIN, lambda r: r.update(settings={})),
        (PLAIN, lambda r: r.update(iterations=[{}])),
        (FIRST, lambda r: r.update(mode="step")),
        (PLAIN, lambda r: r.pop("settings")),
        (DRAGGED, lambda r: r["settings"].update(iterations=-1)),
        (DRAGGED, lambda r: r["settings"].update(layers=[9])),
        (DRAGGED, lambda r: r.update(settings=None)),
        (DRAGGED, lambda r: r["drags"]["drags"].clear()),
        (DRAGGED, lambda r: r["drags"].update(version=9)),
        (DRAGGED, lambda r: r["drags"]["drags"][0]["region"].update(radius=-1)),
        (DRAGGED, lambda r: r["iterations"][0].pop("loss")),
        (DRAGGED, lambda r: r["iterations"][0].update(loss="low")),
        (DRAGGED, lambda r: r["iterations"][0].update(loss=-1)),
        (DRAGGED, lambda r: r["iterations"][0].update(cutoff=2)),
        (DRAGGED, lambda r: r["iterations"][0].update(seconds=float("nan"))),
        (DRAGGED, lambda r: r["iterations"][0].update(index=1)),
        (DRAGGED, lambda r: r["iterations"][0]["moments"].update(means=[])),
        (DRAGGED, lambda r: r["iterations"][0]["moments"].update(means=[float("nan")] * 4)),
        (DRAGGED, lambda r: r["iterations"][0]["moments"].update(means="1234")),
        (DRAGGED, lambda r: r["iterations"][0]["moments"].update(stds=[-1] * 4)),
        (DRAGGED, lambda r: r["iterations"][0]["moments"].update(minima=[1e9] * 4)),
        (DRAGGED, lambda r: [part.pop() for part in r["iterations"][0]["moments"].values()]),
        (DRAGGED, lambda r: r.update(iterations={})),
        (DRAGGED, lambda r: r.update(iterations=None)),
    ],
)
def test_records_that_make_no_sense_are_refused(saved, model, tmp_path, name, change):
    refuse(pack(tmp_path / "a", edited(members(saved), name, change)), model)


@pytest.mark.parametrize("name", ["manifest.json", "blocks/000001.json"])
def test_prompts_that_the_model_refuses_are_refused(saved, model, tmp_path, name):
    contents = edited(members(saved), name, lambda r: r.update(prompt="zebra"))
    refuse(pack(tmp_path / "a", contents), model, "zebra")


@pytest.mark.parametrize("wrong", ["playground", None])
def test_a_model_of_another_kind_is_refused(saved, wrong):
    with pytest.raises(TypeError, match=f"must be a VideoModel, as ds.load gives, got {wrong!r}"):
        Stream.restore(saved, wrong)


@pytest.mark.parametrize("data", [b"", b"[]", b"{", b"\xff", b"null", b"[" * 100_000])
def test_records_that_are_no_json_are_refused(saved, model, tmp_path, data):
    for name in (MANIFEST, PLAIN):
        refuse(pack(tmp_path / "a", members(saved) | {name: data}), model)


@pytest.mark.parametrize(
    "change",
    [
        lambda t: t | {"latents": t["latents"].flatten()},
        lambda t: t | {"latents": t["latents"].view(torch.int32)},
        lambda t: t | {"latents": t["latents"] * float("nan")},
        lambda t: t | {"noisy": t["noisy"].transpose(1, 2).contiguous()},
        lambda t: {"latents": t["latents"]},
        lambda t: t | {"more": torch.zeros(2)},
    ],
)
def test_latents_of_another_kind_are_refused(saved, model, tmp_path, change):
    contents, name = members(saved), "blocks/000003.safetensors"
    contents[name] = save(change(load(contents[name])))
    refuse(pack(tmp_path / "a", contents), model)


@pytest.fixture(scope="module")
def small(model, tmp_path_factory):
    """One short archive and a place to spoil copies of it."""
    stream = Stream(model, "red", seed=1)
    stream.step()
    path = stream.save(tmp_path_factory.mktemp("spoiled") / "good.dragstream")
    return path.read_bytes(), path.parent / "bad.dragstream"


@given(fraction=st.floats(0, 1, exclude_max=True))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_truncated_files_are_refused(small, model, fraction):
    data, path = small
    path.write_bytes(data[: int(fraction * len(data))])
    with pytest.raises(ValueError, match="not a complete DragStream archive"):
        Stream.restore(path, model)


@given(place=st.floats(0, 1, exclude_max=True), flip=st.integers(1, 255))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
def test_a_flipped_byte_is_refused_or_harmless(small, model, trace, place, flip):
    data, path = small
    path.write_bytes(data)
    expected = trace(Stream.restore(path, model))
    spoiled = bytearray(data)
    spoiled[int(place * len(data))] ^= flip
    path.write_bytes(spoiled)
    try:
        restored = Stream.restore(path, model)
    except ValueError:
        return
    assert trace(restored) == expected  # a date or an attribute that nobody reads


@dataclass(frozen=True)
class Whole:
    """A rectification of one's own that does what the paper's does."""

    neighbours: int = 9

    def prepare(self, own, neighbours):
        return Rectification(self.neighbours).prepare(own, neighbours)


def test_parts_of_ones_own_come_back_if_their_classes_are_handed_in(stream, drags, tmp_path, model):
    stream.step()
    stream.animate(drags[:1], settings=DragSettings(rectification=Whole(3)))
    stream.edit(drags[1:], settings=DragSettings(rectification=Whole(2)))
    path = stream.save(tmp_path / "own.dragstream")
    restored = Stream.restore(path, model, parts=[Whole])
    assert restored.blocks[-1].settings == stream.blocks[-1].settings
    assert restored.blocks[-1].earlier[0].settings.rectification == Whole(3)
    with pytest.raises(ValueError, match=r"rectification is a user-defined 'Whole'.*parts=\[...\]"):
        Stream.restore(path, model)


def test_what_a_killed_save_left_goes_with_the_next_one(stream, tmp_path):
    path = tmp_path / "take.dragstream"
    left = tmp_path / f".take.dragstream.{platform.node()}.99999999.0123abcd.part"
    left.write_bytes(b"half of it")
    stream.save(path)
    assert list(tmp_path.iterdir()) == [path]


def test_a_save_without_room_leaves_the_good_file(stream, tmp_path, monkeypatch):
    path = stream.save(tmp_path / "take.dragstream")
    good = path.read_bytes()

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        stream.save(path)
    assert path.read_bytes() == good
    assert list(tmp_path.iterdir()) == [path]


def test_a_tilde_is_the_home_folder(model, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert Stream(model, "red ball").save("~/take.dragstream") == tmp_path / "take.dragstream"
    assert Stream.restore("~/take.dragstream", model).prompt == "red ball"
