"""Pulls while the video plays, on a model whose world stands still."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from dragstream.method.settings import DragSettings
from dragstream.models.playground import world
from dragstream.revel import live, live_report
from dragstream.revel.cases import RenderedStart
from dragstream.revel.detection import Detection, detect
from dragstream.revel.live_curves import curve
from dragstream.revel.methods import Method
from dragstream.revel.scenes import subjects_of

STILL = Method("still", DragSettings(iterations=0), "no iterations")


@pytest.fixture(scope="module")
def seen() -> Detection:
    start = RenderedStart(0, 3, 0)
    (subject, *_) = subjects_of(start.scenes())
    found = detect(start.image(), subject.color, subject.kind)
    assert found is not None
    return found


def test_a_curve_keeps_the_object_in_the_frame_and_off_the_others(seen: Detection) -> None:
    free = curve(seen, [], 200, np.random.default_rng(0))
    assert free.points[0] == seen.center
    assert free.length >= 200
    steps = np.array([free.at(share) for share in np.linspace(0.1, 1, 50)])
    half = seen.mask.any(axis=0).sum() / 2
    assert (steps[:, 0] > half).all()
    assert (steps[:, 0] < world.WIDTH - half).all()
    other = free.at(0.5)
    path = curve(seen, [other], 200, np.random.default_rng(0))
    assert min(math.dist(path.at(share), other) for share in np.linspace(0, 1, 50)) > 15


def test_the_distance_of_what_stands_still_is_the_pointers_way(model) -> None:
    ((pulled,),) = live.pulls(model, 1, [STILL], lead=live.Lead(1.0, 40.0))
    assert pulled.seen == 1.0
    assert len(pulled.distances) == 9  # three blocks of three frames at 8 a second
    # the pointer moves at even speed along a curve: never farther than its way
    ways = [40 * (frame + 1) / 8 for frame in range(9)]
    assert all(found <= way + 0.5 for found, way in zip(pulled.distances, ways, strict=True))
    assert pulled.distances[0] == pytest.approx(5, abs=0.5)
    # a block reads the pointer when its first frame is due: the first is asked to rest
    assert pulled.misses[:3] == pytest.approx([0, 0, 0], abs=0.01)
    assert pulled.misses[3:6] == pytest.approx(pulled.distances[:3], abs=0.5)
    assert pulled.drift == (0.0, 0.0, 0.0)
    assert pulled.size == 1.0
    # it overlaps less and less with where it should be, until it is a stray piece beside it
    assert pulled.overlap[0] == 1.0
    assert list(pulled.overlap) == sorted(pulled.overlap, reverse=True)
    assert pulled.overlap[2] < 0.7
    assert pulled.strays == (0, 0, 0)
    assert pulled.cost > 0


def test_a_turned_and_grown_place_is_asked_for(model) -> None:
    lead = live.Lead(1.0, 0.001, turn=60.0, growth=2.0)
    ((pulled,),) = live.pulls(model, 1, [STILL], lead=lead)
    # the last block begins after 3 / 4 of the second: the place has grown by 2 ** 0.75
    assert pulled.overlap[-1] == pytest.approx(2**-1.5, abs=0.05)


def test_the_report_averages_over_scenes_and_leaves_out_what_is_not_seen() -> None:
    def pulled(scene: int, distance: float | None, iou: float | None) -> live.Pulled:
        return live.Pulled(
            scene, "I=4", "red", "box", (distance, 4.0), (1.0, 1.0), (0.1, 0.2), iou, 1.0
        )

    rows, table = live_report.report([pulled(0, 8.0, 0.9), pulled(1, None, None)])
    assert rows["I=4"]["distance"]["mean"] == pytest.approx((6 + 4) / 2)
    assert rows["I=4"]["seen"]["mean"] == pytest.approx(0.75)
    assert rows["I=4"]["iou"]["mean"] == pytest.approx(0.9)
    assert rows["I=4"]["drift"]["mean"] == pytest.approx(0.2)
    assert table.splitlines()[2].startswith("| I=4 | 2 | 5.0 [4.0, 6.0] |")


@pytest.mark.parametrize(
    "numbers",
    [
        {"lead": live.Lead(seconds=0.0)},
        {"lead": live.Lead(seconds=1e300)},
        {"lead": live.Lead(speed=1e300)},
        {"lead": live.Lead(speed=-1.0)},
        {"lead": live.Lead(growth=0.0)},
        {"scenes": 0},
    ],
)
def test_numbers_that_make_no_pull_are_refused(model, numbers: dict[str, Any]) -> None:
    arguments = {"scenes": 1, "methods": [STILL], **numbers}
    with pytest.raises(ValueError, match=r"must be (above 0|at (least|most) [13]|in \[0.01)"):
        next(live.pulls(model, **arguments))
