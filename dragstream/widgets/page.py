"""`PageWidget`: the base of the widgets whose pages send requests; parsing of requests."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import anywidget
import numpy as np
import traitlets
from numpy.typing import NDArray
from PIL import Image

from dragstream.drags.checks import check_int, short_repr
from dragstream.widgets.messages import check_budget
from dragstream.widgets.visible import VisibleWidget

if TYPE_CHECKING:
    from dragstream.stream.live import LiveStream
    from dragstream.stream.stream import Stream

Check = Callable[[object, str], Any]
"""Reads one field: takes the value and its name for error texts."""
Answer = Callable[..., object]

LONGEST_ANSWER = 500
"""Characters of an error that the page is shown."""
_log = logging.getLogger(__name__)


def natural(value: object, name: str) -> int:
    """An integer of at least 0."""
    return check_int(value, name, least=0)


def text(value: object, name: str) -> str:
    """A string."""
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a string, got {short_repr(value)}")
    return value


_ALWAYS: Mapping[str, Mapping[str, Check]] = {"views": {"views": natural}}
"""Requests of every page, see `VisibleWidget`."""


def optional(check: Check) -> Check:
    """A check that accepts None as well."""
    return lambda value, name: None if value is None else check(value, name)


def read_request(content: object, known: Mapping[str, Mapping[str, Check]]) -> dict[str, Any]:
    """The checked fields of a message from the page, its ``type`` among them.

    Args:
        content: The message of the page.
        known: The fields of each type of message, all of them required.

    Raises:
        TypeError: No object, or a field of another kind.
        ValueError: An unknown type, missing or unknown fields, a value out of range.
    """
    check_budget(content)
    if not isinstance(content, Mapping):
        raise TypeError(f"a message must be an object, got {short_repr(content)}")
    kind = content.get("type")
    if not isinstance(kind, str) or kind not in known:
        raise ValueError(f"a message must be of type {', '.join(known)}, got {short_repr(kind)}")
    fields = known[kind]
    if set(content) != {"type", *fields}:
        raise ValueError(
            f"a message of type {kind!r} has the fields {sorted(fields)}, "
            f"got {short_repr(sorted(map(str, set(content) - {'type'})))}"
        )
    return {"type": kind} | {name: check(content[name], name) for name, check in fields.items()}


def parts(source: object, taker: str) -> tuple[Stream, LiveStream | None]:
    """The stream behind a source, and the live stream if it is one.

    Raises:
        TypeError: It is neither; the text names `taker`.
    """
    # imported here, so that a canvas of a plain frame needs no torch
    from dragstream.stream.live import LiveStream
    from dragstream.stream.stream import Stream

    if isinstance(source, LiveStream):
        return source.stream, source
    if isinstance(source, Stream):
        return source, None
    raise TypeError(f"{taker} takes a Stream or a LiveStream, got {short_repr(source)}")


class PageWidget(VisibleWidget, anywidget.AnyWidget):
    """A widget whose page sends requests and writes no traits.

    A subclass declares its requests in `requests` and handles type ``x`` in its method ``_on_x``,
    which takes the fields by name. An error there changes nothing in Python; its text is sent to
    the page, which shows it beside the widget.
    """

    requests: ClassVar[Mapping[str, Mapping[str, Check]]] = {}

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        for name in ("_esm", "_css"):
            # anywidget reads a path into an object that refers to every instance, to reload it:
            # none would ever be freed, nor the stream that it shows.
            content = cls.__dict__.get(name)
            if content is not None and not isinstance(content, traitlets.TraitType):
                setattr(cls, name, str(content))

    def __init__(self, **traits: Any) -> None:
        super().__init__(**traits)
        self.on_msg(_on_message)

    def set_state(self, sync_data: Mapping[str, Any]) -> None:
        """Refuse a write of the page."""
        sent: object = sync_data  # of any type
        if not isinstance(sent, Mapping):
            self.send_error(f"the page may send an object, got {short_repr(sent)}")
            return
        names = ", ".join(sorted(map(str, sync_data)))
        self.send_error(f"the page may not write {names}"[:LONGEST_ANSWER])
        self.send_state([name for name in sync_data if name in self.keys])

    def _on_views(self, views: int) -> None:
        self._views(views)

    def send_error(self, problem: str, request: str | None = None, **details: object) -> None:
        """Send an error to the page, which shows it beside the widget.

        Args:
            problem: The text.
            request: The type of the request that failed, if there was one.
            details: More fields of the message.
        """
        text = problem[:LONGEST_ANSWER]
        self.send({"type": "error", "text": text, "request": request, **details})


def _on_message(widget: PageWidget, content: object, _buffers: object) -> None:
    """Handle a request of the page."""
    kind = content.get("type") if isinstance(content, Mapping) else None
    if kind == "hello":  # the page checks that the kernel is there
        widget.send({"type": "hello"})
        return
    name = kind if isinstance(kind, str) and kind in widget.requests else None
    try:
        fields = read_request(content, {**widget.requests, **_ALWAYS})
        answer: Answer = getattr(widget, f"_on_{fields.pop('type')}")
        answer(**fields)
    except (TypeError, ValueError, RuntimeError) as error:
        widget.send_error(str(error), name)
    except Exception as error:  # noqa: BLE001 - any error is shown
        _log.exception("a request of the page failed")
        widget.send_error(f"{type(error).__name__}: {error}", name)


def fitting(size: tuple[int, int], box: tuple[int, int]) -> tuple[int, int]:
    """The largest (width, height) of the shape of `size` within `box`, never enlarged."""
    scale = min(1.0, box[0] / size[0], box[1] / size[1])
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def jpeg(frame: NDArray[np.uint8], box: tuple[int, int] | None = None, quality: int = 90) -> bytes:
    """A frame (H, W, 3) as JPEG with full colour, made smaller to fit (width, height)."""
    image = Image.fromarray(frame)
    if box is not None:
        image = image.resize(fitting(image.size, box), Image.Resampling.BILINEAR, reducing_gap=2)
    buffer = io.BytesIO()
    image.save(buffer, format="JPEG", quality=quality, subsampling=0)
    return buffer.getvalue()
