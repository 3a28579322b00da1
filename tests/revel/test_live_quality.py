"""Quality against time, and the wait for the first picture."""

from __future__ import annotations

import math

import numpy as np
import pytest

from dragstream.method.settings import DragSettings
from dragstream.models.playground.captions import caption
from dragstream.revel import live, live_report
from dragstream.revel.cases import RenderedStart
from dragstream.revel.detection import detect
from dragstream.revel.live import block_quality, quality_drift, release_waits
from dragstream.revel.methods import Method
from dragstream.revel.scenes import subjects_of
from dragstream.stream.records import Mode
from dragstream.stream.stream import Stream

STILL = Method("still", DragSettings(iterations=0), "no iterations")


def test_the_drift_is_the_last_five_seconds_less_the_first() -> None:
    values = np.random.default_rng(0).normal(size=40)
    assert quality_drift(values, 0.5) == pytest.approx(values[30:].mean() - values[:10].mean())
    assert quality_drift([1.0] * 5 + [0.25] * 5, 1.0) == -0.75
    assert math.isnan(quality_drift([1.0] * 9, 1.0))  # less than ten seconds
    assert quality_drift([1.0, math.nan, 0.5, 0.25], 2.5) == pytest.approx(0.375 - 1)
    assert math.isnan(quality_drift([math.nan, math.nan, 1.0, 1.0], 2.5))


def test_quality_compares_the_object_with_itself(film) -> None:
    before = film("star", "red")[0]
    seen = detect(before, "red", "star")
    moved = film("star", "red", x=[150.0])[0]
    there = detect(moved, "red", "star")
    same = block_quality(before, seen, moved, there)
    assert same.identity > 0.98
    assert same.colour < 2
    darker = (moved * 0.9).astype(np.uint8)
    found = block_quality(before, seen, darker, there)
    colours = [
        image[mask].mean(axis=0) for image, mask in ((before, seen.mask), (darker, there.mask))
    ]
    assert found.colour == pytest.approx(math.dist(*colours))
    assert found.colour > 10
    lost = block_quality(before, seen, moved, None)
    assert math.isnan(lost.identity)
    assert math.isnan(lost.colour)


@pytest.fixture
def begun(model):
    start = RenderedStart(0, 3, 0)
    stream = Stream(model, caption(start.scenes(), 0), seed=0, image=start.image())
    stream.step()
    (subject, *_) = subjects_of(start.scenes())
    return stream, detect(stream.blocks[-1].frames[-1], subject.color, subject.kind)


def test_each_wait_ends_with_a_block_that_was_asked_for_the_new_place(begun) -> None:
    stream, seen = begun
    waits = release_waits(stream, seen, STILL.settings, 3, np.random.default_rng(0))
    assert len(waits) == 3
    assert all(0 < wait < 30 for wait in waits)
    assert [block.mode for block in stream.blocks[1:]] == [Mode.STEP]  # the stream is as it was


class Colours:
    """Mean colours above grey, in place of a network."""

    name = "colours"

    def features(self, samples: np.ndarray) -> np.ndarray:
        return samples.reshape(len(samples), -1, 3).mean(axis=1) - 127


def test_a_long_pull_has_drifts_and_waits(model, monkeypatch) -> None:
    monkeypatch.setattr("dragstream.revel.looks.picture_network", Colours)
    ((pulled,),) = live.pulls(model, 1, [STILL], lead=live.Lead(10.5, 4.0), releases=2)
    assert len(pulled.identity) == len(pulled.colour) == len(pulled.drift) == 28
    assert pulled.identity[-1] == pytest.approx(1)
    assert pulled.identity_drift == pytest.approx(0, abs=1e-6)
    assert pulled.colour_drift == pytest.approx(0, abs=1e-6)
    rows, table = live_report.report([pulled])
    assert rows["still"]["wait"]["count"] == 2
    assert rows["still"]["wait"]["median"] == pytest.approx(np.mean(pulled.waits))
    assert rows["still"]["wait"]["95th"] == pytest.approx(
        min(pulled.waits) + 0.95 * abs(pulled.waits[0] - pulled.waits[1])
    )
    assert "| 95th |" in table.splitlines()[0]
    ((short,),) = live.pulls(model, 1, [STILL], lead=live.Lead(1.0))
    rows, table = live_report.report([short])
    assert rows["still"]["identity_drift"]["mean"] is None
    assert table.count("not measured") == 4
    assert short.to_json()["identity_drift"] is None
    with pytest.raises(ValueError, match="releases must be at least 0"):
        next(live.pulls(model, 1, [STILL], releases=-1))
