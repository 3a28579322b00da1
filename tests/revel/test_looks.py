"""Image measures of results on films whose shapes are known."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from dragstream.drags.geometry import Affine
from dragstream.drags.motions import Deformation, Drag, Rotation, Translation
from dragstream.revel.cases import Case, Kind, Subject
from dragstream.revel.detection import SPECK, detect
from dragstream.revel.looks import _DraggedObject, outside_looks, picture_network
from dragstream.revel.measuring import ScoredVideo
from dragstream.revel.preparation import PreparedCase
from dragstream.stream.records import Mode

NOWHERE = np.zeros((160, 256), bool)


@pytest.fixture
def looks(model, film, block_of):
    """The looks of a red object that a drag moves, in a film of what it does."""

    def measured(shape, drag, kind, dragged, inside=NOWHERE):
        rest = film(shape, "red", x=[96.0] * 3)
        seen = detect(rest[-1], "red", shape)
        case = Case(
            name="c",
            model="picture",
            prompt="a thing",
            seed=0,
            block=1,
            drags=(drag(seen.mask),),
            mode=Mode.ANIMATE,
            kind=kind,
            subjects=(Subject(shape, "red"),),
        )
        past = block_of(rest, 0)

        class Past:
            blocks = (past,)

        Past.model = model
        prepared = PreparedCase(case, Past, (block_of(rest, 1),))
        blocks = (block_of(dragged, 1),)
        found = ScoredVideo(prepared.command, prepared.film(blocks)).looks
        return replace(found, **outside_looks(prepared, blocks, inside)), seen

    return measured


def by(dx, dy=0.0):
    return lambda region: Drag(region, Translation.by(dx, dy))


def test_an_obedient_object_covers_the_commanded_mask(looks, film) -> None:
    obeyed, _ = looks("star", by(24), Kind.TRANSLATION, film("star", "red", x=[104, 112, 120.0]))
    assert obeyed.target_iou > 0.97
    assert obeyed.identity > 0.98
    assert (obeyed.duplicates, obeyed.scraps) == (0, 0)


def test_an_object_at_rest_overlaps_as_far_as_its_mask_does(looks, film) -> None:
    ignored, seen = looks("star", by(8), Kind.TRANSLATION, film("star", "red", x=[96.0] * 3))
    moved = np.roll(seen.mask, 8, axis=1)
    assert ignored.target_iou == (seen.mask & moved).sum() / (seen.mask | moved).sum()
    assert ignored.identity == pytest.approx(1)
    assert ignored.likeness_outside == 1.0
    assert ignored.lpips_outside in {0.0, None}


def test_a_copy_at_the_old_place_is_a_duplicate_and_a_bit_a_scrap(looks, film) -> None:
    two = film("box", "red", x=[176.0] * 3)
    there = detect(film("box", "red", x=[96.0])[0], "red", "box").mask
    two[:, there] = film("box", "red", x=[96.0])[0][there]
    two[:, 120:130, 20:30] = (225, 60, 55)
    two[:, 140:145, 200:205] = (225, 60, 55)  # 25 pixels are too few
    found, _ = looks("box", by(80), Kind.TRANSLATION, two)
    assert SPECK > 25
    assert (found.duplicates, found.scraps) == (1, 1)
    assert found.target_iou < 0.6  # the copy counts in the union


def test_a_lost_object_overlaps_nothing_and_has_no_identity(looks, film) -> None:
    lost, _ = looks("box", by(24), Kind.TRANSLATION, film("box", "blue", x=[96.0] * 3))
    assert (lost.target_iou, lost.duplicates, lost.scraps) == (0.0, 0, 0)
    assert lost.identity is None


def test_another_shape_is_another_identity(looks, film) -> None:
    same, _ = looks("star", by(24), Kind.TRANSLATION, film("star", "red", x=[104, 112, 120.0]))
    other, _ = looks("star", by(24), Kind.TRANSLATION, film("box", "red", x=[104, 112, 120.0]))
    assert other.identity < same.identity - 0.1
    assert other.target_iou < same.target_iou


def test_a_turned_object_is_turned_back_before_it_is_compared(looks, film) -> None:
    def turn(region):
        return Drag(region, Rotation((96, 84), 36))

    found, _ = looks("box", turn, Kind.ROTATION, film("box", "red", angle=[12.0, 24.0, 36.0]))
    assert found.target_iou > 0.95
    assert found.identity > 0.95


def test_the_mask_of_a_pull_is_stretched_from_the_far_side(film) -> None:
    frame = film("box", "red")[0]
    seen = detect(frame, "red", "box")
    columns = np.flatnonzero(seen.mask.any(axis=0))
    drag = Drag(seen.mask, Deformation.by(12, 0))
    command = Affine.translation(12, 0)
    pulled = _DraggedObject(Kind.DEFORMATION, drag, command, frame, seen, frame, seen)
    wanted = np.flatnonzero(pulled.wanted.any(axis=0))
    assert wanted[0] == pytest.approx(columns[0], abs=1)
    # the middle of the edge third, at 5/6 of the width, moves by 12: the end by 6/5 of that
    assert wanted[-1] - columns[-1] == pytest.approx(12 * 6 / 5, abs=1)
    assert pulled.target_iou() == pytest.approx(len(columns) / len(wanted), abs=0.03)


def test_outside_only_what_is_outside_counts(looks, film) -> None:
    dragged = film("star", "red", x=[104, 112, 120.0])
    inside = np.zeros((160, 256), bool)
    inside[40:130, 60:160] = True
    clean, _ = looks("star", by(24), Kind.TRANSLATION, dragged, inside)
    assert clean.likeness_outside == pytest.approx(1, abs=0.02)
    stained = dragged.copy()
    stained[:, 20:60, 180:240] = np.random.default_rng(0).integers(0, 256, (40, 60, 3))
    worse, _ = looks("star", by(24), Kind.TRANSLATION, stained, inside)
    assert worse.likeness_outside < clean.likeness_outside - 0.05
    nothing, _ = looks("star", by(24), Kind.TRANSLATION, dragged, ~NOWHERE)
    assert nothing.likeness_outside is None


def test_without_the_network_there_are_no_cosines(looks, film, monkeypatch) -> None:
    monkeypatch.setattr("dragstream.revel.looks.picture_network", lambda: None)
    found, _ = looks("star", by(8), Kind.TRANSLATION, film("star", "red", x=[99, 102, 104.0]))
    assert found.identity is None
    assert found.likeness_outside is None
    assert not math.isnan(found.target_iou)
    assert picture_network() is not None
