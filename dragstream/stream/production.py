"""Produces whole blocks: noise, latents, context pass, decoded frames, record."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray

from dragstream.method.moments import Moments, drift
from dragstream.method.settings import DragSettings
from dragstream.models.pixels import ADVICE
from dragstream.stream.events import BlockMade, EventCallback, ignore_event
from dragstream.stream.generation import Draft, PlanAt, generate, no_plan
from dragstream.stream.noise import noise
from dragstream.stream.records import Block, Mode, Timings
from dragstream.stream.state import Context, ContextCache, State, trailing

_ALIGNED = 16
"""Floats in 64 bytes, the alignment of CPU tensors."""


@dataclass(frozen=True, eq=False)
class BlockRequest:
    """The parameters of one block to produce."""

    mode: Mode
    """The call that generates it; a step with drags becomes an animation."""
    plan: PlanAt = no_plan
    """Returns the drags that act at a denoising step, if there are any."""
    prediction_blocks: int = 0
    """`prediction_blocks` of the drags' settings."""
    part: tuple[int, int] = (0, 1)
    """(j, n): it is block j of the n blocks of the call."""
    first_steps: Sequence[torch.Tensor] = ()
    """Noisy latents of the first denoising steps, (F, C, h, w) each; empty for fresh noise."""
    origin: Block | None = None
    """The block that it replaces, if any."""


def produce(
    cache: ContextCache,
    state: State,
    seed: int,
    wanted: BlockRequest,
    on_event: EventCallback = ignore_event,
) -> State:
    """The state with one more block, generated under the state's prompt."""
    undecoded = denoise(cache, state, seed, wanted, on_event)
    extended = decode_newest(cache, undecoded, state)
    on_event(BlockMade(extended.blocks[-1]))
    return extended


def denoise(
    cache: ContextCache, state: State, seed: int, wanted: BlockRequest, on_event: EventCallback
) -> State:
    """The state with one more block, which has no frames yet: see `produce`."""
    model, index = cache.model, len(state.blocks)
    most = model.spec.most_blocks
    if most is not None and index >= most:
        raise ValueError(
            f"{model.spec.name!r} makes videos of at most {most} blocks: edit or animate the "
            f"present ones, rewind, or begin another stream"
        )
    context = cache.context(state, index, state.prompt)
    first_steps = wanted.first_steps or (noise(seed, index, 0, _shape(cache)),)
    draft = generate(
        model,
        context,
        seed=seed,
        index=index,
        first_steps=[cache.to_model(latents) for latents in first_steps],
        plan=wanted.plan,
        previous=_previous(cache, state, wanted.prediction_blocks),
        on_event=on_event,
    )
    latents, *noisy = _stored(draft.latents, *draft.noisy)
    return _committed(
        cache,
        state,
        context,
        latents=latents,
        noisy=tuple(noisy),
        timings=Timings(draft.step_seconds, draft.drag_seconds, 0.0, 0.0),
        **_call_fields(wanted, draft),
    )


def decode_newest(cache: ContextCache, undecoded: State, before: State) -> State:
    """The state ``undecoded`` with the frames of its newest block, decoded after ``before``."""
    decoder = cache.decoder(before, len(before.blocks))
    began = time.perf_counter()
    block = undecoded.blocks[-1]
    frames, decoder = cache.decode(block.latents, decoder)
    block = replace(
        block,
        frames=frames,
        timings=replace(block.timings, decode=time.perf_counter() - began),
        first_frame=before.blocks[-1].video_frames.stop if before.blocks else 0,
    )
    return before.extended(block, undecoded.contexts[len(undecoded.blocks)], decoder)


def _call_fields(wanted: BlockRequest, draft: Draft) -> dict[str, Any]:
    """The fields of a `Block` that describe the call that made it, and the earlier calls."""
    fields: dict[str, Any] = {"mode": wanted.mode}
    if draft.plan is not None:
        request = draft.plan.request
        fields |= {
            "mode": Mode.ANIMATE if wanted.mode is Mode.STEP else wanted.mode,
            "drags": request.drags,
            "keep": request.keep,
            "settings": request.settings,
            "part": wanted.part,
            "iterations": draft.iterations,
        }
    if wanted.origin is not None:
        origin = wanted.origin
        fields |= {
            "earlier": origin.calls,
            "picture": origin.picture,
            "footage": origin.footage,
        }
    return fields


def _previous(cache: ContextCache, state: State, wanted: int) -> torch.Tensor | None:
    """Clean latents (N, C, h, w) to normalise the next block's predictions with, or None.

    As in the release, the stream's first block is left out, so that the second block is the first
    to be used.
    """
    count = wanted or state.prediction_blocks
    first = max(1, len(state.blocks) - count)
    previous = trailing([block.latents for block in state.blocks[first:]]) if count else None
    return None if previous is None else cache.to_model(previous)[0]


def produce_image(cache: ContextCache, state: State, seed: int, image: NDArray[np.uint8]) -> State:
    """The state with a first block that shows a picture.

    The block's noisy latents are those with which a generated block arrives at the same clean
    latents, so that it can be edited and dragged like any other.
    """
    grid = cache.model.spec.grid
    if not isinstance(image, np.ndarray):
        raise TypeError(f"image must be a numpy array uint8 (H, W, 3), got {type(image).__name__}")
    if image.dtype != np.uint8 or image.shape != (grid.height, grid.width, 3):
        raise ValueError(
            f"image must be uint8 of shape ({grid.height}, {grid.width}, 3), "
            f"got {image.dtype} of shape {image.shape}"
        )
    with torch.no_grad():
        # A copy: a model may turn it into a tensor, and frames of a stream are read-only.
        (latents,) = _stored(cache.model.encode_image(image.copy()))
    return _from_latents(cache, state, seed, [latents], picture=_read_only(image))


