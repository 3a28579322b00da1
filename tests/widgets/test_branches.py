"""The tree of branches, and how often a page is told."""

from __future__ import annotations

import pytest

from dragstream.widgets.branches import Branch, Tree, shared_blocks
from dragstream.widgets.pace import Pace


def test_forks_have_names_parents_and_places():
    tree = Tree().fork(4).fork(2, "take <b>").switch("main").fork(0)
    assert tree.branches == (
        Branch("main", None, 0),
        Branch("branch 2", "main", 4),
        Branch("take <b>", "branch 2", 2),
        Branch("branch 4", "main", 0),
    )
    assert tree.current == "branch 4"
    assert Tree().fork(1, "branch 3").fork(1).current == "branch 4"


@pytest.mark.parametrize(
    ("change", "kind", "complaint"),
    [
        (lambda tree: tree.fork(-1), ValueError, "at must be at least 0"),
        (lambda tree: tree.fork(1.5), TypeError, "at must be an integer"),
        (lambda tree: tree.fork(1, "main"), ValueError, "already"),
        (lambda tree: tree.fork(1, " "), ValueError, "printable"),
        (lambda tree: tree.fork(1, "x" * 41), ValueError, "printable"),
        (lambda tree: tree.fork(1, "a\nb"), ValueError, "printable"),
        (lambda tree: tree.fork(1, 3), TypeError, "string"),
        (lambda tree: tree.switch("nowhere"), ValueError, "no branch 'nowhere', only main"),
        (lambda tree: tree.switch(None), ValueError, "no branch None"),
        (lambda tree: tree.remove("main"), ValueError, "current branch 'main'"),
    ],
)
def test_bad_changes(change, kind, complaint):
    with pytest.raises(kind, match=complaint):
        change(Tree())


def test_a_removed_branch_hands_its_forks_on():
    tree = Tree().fork(6, "a").fork(4, "b").switch("a").fork(5, "c")
    rest = tree.remove("b")
    assert rest.names == ("main", "a", "c")
    tree = Tree().fork(6, "a").fork(4, "b").fork(9, "c")
    assert tree.remove("a").branches == (
        Branch("main", None, 0),
        Branch("b", "main", 4),
        Branch("c", "b", 9),
    )
    tree = Tree().fork(6, "a").switch("main").fork(8, "b")
    assert tree.remove("main").branches == (Branch("a", None, 0), Branch("b", "a", 6))
    assert Tree().fork(3, "a").remove("main") == Tree((Branch("a", None, 0),), "a")


def test_shared_blocks_are_counted_by_halving():
    blocks = [object() for _ in range(9)]
    other = [*blocks[:5], object(), object()]
    assert shared_blocks(blocks, other) == 5
    assert shared_blocks(blocks, blocks) == 9
    assert shared_blocks(blocks, []) == 0
    assert shared_blocks(blocks, [object()]) == 0
    assert shared_blocks(blocks, blocks[:3]) == 3


class Page:
    """Counts what it is told; its clock and its timers are its own."""

    def __init__(self):
        self.told = 0
        self.time = 0.0
        self.later = []
        self.pace = Pace(
            self.tell, 1.0, later=lambda *call: self.later.append(call), now=lambda: self.time
        )

    def tell(self):
        self.told += 1


def test_news_are_paced_and_the_last_is_told():
    page = Page()
    page.pace.ask()
    assert page.told == 1
    page.time = 0.25
    for _ in range(5):
        page.pace.ask()
    assert page.told == 1
    ((seconds, call),) = page.later
    assert seconds == 0.75
    page.time = 1.0
    call()
    assert page.told == 2
    page.time = 1.5
    page.pace.ask()
    assert page.told == 2
    assert page.later[1][0] == 0.5
    page.time = 2.0
    page.later[1][1]()
    page.time = 9.0
    page.pace.ask()
    assert page.told == 4
    assert len(page.later) == 2


def test_pace_keeps_nobody_alive():
    page = Page()
    pace, told = page.pace, page.told
    del page
    pace.ask()
    assert told == 0
