"""When a hold of a live stream lets go, and that it goes on beside pauses and commands."""

import pytest

from dragstream.drags import regions
from dragstream.stream import LiveStream, Mode
from dragstream.stream.events import HoldsChanged, Iterated, Progress, Status
from tests.stream.holding import QUICK, lively_step, on, replayed
from tests.stream.playing import PATIENCE


def collect(live, kind):
    events = []
    on(live, kind, events.append)
    return events


# ------------------------------------------------------------------------------------ letting go


def test_moves_before_a_release_still_pull_one_block(lively, two):
    stream = two.fork()
    live = lively(stream)
    hold = live.hold(regions.disc((20, 16), 6), settings=QUICK)
    hold.move_to(26, 16)
    hold.release()
    hold.release()
    assert not hold.active
    assert live.holds == ()
    live.step()
    live.step()
    assert live.wait(PATIENCE)
    assert [len(block.drags) for block in stream.blocks[2:]] == [1, 0]
    with pytest.raises(RuntimeError, match="take hold of the object again"):
        hold.move_to(1, 1)


def test_a_click_drags_nothing(lively, two):
    stream = two.fork()
    live = lively(stream)
    live.hold(regions.disc((20, 16), 6), settings=QUICK).release()
    live.pin(regions.disc((20, 16), 6))
    live.release()
    live.step()
    assert live.wait(PATIENCE)
    assert stream.blocks[2].mode is Mode.STEP


def released(live, act, *, wait=True):
    """A hold with moves, after something else happened."""
    hold = live.hold(regions.disc((20, 16), 6), settings=QUICK)
    hold.move_to(24, 16)
    act()
    if wait:
        assert live.wait(PATIENCE)
    return hold


def test_a_rewind_lets_go(lively, two):
    stream = two.fork()
    live = lively(stream)
    hold = released(live, lambda: live.rewind(1))
    assert not hold.active
    live.step()
    assert live.wait(PATIENCE)
    assert not stream.blocks[1].drags
    other = released(live, lambda: stream.rewind(1), wait=False)  # while paused, by the stream
    assert not other.active


def test_the_end_lets_go_and_a_start_does_not_take_hold_again(lively, two):
    stream = two.fork()
    live = lively(stream)
    states = collect(live, HoldsChanged)
    hold = released(live, live.stop, wait=False)
    assert not hold.active
    assert states[-1].holds == ()
    assert live.status is Status.STOPPED
    live.step()
    assert live.wait(PATIENCE)
    assert not stream.blocks[2].drags


def test_an_error_lets_go_and_leaves_the_stream_as_it_was(lively, two, trace, monkeypatch):
    stream = two.fork()
    before = trace(stream)
    live = lively(stream)

    def fail(*_):
        raise MemoryError("no room")

    monkeypatch.setattr(stream.model, "commit", fail)
    hold = live.hold(regions.disc((20, 16), 6), settings=QUICK)
    live.step()
    with pytest.raises(RuntimeError, match="no room"):
        live.wait(PATIENCE)
    assert not hold.active
    assert trace(stream) == before


def test_stop_drops_the_dragged_block_in_progress(lively, two, trace):
    stream = two.fork()
    before = trace(stream)
    live = lively(stream)
    hold = live.hold(regions.disc((20, 16), 6), settings=QUICK)
    on(live, Iterated, lambda _: live.stop())
    live.start()
    live.wait(PATIENCE)
    assert not hold.active
    assert trace(stream) == before


# --------------------------------------------------------------------------- beside other calls


def test_pause_keeps_holds_and_finishes_the_dragged_block(lively, two):
    stream = two.fork()
    live = lively(stream)
    hold = live.hold(regions.disc((20, 16), 6), settings=QUICK)
    hold.move_to(23, 16)
    on(live, Iterated, lambda _: live.pause())
    live.start()
    assert live.wait(PATIENCE)
    assert len(stream.blocks) == 3
    assert hold.active
    hold.move_to(26, 16)
    assert lively_step(stream).motion.poses[-1].dx == pytest.approx(
        26 - stream.blocks[3].drags[0].motion.center[0], abs=2e-3
    )


def test_a_block_that_is_dropped_before_its_drag_loses_no_moves(lively, two):
    stream = two.fork()
    live = lively(stream)
    hold = live.hold(regions.disc((20, 16), 6), settings=QUICK)
    hold.move_to(23, 16)
    once = iter([live.pause])
    on(live, Progress, lambda _: next(once, lambda: None)())
    live.start()
    assert live.wait(PATIENCE)
    assert len(stream.blocks) == 2
    hold.move_to(26, 16)
    assert [pose.dx for pose in lively_step(stream).motion.poses] == [2, 4, 6]


def test_commands_run_in_between_and_holds_go_on(lively, two, drags, trace):
    stream = two.fork()
    live = lively(stream)
    hold = live.hold(regions.disc((14, 12), 6), settings=QUICK)
    live.edit(drags[:1])
    live.animate(drags[1:])
    assert live.wait(PATIENCE)
    assert hold.active
    (drag,) = (lively_step(stream),)
    edited, animated, held = stream.blocks[1:]
    assert [block.mode for block in (edited, animated, held)] == [
        Mode.EDIT,
        Mode.ANIMATE,
        Mode.ANIMATE,
    ]
    # the edit changed what was held: it is the reference now, as it looks in the edited frame
    assert drag.source.block == 1
    expected = two.fork()
    expected.edit(drags[:1])
    expected.animate(drags[1:])
    expected.animate([drag], keep=held.keep, settings=held.settings)
    assert trace(expected) == trace(stream)


def test_holds_go_on_from_blocks_that_the_stream_makes_itself(lively, two, trace):
    stream = two.fork()
    live = lively(stream)
    hold = live.hold(regions.disc((20, 16), 6), settings=QUICK)
    assert live.wait(PATIENCE)
    stream.step()
    assert hold.active
    assert lively_step(stream).source.block == 1
    assert trace(replayed(stream, 2)) == trace(stream)


def test_a_fork_holds_nothing(lively, two):
    stream = two.fork()
    live = lively(stream)
    live.hold(regions.disc((20, 16), 6), settings=QUICK)
    branch = stream.fork()
    assert LiveStream.of(branch).holds == ()
    branch.step()
    assert not branch.blocks[2].drags
