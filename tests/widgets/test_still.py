"""A picture beside each widget, for pages that show no widgets."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

import dragstream as ds
from dragstream.widgets import DragCanvas, DriftPlot, FeatureView, Studio, Timeline
from tests.widgets.swatches import DRAG, Swatches, dragged_stream

KINDS = (DragCanvas, DriftPlot, FeatureView, Studio, Timeline)


@pytest.mark.parametrize("kind", KINDS)
def test_a_display_holds_the_widget_and_its_picture(kind):
    widget = kind(dragged_stream(2, 1))
    data = widget._repr_mimebundle_()
    data = data[0] if isinstance(data, tuple) else data
    assert {"text/plain", "application/vnd.jupyter.widget-view+json"} <= data.keys()
    shown = Image.open(io.BytesIO(base64.b64decode(data["image/jpeg"])))
    drawn = widget.picture()
    assert shown.size == drawn.size
    assert np.abs(np.asarray(shown, int) - np.asarray(drawn.convert("RGB"), int)).mean() < 4
    widget.close()


def test_a_studio_s_picture_has_its_parts_below_each_other():
    studio = Studio(dragged_stream(2, 1), drags=[DRAG])
    canvas, whole = studio.canvas.picture(), studio.picture()
    np.testing.assert_array_equal(whole.crop((0, 0, *canvas.size)), canvas)
    parts = (studio.canvas, studio.timeline, studio.drift)
    assert whole.height == sum(part.picture().height for part in parts)
    studio.close()


@pytest.mark.parametrize("kind", [DriftPlot, Studio, Timeline])
def test_without_blocks_there_is_the_widget_alone(kind):
    widget = kind(ds.Stream(Swatches(), "red"))
    data = widget._repr_mimebundle_()
    data = data[0] if isinstance(data, tuple) else data
    assert "image/jpeg" not in data
    assert "application/vnd.jupyter.widget-view+json" in data
    widget.close()
