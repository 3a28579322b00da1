from __future__ import annotations

import copy
import json
import math
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from dragstream.drags import regions
from dragstream.drags.documents import DocumentReader
from dragstream.drags.geometry import Affine
from dragstream.drags.labels import from_json, to_json
from dragstream.drags.motions import Deformation, Drag, Memory, Motion, Path, Rotation, Translation
from dragstream.drags.paths import EASINGS
from dragstream.drags.reading import Budget

coordinates = st.floats(-200, 200)
points = st.tuples(coordinates, coordinates)
sizes = st.floats(0.5, 50)
eases = st.sampled_from(sorted(EASINGS))
masks = arrays.arrays(bool, st.tuples(st.integers(1, 6), st.integers(1, 6)))
simple_regions = st.one_of(
    st.builds(regions.disc, points, sizes),
    st.builds(
        lambda corner, w, h: regions.box(*corner, corner[0] + w, corner[1] + h),
        points,
        sizes,
        sizes,
    ),
    st.builds(regions.polygon, st.lists(points, min_size=3, max_size=6)),
    st.builds(regions.brush, st.lists(points, min_size=1, max_size=6), sizes),
    st.builds(regions.mask, masks),
)
all_regions = st.recursive(
    simple_regions,
    lambda inner: st.builds(
        lambda kind, of: kind(of),
        st.sampled_from([regions.Union, regions.Intersection, regions.Difference]),
        st.lists(inner, min_size=2, max_size=3),
    ),
    max_leaves=6,
)
waypoints = st.lists(points, min_size=2, max_size=6).filter(
    lambda pairs: max(math.dist(pairs[0], pair) for pair in pairs) > 1
)
paths = st.builds(
    lambda pairs, smooth, ease, pinned: Path(
        pairs, smooth=smooth, ease=ease, frames=range(len(pairs)) if pinned else None
    ),
    waypoints,
    st.booleans(),
    eases,
    st.booleans(),
)
angles = st.floats(1, 400) | st.floats(-400, -1)
motions = st.one_of(
    st.builds(Translation, paths),
    st.builds(Deformation, paths, edge=st.floats(0.01, 1)),
    st.builds(Rotation, points, angles | st.lists(angles, min_size=1, max_size=4), eases),
    st.builds(
        lambda center, arc: Rotation(center, arc, frames=range(len(arc) + 1)),
        points,
        st.lists(angles, min_size=1, max_size=4),
    ),
)
memories = st.none() | st.builds(Memory, st.integers(0, 99), all_regions)
drags = st.builds(Drag, all_regions, motions, memories)

DOCUMENT = {
    "version": 1,
    "drags": [
        {
            "region": {
                "type": "union",
                "of": [
                    {"type": "disc", "center": [64, 40], "radius": 14},
                    {"type": "mask", "height": 2, "width": 3, "runs": [1, 2, 3]},
                ],
            },
            "motion": {
                "type": "translation",
                "path": {
                    "points": [[64, 40], [90, 30]],
                    "smooth": True,
                    "ease": "linear",
                    "frames": None,
                },
            },
            "source": {
                "block": 3,
                "region": {"type": "box", "left": 1, "top": 2, "right": 3, "bottom": 4},
            },
        },
        {
            "region": {"type": "polygon", "points": [[0, 0], [9, 0], [0, 9]]},
            "motion": {"type": "rotation", "center": [64, 40], "degrees": [10, 45]},
        },
    ],
    "keep": {"type": "brush", "points": [[1, 2]], "radius": 3},
}


@given(st.lists(drags, max_size=3), st.none() | all_regions)
def test_documents_give_back_what_was_written(written, keep):
    document = to_json(written, keep)
    travelled = json.loads(json.dumps(document, allow_nan=False))
    assert from_json(travelled) == (written, keep)
    assert to_json(*from_json(travelled)) == travelled


@given(masks)
def test_runs_begin_with_false(array):
    document = to_json([], array)["keep"]
    runs = document["runs"]
    assert sum(runs) == array.size
    assert all(run > 0 for run in runs[1:])
    assert (runs[0] == 0) == bool(array.flat[0])
    assert sum(runs[1::2]) == array.sum()


def test_a_written_document_reads_as_meant():
    found, keep = from_json(DOCUMENT)
    disc, mask = found[0].region.of
    assert disc == regions.disc((64, 40), 14)
    assert mask.array.tolist() == [[False, True, True], [False, False, False]]
    assert found[0].motion == Translation([(64, 40), (90, 30)])
    assert found[0].source == Memory(3, regions.box(1, 2, 3, 4))
    assert found[1].motion == Rotation((64, 40), (0, 10, 45))
    assert found[1].source is None
    assert keep == regions.brush([(1, 2)], 3)


