"""A worker process that yields results one by one, with a time limit: `Child`."""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
import time
from collections.abc import Callable, Iterable, Iterator
from multiprocessing.connection import Connection
from typing import Any

from dragstream.drags.checks import truncate

Work = Callable[[Any], Iterable[Any]]
"""The work of the process: an argument to results; all of them can be pickled."""


_LONGEST_REASON = 160
_PATIENCE = 2.0
"""Seconds to wait for the end of the process."""


class ChildError(RuntimeError):
    """The process raised an exception, died or was terminated; the message has the reason."""


class Child:
    """A worker process, started at the first use and restarted after a failure.

    A new process frees leaked memory, and can use a device again after a CUDA error.
    """

    def __init__(self, work: Work) -> None:
        self._work = work
        self._process: multiprocessing.process.BaseProcess | None = None
        self._pipe: Connection | None = None

    def results(self, argument: Any, seconds: float) -> Iterator[Any]:
        """Yield the results for an argument as they come."""
        deadline = time.monotonic() + seconds
        pipe = self._started()
        finished = False
        try:
            pipe.send(argument)
            while True:
                if not pipe.poll(max(0.0, deadline - time.monotonic())):
                    raise ChildError(f"took longer than {seconds:g} s")
                kind, found = pipe.recv()
                if kind == "error":
                    raise ChildError(found)
                if kind == "end":
                    finished = True
                    return
                yield found
        except (EOFError, ConnectionError) as error:
            raise ChildError(f"the process ended{self._exit_code()}") from error
        finally:
            if not finished:
                self.close()

    def close(self) -> None:
        """Terminate the process, if there is one."""
        process, pipe = self._process, self._pipe
        self._process = self._pipe = None
        if pipe is not None:
            pipe.close()
        if process is None:
            return
        process.join(_PATIENCE)  # an idle process ends by itself
        for end in (process.terminate, process.kill):
            if process.is_alive():
                end()
                process.join(_PATIENCE)

    def _started(self) -> Connection:
        if self._pipe is not None:
            return self._pipe
        # A fork would inherit a CUDA context that it cannot use.
        context = multiprocessing.get_context("spawn")
        self._pipe, other = context.Pipe()
        self._process = context.Process(target=_serve, args=(self._work, other))
        self._process.start()
        other.close()
        return self._pipe

    def _exit_code(self) -> str:
        if self._process is None:
            return ""
        self._process.join(_PATIENCE)
        return f" with exit code {self._process.exitcode}"


def _serve(work: Work, pipe: Connection) -> None:
    """Answer the requests of the parent process until it closes the pipe."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # on Ctrl+C the parent terminates this process
    with contextlib.suppress(EOFError, BrokenPipeError):  # the parent has closed it
        while True:
            argument = pipe.recv()
            try:
                for found in work(argument):
                    pipe.send(("result", found))
            except Exception as error:  # noqa: BLE001 - the parent gets it
                pipe.send(("error", reason(error)))
            else:
                pipe.send(("end", None))


def reason(error: BaseException) -> str:
    """The error's type and the first line of its message."""
    line = str(error).strip().partition("\n")[0]
    return truncate(f"{type(error).__name__}: {line}", _LONGEST_REASON)
