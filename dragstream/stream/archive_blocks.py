"""Blocks in an archive: their JSON records, and the members that they are read from."""

from __future__ import annotations

import math
import zipfile
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save as save_tensors

from dragstream.drags.budget import Budget
from dragstream.drags.checks import check_keys, check_not_negative
from dragstream.drags.documents import to_json
from dragstream.method.iteration import Iteration
from dragstream.models.base import ModelSpec
from dragstream.stream.archive_calls import CALL, LIMITS, CallReader, listed, text
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
from dragstream.stream.records import Block, Call, Timings

_RECORD = (*CALL, "earlier", "prompt", "iterations", "drift", "timings")
_TIMINGS = ("steps", "drag", "commit", "decode")


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
        self._budget.spend("iterations", len(listed(record["iterations"])), name)
        latents, noisy = self._latents(index)
        call = self._calls.read({key: record[key] for key in CALL}, name, index)
        if not call.drags and record["iterations"] != []:
            raise ValueError(f"{name}: iterations without drags")
        return Block(
            index=index,
            mode=call.mode,
            prompt=text(record["prompt"]),
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
        math.nan if value is None else check_not_negative(value, "drift") for value in listed(data)
    )
    if len(drift) != count:
        raise ValueError(f"drift must have {count} values, got {len(drift)}")
    return drift


def _timings(data: Any, most: int) -> Timings:
    check_keys(data, _TIMINGS, "timings")
    steps = tuple(check_not_negative(value, "steps") for value in listed(data["steps"]))
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
