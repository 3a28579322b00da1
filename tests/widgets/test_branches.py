"""The tree of branches."""

from __future__ import annotations

import pytest

from dragstream.widgets.branches import Branch, Tree, shared_blocks


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
        (lambda tree: tree.rename("nowhere", "a"), ValueError, "no branch 'nowhere'"),
        (lambda tree: tree.fork(1, "a").rename("a", "main"), ValueError, "'main' already"),
        (lambda tree: tree.rename("main", ""), ValueError, "printable"),
        (lambda tree: tree.rename("main", "a\u202eb"), ValueError, "printable"),
        (lambda tree: tree.rename("main", None), TypeError, "string"),
        (lambda tree: tree.remove("main"), ValueError, "current branch 'main'"),
    ],
)
def test_bad_changes(change, kind, complaint):
    with pytest.raises(kind, match=complaint):
        change(Tree())


def test_a_renamed_branch_keeps_its_place():
    tree = Tree().fork(4, "a").fork(2, "b")
    renamed = tree.rename("a", "<b>turned</b>")
    assert renamed.branches == (
        Branch("main", None, 0),
        Branch("<b>turned</b>", "main", 4),
        Branch("b", "<b>turned</b>", 2),
    )
    assert renamed.current == "b"
    assert tree.rename("b", "c").current == "c"
    assert tree.rename("b", "b") == tree
    assert tree.rename("main", "first").branches[1].parent == "first"


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
