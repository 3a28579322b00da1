"""Holds of live streams: dragged blocks while it plays, recorded as ordinary drags."""

import dataclasses
import math
import threading

import numpy as np
import pytest

import dragstream as ds
from dragstream.drags import regions
from dragstream.stream import Mode, Stream
from dragstream.stream.events import BlockMade, HoldsChanged, Iterated, Progress
from tests.stream.holding import QUICK, lively_step, on, replayed
from tests.stream.playing import PATIENCE


def pull(live, moves):
    """Hold a region, move it once a block, and pause after the last move's block."""
    hold = live.hold(regions.disc((20, 16), 6), settings=QUICK)
    moves = list(moves)

    def next_move(event):
        if event.step != 0:
            return
        if moves:
            hold.move_to(*moves.pop(0))
        else:
            live.pause()

    on(live, Progress, next_move)
    live.start()
    assert live.wait(PATIENCE)
    return hold


def test_each_block_is_an_ordinary_drag_to_where_the_pointer_was(lively, two, trace):
    stream = two.fork()
    hold = pull(lively(stream), [(22, 16), (26, 14), (26, 18)])
    first, second, third = stream.blocks[2:5]
    assert [block.mode for block in (first, second, third)] == [Mode.ANIMATE] * 3
    (drag,) = first.drags
    assert drag.region == regions.disc((20, 16), 6)
    assert drag.source is None
    assert drag.motion.center == (20, 16)
    assert [pose[:2] for pose in drag.motion.poses] == [(0.667, 0), (1.333, 0), (2, 0)]
    (drag,) = second.drags
    assert drag.source == ds.Memory(1, regions.disc((20, 16), 6))
    landed = [drag.motion.at(share / 3).apply(drag.motion.center) for share in (1, 2, 3)]
    assert np.allclose(landed[-1], (26, 14), atol=2e-3)
    assert trace(replayed(stream, 2)) == trace(stream)
    assert hold.active


def test_the_blocks_survive_an_archive_and_a_script(lively, model, trace, tmp_path):
    stream = Stream(model, "red ball", seed=7)
    stream.run(2, progress=False)
    hold = pull(lively(stream), [(22, 16), (26, 14)])
    hold.turn_to(20)
    hold.scale_to(1.25)
    lived = lively_step(stream)
    restored = Stream.restore(stream.save(tmp_path / "take"), model)
    assert trace(restored) == trace(stream)
    names = {"given": model}
    exec(stream.to_code(model="given"), names)  # noqa: S102
    assert trace(names["stream"]) == trace(stream)
    assert lived.motion.poses[-1][2:] == (20, 1.25)


def test_frame_wise_models_follow_every_latent_frame(lively, tiny, trace):
    stream = Stream(tiny(frames=1), "red ball", seed=7)
    stream.run(2, progress=False)
    pull(lively(stream), [(22, 16), (25, 14)])
    first, second = (block.drags[0] for block in stream.blocks[2:4])
    assert first.motion.poses == ((2, 0, 0, 1),)
    assert len(second.motion.poses) == 1
    assert second.motion.at(1).apply(second.motion.center) == pytest.approx((25, 14), abs=2e-3)
    assert trace(replayed(stream, 2)) == trace(stream)


def test_several_holds_pull_at_once_and_keep_their_regions(lively, two, trace):
    stream = two.fork()
    live = lively(stream)
    keep = regions.box(0, 24, 48, 32)
    left = live.hold(regions.disc((12, 12), 5), keep=keep)
    pin = live.pin(regions.box(34, 4, 44, 14))
    left.move_to(12, 22)  # into what is kept
    live.step()
    assert live.wait(PATIENCE)
    live.step()
    assert live.wait(PATIENCE)
    first, second = stream.blocks[2:]
    assert [len(block.drags) for block in (first, second)] == [2, 2]
    assert first.keep == keep
    assert first.drags[1].motion.poses == ((0, 0, 0, 1),) * 3
    size = (32, 48)
    held = [regions.rasterise(drag.region, *size) for drag in second.drags]
    kept = regions.rasterise(second.keep, *size)
    assert not (kept & held[0]).any()
    assert (kept | held[0])[24:].all()
    assert live.holds == (left, pin)
    assert (left.pinned, pin.pinned) == (False, True)
    assert trace(replayed(stream, 2)) == trace(stream)


