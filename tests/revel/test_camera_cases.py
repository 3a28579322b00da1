"""Cases of the benchmark in which the camera moves."""

from __future__ import annotations

import numpy as np
import pytest

from dragstream.drags import regions
from dragstream.drags.motions import Combined, Translation
from dragstream.models.playground import world
from dragstream.revel.cases import CAMERA, Case, Kind
from dragstream.revel.detection import detect
from dragstream.revel.measuring import ScoredVideo, measure
from dragstream.revel.methods import Method
from dragstream.revel.preparation import PreparedCase, VideoCommand
from dragstream.revel.scenes import sample_scene_case, scene_specs

SIZE = (world.HEIGHT, world.WIDTH)


@pytest.fixture(scope="module")
def drawn(model) -> dict[Kind, tuple]:
    """A case of each kind, and the stream that it was drawn on."""
    found = [sample_scene_case(model, scene) for scene in scene_specs(4, 3, kinds=CAMERA)]
    return {case.kind: (case, stream) for case, stream in found}


def test_the_first_drag_is_the_camera(drawn) -> None:
    assert set(drawn) == set(CAMERA)
    for kind, (case, _) in drawn.items():
        assert case.camera is case.drags[0].motion
        assert case.keep is None
        assert len(case.kinds) == len(case.subjects) >= 1
        assert Case.from_json(case.to_json()) == case
        if kind is Kind.ZOOM:
            size = max(case.camera.zoom, 1 / case.camera.zoom)
            assert 1.15 <= size <= 1.3
            assert case.camera.pan == (0, 0)
        else:
            assert 16 <= abs(case.camera.pan[0]) <= 28
            assert (case.camera.zoom, case.camera.pan[1]) == (1, 0)


def test_objects_are_moved_in_the_scene_or_in_the_frame(drawn) -> None:
    assert [len(drawn[kind][0].drags) for kind in CAMERA] == [1, 1, 2, 2]
    scene, frame = (drawn[kind][0] for kind in (Kind.PAN_SCENE, Kind.PAN_FRAME))
    assert isinstance(scene.drags[1].motion, Combined)
    assert scene.drags[1].motion.of[1] == scene.camera
    assert isinstance(frame.drags[1].motion, Translation)


def test_every_object_is_measured_on_the_way_that_it_should_take(drawn) -> None:
    for case, stream in drawn.values():
        prepared = PreparedCase(case, stream, ())

        measured = prepared.measured

        assert len(measured) == len(case.subjects)
        moved = 0
        for subject, drag in zip(case.subjects, measured, strict=True):
            seen = detect(prepared.before, subject.color, subject.kind)
            assert (drag.mask(*SIZE) == seen.mask).mean() > 0.999
            moved += drag in case.drags
            if drag not in case.drags:
                assert drag.motion == case.camera
            end = regions.warp(seen.mask, drag.motion.at(1))
            left, top, right, bottom = regions.bounding_box(end)
            assert min(left, top) >= 3
            assert right <= world.WIDTH - 4
            assert bottom <= world.HEIGHT - 4
        assert moved == len(case.drags) - 1


def test_films_of_a_camera_are_scored_by_the_objects(drawn) -> None:
    case, stream = drawn[Kind.PAN_SCENE]
    frames = np.repeat(stream.blocks[-1].frames[-1:], 4, axis=0)  # the world stands still
    command = VideoCommand(case.name, case.drags, (1, 2, 3), 4, SIZE, 8.0, case=case)

    video = ScoredVideo(command, frames)

    assert video.drags == PreparedCase(case, stream, ()).measured
    still = stream.fork().run(1, progress=False)
    prepared = PreparedCase(case, stream, tuple(still))
    assert video.looks == ScoredVideo(prepared.command, prepared.film(still)).looks
    assert [each.mean for each in video.followed] == pytest.approx(
        [each.still for each in video.followed], abs=0.1
    )


def test_a_case_of_the_camera_names_a_kind_for_each_subject(drawn) -> None:
    document = drawn[Kind.PAN][0].to_json()
    document["kinds"] = [*document["kinds"], "pan"]
    with pytest.raises(ValueError, match=r"drag\(s\), but"):
        Case.from_json(document)


def test_each_object_of_a_camera_has_looks_of_its_own_way(drawn) -> None:
    case, stream = drawn[Kind.PAN_FRAME]  # the object's own way is not the camera's
    still = stream.fork().run(1, progress=False)
    prepared = PreparedCase(case, stream, tuple(still))

    looks = ScoredVideo(prepared.command, prepared.film(still)).looks

    overlaps = []
    for subject, drag in zip(case.subjects, prepared.measured, strict=True):
        mask = detect(prepared.before, subject.color, subject.kind).mask
        moved = regions.warp(mask, drag.motion.at(1)) >= 0.5
        overlaps.append((mask & moved).sum() / (mask | moved).sum())
    assert looks.target_iou == pytest.approx(np.mean(overlaps))
    assert measure(prepared, Method("none", None, "no drag")).leak is None
