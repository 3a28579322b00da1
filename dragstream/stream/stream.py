"""The stream: a video that grows block by block, and that can be dragged, rewound and branched."""

from __future__ import annotations

import logging
import os
import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from numbers import Integral
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm.auto import tqdm

from dragstream.drags.checks import sequence, whole
from dragstream.drags.motions import Drag, Memory
from dragstream.drags.regions import rasterise
from dragstream.drags.shapes import Shape, as_shape
from dragstream.method.base import DragMethod
from dragstream.method.frequency import LowPass
from dragstream.models.base import ModelSpec, VideoModel
from dragstream.models.defaults import cpu_by_default
from dragstream.stream import archive, tables, video
from dragstream.stream.driving import Callback, Course, Request, drive
from dragstream.stream.events import Watch, nobody
from dragstream.stream.noise import checked_seed
from dragstream.stream.pen import Keeper, Pen, Writing
from dragstream.stream.production import Order, produce, produce_image, produce_video
from dragstream.stream.records import Block, Mode
from dragstream.stream.script import script
from dragstream.stream.state import Recall, State

if TYPE_CHECKING:
    import pandas as pd

Region = Shape | NDArray[np.bool_]

_log = logging.getLogger(__name__)
_UNDO = 4
"""Blocks back that streams remember of models that do not say how many they have room for."""
_SHOWN = 240
"""A stream that is the last line of a cell shows about this many of its newest video frames."""


