"""Widgets that no page shows: they follow nothing, cost nothing per frame, and are never stale."""

from __future__ import annotations

import gc
import io
from types import SimpleNamespace

import numpy as np
import pytest
from IPython.core.events import EventManager
from PIL import Image

import dragstream as ds
from dragstream.drags.process import resident_bytes
from dragstream.widgets import DragCanvas, DriftPlot, FeatureView, Studio, Timeline
from tests.widgets.swatches import Swatches

KINDS = {
    "canvas": DragCanvas,
    "timeline": Timeline,
    "plot": DriftPlot,
    "features": FeatureView,
    "studio": Studio,
}


@pytest.fixture
def stream():
    made = ds.Stream(Swatches(), "a disc", seed=3)
    made.run(2, progress=False)
    return made


@pytest.fixture
def live(stream):
    made = ds.LiveStream.of(stream)
    yield made
    made.stop()


def listeners(stream):
    """The subscribers of the stream and of its live stream."""
    playing = [len(live._worker.listeners._callbacks) for live in stream.players]
    return len(stream._listeners._callbacks) + sum(playing)


def send(widget, views):
    """Say what a page says when it has so many views of a widget, or of all parts of one."""
    parts = (
        [widget._bar, widget.canvas, widget.timeline, widget.drift, widget.features]
        if isinstance(widget, Studio)
        else [widget]
    )
    for part in parts:
        part._handle_custom_msg({"type": "views", "views": views}, [])


def picture(canvas):
    return np.asarray(Image.open(io.BytesIO(canvas.frame)))


@pytest.mark.parametrize("kind", KINDS)
def test_thirty_runs_of_a_cell_leave_no_listeners(stream, live, kind):
    assert live.status.value == "stopped"
    before = listeners(stream)
    made = [KINDS[kind](stream) for _ in range(30)]
    assert listeners(stream) == before
    send(made[-1], 1)
    one = listeners(stream) - before
    assert one > 0
    send(made[0], 2)
    send(made[-1], 0)
    assert listeners(stream) - before == one
    made[0].close()
    assert listeners(stream) == before
    send(made[0], 1)  # a page that has not heard of it
    assert listeners(stream) == before


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_cell_displays_counts_as_shown_until_the_cell_runs_again(stream, kind, monkeypatch):
    events = EventManager(None, {"pre_run_cell": None, "post_run_cell": None})
    parent = {"metadata": {"cellId": "b7"}, "content": {"code": "widget"}}
    shell = SimpleNamespace(events=events, get_parent=lambda: parent)
    monkeypatch.setattr("IPython.get_ipython", lambda: shell)
    made = KINDS[kind](stream)
    before = listeners(stream)
    made._repr_mimebundle_()
    followed = listeners(stream)
    assert followed > before
    for cell, expected in (("a1", followed), ("b7", before)):
        events.trigger("pre_run_cell", SimpleNamespace(raw_cell="widget", cell_id=cell))
        assert listeners(stream) == expected
    made._repr_mimebundle_()
    assert listeners(stream) == followed
    made.close()
    assert listeners(stream) == before
    assert list(events.callbacks.values()) == [[], []]


def test_a_canvas_that_no_page_shows_encodes_nothing_and_is_never_stale(stream, monkeypatch):
    encoded = []
    save = Image.Image.save
    monkeypatch.setattr(
        Image.Image,
        "save",
        lambda self, *rest, **more: encoded.append(1) or save(self, *rest, **more),
    )
    canvas = DragCanvas(stream)
    encoded.clear()
    stream.run(3, progress=False)
    assert encoded == []
    assert np.array_equal(picture(canvas), stream.blocks[-1].frames[-1])
    send(canvas, 1)
    stream.step()
    assert np.array_equal(picture(canvas), stream.blocks[-1].frames[-1])
    send(canvas, 0)
    assert canvas._trait_values["frame"] == b""
    encoded.clear()
    stream.step()
    assert encoded == []
    send(canvas, 1)
    assert np.array_equal(picture(canvas), stream.blocks[-1].frames[-1])


def test_a_frame_that_python_shows_stays_until_the_stream_moves_on(stream):
    canvas = DragCanvas(stream)
    other = 255 - stream.blocks[0].frames[0]
    canvas.show(other)
    assert np.array_equal(picture(canvas), other)
    send(canvas, 1)
    assert np.array_equal(picture(canvas), other)
    send(canvas, 0)
    stream.step()
    assert np.array_equal(picture(canvas), stream.blocks[-1].frames[-1])


def test_python_reads_how_things_are_without_a_page(stream):
    timeline, plot, studio = Timeline(stream), DriftPlot(stream), Studio(stream)
    rows = len(plot.frames)
    stream.step()
    assert timeline.state["branches"][0]["blocks"] == 3
    assert len(plot.frames) == rows // 2 * 3
    assert studio._bar.state["blocks"] == 3


def test_the_last_page_that_leaves_is_not_the_only_one(stream):
    canvas = DragCanvas(stream)
    sent = []
    canvas.send = lambda content, *_: sent.append(content)
    send(canvas, 1)
    assert sent == []
    send(canvas, 0)
    assert sent == [{"type": "views"}]  # whoever shows it says so
    send(canvas, 1)
    assert canvas.shown


@pytest.mark.parametrize("views", [-1, 1.5, "2", None])
def test_a_number_of_views_that_makes_no_sense_is_answered(stream, views):
    canvas = DragCanvas(stream)
    sent = []
    canvas.send = lambda content, *_: sent.append(content)
    send(canvas, views)
    assert sent[0]["type"] == "error"
    assert not canvas.shown


def test_three_hundred_runs_of_a_cell_leave_no_memory_behind(stream):
    for _ in range(20):
        canvas = DragCanvas(stream)
    gc.collect()
    before = resident_bytes()
    for _ in range(300):
        canvas = DragCanvas(stream)  # as a cell that is run again
    gc.collect()
    assert canvas.frame
    assert resident_bytes() - before < 20 * 2**20
