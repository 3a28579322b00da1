"""Charts of drift and loss, and the axes that every plot takes and returns."""

from __future__ import annotations

import io
import threading
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib._pylab_helpers import Gcf
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

from dragstream import plots
from dragstream.stream.records import Iteration
from tests.fake_streams import PULL, block, dragged, iteration, stream_of

# ---------------------------------------------------------------------------------------- drift


def test_drift_draws_every_latent_frame_and_every_iteration() -> None:
    ax = plots.drift(stream_of(block(0), block(1), dragged(2)))

    frames, iterations = ax.lines
    np.testing.assert_array_equal(frames.get_xdata(), range(9))
    np.testing.assert_allclose(frames.get_ydata()[3:], [0.1, 0.2, 0.3, 0.2, 0.4, 0.6])
    np.testing.assert_allclose(iterations.get_ydata(), [0.1, 0.2, 0.3, 0.4])
    # four iterations share the block's span, 5.5 to 8.5
    np.testing.assert_allclose(iterations.get_xdata(), [5.875, 6.625, 7.375, 8.125])


def test_drift_shades_dragged_blocks_once_and_names_its_streams() -> None:
    with_drag = stream_of(block(0), dragged(1))
    ax = plots.drift(with_drag, stream_of(block(0), dragged(1)), labels=("on", "off"))

    (shade,) = ax.patches
    assert (shade.get_x(), shade.get_x() + shade.get_width()) == (2.5, 5.5)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["on", "off"]
    assert ax.lines[0].get_color() != ax.lines[2].get_color()
    assert ax.get_xlabel() == "latent frame"
    assert "latent units" in ax.get_ylabel()


def test_drift_refuses_no_stream_and_labels_that_do_not_match() -> None:
    with pytest.raises(ValueError, match="at least one stream"):
        plots.drift()
    with pytest.raises(ValueError, match=r"each of 1 streams.*'a', 'b'"):
        plots.drift(stream_of(block(0)), labels=("a", "b"))


# ----------------------------------------------------------------------------------------- loss


def test_loss_draws_terms_cutoffs_and_segments() -> None:
    ax = plots.loss(dragged(1))

    lines = {line.get_label(): line.get_ydata() for line in ax.lines}
    np.testing.assert_allclose(lines["loss"], [4, 3, 2, 1])
    np.testing.assert_allclose(lines["drag term"], [3, 2.25, 1.5, 0.75])
    np.testing.assert_allclose(lines["keep term"], [1, 0.75, 0.5, 0.25])
    points = {c.get_label(): c.get_offsets().tolist() for c in ax.collections}
    assert points == {
        "ω = 0.2": [[1, 4], [3, 2]],
        "ω = 0.6": [[4, 1]],
        "ω = 1": [[2, 3]],
    }
    (boundary,) = [
        line for line in ax.lines if line.get_linestyle() == ":" and len(line.get_xdata()) == 2
    ]
    assert list(boundary.get_xdata()) == [2.5, 2.5]


def test_loss_of_a_stream_joins_its_dragged_blocks() -> None:
    ax = plots.loss(stream_of(block(0), dragged(1), block(2), dragged(3)))

    (line,) = [line for line in ax.lines if line.get_label() == "loss"]
    np.testing.assert_allclose(line.get_ydata(), [4, 3, 2, 1, 4, 3, 2, 1])
    np.testing.assert_array_equal(line.get_xdata(), range(1, 9))
    boundaries = [line.get_xdata()[0] for line in ax.lines if len(line.get_xdata()) == 2]
    assert boundaries == [2.5, 4.5, 6.5]


def test_charts_begin_at_zero_and_leave_room_above_the_highest_point() -> None:
    low = [iteration(0, 0.2), iteration(1, 0.1, segment=1)]

    assert plots.loss(low).get_ylim() == pytest.approx((0, 0.22))
    assert plots.drift(stream_of(block(0), dragged(1))).get_ylim() == pytest.approx((0, 0.44))


def test_loss_takes_iterations_and_leaves_out_a_keep_term_that_is_zero() -> None:
    plain = Iteration(**(vars(iteration(0, 2.0)) | {"loss_cst": 0.0}))

    ax = plots.loss([plain])

    assert "keep term" not in [line.get_label() for line in ax.lines]


def test_loss_needs_a_drag() -> None:
    with pytest.raises(ValueError, match=r"Block\(0, step"):
        plots.loss(block(0))


# ------------------------------------------------------------------------------ axes in, axes out


def calls() -> dict[str, Any]:
    stream = stream_of(block(0), dragged(1))
    return {
        "drift": lambda **given: plots.drift(stream, **given),
        "loss": lambda **given: plots.loss(stream, **given),
        "filmstrip": lambda **given: plots.filmstrip(stream, **given),
        "features": lambda **given: plots.features(stream, **given),
        "focus": lambda **given: plots.focus(stream, [PULL], **given),
    }


@pytest.mark.parametrize("name", list(calls()))
def test_an_axes_that_is_given_is_drawn_into_and_returned(name: str) -> None:
    ax = Figure().add_subplot()

    assert calls()[name](ax=ax) is ax
    assert ax.has_data()


@pytest.mark.parametrize("name", list(calls()))
def test_a_notebook_sees_a_picture_of_an_axes_of_our_own(name: str) -> None:
    picture = Image.open(io.BytesIO(calls()[name]()._repr_png_()))

    assert picture.width > 300
    assert np.asarray(picture.convert("L")).std() > 1


@pytest.mark.parametrize("name", list(calls()))
def test_what_is_no_axes_is_refused(name: str) -> None:
    with pytest.raises(TypeError, match="'here'"):
        calls()[name](ax="here")


def test_plots_leave_pyplot_and_its_settings_alone() -> None:
    before = dict(mpl.rcParams)
    drawn: list[Axes] = []

    def draw() -> None:
        drawn.extend(call() for call in calls().values())

    thread = threading.Thread(target=draw)
    thread.start()
    thread.join()

    assert len(drawn) == len(calls())
    assert dict(mpl.rcParams) == before
    assert not Gcf.figs
