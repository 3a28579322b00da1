"""Streams as files: one zip of JSON and safetensors, format version 2.

```
manifest.json               format, version, model (name, fingerprint), seed, prompt, blocks, start;
                            prediction_blocks, if there are any
picture.safetensors         the picture that the stream began with (H, W, 3), uint8, if there is one
footage.safetensors         the video that the stream began with (T, H, W, 3), likewise
blocks/000000.json          mode, prompt, part, drags and keep, settings, iterations, drift,
                            timings, earlier (mode, part, drags and keep, settings of each call)
blocks/000000.safetensors   latents (F, C, h, w) and noisy (steps, F, C, h, w), float32, stored
frames/000000.safetensors   frames (T, H, W, 3), uint8, deflated
```

Version 1, which is read as well, has neither `picture.safetensors` nor "earlier": how a block was
made before it was edited, and what the stream began with, are unknown then. So is the latter where
a file of version 2 lacks it.

A file is data from somewhere, so it is read as such: nothing is unpickled or extracted, the member
names must be exactly these, and sizes are checked against the model's before anything is read.
"""

from __future__ import annotations

import json
import math
import os
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors

from dragstream.drags.budget import Budget
from dragstream.drags.checks import not_negative, short, whole
from dragstream.drags.documents import to_json
from dragstream.drags.files import expanded, replacing
from dragstream.method.iteration import Iteration
from dragstream.stream.archive_calls import (
    CALL,
    LIMITS,
    CallReader,
    listed,
    only,
    reason,
    text,
)
from dragstream.stream.noise import checked_seed
from dragstream.stream.records import Block, Call, Mode, Timings

if TYPE_CHECKING:
    from dragstream.models.base import ModelSpec, VideoModel

FORMAT = "dragstream"
VERSION = 2
_VERSIONS = (1, VERSION)
"""Those that can be read."""
_SOURCES = ("picture", "footage")
"""What a stream may have begun with: fields of its first block, and names of their members."""
_JSON_LIMIT = 2**24
"""The most bytes that a JSON member may have: 16 MiB."""
_HEADER_LIMIT = 2**12
"""The most bytes that a safetensors member may have beside its data: 4 KiB."""
_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    SafetensorError,
    EOFError,
    KeyError,
    NotImplementedError,
    OverflowError,
    RecursionError,
    RuntimeError,
    TypeError,
    ValueError,
)
"""What reading a damaged or foreign file may raise, somewhere inside."""


@dataclass(frozen=True, eq=False)
class Tape:
    """What a file holds."""

    seed: int
    prompt: str
    blocks: tuple[Block, ...]
    start: int
    prediction_blocks: int = 0


def save(tape: Tape, path: str | os.PathLike[str], model: VideoModel) -> Path:
    """Write a tape; the file is complete or not there at all, an older one replaced at the end.

    Raises:
        ValueError: The folder does not exist, or the path is a folder.
        OSError: The file cannot be written, as on a full disk.
    """
    target = expanded(path)
    if target.is_dir() or not target.parent.is_dir():
        raise ValueError(f"cannot write a file {str(target)!r}: not a file in a folder that exists")
    manifest = {
        "format": FORMAT,
        "version": VERSION,
        "model": {"name": model.spec.name, "fingerprint": model.fingerprint()},
        "seed": tape.seed,
        "prompt": tape.prompt,
        "blocks": len(tape.blocks),
        "start": tape.start,
    }
    if tape.prediction_blocks:
        manifest["prediction_blocks"] = tape.prediction_blocks
    with replacing(target) as part, zipfile.ZipFile(part, "w") as archive:
        _write(archive, "manifest.json", _encode(manifest))
        for name, source in _sources(tape.blocks):
            _write(archive, _member(name), _pixels(name, source))
        for block in tape.blocks:
            record, latents, frames = _members(block.index)
            _write(archive, record, _encode(_record(block)))
            tensors = {"latents": block.latents, "noisy": torch.stack(block.noisy)}
            _write(archive, latents, save_tensors(tensors), deflate=False)
            _write(archive, frames, _pixels("frames", block.frames))
    return target


