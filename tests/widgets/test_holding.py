"""Holds by the messages of a page, on a live stream that a test steps."""

import math
import sys
import threading
from types import SimpleNamespace

import numpy as np
import pytest

import dragstream as ds
from dragstream.stream import LiveStream, Stream
from dragstream.widgets import DragCanvas, holding
from tests.widgets.pages import listening, seen, until
from tests.widgets.swatches import Swatches

DISC = ds.regions.disc((40, 30), 12)
LONG = 60


@pytest.fixture
def live():
    stream = Stream(Swatches(), "a disc", seed=3)
    stream.run(2, progress=False)
    made = LiveStream(stream, math.inf)
    yield made
    made.stop()


@pytest.fixture
def canvas(live):
    made = listening(seen(DragCanvas(live)))
    made.region = DISC
    made.settings = ds.DragSettings.paper(iterations=2)
    yield made
    made.close()


def tell(canvas, **message):
    """Send what a page sends; return the answers."""
    before = len(canvas.sent)
    canvas._handle_custom_msg(message, [])
    return [content for content, _ in canvas.sent[before:]]


def move(canvas, key, x, y, *, degrees=0, factor=1, stamp=0, ticket=0):
    return tell(
        canvas,
        type="hold_move",
        key=key,
        x=x,
        y=y,
        degrees=degrees,
        factor=factor,
        stamp=stamp,
        ticket=ticket,
    )


def step(live):
    live.step()
    assert live.wait(LONG)


def test_a_press_takes_hold_of_what_was_painted_and_a_move_pulls_it(canvas, live):
    assert tell(canvas, type="hold", key=7, point=[42, 28], id=None) == []
    (hold,) = live.holds
    assert hold.at == (42, 28)
    ((shown,),) = [canvas.holds]
    assert (shown["id"], shown["key"], shown["pinned"]) == (hold.id, 7, False)
    assert shown["grip"]["type"] == "mask"
    assert shown["grip_at"] == [42, 28]
    assert move(canvas, 7, 60, 34, degrees=10, factor=1.2, stamp=1234.5, ticket=3) == [
        {"type": "hold_moved", "key": 7, "ticket": 3}
    ]
    assert (hold.position, hold.degrees, hold.factor) == ((60, 34), 10, 1.2)
    step(live)
    (drag,) = live.stream.blocks[-1].drags
    assert isinstance(drag.motion, ds.Poses)
    assert drag.motion.poses[-1] == pytest.approx((18, 6, 10, 1.2))
    (shown,) = canvas.holds
    assert (shown["stamp"], shown["blocks"]) == (1234.5, 1)
    assert tell(canvas, type="hold_end", key=7) == []
    assert live.holds == ()
    assert canvas.holds == []
    assert np.array_equal(canvas.region, ds.regions.rasterise(DISC, 64, 96))  # stays


def test_moves_of_a_hold_that_is_gone_do_nothing(canvas, live):
    tell(canvas, type="hold", key=1, point=[42, 28], id=None)
    live.release()
    assert [answer["type"] for answer in move(canvas, 1, 50, 28)] == ["hold_moved"]
    assert tell(canvas, type="hold_end", key=1) == []
    assert [answer["type"] for answer in move(canvas, 99, 50, 28)] == ["hold_moved"]


def test_holds_of_python_are_shown_and_can_be_moved_and_stay(canvas, live):
    hold = live.hold(DISC)
    until(lambda: len(canvas.holds) == 1)
    assert canvas.holds[0]["key"] is None
    tell(canvas, type="hold", key=5, point=[40, 30], id=hold.id)
    assert canvas.holds[0]["key"] == 5
    move(canvas, 5, 50, 30)
    tell(canvas, type="hold_end", key=5)
    assert hold.active
    assert hold.position == (50, 30)


def test_a_double_press_pins_and_takes_the_pin_out(canvas, live):
    tell(canvas, type="hold_pin", point=[42, 28], id=None)
    (pin,) = live.holds
    assert pin.pinned
    tell(canvas, type="hold", key=2, point=[42, 28], id=pin.id)
    move(canvas, 2, 44, 28)
    tell(canvas, type="hold_end", key=2)
    assert live.holds == (pin,)  # a pin that was moved is still one
    tell(canvas, type="hold_pin", point=[42, 28], id=pin.id)
    assert live.holds == ()


def test_what_is_held_is_pinned_where_it_is(canvas, live):
    tell(canvas, type="hold", key=2, point=[42, 28], id=None)
    (hold,) = live.holds
    tell(canvas, type="hold_pin", point=[42, 28], id=hold.id)
    (pin,) = live.holds
    assert pin.pinned
    assert not hold.active
    tell(canvas, type="hold_pin", point=[42, 28], id=hold.id)  # gone: what is there is pinned
    assert [each.pinned for each in live.holds] == [True, True]
    tell(canvas, type="hold_release")
    assert live.holds == ()


