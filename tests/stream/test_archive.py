"""A saved stream comes back as it was, goes on with the same bits; a failed save harms no file."""

import json
import platform
import stat
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load

from dragstream.drags import regions
from dragstream.method.rectification import Rectification
from dragstream.method.settings import DragSettings
from dragstream.stream import Mode, Stream
from tests.stream.takes import MASK


@pytest.fixture(scope="module")
def stream(full):
    return full


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


@dataclass(frozen=True)
class Whole:
    """A rectification of one's own that does what the paper's does."""

    neighbours: int = 9

    def prepare(self, own, neighbours):
        return Rectification(self.neighbours).prepare(own, neighbours)


def test_parts_of_ones_own_come_back_if_their_classes_are_handed_in(stream, drags, tmp_path, model):
    stream = stream.fork()
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