def test_boolean_arrays_are_written_as_masks():
    assert to_json([], np.array([[True, False]]))["keep"] == {
        "type": "mask",
        "height": 1,
        "width": 2,
        "runs": [0, 1, 1],
    }


def test_optional_fields_have_defaults():
    path = {"points": [[0, 0], [5, 5], [9, 0]]}
    region = {"type": "disc", "center": [1, 2], "radius": 3}
    drag = {"region": region, "motion": {"type": "deformation", "path": path}}
    found, keep = from_json({"version": 1, "drags": [drag]})
    assert found == [Drag(regions.disc((1, 2), 3), Deformation([(0, 0), (5, 5), (9, 0)]))]
    assert keep is None


def test_long_chains_of_strokes_survive():
    region = regions.disc((1, 1), 5)
    for _ in range(30):
        region = (region | regions.disc((2, 2), 3)) - regions.disc((3, 3), 1)
    assert from_json(to_json([], region)) == ([], region)


DELETE = object()


def changed(place, value):
    document = copy.deepcopy(DOCUMENT)
    inner = document
    for key in place[:-1]:
        inner = inner[key]
    if value is DELETE:
        del inner[place[-1]]
    else:
        inner[place[-1]] = value
    return document


REGION = ("drags", 0, "region")
MASK = (*REGION, "of", 1)
PATH = ("drags", 0, "motion", "path")
DEEP: dict = {"type": "disc", "center": [0, 0], "radius": 1}
for _ in range(100):
    DEEP = {"type": "union", "of": [DEEP, DEEP]}


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        (("version",), 2, "version must be 1, got 2"),
        (("version",), True, "version must be 1"),
        (("version",), DELETE, "document lacks version"),
        (("extra",), 1, "document has unknown fields 'extra'"),
        (("drags",), {}, "drags must be a list"),
        (("drags",), [None], r"drags\[0\] must be an object, got None"),
        (("drags",), [DOCUMENT["drags"][1]] * 257, "drags may hold at most 256 values, got 257"),
        (("keep",), [], "keep must be an object"),
        (("keep", "type"), "blob", r"keep.type must be one of disc, box.*got 'blob'"),
        (("keep", "type"), ["disc"], "keep.type must be one of"),
        (("keep", "radius"), DELETE, "keep lacks radius"),
        (("keep", "radius"), math.nan, "keep: radius must be finite"),
        (("keep", "radius"), "3", "keep: radius must be a number, got '3'"),
        (("keep", "radius"), 10**400, "keep: radius must be finite"),
        (("keep", "points"), [[1, 2]] * (2**14 + 1), "keep.points may hold at most 16384"),
        (("keep", "points"), [[1, 2, 3]], r"keep: points\[0\] must be a pair"),
        (("drags", 0, "motion"), DELETE, r"drags\[0\] lacks motion"),
        (("drags", 0, "motion", "type"), "shear", r"drags\[0\].motion.type must be one of"),
        (("drags", 0, "motion", "edge"), 0.5, r"drags\[0\].motion has unknown fields 'edge'"),
        ((*PATH, "points"), [], r"drags\[0\].motion.path: points must hold at least 2"),
        ((*PATH, "points", 1, 0), math.inf, r"path: the x of points\[1\] must be finite"),
        ((*PATH, "points", 1), "ab", r"path: points\[1\] must be a pair"),
        ((*PATH, "ease"), "x" * 5000, r"path: ease must be one of .{,200}$"),
        ((*PATH, "frames"), [0], r"path: frames must hold one"),
        ((*PATH, "smooth"), "yes", "path: smooth must be True or False"),
        (("drags", 0, "source", "block"), -1, r"drags\[0\].source: block must be at least 0"),
        (("drags", 0, "source", "region", "right"), 0, "source.region: right must exceed left"),
        (("drags", 1, "motion", "degrees"), DELETE, r"drags\[1\].motion lacks degrees"),
        (("drags", 1, "motion", "degrees"), 0, r"drags\[1\].motion: a rotation must turn"),
        (("drags", 1, "motion", "degrees"), [1] * 20000, "motion.degrees may hold at most"),
        (("drags", 1, "motion", "center"), None, "motion: center must be a pair"),
        ((*REGION, "of"), [], "region: a combination takes at least two"),
        ((*REGION, "of", 0, "center"), [1], r"region.of\[0\]: center must be a pair"),
        ((*REGION, "of", 0), DEEP, "nest deeper than 64 levels"),
        ((*MASK, "runs"), [1, 2, 2], r"of\[1\]: runs must sum to 2 x 3 = 6, got 5"),
        ((*MASK, "runs"), [1, -1, 6], r"of\[1\]: runs\[1\] must be at least 0"),
        ((*MASK, "runs"), [1.0, 5], r"of\[1\]: runs\[0\] must be an integer"),
        ((*MASK, "runs"), [10**30], "must sum to"),
        ((*MASK, "runs"), [0] * 100, "runs may hold at most 7 values"),
        ((*MASK, "height"), 10**9, "a mask of 1000000000 x 3 pixels: at most 134217728 pixels"),
        ((*MASK, "height"), 0, "height must be at least 1"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(place, value, message):
    with pytest.raises(ValueError, match=message):
        from_json(changed(place, value))


def large(count, side=4096):
    """Masks that differ, each in a few numbers."""
    pixels = side * side
    return [
        {"type": "mask", "height": side, "width": side, "runs": [place, pixels - place]}
        for place in range(count)
    ]


def test_many_large_masks_are_too_much_together():
    region = {"type": "union", "of": large(9)}
    with pytest.raises(ValueError, match=r"keep.of\[8\]: a mask of 4096 x 4096 pixels: at most"):
        from_json({"version": 1, "drags": [], "keep": region})


def test_equal_masks_are_one():
    region = {"type": "union", "of": large(1) * 9}
    _, keep = from_json({"version": 1, "drags": [], "keep": region})
    assert len({id(part) for part in keep.of}) == 1


@pytest.mark.parametrize(
    ("thing", "count"), [("drags", 1), ("regions", 2), ("points", 60), ("pixels", 4)]
)
def test_documents_of_one_file_share_a_budget(thing, count):
    motion = {"type": "translation", "path": {"points": [[n, n] for n in range(50)]}}
    mask = {"type": "mask", "height": 1, "width": 4, "runs": [0, 4]}
    drags = [{"region": mask, "motion": motion}]
    document = {"version": 1, "drags": drags}
    other = {"version": 1, "drags": drags, "keep": mask | {"runs": [1, 3]}}
    reader = DocumentReader(budget=Budget(**{thing: count}))
    reader.read(document)
    with pytest.raises(ValueError, match=f"at most {count} {thing} are read altogether"):
        reader.read(other)


junk = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=4,
)


