import io
import math
import threading

import numpy as np
import pytest
from PIL import Image
from traitlets import TraitError

from dragstream.drags import regions
from dragstream.drags.motions import Drag, Translation
from dragstream.method.settings import DragSettings
from dragstream.stream import LiveStream, Stream
from dragstream.widgets.feature_picture import GAP, PANEL, picture_size, token_at
from dragstream.widgets.feature_view import Colouring, FeatureView
from dragstream.widgets.throttle import BackgroundThrottle
from tests.widgets.pages import listening, seen, until
from tests.widgets.swatches import Swatches

DRAG = Drag(regions.box(16, 16, 48, 48), Translation.by(32, 0))
KEEP = regions.box(0, 56, 96, 64)


@pytest.fixture
def stream():
    made = Stream(Swatches(), "a disc", seed=3)
    made.run(2, progress=False)
    return made


@pytest.fixture
def view(stream):
    return seen(FeatureView(stream))


def panels(view):
    """The four panels of the picture, by name."""
    picture = np.asarray(view.picture().convert("RGB")).astype(int)
    width, height = PANEL, PANEL * 64 // 96
    places = {"frame": (0, 0), "features": (1, 0), "filtered": (0, 1), "difference": (1, 1)}
    return {
        name: picture[
            row * (height + GAP) : row * (height + GAP) + height,
            column * (width + GAP) : column * (width + GAP) + width,
        ]
        for name, (column, row) in places.items()
    }


def test_it_begins_with_the_newest_frame(view):
    assert view.frame == 5
    assert repr(view) == "FeatureView(frame=5, layer=None, cutoff=0.4)"
    assert "Latent frame 5 (block 1), layer 0" in view.state["caption"]


def elsewhere(call):
    """Call something on another thread, as a worker would."""
    thread = threading.Thread(target=call)
    thread.start()
    thread.join()


@pytest.fixture
def aside(view):
    """The postponed calls of the view: seconds and function."""
    calls = []
    view._background = BackgroundThrottle(
        view.catch_up, 0.2, later=lambda *call: calls.append(call)
    )
    return calls


def test_it_follows_other_threads_aside_and_the_newest_wins(view, stream, aside):
    stream.step()
    assert view.frame == 8
    for _ in range(3):
        elsewhere(stream.step)
    assert view.frame == 8  # nothing was computed on the threads that made the blocks
    ((seconds, look),) = aside
    assert seconds == 0
    look()
    assert view.frame == 17
    stream.rewind(to=1)
    assert view.frame == 2
    assert len(aside) == 1


def test_an_earlier_frame_ends_the_following(view, stream, aside):
    view._on_set("frame", 3)
    assert view.follow is view.state["follow"] is False
    stream.step()
    elsewhere(stream.step)
    aside[0][1]()
    assert view.frame == 3
    assert view.state["frames"] == 11
    view._on_set("follow", value=True)
    assert view.frame == 11
    stream.step()
    assert (view.frame, view.follow) == (14, True)
    stream.rewind(to=2)
    assert (view.frame, view.follow) == (5, True)


@pytest.mark.usefixtures("aside")
def test_whoever_moves_the_slider_while_it_looks_aside_has_the_last_word(view, stream):
    elsewhere(stream.step)
    with view._lock:  # a background refresh is under way
        mover = threading.Thread(target=lambda: view._on_set("frame", 1))
        mover.start()
        until(lambda: view.frame == 1)
        view.show_newest()
        assert view.frame == 8
    mover.join()
    assert view.frame == view.state["frame"] == 1
    assert view.follow is False


def test_asleep_it_computes_nothing(stream, monkeypatch):
    computed = []
    features = Stream.features
    monkeypatch.setattr(Stream, "features", lambda *call: computed.append(call) or features(*call))
    view = FeatureView(stream, awake=False)
    stream.step()
    elsewhere(stream.step)
    view.plan([DRAG])
    assert computed == []
    view.awake = True
    assert view.frame == 11
    assert len(computed) == 2  # as they are, and low-passed
    view.awake = False
    stream.step()
    assert view.frame == 11
    view.picture()
    assert view.frame == 14


