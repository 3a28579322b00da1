"""`Stream`: a video that grows block by block, and that can be dragged, rewound and branched."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm.auto import tqdm

from dragstream.drags.checks import check_bool, check_int
from dragstream.drags.motions import Drag
from dragstream.drags.shapes import Region
from dragstream.method.base import DragMethod
from dragstream.models.base import ModelSpec, VideoModel
from dragstream.stream import archive
from dragstream.stream.access import StreamAccess
from dragstream.stream.block_plan import (
    BlockPlan,
    Callback,
    LateDrags,
    MotionSchedule,
    Request,
    plan_block,
)
from dragstream.stream.export import StreamExport
from dragstream.stream.noise import checked_seed
from dragstream.stream.overlap import overlapped
from dragstream.stream.production import BlockRequest, produce, produce_image, produce_video
from dragstream.stream.records import Block, Mode
from dragstream.stream.state import ContextCache, State, checked_cut, need_blocks, plain_torch

__all__ = ["Region", "Stream"]

_UNDO = 4
"""Default of `undo` for models without a plan."""


class Stream(StreamExport, StreamAccess):
    """A video generated block by block from a prompt and a seed.

    ```python
    stream = ds.Stream(ds.load("playground"), prompt="a red critter slides right", seed=7)
    stream.run(3)
    stream.animate([ds.Drag(ds.regions.disc((64, 40), 14), ds.Translation.by(24, 0))], blocks=2)
    ```

    Every call that changes the stream completes or, if it raises (an interrupt, an exception in
    a callback, out of memory, values that are not finite), leaves it bit for bit as it was. The
    same model, prompt, seed and calls give the same bits on a CPU, also after `rewind`, in a
    `fork`, and after `save` and `restore`. Reading is safe from any thread; a second writer gets
    a RuntimeError.

    Args:
        model: The model that generates the video, as `ds.load` gives it.
        prompt: Caption of the first block, and of later ones until `prompt` is set.
        seed: All noise derives from it, from the block's number and the denoising step.
        image: A picture to start from, uint8 (H, W, 3) of the model's frame size. It becomes
            block 0 at once, and cannot be rewound.
        video: A video to start from instead, uint8 (T, H, W, 3), of as many frames as one or more
            whole blocks have. It becomes the first blocks at once; they cannot be rewound.
        undo: Number of newest blocks whose contexts are kept, so that rewinding to them costs
            nothing. Older contexts are recomputed from the stored latents when needed. None: as
            many as the model was planned for (`ds.plan`, 1 by default), 4 without a plan.
        prediction_blocks: At each denoising step of every block, dragged or not, predictions are
            normalised to the mean and deviation of this many preceding blocks and themselves,
            without the stream's first block: so from its third block on. The authors' released
            code uses 2; 0 turns it off, except in blocks whose drags have it in their settings
            (`DragSettings.released()`).

    Raises:
        TypeError: A prompt, seed, image or video of another kind; a video for a model that takes
            pictures only.
        ValueError: A prompt that the model refuses, a seed out of range, an image or video of
            another size, length or dtype, or both of them.
    """

    def __init__(
        self,
        model: VideoModel,
        prompt: str,
        seed: int = 0,
        image: NDArray[np.uint8] | None = None,
        *,
        video: NDArray[np.uint8] | None = None,
        undo: int | None = None,
        prediction_blocks: int = 0,
    ) -> None:
        _check_model(model)
        if image is not None and video is not None:
            raise ValueError("a stream starts from an image or from a video, not from both")
        super().__init__()
        self._seed = checked_seed(seed)
        # The boundaries before and after each of the last `undo` blocks.
        cache = ContextCache(model, _undo(undo, model) + 1)
        with plain_torch():
            cache.text(prompt)
        self._cache = cache
        count = check_int(prediction_blocks, "prediction_blocks", least=0)
        self._state = State((), prompt, cache.limit, prediction_blocks=count)
        if image is not None:
            with plain_torch():
                self._state = produce_image(cache, self._state, self._seed, image)
        if video is not None:
            with plain_torch():
                self._state = produce_video(cache, self._state, self._seed, video)

    # ------------------------------------------------------------------------------ prompt

    @property
    def prompt(self) -> str:
        """The caption of the next block; set it between blocks.

        Raises (when set):
            TypeError: Anything but a string.
            ValueError: A prompt that the model refuses.
        """
        return self._state.prompt

    @prompt.setter
    def prompt(self, prompt: str) -> None:
        with self._writing("prompt") as state:
            self._cache.text(prompt)
            self._state = replace(state, prompt=prompt)

    def check_prompt(self, prompt: str) -> None:
        """Check a prompt as its setter does, without changing the stream.

        Raises:
            TypeError: Anything but a string.
            ValueError: A prompt that the model refuses.
        """
        with plain_torch():
            self._cache.text(prompt)

    # --------------------------------------------------------------------------- generating

    def step(self) -> Block:
        """Generate one block.

        Raises:
            ValueError: The model's largest number of blocks is reached.
            FloatingPointError: The latents stopped being finite, or the decoder's frames are not.
        """
        with self._writing("step") as state:
            self._state = self._produce(state, BlockRequest(Mode.STEP))
            return self._state.blocks[-1]

    def run(self, n: int, progress: bool = True, overlap: bool = False) -> list[Block]:  # noqa: FBT001, FBT002
        """Generate n blocks.

        Each block is complete in itself: after an interrupt the finished ones stay.

        Args:
            n: Number of blocks, 0 or more.
            progress: Show a progress bar.
            overlap: Decode each block on a thread while the next is denoised (see
                `dragstream.stream.overlap`); the bits are the same.

        Raises:
            TypeError: ``n`` is not an integer, or ``overlap`` no boolean.
            ValueError: ``n`` is negative, or the model's largest number of blocks is reached.
            FloatingPointError: See `step`.
        """
        count = check_int(n, "n", least=0)
        if not check_bool(overlap, "overlap"):
            return [self.step() for _ in tqdm(range(count), "blocks", disable=not progress)]
        with self._writing("run") as state:
            cache, event = self._cache, self._write_lock.on_event
            with contextlib.closing(overlapped(cache, state, self._seed, count, event)) as grow:
                for self._state in tqdm(grow, "blocks", count, disable=not progress):
                    self._listeners.call(self)
            return list(self._state.blocks[len(state.blocks) :])

    def edit(
        self,
        drags: Sequence[Drag],
        keep: Region | None = None,
        settings: DragMethod | None = None,
        callback: Callback | None = None,
    ) -> Block:
        """Change the newest latent frame: denoise its block again with the drags in effect.

        The drags act on the block's last latent frame, all the way to their end; the model
        generates its other frames to match. The block keeps its own prompt. To edit an earlier
        frame, `rewind` to its block first. A second edit starts from the result of the first,
        unless its settings name an earlier denoising step, which the first never changed.

        Args:
            drags: Regions and their motions, in pixels of the newest frame.
            keep: The region that must not change: a shape or a boolean mask (H, W).
            settings: `DragSettings` or another `DragMethod`; None means `DragSettings()`.
            callback: Called with each `Iteration`.

        Raises:
            TypeError: Arguments of another kind.
            ValueError: A stream without blocks, or drags or settings that the model cannot
                follow.
            FloatingPointError: The latents stopped being finite, or the decoder's frames are not.
        """
        with self._writing("edit") as state:
            need_blocks(state, "edit")
            request = Request.of(self, drags, keep, settings, callback)
            schedule = MotionSchedule(len(state.blocks[-1].latents))
            self._state = self._regenerated(state, request, Mode.EDIT, schedule)
            return self._state.blocks[-1]

    def animate(  # noqa: PLR0917
        self,
        drags: Sequence[Drag],
        blocks: int = 1,
        keep: Region | None = None,
        settings: DragMethod | None = None,
        callback: Callback | None = None,
        progress: bool = False,  # noqa: FBT001, FBT002
    ) -> list[Block]:
        """Generate new blocks whose motion follows the drags.

        Of m = blocks x frames per block new latent frames, frame i is pulled to (i + 1) / m of
        the motion. The reference is the object in the newest frame at the time of the call. All
        the blocks are one transaction.

        A model of a whole clip that has generated it generates the clip again with the motion in
        it; the reference is then the object in the clip's first frame.

        Args:
            drags: Regions and their motions, in pixels of the newest frame (of a whole clip: of
                the first).
            blocks: Number of blocks that the motion lasts, at least 1.
            keep: The region that must not change: a shape or a boolean mask (H, W).
            settings: `DragSettings` or another `DragMethod`; None means `DragSettings()`.
            callback: Called with each `Iteration`.
            progress: Show a progress bar.

        Raises:
            TypeError: Arguments of another kind.
            ValueError: A stream without blocks, ``blocks`` below 1, or drags or settings that
                the model cannot follow.
            FloatingPointError: The latents stopped being finite, or the decoder's frames are not.
        """
        with self._writing("animate") as state:
            count = check_int(blocks, "blocks", least=1)
            need_blocks(state, "animate")
            request = Request.of(self, drags, keep, settings, callback)
            grown, frames = state, self.model.spec.frames_per_block
            if self.model.spec.most_blocks == len(state.blocks) == count == 1:
                schedule = MotionSchedule(frames, 0, frames, reference=0)
                self._state = self._regenerated(state, request, Mode.ANIMATE, schedule)
                return list(self._state.blocks)
            for part in tqdm(range(count), "dragged blocks", disable=not progress):
                schedule = MotionSchedule(frames, part * frames, count * frames)
                plan = plan_block(request, self._cache, grown, state, schedule)
                wanted = BlockRequest(
                    Mode.ANIMATE, plan.at, request.settings.prediction_blocks, (part, count)
                )
                grown = self._produce(grown, wanted)
            self._state = grown
            return list(grown.blocks[-count:])

    def drag_late(self, late: LateDrags) -> Block:
        """Generate one block with drags that are decided only at their denoising step.

        The block is that of `animate` with these drags, or of `step` without drags. Live streams
        use it, so that a pointer may move until the last moment.

        Raises:
            ValueError: The model's largest number of blocks is reached; a stream without blocks.
            FloatingPointError: The latents stopped being finite, or the decoder's frames are not.
        """
        with self._writing("step") as state:
            need_blocks(state, "drag")
            frames = self.model.spec.frames_per_block
            schedule = MotionSchedule(frames, 0, frames)

            def plan(step: int) -> BlockPlan | None:
                request = late.request_at(step)
                if request is None:
                    return None
                return plan_block(request, self._cache, state, state, schedule, late.references)

            wanted = BlockRequest(Mode.STEP, plan, late.prediction_blocks)
            self._state = self._produce(state, wanted)
            return self._state.blocks[-1]

    # ---------------------------------------------------------------------------- branching

    def rewind(self, to: int) -> None:
        """Drop all but the first ``to`` blocks.

        `prompt` becomes that of the first dropped block, so that `step` repeats it bit for bit.

        Raises:
            TypeError: ``to`` is not an integer.
            ValueError: ``to`` is not between 0 (1 for a stream started from an image) and the
                number of blocks.
        """
        with self._writing("rewind") as state:
            self._state = checked_cut(state, to, "to")

    def fork(self, at: int | None = None) -> Stream:
        """A new stream with the same first ``at`` blocks (None: all) and the same noise.

        Raises:
            TypeError: ``at`` is not an integer.
            ValueError: ``at`` is out of range, as in `rewind`.
        """
        state = self._state
        branch = object.__new__(type(self))
        branch._seed, branch._cache = self._seed, self._cache
        branch._state = state if at is None else checked_cut(state, at, "at")
        StreamAccess.__init__(branch)
        return branch

    @classmethod
    def restore(
        cls,
        path: str | os.PathLike[str],
        model: VideoModel,
        *,
        undo: int | None = None,
        parts: Sequence[Any] = (),
    ) -> Stream:
        """Read a stream from a file that `save` wrote; it continues with the same bits.

        The model's context is recomputed when it is first needed.

        Args:
            path: The file.
            model: The model that generated the stream.
            undo: As for a new stream.
            parts: Classes and functions of your own that drags and settings of the stream used
                (motions, rectifications, views, losses). A file holds their names and fields,
                never their code.

        Raises:
            TypeError: A model of another kind.
            FileNotFoundError: No such file.
            ValueError: No such archive, a damaged one, one of a model with other weights, or one
                with a prompt that the model refuses.
        """
        _check_model(model)
        seed, state = archive.load(path, model, parts)
        stream = cls(model, state.prompt, seed, undo=undo)
        for prompt in {block.prompt: None for block in state.blocks}:
            stream.check_prompt(prompt)
        stream._state = replace(state, limit=stream._cache.limit)
        return stream

    # ------------------------------------------------------------------------------ private

    def _regenerated(
        self, state: State, request: Request, mode: Mode, schedule: MotionSchedule
    ) -> State:
        """The state with its newest block regenerated from the drags' denoising step on."""
        newest = state.blocks[-1]
        before = state.cut(newest.index)
        plan = plan_block(request, self._cache, before, state, schedule)
        wanted = BlockRequest(
            mode,
            plan.at,
            request.settings.prediction_blocks,
            first_steps=newest.noisy[: request.step + 1],
            origin=newest,
        )
        return replace(self._produce(before, wanted), prompt=state.prompt)

    def _produce(self, state: State, wanted: BlockRequest) -> State:
        return produce(self._cache, state, self._seed, wanted, self._write_lock.on_event)


def _check_model(model: object) -> None:
    if not isinstance(getattr(model, "spec", None), ModelSpec):
        raise TypeError(f"model must be a VideoModel, as ds.load gives, got {model!r}")


def _undo(undo: int | None, model: VideoModel) -> int:
    """The checked number of blocks whose contexts are kept; None: the model's, or `_UNDO`."""
    return check_int(getattr(model, "undo", _UNDO) if undo is None else undo, "undo", least=1)