@runtime_checkable
class VideoEncoder(Protocol):
    """A model that can encode a video to start from."""

    def encode_video(self, frames: NDArray[np.uint8]) -> torch.Tensor:
        """The latents (1, N, C, h, w) of frames (T, H, W, 3), in whole blocks."""
        ...


def produce_video(cache: ContextCache, state: State, seed: int, video: NDArray[np.uint8]) -> State:
    """The state with first blocks that show a video; see `produce_image`."""
    model = cache.model
    if not isinstance(video, np.ndarray):
        raise TypeError(
            f"video must be a numpy array uint8 (T, H, W, 3), got {type(video).__name__}"
        )
    if not isinstance(model, VideoEncoder):
        raise TypeError(f"{model.spec.name!r} starts from a picture (image=...), not from a video")
    with torch.no_grad():
        (latents,) = _stored(model.encode_video(video.copy()))
    spec = model.spec
    shape = (spec.clock.video_frames(len(latents)), spec.grid.height, spec.grid.width, 3)
    if video.dtype != np.uint8 or video.shape != shape or len(latents) % spec.frames_per_block:
        raise ValueError(
            f"video must be uint8 (T, {spec.grid.height}, {spec.grid.width}, 3) of whole blocks of "
            f"{spec.frames_per_block} latent frames, got {video.dtype} of shape {video.shape}"
        )
    return _from_latents(
        cache, state, seed, latents.split(spec.frames_per_block), footage=_read_only(video)
    )


def _read_only(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A read-only copy."""
    copied = pixels.copy()
    copied.setflags(write=False)
    return copied


def _from_latents(
    cache: ContextCache,
    state: State,
    seed: int,
    parts: Sequence[torch.Tensor],
    **source: Any,
) -> State:
    """The state with clean latents (F, C, h, w) as its first blocks.

    The first of them stores the ``source``: a `picture` or `footage`.
    """
    most = cache.model.spec.most_blocks
    if not all(bool(torch.isfinite(latents).all()) for latents in parts):
        raise FloatingPointError(
            f"the encoder of {cache.model.spec.name!r} gave latents that are not finite: {ADVICE}"
        )
    if most is not None and len(parts) > most:
        raise ValueError(
            f"{cache.model.spec.name!r} makes videos of at most {most} blocks, "
            f"the video to start from has {len(parts)}"
        )
    for index, latents in enumerate(parts):
        spec = cache.model.spec
        noisy = tuple(
            (1 - sigma) * latents + sigma * noise(seed, index, step, _shape(cache))
            for step, sigma in enumerate(spec.levels(index))
            if sigma in spec.sigmas
        )
        undecoded = _committed(
            cache,
            state,
            cache.context(state, index, state.prompt),
            mode=Mode.IMAGE,
            latents=latents.clone(),
            noisy=noisy,
            timings=Timings((), 0.0, 0.0, 0.0),
            **(source if index == 0 else {}),
        )
        state = decode_newest(cache, undecoded, state)
    return replace(state, start=len(parts))


def _committed(
    cache: ContextCache,
    state: State,
    context: Context,
    *,
    latents: torch.Tensor,
    timings: Timings,
    **fields: Any,
) -> State:
    """Commit the latents of the next block; the state with it, without its frames.

    ``fields`` are the other fields of the `Block` that are not their defaults.
    """
    began = time.perf_counter()
    after = cache.commit(latents, context)
    neighbours = (fields.get("settings") or DragSettings.paper()).neighbours
    block = Block(
        index=len(state.blocks),
        prompt=state.prompt,
        latents=latents,
        frames=np.zeros((0, 0, 0, 3), np.uint8),
        drift=_drift(state.blocks, latents, neighbours),
        timings=replace(timings, commit=time.perf_counter() - began),
        **fields,
    )
    return state.denoised(block, after)


def _drift(past: Sequence[Block], latents: torch.Tensor, neighbours: int) -> tuple[float, ...]:
    """Drift of each latent frame of a block against the ``neighbours`` frames before it."""
    recent = trailing([block.latents for block in past[-neighbours:]], neighbours)
    if recent is None:
        return (float("nan"),) * len(latents)
    reference = Moments.of(recent)
    return tuple(drift(Moments.of(frame), reference) for frame in latents)


def _shape(cache: ContextCache) -> tuple[int, ...]:
    spec = cache.model.spec
    size = spec.grid.latent_height, spec.grid.latent_width
    return (spec.frames_per_block, spec.latent_channels, *size)


def _stored(*parts: torch.Tensor) -> list[torch.Tensor]:
    """Copies of the model's latents (1, F, C, h, w) for a block's record, (F, C, h, w) each.

    They share one allocation: many small ones between large temporary ones would fragment the
    memory, which would then grow by more than is kept.
    """
    size = parts[0][0].numel()
    # Each is aligned like any tensor: the model's bits may depend on the alignment.
    room = -(-size // _ALIGNED) * _ALIGNED
    memory = torch.empty(len(parts), room, dtype=torch.float32, device="cpu")
    kept = [row[:size].view(parts[0].shape[1:]) for row in memory]
    for own, part in zip(kept, parts, strict=True):
        own.copy_(part.detach()[0])
    return kept