def test_a_live_stream_is_looked_at_beside_its_worker(view, stream, monkeypatch):
    threads, at_once = set(), []
    features, busy = Stream.features, threading.Lock()

    def watched(*call):
        threads.add(threading.current_thread().name)
        at_once.append(busy.acquire(blocking=False))
        try:
            return features(*call)
        finally:
            busy.release()

    monkeypatch.setattr(Stream, "features", watched)
    live = LiveStream(stream, math.inf)
    live.start()
    until(lambda: view.frame >= 14)
    live.pause()
    until(lambda: view.frame == 3 * len(stream) - 1)
    live.stop()
    assert all(at_once)
    assert "LiveStream" not in threads
    assert "MainThread" not in threads


def test_without_a_low_pass_there_is_no_difference(view):
    view.cutoff = 1.0
    shown = {name: panel[60:] for name, panel in panels(view).items()}  # below the names
    assert np.array_equal(shown["features"], shown["filtered"])
    assert "takes 0 % of a feature" in view.state["caption"]
    view.cutoff = 0.1
    shown = {name: panel[60:] for name, panel in panels(view).items()}
    assert not np.array_equal(shown["features"], shown["filtered"])
    assert "takes 0 %" not in view.state["caption"]


def test_a_click_picks_the_token_that_others_are_compared_with(view):
    view._on_pick(PANEL + GAP + 3.5 * PANEL / 6, 1.5 * PANEL / 6)
    assert view.token == (1, 3)
    assert view.colouring is Colouring.SIMILARITY
    features = panels(view)["features"]
    step = PANEL // 6
    inside = features[step + 40, 3 * step + 40]
    assert inside[0] > inside[2] + 60  # red: equal to itself
    view._on_pick(PANEL + GAP / 2, 10)  # between the panels
    assert view.token == (1, 3)


def test_where_tokens_are(stream):
    frame = stream.blocks[-1].frames[-1]
    width, height = picture_size(frame)
    assert token_at(0, 0, frame, 4, 6) == (0, 0)
    assert token_at(PANEL - 1, 319, frame, 4, 6) == (3, 5)
    assert token_at(PANEL + GAP, 320 + GAP, frame, 4, 6) == (0, 0)
    for x, y in ((-1, 0), (0, -1), (width, 0), (0, height - 1), (0, 325)):
        assert token_at(x, y, frame, 4, 6) is None


def test_one_channel_is_shown(view):
    view.colouring = Colouring.CHANNEL
    first = panels(view)["features"]
    view.channel = 3
    assert not np.array_equal(first, panels(view)["features"])
    assert view.state["channels"] == 3


def test_overlays_show_what_the_drags_of_a_block_aimed_at(view, stream):
    stream.animate([DRAG], keep=KEEP, settings=DragSettings.paper(iterations=1))
    view.show_focus = False
    shown = panels(view)["frame"]
    scale = PANEL / 96
    target = shown[int(32 * scale), int(64 * scale)]
    kept = shown[int(60 * scale), int(48 * scale)]
    view.show_target = view.show_keep = False
    bare = panels(view)["frame"]
    plain_target = bare[int(32 * scale), int(64 * scale)]
    plain_kept = bare[int(60 * scale), int(48 * scale)]
    assert target[0] - target[2] > plain_target[0] - plain_target[2]  # tinted orange
    assert kept[2] - kept[0] > plain_kept[2] - plain_kept[0]  # tinted blue
    view.show_focus = True
    dimmed = panels(view)["frame"]
    assert dimmed[10, 10].sum() < bare[10, 10].sum()


def test_video_frames_belong_to_latent_frames(view):
    for frame, latent in ((0, 0), (1, 1), (4, 1), (5, 2), (8, 2), (9, 3), (20, 5)):
        view.show_video_frame(frame)
        assert view.frame == latent
    with pytest.raises(ValueError, match="frames 0 to 20"):
        view.show_video_frame(21)


def test_plans_are_drawn_over_the_newest_frame(view):
    before = panels(view)["frame"]
    view.plan([DRAG], KEEP)
    assert not np.array_equal(before, panels(view)["frame"])
    view.frame = 4
    assert view._reader.targets(view.stream.blocks[1], 1, None) is None
    view.plan([])
    view.frame = 5
    assert np.array_equal(before, panels(view)["frame"])
    with pytest.raises(ValueError, match="covers no pixel"):
        view.plan([Drag(regions.box(200, 200, 210, 210), Translation.by(1, 0))])


