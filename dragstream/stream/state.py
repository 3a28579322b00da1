"""A stream's state as one immutable value, and the cache of contexts and decoder states.

A stream needs the model's context (and the decoder's state) after any number of blocks: before
the newest block to edit it, after it to continue. If all were kept, memory would grow with the
stream; so only the newest few are kept, and any other is recomputed from the blocks' stored clean
latents, in order, which gives the same bits.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch.overrides import TorchFunctionMode
from tqdm.auto import tqdm

from dragstream.drags.checks import check_int, check_kind
from dragstream.models.base import VideoModel
from dragstream.models.defaults import cpu_by_default
from dragstream.models.pixels import ADVICE
from dragstream.stream.records import Block

_CLAMPS = {"clamp", "clamp_", "clamp_min", "clamp_max", "clip", "clip_", "hardtanh"}
"""Functions that may turn an infinite number into a finite one."""


class _Finite(TorchFunctionMode):
    """Raises if numbers that are not finite are clamped or converted to uint8.

    NaN becomes 0 in uint8, so it has to be found before the conversion.
    """

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """See `TorchFunctionMode`."""
        if getattr(func, "__name__", "") in _CLAMPS:
            _check(args[0] if args else None)
        result = func(*args, **(kwargs or {}))
        if isinstance(result, torch.Tensor) and result.dtype == torch.uint8:
            for value in args:
                _check(value)
        return result


def _check(value: object) -> None:
    if not isinstance(value, torch.Tensor) or not value.is_floating_point() or value.is_meta:
        return
    if not bool(torch.isfinite(value).all()):
        raise FloatingPointError("values that are not finite are converted to pixels")


def decode(model: VideoModel, latents: torch.Tensor, memory: Any) -> tuple[NDArray[np.uint8], Any]:
    """Latents (1, F, C, h, w) to read-only frames uint8 (T, H, W, 3), and the decoder's memory."""
    try:
        with torch.no_grad(), np.errstate(invalid="raise"), _Finite():
            decoded, after = model.decode(latents, memory)
        with np.errstate(invalid="raise"):
            frames = np.array(decoded).astype(np.uint8)
    except FloatingPointError as error:
        if "decoder" in str(error):  # of the package's own decoders, with a more precise message
            raise
        name = model.spec.name
        raise FloatingPointError(
            f"the decoder of {name!r} gave pixels that are not finite ({error}): {ADVICE}"
        ) from error
    frames.setflags(write=False)
    return frames, after


Blocks = tuple[Block, ...]
Context = Any
"""A model's context (its cache), opaque to this package."""
Value = TypeVar("Value")
Boundaries = Mapping[int, Value]
"""Values at block boundaries, in ascending order; boundary k lies after the first k blocks."""

_PROGRESS_DELAY = 2.0
"""Seconds of recomputing after which a progress bar appears."""


@contextmanager
def plain_torch() -> Iterator[None]:
    """Disable the caller's inference mode and default device, which would change new tensors."""
    with torch.inference_mode(mode=False), cpu_by_default():
        yield


def trailing(parts: Sequence[torch.Tensor], count: int | None = None) -> torch.Tensor | None:
    """The last ``count`` frames (None: all) of tensors (F, ...) in order, as one (N, ...).

    Only the needed parts are read. None without frames, or for a count of 0.
    """
    wanted: list[torch.Tensor] = []
    missing = sum(map(len, parts)) if count is None else count
    for part in reversed(parts):
        if missing <= 0:
            break
        wanted.insert(0, part[-missing:])
        missing -= len(part)
    return torch.cat(wanted) if wanted else None