def load(path: str | os.PathLike[str], model: VideoModel, parts: Sequence[Any] = ()) -> Tape:
    """Read a tape that `save` wrote with the same model.

    Args:
        path: The file.
        model: What it was generated with.
        parts: Classes and functions of one's own that its drags and settings may name.

    Raises:
        FileNotFoundError: No such file.
        ValueError: Not such a file, or damaged, or written with another model.
    """
    source = expanded(path)
    if source.is_dir():
        raise ValueError(f"{str(source)!r} is a folder, not a DragStream archive")
    with _explained(source), zipfile.ZipFile(source) as archive:
        manifest = _manifest(archive)
    _check_model(manifest["model"], model, source)
    with _explained(source), zipfile.ZipFile(source) as archive:
        count = whole(manifest["blocks"], "blocks", least=0)
        start = whole(manifest["start"], "start", least=0)
        predictions = whole(manifest.get("prediction_blocks", 0), "prediction_blocks", least=0)
        sources = [n for n in _SOURCES if start and _member(n) in archive.namelist()]
        extra = list(map(_member, sources))
        _check_members(archive, count, source.stat().st_size, extra=extra)
        budget = Budget(**LIMITS)
        calls = CallReader(model.spec, parts, budget)
        blocks: list[Block] = []
        for index in range(count):
            first_frame = blocks[-1].video_frames.stop if blocks else 0
            version = manifest["version"]
            block = _read_block(
                archive, index, first_frame, model.spec, version, calls=calls, budget=budget
            )
            blocks.append(block)
        if start not in _starts(blocks):
            raise ValueError(
                f"start must count the blocks of the picture or video that the stream began with, "
                f"got {start}"
            )
        blocks[:1] = [
            replace(block, **_read_sources(archive, sources, start, model.spec))
            for block in blocks[:1]
        ]
        seed, prompt = checked_seed(manifest["seed"]), text(manifest["prompt"])
        return Tape(seed, prompt, tuple(blocks), start, predictions)


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Turn whatever a bad file provokes into one ValueError."""
    try:
        yield
    except _BROKEN as error:
        raise ValueError(
            f"{str(path)!r} is not a whole DragStream archive: {reason(error)}"
        ) from error


# ---------------------------------------------------------------------------------------- members


def _members(index: int) -> tuple[str, str, str]:
    """The names of a block's members: record, latents, frames."""
    stem = f"{index:06d}"
    return f"blocks/{stem}.json", f"blocks/{stem}.safetensors", f"frames/{stem}.safetensors"


def _member(source: str) -> str:
    """The name of the member that holds what the stream began with."""
    return f"{source}.safetensors"


def _sources(blocks: Sequence[Block]) -> Iterator[tuple[str, NDArray[np.uint8]]]:
    """What the stream began with, if it is known, by its field."""
    for name in _SOURCES if blocks else ():
        source = getattr(blocks[0], name)
        if source is not None:
            yield name, source


def _write(archive: zipfile.ZipFile, name: str, data: bytes, *, deflate: bool = True) -> None:
    member = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))  # no clock: same bytes again
    member.compress_type = zipfile.ZIP_DEFLATED if deflate else zipfile.ZIP_STORED
    member.external_attr = 0o644 << 16
    archive.writestr(member, data, compresslevel=1)


def _read(archive: zipfile.ZipFile, name: str, least: int, most: int) -> bytes:
    """A member of between ``least`` and ``most`` bytes; its checksum is verified."""
    member = archive.getinfo(name)
    if member.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        raise ValueError(f"{name} is compressed in a way that is not used here")
    size = member.file_size
    if not least <= size <= most:
        raise ValueError(f"{name} should have {least} to {most} bytes, it has {size}")
    with archive.open(name) as file:
        # not archive.read, which unpacks all that there is, whatever the size says
        return file.read(size + 1)


