"""The Studio's status line: which progress it tells."""

from types import SimpleNamespace

import pytest

from dragstream.stream.events import BlockMade, Iterated, Progress
from dragstream.widgets.figures import Activity


def made(seconds):
    return BlockMade(SimpleNamespace(timings=SimpleNamespace(total=seconds)))


@pytest.mark.parametrize(
    ("seconds", "doing"), [(0.4, None), (1.5, {"text": "block 7", "share": 0.75})]
)
def test_progress_is_told_of_slow_blocks_only(seconds, doing):
    activity = Activity()
    activity.update(made(seconds))
    activity.update(Progress(7, 2, 4))
    assert activity.doing == doing


def test_the_progress_of_a_first_block_is_told():
    activity = Activity()
    activity.update(Progress(0, 0, 4))
    assert activity.doing == {"text": "block 0", "share": 0.25}


def test_drag_iterations_are_told_of_all_blocks():
    activity = Activity()
    activity.update(made(0.4))
    activity.update(Iterated(7, SimpleNamespace(index=1)))
    assert activity.doing == {"text": "block 7, drag iteration 2", "share": None}
