"""Blocks in an archive: their JSON records, and the members that they are read from."""

from __future__ import annotations

import math
import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save as save_tensors

from dragstream.drags.budget import Budget
from dragstream.drags.checks import check_not_negative
from dragstream.drags.documents import to_json
from dragstream.method.iteration import Iteration
from dragstream.stream.archive_calls import CALL, CallReader, listed, only, text
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

if TYPE_CHECKING:
    from dragstream.models.base import ModelSpec

_RECORD = {
    1: (*CALL, "prompt", "iterations", "drift", "timings"),
    2: (*CALL, "prompt", "iterations", "drift", "timings", "earlier"),
}
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


def read_block(
    archive: zipfile.ZipFile,
    index: int,
    first_frame: int,
    spec: ModelSpec,
    version: int,
    *,
    calls: CallReader,
    budget: Budget,
) -> Block:
    """Read block ``index``, whose first video frame is ``first_frame``."""
    name = block_members(index)[0]
    data = read_member(archive, name, 0, JSON_LIMIT)
    budget.spend("bytes_of_JSON", len(data), name)
    record = decode_json(data)
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
        timings=_read_timings(record["timings"], len(spec.levels(index))),
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
    tensors = read_tensors(archive, block_members(index)[1], shapes, torch.float32)
    if not all(bool(torch.isfinite(tensor).all()) for tensor in tensors.values()):
        raise ValueError(f"the latents of block {index} are not finite")
    # Clones have their own, aligned memory: the model's bits may depend on the alignment.
    return tensors["latents"].clone(), tuple(part.clone() for part in tensors["noisy"])


def _read_frames(archive: zipfile.ZipFile, index: int, spec: ModelSpec) -> NDArray[np.uint8]:
    count = spec.frames_per_block
    before, after = (spec.clock.video_frames(n * count) for n in (index, index + 1))
    shape = (after - before, spec.grid.height, spec.grid.width, 3)
    return read_pixels(archive, block_members(index)[2], "frames", shape)


def _read_drift(data: Any, count: int) -> tuple[float, ...]:
    drift = tuple(
        math.nan if value is None else check_not_negative(value, "drift") for value in listed(data)
    )
    if len(drift) != count:
        raise ValueError(f"drift must have {count} values, got {len(drift)}")
    return drift


def _read_timings(data: Any, most: int) -> Timings:
    only(data, _TIMINGS)
    steps = tuple(check_not_negative(value, "steps") for value in listed(data["steps"]))
    if len(steps) > most:
        raise ValueError(f"steps must be at most {most} durations, got {len(steps)}")
    return Timings(steps, *(check_not_negative(data[name], name) for name in _TIMINGS[1:]))


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