# ------------------------------------------------------------------------------ late latching


def test_the_newest_position_before_the_drag_step_counts(lively, two):
    stream = two.fork()
    live = lively(stream)
    hold = live.hold(regions.disc((20, 16), 6), settings=QUICK)
    hold.move_to(28, 16)

    def nudge(event):  # the drag acts at step 1: the block has begun, its targets are open
        if event.step == 0:
            hold.move_to(20, 19)

    on(live, Progress, nudge)
    live.step()
    assert live.wait(PATIENCE)
    poses = stream.blocks[2].drags[0].motion.poses
    # 8 px to the right and back to below: the way is divided into equal parts
    length = (8 + math.hypot(8, 3)) / 3
    assert np.allclose(poses[0][:2], (length, 0), atol=1e-3)
    assert poses[2][:2] == (0, 3)


def test_a_hold_joins_the_block_in_progress_before_its_drag_step(lively, two, trace):
    stream = two.fork()
    live = lively(stream)
    held = []

    def late(event):
        if not held and event.step == 0:
            held.append(live.hold(regions.disc((20, 16), 6), settings=QUICK))
            held[0].move_to(24, 16)

    on(live, Progress, late)
    on(live, Iterated, lambda _: live.pause())
    live.start()
    assert live.wait(PATIENCE)
    assert [block.mode for block in stream.blocks[2:]] == [Mode.ANIMATE]
    assert trace(replayed(stream, 2)) == trace(stream)


def test_a_hold_that_comes_too_late_drops_the_plain_block(lively, two):
    stream = two.fork()
    live = lively(stream)
    held = []

    def late(event):
        if not held and event.step == 2:
            held.append(live.hold(regions.disc((20, 16), 6), settings=QUICK))

    on(live, Progress, late)
    on(live, BlockMade, lambda _: live.pause())
    live.start()
    assert live.wait(PATIENCE)
    (block,) = stream.blocks[2:]
    assert block.drags[0].region == regions.disc((20, 16), 6)
    assert block.drags[0].source is None


def test_a_second_hold_does_not_disturb_a_dragged_block(lively, two, trace):
    stream = two.fork()
    live = lively(stream)
    first = live.hold(regions.disc((12, 16), 5), settings=QUICK)
    held = []

    def late(event):
        if not held and event.step == 2:
            held.append(live.hold(regions.disc((36, 16), 5), settings=QUICK))

    on(live, Progress, late)
    live.step()
    live.step()
    assert live.wait(PATIENCE)
    assert [len(block.drags) for block in stream.blocks[2:]] == [1, 2]
    # taken hold of in the frame that was shown, block 1, while block 2 was in the making
    assert stream.blocks[3].drags[1].source.block == 1
    assert live.holds == (first, held[0])
    assert trace(replayed(stream, 2)) == trace(stream)


def test_settings_that_count_from_the_first_step_start_the_block_again(lively, two, trace):
    stream = two.fork()
    stream.step()
    live = lively(stream)
    settings = ds.DragSettings.released(iterations=1)
    held = []

    def late(event):
        if not held and event.step == 0:
            held.append(live.hold(regions.disc((20, 16), 6), settings=settings))

    on(live, Progress, late)
    on(live, BlockMade, lambda _: live.pause())
    live.start()
    assert live.wait(PATIENCE)
    assert len(stream) == 4
    assert stream.blocks[3].settings.prediction_blocks == 2
    assert trace(replayed(stream, 3)) == trace(stream)


# ------------------------------------------------------------------------------- out of the frame


def test_an_object_that_left_the_frame_is_pulled_in_again(lively, two, trace):
    stream = two.fork()
    hold = pull(lively(stream), [(44, 16), (70, 16), (200, 16), (20, 16)])
    gone, back = stream.blocks[4].drags[0], stream.blocks[5].drags[0]
    assert hold.position == (20, 16)
    size = (32, 48)
    where = regions.warp(gone.mask(*size), gone.motion.at(1))
    assert not where.any()
    assert back.source == ds.Memory(1, regions.disc((20, 16), 6))
    target = back.origin(*size).then(back.motion.at(1)).apply((20, 16))
    assert np.allclose(target, (20, 16), atol=2e-3)
    assert trace(replayed(stream, 2)) == trace(stream)


# ---------------------------------------------------------------------------------------- events


