"""`LiveStream`: generates a stream on a background thread, with a queue of commands."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from functools import partial
from numbers import Real

from dragstream.drags.checks import check_int, check_kind
from dragstream.drags.motions import Drag
from dragstream.method.base import DragMethod
from dragstream.stream.block_plan import Request, resolved_method
from dragstream.stream.events import EventCallback, Status
from dragstream.stream.hold import Hold
from dragstream.stream.stream import Region, Stream
from dragstream.stream.worker import Worker


class LiveStream:
    """Generates a stream in the background and executes queued commands.

    ```python
    live = ds.LiveStream(stream)
    live.start()  # returns at once
    live.pause()  # in another cell: the next block continues from the newest frame shown
    live.animate([ds.Drag(ds.regions.disc((64, 40), 14), ds.Translation.by(24, 0))])
    live.resume()
    ```

    One daemon thread generates all blocks, plain ones while it plays, and executes commands in
    the order of their calls, playing or not. While it works no other thread can change the
    stream, which can be read at any time; when it is paused or stopped, any thread can. The
    blocks are bit for bit those that the same calls of the stream itself generate.

    A command or `pause` drops the plain block in progress, so that it acts on the frame that was
    last shown; the block is generated again, the same, if it is needed later. Drags run to their
    end, except that `stop` drops them as a whole.

    Blocks are generated as fast as the model can, but appended and published at the frame rate: a
    block waits until the frames before it have been shown for their duration.

    An error in the thread pauses the live stream, with the stream as it was before the call that
    failed, and drops the commands queued behind it. The next call of any method raises a
    RuntimeError whose cause is that error, with its traceback.

    The thread ends with `stop`, with the interpreter, or when the live stream is no longer
    referenced.

    Args:
        stream: The stream that it plays.
        frame_rate: Video frames a second; None means the model's own, ``math.inf`` as fast as
            the model can.
        settings: Settings of holds and pins that have none of their own; None means
            `DragSettings()`.

    Raises:
        TypeError: Anything but a Stream, a rate that is not a number, settings of another kind.
        ValueError: A rate that is not positive, settings that the model cannot follow.
    """

    def __init__(
        self,
        stream: Stream,
        frame_rate: float | None = None,
        *,
        settings: DragMethod | None = None,
    ) -> None:
        own_rate = check_kind(stream, Stream, "stream").model.spec.clock.frame_rate
        self._stream = stream
        self._frame_rate = own_rate if frame_rate is None else _rate(frame_rate)
        self._settings = resolved_method(settings, stream.model.spec)
        self._worker = Worker(stream, self._frame_rate)
        # At exit the worker stops by its own handler, which waits for it.
        weakref.finalize(self, self._worker.stop_at_exit, 0.0).atexit = False
        stream.players.add(self)

    @classmethod
    def of(cls, stream: Stream) -> LiveStream:
        """The live stream of a stream, created if it has none, so that callers share one worker.

        Raises:
            TypeError: Anything but a Stream.
        """
        check_kind(stream, Stream, "stream")
        return next(iter(stream.players), None) or cls(stream)

    @property
    def stream(self) -> Stream:
        """The stream that it plays. Reading it is always safe."""
        return self._stream

    @property
    def frame_rate(self) -> float:
        """Video frames a second at which blocks are published."""
        return self._frame_rate

    @property
    def settings(self) -> DragMethod:
        """Settings of holds that have none of their own."""
        return self._settings

    @property
    def status(self) -> Status:
        """The state of its thread."""
        return self._worker.status

    def __repr__(self) -> str:
        return f"LiveStream({self._stream!r}, {self.status.value})"

    def subscribe(self, listener: EventCallback) -> Callable[[], None]:
        """Call ``listener`` with each event, in order, on the thread that generates the blocks.

        Events are `Progress` (a denoising step), `Iterated` (a drag iteration), `BlockMade`
        (frames to show), `Changed` (the stream), `HoldsChanged` and `StatusChanged`, see
        `dragstream.stream.events`. The thread waits for the listener, which should return
        quickly. It may call commands. An exception in it is logged and has no other effect.

        Returns:
            A function that ends the subscription; calling it again does nothing.

        Raises:
            TypeError: Something that cannot be called.
        """
        return self._worker.listeners.add(listener)

    # ------------------------------------------------------------------------ play and pause

    def start(self) -> None:
        """Play; returns at once, and does nothing if it plays already.

        Raises:
            RuntimeError: Another live stream or call is changing the stream; an earlier error.
        """
        self._worker.submit()

    def resume(self) -> None:
        """Continue after `pause`: the same as `start`."""
        self.start()

    def pause(self, *, wait: bool = True) -> None:
        """Stop generating plain blocks; the next block continues from the frame last shown.

        Commands queued before are executed first.

        Args:
            wait: Return when the live stream is paused, so that the next line may change the
                stream. False returns at once, for buttons; a `StatusChanged` follows. In a
                listener it never waits, since it would wait for its own thread.

        Raises:
            RuntimeError: An earlier error, after pausing.
        """
        self._worker.pause()
        if wait and not self._worker.on_own_thread:
            self._worker.wait()
        self._worker.raise_error()

    def stop(self) -> None:
        """Drop the block or drag in progress and all commands, and end the thread.

        The stream stays as before that block or drag. Waits for the running pass of the model,
        except in a listener. `start` begins again.

        Raises:
            RuntimeError: An earlier error, after stopping.
        """
        self._worker.stop()
        self._worker.raise_error()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until it is paused or stopped, with all commands executed.

        While it plays, that needs a call of `pause` or `stop` from another thread or a listener.

        Args:
            timeout: Seconds to wait at most; None for no limit.

        Returns:
            False if the time ran out.

        Raises:
            RuntimeError: An error in the thread; a call from a listener, which would wait for its
                own thread.
        """
        if self._worker.on_own_thread:
            raise RuntimeError("a listener cannot wait for the thread that it is called on")
        idle = self._worker.wait(timeout)
        self._worker.raise_error()
        return idle

    # --------------------------------------------------------------------------------- holds

    def hold(
        self,
        region: Region,
        at: Sequence[float] | None = None,
        *,
        keep: Region | None = None,
        settings: DragMethod | None = None,
    ) -> Hold:
        """Take hold of an object in the newest published frame; returns at once.

        ```python
        hold = live.hold(ds.regions.disc((120, 90), 30))
        hold.move_to(180, 90)  # as often as a pointer moves
        hold.turn_to(30)
        hold.release()
        ```

        From the next block on, each block is dragged to the hold's target at the time of the
        block's drag step, along the moves since the last block. A plain block in progress is
        dragged too, unless it is past that step; then it is dropped, so that the drag begins from
        the frame last shown.

        A block is dragged with the settings of the newest hold. `stop`, `rewind` and an error
        release all holds; `pause` and other commands do not.

        Args:
            region: The object, a shape or a boolean mask (H, W), in pixels.
            at: The point (x, y) of it that follows `Hold.move_to`; None: its centroid.
            keep: The region that must not change while it is held.
            settings: `DragSettings` or another `DragMethod`; None means the live stream's.

        Raises:
            TypeError: Arguments of another kind.
            ValueError: A stream without blocks, or one of a model that makes no further block; a
                region that is empty or out of the frame, or shares pixels with a region to keep;
                settings that the model cannot follow.
            RuntimeError: An earlier error.
        """
        return self._hold(region, at, keep, settings, pinned=False)

    def pin(
        self, region: Region, *, keep: Region | None = None, settings: DragMethod | None = None
    ) -> Hold:
        """Hold an object where it is, as `hold` does: a pin is a hold that does not move."""
        return self._hold(region, None, keep, settings, pinned=True)

    @property
    def holds(self) -> tuple[Hold, ...]:
        """The holds in effect, oldest first."""
        return self._worker.holds.held

    def release(self) -> None:
        """Release all holds."""
        self._worker.holds.release()

    def _hold(
        self,
        region: Region,
        at: Sequence[float] | None,
        keep: Region | None,
        settings: DragMethod | None,
        *,
        pinned: bool,
    ) -> Hold:
        self._worker.raise_error()
        settings = self._settings if settings is None else settings
        return self._worker.holds.begin(region, at, keep=keep, settings=settings, pinned=pinned)

    # ------------------------------------------------------------------------------ commands

    def step(self) -> None:
        """Queue a call of `Stream.step`; returns at once.

        Where something is held, the block is a dragged one.
        """
        self._worker.submit(self._worker.block)

    def animate(
        self,
        drags: Sequence[Drag],
        blocks: int = 1,
        keep: Region | None = None,
        settings: DragMethod | None = None,
    ) -> None:
        """Queue a call of `Stream.animate`; returns at once.

        The arguments are checked at once, with the same errors.
        """
        count = check_int(blocks, "blocks", least=1)
        drags, keep = self._checked(drags, keep, settings)
        self._worker.submit(partial(self._stream.animate, drags, count, keep, settings))

    def edit(
        self,
        drags: Sequence[Drag],
        keep: Region | None = None,
        settings: DragMethod | None = None,
    ) -> None:
        """Queue a call of `Stream.edit`; returns at once.

        The arguments are checked at once, with the same errors.
        """
        drags, keep = self._checked(drags, keep, settings)
        self._worker.submit(partial(self._stream.edit, drags, keep, settings))

    def rewind(self, to: int) -> None:
        """Queue a call of `Stream.rewind`; returns at once.

        Raises:
            TypeError: ``to`` is not an integer.
            ValueError: ``to`` is negative. The upper limit is checked when the call is executed.
        """
        self._worker.submit(partial(self._stream.rewind, check_int(to, "to", least=0)))

    @property
    def prompt(self) -> str:
        """The caption of the next block; setting it queues a command.

        Raises (when set):
            TypeError: Anything but a string. The model checks it when the command is executed.
        """
        return self._stream.prompt

    @prompt.setter
    def prompt(self, prompt: str) -> None:
        check_kind(prompt, str, "prompt")
        self._worker.submit(partial(setattr, self._stream, "prompt", prompt))

    def _checked(
        self, drags: Sequence[Drag], keep: Region | None, settings: DragMethod | None
    ) -> tuple[tuple[Drag, ...], Region | None]:
        """The checked drags and region to keep, as immutable values for the queue."""
        request = Request.of(self._stream, drags, keep, settings)
        return request.drags, request.keep


def _rate(value: object) -> float:
    """A frame rate, which may be infinite."""
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"frame_rate must be a number or None, got {value!r}")
    rate = float(value)
    if not rate > 0:
        raise ValueError(f"frame_rate must be positive, got {value!r}")
    return rate
