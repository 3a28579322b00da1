"""Undo and redo of a canvas without a page."""

from __future__ import annotations

import pytest

from dragstream.widgets.canvas_document import LONGEST, History


@pytest.fixture
def history():
    return History("nothing")


def name(history):
    return history.scene


def test_back_forth_and_something_else(history):
    for letter in "abc":
        history.add(letter)
    history.back()
    history.back()
    assert name(history) == "a"
    history.forth()
    assert name(history) == "b"
    history.add("d")
    with pytest.raises(RuntimeError, match="nothing to redo"):
        history.forth()
    history.back()
    history.back()
    history.back()
    with pytest.raises(RuntimeError, match="nothing to undo"):
        history.back()
    assert name(history) == "nothing"


def test_numbers_differ_however_quickly_steps_come(history):
    numbers = {history.number}
    for _ in range(20):
        history.add("x")
        numbers.add(history.number)
    assert len(numbers) == 21


def test_steps_of_another_are_known_by_their_numbers(history):
    history.follow(7, "a")
    history.follow(9, "b")
    history.follow(7, "a")
    history.follow(7, "a")
    history.forth()
    assert name(history) == "b"
    history.follow(7, "a2")
    assert (history.number, name(history)) == (7, "a2")
    history.follow(7, "a3")  # more of the same step: nothing is left to redo
    with pytest.raises(RuntimeError):
        history.forth()
    history.back()
    assert name(history) == "nothing"


def test_the_oldest_are_forgotten(history):
    for number in range(1, LONGEST + 51):
        history.add(number)
    for _ in range(LONGEST):
        history.back()
    assert name(history) == 50
    with pytest.raises(RuntimeError):
        history.back()
