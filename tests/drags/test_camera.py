"""A movement of the camera beside drags of objects."""

from __future__ import annotations

import numpy as np
import pytest

import dragstream
from dragstream.drags import Camera, regions, with_camera
from dragstream.drags.camera import _paint
from dragstream.drags.documents import from_json, to_json
from dragstream.drags.expressions import drag_expression, render
from dragstream.drags.geometry import Affine
from dragstream.drags.motions import Drag, Path, Rotation, Scale, Translation, targets, validate

SIZE = (41, 61)
MIDDLE = (30, 20)
WALL = regions.box(26, 12, 50, 30)
BALL = Drag(regions.disc((20, 20), 5), Translation.by(10, 0))


def test_the_scene_moves_against_the_camera() -> None:
    camera = Camera(pan=(6, -2), zoom=2, roll=90)

    target = camera.in_frame(*SIZE).at(1)

    # five pixels to the right of the middle: ten after the zoom, above it after the roll
    np.testing.assert_allclose(target.apply((35, 20)), (30 - 6, 10 + 2))
    np.testing.assert_allclose(target.apply(MIDDLE), (24, 22))


def test_a_camera_is_a_motion_about_the_middle_of_a_frame() -> None:
    camera = Camera(zoom=2, roll=9)
    with pytest.raises(ValueError, match=r"needs a centre: camera.in_frame\(height, width\)"):
        camera.at(1)

    placed = camera.in_frame(*SIZE)

    assert placed == Camera(zoom=2, roll=9, center=MIDDLE) == placed.in_frame(7, 7)
    assert Camera(pan=(4, 0)).at(1) == Affine.translation(-4, 0)
    halfway = Scale(MIDDLE, [2]).partway(1, 0.5).then(Rotation(MIDDLE, -4.5).at(1))
    np.testing.assert_allclose(placed.partway(1, 0.5).matrix, halfway.matrix)
    assert Camera(pan=(4, 0), ease="ease_in", frames=6).at(0.5) == Affine.translation(-1, 0)


def test_pictures_show_where_the_frame_will_lie() -> None:
    outline, way = Camera(pan=(8, 0), zoom=2).sketch(np.ones(SIZE, bool), 3).lines

    # half as wide and high, four pixels to the right: eight in pixels of the final size
    np.testing.assert_allclose(outline.points[0], (30 + 4 - 15.25, 20 - 10.25))
    np.testing.assert_allclose(outline.points[2], (30 + 4 + 15.25, 20 + 10.25))
    np.testing.assert_allclose((way.points[0], way.points[-1]), (MIDDLE, (34, 20)))


@pytest.mark.parametrize(
    "camera",
    [
        Camera((3, -2), 1.25, 9, ease="ease_out", frames=4, center=(2, 3.5)),
        Camera(roll=-4),
        Camera((0.1, 0)),
    ],
)
def test_cameras_are_written_as_json_and_as_source(camera) -> None:
    drag = Drag(BALL.region, camera)

    assert from_json(to_json([drag]))[0] == [drag]
    assert eval(render(drag_expression(drag)), {"ds": dragstream}) == drag  # noqa: S307


def test_a_kept_region_goes_with_the_scene() -> None:
    camera, sign = Camera(pan=(8, 0)), regions.box(40, 4, 52, 12)

    drags = with_camera([BALL], camera, *SIZE, keep=sign)

    ground, kept, ball = drags
    masks = validate(drags, None, *SIZE)
    assert (masks[1] == regions.rasterise(sign, *SIZE)).all()
    assert not (masks[0] & masks[1]).any()
    assert kept.motion == ground.motion
    arrived = regions.warp(masks[1], kept.motion.at(1)) > 0.5
    assert (arrived == regions.rasterise(regions.box(32, 4, 44, 12), *SIZE)).all()
    assert ball == with_camera([BALL], camera, *SIZE)[1]


