"""Blocks in an archive: their JSON records, the calls that made them, and their tensors."""

from __future__ import annotations

import json
import math
import time
import zipfile
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save as save_tensors

from dragstream.drags.checks import (
    check_int,
    check_keys,
    check_kind,
    check_not_negative,
    short_repr,
)
from dragstream.drags.documents import DocumentReader, to_json
from dragstream.drags.motions import Drag, validate
from dragstream.drags.reading import Budget
from dragstream.drags.regions import painting_steps
from dragstream.drags.shapes import Shape
from dragstream.method.documents import method_from_json
from dragstream.method.iteration import Iteration
from dragstream.models.base import ModelSpec
from dragstream.stream.archive_members import (
    JSON_LIMIT,
    block_members,
    decode_json,
    encode_json,
    encode_pixels,
    read_member,
    read_pixels,
    read_tensors,
    write_member,
)
from dragstream.stream.records import Block, Call, Mode, Timings

CALL = ("mode", "part", "drags", "settings")
"""The fields of a call."""

_RECORD = (*CALL, "earlier", "prompt", "iterations", "drift", "timings")
_TIMINGS = ("steps", "drag", "commit", "decode")

LIMITS = {
    "calls": 2**14,
    "drags": 2**14,
    "regions": 2**16,
    "points": 2**20,
    "pixels": 2**28,
    "iterations": 2**16,
    "steps_of_painting": 2**26,
    "bytes_of_JSON": 2**27,
    "milliseconds_of_calls": 60_000,
}
"""Limits for all blocks of an archive together; equal documents and masks count once.

The time is that for calls alone: the latents and frames of a long stream may take longer.
"""


def write_block(archive: zipfile.ZipFile, block: Block) -> None:
    """Write the three members of a block."""
    record, latents, frames = block_members(block.index)
    write_member(archive, record, encode_json(block_record(block)))
    tensors = {"latents": block.latents, "noisy": torch.stack(block.noisy)}
    write_member(archive, latents, save_tensors(tensors), deflate=False)
    write_member(archive, frames, encode_pixels("frames", block.frames))


def block_record(block: Block) -> dict[str, Any]:
    """The JSON record of a block, without its tensors."""
    return {
        **_call_record(block.call),
        "earlier": [_call_record(call) for call in block.earlier],
        "prompt": block.prompt,
        "iterations": [iteration.to_json() for iteration in block.iterations],
        "drift": [None if math.isnan(value) else value for value in block.drift],
        "timings": {name: getattr(block.timings, name) for name in _TIMINGS},
    }


def _call_record(call: Call) -> dict[str, Any]:
    return {
        "mode": call.mode.value,
        "part": list(call.part),
        "drags": to_json(call.drags, call.keep, own=True) if call.drags else None,
        "settings": call.settings.to_json() if call.settings else None,
    }


class CallReader:
    """Reads the calls of an archive; documents that are equal are read and checked once."""

    def __init__(self, spec: ModelSpec, parts: Sequence[Any], budget: Budget) -> None:
        self._spec = spec
        self._parts = parts
        self._budget = budget
        self._reader = DocumentReader(parts, budget)
        self._known: dict[str, tuple[tuple[Drag, ...], Shape | None]] = {}

    def read(self, record: Any, name: str, index: int) -> Call:
        """Read a call that made block `index`; `name` names the record in error messages."""
        self._budget.spend("calls", 1, name)
        begin = time.perf_counter()
        call = self._call(record, name, index)
        taken = round(1000 * (time.perf_counter() - begin))
        self._budget.spend("milliseconds_of_calls", taken, name)
        return call

    def _call(self, record: Any, name: str, index: int) -> Call:
        check_keys(record, CALL, "a call")
        mode = Mode(record["mode"])
        if (mode in {Mode.EDIT, Mode.ANIMATE}) != (record["drags"] is not None):
            raise ValueError(f"{name}: drags do not fit the mode {mode.value!r}")
        part = _part(record["part"])
        if record["drags"] is None:
            if record["settings"] is not None or part != (0, 1):
                raise ValueError(f"{name}: settings or a part without drags")
            return Call(mode)
        drags, keep = self._drags(record["drags"], name)
        if any(drag.source is not None and drag.source.block > index for drag in drags):
            raise ValueError(f"{name}: the memory of a drag is of a later block")
        settings = method_from_json(record["settings"], self._parts).resolve(self._spec)
        return Call(mode, drags, keep, settings, part)

    def _drags(self, document: Any, name: str) -> tuple[tuple[Drag, ...], Shape | None]:
        key = json.dumps(document)
        if key not in self._known:
            drags, keep = self._reader.read(document)
            height, width = self._spec.grid.height, self._spec.grid.width
            painted = [drag.region for drag in drags]
            painted += [drag.source.region for drag in drags if drag.source is not None]
            for region in [*painted, *([] if keep is None else [keep])]:
                steps = painting_steps(region, height, width)
                self._budget.spend("steps_of_painting", steps, name)
            validate(drags, keep, height, width)
            self._known[key] = tuple(drags), keep
        return self._known[key]

    def earlier(self, records: Any, call: Call, name: str, index: int) -> tuple[Call, ...]:
        """Read the calls before the last one: one that generated the block, then its edits."""
        calls = tuple(self.read(item, name, index) for item in check_kind(records, list, "earlier"))
        again = {Mode.EDIT} if self._spec.most_blocks is None else {Mode.EDIT, Mode.ANIMATE}
        if calls and not {item.mode for item in (*calls[1:], call)} <= again:
            raise ValueError(f"{name}: only edits come after the call that made a block")
        if (*calls, call)[0].mode is Mode.EDIT:
            raise ValueError(f"{name}: an edit comes after the call that made a block")
        return calls