class BlockCache(Generic[Value]):
    """Values after blocks, such as contexts; the least recently used is dropped first.

    A block and the blocks before it never change, so the block itself is the key: the cache stays
    valid after rewinds, and forks may share it.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._items: OrderedDict[int, tuple[Block, Value]] = OrderedDict()

    def find(
        self,
        blocks: Blocks,
        boundary: int,
        kept: Boundaries[Value],
        advance: Callable[[Blocks, int, Value | None], Value],
    ) -> Value | None:
        """The value after ``boundary`` blocks, recomputed by ``advance`` from the nearest one."""
        start, value = self.nearest(blocks, boundary, kept)
        steps = range(start, boundary)
        # Even a bar that never shows makes ten widgets in a notebook.
        bar = {"leave": False, "delay": _PROGRESS_DELAY, "disable": not steps}
        for index in tqdm(steps, "recomputing blocks", **bar):
            value = advance(blocks, index, value)
            self._put(blocks[index], value)
        return value

    def nearest(
        self, blocks: Blocks, boundary: int, kept: Boundaries[Value]
    ) -> tuple[int, Value | None]:
        """The highest boundary up to the given one with a known value, and that; or (0, None)."""
        for place in range(boundary, 0, -1):
            if place in kept:
                return place, kept[place]
            if (found := self._get(blocks[place - 1])) is not None:
                return place, found[1]
        return 0, None

    def _get(self, block: Block) -> tuple[Block, Value] | None:
        with self._lock:
            if id(block) in self._items:
                self._items.move_to_end(id(block))
            return self._items.get(id(block))

    def _put(self, block: Block, value: Value) -> None:
        with self._lock:
            self._items[id(block)] = (block, value)  # holding the block keeps its id unique
            self._items.move_to_end(id(block))
            while len(self._items) > self._limit:
                self._items.popitem(last=False)


@dataclass(frozen=True, eq=False)
class State:
    """All that a call to a stream may change; replaced as a whole when the call is complete."""

    blocks: Blocks
    prompt: str
    limit: int
    """Number of the newest boundaries whose contexts and decoder states are kept."""
    contexts: Boundaries[Context] = field(default_factory=dict)
    decoders: Boundaries[Any] = field(default_factory=dict)
    start: int = 0
    """Number of blocks from the start picture or video, which cannot be rewound."""
    prediction_blocks: int = 0
    """Number of preceding blocks that the predictions of every block are normalised with."""

    def cut(self, count: int) -> State:
        """The state of the first ``count`` blocks, with the prompt of the next one."""
        return replace(
            self,
            blocks=self.blocks[:count],
            prompt=self.blocks[count].prompt if count < len(self.blocks) else self.prompt,
            contexts={place: value for place, value in self.contexts.items() if place <= count},
            decoders={place: value for place, value in self.decoders.items() if place <= count},
        )

    def denoised(self, block: Block, context: Context) -> State:
        """The state with one more block and the context after it."""
        contexts = self._newest({**self.contexts, len(self.blocks) + 1: context})
        return replace(self, blocks=(*self.blocks, block), contexts=contexts)

    def extended(self, block: Block, context: Context, decoder: Any) -> State:
        """The state with one more block, and the context and decoder state after it."""
        decoders = self._newest({**self.decoders, len(self.blocks) + 1: decoder})
        return replace(self.denoised(block, context), decoders=decoders)

    def _newest(self, values: dict[int, Value]) -> dict[int, Value]:
        return dict([*values.items()][-self.limit :])


def checked_cut(state: State, count: int, name: str) -> State:
    """The state with its first ``count`` blocks, an argument of that name."""
    wanted = check_int(count, name, least=state.start)
    if wanted > len(state.blocks):
        raise ValueError(
            f"{name} must be at most {len(state.blocks)}, the number of blocks, got {wanted}"
        )
    return state.cut(wanted)


def need_blocks(state: State, call: str) -> None:
    """Raise a ValueError, which names the call, if a state has no blocks."""
    if not state.blocks:
        raise ValueError(f"there is nothing to {call} yet: the stream has no blocks")


class ContextCache:
    """The model with a cache of encoded texts, contexts and decoder states.

    Shared between a stream and its forks. Cached values can be dropped at any time: they are
    recomputed with the same bits.
    """

    def __init__(self, model: VideoModel, limit: int) -> None:
        self.model = model
        self.limit = limit
        self._device = torch.device("cpu")
        self._texts: dict[str, torch.Tensor] = {}
        self._contexts: BlockCache[Context] = BlockCache(limit)
        self._decoders: BlockCache[Any] = BlockCache(limit)

    def text(self, prompt: str) -> torch.Tensor:
        """The encoded prompt."""
        found = self._texts.get(check_kind(prompt, str, "prompt"))
        if found is None:
            with torch.no_grad():
                found = self.model.encode_text(prompt)
            self._device = found.device
            self._texts = dict([*self._texts.items(), (prompt, found)][-self.limit :])
        return found

    def to_model(self, latents: torch.Tensor) -> torch.Tensor:
        """A block's stored latents (F, C, h, w) on the model's device: (1, F, C, h, w)."""
        return latents.unsqueeze(0).to(self._device)

    def context(self, state: State, boundary: int, prompt: str) -> Context:
        """The context after the first ``boundary`` blocks, with the text of ``prompt``."""
        context = self._contexts.find(state.blocks, boundary, state.contexts, self._commit_block)
        return self._with_prompt(context, state.blocks, boundary, prompt)

    def decoder(self, state: State, boundary: int) -> Any:
        """The decoder's state after the first ``boundary`` blocks; None at the start.

        A decoder without a state after the first block is assumed to have none at all, which
        avoids decoding a long stream again.
        """
        blocks, kept = state.blocks, state.decoders
        place, memory = self._decoders.nearest(blocks, boundary, kept)
        if place == 0 < boundary:
            place, memory = 1, self._decoders.find(blocks, 1, kept, self._decode_block)
        if place == boundary or memory is None:
            return memory
        return self._decoders.find(blocks, boundary, kept, self._decode_block)

    def commit(self, latents: torch.Tensor, context: Context) -> Context:
        """The context pass over a block's stored latents (F, C, h, w)."""
        with torch.no_grad():
            return self.model.commit(self.to_model(latents), context)

    def decode(self, latents: torch.Tensor, memory: Any) -> tuple[NDArray[np.uint8], Any]:
        """Latents (F, C, h, w) to read-only frames (T, H, W, 3), and the decoder's state."""
        return decode(self.model, self.to_model(latents), memory)

    def _commit_block(self, blocks: Blocks, index: int, context: Context | None) -> Context:
        block = blocks[index]
        return self.commit(block.latents, self._with_prompt(context, blocks, index, block.prompt))

    def _decode_block(self, blocks: Blocks, index: int, memory: Any) -> Any:
        return self.decode(blocks[index].latents, memory)[1]

    def _with_prompt(
        self, context: Context | None, blocks: Blocks, boundary: int, prompt: str
    ) -> Context:
        """A context (None before the first block) with the text of ``prompt``."""
        if context is None:
            return self.model.new_context(self.text(prompt))
        if blocks[boundary - 1].prompt == prompt:
            return context
        return self.model.with_text(context, self.text(prompt))