class Stream:
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
        model: What generates.
        prompt: Caption of the first block, and of later ones until `prompt` is set.
        seed: All noise derives from it, from the block's number and the denoising step.
        image: A picture to start from, uint8 (H, W, 3) of the model's frame size. It becomes
            block 0 at once, and cannot be rewound.
        video: A video to start from instead, uint8 (T, H, W, 3), of as many frames as one or more
            whole blocks have. It becomes the first blocks at once; they cannot be rewound.
        undo: How many blocks back the model's memory is kept, so that going back costs nothing.
            Older memory is recomputed from the stored latents when it is needed. None: as many as
            the model was planned for (`ds.plan`, 1 by default), 4 where there is no plan.
        prediction_blocks: At each denoising step of every block, dragged or not, predictions take
            on the mean and deviation of this many preceding blocks and themselves, the stream's
            first block left out: so from its third block on. 2 is what the authors' released code
            does; 0 leaves predictions alone, but for blocks whose drags ask for it
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
        self._seed = checked_seed(seed)
        # The boundaries before and after each of the last `undo` blocks.
        recall = Recall(model, _undo(undo, model) + 1)
        with _plain_torch():
            recall.text(prompt)
        self._recall = recall
        count = whole(prediction_blocks, "prediction_blocks", least=0)
        self._state = State.empty(prompt, recall.limit, count)
        self._pen = Pen()
        self._listeners: dict[object, Callable[[], Any]] = {}
        self._players: weakref.WeakSet[Any] = weakref.WeakSet()
        if image is not None:
            with _plain_torch():
                self._state = produce_image(recall, self._state, self._seed, image)
        if video is not None:
            with _plain_torch():
                self._state = produce_video(recall, self._state, self._seed, video)

    # ------------------------------------------------------------------------------- reading

    @property
    def model(self) -> VideoModel:
        """What generates."""
        return self._recall.model

    @property
    def seed(self) -> int:
        """What all noise derives from."""
        return self._seed

    @property
    def blocks(self) -> tuple[Block, ...]:
        """All blocks, oldest first."""
        return self._state.blocks

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
            self._recall.text(prompt)
            self._state = replace(state, prompt=prompt)

    def check_prompt(self, prompt: str) -> None:
        """Raise what setting the prompt would raise; the stream stays as it is.

        Raises:
            TypeError: Anything but a string.
            ValueError: A prompt that the model refuses.
        """
        with _plain_torch():
            self._recall.text(prompt)

    @property
    def prediction_blocks(self) -> int:
        """How many preceding blocks the predictions of every block are normalised with."""
        return self._state.prediction_blocks

    @property
    def players(self) -> weakref.WeakSet[Any]:
        """The live streams that were made for it and are still referred to."""
        return self._players

    @property
    def frames(self) -> NDArray[np.uint8]:
        """The whole video, a fresh array (T, H, W, 3)."""
        grid = self.model.spec.grid
        parts = [block.frames for block in self.blocks]
        empty = np.zeros((0, grid.height, grid.width, 3), np.uint8)
        return np.concatenate([empty, *parts])

    @property
    def latents(self) -> torch.Tensor:
        """All clean latents, a fresh float32 tensor (N, C, h, w) on the CPU."""
        spec = self.model.spec
        shape = (0, spec.latent_channels, spec.grid.latent_height, spec.grid.latent_width)
        empty = torch.zeros(shape, dtype=torch.float32, device="cpu")
        return torch.cat([empty, *(block.latents for block in self.blocks)])

    @property
    def statistics(self) -> pd.DataFrame:
        """One row per drag iteration and per latent frame, see `tables.statistics`."""
        return tables.statistics(self.blocks)

    def __len__(self) -> int:
        """The number of blocks."""
        return len(self.blocks)

    def __bool__(self) -> bool:
        """True: a stream is something also while it has no blocks."""
        return True

    def __repr__(self) -> str:
        name = self.model.spec.name
        return f"Stream({name!r}, {self.prompt!r}, seed={self.seed}, blocks={len(self)})"

    def features(
        self,
        block: int = -1,
        layers: int | Sequence[int] | None = None,
        cutoff: float | None = None,
        step: int | None = None,
    ) -> dict[int, torch.Tensor]:
        """What the model sees in a block: self-attention features, recomputed on demand.

        Args:
            block: Which block; negative numbers count from the end.
            layers: Transformer layers from 0; None means those that drags use.
            cutoff: Low-pass keys and values at this frequency in cycles per token, as for
                references (Eq. 7), in (0, 1]; Nyquist is 0.5. None filters nothing.
            step: The denoising step whose noisy latents are looked at; None means the one at
                which drags work.

        Returns:
            {layer: (F, token rows, token columns, channels)}, detached, on the CPU.

        Raises:
            TypeError: A block, layer or step that is not an integer.
            ValueError: A block, layer or step that does not exist, or a cutoff out of range.
        """
        state, spec = self._state, self.model.spec
        index = _place(block, "block", len(state.blocks))
        wanted = _layers(layers, spec.layers, spec.num_layers)
        at = spec.denoising_step if step is None else _place(step, "step", len(spec.sigmas))
        low_pass = None if cutoff is None else LowPass(cutoff)
        shown = state.blocks[index]
        with _plain_torch(), torch.no_grad():
            context = self._recall.context(state, index, shown.prompt)
            latents = self._recall.to_model(shown.noisy[at])
            found = self.model.features(latents, spec.sigmas[at], context, wanted, low_pass)
        return {layer: found[layer][0].detach().float().cpu() for layer in wanted}

    def remember(self, region: Region) -> Memory:
        """An object as it looks in the newest latent frame, for a later ``Drag(source=...)``.

        With it, an object that has left the frame comes back looking the same (Appendix R).

        Args:
            region: Where it is now: a shape, or a boolean mask (H, W).

        Raises:
            TypeError: A region of another kind.
            ValueError: A region that is empty, of another size or outside the frame, or a stream
                without blocks.
        """
        state = self._state
        _need_blocks(state, "remember")
        grid = self.model.spec.grid
        shape = as_shape(region)
        rasterise(shape, grid.height, grid.width)
        return Memory(len(state.blocks) - 1, shape)

    def subscribe(self, listener: Callable[[], Any]) -> Callable[[], None]:
        """Call ``listener`` after each change, on the thread that made it.

        An exception in a listener is logged and disturbs nothing. A fork starts without listeners.

        Returns:
            What ends the subscription; more than one call of it does no harm.

        Raises:
            TypeError: Something that cannot be called.
        """
        if not callable(listener):
            raise TypeError(f"listener must be callable, got {listener!r}")
        key = object()
        self._listeners[key] = listener

        def unsubscribe() -> None:
            self._listeners.pop(key, None)

        return unsubscribe

    def reserve(
        self, thread: threading.Thread, reason: str, watch: Watch = nobody
    ) -> Callable[[], None]:
        """Let only one thread change the stream; all others get a RuntimeError.

        Args:
            thread: Who may, named as errors should name it; it need not have started.
            reason: What the others are told.
            watch: Called on that thread with each `Progress`, `Iterated` and `BlockMade`, before
                the change is complete. What it raises ends the call, with the stream as it was.

        Returns:
            What ends the reservation; more than one call of it does no harm.

        Raises:
            RuntimeError: The stream is being changed, or is reserved for another thread.
        """
        return self._pen.keep(Keeper(thread, reason, watch))

    # --------------------------------------------------------------------------- generating

    def step(self) -> Block:
        """Generate one block.

        Raises:
            ValueError: The model makes no more blocks than there are.
            FloatingPointError: The latents stopped being finite, or the decoder's frames are not.
        """
        with self._writing("step") as state:
            self._state = self._produce(state, Order(Mode.STEP))
            return self._state.blocks[-1]

    def run(self, n: int, progress: bool = True) -> list[Block]:  # noqa: FBT001, FBT002
        """Generate n blocks.

        Each block is complete in itself: after an interrupt the finished ones stay.

        Args:
            n: How many, 0 or more.
            progress: Show a progress bar.

        Raises:
            TypeError: ``n`` is not an integer.
            ValueError: ``n`` is negative.
        """
        count = whole(n, "n", least=0)
        return [self.step() for _ in tqdm(range(count), "blocks", disable=not progress)]

    def edit(
        self,
        drags: Sequence[Drag],
        keep: Region | None = None,
        settings: DragMethod | None = None,
        callback: Callback | None = None,
    ) -> Block:
        """Change the newest latent frame: denoise its block again with the drags in effect.

        The drags act on the block's last latent frame, all the way to their end; its other
        frames follow as the model sees fit. The block keeps its own prompt. To edit an earlier
        frame, `rewind` to its block first. A second edit starts from the result of the first,
        unless its settings ask for an earlier denoising step, which the first never touched.

        Args:
            drags: What to move, in pixels of the newest frame.
            keep: The region that must not change: a shape or a boolean mask (H, W).
            settings: How: `DragSettings` or another `DragMethod`; None means
                `DragSettings()`.
            callback: Called with each `Iteration`.

        Raises:
            TypeError: Arguments of another kind.
            ValueError: A stream without blocks, or drags or settings that the model cannot
                follow.
            FloatingPointError: The latents stopped being finite, or the decoder's frames are not.
        """
        with self._writing("edit") as state:
            _need_blocks(state, "edit")
            request = Request.of(
                self.model.spec,
                state.blocks,
                drags=drags,
                keep=keep,
                settings=settings,
                callback=callback,
            )
            newest = state.blocks[-1]
            before = state.cut(newest.index)
            driven = drive(request, self._recall, before, state, Course(len(newest.latents)))
            given = newest.noisy[: request.step + 1]
            changed = self._produce(before, Order(Mode.EDIT, given, driven, origin=newest))
            self._state = replace(changed, prompt=state.prompt)
            return changed.blocks[-1]

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
        the motion. What is pulled is the object as it looks in the newest frame at the time of
        the call. All the blocks are one transaction.

        A model that makes a whole clip at once, and has made it, makes the clip again with the
        motion in it: what is pulled is the object as it looks in the clip's first frame.

        Args:
            drags: What to move, in pixels of the newest frame (of a whole clip: of the first).
            blocks: How many blocks the motion takes, at least 1.
            keep: The region that must not change: a shape or a boolean mask (H, W).
            settings: How: `DragSettings` or another `DragMethod`; None means
                `DragSettings()`.
            callback: Called with each `Iteration`.
            progress: Show a progress bar.

        Raises:
            TypeError: Arguments of another kind.
            ValueError: A stream without blocks, ``blocks`` below 1, or drags or settings that
                the model cannot follow.
            FloatingPointError: The latents stopped being finite, or the decoder's frames are not.
        """
        with self._writing("animate") as state:
            count = whole(blocks, "blocks", least=1)
            _need_blocks(state, "animate")
            request = Request.of(
                self.model.spec,
                state.blocks,
                drags=drags,
                keep=keep,
                settings=settings,
                callback=callback,
            )
            if self.model.spec.most_blocks == len(state.blocks) == count == 1:
                self._state = self._reanimated(state, request)
                return list(self._state.blocks)
            grown, frames = state, self.model.spec.frames_per_block
            for part in tqdm(range(count), "dragged blocks", disable=not progress):
                course = Course(frames, part * frames, count * frames)
                driven = drive(request, self._recall, grown, state, course)
                order = Order(Mode.ANIMATE, drive=driven, part=(part, count))
                grown = self._produce(grown, order)
            self._state = grown
            return list(grown.blocks[-count:])

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
            self._state = _cut(state, to, "to")

    def fork(self, at: int | None = None) -> Stream:
        """A new stream with the same first ``at`` blocks (None: all) and the same noise.

        Raises:
            TypeError: ``at`` is not an integer.
            ValueError: ``at`` is out of range, as in `rewind`.
        """
        state = self._state
        branch = object.__new__(type(self))
        branch._seed, branch._recall = self._seed, self._recall
        branch._state = state if at is None else _cut(state, at, "at")
        branch._pen, branch._listeners = Pen(), {}
        branch._players = weakref.WeakSet()
        return branch

    # ------------------------------------------------------------------------------- files

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write everything but the model to one file, whole or not at all; returns the path.

        The file is a zip of JSON and safetensors. Its usual suffix is ``.dragstream``; ``~`` is the
        home folder. What a save of the same file left beside it when its process was killed is
        deleted.

        Raises:
            TypeError: No path.
            ValueError: A folder that does not exist.
            OSError: The file cannot be written, as on a full disk.
        """
        state = self._state
        tape = archive.Tape(
            self._seed, state.prompt, state.blocks, state.start, state.prediction_blocks
        )
        return archive.save(tape, path, self.model)

    @classmethod
    def restore(
        cls,
        path: str | os.PathLike[str],
        model: VideoModel,
        *,
        undo: int | None = None,
        parts: Sequence[Any] = (),
    ) -> Stream:
        """A stream from a file that `save` wrote; it goes on with the same bits.

        What the model remembers is recomputed when it is first needed.

        Args:
            path: The file.
            model: What the stream was generated with.
            undo: As for a new stream.
            parts: Classes and functions of your own that drags and settings of the stream used
                (motions, rectifications, views, losses). A file holds their names and fields,
                never their code.

        Raises:
            TypeError: A model of another kind.
            FileNotFoundError: No such file.
            ValueError: Not such a file, or damaged, or of a model with other weights, or with a
                prompt that the model refuses.
        """
        _check_model(model)
        tape = archive.load(path, model, parts)
        stream = cls(
            model, tape.prompt, tape.seed, undo=undo, prediction_blocks=tape.prediction_blocks
        )
        for prompt in {block.prompt: None for block in tape.blocks}:
            stream.check_prompt(prompt)
        stream._state = replace(stream._state, blocks=tape.blocks, start=tape.start)
        return stream

    def to_mp4(self, path: str | os.PathLike[str], frame_rate: float | None = None) -> Path:
        """Write the video as mp4 (extra ``lab``); returns the path.

        The file appears whole or not at all; an older one stays until the new one is complete.

        Args:
            path: Ending in ``.mp4``; ``~`` is the home folder.
            frame_rate: Frames a second; None means the model's own.

        Raises:
            ValueError: A stream without blocks, another suffix, no such folder, a bad rate.
            ImportError: Without imageio-ffmpeg.
            RuntimeError: ffmpeg cannot be run, has no x264, or failed, as on a full disk; the
                message has what ffmpeg said. `to_gif` works without it.
            OSError: The file cannot be written.
        """
        return video.to_mp4(self.frames, path, self._rate(frame_rate))

    def to_gif(self, path: str | os.PathLike[str], frame_rate: float | None = None) -> Path:
        """Write the video as an endlessly looping gif; returns the path.

        The file holds every frame, and appears whole or not at all. Its times are hundredths of a
        second, which keep the rate on average; above 50 frames a second it has 50, with a warning.

        Args:
            path: Ending in ``.gif``; ``~`` is the home folder.
            frame_rate: Frames a second; None means the model's own.

        Raises:
            ValueError: A stream without blocks, another suffix, no such folder, a bad rate.
            OSError: The file cannot be written.
        """
        return video.to_gif(self.frames, path, self._rate(frame_rate))

    def display(self, width: int | None = None) -> video.Clip:
        """The video, small, silent and looping: shown where it is the last line of a cell.

        Args:
            width: In CSS pixels; None means the frames' own, enlarged if they are small.

        Raises:
            ValueError: A stream without blocks, or a width below 1.
        """
        return video.Clip.of(self.frames, self._rate(None), width, label=self.prompt)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        blocks = self.blocks
        if not blocks:
            return {"text/plain": repr(self)}
        shown = blocks[-max(1, _SHOWN // len(blocks[-1].frames)) :]
        frames = np.concatenate([block.frames for block in shown])
        clip = video.Clip.of(frames, self._rate(None), label=self.prompt)
        return {"text/plain": repr(self), "text/html": clip._repr_html_()}

    def to_code(self, model: str | None = None) -> str:
        """The stream as Python source that makes it again, bit for bit on a CPU.

        Only what survives is in it: the calls that made today's blocks, with their drags, regions,
        settings and prompts, but not what was rewound. The source needs no file beside it, and
        defines ``model`` and ``stream``.

        Args:
            model: The expression that gives the model, as in ``'ds.load("playground")'``, which
                is the default for models that `load` knows by name.

        Raises:
            ValueError: A model that `load` does not know, without an expression for it; blocks
                from an older archive that does not tell how they were made.
        """
        state = self._state
        return script(
            self.model,
            blocks=state.blocks,
            prompt=state.prompt,
            seed=self._seed,
            prediction_blocks=state.prediction_blocks,
            load=model,
        )

    # ------------------------------------------------------------------------------ private

    def _rate(self, frame_rate: float | None) -> float:
        return self.model.spec.clock.frame_rate if frame_rate is None else frame_rate

    def _reanimated(self, state: State, request: Request) -> State:
        """A clip of one block made again, with a motion from its first frame on."""
        (clip,) = state.blocks
        before, frames = state.cut(0), len(clip.latents)
        driven = drive(request, self._recall, before, state, Course(frames, 0, frames, held=0))
        given = clip.noisy[: request.step + 1]
        order = Order(Mode.ANIMATE, given, driven, origin=clip)
        return replace(self._produce(before, order), prompt=state.prompt)

    def _produce(self, state: State, order: Order) -> State:
        return produce(self._recall, state, self._seed, order, self._pen.watch)

    @contextmanager
    def _writing(self, call: str) -> Iterator[State]:
        """Let one call at a time write; it replaces ``_state`` as its last act, or not at all."""
        writing = Writing(call)
        state: State | None = None
        try:  # from here on, so that an interrupt cannot leave the pen taken
            self._pen.take(writing)
            state = self._state
            # What is remembered must serve later gradients, wherever the call is made from.
            with _plain_torch():
                yield state
        finally:
            writing.over = True
            if state is not None and self._state is not state:  # even if interrupted just after
                self._tell()

    def _tell(self) -> None:
        """Call the listeners; what fails in one of them is its own affair, the change is made."""
        for listener in tuple(self._listeners.values()):
            try:
                listener()
            except Exception:  # noqa: BLE001
                _log.exception("a listener of %r failed", self)


@contextmanager
def _plain_torch() -> Iterator[None]:
    """Without the caller's inference mode and default device, which would change what is made."""
    with torch.inference_mode(mode=False), cpu_by_default():
        yield


def _check_model(model: object) -> None:
    if not isinstance(getattr(model, "spec", None), ModelSpec):
        raise TypeError(f"model must be a VideoModel, as ds.load gives, got {model!r}")


def _undo(undo: int | None, model: VideoModel) -> int:
    """How many blocks back to remember: as asked for, or as many as the model has room for."""
    return whole(getattr(model, "undo", _UNDO) if undo is None else undo, "undo", least=1)


def _need_blocks(state: State, call: str) -> None:
    if not state.blocks:
        raise ValueError(f"there is nothing to {call} yet: the stream has no blocks")


def _cut(state: State, count: int, name: str) -> State:
    """The state with its first ``count`` blocks."""
    wanted = whole(count, name, least=state.start)
    if wanted > len(state.blocks):
        raise ValueError(
            f"{name} must be at most {len(state.blocks)}, the number of blocks, got {wanted}"
        )
    return state.cut(wanted)


def _place(index: int, name: str, count: int) -> int:
    """An index into ``count`` things, negative ones counted from the end."""
    if count == 0:
        raise ValueError(f"there is no {name} {index!r}: the stream has no blocks")
    wanted = whole(index, name, least=-count)
    if wanted >= count:
        raise ValueError(f"{name} must be from {-count} to {count - 1}, got {wanted}")
    return wanted % count


def _layers(
    layers: int | Sequence[int] | None, default: Sequence[int], count: int
) -> tuple[int, ...]:
    """Layer numbers, each between 0 and ``count - 1``."""
    if layers is None:
        return tuple(default)
    wanted = (layers,) if isinstance(layers, Integral) else sequence(layers, "layers", "layers")
    numbers = tuple(whole(layer, "layers", least=0) for layer in wanted)
    if max(numbers) >= count:
        raise ValueError(f"layers must be among 0 to {count - 1}, got {layers!r}")
    return numbers
