"""Members of an archive's zip: their names, and bounded reads of JSON and tensors."""

from __future__ import annotations

import json
import math
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors

from dragstream.drags.checks import check_keys

JSON_LIMIT = 2**24
"""The most bytes that a JSON member may have: 16 MiB."""
_HEADER_LIMIT = 2**12
"""The most bytes that a safetensors member may have beside its data: 4 KiB."""


def block_members(index: int) -> tuple[str, str, str]:
    """The names of a block's members: record, latents, frames."""
    stem = f"{index:06d}"
    return f"blocks/{stem}.json", f"blocks/{stem}.safetensors", f"frames/{stem}.safetensors"


def source_member(source: str) -> str:
    """The name of the member for the picture or footage that the stream was started from."""
    return f"{source}.safetensors"


def write_member(archive: zipfile.ZipFile, name: str, data: bytes, *, deflate: bool = True) -> None:
    """Write a member, deflated or stored."""
    member = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))  # no clock: same bytes again
    member.compress_type = zipfile.ZIP_DEFLATED if deflate else zipfile.ZIP_STORED
    member.external_attr = 0o644 << 16
    archive.writestr(member, data, compresslevel=1)


def read_member(archive: zipfile.ZipFile, name: str, least: int, most: int) -> bytes:
    """The data of a member of ``least`` to ``most`` bytes; its checksum is verified."""
    member = archive.getinfo(name)
    if member.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        raise ValueError(f"{name} must be stored or deflated, it is compressed in another way")
    size = member.file_size
    if not least <= size <= most:
        raise ValueError(f"{name} should have {least} to {most} bytes, it has {size}")
    with archive.open(name) as file:
        # not archive.read, which unpacks everything, however small the stated size is
        return file.read(size + 1)


def check_members(
    archive: zipfile.ZipFile, count: int, file_size: int, extra: Sequence[str]
) -> None:
    """Check that the members are those of ``count`` blocks, and fit the size of the file."""
    found = archive.infolist()
    alone = {"manifest.json", *extra}
    expected = alone.union(*(block_members(index) for index in range(len(found) // 3)))
    names = {member.filename for member in found}
    odd = sorted(names ^ expected)
    if odd or len(found) != len(names) or len(found) != len(alone) + 3 * count:
        raise ValueError(
            f"its members are not those of {count} blocks{': ' if odd else ''}"
            f"{', '.join(map(repr, odd[:3]))}"
        )
    if sum(member.compress_size for member in found) > file_size:
        raise ValueError("its members overlap")
    for index in range(count):
        # Latents do not shrink, so a file that claims many blocks has to be large itself.
        if archive.getinfo(block_members(index)[1]).compress_type != zipfile.ZIP_STORED:
            raise ValueError(f"{block_members(index)[1]} is compressed")


def encode_json(data: dict[str, Any]) -> bytes:
    """A JSON object as bytes, without blanks."""
    return json.dumps(data, allow_nan=False, separators=(",", ":")).encode()


def decode_json(data: bytes) -> dict[str, Any]:
    """The inverse of `encode_json`."""
    decoded = json.loads(data)
    if not isinstance(decoded, dict):
        raise TypeError(f"must be a JSON object, got {type(decoded).__name__}")
    return decoded


def encode_pixels(name: str, values: NDArray[np.uint8]) -> bytes:
    """One array of pixels as a safetensors file."""
    return save_tensors({name: torch.from_numpy(values.copy())})


def read_pixels(
    archive: zipfile.ZipFile, member: str, name: str, shape: tuple[int, ...]
) -> NDArray[np.uint8]:
    """The read-only pixels called ``name`` in a member; they must have the shape."""
    pixels = read_tensors(archive, member, {name: shape}, torch.uint8)[name].numpy().copy()
    pixels.setflags(write=False)
    return pixels


def read_tensors(
    archive: zipfile.ZipFile, name: str, shapes: Mapping[str, tuple[int, ...]], dtype: torch.dtype
) -> dict[str, torch.Tensor]:
    """The tensors of a safetensors member: exactly those named, of these shapes and this dtype."""
    size = sum(math.prod(shape) for shape in shapes.values()) * dtype.itemsize
    tensors = load_tensors(read_member(archive, name, size, size + _HEADER_LIMIT))
    check_keys(tensors, tuple(shapes), name)
    for key, shape in shapes.items():
        if tuple(tensors[key].shape) != shape or tensors[key].dtype != dtype:
            raise ValueError(
                f"{key} in {name} should be {dtype} of shape {shape}, "
                f"it is {tensors[key].dtype} of shape {tuple(tensors[key].shape)}"
            )
    return tensors