def test_a_kept_region_stays_in_the_frame() -> None:
    camera, caption = Camera(pan=(8, 0)), regions.box(20, 30, 40, 38)

    drags = with_camera([], camera, *SIZE, keep=caption, keep_relative="frame")

    mask, kept = validate(drags, None, *SIZE)
    assert (kept == regions.rasterise(caption, *SIZE)).all()
    assert all(target == Affine.identity() for target in targets(drags[1].motion, 3))
    gone = regions.rasterise(regions.box(20, 30, 48, 38), *SIZE)  # and what would come behind it
    assert (mask == ~gone).all()
    _, kept, _ = with_camera([BALL], camera, *SIZE, keep=WALL, keep_relative="frame")
    assert not kept.mask(*SIZE)[20, 26]  # the ball comes to x = 27 in the frame
    assert kept.mask(*SIZE)[20, 29:50].all()


def test_objects_cover_what_is_kept_in_the_scene() -> None:
    _, kept, _ = with_camera([BALL], Camera(pan=(8, 0)), *SIZE, keep=WALL)

    mask = kept.mask(*SIZE)
    assert not mask[20, 26:35].any()  # the ball comes to x = 35 in the scene
    assert mask[20, 37:50].all()
    assert mask[12:14].sum() == 48
    with pytest.raises(ValueError, match=r"the handle of drags\[0\] lies inside keep"):
        with_camera([BALL], Camera(pan=(8, 0)), *SIZE, keep=regions.box(20, 20, 30, 30))


@pytest.mark.parametrize("goes_with", ["scene", "frame"])
def test_a_kept_region_that_an_object_hides_is_no_drag(goes_with) -> None:
    small = regions.disc((29, 20), 2)  # on the ball's way
    drags = with_camera(
        [BALL], Camera(pan=(3, 0)), *SIZE, relative="frame", keep=small, keep_relative=goes_with
    )
    assert [type(drag.motion).__name__ for drag in drags] == ["Camera", "Translation"]


def test_each_object_may_have_its_own_choice() -> None:
    other = Drag(regions.box(44, 25, 52, 33), Translation.by(-3, 0))

    _, ball, box = with_camera([BALL, other], Camera((4, 0)), *SIZE, relative=["frame", "scene"])

    assert ball == BALL
    assert box.motion.at(1) == Affine.translation(-7, 0)
    with pytest.raises(ValueError, match="relative must be one for each of 1 drags, got 2"):
        with_camera([BALL], Camera((4, 0)), *SIZE, relative=["frame", "scene"])


def test_objects_move_in_the_scene_or_in_the_frame() -> None:
    camera = Camera(pan=(4, 0))

    ground, scene = with_camera([BALL], camera, *SIZE)
    same, frame = with_camera([BALL], camera, *SIZE, relative="frame")

    assert scene.motion.at(1) == Affine.translation(6, 0)
    assert frame == BALL
    assert ground.motion == same.motion
    assert ground.motion.at(1) == Affine.translation(-4, 0)


@pytest.mark.parametrize("relative", ["scene", "frame"])
@pytest.mark.parametrize("camera", [Camera(pan=(9, 3)), Camera(zoom=1.3), Camera(roll=20)])
def test_ground_and_objects_never_share_a_target(camera, relative) -> None:
    other = Drag(regions.box(40, 5, 50, 15), Rotation((45, 10), 30))
    drags = with_camera([BALL, other], camera, *SIZE, relative=relative)

    masks = validate(drags, None, *SIZE)

    assert 0.6 < masks[0].mean() < 0.9
    for share in (0, 0.25, 0.5, 1):
        ground, *objects = (
            regions.warp(mask, drag.motion.at(share)) > 0.5
            for mask, drag in zip(masks, drags, strict=True)
        )
        assert not (ground & np.any(objects, axis=0)).any()


