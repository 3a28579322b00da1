"""`Holds`: all holds of a live stream, and the drags of each block that they make."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from dragstream.drags.checks import Point, check_point
from dragstream.drags.geometry import Affine
from dragstream.drags.motions import Drag, Poses
from dragstream.drags.reading import located
from dragstream.drags.regions import centroid, moved, rasterise
from dragstream.drags.shapes import BoolMask, Region, Shape, as_shape
from dragstream.method.base import DragMethod
from dragstream.stream.block_plan import LateDrags, References, Request
from dragstream.stream.events import HoldsChanged
from dragstream.stream.finding import find
from dragstream.stream.hold import Grip, Hold, HoldPose
from dragstream.stream.hold_drags import drag_of, kept_region
from dragstream.stream.records import Block

if TYPE_CHECKING:
    from dragstream.stream.stream import Stream


class Holds:
    """The holds of a live stream.

    The generating thread calls `late_drags` before a block, and `publish` when a block is shown.
    All other methods are for any thread.
    """

    def __init__(self, stream: Stream, notify: Callable[[], None]) -> None:
        self._stream = stream
        self._notify = notify
        self._lock = threading.Lock()  # guards the attributes below
        self._numbers = itertools.count(1)
        self._held: list[Hold] = []
        self._ending: list[Hold] = []  # released, with moves that no block has used
        self._changed = False
        self._unsubscribe: Callable[[], None] | None = None
        self._published: Block | None = None  # the newest block of the call in progress
        self._located: Block | None = None  # the block in whose last frame all holds were located
        self._captured: tuple[Hold, ...] = ()  # in effect when the block in progress began
        self._latched: tuple[Hold, ...] = ()  # whose drags act on the block in progress
        self._step = -1  # the newest step of the block in progress at which drags may begin
        self._references: References = {}

    # ---------------------------------------------------------------------- from any thread

    @property
    def held(self) -> tuple[Hold, ...]:
        """The holds in effect, oldest first."""
        with self._lock:
            return tuple(self._held)

    def begin(
        self,
        region: Region,
        at: Sequence[float] | None,
        *,
        keep: Region | None,
        settings: DragMethod,
        pinned: bool,
    ) -> Hold:
        """Take hold of a region of the newest published frame."""
        spec, block = self._stream.model.spec, self._newest()
        if spec.most_blocks is not None and block.index + 1 >= spec.most_blocks:
            raise ValueError(
                f"{spec.name!r} makes videos of at most {spec.most_blocks} blocks: there is no "
                f"next block for a hold to act on"
            )
        height, width = spec.grid.height, spec.grid.width
        mask = _pixels("region", region, height, width)
        shape = as_shape(region)
        moved(shape, Affine.identity())  # raises for shapes that cannot be moved later
        x, y = centroid(mask) if at is None else _held_point(at, height, width)
        for each in (keep, *(hold.keep for hold in self.held)):
            _check_apart(mask, each, height, width)
        drag = Drag(shape, Poses((x, y), [(0.0, 0.0)]))
        request = Request.of(self._stream, [drag], keep, settings)
        hold = Hold(
            next(self._numbers),
            Grip(block, shape, mask, HoldPose(x, y)),
            keep=request.keep,
            settings=request.settings,
            pinned=pinned,
            on_release=self._release,
        )
        with self._lock:
            self._held.append(hold)
            self._located = self._located or block
            if self._unsubscribe is None:
                self._unsubscribe = self._stream.subscribe(self._on_change)
            self._changed = True
        self._notify()
        return hold

    def release(self) -> None:
        """Release all holds; their unused moves pull the next block."""
        for hold in self.held:
            self._release(hold)

    def drop(self) -> None:
        """Release all holds at once; their unused moves are dropped."""
        with self._lock:
            dropped, self._held, self._ending = self._held, [], []
            self._captured = ()
            self._clear_if_unused()
            self._changed = self._changed or bool(dropped)
        for hold in dropped:
            hold.deactivate()
        if dropped:
            self._notify()

    def _release(self, hold: Hold) -> None:
        with self._lock:
            if hold not in self._held:
                return
            hold.deactivate()
            self._held.remove(hold)
            if hold.moved:
                self._ending.append(hold)
            self._clear_if_unused()
            self._changed = True
        self._notify()

    def _clear_if_unused(self) -> None:
        """Without holds, drop the references and the subscription to the stream."""
        if self._held or self._ending or self._captured:
            return
        self._references.clear()
        self._located = None
        if self._unsubscribe is not None:
            self._unsubscribe()
            self._unsubscribe = None

    def _newest(self) -> Block:
        """The newest published block: it may be one of a call that is not complete yet."""
        published, blocks = self._published, self._stream.blocks
        if published is not None and published.index >= len(blocks):
            return published
        if not blocks:
            raise ValueError("there is nothing to hold yet: the stream has no blocks")
        return blocks[-1]

    def _on_change(self) -> None:
        """Handle a change of the stream, on the thread that made it.

        Holds continue after blocks that were added or edited; a rewind ends them.
        """
        located, blocks = self._located, self._stream.blocks
        if located is None:
            return
        same = blocks[located.index] if located.index < len(blocks) else None
        if same is located:
            newer = blocks[located.index + 1 :]
        elif same is not None and len(same.earlier) > len(located.earlier):
            newer = blocks[located.index :]
        else:
            self.drop()
            return
        for block in newer:
            self._locate(block)
        if newer:
            self._notify()

    # -------------------------------------------------------------- on the generating thread

    @property
    def latched(self) -> bool:
        """True if holds act on the block in progress."""
        return bool(self._latched)

    @property
    def changed(self) -> bool:
        """True if there is a change to publish."""
        return self._changed

    @property
    def missed(self) -> bool:
        """True if a hold began too late for the block in progress, on which none acts."""
        with self._lock:
            if self._latched or not self._held:
                return False
            settings = self._held[-1].settings
        return not self._captured and (
            bool(settings.prediction_blocks) or (settings.denoising_step or 0) <= self._step
        )

    def changes(self) -> HoldsChanged | None:
        """The event of the latest change, once."""
        with self._lock:
            if not self._changed:
                return None
            self._changed = False
            return HoldsChanged(tuple(hold.state for hold in self._held))

    def late_drags(self, check: Callable[[], None]) -> LateDrags:
        """The drags of the block that begins now; ``check`` is called before each step."""
        with self._lock:
            self._captured, self._latched, self._step = (*self._ending, *self._held), (), -1
            settings = self._captured[-1].settings if self._captured else None
        count = 0 if settings is None else settings.prediction_blocks

        def request_at(step: int) -> Request | None:
            check()
            return self._request_at(step)

        return LateDrags(request_at, count, self._references)

    def _request_at(self, step: int) -> Request | None:
        """The drags of all holds, at the denoising step of the newest hold's settings.

        Holds that began during the block join, unless their settings had to be known at its
        start. Those in effect at its start act on it even if they were released since.
        """
        with self._lock:
            self._step = step
            joined = tuple(hold for hold in self._held if hold not in self._captured)
            holds = (*self._captured, *joined)
            if not holds:
                return None
            settings = (self._captured or joined)[-1].settings
            late = not self._captured and bool(settings.prediction_blocks)
            if late or (settings.denoising_step or 0) != step:
                return None
            self._latched = holds
        spec, newest = self._stream.model.spec, self._stream.blocks[-1].index
        drags = [drag_of(hold, newest, spec.grid, spec.frames_per_block) for hold in holds]
        return Request.of(self._stream, drags, kept_region(holds, drags, spec.grid), settings)

    def publish(self, block: Block) -> None:
        """Update the holds after a block was published."""
        for hold in self._latched:
            hold.publish()
        with self._lock:
            self._published = block
            self._ending = [hold for hold in self._ending if hold.moved]
            empty = not self._held and not self._latched
        if not empty:
            self._locate(block)

    def finish(self) -> None:
        """Reset the state of the call in progress, which ended, completely or not."""
        with self._lock:
            self._published, self._captured, self._latched = None, (), ()
            self._clear_if_unused()

    def _locate(self, block: Block) -> None:
        """Find the held objects in the last frame of a block."""
        for hold in self.held:
            grip = hold.grip
            found = find(grip, block.frames[-1], hold.found)
            region = moved(grip.region, grip.to(found))
            hold.set_found(found, region)
            if grip.block.index == block.index:  # an edit changed the grip's block
                hold.grip = _gripped(block, region, found) or grip
        with self._lock:
            used = {hold.grip.block.index for hold in self._held}
            stale = [key for key in self._references if key[1] not in used or key[1] == block.index]
            for key in stale:
                del self._references[key]
            self._located = block if self._held else None
            self._changed = True


def _gripped(block: Block, region: Shape, pose: HoldPose) -> Grip | None:
    """A grip of a region in a block's last frame; None where it is outside the frame."""
    mask = region.paint(*block.frames.shape[1:3])
    return Grip(block, region, mask, pose) if mask.any() else None


def _held_point(at: Sequence[float], height: int, width: int) -> Point:
    """The held point, checked: it may lie up to one frame size outside the frame."""
    x, y = check_point(at, "at")
    if not (-width <= x <= 2 * width and -height <= y <= 2 * height):
        raise ValueError(f"at must lie at most one frame outside it, got ({x:g}, {y:g})")
    return x, y


def _pixels(name: str, region: Region, height: int, width: int) -> BoolMask:
    """The pixels of a region, or an error that names it."""
    with located(name, ValueError):
        return rasterise(region, height, width)


def _check_apart(mask: BoolMask, keep: Region | None, height: int, width: int) -> None:
    """Refuse a region that shares pixels with one to keep."""
    if keep is None:
        return
    shared = int((mask & _pixels("keep", keep, height, width)).sum())
    if shared:
        raise ValueError(
            f"region lies inside keep with {shared} of its {int(mask.sum())} pixels: it cannot "
            f"both be held and stay"
        )
