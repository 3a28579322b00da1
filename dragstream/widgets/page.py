"""`PageWidget`: the base of the widgets whose pages send requests; parsing of requests."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import anywidget

from dragstream.drags.checks import at_least, check_kind, short_repr
from dragstream.widgets.messages import check_budget
from dragstream.widgets.still import with_picture
from dragstream.widgets.visible import VisibleWidget

if TYPE_CHECKING:
    from dragstream.stream.live import LiveStream
    from dragstream.stream.stream import Stream

Check = Callable[[object, str], Any]
"""Reads one field: takes the value and its name for error texts."""

LONGEST_ANSWER = 500
"""Characters of an error that the page is shown."""
_STATIC = Path(__file__).parent / "static"
_log = logging.getLogger(__name__)


natural = at_least(0)
"""An integer of at least 0."""


def text(value: object, name: str) -> str:
    """A string."""
    return check_kind(value, str, name)  # type: ignore[no-any-return]


def anything(value: object, _name: str) -> object:
    """Any value: the widget checks it."""
    return value


def one_of(*choices: object) -> Check:
    """A check that accepts some values."""

    def check(value: object, name: str) -> object:
        if value not in choices:
            allowed = ", ".join(map(str, choices))
            raise ValueError(f"{name} must be one of {allowed}, got {short_repr(value)}")
        return value

    return check


def read_request(content: object, known: Mapping[str, Mapping[str, Check]]) -> dict[str, Any]:
    """The checked fields of a message from the page, its ``type`` among them.

    `known` has the fields of each type of message, all of them required.
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


def split_source(source: object, widget: str) -> tuple[Stream, LiveStream | None]:
    """The stream of a source, and the live stream if it is one; `widget` is for the error."""
    # imported here, so that a canvas of a plain frame needs no torch
    from dragstream.stream.live import LiveStream
    from dragstream.stream.stream import Stream

    if isinstance(source, LiveStream):
        return source.stream, source
    if isinstance(source, Stream):
        return source, None
    raise TypeError(f"{widget} takes a Stream or a LiveStream, got {short_repr(source)}")


class PageWidget(VisibleWidget, anywidget.AnyWidget):
    """A widget whose page sends requests and writes no traits.

    A subclass names its files in `static` by ``page`` and declares its requests in `requests`. It
    handles type ``x`` in its method ``_on_x``, or else ``x``, which takes the fields by name. An
    error there changes nothing in Python; its text is sent to the page, which shows it beside the
    widget. If it has a method ``picture``, pages without widgets show that.
    """

    requests: ClassVar[Mapping[str, Mapping[str, Check]]] = {}

    def __init_subclass__(cls, page: str | None = None, **options: Any) -> None:
        super().__init_subclass__(**options)
        if page is not None:
            # Text: for a path anywidget keeps an object that refers to every instance, to reload
            # it, so that no widget and no stream of one would be freed.
            cls._esm = (_STATIC / f"{page}.js").read_text(encoding="utf-8")
            cls._css = (_STATIC / f"{page}.css").read_text(encoding="utf-8")

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

    def send_error(self, problem: str, request: str | None = None, **details: object) -> None:
        """Send an error, and the type of the request that failed, to the page, which shows it."""
        text = problem[:LONGEST_ANSWER]
        self.send({"type": "error", "text": text, "request": request, **details})

    def _answer(self, kind: str) -> Callable[..., object]:
        """The method that handles requests of a type."""
        found: Callable[..., object] = getattr(self, f"_on_{kind}", None) or getattr(self, kind)
        return found

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        """The display of a cell, with a picture for pages without widgets."""
        display, picture = super()._repr_mimebundle_(**kwargs), getattr(self, "picture", None)
        return display if picture is None else with_picture(display, picture)


def _on_message(widget: PageWidget, content: object, _buffers: object) -> None:
    """Handle a request of the page."""
    kind = content.get("type") if isinstance(content, Mapping) else None
    if kind == "hello":  # the page checks whether the kernel runs
        widget.send({"type": "hello"})
        return
    name = kind if isinstance(kind, str) and kind in widget.requests else None
    try:
        fields = read_request(content, {**widget.requests, "views": {"views": natural}})
        widget._answer(fields.pop("type"))(**fields)  # noqa: SLF001
    except (TypeError, ValueError, RuntimeError) as error:
        widget.send_error(str(error), name)
    except Exception as error:  # noqa: BLE001 - any error is shown
        _log.exception("a request of the page failed")
        widget.send_error(f"{type(error).__name__}: {error}", name)
