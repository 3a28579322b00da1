import numpy as np
import pytest

import dragstream as ds
from dragstream.drags.expressions import (
    WIDTH,
    Make,
    drag_expression,
    number,
    region_expression,
    render,
)
from dragstream.drags.motions import Motion
from dragstream.drags.shapes import Shape

HOLE = np.zeros((40, 60), bool)
HOLE[3:20, 5:30] = True
HOLE[8:10, 7:9] = False

REGIONS = [
    ds.regions.disc((14.25, 12), 6),
    ds.regions.box(0.1, 2, 3, 4.5),
    ds.regions.polygon([(0, 0), (30, 1 / 3), (4, 20)]),
    ds.regions.brush([(n, n % 7 + 0.125) for n in range(60)], 2.5),
    ds.regions.mask(HOLE),
    ds.regions.mask(~HOLE),
    ds.regions.disc((14, 12), 6) | ds.regions.box(1, 2, 30, 40) - HOLE,
    ds.regions.disc((14, 12), 6) & HOLE,
]
MOTIONS = [
    ds.Translation.by(12, -4.5),
    ds.Translation.by(12, 4, ease="ease_out"),
    ds.Translation([(1, 2), (3, 4), (5, 60)]),
    ds.Translation([(0, 0), (3, 4)]),
    ds.Translation.through([(1, 0), (2, 1), (4, 1)]),
    ds.Deformation.by(0, 7),
    ds.Deformation(ds.Path.polyline([(9, 9), (8, 1)], ease="ease_in"), edge=0.7),
    ds.Rotation((37, 21), 30),
    ds.Rotation((37, 21), (0, 45, -90.5), "ease_in_out", frames=(0, 2, 3)),
]


def again(expression):
    return eval(render(expression), {"ds": ds})  # noqa: S307


@pytest.mark.parametrize("region", REGIONS, ids=str)
def test_the_source_of_a_region_gives_the_same_region(region):
    assert again(region_expression(region)) == region


@pytest.mark.parametrize("motion", MOTIONS, ids=lambda motion: repr(motion)[:40])
def test_the_source_of_a_drag_gives_the_same_drag(motion):
    for source in (None, ds.Memory(3, REGIONS[0])):
        drag = ds.Drag(REGIONS[0], motion, source)
        assert again(drag_expression(drag)) == drag


def test_it_reads_as_one_would_write_it():
    drag = ds.Drag(ds.regions.disc((64, 40), 14), ds.Translation.by(24, 0))
    assert (
        render(drag_expression(drag))
        == "ds.Drag(ds.regions.disc(center=(64, 40), radius=14), ds.Translation.by(24, 0))"
    )


@pytest.mark.parametrize("value", [0.1, 1 / 3, -7.0, 2.0**60, 1e-300, -0.0, 12])
def test_numbers_keep_every_bit(value):
    assert float(eval(number(value))) == value  # noqa: S307


def test_long_expressions_are_broken_into_lines():
    many = tuple(str(n) for n in range(100))
    text = render(Make.of("f", many, Make.of("g", "1", name=many), other="2"))
    lines = text.splitlines()
    assert max(map(len, lines)) <= WIDTH
    assert lines[0] == "f("
    assert lines[-1] == ")"

    def f(*args, **named):
        return args, named

    first, second = eval(text, {"f": f, "g": f})[0]  # noqa: S307
    assert first == list(range(100))
    assert second == ((1,), {"name": first})


def test_foreign_classes_are_named():
    class Blob(Shape):
        def paint(self, height, width):
            return np.ones((height, width), bool)

    class Wobble(Motion):
        at = None

    with pytest.raises(TypeError, match="Blob cannot be written"):
        region_expression(Blob())
    with pytest.raises(TypeError, match="a value of class Wobble cannot be written"):
        drag_expression(ds.Drag(REGIONS[0], Wobble()))


def test_runs_and_back():
    assert ds.regions.mask(np.array([[True, True, False], [False, True, True]])).runs == (
        0,
        2,
        2,
        2,
    )
    assert ds.regions.Mask.from_runs(40, 60, ds.regions.mask(HOLE).runs) == ds.regions.mask(HOLE)
    with pytest.raises(ValueError, match="must sum to 2 x 3 = 6, got 5"):
        ds.regions.Mask.from_runs(2, 3, [5])
    with pytest.raises(ValueError, match=r"runs\[1\]"):
        ds.regions.Mask.from_runs(2, 3, [7, -1])
