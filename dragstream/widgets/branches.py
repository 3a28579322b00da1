"""`Tree`: the branches of a session as a value: names, parents and points of divergence."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from dragstream.drags.checks import check_int, check_kind, short_repr

if TYPE_CHECKING:
    from dragstream.stream.records import Block

ROOT = "main"
"""Name of the first branch."""

LONGEST = 40
"""Characters that a name may have."""


@dataclass(frozen=True)
class Branch:
    """One line of a video's history."""

    name: str  # no two branches share one
    parent: str | None  # the branch that it was forked from; None for the first
    at: int  # blocks in common with its parent when it was forked


@dataclass(frozen=True)
class Tree:
    """All branches, oldest first, and which of them is the current one.

    Every method returns another tree, and raises before it does anything.
    """

    branches: tuple[Branch, ...] = (Branch(ROOT, None, 0),)
    current: str = ROOT

    @property
    def names(self) -> tuple[str, ...]:
        """The names, oldest branch first."""
        return tuple(branch.name for branch in self.branches)

    def fork(self, at: int, name: str | None = None) -> Tree:
        """With a new current branch that shares `at` blocks with the one before; None: any name."""
        chosen = self._free_name() if name is None else self._new_name(name)
        branch = Branch(chosen, self.current, check_int(at, "at", least=0))
        return Tree((*self.branches, branch), chosen)

    def switch(self, name: str) -> Tree:
        """With another branch as the current one."""
        return replace(self, current=self.known(name))

    def rename(self, name: str, to: str) -> Tree:
        """With another name for a branch."""
        old = self.known(name)
        if to == old:
            return self
        called: dict[str | None, str] = {old: self._new_name(to)}
        branches = (
            replace(
                branch,
                name=called.get(branch.name, branch.name),
                parent=called.get(branch.parent, branch.parent),
            )
            for branch in self.branches
        )
        return Tree(tuple(branches), called.get(self.current, self.current))

    def remove(self, name: str) -> Tree:
        """Without a branch; those that were forked from it go to its parent.

        Without the first branch, the oldest of those forked from it takes its place.
        """
        gone = self._branch(self.known(name))
        if gone.name == self.current:
            raise ValueError(f"the current branch {gone.name!r} cannot be removed; switch first")
        children = [branch for branch in self.branches if branch.parent == gone.name]
        heir = children[0] if gone.parent is None and children else None
        adopted = {child.name: _adopt(child, gone, heir) for child in children}
        kept = (branch for branch in self.branches if branch.name != gone.name)
        return replace(self, branches=tuple(adopted.get(item.name, item) for item in kept))

    def known(self, name: object) -> str:
        """A name that a branch has."""
        if not isinstance(name, str) or name not in self.names:
            raise ValueError(f"there is no branch {short_repr(name)}, only {', '.join(self.names)}")
        return name

    def _branch(self, name: str) -> Branch:
        return next(branch for branch in self.branches if branch.name == name)

    def _free_name(self) -> str:
        numbers = range(len(self.branches) + 1, 2 * len(self.branches) + 2)
        return next(name for n in numbers if (name := f"branch {n}") not in self.names)

    def _new_name(self, given: object) -> str:
        name: str = check_kind(given, str, "a name")
        if not name.strip() or len(name) > LONGEST or not name.isprintable():
            raise ValueError(
                f"a name must be 1 to {LONGEST} printable characters, got {short_repr(name)}"
            )
        if name in self.names:
            raise ValueError(f"there is a branch {name!r} already")
        return name


def _adopt(child: Branch, gone: Branch, heir: Branch | None) -> Branch:
    """A branch whose parent is gone, under its grandparent or under its oldest sibling."""
    if heir is None:
        return replace(child, parent=gone.parent, at=min(child.at, gone.at))
    if child is heir:
        return replace(child, parent=None, at=0)
    return replace(child, parent=heir.name, at=min(child.at, heir.at))


def shared_blocks(ours: Sequence[Block], theirs: Sequence[Block]) -> int:
    """Number of blocks that two streams have in common from the start.

    A block never changes and neither does what came before it, so where both hold the same
    block, all earlier ones are the same too, and halving finds the last of them.
    """
    places = range(min(len(ours), len(theirs)))
    return bisect_left(places, 1, key=lambda place: int(ours[place] is not theirs[place]))