def places(value, so_far=()):
    yield so_far
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in items if isinstance(value, dict | list) else ():
        if isinstance(inner, dict | list):
            yield from places(inner, (*so_far, key))
        else:
            yield (*so_far, key)


@given(st.sampled_from([place for place in places(DOCUMENT) if place]), junk)
def test_junk_is_read_or_refused_but_nothing_else(place, value):
    try:
        found, _ = from_json(changed(place, value))
    except ValueError:
        return
    assert all(isinstance(drag, Drag) for drag in found)


@pytest.mark.parametrize("document", [None, "{}", [], 5])
def test_documents_are_mappings(document):
    with pytest.raises(TypeError, match="a document must be a mapping"):
        from_json(document)


def test_only_known_classes_are_written():
    class Shake(Motion):
        def at(self, fraction):
            return Affine.translation(fraction, 0)

    with pytest.raises(TypeError, match="class Shake"):
        to_json([Drag(regions.disc((1, 2), 3), Shake())])
    with pytest.raises(TypeError, match=r"drags\[0\] must be a Drag"):
        to_json([None])


@dataclass(frozen=True)
class Growth(Motion):
    center: tuple[float, float]
    factor: float

    def at(self, fraction):
        scale = 1 + fraction * (self.factor - 1)
        x, y = self.center
        return Affine(((scale, 0.0, x - scale * x), (0.0, scale, y - scale * y)))


def test_motions_of_ones_own_are_written_when_asked_and_read_when_handed_in():
    drag = Drag(regions.disc((20, 20), 8), Growth((20.0, 20.0), 1.5))
    with pytest.raises(TypeError, match="Growth cannot be written"):
        to_json([drag])
    text = json.dumps(to_json([drag], own=True))
    assert from_json(json.loads(text), [Growth])[0] == [drag]
    with pytest.raises(ValueError, match=r"motion is a user-defined 'Growth': pass its class"):
        from_json(json.loads(text))
    with pytest.raises(ValueError, match=r"drags\[0\].motion must be a Motion"):
        from_json(
            json.loads(text.replace("Growth", "Disc").replace("factor", "radius")), [regions.Disc]
        )
