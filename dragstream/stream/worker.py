"""The background thread of a live stream: a queue of commands, and plain blocks in between."""

from __future__ import annotations

import atexit
import logging
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from dragstream.stream.events import BlockMade, Changed, Event, Listeners, Status, StatusChanged
from dragstream.stream.holds import Holds

if TYPE_CHECKING:
    from dragstream.stream.stream import Stream

_log = logging.getLogger(__name__)
_REASON = "a LiveStream is running on it; call live.pause() or live.stop() first"
_EXIT_TIMEOUT = 10.0
"""Seconds that the interpreter waits at exit for the running pass of the model."""


class _CancelledError(Exception):
    """The block or drag in progress was dropped."""


class Worker:
    """A daemon thread that reserves a stream while it has work."""

    def __init__(self, stream: Stream, frame_rate: float) -> None:
        self.listeners = Listeners()
        self.holds = Holds(stream, self.wake)
        self._stream = stream
        self._frame_rate = frame_rate
        self._shown_until = 0.0  # end of the duration of all published frames
        self._condition = threading.Condition()  # guards the attributes below
        self._commands: deque[Callable[[], object]] = deque()
        self._playing = False
        self._stopping = False
        self._idle = True  # no work, and listeners were notified of it
        self._published = Status.STOPPED
        self._in_plain_block = False  # a plain block is in progress
        self._error: BaseException | None = None  # not raised yet
        self._thread: threading.Thread | None = None
        self._release: Callable[[], None] | None = None

    # ---------------------------------------------------------------------- from any thread

    @property
    def on_own_thread(self) -> bool:
        """True on the worker's own thread."""
        return threading.current_thread() is self._thread

    @property
    def status(self) -> Status:
        """The status; `PAUSED` or `STOPPED` as soon as other threads can change the stream."""
        with self._condition:
            if self._release is not None:
                return Status.PLAYING if self._playing else Status.WORKING
            ended = self._thread is None or self._stopping
            return Status.STOPPED if ended else Status.PAUSED

    def submit(self, command: Callable[[], object] | None = None) -> None:
        """Queue a command; None means play."""
        self.raise_error()
        with self._condition:
            self._ensure_thread()
            if command is None:
                self._playing = True
            else:
                self._commands.append(command)
            self._idle = False
            self._condition.notify_all()

    def wake(self) -> None:
        """Publish changes of the holds; starts the thread, without work, if there is none."""
        with self._condition:
            if not self._stopping:
                self._begin()
            self._condition.notify_all()

    def block(self) -> object:
        """Generate a block with the drags of the holds, if there are any."""
        if not self._stream.blocks:
            return self._stream.step()
        return self._stream.drag_late(self.holds.late_drags(self._raise_if_cancelled))

    def pause(self) -> None:
        """Stop generating plain blocks; does not wait."""
        with self._condition:
            self._playing = False
            self._condition.notify_all()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until all work is done; False after the timeout."""
        with self._condition:
            return self._condition.wait_for(lambda: self._idle, timeout)

    def stop(self, timeout: float | None = None) -> None:
        """Drop all work and holds, end the thread and wait for it (unless called on it)."""
        self.holds.drop()
        with self._condition:
            thread = self._thread
            self._playing = False
            self._commands.clear()
            self._stopping = thread is not None
            self._condition.notify_all()
        if thread is not None and not self.on_own_thread:
            thread.join(timeout)

    def raise_error(self) -> None:
        """Raise the error of the thread, once."""
        with self._condition:
            error, self._error = self._error, None
        if error is not None:
            raise RuntimeError(
                f"the live stream was paused by an error: {type(error).__name__} in its thread: "
                f"{error}. "
                "The stream is as before that call; commands queued behind it are dropped"
            ) from error

    def stop_at_exit(self, timeout: float) -> None:
        """Stop at exit; an error that was not raised yet is logged."""
        self.stop(timeout)
        if self._error is not None:
            _log.error("a live stream stopped with an error", exc_info=self._error)

    def _ensure_thread(self) -> None:
        """Start the thread if needed, and reserve the stream for it."""
        if self._stopping:
            raise RuntimeError("the live stream is still stopping; call live.stop() to wait for it")
        if self._release is None:
            thread = self._thread or self._new_thread()
            self._release = self._stream.reserve(thread, _REASON, self._on_event)
            self._begin(thread)

    def _begin(self, thread: threading.Thread | None = None) -> None:
        """Start the thread, unless there is one."""
        if self._thread is None:
            self._thread = thread or self._new_thread()
            self._thread.start()
            # A thread inside torch crashes when the interpreter is torn down.
            atexit.register(self.stop_at_exit, _EXIT_TIMEOUT)

    def _new_thread(self) -> threading.Thread:
        return threading.Thread(target=self._work, name="LiveStream", daemon=True)

    # -------------------------------------------------------------------- on its own thread

    def _work(self) -> None:
        error = None
        try:
            while (call := self._wait_for_call(error)) is not None:
                error = self._execute(call)
            with self._condition:
                self._release_stream()
                self._published = Status.STOPPED
            self.holds.drop()
            self._publish_holds()
            self._publish(StatusChanged(Status.STOPPED, error))
        finally:
            atexit.unregister(self.stop_at_exit)
            with self._condition:
                self._release_stream()
                self._thread, self._stopping, self._idle = None, False, True
                self._condition.notify_all()

    def _wait_for_call(self, error: BaseException | None) -> Callable[[], object] | None:
        """The next call, after waiting for one; None to stop."""
        while True:
            self._publish_holds()
            with self._condition:
                if self._stopping:
                    return None
                self._playing = self._playing and not self._complete()
                if not (self._playing or self._commands):
                    self._release_stream()
                published, status = self._published, self.status
                self._published = status
                if status is published:
                    if status is not Status.PAUSED:
                        return self._pop_call()
                    self._idle = True
                    self._condition.notify_all()
                    self._condition.wait_for(self._has_work)
                    continue
            self._publish(StatusChanged(status, error))
            error = None

    def _has_work(self) -> bool:
        """True if an idle thread has something to do."""
        return self._stopping or not self._idle or self.holds.changed

    def _complete(self) -> bool:
        """True if the model's largest number of blocks is reached."""
        most = self._stream.model.spec.most_blocks
        return most is not None and len(self._stream) >= most

    def _pop_call(self) -> Callable[[], object]:
        # Drags need a block, so the first block comes before commands.
        self._in_plain_block = self._playing and not (self._commands and self._stream.blocks)
        return self.block if self._in_plain_block else self._commands.popleft()

    def _execute(self, call: Callable[[], object]) -> BaseException | None:
        """Execute a call; returns its exception, if any."""
        try:
            call()
        except _CancelledError:
            return None
        except BaseException as error:  # noqa: BLE001
            # The traceback stays, its tensors are freed: the error may be lack of memory.
            traceback.clear_frames(error.__traceback__)
            with self._condition:
                self._playing = False
                self._commands.clear()
                self._error = error
            self.holds.drop()
            return error
        finally:
            self.holds.finish()
        self._publish(Changed(self._stream.blocks))
        return None

    def _on_event(self, event: Event) -> None:
        """Publish an event of the stream; raises if the work in progress was dropped."""
        if isinstance(event, BlockMade):
            self._wait_for_playback()
        self._raise_if_cancelled()
        with self._condition:
            if isinstance(event, BlockMade):
                shown = len(event.block.frames) / self._frame_rate
                self._shown_until = time.monotonic() + shown
        self._publish(event)
        if isinstance(event, BlockMade):
            self.holds.publish(event.block)
        self._publish_holds()

    def _raise_if_cancelled(self) -> None:
        """Raise if the work in progress was dropped."""
        with self._condition:
            if self._cancelled():
                raise _CancelledError

    def _wait_for_playback(self) -> None:
        """Wait until the frames published before were shown, or the work was dropped."""
        while (left := self._shown_until - time.monotonic()) > 0:
            with self._condition:
                if self._cancelled():
                    return
                self._condition.wait_for(
                    lambda: self._cancelled() or self.holds.changed,
                    min(left, threading.TIMEOUT_MAX),
                )
            self._publish_holds()

    def _cancelled(self) -> bool:
        """True if the work in progress is to be dropped; drags are dropped only by `stop`."""
        if not self._in_plain_block or self.holds.latched:
            return self._stopping
        commands = bool(self._commands and self._stream.blocks)
        return not self._playing or commands or self.holds.missed

    def _publish_holds(self) -> None:
        """Publish a change of the holds, if there is one."""
        change = self.holds.changes()
        if change is not None:
            self._publish(change)

    def _publish(self, event: Event) -> None:
        self.listeners.call("a LiveStream", event)

    def _release_stream(self) -> None:
        """Release the stream for other threads."""
        if self._release is not None:
            self._release()
            self._release = None