def test_listeners_learn_of_each_change_and_the_latency(lively, two):
    stream = two.fork()
    live = lively(stream)
    threads, states = set(), []

    def listener(event):
        threads.add(threading.current_thread().name)
        states.append(event.holds)
        raise LookupError("listeners may fail")

    on(live, HoldsChanged, listener)
    hold = live.hold(regions.disc((20, 16), 6), at=(22, 16))
    hold.move_to(25, 16)
    live.step()
    assert live.wait(PATIENCE)
    live.step()
    assert live.wait(PATIENCE)
    hold.release()
    live.step()
    assert live.wait(PATIENCE)
    assert threads == {"LiveStream"}
    began, moved, rested = states[0][0], *[each[0] for each in states if each][-2:]
    assert (began.id, began.at, began.latency) == (hold.id, (22, 16), None)
    assert moved.position == (25, 16)
    assert 0 < moved.latency < PATIENCE
    assert rested.latency is None
    assert states[-1] == ()


def test_a_hold_tells_where_it_is(lively, two):
    live = lively(two.fork())
    hold = live.hold(regions.disc((20, 16), 6), at=(22, 16))
    assert (hold.at, hold.position, hold.degrees, hold.factor) == ((22, 16), (22, 16), 0, 1)
    hold.move_to(30, 10)
    hold.turn_to(-15)
    hold.scale_to(2)
    assert (hold.position, hold.degrees, hold.factor) == ((30, 10), -15, 2)
    assert hold.at == (22, 16)
    assert hold.region == regions.disc((20, 16), 6)


# ------------------------------------------------------------------------------------ validation


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"region": regions.disc((200, 200), 6)}, "region: the region covers no pixel"),
        ({"keep": regions.box(0, 0, 48, 32)}, "region lies inside keep with 113 of its 113"),
        ({"keep": regions.box(90, 0, 99, 9)}, "keep: the region covers no pixel"),
        ({"at": (500, 0)}, "at must lie at most one frame outside"),
        ({"at": (math.inf, 0)}, "the x of at must be finite"),
        ({"settings": ds.DragSettings(layers=(9,))}, "layers"),
    ],
)
def test_what_cannot_be_held_is_refused(lively, two, arguments, message):
    live = lively(two.fork())
    given = {"region": regions.disc((20, 16), 6), **arguments}
    with pytest.raises(ValueError, match=message):
        live.hold(given.pop("region"), given.pop("at", None), **given)
    assert live.holds == ()


class Half(regions.Shape):
    """A shape of someone's own, which no one else can move."""

    def paint(self, height, width):
        return np.arange(width) < np.full((height, 1), width // 2)


@pytest.mark.parametrize("region", [Half(), "disc", None])
def test_what_is_no_known_region_is_refused(lively, two, region):
    live = lively(two.fork())
    with pytest.raises(TypeError, match="region"):
        live.hold(region)
    assert live.holds == ()


def test_a_model_that_makes_no_further_block_holds_nothing(lively, tiny):
    model = tiny()
    model.spec = dataclasses.replace(model.spec, most_blocks=1)
    stream = Stream(model, "red ball", seed=7)
    stream.step()
    with pytest.raises(ValueError, match="no next block for a hold"):
        lively(stream).hold(regions.disc((20, 16), 6))


def test_a_stream_without_blocks_holds_nothing(lively, stream):
    with pytest.raises(ValueError, match="nothing to hold yet"):
        lively(stream).pin(regions.disc((20, 16), 6))


@pytest.mark.parametrize(
    ("method", "value"),
    [("move_to", (math.nan, 0)), ("turn_to", (math.inf,)), ("scale_to", (0,))],
)
def test_moves_are_checked(lively, two, method, value):
    hold = lively(two.fork()).hold(regions.disc((20, 16), 6))
    with pytest.raises(ValueError, match="must be"):
        getattr(hold, method)(*value)
    assert hold.position == pytest.approx((20, 16))


def test_moves_from_many_threads_are_all_within_bounds(lively, two):
    stream = two.fork()
    hold = lively(stream).hold(regions.disc((20, 16), 6))

    def move(start):
        for index in range(400):
            hold.move_to(20 + (start + index) % 5, 16)

    threads = [threading.Thread(target=move, args=(start,)) for start in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    hold.move_to(23, 16)
    assert lively_step(stream).motion.poses[-1][:2] == (3, 0)
