"""DriftPlot without a page: the numbers drawn, comparisons, what the page may send."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

import dragstream as ds
from dragstream.method.moments import Moments
from dragstream.stream.live import LiveStream
from dragstream.stream.stream import Stream
from dragstream.widgets import DriftPlot, drift_series
from dragstream.widgets.drift_series import FRAME_COLUMNS, ITERATION_COLUMNS
from tests.widgets.pages import listening, seen
from tests.widgets.swatches import DRAG, dragged_stream

pytestmark = pytest.mark.usefixtures("one_thread")

RAW = ds.DragSettings.paper(rectification=False)


@pytest.fixture(scope="module")
def made():
    """Four plain blocks, two animated ones, a plain one."""
    return dragged_stream(4, 1)


@pytest.fixture
def stream(made):
    return made.fork()


@pytest.fixture
def plot(stream):
    return listening(DriftPlot(stream))


def rows(data, columns=FRAME_COLUMNS):
    return np.frombuffer(data, np.float32).reshape(-1, columns)


def test_frames_stand_against_the_latent_frames_before_their_block(plot, stream):
    drawn = rows(plot.frames)
    assert drawn[:, 0].tolist() == list(range(21))
    z = stream.latents.double().numpy()
    frame = 16  # in the last block but one, whose nine neighbours are frames 6 to 14
    assert drawn[frame, 2] == pytest.approx(z[frame].mean(), abs=1e-6)
    assert drawn[frame, 4] == pytest.approx(z[frame].min(), abs=1e-6)
    assert drawn[frame, 5] == pytest.approx(z[frame].max(), abs=1e-6)
    pooled = np.array([z[n].std() for n in range(6, 15)])
    assert drawn[frame, 3] == pytest.approx(z[frame].std(), abs=1e-6)
    assert drawn[frame, 7] == pytest.approx(pooled.mean(), abs=1e-6)
    assert drawn[frame, 11] == pytest.approx(pooled.std(), abs=1e-6)
    assert drawn[frame, 1] == pytest.approx(stream.blocks[5].drift[1])
    assert np.isnan(drawn[:3, 6:]).all()
    assert np.isfinite(drawn[3:]).all()
    assert plot.facts["spans"] == [[12, 14], [15, 17]]


def test_one_channel(plot, stream):
    plot.channel = 2
    assert rows(plot.frames)[7, 2] == pytest.approx(stream.latents[7, 2].mean().item(), abs=1e-6)
    before = rows(plot.iterations, ITERATION_COLUMNS)[:, 6]
    plot.channel = None
    assert not np.allclose(rows(plot.iterations, ITERATION_COLUMNS)[:, 6], before)


def test_iterations_stand_against_the_blocks_at_their_noise_level(plot, stream):
    drawn = rows(plot.iterations, ITERATION_COLUMNS)
    first, second = stream.blocks[4:6]
    assert len(drawn) == len(first.iterations) + len(second.iterations) == 8
    item = second.iterations[1]
    row = drawn[5]
    assert row[:6] == pytest.approx([5, 5, 1, item.segment, item.loss, item.cutoff])
    assert row[6:10] == pytest.approx(
        [item.moments.mean, item.moments.std, item.moments.minimum, item.moments.maximum]
    )
    assert row[11] == pytest.approx(item.moments_before.std)
    near = [Moments.of(block.noisy[1]).maximum for block in stream.blocks[2:5]]
    assert row[17] == pytest.approx(np.mean(near))
    assert row[21] == pytest.approx(np.std(near), abs=1e-6)
    # Rectified against those nine frames (Eq. 4), so it has their deviation channel by channel.
    assert row[7] == pytest.approx(row[15], rel=0.02)


def test_without_rectification(plot, stream):
    fork = plot.compare_without_rectification()
    expected = stream.fork(at=4)
    expected.animate([DRAG], blocks=2, settings=RAW)
    assert torch.equal(fork.latents, expected.latents)
    assert plot.unrectified is fork
    assert len(stream) == 7
    other = rows(plot.other_frames)
    assert other[:, 0].tolist() == list(range(9, 18))  # from the last block that both have
    assert other[:3, 2].tolist() == rows(plot.frames)[9:12, 2].tolist()
    ours = rows(plot.iterations, ITERATION_COLUMNS)
    theirs = rows(plot.other_iterations, ITERATION_COLUMNS)
    assert theirs[:, :4].tolist() == ours[:, :4].tolist()
    assert theirs[:, 5].tolist() == ours[:, 5].tolist()  # the same cutoffs were drawn
    assert (theirs[:, 6:10] == theirs[:, 10:14]).all()
    # Eq. 4 keeps the deviation where the neighbours have it; without it, it goes away.
    assert abs(theirs[3, 7] - theirs[3, 15]) > 3 * abs(ours[3, 7] - ours[3, 15])
    assert plot.facts["compared"] == 4
    plot.forget()
    assert (plot.unrectified, plot.other_frames, plot.other_iterations) == (None, b"", b"")


def test_a_comparison_leaves_with_its_drag(plot, stream):
    plot.compare_without_rectification()
    stream.rewind(4)
    plot.refresh()
    assert (plot.other_frames, plot.other_iterations) == (b"", b"")
    assert plot.facts["drags"] == []


def test_an_edit_is_compared_from_the_block_as_it_was(stream):
    stream.rewind(6)
    stream.edit([DRAG])  # of the animation's second block
    plot = listening(DriftPlot(stream))
    assert [label for _, label in plot.facts["drags"]] == [
        "animation of block 4",
        "edit of block 5",
    ]
    fork = plot.compare_without_rectification()
    expected = stream.fork(at=4)
    expected.animate([DRAG], blocks=2)
    expected.edit([DRAG], settings=RAW)
    assert torch.equal(fork.latents, expected.latents)


def test_an_edited_picture_is_compared(stream):
    image = np.full((64, 96, 3), 90, np.uint8)
    began = Stream(stream.model, "a disc", seed=2, image=image)
    began.edit([DRAG])
    plot = listening(DriftPlot(began))
    fork = plot.compare_without_rectification(0)
    expected = Stream(stream.model, "a disc", seed=2, image=image)
    expected.edit([DRAG], settings=RAW)
    assert torch.equal(fork.latents, expected.latents)


@pytest.mark.parametrize(
    ("change", "kind", "complaint"),
    [
        (lambda p: setattr(p, "channel", 4), ValueError, "None or from 0 to 3"),
        (lambda p: setattr(p, "channel", "2"), TypeError, "integer"),
        (lambda p: setattr(p, "source", 3), TypeError, "DriftPlot takes a Stream"),
        (lambda p: p.look_at(1), ValueError, "no drag made block 1"),
        (lambda p: p.compare_without_rectification(0), ValueError, "no drag made block 0"),
        (lambda p: p.compare_without_rectification("x"), TypeError, "integer"),
    ],
)
def test_bad_calls_change_nothing(plot, change, kind, complaint):
    before = {name: getattr(plot, name) for name in plot.keys}
    with pytest.raises(kind, match=complaint):
        change(plot)
    assert {name: getattr(plot, name) for name in plot.keys} == before


def test_nothing_to_compare(stream):
    plot = DriftPlot(stream.fork(at=3))
    with pytest.raises(ValueError, match="nothing was dragged"):
        plot.compare_without_rectification()
    raw = stream.fork(at=3)
    raw.animate([DRAG], settings=RAW)
    with pytest.raises(ValueError, match="without rectification already"):
        DriftPlot(raw).compare_without_rectification()


@pytest.mark.parametrize(
    "content",
    [
        3,
        {"type": "channel"},
        {"type": "channel", "channel": 9},
        {"type": "channel", "channel": "0"},
        {"type": "drag", "block": 0},
        {"type": "compare", "block": 1},
        {"type": "draw"},
    ],
)
def test_bad_messages_change_nothing_and_are_answered(plot, content):
    before = {name: getattr(plot, name) for name in plot.keys}
    plot._handle_custom_msg(content, [])
    assert {name: getattr(plot, name) for name in plot.keys} == before
    assert plot.sent[0][0]["type"] == "error"


def test_the_page_commands(plot):
    plot._handle_custom_msg({"type": "channel", "channel": 3}, [])
    assert (plot.channel, plot.facts["channel"]) == (3, 3)
    plot._handle_custom_msg({"type": "drag", "block": 5}, [])
    assert (plot.facts["drag"], plot.facts["chosen"]) == (4, True)
    plot._handle_custom_msg({"type": "compare"}, [])
    plot._started.job.result(60)
    plot._handle_custom_msg({"type": "forget"}, [])
    assert plot.unrectified is None
    assert plot.sent == []
    assert repr(plot) == "DriftPlot(7 blocks, channel 3)"


def test_a_stopped_comparison_says_nothing(plot):
    assert plot.compare_without_rectification(wait=False) is None
    plot.forget()
    plot._started.job.exception(60)
    assert plot.sent == []
    assert plot.unrectified is None


def test_history_is_bounded(stream, monkeypatch):
    monkeypatch.setattr("dragstream.widgets.drift_plot._HISTORY", 7)
    plot = DriftPlot(stream)
    assert rows(plot.frames)[:, 0].tolist() == list(range(12, 21))


def test_follows_another_stream(plot, stream):
    other = stream.fork(at=2)
    plot.source = other
    assert len(rows(plot.frames)) == 6
    other.step()
    plot.refresh()
    assert len(rows(plot.frames)) == 9
    before = plot.frames
    stream.step()
    assert plot.frames == before
    plot.close()


def test_iterations_of_a_live_stream_are_drawn_as_they_happen(stream):
    live = LiveStream(stream, frame_rate=math.inf)
    plot = seen(listening(DriftPlot(live)))
    counts = []
    plot.observe(
        lambda change: counts.append(len(rows(change["new"], ITERATION_COLUMNS))), "iterations"
    )
    plot._throttle._seconds = 0.0  # tell of each
    live.animate([DRAG])
    assert live.wait(60)
    live.stop()
    plot.refresh()
    assert counts[:4] == [1, 2, 3, 4]
    assert plot.facts["running"] is False
    assert plot.facts["drag"] == 7
    live.start()
    with pytest.raises(RuntimeError, match="pause it before"):
        plot.compare_without_rectification()
    live.stop()


def test_the_picture(plot, stream):
    picture = np.asarray(plot.picture())
    assert picture.ndim == 3
    assert picture.shape[1] > 700
    assert (picture != 255).any()
    with pytest.raises(ValueError, match="no blocks"):
        DriftPlot(stream.fork(at=0)).picture()


def test_series_forget_blocks_that_are_gone(stream):
    series = drift_series.Series()
    series.frames(stream.blocks, None)
    assert len(series._rows) == 7