def _check_members(
    archive: zipfile.ZipFile, count: int, file_size: int, extra: Sequence[str]
) -> None:
    """Exactly the members of ``count`` blocks, and no more data in them than the file can hold."""
    found = archive.infolist()
    alone = {"manifest.json", *extra}
    expected = alone.union(*(_members(index) for index in range(len(found) // 3)))
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
        if archive.getinfo(_members(index)[1]).compress_type != zipfile.ZIP_STORED:
            raise ValueError(f"{_members(index)[1]} is compressed")


def _pixels(name: str, values: NDArray[np.uint8]) -> bytes:
    return save_tensors({name: torch.from_numpy(values.copy())})


def _encode(data: dict[str, Any]) -> bytes:
    return json.dumps(data, allow_nan=False, separators=(",", ":")).encode()


def _decode(data: bytes) -> dict[str, Any]:
    decoded = json.loads(data)
    if not isinstance(decoded, dict):
        raise TypeError(f"a JSON object is missing, there is {type(decoded).__name__}")
    return decoded


# --------------------------------------------------------------------------------------- manifest


def _manifest(archive: zipfile.ZipFile) -> dict[str, Any]:
    if "manifest.json" not in archive.namelist():
        raise ValueError("it has no manifest.json")
    manifest = _decode(_read(archive, "manifest.json", 0, _JSON_LIMIT))
    if manifest.get("format") != FORMAT:
        raise ValueError(f"its format is {short(manifest.get('format'))}")
    version = manifest.get("version")
    if isinstance(version, bool) or version not in _VERSIONS:
        known = " and ".join(map(str, _VERSIONS))
        raise ValueError(f"its version is {short(version)}, this package reads {known}")
    keys = ("format", "version", "model", "seed", "prompt", "blocks", "start")
    optional = ("prediction_blocks",) if "prediction_blocks" in manifest else ()
    only(manifest, (*keys, *optional))
    only(manifest["model"], ("name", "fingerprint"))
    return manifest


def _check_model(saved: dict[str, Any], model: VideoModel, path: Path) -> None:
    if saved["fingerprint"] != model.fingerprint():
        raise ValueError(
            f"{str(path)!r} was made with other weights than these: model {short(saved['name'])}, "
            f"fingerprint {short(saved['fingerprint'])}; this one is {model.spec.name!r}, "
            f"{model.fingerprint()!r}"
        )


def _starts(blocks: Sequence[Block]) -> tuple[int, ...]:
    """How many blocks a stream may have been started with: one, if it is a picture.

    Raises:
        ValueError: Pictures after other blocks.
    """
    given = [block.given for block in blocks]
    count = given.index(False) if False in given else len(given)
    if any(given[count:]):
        raise ValueError("only the first blocks can be pictures")
    # In version 1 it cannot be seen whether an edited block was a picture.
    edited = len(blocks) > 0 == count and blocks[0].mode is Mode.EDIT and not blocks[0].earlier
    return (0, 1) if edited else (count,)


# ----------------------------------------------------------------------------------------- blocks

_RECORD = {
    1: (*CALL, "prompt", "iterations", "drift", "timings"),
    2: (*CALL, "prompt", "iterations", "drift", "timings", "earlier"),
}
_TIMINGS = ("steps", "drag", "commit", "decode")


def _record(block: Block) -> dict[str, Any]:
    """A block without its tensors, as JSON."""
    timings = block.timings
    return {
        **_call_record(block.call),
        "earlier": [_call_record(call) for call in block.earlier],
        "prompt": block.prompt,
        "iterations": [iteration.to_json() for iteration in block.iterations],
        "drift": [None if math.isnan(value) else value for value in block.drift],
        "timings": {
            "steps": list(timings.steps),
            "drag": timings.drag,
            "commit": timings.commit,
            "decode": timings.decode,
        },
    }


def _call_record(call: Call) -> dict[str, Any]:
    return {
        "mode": call.mode.value,
        "part": list(call.part),
        "drags": to_json(call.drags, call.keep, own=True) if call.drags else None,
        "settings": call.settings.to_json() if call.settings else None,
    }


def _read_block(
    archive: zipfile.ZipFile,
    index: int,
    first_frame: int,
    spec: ModelSpec,
    version: int,
    *,
    calls: CallReader,
    budget: Budget,
) -> Block:
    name = _members(index)[0]
    data = _read(archive, name, 0, _JSON_LIMIT)
    budget.spend("bytes_of_JSON", len(data), name)
    record = _decode(data)
    only(record, _RECORD[version])
    budget.spend("iterations", len(listed(record["iterations"])), name)
    latents, noisy = _read_latents(archive, index, spec)
    call = calls.read({key: record[key] for key in CALL}, name, index)
    if not call.drags and record["iterations"] != []:
        raise ValueError(f"{name}: iterations without drags")
    return Block(
        index=index,
        mode=call.mode,
        prompt=text(record["prompt"]),
        latents=latents,
        noisy=noisy,
        frames=_read_frames(archive, index, spec),
        drift=_read_drift(record["drift"], spec.frames_per_block),
        timings=_read_timings(record["timings"], len(spec.sigmas)),
        first_frame=first_frame,
        drags=call.drags,
        keep=call.keep,
        settings=call.settings,
        part=call.part,
        iterations=_read_iterations(record["iterations"], spec.latent_channels),
        earlier=calls.earlier(record.get("earlier", []), call, name, index),
    )


def _read_latents(
    archive: zipfile.ZipFile, index: int, spec: ModelSpec
) -> tuple[torch.Tensor, tuple[torch.Tensor, ...]]:
    grid = spec.grid
    shape = (
        spec.frames_per_block,
        spec.latent_channels,
        grid.latent_height,
        grid.latent_width,
    )
    shapes = {"latents": shape, "noisy": (len(spec.sigmas), *shape)}
    tensors = _read_tensors(archive, _members(index)[1], shapes, torch.float32)
    if not all(bool(torch.isfinite(tensor).all()) for tensor in tensors.values()):
        raise ValueError(f"the latents of block {index} are not finite")
    # Each its own memory, aligned as any tensor is: the model's bits may depend on it.
    return tensors["latents"].clone(), tuple(part.clone() for part in tensors["noisy"])


def _read_frames(archive: zipfile.ZipFile, index: int, spec: ModelSpec) -> NDArray[np.uint8]:
    count = spec.frames_per_block
    before, after = (spec.clock.video_frames(n * count) for n in (index, index + 1))
    shape = (after - before, spec.grid.height, spec.grid.width, 3)
    return _read_pixels(archive, _members(index)[2], "frames", shape)


def _read_sources(
    archive: zipfile.ZipFile, names: Sequence[str], start: int, spec: ModelSpec
) -> dict[str, Any]:
    """What the stream began with, by field; it shows ``start`` blocks.

    Raises:
        ValueError: A picture that would show several blocks, or more than one thing.
    """
    if len(names) > 1 or ("picture" in names and start > 1):
        raise ValueError(f"{start} blocks cannot show {' and '.join(map(_member, names))}")
    size = (spec.grid.height, spec.grid.width, 3)
    count = spec.clock.video_frames(start * spec.frames_per_block)
    shapes = {"picture": size, "footage": (count, *size)}
    return {name: _read_pixels(archive, _member(name), name, shapes[name]) for name in names}


def _read_pixels(
    archive: zipfile.ZipFile, member: str, name: str, shape: tuple[int, ...]
) -> NDArray[np.uint8]:
    pixels = _read_tensors(archive, member, {name: shape}, torch.uint8)[name].numpy().copy()
    pixels.setflags(write=False)
    return pixels


def _read_tensors(
    archive: zipfile.ZipFile, name: str, shapes: Mapping[str, tuple[int, ...]], dtype: torch.dtype
) -> dict[str, torch.Tensor]:
    size = sum(math.prod(shape) for shape in shapes.values()) * dtype.itemsize
    tensors = load_tensors(_read(archive, name, size, size + _HEADER_LIMIT))
    only(tensors, tuple(shapes))
    for key, shape in shapes.items():
        if tuple(tensors[key].shape) != shape or tensors[key].dtype != dtype:
            raise ValueError(
                f"{key} in {name} should be {dtype} of shape {shape}, "
                f"it is {tensors[key].dtype} of shape {tuple(tensors[key].shape)}"
            )
    return tensors


def _read_drift(data: Any, count: int) -> tuple[float, ...]:
    drift = tuple(
        math.nan if value is None else not_negative(value, "drift") for value in listed(data)
    )
    if len(drift) != count:
        raise ValueError(f"drift must have {count} values, got {len(drift)}")
    return drift


def _read_timings(data: Any, most: int) -> Timings:
    only(data, _TIMINGS)
    steps = tuple(not_negative(value, "steps") for value in listed(data["steps"]))
    if len(steps) > most:
        raise ValueError(f"steps must be at most {most} durations, got {len(steps)}")
    return Timings(steps, *(not_negative(data[name], name) for name in _TIMINGS[1:]))


def _read_iterations(data: Any, channels: int) -> tuple[Iteration, ...]:
    iterations = tuple(Iteration.from_json(item) for item in listed(data))
    for place, item in enumerate(iterations):
        if item.index != place:
            raise ValueError(f"iterations must be counted from 0, got {item.index} at {place}")
        for moments in (item.moments_before, item.moments):
            if len(moments.means) != channels:
                raise ValueError(
                    f"moments must be those of {channels} channels, got {len(moments.means)}"
                )
    return iterations
