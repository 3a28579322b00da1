from __future__ import annotations

import json

import pytest

from dragstream import method
from dragstream.method.base import DragMethod
from dragstream.method.baselines import SGI2V, CutAndPaste, DragVideo, TimeToMove
from dragstream.method.documents import method_from_json
from dragstream.method.settings import DragSettings


@pytest.mark.parametrize(
    "chosen",
    [
        DragSettings.released(),
        SGI2V(layers=(1, 2), cutoff=0.3),
        DragVideo(points=2, learning_rate=0.02),
        CutAndPaste(hole="model"),
        TimeToMove(denoising_step=2, held_steps=3),
    ],
)
def test_every_method_comes_back_from_its_document(chosen):
    assert isinstance(chosen, DragMethod)
    assert method_from_json(json.loads(json.dumps(chosen.to_json()))) == chosen


def test_documents_of_settings_need_no_name():
    assert method_from_json({"iterations": 2}) == DragSettings.paper(iterations=2)


@pytest.mark.parametrize(
    ("data", "error", "said"),
    [
        ({"method": "magic"}, ValueError, "TimeToMove, got 'magic'"),
        ({"method": ["SGI2V"]}, ValueError, "method must be one of"),
        ({"method": "SGI2V", "points": 3}, ValueError, r"unknown fields \['points'\]"),
        ({"method": "DragVideo", "points": "3"}, TypeError, "points"),
        ([], TypeError, "dictionary"),
    ],
)
def test_bad_documents_are_refused(data, error, said):
    with pytest.raises(error, match=said):
        method_from_json(data)


def test_the_room_offers_every_name_that_it_lists():
    for name in method.__all__:
        assert getattr(method, name).__name__ == name
