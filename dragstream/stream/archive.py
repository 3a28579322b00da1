"""Archives of streams: one zip file of JSON and safetensors, format version 2.

```
manifest.json               format, version, model (name, fingerprint), seed, prompt, blocks, start;
                            prediction_blocks, if there are any
picture.safetensors         the picture that the stream was started from (H, W, 3), uint8, if any
footage.safetensors         the video that the stream was started from (T, H, W, 3), if any
blocks/000000.json          mode, prompt, part, drags and keep, settings, iterations, drift,
                            timings, earlier (mode, part, drags and keep, settings of each call)
blocks/000000.safetensors   latents (F, C, h, w) and noisy (steps, F, C, h, w), float32, stored
frames/000000.safetensors   frames (T, H, W, 3), uint8, deflated
```

Early files lack the picture.

A file may be hostile: nothing is unpickled or extracted, the member names must be exactly these,
and sizes are checked against the model's before anything is read.
"""

from __future__ import annotations

import os
import struct
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError

from dragstream.drags.checks import check_int, check_keys, check_kind, short_repr
from dragstream.drags.files import expanded, replacing
from dragstream.drags.reading import located
from dragstream.models.base import ModelSpec, VideoModel
from dragstream.stream.archive_blocks import BlockReader, write_block
from dragstream.stream.archive_members import (
    JSON_LIMIT,
    check_members,
    decode_json,
    encode_json,
    encode_pixels,
    read_member,
    read_pixels,
    source_member,
    write_member,
)
from dragstream.stream.noise import checked_seed
from dragstream.stream.records import Block
from dragstream.stream.state import State

FORMAT = "dragstream"
VERSION = 2
_SOURCES = ("picture", "footage")
"""Fields of the first block for the input that a stream was started from; also member names."""
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
"""Exceptions that damaged or foreign files raise in the libraries that read them."""


def save(state: State, seed: int, path: str | os.PathLike[str], model: VideoModel) -> Path:
    """Write a stream, see `Stream.save`."""
    target = expanded(path)
    if target.is_dir() or not target.parent.is_dir():
        raise ValueError(f"cannot write a file {str(target)!r}: not a file in a folder that exists")
    manifest = {
        "format": FORMAT,
        "version": VERSION,
        "model": {"name": model.spec.name, "fingerprint": model.fingerprint()},
        "seed": seed,
        "prompt": state.prompt,
        "blocks": len(state.blocks),
        "start": state.start,
    }
    if state.prediction_blocks:
        manifest["prediction_blocks"] = state.prediction_blocks
    with replacing(target) as part, zipfile.ZipFile(part, "w") as archive:
        write_member(archive, "manifest.json", encode_json(manifest))
        for name, source in _sources(state.blocks):
            write_member(archive, source_member(name), encode_pixels(name, source))
        for block in state.blocks:
            write_block(archive, block)
    return target


def load(
    path: str | os.PathLike[str], model: VideoModel, parts: Sequence[Any] = ()
) -> tuple[int, State]:
    """Read a stream, see `Stream.restore`: its seed, and its state without contexts."""
    source = expanded(path)
    if source.is_dir():
        raise ValueError(f"{str(source)!r} is a folder, not a DragStream archive")
    complete = partial(located, f"{str(source)!r} is not a complete DragStream archive", *_BROKEN)
    with complete(), zipfile.ZipFile(source) as archive:
        manifest = _manifest(archive)
    _check_model(manifest["model"], model, source)
    with complete(), zipfile.ZipFile(source) as archive:
        count = check_int(manifest["blocks"], "blocks", least=0)
        start = check_int(manifest["start"], "start", least=0)
        predictions = check_int(manifest.get("prediction_blocks", 0), "prediction_blocks", least=0)
        sources = [n for n in _SOURCES if start and source_member(n) in archive.namelist()]
        extra = list(map(source_member, sources))
        check_members(archive, count, source.stat().st_size, extra=extra)
        reader = BlockReader(archive, model.spec, parts)
        blocks = [reader.read(index) for index in range(count)]
        if start != _start(blocks):
            raise ValueError(
                f"start must be the number of blocks of the picture or video that the stream was "
                f"started from, got {start}"
            )
        if blocks:
            read = _read_sources(archive, sources, start, model.spec)
            blocks[0] = replace(blocks[0], **read)
        seed = checked_seed(manifest["seed"])
        prompt = check_kind(manifest["prompt"], str, "a prompt")
        return seed, State(
            tuple(blocks), prompt, limit=0, start=start, prediction_blocks=predictions
        )


def _manifest(archive: zipfile.ZipFile) -> dict[str, Any]:
    if "manifest.json" not in archive.namelist():
        raise ValueError("it has no manifest.json")
    manifest = decode_json(read_member(archive, "manifest.json", 0, JSON_LIMIT))
    if manifest.get("format") != FORMAT:
        raise ValueError(f"its format is {short_repr(manifest.get('format'))}")
    version = manifest.get("version")
    if version != VERSION:
        raise ValueError(f"its version is {short_repr(version)}, this package reads {VERSION}")
    keys = ("format", "version", "model", "seed", "prompt", "blocks", "start")
    optional = ("prediction_blocks",) if "prediction_blocks" in manifest else ()
    check_keys(manifest, (*keys, *optional), "the manifest")
    check_keys(manifest["model"], ("name", "fingerprint"), "the manifest's model")
    return manifest


def _check_model(saved: dict[str, Any], model: VideoModel, path: Path) -> None:
    if saved["fingerprint"] != model.fingerprint():
        raise ValueError(
            f"{str(path)!r} was generated with other weights: model {short_repr(saved['name'])}, "
            f"fingerprint {short_repr(saved['fingerprint'])}; "
            f"the given model is {model.spec.name!r}, {model.fingerprint()!r}"
        )


def _start(blocks: Sequence[Block]) -> int:
    """The number of blocks that a stream was started from: one for a picture."""
    given = [block.given for block in blocks]
    count = given.index(False) if False in given else len(given)
    if any(given[count:]):
        raise ValueError("only the first blocks can be pictures")
    return count


def _sources(blocks: Sequence[Block]) -> Iterator[tuple[str, NDArray[np.uint8]]]:
    """The picture or footage that the stream was started from, if known, by its field."""
    for name in _SOURCES if blocks else ():
        source = getattr(blocks[0], name)
        if source is not None:
            yield name, source


def _read_sources(
    archive: zipfile.ZipFile, names: Sequence[str], start: int, spec: ModelSpec
) -> dict[str, Any]:
    """The picture or footage that the stream was started from, by field; of ``start`` blocks."""
    if len(names) > 1 or ("picture" in names and start > 1):
        raise ValueError(
            f"{start} blocks cannot be those of {' and '.join(map(source_member, names))}"
        )
    size = (spec.grid.height, spec.grid.width, 3)
    count = spec.clock.video_frames(start * spec.frames_per_block)
    shapes = {"picture": size, "footage": (count, *size)}
    return {name: read_pixels(archive, source_member(name), name, shapes[name]) for name in names}
