"""`Holding`: connects the pointers of a page to the holds of a live stream."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dragstream.drags.checks import Point
from dragstream.drags.documents import to_json
from dragstream.drags.shapes import Region
from dragstream.widgets.throttle import weak_callback
from dragstream.widgets.visible import notebook_shell

if TYPE_CHECKING:
    from dragstream.stream.events import Event, HoldState
    from dragstream.stream.hold import Hold
    from dragstream.stream.live import LiveStream

_MOST_MOVES = 512
"""Times of moves that are kept to find the one that a block used."""


@dataclass
class _Entry:
    """A hold, and its state on the page."""

    hold: Hold
    grip: dict[str, Any]
    grip_at: Point
    key: int | None = None
    """The pointer of the page that moves it, or None."""
    own: bool = False
    """True if the page began it."""
    blocks: int = 0
    """Blocks published since it began."""
    moves: deque[tuple[float, float]] = field(default_factory=lambda: deque(maxlen=_MOST_MOVES))
    """Time of each move, and the page's own time of it in milliseconds."""
    stamp: float | None = None
    """The page's time of the newest move that the newest block used."""


class Holding:
    """The holds of a live stream as a page shows and moves them.

    A pointer has a key that the page chooses. It moves a hold that it began, or one that was there.
    Methods are for any thread; those that take a key of a pointer do nothing if its hold is gone.
    ``changed`` is called with the holds as JSON, and with the status of the live stream or None;
    ``advanced`` when the live stream has new blocks.
    """

    def __init__(
        self,
        changed: Callable[[list[dict[str, Any]], str | None], object],
        advanced: Callable[[], object],
    ) -> None:
        self._changed = changed
        self._advanced = advanced
        self._lock = threading.RLock()  # guards the entries
        self._entries: dict[int, _Entry] = {}
        self._live: LiveStream | None = None
        self._subscriptions = ExitStack()

    @property
    def live(self) -> LiveStream | None:
        """The live stream that is followed."""
        return self._live

    def follow(self, live: LiveStream | None) -> None:
        """Follow a live stream; the page's holds of another one are released."""
        if live is self._live:
            return
        self.release_own()
        self._subscriptions.close()
        self._live = live
        with self._lock:
            self._entries.clear()
        if live is not None:
            self._subscriptions.callback(live.subscribe(weak_callback(self._on_event)))
            self._subscriptions.callback(on_interrupt(weak_callback(self.release)))
        self._publish()

    # -------------------------------------------------------------------------------- pointers

    def begin(self, key: int, region: Region, at: Point, **options: Any) -> None:
        """Begin a pointer's hold of a region at a point; options: see `LiveStream.hold`."""
        self._adopt(self._playing().hold(region, at, **options), key=key)

    def attach(self, key: int, number: int) -> None:
        """Let a pointer move an existing hold, which stays when the pointer is released."""
        entry = self._entries.get(number)
        if entry is not None:
            entry.key = key
            self._publish()

    def move(self, key: int, position: Point, degrees: float, factor: float, stamp: float) -> None:
        """Set the target pose of a pointer's hold; `stamp` is the page's time in milliseconds."""
        entry = self._find(key)
        if entry is None:
            return
        now = time.monotonic()
        with suppress(RuntimeError):  # released meanwhile; `_publish` shows that
            hold = entry.hold
            hold.move_to(*position)
            if degrees != hold.degrees:
                hold.turn_to(degrees)
            if factor != hold.factor:
                hold.scale_to(factor)
            entry.moves.append((now, stamp))

    def end(self, key: int) -> None:
        """End a pointer's move: a hold that it began is released, another one stays."""
        entry = self._find(key)
        if entry is None:
            return
        if entry.own and not entry.hold.pinned:
            entry.hold.release()
        entry.key = None
        self._publish()

    def end_all(self) -> None:
        """End the moves of all pointers, as `end` does."""
        with self._lock:
            keys = [entry.key for entry in self._entries.values() if entry.key is not None]
        for key in keys:
            self.end(key)

    def pin(self, region: Region, **options: Any) -> None:
        """Pin a region."""
        self._adopt(self._playing().pin(region, **options))

    def toggle_pin(self, number: int, **options: Any) -> bool:
        """Remove a pin, or pin a hold where it is; False if the hold is gone."""
        entry = self._entries.get(number)
        if entry is None or not entry.hold.active:
            return False
        if not entry.hold.pinned:
            self.pin(entry.hold.region, **options)
        entry.hold.release()
        return True

    def release(self) -> None:
        """Release all holds, also those of Python."""
        if self._live is not None:
            self._live.release()

    def release_own(self) -> None:
        """Release the holds and pins of the page."""
        with self._lock:
            own = [entry.hold for entry in self._entries.values() if entry.own]
        for hold in own:
            hold.release()

    # --------------------------------------------------------------------------------- private

    def _playing(self) -> LiveStream:
        if self._live is None:
            raise RuntimeError("only a live stream can be held: make the canvas of ds.LiveStream")
        return self._live

    def _find(self, key: int) -> _Entry | None:
        with self._lock:
            return next((entry for entry in self._entries.values() if entry.key == key), None)

    def _adopt(self, hold: Hold, *, key: int | None = None) -> None:
        """Register a hold that the page began; its event may have come first."""
        entry = self._entry(hold)
        entry.key, entry.own = key, True
        self._publish()

    def _entry(self, hold: Hold) -> _Entry:
        with self._lock:
            found = self._entries.get(hold.id)
            if found is None:
                found = _Entry(hold, as_json(hold.region), hold.at)
                self._entries[hold.id] = found
            return found

    def _on_event(self, event: Event) -> None:
        """Handle an event of the live stream, on its thread."""
        # imported here, so that a canvas of a plain frame needs no torch
        from dragstream.stream.events import BlockMade, Changed, HoldsChanged, StatusChanged

        if isinstance(event, BlockMade):
            with self._lock:
                for entry in self._entries.values():
                    entry.blocks += 1
        elif isinstance(event, HoldsChanged):
            now = time.monotonic()
            for state in event.holds:
                self._stamp(state, now)
            self._publish()
        elif isinstance(event, Changed):
            self._advanced()
        elif isinstance(event, StatusChanged):
            self._publish()

    def _stamp(self, state: HoldState, now: float) -> None:
        """Find the newest move that the newest block used."""
        entry = self._entries.get(state.id)
        if entry is None or state.latency is None:
            return
        used = [stamp for moved, stamp in tuple(entry.moves) if moved <= now - state.latency]
        if used:
            entry.stamp = used[-1]

    def _publish(self) -> None:
        with self._lock:  # so that no thread publishes an older state after a newer one
            live = self._live
            holds = () if live is None else live.holds
            self._entries = {hold.id: self._entry(hold) for hold in holds}
            found = [_entry_json(entry) for entry in self._entries.values()]
            self._changed(found, None if live is None else live.status.value)


def _entry_json(entry: _Entry) -> dict[str, Any]:
    hold = entry.hold
    return {
        "id": hold.id,
        "key": entry.key,
        "region": as_json(hold.region),
        "at": list(hold.at),
        "grip": entry.grip,
        "grip_at": list(entry.grip_at),
        "position": list(hold.position),
        "degrees": hold.degrees,
        "factor": hold.factor,
        "pinned": hold.pinned,
        "blocks": entry.blocks,
        "stamp": entry.stamp,
    }


def as_json(region: Region) -> dict[str, Any]:
    """A region as JSON, see `dragstream.drags.documents`."""
    document: dict[str, Any] = to_json([], region)["keep"]
    return document


def on_interrupt(call: Callable[[], object]) -> Callable[[], None]:
    """Call a function when a notebook's cell is interrupted; returns a cancel function."""
    shell = notebook_shell()

    def ran(result: Any) -> None:
        if isinstance(result.error_in_exec, KeyboardInterrupt):
            call()

    def cancel() -> None:
        if shell is not None and ran in shell.events.callbacks["post_run_cell"]:
            shell.events.unregister("post_run_cell", ran)

    if shell is not None:
        shell.events.register("post_run_cell", ran)
    return cancel