def test_a_page_that_goes_away_lets_go_of_what_it_holds(canvas, live):
    hold = live.hold(ds.regions.disc((70, 30), 8))
    tell(canvas, type="hold", key=1, point=[42, 28], id=None)
    tell(canvas, type="views", views=0)
    assert live.holds == (hold,)  # which Python holds
    assert canvas.holds == []
    tell(canvas, type="views", views=1)
    assert [shown["id"] for shown in canvas.holds] == [hold.id]


def test_a_page_that_crashed_lets_go_of_what_its_pointers_hold(canvas, live):
    now = [0.0]
    canvas._clips._clock = lambda: now[0]
    tell(canvas, type="hold_pin", point=[42, 28], id=None)
    tell(canvas, type="hold", key=7, point=[42, 28], id=None)
    move(canvas, 7, 60, 34)
    (pin,) = [hold for hold in live.holds if hold.pinned]
    held = [hold for hold in live.holds if not hold.pinned]
    for seconds, there in ((0.0, [pin, *held]), (9.0, [pin, *held]), (11.0, [pin])):
        now[0] = seconds
        step(live)
        assert list(live.holds) == there
    canvas._clips.confirm(1)  # another page shows it
    tell(canvas, type="hold", key=8, point=[42, 28], id=None)
    before = live.holds
    step(live)
    assert live.holds == before


def test_a_closed_canvas_and_another_source_let_go(canvas, live):
    tell(canvas, type="hold", key=1, point=[42, 28], id=None)
    other = LiveStream(live.stream.fork(), math.inf)
    canvas.source = other
    assert live.holds == ()
    tell(canvas, type="hold", key=2, point=[42, 28], id=None)
    assert len(other.holds) == 1
    canvas.close()
    assert other.holds == ()
    other.stop()


def test_a_cell_that_is_interrupted_lets_go_of_everything(monkeypatch):
    callbacks = {"post_run_cell": []}
    events = SimpleNamespace(
        callbacks=callbacks,
        register=lambda name, call: callbacks[name].append(call),
        unregister=lambda name, call: callbacks[name].remove(call),
    )
    shell = SimpleNamespace(events=events)
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    calls = []
    forget = holding.on_interrupt(lambda: calls.append(1))
    (ran,) = callbacks["post_run_cell"]
    ran(SimpleNamespace(error_in_exec=None))
    ran(SimpleNamespace(error_in_exec=ValueError()))
    assert calls == []
    ran(SimpleNamespace(error_in_exec=KeyboardInterrupt()))
    assert calls == [1]
    forget()
    forget()
    assert callbacks["post_run_cell"] == []


@pytest.mark.parametrize(
    ("message", "complaint"),
    [
        ({"type": "hold", "key": 1, "point": [400, 3], "id": None}, "in the frame"),
        ({"type": "hold", "key": 1, "point": [90, 3], "id": None}, "no object"),
        ({"type": "hold", "key": -1, "point": [42, 28], "id": None}, "key"),
        ({"type": "hold", "key": 1, "point": [42, 28]}, "fields"),
        ({"type": "hold_pin", "point": "here", "id": None}, "point"),
        ({"type": "hold_shown", "milliseconds": "soon"}, "milliseconds"),
    ],
)
def test_what_the_page_may_not_ask(canvas, live, message, complaint):
    (answer,) = tell(canvas, **message)
    assert answer["type"] == "error"
    assert complaint in answer["text"]
    assert live.holds == ()


def test_a_wrong_pose_is_refused_and_answered(canvas, live):
    tell(canvas, type="hold", key=1, point=[42, 28], id=None)
    answers = move(canvas, 1, 50, 28, factor=0, ticket=9)
    assert [answer["type"] for answer in answers] == ["hold_moved", "error"]
    assert live.holds[0].factor == 1


def test_only_a_live_stream_is_held(live):
    canvas = listening(seen(DragCanvas(live.stream)))
    canvas.region = DISC
    assert canvas.live_status is None
    (answer,) = tell(canvas, type="hold", key=1, point=[42, 28], id=None)
    assert "live stream" in answer["text"]


def test_the_painted_region_is_the_first_object(canvas):
    (answer,) = tell(canvas, type="objects")
    first = answer["objects"][0]
    assert first["point"] == pytest.approx([40, 30], abs=1)
    assert first["region"]["type"] == "mask"


def test_features_are_read_ahead_under_a_pointer(monkeypatch, canvas, live):
    read = []
    features = live.stream.features
    monkeypatch.setattr(
        live.stream, "features", lambda *wanted: read.append(wanted) or features(*wanted)
    )
    tell(canvas, type="hover", inside=True)  # nothing plays: it would be for nothing
    assert read == []
    live.start()
    tell(canvas, type="hover", inside=True)
    until(lambda: read)
    tell(canvas, type="hover", inside=False)
    live.pause()
    assert set(read) <= {(block, 0) for block in range(len(live.stream))}


def test_objects_are_selected_while_the_stream_plays(live):
    canvas = seen(DragCanvas(live))
    entered, proceed = threading.Event(), threading.Event()
    live.subscribe(lambda _: (entered.set(), proceed.wait(LONG)))
    live.step()
    assert entered.wait(LONG)
    assert canvas.live_status is not None
    assert canvas.pick((48, 30))[30, 48]
    proceed.set()
    assert live.wait(LONG)