class BlockReader:
    """Reads the blocks of an archive that a model made, within one budget."""

    def __init__(self, archive: zipfile.ZipFile, spec: ModelSpec, parts: Sequence[Any]) -> None:
        self._archive = archive
        self._spec = spec
        self._budget = Budget(**LIMITS)
        self._calls = CallReader(spec, parts, self._budget)

    def read(self, index: int) -> Block:
        """Read a block."""
        name = block_members(index)[0]
        data = read_member(self._archive, name, 0, JSON_LIMIT)
        self._budget.spend("bytes_of_JSON", len(data), name)
        record = decode_json(data)
        check_keys(record, _RECORD, "a record")
        iterations = check_kind(record["iterations"], list, "iterations")
        self._budget.spend("iterations", len(iterations), name)
        latents, noisy = self._latents(index)
        call = self._calls.read({key: record[key] for key in CALL}, name, index)
        if not call.drags and record["iterations"] != []:
            raise ValueError(f"{name}: iterations without drags")
        return Block(
            index=index,
            mode=call.mode,
            prompt=check_kind(record["prompt"], str, "a prompt"),
            latents=latents,
            noisy=noisy,
            frames=self._frames(index),
            drift=_drift(record["drift"], self._spec.frames_per_block),
            timings=_timings(record["timings"], len(self._spec.levels(index))),
            first_frame=self._first_frame(index),
            drags=call.drags,
            keep=call.keep,
            settings=call.settings,
            part=call.part,
            iterations=_iterations(record["iterations"], self._spec.latent_channels),
            earlier=self._calls.earlier(record["earlier"], call, name, index),
        )

    def _latents(self, index: int) -> tuple[torch.Tensor, tuple[torch.Tensor, ...]]:
        """The clean latents of a block, and the noisy ones of each step."""
        spec = self._spec
        size = spec.grid.latent_height, spec.grid.latent_width
        shape = (spec.frames_per_block, spec.latent_channels, *size)
        shapes = {"latents": shape, "noisy": (len(spec.sigmas), *shape)}
        name = block_members(index)[1]
        tensors = read_tensors(self._archive, name, shapes, torch.float32)
        if not all(bool(torch.isfinite(tensor).all()) for tensor in tensors.values()):
            raise ValueError(f"the latents of block {index} are not finite")
        # Clones have their own, aligned memory: the model's bits may depend on the alignment.
        return tensors["latents"].clone(), tuple(part.clone() for part in tensors["noisy"])

    def _frames(self, index: int) -> NDArray[np.uint8]:
        count = self._first_frame(index + 1) - self._first_frame(index)
        shape = (count, self._spec.grid.height, self._spec.grid.width, 3)
        return read_pixels(self._archive, block_members(index)[2], "frames", shape)

    def _first_frame(self, index: int) -> int:
        return self._spec.clock.video_frames(index * self._spec.frames_per_block)


def _drift(data: Any, count: int) -> tuple[float, ...]:
    drift = tuple(
        math.nan if value is None else check_not_negative(value, "drift")
        for value in check_kind(data, list, "drift")
    )
    if len(drift) != count:
        raise ValueError(f"drift must have {count} values, got {len(drift)}")
    return drift


def _timings(data: Any, most: int) -> Timings:
    check_keys(data, _TIMINGS, "timings")
    steps = tuple(
        check_not_negative(value, "steps") for value in check_kind(data["steps"], list, "steps")
    )
    if len(steps) > most:
        raise ValueError(f"steps must be at most {most} durations, got {len(steps)}")
    return Timings(steps, *(check_not_negative(data[name], name) for name in _TIMINGS[1:]))


def _iterations(data: Any, channels: int) -> tuple[Iteration, ...]:
    iterations = tuple(Iteration.from_json(item) for item in data)
    for place, item in enumerate(iterations):
        if item.index != place:
            raise ValueError(f"iterations must be counted from 0, got {item.index} at {place}")
        for moments in (item.moments_before, item.moments):
            if len(moments.means) != channels:
                raise ValueError(
                    f"moments must be those of {channels} channels, got {len(moments.means)}"
                )
    return iterations


def _part(data: Any) -> tuple[int, int]:
    numbers = [check_int(number, "part", least=0) for number in check_kind(data, list, "part")[:3]]
    if len(numbers) != 2 or numbers[0] >= numbers[1]:
        raise ValueError(f"part must be an index and a larger count, got {short_repr(data)}")
    return numbers[0], numbers[1]