def test_pinned_ways_are_left_free_in_their_own_time() -> None:
    pinned = Drag(BALL.region, Translation(Path.polyline([(0, 0), (12, 0)], frames=[0, 2])))
    camera = Camera(pan=(0, 12), frames=4)

    ground, ball = with_camera([pinned], camera, *SIZE, relative="frame")

    masks = validate([ground, ball], None, *SIZE)
    for frame in range(5):
        there = [drag.motion.at(min(1.0, frame / drag.motion.duration)) for drag in (ground, ball)]
        first, second = (
            regions.warp(mask, place) > 0.5 for mask, place in zip(masks, there, strict=True)
        )
        assert not (first & second).any()


def test_objects_that_cover_the_frame_leave_nothing_to_move() -> None:
    with pytest.raises(ValueError, match="keep cover the frame"):
        with_camera([Drag(regions.box(0, 0, 61, 41), BALL.motion)], Camera(roll=5), *SIZE)


def test_zoomed_objects_go_to_their_place_in_the_zoomed_scene() -> None:
    _, ball = with_camera([BALL], Camera(zoom=2), *SIZE)

    # (20, 20) goes to (30, 20), the middle, which a zoom leaves in place
    np.testing.assert_allclose(ball.motion.at(1).apply((20, 20)), MIDDLE)
    np.testing.assert_allclose(ball.motion.at(1).apply((25, 20)), (40, 20))


def test_pinned_objects_keep_their_times() -> None:
    pinned = Drag(BALL.region, Translation(Path.polyline([(0, 0), (8, 0)], frames=[0, 2])))
    with pytest.raises(ValueError, match=r"drags\[0\] is pinned to latent frames, so the camera"):
        with_camera([pinned], Camera(pan=(0, 4)), *SIZE)

    _, ball = with_camera([pinned], Camera(pan=(0, 4), frames=4), *SIZE)

    assert [target.apply((0, 0)).tolist() for target in targets(ball.motion, 4)] == [
        [4, -1],
        [8, -2],
        [8, -3],
        [8, -4],
    ]


def test_a_camera_alone_is_one_drag_and_is_written_as_json() -> None:
    (alone,) = with_camera([], Camera(zoom=1.5, roll=3), *SIZE)
    drags = [alone, *with_camera([BALL], Camera(pan=(3, 3)), *SIZE)]

    assert from_json(to_json(drags))[0] == drags


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (Camera, ValueError, "a camera must move"),
        (lambda: Camera(zoom=0), ValueError, "zoom must be above 0"),
        (lambda: Camera(pan=4), TypeError, "pan must be a pair"),
        (lambda: Camera(roll=4, frames=0), ValueError, "frames must be above 0"),
        (lambda: Camera(roll=4, ease="soon"), ValueError, "ease must be one of"),
        (lambda: with_camera([], (4, 0), *SIZE), TypeError, "camera must be a Camera"),
        (lambda: with_camera([4], Camera(roll=4), *SIZE), TypeError, r"drags\[0\] must be a Drag"),
        (
            lambda: with_camera([], Camera(roll=4), *SIZE, relative="world"),
            ValueError,
            "relative must be 'scene' or 'frame', got 'world'",
        ),
        (
            lambda: with_camera([BALL], Camera(roll=4), *SIZE, relative=None),
            ValueError,
            "relative must be 'scene' or 'frame', got None",
        ),
    ],
)
def test_bad_arguments(call, error, text) -> None:
    with pytest.raises(error, match=text):
        call()


def test_ways_are_painted_as_regions_are_warped() -> None:
    mask = regions.rasterise(regions.disc((12, 30), 9) - regions.disc((12, 30), 4), *SIZE)
    for affine in (
        Affine.rotation((30, 20), 40).then(Affine.translation(3.3, -7.2)),
        Camera(zoom=3, center=(12, 30)).at(1),
        Affine.translation(-300, 0),
    ):
        covered = np.zeros(SIZE, bool)

        _paint(covered, mask, affine)

        assert (covered == (regions.warp(mask, affine) > 1e-5)).all()
