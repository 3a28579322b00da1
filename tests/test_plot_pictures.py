"""Plots that show pictures: the filmstrip, the features and the focus over the frames."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from matplotlib.axes import Axes

from dragstream import plots
from dragstream.drags.motions import Drag, Rotation, Translation
from dragstream.method.focus import Focus
from dragstream.method.settings import DragSettings
from dragstream.stream.drag_targets import target_places
from dragstream.stream.records import Mode
from tests.fake_streams import DISC, GRID, HEIGHT, PULL, WIDTH, block, dragged, stream_of


def sheet(ax: Axes) -> np.ndarray:
    return np.asarray(ax.images[0].get_array())


def outlines(ax: Axes) -> list[tuple[float, float]]:
    """The middle of each outline drawn, in the order drawn."""
    middles = []
    for contour in ax.collections:
        extents = [path.get_extents() for path in contour.get_paths() if len(path.vertices)]
        x = (min(e.x0 for e in extents) + max(e.x1 for e in extents)) / 2
        y = (min(e.y0 for e in extents) + max(e.y1 for e in extents)) / 2
        middles.append((float(x), float(y)))
    return middles


# ------------------------------------------------------------------------------------ filmstrip


def test_filmstrip_lays_the_chosen_frames_side_by_side() -> None:
    ax = plots.filmstrip(stream_of(block(0), block(1)), frames=[1, 5])

    image = sheet(ax)
    assert image.shape == (HEIGHT, 2 * WIDTH + 4, 3)
    assert (image[:, :WIDTH] == 10).all()
    assert (image[:, WIDTH : WIDTH + 4] == 255).all()
    assert (image[:, WIDTH + 4 :] == 50).all()
    assert [text.get_text() for text in ax.texts] == ["1", "5"]
    assert f"{WIDTH} x {HEIGHT} px" in ax.get_xlabel()


def test_filmstrip_breaks_into_rows() -> None:
    ax = plots.filmstrip(stream_of(block(0), block(1)), columns=4)

    assert sheet(ax).shape == (2 * HEIGHT + 4, 4 * WIDTH + 12, 3)
    assert (sheet(ax)[HEIGHT + 4 :, WIDTH + 4 : 2 * WIDTH + 4] == 50).all()


def test_filmstrip_draws_the_drag_where_it_starts_and_where_it_should_lead() -> None:
    stream = stream_of(block(0), dragged(1))

    ax = plots.filmstrip(stream)

    step = WIDTH + 4
    # the handle on frame 2, then the targets, a third of (24, 12) further each
    expected = [(30 + 2 * step, 20)]
    expected += [(30 + 8 * n + (2 + n) * step, 20 + 4 * n) for n in (1, 2, 3)]
    np.testing.assert_allclose(outlines(ax), expected, atol=0.6)
    (track,) = ax.lines
    assert track.get_xdata()[-1] - track.get_xdata()[0] == pytest.approx(24, abs=1e-6)
    assert track.get_ydata()[-1] - track.get_ydata()[0] == pytest.approx(12, abs=1e-6)


def test_filmstrip_shares_a_drag_out_over_the_blocks_of_its_call() -> None:
    stream = stream_of(block(0), dragged(1, part=(0, 2)), dragged(2, part=(1, 2)))

    ax = plots.filmstrip(stream, frames=[2, 8], columns=1)

    np.testing.assert_allclose(outlines(ax), [(30, 20), (54, 32 + HEIGHT + 4)], atol=0.6)
    assert len(ax.lines) == 1


def test_targets_stand_on_the_last_video_frame_of_each_latent_frame() -> None:
    """Time compressed four times: the stream's first latent frame is one video frame by itself."""
    first = block(0, Mode.ANIMATE, frames=np.zeros((9, HEIGHT, WIDTH, 3), np.uint8))
    later = block(1, Mode.ANIMATE, frames=np.zeros((12, HEIGHT, WIDTH, 3), np.uint8), first_frame=9)
    found = [[frame for frame, _ in target_places(each, PULL.motion)] for each in (first, later)]
    assert found == [[0, 4, 8], [12, 16, 20]]


def test_filmstrip_of_an_edit_marks_the_newest_frame_of_its_block() -> None:
    turn = Drag(DISC, Rotation(center=(30, 40), degrees=90))
    edited = block(1, Mode.EDIT, drags=(turn,))

    ax = plots.filmstrip(edited)

    left = 2 * (WIDTH + 4)
    np.testing.assert_allclose(outlines(ax), [(left + 30, 20), (left + 50, 40)], atol=0.8)
    (track,) = ax.lines
    x, y = track.get_xdata() - left, track.get_ydata()
    np.testing.assert_allclose(np.hypot(x - 30, y - 40), np.hypot(x[0] - 30, y[0] - 40), rtol=1e-6)


