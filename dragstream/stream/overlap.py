"""Plain blocks whose frames are decoded on a thread while the next block is denoised.

Blocks are denoised in the order of `produce`, and so are they decoded, so the bits are the same,
provided that `VideoModel.decode` may run beside the model's other methods, as it may in all models
of this package. A block joins the stream when its frames are there: an error of its decoder is
raised in its place, and the block after it is dropped.

On a CPU both threads take as many cores as torch's number of threads, so it gains time only where
twice as many are idle; on a CUDA device the decoder has a CUDA stream of its own, and the memory of
both adds up. It helps most where the decoder has another device than the transformer.
"""

from __future__ import annotations

import contextlib
from collections.abc import Generator
from concurrent.futures import Future, ThreadPoolExecutor

import torch

from dragstream.stream.events import BlockMade, EventCallback
from dragstream.stream.production import BlockRequest, decode_newest, denoise
from dragstream.stream.records import Mode
from dragstream.stream.state import ContextCache, State, plain_torch


def overlapped(
    cache: ContextCache, state: State, seed: int, count: int, on_event: EventCallback
) -> Generator[State]:
    """Yield the state after each of ``count`` more plain blocks.

    An exception while a block is denoised is raised after the block before it was yielded.
    """
    ahead = state
    waiting: Future[State] | None = None
    with ThreadPoolExecutor(1, "decoder") as pool:
        for _ in range(count):
            error: BaseException | None = None
            try:
                ahead = denoise(cache, ahead, seed, BlockRequest(Mode.STEP), on_event)
            except BaseException as caught:  # noqa: BLE001 - raised below
                error = caught
            if waiting is not None:
                state = waiting.result()
                on_event(BlockMade(state.blocks[-1]))
                yield state
            if error is not None:
                raise error
            waiting = pool.submit(_decoded, cache, ahead, state)
        if waiting is not None:
            state = waiting.result()
            on_event(BlockMade(state.blocks[-1]))
            yield state


def _decoded(cache: ContextCache, undecoded: State, before: State) -> State:
    """`decode_newest`, on a decoder thread."""
    with plain_torch(), _own_cuda_stream():
        return decode_newest(cache, undecoded, before)


@contextlib.contextmanager
def _own_cuda_stream() -> Generator[None]:
    """Run on a CUDA stream of its own, after the work queued so far; finish it before the end."""
    if not torch.cuda.is_initialized():
        yield
        return
    own = torch.cuda.Stream()
    own.wait_stream(torch.cuda.default_stream())
    with torch.cuda.stream(own):
        yield
    own.synchronize()
