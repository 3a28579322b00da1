"""Live streams: a stream that plays on a thread of its own, while the cell has long returned."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from functools import partial
from numbers import Real

from dragstream.drags.checks import whole
from dragstream.drags.motions import Drag
from dragstream.method.base import DragMethod
from dragstream.stream.driving import Request
from dragstream.stream.events import Status, Watch
from dragstream.stream.stream import Region, Stream
from dragstream.stream.worker import Worker


class LiveStream:
    """Plays a stream in the background and takes commands meanwhile.

    ```python
    live = ds.LiveStream(stream)
    live.start()  # returns at once
    live.pause()  # in another cell: the newest picture is what the next block continues from
    live.animate([ds.Drag(ds.regions.disc((64, 40), 14), ds.Translation.by(24, 0))])
    live.resume()
    ```

    One daemon thread makes all blocks, plain ones for as long as it plays, and carries out
    commands in the order in which they were given, playing or not. While it has something to do
    nobody else may change the stream, which can be read as always; once it is paused or stopped,
    anybody may. The blocks are bit for bit those that the same calls of the stream itself make.

    A plain block in the making gives way to any command and to `pause`, so that these act on the
    picture that was last shown; it is made again, the same, if it is wanted later. Drags are
    carried out to their end, except that `stop` drops them whole.

    Blocks are made as fast as the model can, but shown (and joined to the stream) no faster than
    they are watched: a block is held back until the frames before it have had their time.

    An error in the thread pauses the live stream, with the stream as it was before the call that
    failed, and drops the commands queued behind it. The next call of any method raises a
    RuntimeError whose cause is that error, with its traceback.

    The thread ends with `stop`, with the interpreter, or when the live stream is no longer
    referred to.

    Args:
        stream: What it plays.
        frame_rate: Video frames a second at which it is watched; None means the model's own,
            ``math.inf`` as fast as the model can.

    Raises:
        TypeError: Anything but a Stream, or a rate that is not a number.
        ValueError: A rate that is not positive.
    """

    def __init__(self, stream: Stream, frame_rate: float | None = None) -> None:
        if not isinstance(stream, Stream):
            raise TypeError(f"stream must be a Stream, got {stream!r}")
        own_rate = stream.model.spec.clock.frame_rate
        self._stream = stream
        self._frame_rate = own_rate if frame_rate is None else _rate(frame_rate)
        self._worker = Worker(stream, self._frame_rate)
        # At exit the worker looks after itself, and is waited for.
        weakref.finalize(self, self._worker.leave, 0.0).atexit = False
        stream.players.add(self)

    @classmethod
    def of(cls, stream: Stream) -> LiveStream:
        """The live stream of a stream, made if it has none: who asks shares one worker.

        Raises:
            TypeError: Anything but a Stream.
        """
        if not isinstance(stream, Stream):
            raise TypeError(f"stream must be a Stream, got {stream!r}")
        return next(iter(stream.players), None) or cls(stream)

    @property
    def stream(self) -> Stream:
        """What it plays. Reading it is always safe."""
        return self._stream

    @property
    def frame_rate(self) -> float:
        """Video frames a second at which it is watched."""
        return self._frame_rate

    @property
    def status(self) -> Status:
        """What it is doing."""
        return self._worker.status

    def __repr__(self) -> str:
        return f"LiveStream({self._stream!r}, {self.status.value})"

    def subscribe(self, listener: Watch) -> Callable[[], None]:
        """Call ``listener`` with each event, in order, on the thread that makes the blocks.

        Events are `Progress` (a denoising step), `Iterated` (a drag iteration), `BlockMade`
        (frames to show), `Changed` (the stream) and `StatusChanged`, see
        `dragstream.stream.events`. The thread goes on when the listener returns, so a listener
        should be quick. It may give commands. An exception in it is logged and disturbs nothing.

        Returns:
            What ends the subscription; more than one call of it does no harm.

        Raises:
            TypeError: Something that cannot be called.
        """
        if not callable(listener):
            raise TypeError(f"listener must be callable, got {listener!r}")
        key, listeners = object(), self._worker.listeners
        listeners[key] = listener

        def unsubscribe() -> None:
            listeners.pop(key, None)

        return unsubscribe

    # ------------------------------------------------------------------------ play and pause

    def start(self) -> None:
        """Play; returns at once, and changes nothing if it plays already.

        Raises:
            RuntimeError: Another live stream or call is changing the stream; an earlier error.
        """
        self._worker.ask()

    def resume(self) -> None:
        """Play on after `pause`: the same as `start`."""
        self.start()

    def pause(self, *, wait: bool = True) -> None:
        """Play no more: what was last shown is what the next block continues from.

        Drags that were asked for before are carried out first.

        Args:
            wait: Return when all is done, so that the next line may change the stream. False
                returns at once, for buttons; a `StatusChanged` tells when it is paused. A
                listener never waits, since what it would wait for is its own thread.

        Raises:
            RuntimeError: An earlier error, after pausing.
        """
        self._worker.pause()
        if wait and not self._worker.here:
            self._worker.wait()
        self._worker.complain()

    def stop(self) -> None:
        """Drop what is being made and all commands, and end the thread.

        The stream is as before the block or drag that was in the making. Waits for the pass of
        the model that is under way, except in a listener. `start` begins again.

        Raises:
            RuntimeError: An earlier error, after stopping.
        """
        self._worker.stop()
        self._worker.complain()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until it is paused or stopped, with all commands carried out.

        A live stream that plays goes on until somebody pauses it.

        Args:
            timeout: Seconds to wait at most; None for as long as it takes.

        Returns:
            False if the time ran out.

        Raises:
            RuntimeError: An error in the thread, or waiting in a listener, for one's own thread.
        """
        if self._worker.here:
            raise RuntimeError("a listener cannot wait for the thread that it is called on")
        rested = self._worker.wait(timeout)
        self._worker.complain()
        return rested

    # ------------------------------------------------------------------------------ commands

    def step(self) -> None:
        """Have `Stream.step` called after the commands before it; returns at once."""
        self._worker.ask(self._stream.step)

    def animate(
        self,
        drags: Sequence[Drag],
        blocks: int = 1,
        keep: Region | None = None,
        settings: DragMethod | None = None,
    ) -> None:
        """Have `Stream.animate` called after the commands before it; returns at once.

        Its arguments are checked here, and raise the same errors here.
        """
        count = whole(blocks, "blocks", least=1)
        drags, keep = self._checked(drags, keep, settings)
        self._worker.ask(partial(self._stream.animate, drags, count, keep, settings))

    def edit(
        self,
        drags: Sequence[Drag],
        keep: Region | None = None,
        settings: DragMethod | None = None,
    ) -> None:
        """Have `Stream.edit` called after the commands before it; returns at once.

        Its arguments are checked here, and raise the same errors here.
        """
        drags, keep = self._checked(drags, keep, settings)
        self._worker.ask(partial(self._stream.edit, drags, keep, settings))

    def rewind(self, to: int) -> None:
        """Have `Stream.rewind` called after the commands before it; returns at once.

        Raises:
            TypeError: ``to`` is not an integer.
            ValueError: ``to`` is negative. Whether there are so many blocks turns out later.
        """
        self._worker.ask(partial(self._stream.rewind, whole(to, "to", least=0)))

    @property
    def prompt(self) -> str:
        """The caption of the next block; setting it is a command like the others.

        Raises (when set):
            TypeError: Anything but a string. Whether the model takes it turns out later.
        """
        return self._stream.prompt

    @prompt.setter
    def prompt(self, prompt: str) -> None:
        if not isinstance(prompt, str):
            raise TypeError(f"prompt must be a string, got {prompt!r}")
        self._worker.ask(partial(setattr, self._stream, "prompt", prompt))

    def _checked(
        self, drags: Sequence[Drag], keep: Region | None, settings: DragMethod | None
    ) -> tuple[tuple[Drag, ...], Region | None]:
        """Drags and keep, as values that nobody changes while they wait for their turn."""
        spec, blocks = self._stream.model.spec, self._stream.blocks
        request = Request.of(spec, blocks, drags=drags, keep=keep, settings=settings, callback=None)
        return request.drags, request.keep


def _rate(value: object) -> float:
    """A frame rate, which may be infinite."""
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"frame_rate must be a number or None, got {value!r}")
    rate = float(value)
    if not rate > 0:
        raise ValueError(f"frame_rate must be positive, got {value!r}")
    return rate