def test_the_controls_and_the_attributes_are_one(view):
    for name, value in {"cutoff": 0.25, "layer": 0, "frame": 1, "show_focus": False}.items():
        view._on_set(name, value)
        assert getattr(view, name) == view.state[name] == value
    view._on_set("layer", None)
    assert view.layer is None
    view._on_set("colouring", "similarity")
    assert view.colouring is Colouring.SIMILARITY
    assert view.state["colouring"] == "similarity"


@pytest.mark.parametrize(
    "request_",
    [
        {"type": "set", "name": "frame", "value": 6},
        {"type": "set", "name": "cutoff", "value": "low"},
        {"type": "set", "name": "colouring", "value": "rainbow"},
        {"type": "set", "name": "awake", "value": False},
        {"type": "pick", "x": float("nan"), "y": 0},
        {"type": "painter", "canvas": 1},
    ],
)
def test_a_wrong_request_of_the_page_changes_nothing(view, request_):
    listening(view)
    before = dict(view.state)
    view._handle_custom_msg(request_, [])
    assert [content["type"] for content, _ in view.sent] == ["error"]
    assert view.state == before
    assert view.awake


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("frame", 6),
        ("frame", -1),
        ("layer", 1),
        ("cutoff", 0.0),
        ("cutoff", 1.5),
        ("token", (4, 0)),
        ("token", (0, 6)),
        ("colouring", "rainbow"),
        ("channel", -1),
    ],
)
def test_what_does_not_exist_is_refused(view, name, value):
    before = getattr(view, name)
    with pytest.raises((ValueError, TraitError)):
        setattr(view, name, value)
    assert getattr(view, name) == before


def test_a_page_that_loads_again_gets_the_picture_again(view, monkeypatch):
    sent = []
    monkeypatch.setattr(view._canvas._canvas_manager, "send", lambda *_, **call: sent.append(call))
    view._on_painter(canvas=True)
    assert (view._canvas.width, view._canvas.height) == picture_size(
        view.stream.blocks[-1].frames[-1]
    )
    view._on_painter(canvas=True)
    # one message each time: the command's text, then all pixels
    assert [len(call["buffers"]) for call in sent] == [2, 2]
    assert view.image == b""


def test_a_page_without_ipycanvas_gets_a_picture_that_follows(view, stream):
    assert view.image == b""
    view._on_painter(canvas=False)
    first = np.asarray(Image.open(io.BytesIO(view.image)).convert("RGB"))
    assert np.array_equal(first, np.asarray(view.picture().convert("RGB")))
    before = view.image
    stream.step()
    assert view.image != before
    view._on_views(0)
    assert view.image == b""


def test_pages_that_are_gone_get_no_more_pictures(view, stream, monkeypatch):
    sent = []
    monkeypatch.setattr(view, "send", sent.append)
    view._on_painter(canvas=False)
    view._on_views(0)
    view._on_views(1)
    assert sent == [{"type": "views"}, {"type": "painter"}]
    stream.step()
    assert view.image == b""
    view._on_painter(canvas=False)
    assert view.image != b""


def test_an_empty_stream_says_so():
    stream = Stream(Swatches(), "a disc", seed=3)
    view = seen(FeatureView(stream))
    assert view.state["caption"] == "The stream has no frames yet."
    with pytest.raises(ValueError, match="no frames yet"):
        view.picture()
    stream.step()
    assert view.frame == 2


def test_errors_stand_in_the_caption(view, monkeypatch):
    def fail(*_):
        raise MemoryError("<b>too much</b>")

    monkeypatch.setattr(view._reader, "maps", fail)
    view.cutoff = 0.3
    assert view.state["caption"] == "MemoryError: <b>too much</b>"


def test_another_stream_of_the_same_model(view, stream):
    branch = stream.fork(at=1)
    view.stream = branch
    assert view.frame == 2
    stream.step()
    assert view.frame == 2
    with pytest.raises(TypeError, match="takes a stream"):
        view.stream = 3
    with pytest.raises(TypeError, match="takes a stream"):
        FeatureView(None)


def test_it_is_forgotten_with_its_last_reference(stream):
    import gc
    import weakref

    view = FeatureView(stream)
    view.close()
    known = weakref.ref(view)
    del view
    gc.collect()
    assert known() is None
    stream.step()