def test_filmstrip_survives_a_target_beyond_the_frame() -> None:
    away = Drag(DISC, Translation.by(300, 0))
    ax = plots.filmstrip(stream_of(block(0), block(1, Mode.ANIMATE, drags=(away,))))

    assert len(outlines(ax)) == 1


def test_filmstrip_without_drags_and_of_bare_frames_draws_none() -> None:
    stream = stream_of(block(0), dragged(1))

    assert not plots.filmstrip(stream, drags=False).collections
    assert not plots.filmstrip(stream.frames).collections


def test_filmstrip_refuses_what_is_not_there() -> None:
    stream = stream_of(block(0))
    with pytest.raises(ValueError, match=r"from 0 to 2, got \[3\]"):
        plots.filmstrip(stream, frames=[3])
    with pytest.raises(ValueError, match="columns must be at least 1, got 0"):
        plots.filmstrip(stream, columns=0)
    with pytest.raises(ValueError, match="no block yet"):
        plots.filmstrip(stream_of())
    with pytest.raises(ValueError, match="float64"):
        plots.filmstrip(np.zeros((2, HEIGHT, WIDTH, 3)))


# ------------------------------------------------------------------------------------- features


def test_features_have_one_row_a_cutoff_below_the_frames() -> None:
    ax = plots.features(stream_of(block(0), block(1)), cutoffs=(0.2, 1.0))

    tile_height, tile_width = GRID.token_height * 16, GRID.token_width * 16
    image = sheet(ax)
    assert image.shape == (3 * (tile_height + 4) - 4, 3 * (tile_width + 4) - 4, 3)
    assert (image[:HEIGHT, :WIDTH] == 30).all()
    assert [label.get_text() for label in ax.get_yticklabels()] == ["frame", "ω = 0.2", "ω = 1"]
    assert [label.get_text() for label in ax.get_xticklabels()] == ["3", "4", "5"]
    low = image[tile_height + 4 : 2 * tile_height + 4, :tile_width].astype(float)
    full = image[2 * (tile_height + 4) :, :tile_width].astype(float)
    assert low.std() < 0.5 * full.std()  # a low cutoff leaves less contrast


def test_features_colours_are_the_principal_components() -> None:
    stream = stream_of(block(0))
    taps = stream.features(0, None, 1.0)
    flat = torch.cat(list(taps.values()), dim=-1).reshape(-1, 12).double()
    flat = flat - flat.mean(0)
    score = flat @ torch.linalg.svd(flat, full_matrices=False)[2][0]

    image = sheet(plots.features(stream, cutoffs=(1.0,)))

    step = GRID.token_height * 16 + 4
    reds = [
        image[step + 16 * row, frame * (WIDTH + 4) + 16 * column, 0]
        for frame in range(3)
        for row in range(GRID.token_height)
        for column in range(GRID.token_width)
    ]
    correlation = np.corrcoef(reds, score.numpy())[0, 1]
    assert abs(correlation) > 0.98


def test_features_need_a_cutoff() -> None:
    with pytest.raises(ValueError, match="at least one cutoff"):
        plots.features(stream_of(block(0)), cutoffs=())


# ---------------------------------------------------------------------------------------- focus


def test_focus_peaks_at_the_target() -> None:
    ax = plots.focus(stream_of(block(0)), [PULL], settings=DragSettings.paper(focus=Focus(1.0)))

    weights = np.asarray(ax.images[1].get_array())
    assert weights.shape == (GRID.latent_height, GRID.latent_width)
    # the target's centre (54, 32) lies in latent column 6 and row 4 of 8 px each
    assert np.unravel_index(weights.argmax(), weights.shape) in {(4, 6), (3, 6)}
    assert weights.max() <= 1.0
    np.testing.assert_allclose(outlines(ax), [(30, 20), (54, 32)], atol=0.6)
    assert ax.get_xlabel() == "x (px)"


def test_focus_follows_the_fraction() -> None:
    ax = plots.focus(stream_of(block(0)), [PULL], fraction=0.0)

    weights = np.asarray(ax.images[1].get_array())
    row, column = np.unravel_index(weights.argmax(), weights.shape)
    assert abs((column + 0.5) * 8 - 30) <= 4.5
    assert abs((row + 0.5) * 8 - 20) <= 4.5


def test_focus_refuses_nothing_to_draw() -> None:
    stream = stream_of(block(0))
    with pytest.raises(ValueError, match="at least one drag"):
        plots.focus(stream, [])
    with pytest.raises(ValueError, match="focus=False"):
        plots.focus(stream, [PULL], settings=DragSettings.paper(focus=False))
    with pytest.raises(ValueError, match="no block yet"):
        plots.focus(stream_of(), [PULL])
