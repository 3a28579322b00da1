"""Helpers that replace a page."""

from __future__ import annotations

import threading
import time


def listening(widget):
    """A widget whose messages to the page are kept in `sent`: (content, buffers)."""
    widget.sent = []
    widget.send = lambda content, buffers=(): widget.sent.append((content, list(buffers)))
    return widget


def until(condition, seconds=60):
    """Wait for another thread to bring something about; only a bug takes so long."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        threading.Event().wait(0.01)


def seen(widget):
    """The widget with a page that shows it."""
    widget.expect_page()
    return widget
