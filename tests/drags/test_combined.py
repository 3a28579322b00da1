"""Several motions of one region, from their geometry to their source."""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np
import pytest

from dragstream.drags import regions
from dragstream.drags.documents import from_json, to_json
from dragstream.drags.expressions import drag_expression, render
from dragstream.drags.geometry import Affine
from dragstream.drags.motions import (
    Combined,
    Deformation,
    Drag,
    Motion,
    Path,
    Rotation,
    Scale,
    Translation,
    targets,
)

BOX = regions.box(10, 10, 20, 16)
MOTION = Combined([Scale((20, 10), 4), Rotation((0, 0), 90), Translation.by(5, 0)])


@dataclass(frozen=True)
class Shift(Motion):
    """A motion of a user's own."""

    far: float

    def at(self, fraction):
        return Affine.translation(self.far * fraction, 0)


def test_each_motion_begins_where_the_one_before_it_leads():
    # (22, 13) grows to (28, 22), turns to (-22, 28), and is shifted
    np.testing.assert_allclose(MOTION.at(1).apply((22, 13)), (-17, 28), atol=1e-9)
    np.testing.assert_allclose(MOTION.at(0).apply((22, 13)), (22, 13))


def test_a_share_of_the_displacement_is_that_of_each_motion():
    half = Affine.identity()
    for part in (Scale((20, 10), 2), Rotation((0, 0), 45), Translation.by(2.5, 0)):
        half = half.then(part.at(1))
    np.testing.assert_allclose(MOTION.partway(1, 0.5).matrix, half.matrix)
    np.testing.assert_allclose(MOTION.at(0.5).matrix, half.matrix)


def test_pinned_motions_keep_their_times():
    short = Translation(Path.polyline([(0, 0), (2, 0)], frames=[0, 2]))
    long = Translation(Path.polyline([(0, 0), (0, 8)], frames=[0, 4]))
    motion = Combined([short, long, Scale((0, 0), 16)])
    assert motion.duration == 4
    moved = [target.apply((0, 0)) for target in targets(motion, 5)]
    # Scale comes last: it doubles with each of the four frames
    np.testing.assert_allclose(moved, [(2, 4), (8, 16), (16, 48), (32, 128), (32, 128)])
    assert Combined([Translation.by(1, 0)]).duration is None


def test_a_deformation_keeps_its_edge():
    mask = regions.rasterise(BOX, 40, 60)
    pull = Deformation.by(4, 0, edge=0.5)
    combined = Combined([pull, Translation.by(9, 9)])
    np.testing.assert_array_equal(combined.handle(mask), pull.handle(mask))
    assert combined.displacement(1, combined.handle(mask)) == pytest.approx((np.hypot(13, 9), 0))


def test_combined_motions_are_flat():
    assert Combined([Combined([Scale((0, 0), 2), Translation.by(1, 0)]), Rotation((1, 1), 9)]) == (
        Combined([Scale((0, 0), 2), Translation.by(1, 0), Rotation((1, 1), 9)])
    )


def test_it_is_written_as_json_and_as_source():
    drag = Drag(BOX, MOTION)
    assert from_json(json.loads(json.dumps(to_json([drag]))))[0] == [drag]
    assert render(drag_expression(drag)) == (
        "ds.Drag(\n"
        "    ds.regions.box(10, 10, 20, 16),\n"
        "    ds.Combined(\n"
        "        [\n"
        "            ds.Scale(center=(20, 10), factor=4),\n"
        "            ds.Rotation(center=(0, 0), degrees=90),\n"
        "            ds.Translation.by(5, 0),\n"
        "        ],\n"
        "    ),\n"
        ")"
    )


def test_a_page_shows_it_read_only_with_motions_of_ones_own_in_it():
    drag = Drag(BOX, Combined([Shift(8.0), Scale((20, 10), 2)]))
    document = json.loads(json.dumps(to_json([drag], own=True, frame=(40, 60))))
    motion = document["drags"][0]["motion"]
    assert (motion["type"], motion["value"]["class"]) == ("own", "Combined")
    assert motion["shown"]["maps"][-1] == [2, 0, -4, 0, 2, -10]
    assert from_json(document, parts=[Shift])[0] == [drag]
    with pytest.raises(ValueError, match=r"drags\[0\].motion.of\[0\] is a user-defined 'Shift'"):
        from_json(document)


@pytest.mark.parametrize(
    ("of", "text"),
    [
        ([], r"of must hold at least one of its motions"),
        ({}, r"drags\[0\].motion.of must be a list"),
        ([{"type": "nudge"}], r"drags\[0\].motion.of\[0\].type must be one of"),
        ([{"type": "combined", "of": []}], r"drags\[0\].motion.of\[0\]: combined motions do not"),
        ([{"type": "scale", "center": [0, 0], "factor": 2}] * 17, "may hold at most 16 values"),
    ],
)
def test_bad_documents_say_where(of, text):
    document = to_json([Drag(BOX, MOTION)])
    document["drags"][0]["motion"]["of"] = of
    with pytest.raises(ValueError, match=text):
        from_json(document)


def test_arguments_are_checked():
    with pytest.raises(TypeError, match=r"of\[1\] must be a Motion, got 3"):
        Combined([Translation.by(1, 0), 3])
    with pytest.raises(ValueError, match="at most 16 motions are combined, got 17"):
        Combined([Translation.by(1, 0)] * 17)
