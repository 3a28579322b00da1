"""The thread behind a live stream: commands in order, and plain blocks in between."""

from __future__ import annotations

import atexit
import logging
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from dragstream.stream.events import BlockMade, Changed, Event, Status, StatusChanged, Watch

if TYPE_CHECKING:
    from dragstream.stream.stream import Stream

_log = logging.getLogger(__name__)
_REASON = "a LiveStream is at work on it; call live.pause() or live.stop() first"
_FAREWELL = 10.0
"""Seconds that the interpreter waits at its exit for a pass of the model to end."""


class _GivenUpError(Exception):
    """What is being made is not wanted any more."""


class Worker:
    """A daemon thread that reserves a stream while there is something to do.

    Args:
        stream: What it changes; nobody else may meanwhile.
        frame_rate: Video frames a second that are watched.
    """

    def __init__(self, stream: Stream, frame_rate: float) -> None:
        self.listeners: dict[object, Watch] = {}
        self._stream = stream
        self._frame_rate = frame_rate
        self._watched_at = 0.0  # when all that was shown will have been watched
        self._turn = threading.Condition()  # guards what follows
        self._commands: deque[Callable[[], object]] = deque()
        self._playing = False
        self._stopping = False
        self._resting = True  # is there nothing to do, and has that been told
        self._told = Status.STOPPED
        self._plain = False  # is a plain block being made
        self._error: BaseException | None = None  # that nobody was told of
        self._thread: threading.Thread | None = None
        self._release: Callable[[], None] | None = None

    # ---------------------------------------------------------------------- from any thread

    @property
    def here(self) -> bool:
        """Is this the worker's own thread?"""
        return threading.current_thread() is self._thread

    @property
    def status(self) -> Status:
        """What is being done; at rest as soon as others may change the stream."""
        with self._turn:
            if self._release is not None:
                return Status.PLAYING if self._playing else Status.WORKING
            ended = self._thread is None or self._stopping
            return Status.STOPPED if ended else Status.PAUSED

    def ask(self, command: Callable[[], object] | None = None) -> None:
        """Carry out a command after those before it; None means play.

        Raises:
            RuntimeError: An earlier error, or somebody else is changing the stream.
        """
        self.complain()
        with self._turn:
            self._engage()
            if command is None:
                self._playing = True
            else:
                self._commands.append(command)
            self._resting = False
            self._turn.notify_all()

    def pause(self) -> None:
        """Play no more; does not wait."""
        with self._turn:
            self._playing = False
            self._turn.notify_all()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until there is nothing to do; False if that took too long."""
        with self._turn:
            return self._turn.wait_for(lambda: self._resting, timeout)

    def stop(self, timeout: float | None = None) -> None:
        """Drop everything and end the thread, which is waited for (not by itself)."""
        with self._turn:
            thread = self._thread
            self._playing = False
            self._commands.clear()
            self._stopping = thread is not None
            self._turn.notify_all()
        if thread is not None and not self.here:
            thread.join(timeout)

    def complain(self) -> None:
        """Raise the error that the thread met, once."""
        with self._turn:
            error, self._error = self._error, None
        if error is not None:
            raise RuntimeError(
                f"the live stream had to pause: {type(error).__name__} in its thread: {error}. "
                "The stream is as it was before that call; what was queued behind it is dropped"
            ) from error

    def leave(self, patience: float) -> None:
        """Stop for good; an error that nobody was told of is logged."""
        self.stop(patience)
        if self._error is not None:
            _log.error("a live stream had met an error", exc_info=self._error)

    def _engage(self) -> None:
        """Have a thread, and the stream reserved for it."""
        if self._stopping:
            raise RuntimeError("the live stream is still stopping; call live.stop() to wait for it")
        if self._release is None:
            thread = self._thread or threading.Thread(
                target=self._work, name="LiveStream", daemon=True
            )
            self._release = self._stream.reserve(thread, _REASON, self._watch)
            if self._thread is None:
                self._thread = thread
                thread.start()
                # Torch does not survive an interpreter that goes away under it.
                atexit.register(self.leave, _FAREWELL)

    # -------------------------------------------------------------------- on its own thread

    def _work(self) -> None:
        error = None
        try:
            while (call := self._next(error)) is not None:
                error = self._carry_out(call)
            with self._turn:
                self._free()
                self._told = Status.STOPPED
            self._publish(StatusChanged(Status.STOPPED, error))
        finally:
            atexit.unregister(self.leave)
            with self._turn:
                self._free()
                self._thread, self._stopping, self._resting = None, False, True
                self._turn.notify_all()

    def _next(self, error: BaseException | None) -> Callable[[], object] | None:
        """What to do next, after a rest if there is nothing; None when it is time to stop."""
        while True:
            with self._turn:
                if self._stopping:
                    return None
                self._playing = self._playing and not self._complete()
                if not (self._playing or self._commands):
                    self._free()
                told, status = self._told, self.status
                self._told = status
                if status is told:
                    if status is not Status.PAUSED:
                        return self._pick()
                    self._resting = True
                    self._turn.notify_all()
                    self._turn.wait_for(lambda: self._stopping or not self._resting)
                    continue
            self._publish(StatusChanged(status, error))
            error = None

    def _complete(self) -> bool:
        """Whether there is nothing to play on to: the model makes no more blocks than there are."""
        most = self._stream.model.spec.most_blocks
        return most is not None and len(self._stream) >= most

    def _pick(self) -> Callable[[], object]:
        # There is nothing to drag before the first block, so that one goes before commands.
        self._plain = self._playing and not (self._commands and self._stream.blocks)
        return self._stream.step if self._plain else self._commands.popleft()

    def _carry_out(self, call: Callable[[], object]) -> BaseException | None:
        """Do it; returns what went wrong."""
        try:
            call()
        except _GivenUpError:
            return None
        except BaseException as error:  # noqa: BLE001
            # The lines stay for the user to read, the tensors go: memory may be what ran out.
            traceback.clear_frames(error.__traceback__)
            with self._turn:
                self._playing = False
                self._commands.clear()
                self._error = error
            return error
        self._publish(Changed(self._stream.blocks))
        return None

    def _watch(self, event: Event) -> None:
        """Publish what the stream does, unless it is not wanted any more."""
        with self._turn:
            if isinstance(event, BlockMade):
                left = self._watched_at - time.monotonic()
                self._turn.wait_for(self._given_up, min(max(0.0, left), threading.TIMEOUT_MAX))
                shown = len(event.block.frames) / self._frame_rate
                self._watched_at = time.monotonic() + shown
            if self._given_up():
                raise _GivenUpError
        self._publish(event)

    def _given_up(self) -> bool:
        """Is what is being made to be dropped? Drags never are but by `stop`."""
        if not self._plain:
            return self._stopping
        return not self._playing or bool(self._commands and self._stream.blocks)

    def _publish(self, event: Event) -> None:
        for listener in tuple(self.listeners.values()):
            try:
                listener(event)
            except Exception:  # noqa: BLE001
                _log.exception("a listener of a LiveStream failed")

    def _free(self) -> None:
        """Let others change the stream."""
        if self._release is not None:
            self._release()
            self._release = None
