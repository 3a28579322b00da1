"""`HoldCanvas`: the part of a canvas by which its page holds objects while a stream plays."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, ClassVar

import traitlets

from dragstream.drags.checks import Point, check_bool, check_finite, check_pixels, optional
from dragstream.drags.shapes import BoolMask, Region
from dragstream.widgets import messages
from dragstream.widgets.click_selection import ClickSelection
from dragstream.widgets.frame_canvas import FrameCanvas
from dragstream.widgets.holding import Holding, as_json
from dragstream.widgets.objects import inner_point
from dragstream.widgets.page import anything, natural
from dragstream.widgets.sources import Source
from dragstream.widgets.throttle import BackgroundThrottle, weak_callback

if TYPE_CHECKING:
    from dragstream.method.base import DragMethod
    from dragstream.stream.events import Event

_LOST = 10.0
"""Seconds without an answer to any clip after which a page counts as crashed: a page that closes
tells so."""
_SHARE = 0.3
"""Largest share of the time for reading features ahead."""


class HoldCanvas(FrameCanvas):
    """A canvas whose page holds, moves and releases objects of a live stream.

    Holds that Python makes with `LiveStream.hold` and `pin` are shown as well. The page's holds are
    released when no page shows the canvas any more, when it is closed, and when it gets another
    source, and those of its pointers when it has not answered for ten seconds; all holds are
    released when a cell is interrupted.
    """

    requests: ClassVar = {
        **FrameCanvas.requests,
        "hold": {"key": natural, "point": anything, "id": optional(natural)},
        "hold_move": {
            "key": natural,
            "x": check_pixels,
            "y": check_pixels,
            "degrees": check_finite,
            "factor": check_finite,
            "stamp": check_finite,
            "ticket": natural,
        },
        "hold_end": {"key": natural},
        "hold_pin": {"point": anything, "id": optional(natural)},
        "hold_release": {},
        "objects": {},
        "hold_shown": {"milliseconds": check_finite},
        "hover": {"inside": check_bool},
    }

    holds: Any = traitlets.List(read_only=True).tag(sync=True)
    """The holds, oldest first, as JSON."""

    live_status = traitlets.Unicode(None, allow_none=True, read_only=True).tag(sync=True)
    """Status of the source's live stream; None for another source."""

    latency = traitlets.Float(None, allow_none=True, read_only=True)
    """Milliseconds from the last move of a pointer that a block used to its picture on the page."""

    settings: DragMethod | None = None
    """Settings of holds that the page begins; None means the live stream's."""

    def __init__(self, source: Source, selection: ClickSelection, **traits: Any) -> None:
        self._selection = selection
        self._hovered = False
        self._ahead = BackgroundThrottle(self._prepare, _SHARE)
        self._holding = Holding(weak_callback(self._set_holds), weak_callback(self._read_ahead))
        self.set_trait("live_status", source.status)
        super().__init__(source, **traits)

    def find_objects(self) -> list[BoolMask]:
        """The objects in the newest frame by the model's features, left to right.

        Returns:
            Masks, bool (H, W), for `LiveStream.hold`, `pin` or a `Drag`.

        Raises:
            ValueError: A stream without blocks.
            RuntimeError: The canvas shows a frame instead of a stream.
        """
        return self._selection.objects(self._source.stream)

    # --- private --------------------------------------------------------------------------------

    def _painted(self) -> BoolMask | None:
        """The painted region, or None."""
        raise NotImplementedError

    def _kept(self) -> Region | None:
        """The region that must not change."""
        raise NotImplementedError

    def _follow(self) -> None:
        super()._follow()
        self._holding.follow(self._source.live if self.shown else None)
        if not self.shown:
            self.set_trait("live_status", self._source.status)

    def _on_event(self, event: Event) -> None:
        super()._on_event(event)
        if self._clips.silence > _LOST:
            self._holding.end_all()

    def _set_holds(self, holds: list[dict[str, Any]], status: str | None) -> None:
        with self.hold_sync():
            self.set_trait("holds", holds)
            self.set_trait("live_status", status)

    def _object_at(self, point: Point) -> Region:
        """Return the painted region at a point, else the object that the features find there."""
        painted = self._painted()
        if painted is not None and painted[round(point[1]), round(point[0])]:
            return painted
        return self._selection.object_at(self._source.stream, point)

    def _on_hold(self, key: int, point: object, id: int | None) -> None:  # noqa: A002
        if id is not None:
            self._holding.attach(key, id)
            return
        place = messages.read_place(point, self.height, self.width)
        region = self._object_at(place)
        self._holding.begin(key, region, place, keep=self._kept(), settings=self.settings)

    def _on_hold_move(  # noqa: PLR0917
        self,
        key: int,
        x: float,
        y: float,
        degrees: float,
        factor: float,
        stamp: float,
        ticket: int,
    ) -> None:
        try:
            self._holding.move(key, (x, y), degrees, factor, stamp)
        finally:
            self.send({"type": "hold_moved", "key": key, "ticket": ticket})

    def _on_hold_end(self, key: int) -> None:
        self._holding.end(key)

    def _on_hold_pin(self, point: object, id: int | None) -> None:  # noqa: A002
        options: Any = {"keep": self._kept(), "settings": self.settings}
        if id is not None and self._holding.toggle_pin(id, **options):
            return
        place = messages.read_place(point, self.height, self.width)
        self._holding.pin(self._object_at(place), **options)

    def _on_hold_release(self) -> None:
        self._holding.release()

    def _on_objects(self) -> None:
        painted = self._painted()
        found = [] if painted is None else [painted]
        found += [region for region in self.find_objects() if not _overlap(region, painted)]
        objects = [
            {"region": as_json(region), "point": list(inner_point(region))} for region in found
        ]
        self.send({"type": "objects", "objects": objects})

    def _on_hover(self, inside: bool) -> None:  # noqa: FBT001 - as the message has it
        self._hovered = inside and self._source.at_work
        self._read_ahead()

    def _read_ahead(self) -> None:
        """Read features while a pointer is over a stream that plays, and nothing is held."""
        if self._hovered and not self.holds:
            self._ahead.request()

    def _prepare(self) -> None:
        """Read the features of the newest block before a press needs them."""
        with suppress(ValueError, RuntimeError):  # without a block, or it was rewound meanwhile
            self._selection.read(self._source.stream)

    def _on_hold_shown(self, milliseconds: float) -> None:
        self.set_trait("latency", milliseconds)


def _overlap(region: BoolMask, painted: BoolMask | None) -> bool:
    return painted is not None and bool((region & painted).any())
